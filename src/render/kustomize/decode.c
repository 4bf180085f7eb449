/* decode.c - see decode.h. Depth is the parser's; the tables have no cycles. */
#include "render/kustomize/decode.h"

#include <stdio.h>
#include <strings.h>

const struct kshape kshape_string = { .kind = KSHAPE_STRING };
const struct kshape kshape_bool = { .kind = KSHAPE_BOOL };
const struct kshape kshape_int = { .kind = KSHAPE_INT };
const struct kshape kshape_any = { .kind = KSHAPE_ANY };
const struct kshape kshape_strings = { .kind = KSHAPE_LIST, .of = &kshape_string };
const struct kshape kshape_map = { .kind = KSHAPE_MAP };

struct decoder {
	struct kbuild *b;
	const char *file;
	struct error *err;
	bool lenient;  /* unknown fields are left out */
	bool converts; /* numbers and booleans become texts */
};

/* Where we are: names from the outside in, for messages. */
struct place {
	const struct place *up;
	struct str name;
};

static void add_place(struct buf *out, const struct place *at)
{
	if (at->up && at->up->name.n) {
		add_place(out, at->up);
		buf_addc(out, '.');
	}
	buf_add_str(out, at->name);
}

static int mismatch(struct decoder *d, const struct node *in, const struct place *at, const char *want)
{
	static const char *const names[] = {
		[NODE_NULL] = "null",	   [NODE_BOOL] = "a boolean", [NODE_INT] = "a number",
		[NODE_FLOAT] = "a number", [NODE_STRING] = "a text",  [NODE_MAP] = "a map",
		[NODE_SEQ] = "a list",
	};
	cleanup_buf struct buf path = BUF_INIT;
	add_place(&path, at);
	bool quote = strcmp(want, "a text") == 0 && in->type != NODE_MAP && in->type != NODE_SEQ;
	return error_set(d->err, "%s:%u: %s is %s, it must be %s%s", d->file, in->line,
			 path.n ? path.p : "this", names[in->type], want, quote ? ": quote it" : "");
}

static struct node *like(struct decoder *d, const struct node *in, enum node_type type)
{
	struct node *n = arena_new(d->b->a, struct node);
	n->type = type;
	n->line = in->line;
	n->column = in->column;
	n->origin = in->origin;
	return n;
}

static struct node *empty_of(struct decoder *d, const struct node *in, const struct kshape *shape)
{
	struct node *n;
	switch (shape->kind) {
	case KSHAPE_STRING:
		n = like(d, in, NODE_STRING);
		n->text = STR("");
		return n;
	case KSHAPE_BOOL:
		return like(d, in, NODE_BOOL);
	case KSHAPE_INT:
		n = like(d, in, NODE_INT);
		n->text = STR("0");
		return n;
	case KSHAPE_LIST:
		return like(d, in, NODE_SEQ);
	case KSHAPE_MAP:
	case KSHAPE_STRUCT:
		return like(d, in, NODE_MAP);
	case KSHAPE_ANY:
		break;
	}
	return like(d, in, NODE_NULL);
}

static const struct kshape_field *find_field(const struct kshape *shape, struct str name)
{
	for (const struct kshape_field *f = shape->fields; f->name; f++)
		if (str_is(name, f->name))
			return f;
	for (const struct kshape_field *f = shape->fields; f->name; f++)
		if (strlen(f->name) == name.n && strncasecmp(f->name, name.p, name.n) == 0)
			return f;
	return NULL;
}

static int unknown_field(struct decoder *d, const struct node_pair *pair, const struct place *at)
{
	cleanup_buf struct buf path = BUF_INIT;
	add_place(&path, at);
	return error_set(d->err, "%s:%u: `%.*s` is no field of %s", d->file, pair->key_line,
			 (int)(pair->key.n > 100 ? 100 : pair->key.n), pair->key.p,
			 path.n ? path.p : "a kustomization");
}

static int decode(struct decoder *d, const struct node *in, const struct kshape *shape,
		  const struct place *at, struct node **out);

/* Whether another name of the same field, written in other letters, comes behind that of pair i. */
static bool is_overridden(struct decoder *d, const struct node *in, const struct kshape *shape, size_t i)
{
	const struct node_pair *pair = &in->map.pairs[i];
	for (size_t k = 0; k < in->map.n; k++) {
		const struct node_pair *other = &in->map.pairs[k];
		if (k == i || other->key.n != pair->key.n || other->value->type == NODE_NULL ||
		    strncasecmp(other->key.p, pair->key.p, pair->key.n) != 0 ||
		    str_cmp(other->key, pair->key) <= 0 ||
		    find_field(shape, other->key) != find_field(shape, pair->key))
			continue;
		kbuild_warn(d->b, "%s:%u: `%.*s` is not used: `%.*s` of line %u is the same field", d->file,
			    pair->key_line, STR_ARG(pair->key), STR_ARG(other->key), other->key_line);
		return true;
	}
	return false;
}

