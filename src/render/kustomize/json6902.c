/*
 * json6902.c - JSON patches, as evanphx/json-patch v4 applies them and not as RFC 6902 says: `replace` makes
 * a field that is not there, `copy` of none copies null, negative indexes count from the end, and a path need
 * not begin with a slash (what is before the first one is not looked at).
 */
#include "doc/json.h"
#include "doc/yaml.h"
#include "render/kustomize/patch.h"

/* --- reading --- */

/* Lines of a text within a file count from the file's beginning. */
static void shift_lines(struct node *n, uint32_t by)
{
	n->line += n->line ? by : 0;
	for (size_t i = 0; i < node_count(n); i++) {
		if (n->type == NODE_MAP && n->map.pairs[i].key_line)
			n->map.pairs[i].key_line += by;
		shift_lines(n->type == NODE_MAP ? n->map.pairs[i].value : n->seq.items[i], by);
	}
}

static int from_json(struct kbuild *b, const struct kres_text *from, struct node **out, struct error *err)
{
	if (json_parse(b->a, from->text, false, out, err)) {
		if (from->lines_before)
			return error_wrap(err, "%s:%u", from->file, from->lines_before);
		return error_wrap(err, "%s", from->file);
	}
	if (from->lines_before)
		shift_lines(*out, from->lines_before);
	return 0;
}

/* Only the first document counts: as upstream. */
static int from_yaml(struct kbuild *b, const struct kres_text *from, struct node **out, struct error *err)
{
	struct yaml_stream stream;
	*out = NULL;
	int rc = kyaml_parse(b, from, &stream, err);
	if (rc && (stream.n == 0 || stream.errors[0].line < stream.documents[0].line))
		return -1;
	if (stream.n)
		*out = stream.documents[0].root;
	return 0;
}

int kjson_patch_read(struct kbuild *b, const struct kres_text *from, struct kjson_patch *out,
		     struct error *err)
{
	bool json = from->text.n && from->text.p[0] == '[';
	const char *file = from->file;
	struct node *n;
	if (json ? from_json(b, from, &n, err) : from_yaml(b, from, &n, err))
		return -1;
	*out = (struct kjson_patch){ .operations = n, .file = file };
	if (!n)
		return 0;
	if (n->type != NODE_SEQ)
		return error_set(err, "%s:%u: a JSON patch is a list of operations", file, n->line);
	if (n->seq.n > KPATCH_OPERATIONS_MAX)
		return error_set(err,
				 "%s:%u: the JSON patch has more than %u operations (KPATCH_OPERATIONS_MAX)",
				 file, n->line, KPATCH_OPERATIONS_MAX);
	for (uint32_t i = 0; i < n->seq.n; i++) {
		const struct node *operation = n->seq.items[i];
		if (operation->type != NODE_MAP && operation->type != NODE_NULL)
			return error_set(err, "%s:%u: an operation is a map with op and path", file,
					 operation->line);
	}
	return 0;
}

/* --- applying --- */

struct apply {
	struct kbuild *b;
	struct node *root;
	const struct node *operation;
	const char *file, *step; /* of the patch */
	const struct kres *target;
	struct kid id; /* the target's, as it was */
	size_t moves;  /* elements moved, values copied, keys passed so far */
	struct error *err;
};

/* A place: what is in `in` at `key`. */
struct place {
	struct node *in;
	struct str key;
	unsigned depth; /* of in */
};

static bool is_null(const struct node *n)
{
	return !n || n->type == NODE_NULL;
}

static int fail(struct apply *p, const char *why)
{
	struct str op = node_text(node_get(p->operation, "op")),
		   path = node_text(node_get(p->operation, "path"));
	if (p->moves > KPATCH_MOVES_MAX)
		why = "the patch moves more than 200000000 values to and fro (KPATCH_MOVES_MAX)";
	return error_set(p->err, "%s:%u: `%.*s` of \"%.*s\" does not fit %s (%s:%u): %s", p->file,
			 p->operation->line, (int)(op.n > 40 ? 40 : op.n), op.p ? op.p : "",
			 (int)(path.n > 200 ? 200 : path.n), path.p ? path.p : "", kid_text(p->b->a, &p->id),
			 p->target->file, p->target->line, why);
}

