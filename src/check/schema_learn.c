/*
 * schema_learn.c - JSON schemas, as CustomResourceDefinitions and OpenAPI documents hold them.
 *
 * A keyword that is not known, or that has a value of a wrong type, is passed over: what is left checks less.
 * CEL rules (x-kubernetes-validations) are among them. Depth is that of the document, which parsers cap.
 */
#include "check/schema_learn.h"

#include "check/pattern.h"

static const struct schema any = { .shape = SCHEMA_ANY };

static bool learn_full(struct learn *l, const struct node *n)
{
	if (l->s->nodes < SCHEMA_NODES_MAX)
		return false;
	if (!l->full)
		l->say(l->ctx, n, "schemas have too many parts (SCHEMA_NODES_MAX): the rest is not used");
	l->full = true;
	return true;
}

/* --- fields of objects --- */

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct schema_field *)a)->name, ((const struct schema_field *)b)->name);
}

/* Marks required fields; those that no property names are added. Returns how many fields there are then. */
static size_t mark_required(struct schema_field *fields, size_t n, const struct node *required)
{
	size_t more = n;
	for (size_t i = 0; i < node_count(required); i++) {
		struct schema_field want = { node_text(node_item(required, i)), &any, 0xff, 0xff };
		/* By a search, so that a long list of required ones costs no square. */
		struct schema_field *found = n ? bsearch(&want, fields, n, sizeof(want), by_name) : NULL;
		if (found)
			found->required = 0xff;
		else
			fields[more++] = want;
	}
	if (more > n)
		qsort(fields, more, sizeof(*fields), by_name);
	return more;
}

static void learn_fields(struct learn *l, const struct node *n, struct schema *out)
{
	const struct node *properties = node_get(n, "properties"),
			  *more = node_get(n, "additionalProperties");
	const struct node *required = node_get(n, "required");
	size_t count = properties && properties->type == NODE_MAP ? properties->map.n : 0;
	required = required && required->type == NODE_SEQ ? required : NULL;
	struct schema_field *fields =
		arena_array(l->s->a, struct schema_field, count + node_count(required) + 1);
	for (size_t i = 0; i < count; i++) {
		const struct node_pair *p = &properties->map.pairs[i];
		fields[i] = (struct schema_field){ p->key, learn_schema(l, p->value), 0xff, 0 };
	}
	if (count)
		qsort(fields, count, sizeof(*fields), by_name);
	out->fields = fields;
	out->n_fields = (uint32_t)mark_required(fields, count, required);
	out->open = l->preserve || node_bool(node_get(n, "x-kubernetes-preserve-unknown-fields"), false) ||
		    (count == 0 && (!more || more->type != NODE_MAP));
	if (more && more->type == NODE_MAP)
		out->item = learn_schema(l, more);
	else if (node_bool(more, false))
		out->open = true;
	if (node_bool(node_get(n, "x-kubernetes-embedded-resource"), false))
		learn_object_fields(l->s, out);
}

static const struct schema *object_meta(struct schemas *s)
{
	const struct schema_kind *pod = schemas_find(s, STR(""), STR("v1"), STR("Pod"));
	const struct schema_field *f = pod ? schema_field_any(pod->schema, STR("metadata")) : NULL;
	return f ? f->type : &any;
}

static const struct schema string_schema = { .shape = SCHEMA_STRING };

void learn_object_fields(struct schemas *s, struct schema *out)
{
	struct schema_field *fields = arena_array(s->a, struct schema_field, out->n_fields + 3);
	size_t n = 0;
	for (size_t i = 0; i < out->n_fields; i++) {
		struct str name = out->fields[i].name;
		if (!str_is(name, "apiVersion") && !str_is(name, "kind") && !str_is(name, "metadata"))
			fields[n++] = out->fields[i];
	}
	fields[n++] = (struct schema_field){ STR("apiVersion"), &string_schema, 0xff, 0xff };
	fields[n++] = (struct schema_field){ STR("kind"), &string_schema, 0xff, 0xff };
	fields[n++] = (struct schema_field){ STR("metadata"), object_meta(s), 0xff, 0 };
	qsort(fields, n, sizeof(*fields), by_name);
	out->fields = fields;
	out->n_fields = (uint32_t)n;
}

/* --- lists and values --- */

