/*
 * validate.c - an object against the schema of its kind, the way a server-side apply reads it: unknown fields
 * and wrong types are refused, nulls count as absent, items of a keyed list are unique.
 *
 * Values never appear in messages, but for those of closed lists of built-in kinds: any other may be a
 * secret.
 */
#include "check/validate.h"

#include "check/near.h"
#include "check/values.h"

#define VALIDATE_DEPTH_MAX \
	600u /* documents end at NODE_DEPTH_MAX; each level may pass through a few schemas */

/* --- paths and places --- */

static struct str at_path(const struct walk *w, const struct at *at)
{
	cleanup_buf struct buf text = BUF_INIT;
	const struct at *steps[VALIDATE_DEPTH_MAX];
	size_t n = 0;
	for (; at && at->up && n < VALIDATE_DEPTH_MAX; at = at->up)
		steps[n++] = at;
	while (n-- > 0) {
		const struct at *step = steps[n];
		bool plain = step->key.n && !memchr(step->key.p, '.', step->key.n);
		if (!step->in_map)
			buf_printf(&text, "[%zu]", step->index);
		else if (plain)
			buf_printf(&text, "%s%.*s", text.n ? "." : "", STR_ARG(step->key));
		else
			buf_printf(&text, "[\"%.*s\"]", STR_ARG(step->key));
	}
	return arena_str(&w->s->c->a, buf_str(&text));
}

/* The key where the value stands in a map, or the value itself in a list. */
static struct place at_place(const struct walk *w, const struct at *at)
{
	return at->in_map ? place_of_pair(w->s, at->parent, at->index) : place_of_node(w->s, at->node);
}

/* Notes a failure; true: nobody wants to hear of it. */
static bool walk_fails(struct walk *w)
{
	w->failed = true;
	return w->quiet;
}

static const char *node_type_name(const struct node *n)
{
	static const char *const names[] = {
		[NODE_NULL] = "null",	     [NODE_BOOL] = "a boolean",	 [NODE_INT] = "a number",
		[NODE_FLOAT] = "a fraction", [NODE_STRING] = "a string", [NODE_MAP] = "a map",
		[NODE_SEQ] = "a list",
	};
	return names[n->type];
}

/* --- scalars --- */

static const char *wanted_name(enum schema_shape shape)
{
	static const char *const names[] = {
		[SCHEMA_ANY] = "anything",
		[SCHEMA_OBJECT] = "a map",
		[SCHEMA_LIST] = "a list",
		[SCHEMA_STRING] = "a string",
		[SCHEMA_TIME] = "a string",
		[SCHEMA_BYTES] = "a string in base64",
		[SCHEMA_QUANTITY] = "a quantity such as 500m or 1Gi",
		[SCHEMA_INT_OR_STRING] = "a whole number or a string",
		[SCHEMA_INT32] = "a whole number",
		[SCHEMA_INT64] = "a whole number",
		[SCHEMA_NUMBER] = "a number",
		[SCHEMA_BOOL] = "a boolean",
		[SCHEMA_ENUM] = "a string",
	};
	return names[shape];
}

static bool type_fits(enum schema_shape shape, const struct node *n)
{
	bool number = n->type == NODE_INT || n->type == NODE_FLOAT;
	switch (shape) {
	case SCHEMA_ANY:
		return true;
	case SCHEMA_OBJECT:
		return n->type == NODE_MAP;
	case SCHEMA_LIST:
		return n->type == NODE_SEQ;
	case SCHEMA_STRING:
	case SCHEMA_TIME:
	case SCHEMA_BYTES:
	case SCHEMA_ENUM:
		return n->type == NODE_STRING;
	case SCHEMA_QUANTITY:
		return number || n->type == NODE_STRING;
	case SCHEMA_INT_OR_STRING:
		return n->type == NODE_INT || n->type == NODE_STRING;
	case SCHEMA_INT32:
	case SCHEMA_INT64:
		return n->type == NODE_INT;
	case SCHEMA_NUMBER:
		return number;
	case SCHEMA_BOOL:
		return n->type == NODE_BOOL;
	}
	return true;
}