/* ~1 is a slash, ~0 is ~. */
static struct str unescape(struct arena *a, struct str s)
{
	if (str_find(s, '~', 0) == SIZE_MAX)
		return s;
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		bool escaped = s.p[i] == '~' && i + 1 < s.n && (s.p[i + 1] == '0' || s.p[i + 1] == '1');
		p[n++] = !escaped ? s.p[i] : s.p[++i] == '0' ? '~' : '/';
	}
	return (struct str){ p, n };
}

/* The position that key stands for among n, as Go's Atoi reads it; -1: none. */
static int64_t index_of(struct str key, size_t n)
{
	int64_t i;
	bool plus = key.n > 1 && key.p[0] == '+' && key.p[1] != '-';
	if (!str_int64(plus ? str_from(key, 1) : key, &i))
		return -1;
	if (i < 0)
		i += (int64_t)n;
	return i >= 0 && i < (int64_t)n ? i : -1;
}

/* 0: *out is what is there, NULL when a map has no such key. 1: a list has no such place. */
static int get(struct apply *p, const struct place *at, struct node **out)
{
	*out = NULL;
	if (at->in->type == NODE_MAP) {
		p->moves += at->in->map.n / 16;
		*out = node_get_str(at->in, at->key);
		return 0;
	}
	int64_t i = index_of(at->key, at->in->seq.n);
	if (i < 0)
		return 1;
	*out = at->in->seq.items[i];
	return 0;
}

/* Where the text at `key` of the operation points to. 1: something on the way is missing. */
static int find_place(struct apply *p, const char *key, struct place *out)
{
	const struct node *pointer = node_get(p->operation, key);
	if (!node_is_string(pointer)) {
		fail(p,
		     strcmp(key, "path") == 0 ? "path is missing or no text" : "from is missing or no text");
		return -1;
	}
	struct str rest, first = str_cut(pointer->text, '/', &rest);
	if (first.n == pointer->text.n)
		return 1;
	*out = (struct place){ .in = p->root, .depth = 1 };
	for (;;) {
		bool last = str_find(rest, '/', 0) == SIZE_MAX;
		struct node *next;
		out->key = unescape(p->b->a, last ? rest : str_cut(rest, '/', &rest));
		if (last)
			return 0;
		if (get(p, out, &next) || is_null(next) || (next->type != NODE_MAP && next->type != NODE_SEQ))
			return 1;
		out->in = next;
		out->depth++;
	}
}

static int need_place(struct apply *p, const char *key, struct place *out)
{
	int rc = find_place(p, key, out);
	if (rc > 0)
		return fail(p, strcmp(key, "path") == 0 ? "the resource has no such path"
							: "the resource has nothing at from");
	return rc;
}

static size_t size_of(const struct node *n)
{
	size_t size = 1;
	for (size_t i = 0; i < node_count(n); i++)
		size += size_of(n->type == NODE_MAP ? n->map.pairs[i].value : n->seq.items[i]);
	return size;
}

static int spend(struct apply *p, size_t moves)
{
	p->moves += moves;
	if (p->moves > KPATCH_MOVES_MAX)
		return fail(p, "it is too much work");
	return kbuild_check_memory(p->b, p->err);
}

static void insert(struct apply *p, struct node *list, size_t i, struct node *value)
{
	node_push(p->b->a, list, value);
	memmove(list->seq.items + i + 1, list->seq.items + i,
		(list->seq.n - 1 - i) * sizeof(*list->seq.items));
	list->seq.items[i] = value;
}

/* Upstream's add: in a map also in place of what is there. */
static int put(struct apply *p, const struct place *at, struct node *value)
{
	if (at->depth + node_depth(value) > NODE_DEPTH_MAX)
		return fail(p, "it would be nested deeper than 256 levels");
	if (at->in->type == NODE_MAP) {
		node_set(p->b->a, at->in, at->key, value);
		return 0;
	}
	size_t n = at->in->seq.n;
	int64_t i = str_is(at->key, "-") ? (int64_t)n : index_of(at->key, n + 1);
	if (i < 0)
		return fail(p, "the list has no such place");
	if (spend(p, n - (size_t)i))
		return -1;
	insert(p, at->in, (size_t)i, value);
	return 0;
}

