/*
 * vars.c - `vars:` (upstream: accumulator/refvartransformer.go and api/filters/refvar). A var is a field of
 * some resource; $(NAME) in the fields of varReference becomes its value. Where it is all that stands there,
 * a number stays a number.
 */
#include <stdlib.h>

#include "doc/number.h"
#include "doc/yaml.h"
#include "render/kustomize/expand.h"
#include "render/kustomize/fieldspec.h"
#include "render/kustomize/generate.h"

struct value {
	const struct kvar *var;
	const struct node *source;
	enum node_type
		type;	   /* STRING, INT, FLOAT, BOOL; MAP: it is no single value, and stands for nothing */
	struct str text;   /* as it is put into a field of its own */
	struct str inside; /* as it is put into a text */
	bool used;
};

struct resolving {
	struct kbuild *b;
	struct value *values; /* by name */
	size_t n;
	const struct value *last; /* the last one that a text was found to hold */
};

/* --- values --- */

/* "ports[0]" is ports and then 0. */
static int var_path(struct arena *a, struct str text, struct kpath *out, struct error *err)
{
	struct kpath split;
	if (kpath_split_smart(a, text, '.', &split, err))
		return -1;
	out->parts = arena_array(a, struct str, split.n * 2);
	out->n = 0;
	for (size_t i = 0; i < split.n; i++) {
		struct str part = split.parts[i];
		size_t open = part.n;
		while (open && part.p[open - 1] != '[')
			open--;
		struct str index = str_from(part, open);
		bool number = open && str_ends(index, STR("]")) && index.n > 1;
		for (size_t k = 0; number && k + 1 < index.n; k++)
			number = index.p[k] >= '0' && index.p[k] <= '9';
		if (!number) {
			out->parts[out->n++] = part;
			continue;
		}
		if (open > 1)
			out->parts[out->n++] = (struct str){ part.p, open - 1 };
		out->parts[out->n++] = (struct str){ index.p, index.n - 1 };
	}
	return 0;
}

/* Go's strconv.FormatFloat(v, 'f', -1, 64): the shortest digits, never with an exponent. */
static struct str without_exponent(struct arena *a, struct str shortest)
{
	size_t e = str_find(shortest, 'e', 0);
	if (e == SIZE_MAX)
		return shortest;
	int64_t exponent = 0;
	bool negative = shortest.p[0] == '-';
	struct str digits = { shortest.p + negative, e - negative };
	str_int64(str_from(shortest, shortest.p[e + 1] == '+' ? e + 2 : e + 1), &exponent);
	struct buf out = BUF_INIT;
	size_t dot = str_find(digits, '.', 0), whole = dot == SIZE_MAX ? digits.n : dot;
	int64_t point = (int64_t)whole + exponent; /* where it belongs among the digits */
	if (negative)
		buf_addc(&out, '-');
	if (point <= 0)
		buf_adds(&out, "0.");
	for (int64_t i = point; i < 0; i++)
		buf_addc(&out, '0');
	int64_t place = 0;
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] == '.')
			continue;
		if (place == point && point > 0)
			buf_addc(&out, '.');
		buf_addc(&out, digits.p[i]);
		place++;
	}
	for (; place < point; place++)
		buf_addc(&out, '0');
	struct str copy = arena_str(a, buf_str(&out));
	buf_release(&out);
	return copy;
}

static bool read_float(struct arena *a, struct str text, struct value *out)
{
	char shortest[NUMBER_TEXT_MAX], *end, *z = arena_strndup(a, text.p, text.n);
	double value = strtod(z, &end);
	if (end == z || *end)
		return false;
	number_shortest_g(value, 64, shortest);
	out->inside = arena_str(a, str_of(shortest));
	out->text = without_exponent(a, out->inside);
	return true;
}

static bool read_int(struct arena *a, struct str text, struct value *out)
{
	int64_t value;
	if (!kpath_number(text, &value))
		return false;
	out->text = out->inside = str_of(arena_printf(a, "%lld", (long long)value));
	return true;
}

/* false: Go cannot read the number as kustomize asks it to (1_000, 0x1F). */
static bool read_value(struct arena *a, const struct node *n, struct value *out)
{
	out->source = n;
	out->type = n->untagged && kvalue_is_scalar(n) ? NODE_STRING : n->type;
	out->text = out->inside = kvalue_text(n);
	switch (out->type) {
	case NODE_INT:
		return read_int(a, n->text, out);
	case NODE_FLOAT:
		return read_float(a, n->text, out);
	case NODE_BOOL:
		out->text = out->inside =
			str_of(n->text.n && (n->text.p[0] | 0x20) == 't' ? "true" : "false");
		return true;
	case NODE_SEQ:
		out->type = NODE_MAP;
		return true;
	case NODE_NULL:
		out->type = NODE_STRING;
		return true;
	case NODE_STRING:
	case NODE_MAP:
		return true;
	}
	return true;
}

static bool is_in(const struct kresmap *m, const struct kres *r)
{
	for (size_t i = 0; i < m->list.n; i++)
		if (m->list.at[i] == r)
			return true;
	return false;
}