static void wrong_type(struct walk *w, const struct schema *s, const struct node *n, const struct at *at)
{
	if (walk_fails(w))
		return;
	bool text = s->shape == SCHEMA_STRING || s->shape == SCHEMA_ENUM;
	bool scalar = n->type == NODE_INT || n->type == NODE_FLOAT || n->type == NODE_BOOL;
	bool quoted = n->type == NODE_STRING && s->shape >= SCHEMA_INT32 && s->shape <= SCHEMA_BOOL;
	find_at(w->s, RULE_WRONG_TYPE, place_of_node(w->s, n), at_path(w, at).p, "is %s, must be %s%s",
		node_type_name(n), wanted_name(s->shape),
		text && scalar ? ": put it in quotes"
		: quoted       ? ": write it without quotes"
			       : "");
}

void bad_value(struct walk *w, const struct node *n, const struct at *at, const char *text)
{
	if (!walk_fails(w))
		find_at(w->s, RULE_BAD_VALUE, place_of_node(w->s, n), at_path(w, at).p, "%s", text);
}

static bool fits_32_bits(const struct node *n)
{
	int64_t value;
	return node_int(n, &value) && value >= INT32_MIN && value <= INT32_MAX;
}

static void check_form(struct walk *w, const struct schema *s, const struct node *n, const struct at *at)
{
	int64_t whole;
	if (s->shape == SCHEMA_INT32 && !fits_32_bits(n))
		bad_value(w, n, at, "does not fit in 32 bits");
	else if (s->shape == SCHEMA_INT64 && !node_int(n, &whole))
		bad_value(w, n, at, "does not fit in 64 bits");
	else if (s->shape == SCHEMA_QUANTITY && n->type == NODE_STRING && !value_is_quantity(n->text))
		bad_value(w, n, at, "is no quantity: a number and a unit, such as 500m, 2 or 1.5Gi");
	else if (s->shape == SCHEMA_TIME && !value_is_time(n->text))
		bad_value(w, n, at, "is no time of the form 2006-01-02T15:04:05Z");
	else if (s->shape == SCHEMA_BYTES && !value_is_base64(n->text))
		bad_value(w, n, at, "is not in base64");
}

static bool value_equals(const struct schema_value *v, const struct node *n)
{
	return v->node ? node_equal(v->node, n) : n->type == NODE_STRING && str_eq(v->text, n->text);
}

static const char *list_values(struct walk *w, const struct schema *s)
{
	cleanup_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < s->n_values && text.n < 200; i++) {
		const struct schema_value *v = &s->values[i];
		if ((v->mask & w->mask) && v->text.n)
			buf_printf(&text, "%s%.*s", text.n ? ", " : "", STR_ARG(shown(v->text)));
	}
	return arena_str(&w->s->c->a, buf_str(&text)).p;
}

static struct str near_value(struct walk *w, const struct schema *s, struct str typed)
{
	struct near near = near_start(typed);
	for (size_t i = 0; i < s->n_values; i++)
		if (s->values[i].mask & w->mask)
			near_try(&near, s->values[i].text);
	return near.best;
}

static void check_values(struct walk *w, const struct schema *s, const struct node *n, const struct at *at)
{
	const struct schema_value *later = NULL;
	if (s->n_values == 0 || (s->shape == SCHEMA_ENUM && n->text.n == 0))
		return;
	for (size_t i = 0; i < s->n_values; i++) {
		if (!value_equals(&s->values[i], n))
			continue;
		if (s->values[i].mask & w->mask)
			return;
		later = &s->values[i];
	}
	if (walk_fails(w))
		return;
	struct place place = place_of_node(w->s, n);
	struct str near = n->type == NODE_STRING ? near_value(w, s, n->text) : (struct str){ NULL, 0 };
	if (later)
		find_at(w->s, RULE_BAD_VALUE, place, at_path(w, at).p,
			"`%.*s` is a value of other Kubernetes versions than 1.%u; it takes %s",
			STR_ARG(shown(later->text)), w->s->c->minor, list_values(w, s));
	else if (near.p)
		find_at(w->s, RULE_BAD_VALUE, place, at_path(w, at).p,
			"is none of the values that it takes; did you mean `%.*s`?", STR_ARG(shown(near)));
	else
		find_at(w->s, RULE_BAD_VALUE, place, at_path(w, at).p, "must be one of: %s",
			list_values(w, s));
}