static int take_out(struct apply *p, const struct place *at)
{
	if (at->in->type == NODE_MAP)
		return node_del(at->in, at->key) ? 0 : fail(p, "there is nothing to remove");
	int64_t i = index_of(at->key, at->in->seq.n);
	if (i < 0)
		return fail(p, "the list has no such place");
	at->in->seq.n--;
	memmove(at->in->seq.items + i, at->in->seq.items + i + 1,
		(at->in->seq.n - (size_t)i) * sizeof(*at->in->seq.items));
	return spend(p, at->in->seq.n - (size_t)i);
}

/* The operation's value, anew, with its origin; what is there goes before it. No value is null. */
static struct node *new_value(struct apply *p, const struct node *before)
{
	const struct node *value = node_get(p->operation, "value");
	struct node *n = value ? node_copy(p->b->a, value) : node_null(p->b->a);
	if (!value)
		n->line = p->operation->line;
	node_set_origin(n, origin_step(p->b->origins, p->file, p->step, NULL));
	if (before)
		n->origin = origin_step(p->b->origins, p->file, p->step, before);
	return n;
}

static int do_add(struct apply *p)
{
	struct place at;
	struct node *before = NULL;
	if (need_place(p, "path", &at))
		return -1;
	if (at.in->type == NODE_MAP)
		get(p, &at, &before);
	return put(p, &at, new_value(p, before));
}

static int do_remove(struct apply *p)
{
	struct place at;
	return need_place(p, "path", &at) ? -1 : take_out(p, &at);
}

static int replace_root(struct apply *p)
{
	struct node *n = new_value(p, p->root);
	if (n->type != NODE_MAP)
		return fail(p, "the whole resource can only be replaced by a map");
	p->root = n;
	return 0;
}

static int do_replace(struct apply *p)
{
	struct place at;
	struct node *before;
	const struct node *path = node_get(p->operation, "path");
	if (node_is_string(path) && path->text.n == 0)
		return replace_root(p);
	if (need_place(p, "path", &at))
		return -1;
	if (get(p, &at, &before))
		return fail(p, "the list has no such place");
	struct node *n = new_value(p, before);
	if (at.in->type == NODE_MAP)
		return put(p, &at, n);
	if (at.depth + node_depth(n) > NODE_DEPTH_MAX)
		return fail(p, "it would be nested deeper than 256 levels");
	at.in->seq.items[index_of(at.key, at.in->seq.n)] = n;
	return 0;
}

/* A value that another step put there keeps its own place, and goes by this step now. */
static struct node *as_moved(struct apply *p, struct node *n, const struct node *before)
{
	if (!n)
		return node_null(p->b->a);
	n->origin = origin_step(p->b->origins, origin_file_of(p->b->origins, n, p->target->file), p->step,
				before);
	return n;
}

static int do_move(struct apply *p)
{
	struct place from, to;
	struct node *value, *before = NULL;
	if (need_place(p, "from", &from))
		return -1;
	if (get(p, &from, &value))
		return fail(p, "the list has no such place at from");
	if (take_out(p, &from) || need_place(p, "path", &to))
		return -1;
	if (to.in->type == NODE_MAP)
		get(p, &to, &before);
	return put(p, &to, as_moved(p, value, before));
}

static int do_copy(struct apply *p)
{
	struct place from, to;
	struct node *value, *before = NULL;
	if (need_place(p, "from", &from))
		return -1;
	if (get(p, &from, &value))
		return fail(p, "the list has no such place at from");
	if (need_place(p, "path", &to))
		return -1;
	if (value && spend(p, size_of(value)))
		return -1;
	if (to.in->type == NODE_MAP)
		get(p, &to, &before);
	return put(p, &to, as_moved(p, value ? node_copy(p->b->a, value) : NULL, before));
}

static bool equal(struct apply *p, const struct node *a, const struct node *b);

/* Nulls in lists are never equal: upstream breaks down there. */
static bool lists_equal(struct apply *p, const struct node *a, const struct node *b)
{
	if (b->type != NODE_SEQ || a->seq.n != b->seq.n)
		return false;
	for (uint32_t i = 0; i < a->seq.n; i++)
		if (is_null(a->seq.items[i]) || is_null(b->seq.items[i]) ||
		    !equal(p, a->seq.items[i], b->seq.items[i]))
			return false;
	return true;
}

