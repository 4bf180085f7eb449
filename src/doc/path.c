/* path.c - see path.h. */
#include "doc/path.h"

#include "doc/pointer.h"

enum { SHOWN_KEYS = 12, SHOWN_LENGTH = 60 };

static struct str shown(struct str s)
{
	return (struct str){ s.p, s.n > SHOWN_LENGTH ? SHOWN_LENGTH : s.n };
}

/* "a, b, c" or "a list of 3 items" */
static void describe(const struct node *n, struct buf *out)
{
	if (n->type == NODE_SEQ) {
		buf_printf(out, "a list of %zu items", node_count(n));
		return;
	}
	if (n->type != NODE_MAP) {
		buf_adds(out, "a single value");
		return;
	}
	buf_adds(out, node_count(n) ? "only: " : "nothing");
	for (size_t i = 0; i < node_count(n) && i < SHOWN_KEYS; i++)
		buf_printf(out, "%s%.*s", i ? ", " : "", STR_ARG(shown(n->map.pairs[i].key)));
	if (node_count(n) > SHOWN_KEYS)
		buf_adds(out, ", ...");
}

static int not_there(const struct node *at, struct str path, struct str rest, struct error *err)
{
	cleanup_buf struct buf has = BUF_INIT;
	size_t done = path.n - rest.n;
	describe(at, &has);
	return error_set(err, "there is no %.*s; %s%.*s%s has %s", STR_ARG(shown(path)), done ? "`" : "",
			 (int)done, path.p, done ? "`" : "the object", has.p);
}

/* What is between '[' and its ']'; quotes may hold any character. -1: it does not end. */
static int bracket(struct str *rest, struct str *inside, bool *quoted)
{
	struct str s = str_from(*rest, 1);
	char quote = s.n && (s.p[0] == '"' || s.p[0] == '\'') ? s.p[0] : '\0';
	*quoted = quote != '\0';
	if (quote)
		s = str_from(s, 1);
	size_t end = str_find(s, quote ? quote : ']', 0);
	if (end == SIZE_MAX)
		return -1;
	*inside = (struct str){ s.p, end };
	s = str_from(s, end + 1);
	if (quote && (s.n == 0 || s.p[0] != ']'))
		return -1;
	*rest = quote ? str_from(s, 1) : s;
	return 0;
}

/* The item of which `key` is a scalar written as `value`. */
static struct node *item_with(const struct node *seq, struct str key, struct str value)
{
	for (size_t i = 0; i < node_count(seq) && seq->type == NODE_SEQ; i++) {
		struct node *item = node_item(seq, i), *field = node_get_str(item, key);
		if (!field)
			continue;
		bool scalar = field->type == NODE_STRING || field->type == NODE_INT;
		if (scalar && str_eq(field->text, value))
			return item;
	}
	return NULL;
}

static struct node *in_bracket(const struct node *at, struct str inside, bool quoted)
{
	int64_t index;
	if (quoted || at->type == NODE_MAP)
		return node_get_str(at, inside);
	if (str_int64(inside, &index))
		return index >= 0 ? node_item(at, (size_t)index) : NULL;
	struct str value, key = str_cut(inside, '=', &value);
	return item_with(at, key, value);
}

static size_t name_length(struct str s)
{
	size_t n = 0;
	while (n < s.n && s.p[n] != '.' && s.p[n] != '[')
		n++;
	return n;
}

int path_find(const struct node *root, struct str path, struct node **out, struct error *err)
{
	const struct node *at = root;
	struct str rest = path;
	if (path.n && path.p[0] == '/') {
		*out = pointer_get(root, path);
		return *out ? 0 : not_there(root, path, path, err);
	}
	if (rest.n && rest.p[0] == '.')
		rest = str_from(rest, 1);
	while (rest.n) {
		struct str before = rest, inside;
		bool quoted = false;
		if (rest.p[0] == '[') {
			if (bracket(&rest, &inside, &quoted) < 0)
				return error_set(err, "%.*s: a `[` has no `]`", STR_ARG(shown(path)));
		} else {
			inside = (struct str){ rest.p, name_length(rest) };
			rest = str_from(rest, inside.n);
			quoted = true;
		}
		const struct node *next = in_bracket(at, inside, quoted);
		if (!next)
			return not_there(at, path, before, err);
		at = next;
		if (rest.n && rest.p[0] == '.')
			rest = str_from(rest, 1);
	}
	*out = (struct node *)at;
	return 0;
}