static int find_value(struct kbuild *b, const struct kvar *var, const struct kresmap *m, struct value *out,
		      struct error *err)
{
	struct kpath path;
	struct node *n;
	out->var = var;
	if (!var->bound || !is_in(m, var->bound))
		return error_set(err, "%s:%u: var %.*s: there is no resource %s (%.*s)", var->file, var->line,
				 STR_ARG(var->name), kid_text(b->a, &var->ref), STR_ARG(var->field_path));
	if (var_path(b->a, var->field_path, &path, err) || kpath_lookup(var->bound->root, &path, &n, err))
		return error_wrap(err, "%s:%u: var %.*s: %.*s", var->file, var->line, STR_ARG(var->name),
				  STR_ARG(var->field_path));
	if (!n)
		return error_set(err, "%s:%u: var %.*s: %s (%s:%u) has no field %.*s", var->file, var->line,
				 STR_ARG(var->name), kid_text(b->a, &var->ref), var->bound->file,
				 var->bound->line, STR_ARG(var->field_path));
	if (!read_value(b->a, n, out))
		return error_set(err,
				 "%s:%u: var %.*s: %.*s is a number that is not written in decimal digits",
				 var->file, var->line, STR_ARG(var->name), STR_ARG(kvalue_text(n)));
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct value *)a)->var->name, ((const struct value *)b)->var->name);
}

/* --- fields --- */

static struct value *value_of(struct resolving *r, struct str name)
{
	size_t low = 0, high = r->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int rc = str_cmp(name, r->values[middle].var->name);
		if (rc == 0)
			return &r->values[middle];
		if (rc < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static bool expand_one(void *ctx, struct str name, bool whole, struct str *out)
{
	struct resolving *r = ctx;
	struct value *value = value_of(r, name);
	if (!value || value->type == NODE_MAP)
		return false;
	value->used = true;
	r->last = value;
	*out = whole ? value->text : value->inside;
	return true;
}

static struct kwriter writer_for(const struct resolving *r, const struct value *value)
{
	const struct kres *res = value->var->bound;
	struct kwriter w = { .build = r->b, .file = res->file };
	if (!r->b->origins)
		return w;
	w.file = origin_file_of(r->b->origins, value->source, res->file);
	w.line = value->source->line;
	w.column = value->source->column;
	w.step = arena_printf(r->b->a, "var %.*s of %s", STR_ARG(value->var->name), value->var->file);
	return w;
}

/* Upstream writes every text anew, as a string without quotes, whether or not there is a var in it. */
static void as_string(struct node *n, struct str text)
{
	n->type = NODE_STRING;
	n->style = NODE_PLAIN;
	n->untagged = false;
	n->text = text;
}

static int resolve_text(struct resolving *r, struct node *n, struct error *err)
{
	struct str text, whole;
	r->last = NULL;
	if (kexpand(r->b->a, n->text, expand_one, r, &text, &whole, err) || kbuild_check_memory(r->b, err))
		return -1;
	/* Upstream breaks a character behind a `$`, and then takes the text for binary data. */
	if (!str_utf8(text))
		text = kbase64(r->b->a, text);
	if (!r->last) {
		as_string(n, text);
		return 0;
	}
	struct kwriter w = writer_for(r, r->last);
	kwrite_string(&w, n, text);
	as_string(n, text);
	if (whole.n)
		n->type = r->last->type;
	n->boolean = n->type == NODE_BOOL && str_is(text, "true");
	return 0;
}

static int resolve_field(void *ctx, struct node *n, struct error *err)
{
	if (kvalue_missing(n))
		return 0;
	if (kvalue_is_scalar(n))
		return kvalue_is_string(n) ? resolve_text(ctx, n, err) : 0;
	if (n->type == NODE_MAP) {
		for (size_t i = 0; i < n->map.n; i++) {
			struct node *value = n->map.pairs[i].value;
			if (kvalue_is_string(value) && resolve_text(ctx, value, err))
				return -1;
		}
		return 0;
	}
	for (size_t i = 0; i < n->seq.n; i++) {
		struct node *item = n->seq.items[i];
		if (!kvalue_is_string(item))
			return error_set(err,
					 "line %u: a list that vars are looked for in may hold texts only; "
					 "put quotes around it",
					 item->line);
		if (resolve_text(ctx, item, err))
			return -1;
	}
	return 0;
}

static int resolve_all(struct resolving *r, const struct kconfig *c, struct kresmap *m, struct error *err)
{
	struct kfield_walk walk = { NULL, KFIELD_NEVER, resolve_field, r };
	kfields fields = { 0 };
	int rc = kfields_ready(r->b->a, &c->var_reference, &fields, err);
	for (size_t i = 0; rc == 0 && i < m->list.n; i++) {
		struct kres *res = m->list.at[i];
		struct kgvk gvk = kgvk_of_node(res->root);
		for (size_t k = 0; rc == 0 && k < fields.n; k++)
			rc = kfield_apply(&walk, &fields.at[k], &gvk, res->root, err);
		if (rc)
			error_wrap(err, "%s:%u: %.*s %.*s: vars", res->file, res->line,
				   STR_ARG(kres_kind(res)), STR_ARG(kres_name(res)));
	}
	vec_release(&fields);
	return rc;
}

static void warn_of_unused(const struct resolving *r)
{
	struct buf names = BUF_INIT;
	for (size_t i = 0; i < r->n; i++)
		if (!r->values[i].used)
			buf_printf(&names, "%s%.*s", names.n ? "," : "", STR_ARG(r->values[i].var->name));
	if (names.n)
		kbuild_warn(r->b, "well-defined vars that were never replaced: %s", names.p);
	buf_release(&names);
}

int kvars_resolve(struct kbuild *b, const struct kconfig *c, const kvars *vars, struct kresmap *m,
		  struct error *err)
{
	struct resolving r = { .b = b, .n = vars->n };
	if (vars->n == 0)
		return 0;
	r.values = arena_array(b->a, struct value, vars->n);
	for (size_t i = 0; i < vars->n; i++)
		if (find_value(b, &vars->at[i], m, &r.values[i], err))
			return -1;
	qsort(r.values, r.n, sizeof(*r.values), by_name);
	int rc = resolve_all(&r, c, m, err);
	if (rc == 0)
		kresmap_touch(m);
	warn_of_unused(&r);
	return rc;
}
