/*
 * substitute.c - from rendered objects to substituted ones.
 *
 * A walk copies the path to each value that changes and shares the rest, so that a render can be kept and
 * substituted again when a value changes. Flux works on the YAML text of each object; here the shape of the
 * tree is fixed, and only scalars and keys are read.
 */
#include "doc/yaml.h"
#include "render/collect.h"
#include "render/substitute_parts.h"

struct run {
	struct arena *a;
	const struct substitute_options *options;
	struct render_collect c;
	struct expression e;
	struct map steps; /* text of a step -> itself, in the arena */
	uint64_t work;
	size_t total; /* bytes of all results */
	bool full;    /* SUBSTITUTE_TOTAL_MAX or SUBSTITUTE_WORK_MAX was said */

	/* The object and the text under way. */
	const struct render_object *object;
	const char *label;
	const struct node *scalar; /* its value, or for a key the value behind it */
	struct str text;
	bool is_key;
	uint32_t key_line;
	unsigned texts; /* inside of so many maps that hold texts only */
};

/* --- what to leave alone --- */

static bool is_disabled(const struct node *map)
{
	return str_is(node_text(node_get(map, "kustomize.toolkit.fluxcd.io/substitute")), "disabled") ||
	       str_is(node_text(node_get(map, "capstan.dev/substitute")), "disabled");
}

bool substitute_opts_out(const struct node *object)
{
	return is_disabled(node_at(object, "metadata.annotations")) ||
	       is_disabled(node_at(object, "metadata.labels"));
}

/* --- places --- */