static int decode_struct(struct decoder *d, const struct node *in, const struct kshape *shape,
			 const struct place *at, struct node **out)
{
	if (in->type != NODE_MAP)
		return mismatch(d, in, at, "a map");
	struct node *map = like(d, in, NODE_MAP);
	bool converts = d->converts;
	d->converts = converts && !shape->pointer;
	for (size_t i = 0; i < in->map.n; i++) {
		const struct node_pair *pair = &in->map.pairs[i];
		const struct kshape_field *field = find_field(shape, pair->key);
		if (!field && d->lenient)
			continue;
		if (!field)
			return unknown_field(d, pair, at);
		/* Upstream makes JSON in between, with sorted names: of those that differ in their letters'
		 * case alone the last one in that order counts. */
		if (pair->value->type == NODE_NULL || is_overridden(d, in, shape, i))
			continue;
		struct place below = { at, str_of(field->name) };
		struct node *value;
		if (decode(d, pair->value, field->shape, &below, &value))
			return -1;
		node_set(d->b->a, map, str_of(field->name), value);
	}
	d->converts = converts;
	*out = map;
	return 0;
}

static int decode_map(struct decoder *d, const struct node *in, const struct place *at, struct node **out)
{
	if (in->type != NODE_MAP)
		return mismatch(d, in, at, "a map");
	struct node *map = like(d, in, NODE_MAP);
	map->map.pairs = in->map.n ? arena_array(d->b->a, struct node_pair, in->map.n) : NULL;
	map->map.n = map->map.cap = in->map.n;
	for (size_t i = 0; i < in->map.n; i++) {
		const struct node_pair *pair = &in->map.pairs[i];
		struct place below = { at, pair->key };
		map->map.pairs[i] = *pair;
		if (decode(d, pair->value, &kshape_string, &below, &map->map.pairs[i].value))
			return -1;
	}
	*out = map;
	return 0;
}

static int decode_list(struct decoder *d, const struct node *in, const struct kshape *shape,
		       const struct place *at, struct node **out)
{
	if (in->type != NODE_SEQ)
		return mismatch(d, in, at, "a list");
	struct node *seq = like(d, in, NODE_SEQ);
	for (size_t i = 0; i < in->seq.n; i++) {
		char number[24];
		snprintf(number, sizeof(number), "%zu", i);
		struct place below = { at, str_of(number) };
		struct node *item;
		if (decode(d, in->seq.items[i], shape->of, &below, &item))
			return -1;
		node_push(d->b->a, seq, item);
	}
	*out = seq;
	return 0;
}

/* A text of what is none. */
static int decode_text(struct decoder *d, const struct node *in, const struct place *at, struct node **out)
{
	if (!d->converts || in->type == NODE_MAP || in->type == NODE_SEQ)
		return mismatch(d, in, at, "a text");
	struct node *text = like(d, in, NODE_STRING);
	text->text = in->type == NODE_BOOL ? (in->boolean ? STR("true") : STR("false")) : in->text;
	*out = text;
	return 0;
}

static int decode(struct decoder *d, const struct node *in, const struct kshape *shape,
		  const struct place *at, struct node **out)
{
	int64_t number;
	if (in->type == NODE_NULL) {
		*out = empty_of(d, in, shape);
		return 0;
	}
	*out = (struct node *)in;
	switch (shape->kind) {
	case KSHAPE_STRING:
		return in->type == NODE_STRING ? 0 : decode_text(d, in, at, out);
	case KSHAPE_BOOL:
		return in->type == NODE_BOOL ? 0 : mismatch(d, in, at, "true or false");
	case KSHAPE_INT:
		return node_int(in, &number) ? 0 : mismatch(d, in, at, "a whole number");
	case KSHAPE_ANY:
		return 0;
	case KSHAPE_LIST:
		return decode_list(d, in, shape, at, out);
	case KSHAPE_MAP:
		return decode_map(d, in, at, out);
	case KSHAPE_STRUCT:
		return decode_struct(d, in, shape, at, out);
	}
	return 0;
}

int kdecode(struct kbuild *b, const char *file, const struct node *in, const struct kshape *shape,
	    struct node **out, struct error *err)
{
	struct decoder d = { .b = b, .file = file, .err = err };
	struct place top = { NULL, { "", 0 } };
	return decode(&d, in, shape, &top, out);
}

int kdecode_lenient(struct kbuild *b, const char *file, const struct node *in, const struct kshape *shape,
		    struct node **out, struct error *err)
{
	struct decoder d = { .b = b, .file = file, .err = err, .lenient = true, .converts = true };
	struct place top = { NULL, { "", 0 } };
	return decode(&d, in, shape, &top, out);
}
