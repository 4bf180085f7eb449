/* inventory.c - the text form of an inventory; see inventory.h. */
#include "deploy/inventory.h"

#include "base/vec.h"

#define HEADER "capstan-inventory/1\n"

static void add_hash(struct buf *out, struct hash h)
{
	char hex[HASH_HEX_LEN + 1];
	hash_hex(h, hex);
	buf_adds(out, hash_is_zero(h) ? "-" : hex);
}

void inventory_write(struct buf *out, const struct inventory *inv)
{
	buf_adds(out, HEADER);
	for (size_t i = 0; i < inv->n; i++) {
		const struct inventory_entry *e = &inv->entries[i];
		buf_add_str(out, e->key);
		buf_addc(out, ' ');
		buf_add_str(out, e->version);
		buf_addc(out, ' ');
		add_hash(out, e->desired);
		buf_addc(out, ' ');
		add_hash(out, e->live);
		buf_addc(out, '\n');
	}
}

/* Only what add_hash() writes: one text for each hash. */
static bool read_hash(struct str text, struct hash *out)
{
	char hex[HASH_HEX_LEN + 1];
	*out = (struct hash){ { 0 } };
	if (str_is(text, "-"))
		return true;
	if (!hash_from_hex(text, out) || hash_is_zero(*out))
		return false;
	hash_hex(*out, hex);
	return str_is(text, hex);
}

static bool is_printable(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return false;
	return str_utf8(text);
}

static bool read_line(struct arena *a, struct str line, struct inventory_entry *out)
{
	struct str rest;
	out->key = str_cut(line, ' ', &rest);
	out->version = str_cut(rest, ' ', &rest);
	struct str desired = str_cut(rest, ' ', &rest);
	if (!out->key.n || !is_printable(line) || !read_hash(desired, &out->desired) ||
	    !read_hash(rest, &out->live))
		return false;
	out->key = arena_str(a, out->key);
	out->version = arena_str(a, out->version);
	return true;
}

static int read_lines(struct arena *a, struct str text, struct inventory *out, struct error *err)
{
	size_t lines = 0;
	if (text.n && text.p[text.n - 1] != '\n')
		return error_set(err, "the last line is cut off");
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	if (lines > INVENTORY_ENTRIES_MAX)
		return error_set(err, "more than %d entries", INVENTORY_ENTRIES_MAX);
	out->entries = arena_array(a, struct inventory_entry, lines + 1);
	for (size_t number = 2; text.n; number++) {
		struct str line = str_cut(text, '\n', &text);
		struct inventory_entry *e = &out->entries[out->n];
		if (out->n > lines || !read_line(a, line, e))
			return error_set(err, "line %zu: is no entry of the form KEY VERSION HASH HASH",
					 number);
		if (out->n && str_cmp(e[-1].key, e->key) >= 0)
			return error_set(err, "line %zu: keys are not in order", number);
		out->n++;
	}
	return 0;
}

int inventory_read(struct arena *a, struct str text, struct inventory *out, struct error *err)
{
	*out = (struct inventory){ 0 };
	if (!str_starts(text, STR(HEADER)))
		return error_set(err, "line 1: is not \"capstan-inventory/1\"");
	return read_lines(a, str_from(text, sizeof(HEADER) - 1), out, err);
}

void inventory_chunks(struct arena *a, struct str text, size_t max, struct str **chunks, size_t *n)
{
	VEC(struct str) list = { 0 };
	cleanup_buf struct buf chunk = BUF_INIT;
	struct str rest = str_starts(text, STR(HEADER)) ? str_from(text, sizeof(HEADER) - 1) : text;
	buf_adds(&chunk, HEADER);
	while (rest.n) {
		struct str line = str_cut(rest, '\n', &rest);
		if (chunk.n > sizeof(HEADER) - 1 && chunk.n + line.n + 1 > max) {
			vec_push(&list, arena_str(a, buf_str(&chunk)));
			buf_clear(&chunk);
			buf_adds(&chunk, HEADER);
		}
		buf_add_str(&chunk, line);
		buf_addc(&chunk, '\n');
	}
	vec_push(&list, arena_str(a, buf_str(&chunk)));
	*chunks = arena_array(a, struct str, list.n);
	memcpy(*chunks, list.at, list.n * sizeof(*list.at));
	*n = list.n;
	vec_release(&list);
}
