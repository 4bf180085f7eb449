/* api.c - whether the chosen Kubernetes version serves the kind of an object, and what comes of that. */
#include "check/validate.h"

static const char *api_version(struct arena *a, struct str group, struct str version)
{
	return arena_printf(a, "%.*s%s%.*s", STR_ARG(group), group.n ? "/" : "", STR_ARG(version));
}

/* What to use instead: as the lifecycle says, or the best version that is served. */
static const char *instead(const struct subject *s, struct str use)
{
	struct check *c = s->c;
	const struct render_object *o = s->object;
	if (use.n)
		return arena_printf(&c->a, ": use %.*s", STR_ARG(use));
	const char *other = schemas_other_version(&c->schemas, &c->a, o->group, o->kind, c->mask, o->version);
	return other ? arena_printf(&c->a, ": use %s", other) : "";
}

/* true: nothing else is worth saying: the API is gone, or went before the first version whose schema is
 * known. */
static bool check_life(const struct subject *s, struct place place)
{
	struct check *c = s->c;
	const struct render_object *o = s->object;
	struct schema_life life;
	if (!schemas_life(o->group, o->version, o->kind, &life))
		return false;
	const char *api = api_version(&c->a, o->group, o->version);
	if (life.removed && life.removed <= c->wanted_minor) {
		find_at(s, RULE_REMOVED_API, place, "apiVersion",
			"%s %.*s is not served any more since Kubernetes 1.%u%s", api, STR_ARG(o->kind),
			life.removed, instead(s, life.use));
		return true;
	}
	bool forgotten = life.removed && life.removed <= schemas_oldest();
	if (!life.deprecated || life.deprecated > c->wanted_minor)
		return forgotten;
	const char *removed = life.removed ? arena_printf(&c->a, " and is gone in 1.%u", life.removed) : "";
	find_at(s, RULE_DEPRECATED_API, place, "apiVersion",
		"%s %.*s is deprecated since Kubernetes 1.%u%s%s", api, STR_ARG(o->kind), life.deprecated,
		removed, instead(s, life.use));
	return forgotten;
}

static void check_learnt(const struct subject *s, const struct schema_kind *kind, struct place place)
{
	const char *api = api_version(&s->c->a, kind->group, kind->version);
	if (kind->mask == 0)
		find_at(s, RULE_API_NOT_AVAILABLE, place, "apiVersion",
			"%s %.*s is not served: its CustomResourceDefinition says so%s", api,
			STR_ARG(kind->kind), instead(s, (struct str){ NULL, 0 }));
	else if (kind->deprecated)
		find_at(s, RULE_DEPRECATED_API, place, "apiVersion", "%s %.*s is deprecated%s%.*s", api,
			STR_ARG(kind->kind), kind->warning.n ? ": " : "", STR_ARG(shown(kind->warning)));
}

const char *minors_text(struct arena *a, uint8_t mask)
{
	unsigned low = 0, high = 0;
	for (unsigned i = 0; i < 8; i++) {
		if (!(mask & 1u << i))
			continue;
		low = low ? low : schemas_oldest() + i;
		high = schemas_oldest() + i;
	}
	if (high >= schemas_newest())
		return arena_printf(a, "1.%u and later", low);
	return low == schemas_oldest() ? arena_printf(a, "versions up to 1.%u", high)
	       : low == high	       ? arena_printf(a, "1.%u only", low)
				       : arena_printf(a, "1.%u to 1.%u", low, high);
}

/* One word for all objects of a kind that comes from elsewhere. */
static bool first_of_kind(const struct subject *s)
{
	const struct render_object *o = s->object;
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%.*s\n%.*s\n%.*s", STR_ARG(o->group), STR_ARG(o->version), STR_ARG(o->kind));
	return !map_put(&s->c->unknown, buf_str(&key), s->c);
}

static void unknown_kind(const struct subject *s, struct place place)
{
	struct check *c = s->c;
	const struct render_object *o = s->object;
	const char *api = api_version(&c->a, o->group, o->version);
	const char *other = schemas_other_version(&c->schemas, &c->a, o->group, o->kind, c->mask, o->version);
	bool known = schemas_has_group(&c->schemas, o->group);
	/* A misspelt group, or none: v1 Deployment. */
	if (!other && known)
		other = schemas_elsewhere(&c->a, o->kind, c->mask);
	struct str near = schemas_near_kind(&c->schemas, o->group, o->kind);
	/* The versions of a group that is known are known too. */
	enum check_severity severity = known ? CHECK_ERROR : check_rules[RULE_UNKNOWN_KIND].severity;
	if (other)
		find_with(s, RULE_UNKNOWN_KIND, severity, place, "apiVersion",
			  "there is no %.*s in %s: use %s", STR_ARG(shown(o->kind)), api, other);
	else if (near.p)
		find_with(s, RULE_UNKNOWN_KIND, severity, place, "kind",
			  "there is no kind %.*s in %s; did you mean %.*s?", STR_ARG(shown(o->kind)), api,
			  STR_ARG(near));
	else if (known)
		find_with(s, RULE_UNKNOWN_KIND, severity, place, "kind", "there is no kind %.*s in %s",
			  STR_ARG(shown(o->kind)), api);
	else if (first_of_kind(s))
		find_with(s, RULE_UNKNOWN_KIND, severity, place, "kind",
			  "no schema is known for %s %.*s: objects of this kind are not checked", api,
			  STR_ARG(shown(o->kind)));
}

static void walk_object(const struct subject *s, const struct schema *schema)
{
	const struct node *root = s->object->root;
	const struct node *sops = node_get(root, "sops");
	struct walk w = { .s = s, .mask = s->c->mask, .encrypted = sops && sops->type == NODE_MAP };
	struct at at = { .node = root, .schema = schema };
	walk_value(&w, schema, root, &at);
	if (w.steps > CHECK_STEPS_MAX)
		find_at(s, RULE_BAD_SCHEMA, place_of_node(s, root), NULL,
			"the object is too large, or its schema too deep, to be checked whole (CHECK_STEPS_MAX)");
}

void validate_object(const struct subject *s)
{
	struct check *c = s->c;
	const struct render_object *o = s->object;
	struct place place = place_of_key(s, o->root, "apiVersion");
	const struct schema_kind *kind = schemas_find(&c->schemas, o->group, o->version, o->kind);
	bool learnt = kind && !kind->builtin;
	if (!learnt && check_life(s, place))
		return;
	if (!kind) {
		unknown_kind(s, place_of_key(s, o->root, "kind"));
		return;
	}
	if (learnt)
		check_learnt(s, kind, place);
	else if (!(kind->mask & c->mask))
		find_at(s, RULE_API_NOT_AVAILABLE, place, "apiVersion",
			"%s %.*s is served by Kubernetes %s; this is checked for 1.%u%s",
			api_version(&c->a, o->group, o->version), STR_ARG(o->kind),
			minors_text(&c->a, kind->mask), c->wanted_minor, instead(s, (struct str){ NULL, 0 }));
	if (kind->schema && (learnt || (kind->mask & c->mask)))
		walk_object(s, kind->schema);
}