static size_t line_breaks(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

static size_t characters(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/* Line and column of a byte of a text, as far as its style lets them be known. */
static void place_of(const struct run *r, size_t at, uint32_t *line, uint32_t *column)
{
	const struct node *n = r->scalar;
	struct str before = { r->text.p, at };
	*column = 0;
	*line = r->is_key ? r->key_line : n->line ? n->line : r->object->line;
	if (r->is_key || n->line == 0)
		return;
	switch (n->style) {
	case NODE_LITERAL: /* the header's line; the indentation is not known */
		*line += 1 + (uint32_t)line_breaks(before);
		break;
	case NODE_FOLDED:
		*column = n->column;
		break;
	case NODE_SINGLE_QUOTED:
	case NODE_DOUBLE_QUOTED:
		*column = n->column + 1 + (uint32_t)characters(before);
		break;
	case NODE_PLAIN:
	case NODE_TIMESTAMP:
		*column = n->column + (uint32_t)characters(before);
		break;
	}
}

static void complain(void *ctx, size_t at, const char *what)
{
	struct run *r = ctx;
	uint32_t line, column;
	place_of(r, at, &line, &column);
	collect_diag(&r->c, RENDER_ERROR, origin_file_of(r->options->origins, r->scalar, r->object->file),
		     line, column, r->label, "%s", what);
}

/* --- one text --- */

static const char *step_text(struct run *r)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_adds(&text, "substitution");
	for (size_t i = 0; i < r->e.names.n; i++)
		buf_printf(&text, "%s%s", i ? ", " : " of ", r->e.names.at[i]);
	char *known = map_get(&r->steps, buf_str(&text));
	if (!known) {
		known = arena_strndup(r->a, text.p, text.n);
		map_put(&r->steps, buf_str(&text), known);
	}
	return known;
}

/* Whether the text was substituted into out; else it is good as it is, or was complained of. */
static bool expand_text(struct run *r, struct str text, struct str *out)
{
	cleanup_buf struct buf buf = BUF_INIT;
	r->text = text;
	r->e.names.n = 0;
	if (r->full || !expression_is_in(text))
		return false;
	if (expression_expand(&r->e, text, &buf)) {
		r->full |= r->work == 0; /* it was said once; all that follows would fail like this */
		return false;
	}
	if (buf.n > SUBSTITUTE_TOTAL_MAX - r->total) {
		r->full = true;
		complain(r, 0, "substituted texts are larger than 64 MiB in all (SUBSTITUTE_TOTAL_MAX)");
		return false;
	}
	r->total += buf.n;
	*out = arena_str(r->a, buf_str(&buf));
	return true;
}

static struct str trim(struct str s)
{
	while (s.n && strchr(" \t\n", s.p[0]) && s.p[0])
		s = str_from(s, 1);
	while (s.n && strchr(" \t\n", s.p[s.n - 1]) && s.p[s.n - 1])
		s.n--;
	return s;
}

/* The text of one quoted scalar with nothing beside it; NULL: it is something else. */
static struct node *read_quoted(struct arena *a, struct str text)
{
	struct yaml_stream stream;
	if (text.n < 2 || (text.p[0] != '"' && text.p[0] != '\'') || text.p[text.n - 1] != text.p[0] ||
	    str_find(text, '\n', 0) != SIZE_MAX || yaml_parse(a, text, &stream, NULL) || stream.n != 1)
		return NULL;
	struct node *n = stream.documents[0].root;
	return n->type == NODE_STRING ? n : NULL;
}

static bool looks_like_collection(struct str s)
{
	return s.n > 1 && ((s.p[0] == '[' && s.p[s.n - 1] == ']') || (s.p[0] == '{' && s.p[s.n - 1] == '}'));
}

/* A result that nothing quoted, as YAML reads it; whatever is no scalar stays the text that it is. */
static struct node *read_again(struct run *r, struct str text)
{
	struct str bare = trim(text);
	struct node *n = read_quoted(r->a, bare);
	if (n)
		return n;
	if (looks_like_collection(bare))
		collect_diag(&r->c, RENDER_WARNING,
			     origin_file_of(r->options->origins, r->scalar, r->object->file), r->scalar->line,
			     r->scalar->column, r->label,
			     "%s reads as a list or a map, and becomes a text: values do not change the "
			     "structure of an object",
			     step_text(r));
	return yaml_kubectl_scalar(r->a, bare);
}

static struct node *substitute_scalar(struct run *r, struct node *n)
{
	struct str text;
	r->scalar = n;
	r->is_key = false;
	if (n->type != NODE_STRING || !expand_text(r, n->text, &text))
		return n;
	bool bare = n->style == NODE_PLAIN && n->line && !r->texts;
	struct node *new = bare ? read_again(r, text) : node_string(r->a, text);
	new->style = n->style;
	new->line = n->line;
	new->column = n->column;
	new->origin = origin_step(r->options->origins,
				  origin_file_of(r->options->origins, n, r->object->file), step_text(r), n);
	return new;
}

/* A key is always a text. In quotes that the values brought it is what they quote. */
static struct str substitute_key(struct run *r, const struct node_pair *pair)
{
	struct str text;
	r->scalar = pair->value;
	r->is_key = true;
	r->key_line = pair->key_line ? pair->key_line : r->object->line;
	if (!expand_text(r, pair->key, &text))
		return pair->key;
	struct node *quoted = pair->key.p[0] == text.p[0] ? NULL : read_quoted(r->a, trim(text));
	if (quoted)
		return quoted->text;
	if (trim(text).n == 0)
		complain(r, 0, "a key is empty after substitution");
	return trim(text);
}

/* --- trees --- */

static struct node *walk(struct run *r, struct node *n);

static struct node *own_copy(struct run *r, struct node *old, struct node *copy)
{
	if (copy != old)
		return copy;
	copy = arena_new(r->a, struct node);
	*copy = *old;
	if (old->type == NODE_MAP) {
		copy->map.pairs = arena_array(r->a, struct node_pair, old->map.n);
		memcpy(copy->map.pairs, old->map.pairs, old->map.n * sizeof(struct node_pair));
		copy->map.cap = copy->map.n;
	} else {
		copy->seq.items = arena_array(r->a, struct node *, old->seq.n);
		memcpy(copy->seq.items, old->seq.items, old->seq.n * sizeof(struct node *));
		copy->seq.cap = copy->seq.n;
	}
	return copy;
}

/* Two keys that became the same. Says so without the key: it may be made of a secret. */
static void check_keys(struct run *r, const struct node *old, const struct node *new)
{
	struct map seen = MAP_INIT;
	for (size_t i = 0; i < new->map.n; i++) {
		if (!map_put(&seen, new->map.pairs[i].key, &new->map.pairs[i]))
			continue;
		r->text = old->map.pairs[i].key;
		r->scalar = old->map.pairs[i].value;
		r->is_key = true;
		r->key_line = old->map.pairs[i].key_line;
		complain(r, 0,
			 arena_printf(r->a, "the key `%.*s` is, after substitution, there twice in its map",
				      (int)(r->text.n > 80 ? 80 : r->text.n), r->text.p));
	}
	map_release(&seen);
}

/* Maps whose values the API takes as texts only: a number there would just be refused. */
static bool holds_texts(const struct run *r, const struct node *n, struct str key)
{
	static const char *const everywhere[] = { "annotations", "labels", "matchLabels", "nodeSelector" };
	for (size_t i = 0; i < sizeof(everywhere) / sizeof(everywhere[0]); i++)
		if (str_is(key, everywhere[i]))
			return true;
	bool data = n == r->object->root && r->object->group.n == 0 &&
		    (str_is(r->object->kind, "ConfigMap") || str_is(r->object->kind, "Secret"));
	return data && (str_is(key, "data") || str_is(key, "stringData") || str_is(key, "binaryData"));
}

static struct node *walk_map(struct run *r, struct node *n)
{
	struct node *copy = n;
	bool keys = false;
	for (size_t i = 0; i < n->map.n; i++) {
		const struct node_pair *pair = &n->map.pairs[i];
		struct str key = substitute_key(r, pair);
		bool texts = holds_texts(r, n, pair->key);
		r->texts += texts;
		struct node *value = walk(r, pair->value);
		r->texts -= texts;
		if (key.p == pair->key.p && value == pair->value)
			continue;
		copy = own_copy(r, n, copy);
		keys |= key.p != pair->key.p;
		copy->map.pairs[i].key = key;
		copy->map.pairs[i].value = value;
	}
	if (keys)
		check_keys(r, n, copy);
	return copy;
}

/* By recursion: no tree is deeper than NODE_DEPTH_MAX. */
static struct node *walk(struct run *r, struct node *n)
{
	struct node *copy = n;
	if (n->type == NODE_MAP)
		return walk_map(r, n);
	if (n->type != NODE_SEQ)
		return substitute_scalar(r, n);
	for (size_t i = 0; i < n->seq.n; i++) {
		struct node *item = walk(r, n->seq.items[i]);
		if (item == n->seq.items[i])
			continue;
		copy = own_copy(r, n, copy);
		copy->seq.items[i] = item;
	}
	return copy;
}

/* --- objects --- */

static const char *label_of(struct arena *a, const struct render_object *o)
{
	return arena_printf(a, "%.*s %.*s%s%.*s", STR_ARG(o->kind), STR_ARG(o->namespace),
			    o->namespace.n ? "/" : "", STR_ARG(o->name));
}

/* Whether what the object is called was left to be checked after substitution (object.c). */
static bool has_template_identity(const struct node *root)
{
	static const char *const fields[] = { "apiVersion", "kind", "metadata.name", "metadata.namespace" };
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (expression_is_in(node_text(node_at(root, fields[i]))))
			return true;
	return false;
}

struct changed {
	struct render_object object;
	bool secret; /* a value of a Secret went into it */
};

/*
 * Checks an object anew, as if a file had it. A name may be made of a value of a Secret, and the words about
 * it would show it: then the object is called what it was before.
 */
static void collect_again(struct run *r, const struct render_object *before, const struct changed *now)
{
	size_t diags = r->c.diags.n;
	collect_document(&r->c, before->file, now->object.root);
	for (size_t i = diags; now->secret && i < r->c.diags.n; i++) {
		r->c.diags.at[i].object = label_of(r->a, before);
		r->c.diags.at[i].text =
			"after substitution with a value of a Secret its apiVersion, kind, name or namespace is "
			"not valid, or another object has the same";
	}
}

/* All objects that came through, in `list`; a NULL root: it did not. */
static void collect_all(struct run *r, const struct render_output *in, const struct changed *list,
			bool renamed)
{
	for (size_t i = 0; i < in->n; i++) {
		if (!list[i].object.root)
			continue;
		if (renamed)
			collect_again(r, &in->objects[i], &list[i]);
		else
			vec_push(&r->c.objects, list[i].object);
	}
}

/* Lists were taken apart before; one that only now is a list would bring objects that nobody substituted in.
 */
static void refuse_new_list(struct run *r, struct node *old, const struct node *new)
{
	struct node *kind = node_get(old, "kind");
	if (kind == node_get(new, "kind") || !node_get(new, "items") ||
	    !str_ends(node_text(node_get(new, "kind")), STR("List")))
		return;
	r->scalar = kind;
	r->is_key = false;
	complain(r, 0, "an object does not become a list by substitution");
}

static void substitute_object(struct run *r, const struct render_object *object, struct changed *out)
{
	size_t errors = r->c.n_errors;
	out->object = *object;
	if (substitute_opts_out(object->root))
		return;
	r->object = object;
	r->label = label_of(r->a, object);
	r->e.secret = false;
	struct node *root = walk(r, object->root);
	out->secret = r->e.secret;
	refuse_new_list(r, object->root, root);
	out->object.root = r->c.n_errors == errors && !r->full ? root : NULL;
}

static void keep_diags(struct run *r, const struct render_output *in)
{
	for (size_t i = 0; i < in->n_diags && i + 1 < RENDER_DIAGS_MAX; i++)
		vec_push(&r->c.diags, in->diags[i]);
	r->c.dropped_diags = in->n_diags - r->c.diags.n;
	r->c.n_errors = in->n_errors;
}

void render_substitute(struct arena *a, const struct render_output *in,
		       const struct substitute_options *options, struct render_output *out)
{
	struct run r = { .a = a, .options = options, .c = { .a = a }, .work = SUBSTITUTE_WORK_MAX };
	r.e = (struct expression){ .a = a,
				   .values = options->values,
				   .lenient = options->lenient,
				   .work = &r.work,
				   .complain = complain,
				   .ctx = &r };
	struct changed *list = mem_alloc((in->n + 1) * sizeof(*list));
	bool renamed = false;
	keep_diags(&r, in);
	for (size_t i = 0; i < in->n; i++) {
		renamed |= has_template_identity(in->objects[i].root);
		substitute_object(&r, &in->objects[i], &list[i]);
	}
	collect_all(&r, in, list, renamed);
	collect_finish(&r.c, out);
	expression_release(&r.e);
	map_release(&r.steps);
	free(list);
}
