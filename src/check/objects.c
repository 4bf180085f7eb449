/* objects.c - the index of an environment; see objects.h. */
#include "check/objects.h"

const char *const container_lists[CONTAINER_LISTS] = { "containers", "initContainers",
						       "ephemeralContainers" };

/* --- names --- */

static void name_key(struct buf *key, struct str kind, struct str namespace, struct str name)
{
	buf_clear(key);
	buf_add_str(key, kind);
	buf_addc(key, '\n');
	buf_add_str(key, namespace);
	buf_addc(key, '\n');
	buf_add_str(key, name);
}

const struct subject *objects_get(const struct objects *o, const char *kind, struct str namespace,
				  struct str name)
{
	cleanup_buf struct buf key = BUF_INIT;
	name_key(&key, str_of(kind), namespace, name);
	return map_get(&o->by_name, buf_str(&key));
}

bool objects_provide(const struct objects *o, const char *kind, struct str namespace, struct str name)
{
	cleanup_buf struct buf key = BUF_INIT;
	name_key(&key, str_of(kind), namespace, name);
	if (map_get(&o->by_name, buf_str(&key)) || map_get(&o->provided, buf_str(&key)))
		return true;
	name_key(&key, str_of(kind), STR("*"), name); /* in every namespace */
	return map_get(&o->provided, buf_str(&key));
}

bool objects_external(const struct subject *s, const char *kind, struct str name)
{
	struct str list = subject_annotation(s, CHECK_EXTERNAL);
	cleanup_buf struct buf wanted = BUF_INIT;
	if (list.n)
		buf_printf(&wanted, "%s/%.*s", kind, STR_ARG(name));
	while (list.n) {
		struct str entry = str_trim(str_cut(list, ',', &list));
		if (entry.n && glob_match(entry, buf_str(&wanted)))
			return true;
	}
	return false;
}

/* --- what controllers make of objects --- */

static void provide(struct objects *o, const struct subject *s, const char *kind, struct str namespace,
		    struct str name)
{
	cleanup_buf struct buf key = BUF_INIT;
	if (name.n == 0)
		return;
	name_key(&key, str_of(kind), namespace, name);
	map_put(&o->provided, buf_str(&key), (void *)s);
}

/* A kind whose controller makes a Secret or ConfigMap, and the field that names it (otherwise: its own name).
 */
static const struct {
	const char *kind, *makes, *field;
} makers[] = {
	{ "SealedSecret", "Secret", "spec.template.metadata.name" },
	{ "ExternalSecret", "Secret", "spec.target.name" },
	{ "Certificate", "Secret", "spec.secretName" },
	{ "VaultStaticSecret", "Secret", "spec.destination.name" },
	{ "VaultDynamicSecret", "Secret", "spec.destination.name" },
	{ "VaultPKISecret", "Secret", "spec.destination.name" },
	{ "OnePasswordItem", "Secret", "" },
	{ "BitwardenSecret", "Secret", "spec.secretName" },
	{ "InfisicalSecret", "Secret", "spec.managedSecretReference.secretName" },
	{ "DopplerSecret", "Secret", "spec.managedSecret.name" },
	{ "KafkaUser", "Secret", "" },
	{ "AzureKeyVaultSecret", "Secret", "spec.output.secret.name" },
};

static void provide_lists(struct objects *o, const struct subject *s, struct str namespace)
{
	const struct render_object *object = s->object;
	const struct node *list = NULL;
	const char *field = "name";
	if (str_is(object->kind, "SecretProviderClass")) {
		list = node_at(object->root, "spec.secretObjects");
		field = "secretName";
	} else if (str_is(object->kind, "SopsSecret")) {
		list = node_at(object->root, "spec.secretTemplates");
	}
	for (size_t i = 0; list && list->type == NODE_SEQ && i < node_count(list); i++)
		provide(o, s, "Secret", namespace, node_text(node_get(node_item(list, i), field)));
	/* trust-manager writes into every namespace that it may. */
	if (str_is(object->kind, "Bundle") && str_is(object->group, "trust.cert-manager.io")) {
		provide(o, s, "ConfigMap", STR("*"), object->name);
		provide(o, s, "Secret", STR("*"), object->name);
	}
}