static void learn_list(struct learn *l, const struct node *n, struct schema *out)
{
	const struct node *items = node_get(n, "items"), *keys = node_get(n, "x-kubernetes-list-map-keys");
	struct str type = node_text(node_get(n, "x-kubernetes-list-type"));
	out->item = items && items->type == NODE_MAP ? learn_schema(l, items) : &any;
	out->set = str_is(type, "set");
	if (!str_is(type, "map") || !keys || keys->type != NODE_SEQ)
		return;
	struct str *list = arena_array(l->s->a, struct str, node_count(keys) + 1);
	for (size_t i = 0; i < node_count(keys); i++)
		list[out->n_keys++] = node_text(node_item(keys, i));
	out->keys = list;
}

static void learn_values(struct learn *l, const struct node *n, struct schema *out)
{
	const struct node *values = node_get(n, "enum");
	if (!values || values->type != NODE_SEQ || node_count(values) == 0)
		return;
	struct schema_value *list = arena_array(l->s->a, struct schema_value, node_count(values));
	for (size_t i = 0; i < node_count(values); i++) {
		const struct node *value = node_item(values, i);
		bool has_text = value->type >= NODE_INT && value->type <= NODE_STRING;
		struct str text = has_text		     ? value->text
				  : value->type == NODE_NULL ? STR("null")
				  : value->type != NODE_BOOL ? STR("...")
				  : node_bool(value, false)  ? STR("true")
							     : STR("false");
		list[i] = (struct schema_value){ .text = text, .node = value, .mask = 0xff };
	}
	out->values = list;
	out->n_values = (uint32_t)node_count(values);
}

/* --- limits --- */

static bool number_of(const struct node *n, double *out)
{
	char text[64];
	if (!n || (n->type != NODE_INT && n->type != NODE_FLOAT) || n->text.n >= sizeof(text))
		return false;
	memcpy(text, n->text.p, n->text.n);
	text[n->text.n] = '\0';
	*out = strtod(text, NULL);
	return true;
}

static size_t size_of(const struct node *n, size_t otherwise)
{
	int64_t value;
	return node_int(n, &value) && value >= 0 ? (size_t)value : otherwise;
}

static enum schema_format format_of(struct str text)
{
	static const struct {
		const char *text;
		enum schema_format format;
	} known[] = { { "date", FORMAT_DATE },
		      { "ipv4", FORMAT_IPV4 },
		      { "ipv6", FORMAT_IPV6 },
		      { "uuid", FORMAT_UUID } };
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_is(text, known[i].text))
			return known[i].format;
	return FORMAT_NONE;
}

static const struct schema **learn_all(struct learn *l, const struct node *list, size_t *n)
{
	*n = 0;
	if (!list || list->type != NODE_SEQ || node_count(list) == 0)
		return NULL;
	const struct schema **all = arena_array(l->s->a, const struct schema *, node_count(list));
	bool preserve = l->preserve;
	/* Alternatives name the fields that they are about, not all that there are. */
	l->preserve = true;
	for (size_t i = 0; i < node_count(list); i++)
		all[(*n)++] = learn_schema(l, node_item(list, i));
	l->preserve = preserve;
	return all;
}

static bool has_limits(const struct node *n)
{
	static const char *const keywords[] = { "minimum", "maximum",	    "minLength", "maxLength",
						"pattern", "minItems",	    "maxItems",	 "minProperties",
						"not",	   "maxProperties", "allOf",	 "anyOf",
						"oneOf",   "format",	    "multipleOf" };
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (node_get(n, keywords[i]))
			return true;
	return false;
}

static void learn_limits(struct learn *l, const struct node *n, struct schema *out)
{
	if (!has_limits(n))
		return;
	struct schema_limits *to = arena_new(l->s->a, struct schema_limits);
	to->has_minimum = number_of(node_get(n, "minimum"), &to->minimum);
	to->has_maximum = number_of(node_get(n, "maximum"), &to->maximum);
	to->above_minimum = node_bool(node_get(n, "exclusiveMinimum"), false);
	to->below_maximum = node_bool(node_get(n, "exclusiveMaximum"), false);
	(void)number_of(node_get(n, "multipleOf"), &to->multiple_of);
	to->min_length = size_of(node_get(n, "minLength"), 0);
	to->max_length = size_of(node_get(n, "maxLength"), SIZE_MAX);
	to->min_items = size_of(node_get(n, "minItems"), 0);
	to->max_items = size_of(node_get(n, "maxItems"), SIZE_MAX);
	to->min_fields = size_of(node_get(n, "minProperties"), 0);
	to->max_fields = size_of(node_get(n, "maxProperties"), SIZE_MAX);
	to->format = format_of(node_text(node_get(n, "format")));
	if (node_is_string(node_get(n, "pattern"))) {
		to->pattern = pattern_new(l->s->a, node_text(node_get(n, "pattern")));
		vec_push(&l->s->patterns, to->pattern);
	}
	to->all_of = learn_all(l, node_get(n, "allOf"), &to->n_all_of);
	to->any_of = learn_all(l, node_get(n, "anyOf"), &to->n_any_of);
	to->one_of = learn_all(l, node_get(n, "oneOf"), &to->n_one_of);
	const struct node *forbidden = node_get(n, "not");
	bool preserve = l->preserve;
	l->preserve = true;
	to->not = forbidden && forbidden->type == NODE_MAP ? learn_schema(l, forbidden) : NULL;
	l->preserve = preserve;
	out->limits = to;
}

