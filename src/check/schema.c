/*
 * schema.c - the built-in kinds, unfolded from the tables, and looking things up; see schema.h.
 *
 * All types are unfolded at once: 1,100 of them with 3,100 fields are a fifth of a millisecond, and pointers
 * in the tables themselves would be relocated at every start of the program, checking or not.
 */
#include "check/schema.h"

#include <stdio.h>

#include "check/builtin.h"
#include "check/near.h"
#include "check/pattern.h"
#include "check/schema_learn.h"

static const uint8_t shapes[] = {
	[BUILTIN_ANY] = SCHEMA_ANY,	  [BUILTIN_OBJECT] = SCHEMA_OBJECT,
	[BUILTIN_STRING] = SCHEMA_STRING, [BUILTIN_TIME] = SCHEMA_TIME,
	[BUILTIN_BYTES] = SCHEMA_BYTES,	  [BUILTIN_QUANTITY] = SCHEMA_QUANTITY,
	[BUILTIN_INT32] = SCHEMA_INT32,	  [BUILTIN_INT_OR_STRING] = SCHEMA_INT_OR_STRING,
	[BUILTIN_INT64] = SCHEMA_INT64,	  [BUILTIN_NUMBER] = SCHEMA_NUMBER,
	[BUILTIN_BOOL] = SCHEMA_BOOL,	  [BUILTIN_FIELDS] = SCHEMA_OBJECT,
	[BUILTIN_LIST] = SCHEMA_LIST,	  [BUILTIN_MAP] = SCHEMA_OBJECT,
	[BUILTIN_ENUM] = SCHEMA_ENUM,
};

static struct str text_at(uint16_t at)
{
	return str_of(builtin_strings + at);
}

static void unfold_fields(struct schemas *s, struct schema *to, const struct builtin_type *from)
{
	struct schema_field *fields = arena_array(s->a, struct schema_field, from->n);
	for (size_t i = 0; i < from->n; i++) {
		const struct builtin_field *f = &builtin_fields[from->first + i];
		fields[i] =
			(struct schema_field){ text_at(f->name), &s->builtin[f->type], f->mask, f->required };
	}
	to->fields = fields;
	to->n_fields = from->n;
	to->open = from->n == 0; /* a message without fields takes none, but says nothing of newer ones */
}

static void unfold_values(struct schemas *s, struct schema *to, const struct builtin_type *from)
{
	struct schema_value *values = arena_array(s->a, struct schema_value, from->n);
	for (size_t i = 0; i < from->n; i++)
		values[i] = (struct schema_value){ .text = text_at(builtin_values[from->first + i].text),
						   .mask = builtin_values[from->first + i].mask };
	to->values = values;
	to->n_values = from->n;
}

static void unfold_list(struct schemas *s, struct schema *to, const struct builtin_type *from)
{
	struct str keys = text_at(from->n);
	to->item = &s->builtin[from->first];
	to->set = str_is(keys, "=");
	if (to->set || keys.n == 0)
		return;
	struct str *list = arena_array(s->a, struct str, keys.n);
	while (keys.n)
		list[to->n_keys++] = str_cut(keys, ',', &keys);
	to->keys = list;
}

static void unfold(struct schemas *s, size_t i)
{
	const struct builtin_type *from = &builtin_types[i];
	struct schema *to = &s->builtin[i];
	to->shape = shapes[from->shape];
	if (from->shape == BUILTIN_FIELDS)
		unfold_fields(s, to, from);
	else if (from->shape == BUILTIN_ENUM)
		unfold_values(s, to, from);
	else if (from->shape == BUILTIN_LIST)
		unfold_list(s, to, from);
	else if (from->shape == BUILTIN_MAP)
		to->item = &s->builtin[from->first];
	else if (from->shape == BUILTIN_OBJECT)
		to->open = true;
}

void schemas_init(struct schemas *s, struct arena *a)
{
	*s = (struct schemas){ .a = a };
	s->builtin = arena_array(a, struct schema, builtin_sizes.types);
	for (size_t i = 0; i < builtin_sizes.types; i++)
		unfold(s, i);
}

void schemas_release(struct schemas *s)
{
	for (size_t i = 0; i < s->patterns.n; i++)
		pattern_release(s->patterns.at[i]);
	vec_release(&s->patterns);
	vec_release(&s->list);
	map_release(&s->learnt);
	map_release(&s->groups);
}

/* --- kinds --- */

static int compare_kind(const struct builtin_kind *k, struct str group, struct str version, struct str kind)
{
	int order = str_cmp(text_at(k->kind), kind);
	order = order ? order : str_cmp(text_at(k->group), group);
	return order ? order : str_cmp(text_at(k->version), version);
}

