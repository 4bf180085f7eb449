/* box_spec.c - the spec of a box as JSON: it goes from the process that wants the box to the one inside. */
#include "doc/json.h"
#include "base/hex.h"
#include "push/box_parts.h"

static struct node *texts(struct arena *a, const char *const *list)
{
	struct node *n = node_seq(a);
	for (; *list; list++)
		node_push(a, n, node_string(a, str_of(*list)));
	return n;
}

static void set(struct arena *a, struct node *map, const char *key, struct node *value)
{
	node_set(a, map, str_of(key), value);
}

static void set_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	if (text)
		set(a, map, key, node_string(a, str_of(text)));
}

static void set_number(struct arena *a, struct node *map, const char *key, uint64_t number)
{
	set(a, map, key, node_int_new(a, (int64_t)number));
}

static struct node *binds(struct arena *a, const struct box *box)
{
	struct node *list = node_seq(a);
	for (size_t i = 0; i < box->n_binds; i++) {
		struct node *one = node_map(a);
		set_text(a, one, "from", box->binds[i].from);
		set_text(a, one, "to", box->binds[i].to);
		set(a, one, "write", node_bool_new(a, box->binds[i].write));
		node_push(a, list, one);
	}
	return list;
}

/* Bytes that are no UTF-8 do not fit into JSON: hex. */
static struct node *hex(struct arena *a, struct str data)
{
	char *out = arena_alloc(a, data.n * 2 + 1);
	hex_write(data.p, data.n, out);
	return node_string(a, (struct str){ out, data.n * 2 });
}

static struct node *files(struct arena *a, const struct box *box)
{
	struct node *list = node_seq(a);
	for (size_t i = 0; i < box->n_files; i++) {
		struct node *one = node_map(a);
		set_text(a, one, "path", box->files[i].path);
		set(a, one, "data", hex(a, box->files[i].data));
		node_push(a, list, one);
	}
	return list;
}

void box_write(const struct box *box, struct buf *out)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct node *n = node_map(&a);
	set(&a, n, "argv", texts(&a, box->argv));
	set(&a, n, "env", texts(&a, box->env));
	set_text(&a, n, "dir", box->dir);
	set_text(&a, n, "overlay", box->overlay);
	set(&a, n, "binds", binds(&a, box));
	set(&a, n, "files", files(&a, box));
	set_number(&a, n, "network", (uint64_t)box->network);
	set_number(&a, n, "memory", box->memory_bytes);
	set_number(&a, n, "disk", box->disk_bytes);
	set_number(&a, n, "cpus", (uint64_t)box->cpus_milli);
	set_number(&a, n, "pids", box->pids_max);
	json_write(out, n);
}

static const char *text_at(struct arena *a, const struct node *map, const char *key)
{
	struct str text = node_text(node_get(map, key));
	return text.p ? arena_strndup(a, text.p, text.n) : NULL;
}

static uint64_t number_at(const struct node *map, const char *key)
{
	int64_t number = 0;
	return node_int(node_get(map, key), &number) ? (uint64_t)number : 0;
}

static const char *const *texts_at(struct arena *a, const struct node *map, const char *key)
{
	const struct node *list = node_get(map, key);
	const char **out = arena_array(a, const char *, node_count(list) + 1);
	for (size_t i = 0; i < node_count(list); i++) {
		struct str text = node_text(node_item(list, i));
		out[i] = arena_strndup(a, text.p ? text.p : "", text.n);
	}
	return out;
}

static struct str unhex(struct arena *a, struct str text)
{
	char *out = arena_alloc(a, text.n / 2 + 1);
	for (size_t i = 0; i + 1 < text.n; i += 2)
		out[i / 2] = (char)((hex_value(text.p[i]) & 15) << 4 | (hex_value(text.p[i + 1]) & 15));
	return (struct str){ out, text.n / 2 };
}

static void read_lists(struct arena *a, const struct node *n, struct box *out)
{
	const struct node *list = node_get(n, "binds");
	struct box_bind *to = arena_array(a, struct box_bind, node_count(list) + 1);
	out->n_binds = node_count(list);
	for (size_t i = 0; i < out->n_binds; i++) {
		const struct node *one = node_item(list, i);
		to[i] = (struct box_bind){ text_at(a, one, "from"), text_at(a, one, "to"),
					   node_bool(node_get(one, "write"), false) };
	}
	out->binds = to;
	list = node_get(n, "files");
	struct box_file *written = arena_array(a, struct box_file, node_count(list) + 1);
	out->n_files = node_count(list);
	for (size_t i = 0; i < out->n_files; i++) {
		const struct node *one = node_item(list, i);
		written[i] = (struct box_file){ text_at(a, one, "path"),
						unhex(a, node_text(node_get(one, "data"))) };
	}
	out->files = written;
}

int box_read(struct arena *a, struct str text, struct box *out, struct error *err)
{
	struct node *n;
	if (json_parse(a, text, true, &n, err) < 0)
		return -1;
	*out = (struct box){
		.argv = texts_at(a, n, "argv"),
		.env = texts_at(a, n, "env"),
		.dir = text_at(a, n, "dir"),
		.overlay = text_at(a, n, "overlay"),
		.network = (enum box_network)number_at(n, "network"),
		.memory_bytes = number_at(n, "memory"),
		.disk_bytes = number_at(n, "disk"),
		.cpus_milli = (int64_t)number_at(n, "cpus"),
		.pids_max = (uint32_t)number_at(n, "pids"),
	};
	read_lists(a, n, out);
	if (!out->argv[0])
		return error_set(err, "a box needs argv");
	return 0;
}
