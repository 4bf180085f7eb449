/* collisions.c - objects that are one and the same in a cluster, and the namespaces that they are in. */
#include "check/objects.h"

/* The group under which a kind that has lived in several is one object (as the server stores it). */
static struct str one_group(const struct render_object *o)
{
	static const struct {
		const char *group, *kind, *is;
	} moved[] = {
		{ "extensions", "Deployment", "apps" },
		{ "extensions", "DaemonSet", "apps" },
		{ "extensions", "ReplicaSet", "apps" },
		{ "extensions", "Ingress", "networking.k8s.io" },
		{ "extensions", "NetworkPolicy", "networking.k8s.io" },
		{ "extensions", "PodSecurityPolicy", "policy" },
		{ "events.k8s.io", "Event", "" },
	};
	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++)
		if (str_is(o->group, moved[i].group) && str_is(o->kind, moved[i].kind))
			return str_of(moved[i].is);
	return o->group;
}

static void object_key(struct buf *key, const struct subject *s)
{
	struct str parts[] = { one_group(s->object), s->object->kind, subject_namespace(s), s->object->name };
	for (size_t i = 0; i < 4; i++) {
		buf_add_str(key, parts[i]);
		buf_addc(key, '\n');
	}
}

/* An object that an environment of a cluster has. */
struct shared {
	const char *environment, *file;
	uint32_t line;
};

static void check_shared(const struct subject *s, struct str key)
{
	struct check *c = s->c;
	cleanup_buf struct buf whole = BUF_INIT;
	if (!s->env->cluster || !rule_is_on(c, RULE_SHARED_OBJECT))
		return;
	buf_printf(&whole, "%s\n%.*s", s->env->cluster, STR_ARG(key));
	struct shared *other = map_get(&c->shared, buf_str(&whole));
	if (!other) {
		other = arena_new(&c->a, struct shared);
		*other = (struct shared){ arena_strdup(&c->a, s->env->name ? s->env->name : ""),
					  arena_strdup(&c->a, s->object->file), s->object->line };
		map_put(&c->shared, buf_str(&whole), other);
	} else if (strcmp(other->environment, s->env->name ? s->env->name : "") != 0) {
		find_at(s, RULE_SHARED_OBJECT, place_of_node(s, s->object->root), NULL,
			"environment %s of the same cluster has this object too (%s:%u)", other->environment,
			other->file, other->line);
	}
}

static void check_duplicate(const struct subject *s, const struct subject *first)
{
	struct place there = place_of_node(first, first->object->root);
	bool same_kind = str_eq(s->object->group, first->object->group);
	bool same_namespace = str_eq(s->object->namespace, first->object->namespace);
	find_at(s, RULE_DUPLICATE_OBJECT, place_of_node(s, s->object->root), NULL,
		"is the same object as %s of %s:%u%s", subject_label(first), there.file, there.line,
		!same_kind	  ? ": both APIs store one object"
		: !same_namespace ? arena_printf(&s->c->a, ": the namespace of both is %.*s",
						 STR_ARG(subject_namespace(s).n
								 ? subject_namespace(s)
								 : STR("none, the kind being cluster-wide")))
				  : "");
}

static void check_namespace(struct objects *o, const struct subject *s)
{
	struct str namespace = s->object->namespace, effective = subject_namespace(s);
	const struct node *metadata = node_get(s->object->root, "metadata");
	if (namespace.n && effective.n == 0)
		find_at(s, RULE_NAMESPACE_IGNORED, place_of_key(s, metadata, "namespace"),
			"metadata.namespace", "%.*s is cluster-wide: its namespace is ignored",
			STR_ARG(s->object->kind));
	/* Said once for each. */
	if (effective.n && namespace.n && !map_put(&o->namespaces, effective, o))
		find_at(s, RULE_MISSING_NAMESPACE, place_of_key(s, metadata, "namespace"),
			"metadata.namespace", "no object makes the namespace %.*s", STR_ARG(effective));
}

void collisions_check(struct objects *o)
{
	struct map seen = MAP_INIT;
	cleanup_buf struct buf key = BUF_INIT;
	for (size_t i = 0; i < o->env->n; i++) {
		struct subject *s = &o->subjects[i];
		buf_clear(&key);
		object_key(&key, s);
		const struct subject *first = map_get(&seen, buf_str(&key));
		if (first)
			check_duplicate(s, first);
		else
			map_put(&seen, buf_str(&key), s);
		check_shared(s, buf_str(&key));
		check_namespace(o, s);
	}
	map_release(&seen);
}