/* --- maps --- */

/* Where a field that is unknown here belongs: in the map around this one, or in one below it. */
static const char *place_hint(struct walk *w, const struct schema *s, struct str name, const struct at *at)
{
	struct arena *a = &w->s->c->a;
	for (const struct at *up = at->up; up; up = up->up)
		if (up->schema && up->schema->shape == SCHEMA_OBJECT &&
		    schema_field(up->schema, name, w->mask)) {
			struct str path = at_path(w, up);
			return arena_printf(a, "; it is a field of %s",
					    path.n ? path.p : "the object itself");
		}
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct schema *below = s->fields[i].type;
		if ((s->fields[i].mask & w->mask) && below->shape == SCHEMA_OBJECT &&
		    schema_field(below, name, w->mask)) {
			struct str path = at_path(w, at);
			return arena_printf(a, "; it is a field of %s%s%.*s", path.p, path.n ? "." : "",
					    STR_ARG(s->fields[i].name));
		}
	}
	return "";
}

static void unknown_field(struct walk *w, const struct schema *s, const struct node *map, size_t i,
			  const struct at *at)
{
	if (walk_fails(w))
		return;
	struct str name = map->map.pairs[i].key;
	struct place place = place_of_pair(w->s, map, i);
	struct str path = at_path(w, &(struct at){ .up = at, .key = name, .in_map = true });
	const struct schema_field *other = schema_field_any(s, name);
	if (other) {
		find_at(w->s, RULE_UNKNOWN_FIELD, place, path.p,
			"`%.*s` is a field in Kubernetes %s; this is checked for 1.%u", STR_ARG(shown(name)),
			minors_text(&w->s->c->a, other->mask), w->s->c->minor);
		return;
	}
	struct near near = near_start(name);
	for (size_t k = 0; k < s->n_fields; k++)
		if ((s->fields[k].mask & w->mask) && !node_get_str(map, s->fields[k].name))
			near_try(&near, s->fields[k].name);
	if (near.best.p)
		find_at(w->s, RULE_UNKNOWN_FIELD, place, path.p,
			"there is no field `%.*s`; did you mean `%.*s`?", STR_ARG(shown(name)),
			STR_ARG(shown(near.best)));
	else
		find_at(w->s, RULE_UNKNOWN_FIELD, place, path.p, "there is no field `%.*s` here%s",
			STR_ARG(shown(name)), place_hint(w, s, name, at));
}

static void missing_fields(struct walk *w, const struct schema *s, const struct node *map,
			   const struct at *at)
{
	/* What is in status is not for people to write, and is not applied. */
	for (const struct at *up = at; up; up = up->up)
		if (up->in_map && up->up && !up->up->up && str_is(up->key, "status"))
			return;
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct schema_field *f = &s->fields[i];
		if (!(f->required & f->mask & w->mask))
			continue;
		const struct node *value = node_get_str(map, f->name);
		if ((value && value->type != NODE_NULL) || (value && f->type->nullable) || walk_fails(w))
			continue;
		find_at(w->s, RULE_MISSING_FIELD, at_place(w, at), at_path(w, at).p, "`%.*s` is missing",
			STR_ARG(shown(f->name)));
	}
}

static void walk_map(struct walk *w, const struct schema *s, const struct node *map, const struct at *at)
{
	for (size_t i = 0; i < map->map.n; i++) {
		const struct node_pair *p = &map->map.pairs[i];
		const struct schema_field *f = schema_field(s, p->key, w->mask);
		const struct schema *type = f ? f->type : s->item;
		/* The block that says how it is encrypted goes with the encryption. */
		if (w->encrypted && !at->up && str_is(p->key, "sops"))
			continue;
		struct at below = { .up = at,
				    .node = p->value,
				    .parent = map,
				    .key = p->key,
				    .index = i,
				    .in_map = true,
				    .schema = type };
		if (type)
			walk_value(w, type, p->value, &below);
		else if (!s->open)
			unknown_field(w, s, map, i, at);
	}
	missing_fields(w, s, map, at);
}

