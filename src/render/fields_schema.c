/* fields_schema.c - the JSON schema of a table: what editors complete, explain and underline. */
#include "render/fields.h"

static void set(struct arena *a, struct node *map, const char *key, struct node *value)
{
	node_set(a, map, str_of(key), value);
}

static void set_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	set(a, map, key, node_string(a, str_of(text)));
}

static struct node *typed(struct arena *a, const char *type)
{
	struct node *n = node_map(a);
	set_text(a, n, "type", type);
	return n;
}

/* A scalar of which the text is taken as it is written. */
static struct node *any_scalar(struct arena *a)
{
	struct node *n = node_map(a), *types = node_seq(a);
	static const char *const names[] = { "string", "number", "boolean" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		node_push(a, types, node_string(a, str_of(names[i])));
	set(a, n, "type", types);
	return n;
}

static const char *pattern_of(enum field_rule rule)
{
	switch (rule) {
	case RULE_LABEL:
		return "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
	case RULE_NAME:
		return "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
	case RULE_PATH:
		return "^(?!/)(?!(.*/)?\\.\\.(/|$))(?!(.*/)?\\.[gG][iI][tT](/|$))";
	case RULE_BRANCH:
		return "^(?![-/.])(?!.*(\\.\\.|//|@\\{|/\\.))[^ ~^:?*\\[\\\\]*[^ ~^:?*\\[\\\\/.]$";
	case RULE_VARIABLE:
		return "^[_A-Za-z][_A-Za-z0-9]*$";
	case RULE_DIGEST:
		return "^[0-9a-f]{8,64}$";
	case RULE_IMAGE:
		return "^[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$";
	case RULE_PLATFORM:
		return "^[a-z0-9]+/[a-z0-9_]+(/v[0-9]+)?$";
	case RULE_KEY:
		return "^[A-Za-z0-9_-][A-Za-z0-9._-]*$";
	case RULE_URL:
		return "^((ssh|https?)://[^/]|[^:/]+@[^:/]+:)";
	case RULE_ANY:
		return ".";
	case RULE_EMPTY_TOO:
		break;
	}
	return NULL;
}

static struct node *text_schema(struct arena *a, enum field_rule rule)
{
	const char *pattern = pattern_of(rule);
	/* Names of digits alone read as numbers, and are taken. */
	bool number = rule == RULE_LABEL || rule == RULE_NAME || rule == RULE_ANY || rule == RULE_EMPTY_TOO ||
		      rule == RULE_BRANCH || rule == RULE_PATH || rule == RULE_DIGEST;
	struct node *n = number ? any_scalar(a) : typed(a, "string");
	if (pattern)
		set_text(a, n, "pattern", pattern);
	return n;
}

static struct node *choice_schema(struct arena *a, const struct field *f)
{
	struct node *n = node_map(a), *list = node_seq(a);
	for (size_t i = 0; f->choices[i]; i++)
		node_push(a, list, node_string(a, str_of(f->choices[i])));
	set(a, n, "enum", list);
	return n;
}

static struct node *number_schema(struct arena *a, const struct field *f)
{
	struct node *n;
	if (f->kind == FIELD_COUNT) {
		n = typed(a, "integer");
		set(a, n, "minimum", node_int_new(a, f->low));
		set(a, n, "maximum", node_int_new(a, f->high));
		return n;
	}
	n = any_scalar(a);
	set_text(a, n, "pattern",
		 f->kind == FIELD_CPUS	 ? "^[0-9]+(m|\\.[0-9]{1,3})?$"
		 : f->kind == FIELD_SIZE ? "^[0-9]+(Ki|Mi|Gi|k|M|G)?$"
					 : "^(0|([0-9]+(\\.[0-9]+)?(ms|s|m|h))+)$");
	return n;
}

static struct node *map_schema(struct arena *a, enum field_rule keys, struct node *values)
{
	struct node *n = typed(a, "object");
	const char *pattern = pattern_of(keys);
	set(a, n, "additionalProperties", values);
	if (pattern && keys != RULE_ANY) {
		struct node *names = node_map(a);
		set_text(a, names, "pattern", pattern);
		set(a, n, "propertyNames", names);
	}
	return n;
}

static struct node *list_schema(struct arena *a, struct node *items)
{
	struct node *n = typed(a, "array");
	set(a, n, "items", items);
	return n;
}

static struct node *word_or_record(struct arena *a, const struct field *f)
{
	struct node *n = node_map(a), *either = node_seq(a), *word = node_map(a), *words = node_seq(a);
	node_push(a, words, node_string(a, str_of(f->word)));
	set(a, word, "enum", words);
	node_push(a, either, word);
	node_push(a, either, fields_schema(a, f->record));
	set(a, n, "anyOf", either);
	return n;
}

static struct node *field_schema(struct arena *a, const struct field *f)
{
	switch (f->kind) {
	case FIELD_TEXT:
		return text_schema(a, f->rule);
	case FIELD_FLAG:
		return typed(a, "boolean");
	case FIELD_CHOICE:
		return choice_schema(a, f);
	case FIELD_COUNT:
	case FIELD_DURATION:
	case FIELD_SIZE:
	case FIELD_CPUS:
		return number_schema(a, f);
	case FIELD_TEXTS:
		return list_schema(a, text_schema(a, f->rule));
	case FIELD_MAP:
		return map_schema(a, f->rule, text_schema(a, RULE_EMPTY_TOO));
	case FIELD_RECORD:
		return f->word ? word_or_record(a, f) : fields_schema(a, f->record);
	case FIELD_RECORDS:
		return list_schema(a, fields_schema(a, f->record));
	case FIELD_NAMED:
		return map_schema(a, f->rule, fields_schema(a, f->record));
	case FIELD_NODE:
		return typed(a, "object");
	}
	return NULL;
}

struct node *fields_schema(struct arena *a, const struct field_record *record)
{
	struct node *n = typed(a, "object"), *properties = node_map(a), *required = node_seq(a);
	if (record->help)
		set_text(a, n, "description", record->help);
	for (const struct field *f = record->fields; f->name; f++) {
		struct node *one = field_schema(a, f);
		set_text(a, one, "description", f->help);
		if (f->kind == FIELD_FLAG)
			set(a, one, "default", node_bool_new(a, f->otherwise));
		set(a, properties, f->name, one);
		if (f->required)
			node_push(a, required, node_string(a, str_of(f->name)));
	}
	set(a, n, "properties", properties);
	set(a, n, "additionalProperties", node_bool_new(a, false));
	if (required->seq.n)
		set(a, n, "required", required);
	return n;
}