/* --- a schema --- */

static enum schema_shape shape_of(const struct node *n)
{
	struct str type = node_text(node_get(n, "type")), format = node_text(node_get(n, "format"));
	if (node_bool(node_get(n, "x-kubernetes-int-or-string"), false) || str_is(format, "int-or-string"))
		return SCHEMA_INT_OR_STRING;
	if (str_is(type, "object") || (type.n == 0 && (node_get(n, "properties") || node_get(n, "required"))))
		return SCHEMA_OBJECT;
	if (str_is(type, "array") || (type.n == 0 && node_get(n, "items")))
		return SCHEMA_LIST;
	if (str_is(type, "boolean"))
		return SCHEMA_BOOL;
	if (str_is(type, "number"))
		return SCHEMA_NUMBER;
	if (str_is(type, "integer"))
		return str_is(format, "int32") ? SCHEMA_INT32 : SCHEMA_INT64;
	if (str_is(type, "string"))
		return str_is(format, "date-time") ? SCHEMA_TIME
		       : str_is(format, "byte")	   ? SCHEMA_BYTES
						   : SCHEMA_STRING;
	return SCHEMA_ANY;
}

/* What a $ref names, or the one schema of an allOf that only says so (OpenAPI v3 beside a default). */
static const struct node *only_ref(const struct node *n)
{
	const struct node *all = node_get(n, "allOf");
	if (node_get(n, "$ref"))
		return node_get(n, "$ref");
	if (node_count(all) == 1 && !node_get(n, "type") && !node_get(n, "properties"))
		return node_get(node_item(all, 0), "$ref");
	return NULL;
}

static const struct schema *follow(struct learn *l, const struct node *ref)
{
	struct str name = node_text(ref);
	for (size_t i = name.n; i-- > 0;) {
		if (name.p[i] == '/') {
			name = str_from(name, i + 1);
			break;
		}
	}
	const struct schema *found = l->refs ? map_get(l->refs, name) : NULL;
	return found ? found : &any;
}

void learn_into(struct learn *l, const struct node *n, struct schema *out)
{
	out->shape = shape_of(n);
	out->untyped = node_text(node_get(n, "type")).n == 0;
	out->nullable = node_bool(node_get(n, "nullable"), false);
	if (out->shape == SCHEMA_OBJECT)
		learn_fields(l, n, out);
	else if (out->shape == SCHEMA_LIST)
		learn_list(l, n, out);
	learn_values(l, n, out);
	learn_limits(l, n, out);
}

const struct schema *learn_schema(struct learn *l, const struct node *n)
{
	if (!n || n->type != NODE_MAP || learn_full(l, n))
		return &any;
	const struct node *ref = only_ref(n);
	if (ref)
		return follow(l, ref);
	l->s->nodes++;
	struct schema *out = arena_new(l->s->a, struct schema);
	learn_into(l, n, out);
	return out;
}

bool learn_kind(struct schemas *s, const struct schema_kind *kind)
{
	cleanup_buf struct buf key = BUF_INIT;
	schema_key(&key, kind->group, kind->version, kind->kind);
	/* Environments share definitions: the last one counts. */
	struct schema_kind *copy = map_get(&s->learnt, buf_str(&key));
	if (copy) {
		*copy = *kind;
		return true;
	}
	if (s->list.n >= SCHEMA_KINDS_MAX)
		return false;
	copy = arena_new(s->a, struct schema_kind);
	*copy = *kind;
	map_put(&s->learnt, buf_str(&key), copy);
	map_put(&s->groups, kind->group, copy);
	vec_push(&s->list, copy);
	return true;
}