static const struct builtin_kind *find_builtin(struct str group, struct str version, struct str kind)
{
	size_t low = 0, high = builtin_sizes.kinds;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare_kind(&builtin_kinds[middle], group, version, kind);
		if (order == 0)
			return &builtin_kinds[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void schema_key(struct buf *key, struct str group, struct str version, struct str kind)
{
	buf_clear(key);
	buf_add_str(key, kind);
	buf_addc(key, '\n');
	buf_add_str(key, group);
	buf_addc(key, '\n');
	buf_add_str(key, version);
}

const struct schema_kind *schemas_find(struct schemas *s, struct str group, struct str version,
				       struct str kind)
{
	cleanup_buf struct buf key = BUF_INIT;
	schema_key(&key, group, version, kind);
	struct schema_kind *known = map_get(&s->learnt, buf_str(&key));
	if (known)
		return known;
	const struct builtin_kind *b = find_builtin(group, version, kind);
	if (!b)
		return NULL;
	known = arena_new(s->a, struct schema_kind);
	*known = (struct schema_kind){ .group = text_at(b->group),
				       .version = text_at(b->version),
				       .kind = text_at(b->kind),
				       .schema = &s->builtin[b->type],
				       .mask = b->mask,
				       .namespaced = b->namespaced,
				       .builtin = true };
	map_put(&s->learnt, buf_str(&key), known);
	return known;
}

static bool is_builtin_group(struct str group)
{
	for (size_t i = 0; i < builtin_sizes.kinds; i++)
		if (str_eq(group, text_at(builtin_kinds[i].group)))
			return true;
	for (size_t i = 0; i < builtin_sizes.lives; i++)
		if (str_eq(group, text_at(builtin_lives[i].group)))
			return true;
	return false;
}

bool schemas_has_group(const struct schemas *s, struct str group)
{
	return map_get(&s->groups, group) || is_builtin_group(group);
}

bool schemas_life(struct str group, struct str version, struct str kind, struct schema_life *out)
{
	for (size_t i = 0; i < builtin_sizes.lives; i++) {
		const struct builtin_life *l = &builtin_lives[i];
		if (!str_eq(kind, text_at(l->kind)) || !str_eq(group, text_at(l->group)) ||
		    !str_eq(version, text_at(l->version)))
			continue;
		*out = (struct schema_life){ l->deprecated, l->removed, text_at(l->use) };
		return true;
	}
	return false;
}

/* v2 is better than v1, v1 than v1beta2, that than v1beta1 and any alpha, as Kubernetes orders versions. */
static unsigned rank(struct str version)
{
	char text[24];
	unsigned major = 0, minor = 0;
	snprintf(text, sizeof(text), "%.*s", (int)(version.n < 23 ? version.n : 23), version.p);
	if (sscanf(text, "v%ubeta%u", &major, &minor) == 2)
		return 1000 + major % 100 * 100 + minor % 100;
	if (sscanf(text, "v%ualpha%u", &major, &minor) == 2)
		return major % 100 * 10 + minor % 10;
	return sscanf(text, "v%u", &major) == 1 ? 100000 + major : 0;
}

const char *schemas_other_version(const struct schemas *s, struct arena *a, struct str group, struct str kind,
				  uint8_t mask, struct str not_version)
{
	struct str best = { NULL, 0 };
	for (size_t i = 0; i < builtin_sizes.kinds; i++) {
		const struct builtin_kind *k = &builtin_kinds[i];
		struct str version = text_at(k->version);
		if ((k->mask & mask) && str_eq(kind, text_at(k->kind)) && str_eq(group, text_at(k->group)) &&
		    !str_eq(version, not_version) && (!best.p || rank(version) > rank(best)))
			best = version;
	}
	for (size_t i = 0; i < s->list.n; i++) {
		const struct schema_kind *k = s->list.at[i];
		if (str_eq(k->kind, kind) && str_eq(k->group, group) && !str_eq(k->version, not_version) &&
		    (!best.p || rank(k->version) > rank(best)))
			best = k->version;
	}
	if (!best.p)
		return NULL;
	return arena_printf(a, "%.*s%s%.*s", STR_ARG(group), group.n ? "/" : "", STR_ARG(best));
}

const char *schemas_elsewhere(struct arena *a, struct str kind, uint8_t mask)
{
	const struct builtin_kind *best = NULL;
	for (size_t i = 0; i < builtin_sizes.kinds; i++) {
		const struct builtin_kind *k = &builtin_kinds[i];
		if ((k->mask & mask) && str_eq(kind, text_at(k->kind)) &&
		    (!best || rank(text_at(k->version)) > rank(text_at(best->version))))
			best = k;
	}
	if (!best)
		return NULL;
	struct str group = text_at(best->group), version = text_at(best->version);
	return arena_printf(a, "%.*s%s%.*s", STR_ARG(group), group.n ? "/" : "", STR_ARG(version));
}

struct str schemas_near_kind(const struct schemas *s, struct str group, struct str kind)
{
	struct near near = near_start(kind);
	for (size_t i = 0; i < builtin_sizes.kinds; i++)
		if (str_eq(group, text_at(builtin_kinds[i].group)))
			near_try(&near, text_at(builtin_kinds[i].kind));
	for (size_t i = 0; i < s->list.n; i++)
		if (str_eq(group, s->list.at[i]->group))
			near_try(&near, s->list.at[i]->kind);
	return near.best;
}

unsigned schemas_oldest(void)
{
	return builtin_sizes.oldest;
}

unsigned schemas_newest(void)
{
	return builtin_sizes.newest;
}

/* --- fields --- */

const struct schema_field *schema_field_any(const struct schema *s, struct str name)
{
	size_t low = 0, high = s->n_fields;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (str_cmp(s->fields[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->n_fields && str_eq(s->fields[low].name, name) ? &s->fields[low] : NULL;
}

const struct schema_field *schema_field(const struct schema *s, struct str name, uint8_t mask)
{
	const struct schema_field *f = schema_field_any(s, name);
	for (size_t i = f ? (size_t)(f - s->fields) : s->n_fields; i < s->n_fields; i++) {
		if (!str_eq(s->fields[i].name, name))
			break;
		if (s->fields[i].mask & mask)
			return &s->fields[i];
	}
	return NULL;
}