static void provide_made(struct objects *o, const struct subject *s)
{
	const struct render_object *object = s->object;
	struct str namespace = subject_namespace(s);
	if (object->group.n == 0)
		return;
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		if (!str_is(object->kind, makers[i].kind))
			continue;
		struct str name = node_text(node_at(object->root, makers[i].field));
		provide(o, s, makers[i].makes, namespace, name.n ? name : object->name);
	}
	provide_lists(o, s, namespace);
}

/* --- pods --- */

/* Where a kind has its pod template: the path of what has metadata and spec. NULL: it makes no pods. */
static const char *template_path(const struct render_object *o)
{
	static const struct {
		const char *group, *kind, *path;
	} known[] = {
		{ "", "Pod", "" },
		{ "", "PodTemplate", "template" },
		{ "batch", "CronJob", "spec.jobTemplate.spec.template" },
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_is(o->group, known[i].group) && str_is(o->kind, known[i].kind))
			return known[i].path;
	/* Workloads, Jobs, and the many custom kinds that look like them. */
	return node_at(o->root, "spec.template.spec.containers") ? "spec.template" : NULL;
}

struct pod_list {
	VEC(uint32_t) at;
};

static void index_labels(struct objects *o, const struct pods *p, uint32_t number)
{
	cleanup_buf struct buf key = BUF_INIT;
	for (size_t i = 0; p->labels && p->labels->type == NODE_MAP && i < p->labels->map.n; i++) {
		const struct node_pair *pair = &p->labels->map.pairs[i];
		name_key(&key, p->namespace, pair->key, node_text(pair->value));
		struct pod_list *list = map_get(&o->by_label, buf_str(&key));
		if (!list) {
			list = mem_alloc(sizeof(*list));
			map_put(&o->by_label, buf_str(&key), list);
		}
		vec_push(&list->at, number);
	}
}

static void add_pods(struct objects *o, const struct subject *s)
{
	const char *path = template_path(s->object);
	if (!path)
		return;
	const struct node *template = node_at(s->object->root, path), *spec = node_get(template, "spec");
	if (!spec || spec->type != NODE_MAP)
		return;
	struct pods pods = { .s = s,
			     .namespace = subject_namespace(s),
			     .path = path[0] ? arena_printf(&o->a, "%s.spec", path) : "spec",
			     .spec = spec,
			     .labels = node_at(template, "metadata.labels") };
	vec_push(&o->pods, pods);
	map_put(&o->with_pods, pods.namespace, o);
	index_labels(o, &pods, (uint32_t)o->pods.n - 1);
}

/* --- selectors --- */

/* Labels that controllers give to pods by themselves. */
static bool is_given(struct str key)
{
	static const char *const given[] = { "statefulset.kubernetes.io/pod-name",
					     "apps.kubernetes.io/pod-index",
					     "job-name",
					     "batch.kubernetes.io/job-name",
					     "controller-uid",
					     "batch.kubernetes.io/controller-uid",
					     "pod-template-hash",
					     "controller-revision-hash" };
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		if (str_is(key, given[i]))
			return true;
	return false;
}

static bool among(const struct node *values, struct str text)
{
	for (size_t i = 0; values && values->type == NODE_SEQ && i < node_count(values); i++)
		if (str_eq(node_text(node_item(values, i)), text))
			return true;
	return false;
}

static bool expression_matches(const struct node *labels, const struct node *e)
{
	struct str key = node_text(node_get(e, "key")), operator= node_text(node_get(e, "operator"));
	const struct node *has = node_get_str(labels, key), *values = node_get(e, "values");
	if (is_given(key))
		return true;
	if (str_is(operator, "Exists"))
		return has;
	if (str_is(operator, "DoesNotExist"))
		return !has;
	if (str_is(operator, "In"))
		return has && among(values, node_text(has));
	return !has || !among(values, node_text(has)); /* NotIn; others are told by the schema */
}