static bool maps_equal(struct apply *p, const struct node *a, const struct node *b)
{
	if (b->type != NODE_MAP || a->map.n != b->map.n)
		return false;
	p->moves += (size_t)a->map.n * a->map.n / 16;
	if (p->moves > KPATCH_MOVES_MAX)
		return false;
	for (uint32_t i = 0; i < a->map.n; i++) {
		const struct node *x = a->map.pairs[i].value, *y = node_get_str(b, a->map.pairs[i].key);
		if (!y || is_null(x) != is_null(y) || (!is_null(x) && !equal(p, x, y)))
			return false;
	}
	return true;
}

/* Numbers are compared as they are written. */
static bool equal(struct apply *p, const struct node *a, const struct node *b)
{
	bool numbers = (a->type == NODE_INT || a->type == NODE_FLOAT) &&
		       (b->type == NODE_INT || b->type == NODE_FLOAT);
	switch (a->type) {
	case NODE_MAP:
		return maps_equal(p, a, b);
	case NODE_SEQ:
		return lists_equal(p, a, b);
	case NODE_BOOL:
		return b->type == NODE_BOOL && a->boolean == b->boolean;
	case NODE_STRING:
		return b->type == NODE_STRING && str_eq(a->text, b->text);
	default:
		return numbers && str_eq(a->text, b->text);
	}
}

static int do_test(struct apply *p)
{
	struct place at;
	const struct node *want = node_get(p->operation, "value"), *path = node_get(p->operation, "path");
	struct node *have = p->root;
	if (!node_is_string(path) || path->text.n) {
		if (need_place(p, "path", &at))
			return -1;
		if (get(p, &at, &have))
			return fail(p, "the list has no such place");
	}
	bool same = is_null(have) || is_null(want) ? is_null(have) && is_null(want) : equal(p, have, want);
	return same ? 0 : fail(p, "the value there is another one");
}

static int apply_one(struct apply *p)
{
	static const struct {
		const char *name;
		int (*run)(struct apply *);
	} operations[] = {
		{ "add", do_add },   { "remove", do_remove }, { "replace", do_replace },
		{ "move", do_move }, { "copy", do_copy },     { "test", do_test },
	};
	struct str op = node_text(node_get(p->operation, "op"));
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (str_is(op, operations[i].name))
			return operations[i].run(p);
	return fail(p, "op must be add, remove, replace, move, copy or test");
}

static int apply_all(struct apply *p, const struct node *operations)
{
	for (size_t i = 0; i < node_count(operations); i++) {
		p->operation = operations->seq.items[i];
		if (apply_one(p) || spend(p, 1))
			return -1;
	}
	return 0;
}

/* Metadata is a map afterwards, if it can be; its annotations are texts. */
static void tidy(struct kbuild *b, struct kres *r)
{
	struct node *metadata = node_get(r->root, "metadata");
	if (is_null(metadata)) {
		metadata = node_map(b->a);
		metadata->line = r->root->line;
		node_set(b->a, r->root, STR("metadata"), metadata);
	}
	kinternals_hide(r);
	kinternals_texts(b, metadata, STR("annotations"));
}

int kjson_patch_apply(struct kbuild *b, struct kres *r, const struct kjson_patch *patch, const char *step,
		      struct error *err)
{
	struct apply p = {
		.b = b,
		.root = r->root,
		.file = patch->file,
		.step = step,
		.target = r,
		.id = kres_id(b, r),
		.err = err,
	};
	kinternals_show(b, r);
	/* A copy: upstream makes JSON of the resource, and of that a new one, in which nothing is shared. */
	p.root = r->root = node_copy(b->a, r->root);
	if (yaml_settle(b->a, r->root, err))
		return error_wrap(err, "%s:%u: %s", r->file, r->line, kid_text(b->a, &p.id));
	if (apply_all(&p, patch->operations))
		return -1;
	r->root = p.root;
	krestyle(b->a, r->root);
	if (!kres_is_empty(r))
		tidy(b, r);
	return 0;
}