/* --- lists --- */

/* What makes an item unique, in key; false: it lacks all of it. */
static bool item_key(const struct schema *s, const struct node *item, struct buf *key)
{
	bool any = false;
	buf_clear(key);
	for (size_t i = 0; i < s->n_keys; i++) {
		const struct node *value = node_get_str(item, s->keys[i]);
		bool scalar = value && value->type >= NODE_INT && value->type <= NODE_STRING;
		/* The one key of built-in lists that has a default. */
		struct str text = scalar			   ? value->text
				  : str_is(s->keys[i], "protocol") ? STR("TCP")
								   : STR("");
		any = any || scalar;
		buf_printf(key, "%zu:", text.n);
		buf_add_str(key, text);
	}
	return any;
}

static bool set_key(const struct node *item, struct buf *key)
{
	buf_clear(key);
	if (item->type < NODE_INT || item->type > NODE_STRING)
		return false;
	buf_addc(key, item->type == NODE_STRING ? 's' : 'n');
	buf_add_str(key, item->text);
	return true;
}

static void duplicate_items(struct walk *w, const struct schema *s, const struct node *list,
			    const struct at *at)
{
	struct map seen = MAP_INIT;
	cleanup_buf struct buf key = BUF_INIT;
	for (size_t i = 0; i < list->seq.n; i++) {
		struct node *item = list->seq.items[i];
		if (!(s->set ? set_key(item, &key) : item_key(s, item, &key)))
			continue;
		const struct node *first = map_put(&seen, buf_str(&key), item);
		if (!first || walk_fails(w))
			continue;
		struct place place = place_of_node(w->s, first), here = place_of_node(w->s, item);
		struct at below = { .up = at, .index = i };
		find_at(w->s, RULE_DUPLICATE_ITEM, here, at_path(w, &below).p,
			"is in the list twice (%s): first in line %u of %s",
			s->set ? "same value"
			       : arena_printf(&w->s->c->a, "same %.*s", STR_ARG(shown(s->keys[0]))),
			place.line, place.file);
	}
	map_release(&seen);
}

static void walk_list(struct walk *w, const struct schema *s, const struct node *list, const struct at *at)
{
	for (size_t i = 0; i < list->seq.n; i++) {
		struct node *item = list->seq.items[i];
		struct at below = { .up = at, .node = item, .index = i, .schema = s->item };
		if (item->type != NODE_NULL)
			walk_value(w, s->item, item, &below);
		else if (s->item->shape != SCHEMA_ANY && !s->item->nullable)
			wrong_type(w, s->item, item, &below);
	}
	if ((s->set || s->n_keys) && list->seq.n > 1)
		duplicate_items(w, s, list, at);
}

/* --- a value --- */

void walk_value(struct walk *w, const struct schema *s, const struct node *n, const struct at *at)
{
	if (++w->steps > CHECK_STEPS_MAX || w->depth >= VALIDATE_DEPTH_MAX)
		return;
	if (n->type == NODE_NULL) /* the server drops it */
		return;
	if (w->encrypted && str_starts(node_text(n), STR("ENC[")))
		return;
	if (!type_fits(s->shape, n)) {
		if (!s->untyped || s->shape == SCHEMA_INT_OR_STRING)
			wrong_type(w, s, n, at);
		return;
	}
	w->depth++;
	check_form(w, s, n, at);
	check_values(w, s, n, at);
	if (s->shape == SCHEMA_OBJECT)
		walk_map(w, s, n, at);
	else if (s->shape == SCHEMA_LIST)
		walk_list(w, s, n, at);
	if (s->limits)
		check_limits(w, s, n, at);
	w->depth--;
}