bool labels_match(const struct node *labels, const struct node *want, const struct node *expressions)
{
	for (size_t i = 0; want && want->type == NODE_MAP && i < want->map.n; i++) {
		const struct node_pair *p = &want->map.pairs[i];
		const struct node *has = node_get_str(labels, p->key);
		if (!is_given(p->key) && (!has || !str_eq(node_text(has), node_text(p->value))))
			return false;
	}
	for (size_t i = 0; expressions && expressions->type == NODE_SEQ && i < expressions->seq.n; i++)
		if (!expression_matches(labels, expressions->seq.items[i]))
			return false;
	return true;
}

/* The shortest list of pods that have one of the labels. false: the selector names no label to look up. */
static bool rarest(const struct objects *o, struct str namespace, const struct node *labels,
		   const struct pod_list **out)
{
	static const struct pod_list none;
	cleanup_buf struct buf key = BUF_INIT;
	bool any = false;
	for (size_t i = 0; labels && labels->type == NODE_MAP && i < labels->map.n; i++) {
		const struct node_pair *p = &labels->map.pairs[i];
		if (is_given(p->key))
			continue;
		name_key(&key, namespace, p->key, node_text(p->value));
		const struct pod_list *list = map_get(&o->by_label, buf_str(&key));
		list = list ? list : &none;
		if (!any || list->at.n < (*out)->at.n)
			*out = list;
		any = true;
	}
	return any;
}

size_t objects_select(struct objects *o, struct str namespace, const struct node *labels,
		      const struct node *expressions, const struct pods **out, size_t max)
{
	const struct pod_list *list = NULL;
	bool listed = rarest(o, namespace, labels, &list);
	size_t n = 0, among_them = listed ? list->at.n : o->pods.n;
	for (size_t i = 0; i < among_them && n < max && objects_step(o); i++) {
		const struct pods *p = &o->pods.at[listed ? list->at.at[i] : i];
		if (str_eq(p->namespace, namespace) && labels_match(p->labels, labels, expressions))
			out[n++] = p;
	}
	return n;
}

bool objects_has_pods(const struct objects *o, struct str namespace)
{
	return map_get(&o->with_pods, namespace);
}

/* --- the index --- */

bool objects_step(struct objects *o)
{
	return ++o->steps < OBJECTS_STEPS_MAX;
}

static void note_namespaces(struct objects *o)
{
	static const char *const always[] = { "default", "kube-system", "kube-public", "kube-node-lease" };
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		map_put(&o->namespaces, str_of(always[i]), o);
	if (o->env->namespace && o->env->namespace[0])
		map_put(&o->namespaces, str_of(o->env->namespace), o);
	for (size_t i = 0; i < o->env->n; i++) {
		const struct render_object *object = &o->env->objects[i];
		if (str_is(object->kind, "Namespace") && object->group.n == 0)
			map_put(&o->namespaces, object->name, o);
	}
}

void objects_init(struct objects *o, struct check *c, const struct check_environment *e)
{
	cleanup_buf struct buf key = BUF_INIT;
	*o = (struct objects){ .c = c, .env = e };
	o->subjects = arena_array(&o->a, struct subject, e->n + 1);
	note_namespaces(o);
	for (size_t i = 0; i < e->n; i++) {
		struct subject *s = &o->subjects[i];
		*s = (struct subject){ .c = c, .env = e, .object = &e->objects[i] };
		name_key(&key, s->object->kind, subject_namespace(s), s->object->name);
		if (s->object->group.n == 0 || !map_get(&o->by_name, buf_str(&key)))
			map_put(&o->by_name, buf_str(&key), s);
		provide_made(o, s);
		add_pods(o, s);
	}
}

void objects_release(struct objects *o)
{
	struct map_entry *entry;
	for (size_t i = 0; (entry = map_next(&o->by_label, &i));) {
		struct pod_list *list = entry->value;
		vec_release(&list->at);
		free(list);
	}
	map_release(&o->by_label);
	map_release(&o->with_pods);
	map_release(&o->by_name);
	map_release(&o->provided);
	map_release(&o->namespaces);
	vec_release(&o->pods);
	arena_release(&o->a);
}
