/*
 * references.c - what objects refer to by name, and whether anything of the environment provides it. What
 * others may provide (controllers, other repositories) is a warning at most, and can be said to be external.
 */
#include "check/objects.h"

/* A reference that is looked at. */
struct want {
	struct objects *o;
	const struct subject *s;
	enum check_rule rule;
	const char *kind;
	struct str namespace;
	const struct node *name; /* the node that names it; NULL or no string: nothing is referred to */
};

/* Objects that every cluster has. */
static bool is_always_there(const char *kind, struct str name)
{
	static const char *const known[] = {
		"ServiceAccount/default",
		"ConfigMap/kube-root-ca.crt",
		"ConfigMap/openshift-service-ca.crt",
		"ClusterRole/cluster-admin",
		"ClusterRole/admin",
		"ClusterRole/edit",
		"ClusterRole/view",
		"ConfigMap/extension-apiserver-authentication",
		"Service/kubernetes",
		"Role/extension-apiserver-authentication-reader",
	};
	if (str_starts(name, STR("system:")))
		return true;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct str rest, first = str_cut(str_of(known[i]), '/', &rest);
		if (str_is(first, kind) && str_eq(rest, name))
			return true;
	}
	return false;
}

static bool is_provided(const struct want *w)
{
	struct str name = node_text(w->name);
	return name.n == 0 || is_always_there(w->kind, name) ||
	       objects_provide(w->o, w->kind, w->namespace, name) || objects_external(w->s, w->kind, name);
}

static bool want(const struct want *w, const char *path, ...) __attribute__((format(printf, 2, 3)));

/* false: it was found to be missing. */
static bool want(const struct want *w, const char *path, ...)
{
	if (is_provided(w))
		return true;
	va_list ap;
	va_start(ap, path);
	char *where = arena_vprintf(&w->o->a, path, ap);
	va_end(ap);
	struct str name = shown(node_text(w->name));
	find_at(w->s, w->rule, place_of_node(w->s, w->name), where, "nothing provides %s %.*s%s%.*s", w->kind,
		STR_ARG(w->namespace), w->namespace.n ? "/" : "", STR_ARG(name));
	return false;
}

static bool is_optional(const struct node *ref)
{
	return node_bool(node_get(ref, "optional"), false);
}

/* --- keys of ConfigMaps and Secrets --- */

static bool has_key(const struct node *root, struct str key)
{
	static const char *const parts[] = { "data", "binaryData", "stringData" };
	for (size_t i = 0; i < 3; i++)
		if (node_get_str(node_get(root, parts[i]), key))
			return true;
	return false;
}

static void want_key(const struct want *w, const struct node *key, const char *path)
{
	const struct subject *there = objects_get(w->o, w->kind, w->namespace, node_text(w->name));
	if (!there || !node_is_string(key) || there->object->group.n ||
	    has_key(there->object->root, key->text))
		return;
	/* A service account's token, and what a controller fills in later, come into an empty one. */
	if (!node_get(there->object->root, "data") && !node_get(there->object->root, "stringData") &&
	    !node_get(there->object->root, "binaryData"))
		return;
	find_at(w->s, RULE_MISSING_KEY, place_of_node(w->s, key), path, "%s %.*s has no key `%.*s`", w->kind,
		STR_ARG(shown(node_text(w->name))), STR_ARG(shown(key->text)));
}

static void want_items(const struct want *w, const struct node *items, const char *path)
{
	for (size_t i = 0; items && items->type == NODE_SEQ && i < items->seq.n; i++)
		want_key(w, node_get(items->seq.items[i], "key"),
			 arena_printf(&w->o->a, "%s.items[%zu].key", path, i));
}

/* --- pods --- */

static const struct {
	const char *ref, *kind;
	enum check_rule rule;
} env_from[] = { { "configMapRef", "ConfigMap", RULE_MISSING_CONFIGMAP },
		 { "secretRef", "Secret", RULE_MISSING_SECRET } },
  value_from[] = { { "configMapKeyRef", "ConfigMap", RULE_MISSING_CONFIGMAP },
		   { "secretKeyRef", "Secret", RULE_MISSING_SECRET } },
  /* Volumes, and sources of projected ones. */
	volume_from[] = { { "configMap", "ConfigMap", RULE_MISSING_CONFIGMAP },
			  { "secret", "Secret", RULE_MISSING_SECRET } };

static void container_env(struct want *w, const struct node *container, const char *path)
{
	const struct node *from = node_get(container, "envFrom"), *env = node_get(container, "env");
	for (size_t i = 0; from && from->type == NODE_SEQ && i < from->seq.n; i++) {
		for (size_t k = 0; k < 2; k++) {
			const struct node *ref = node_get(from->seq.items[i], env_from[k].ref);
			w->kind = env_from[k].kind;
			w->rule = env_from[k].rule;
			w->name = node_get(ref, "name");
			if (ref && !is_optional(ref))
				want(w, "%s.envFrom[%zu].%s.name", path, i, env_from[k].ref);
		}
	}
	for (size_t i = 0; env && env->type == NODE_SEQ && i < env->seq.n; i++) {
		const struct node *source = node_get(env->seq.items[i], "valueFrom");
		for (size_t k = 0; source && k < 2; k++) {
			const struct node *ref = node_get(source, value_from[k].ref);
			w->kind = value_from[k].kind;
			w->rule = value_from[k].rule;
			w->name = node_get(ref, "name");
			if (!ref || is_optional(ref))
				continue;
			if (want(w, "%s.env[%zu].valueFrom.%s.name", path, i, value_from[k].ref))
				want_key(w, node_get(ref, "key"),
					 arena_printf(&w->o->a, "%s.env[%zu].valueFrom.%s.key", path, i,
						      value_from[k].ref));
		}
	}
}

/* Names of volumes of the pod, and of the claims that a StatefulSet makes for it; -> any pointer. */
static void name_volumes(const struct want *w, const struct node *spec, struct map *names)
{
	const struct node *volumes = node_get(spec, "volumes");
	const struct node *templates = node_at(w->s->object->root, "spec.volumeClaimTemplates");
	for (size_t i = 0; volumes && volumes->type == NODE_SEQ && i < volumes->seq.n; i++)
		map_put(names, node_text(node_get(volumes->seq.items[i], "name")), w->o);
	for (size_t i = 0; templates && templates->type == NODE_SEQ && i < templates->seq.n; i++)
		map_put(names, node_text(node_at(templates->seq.items[i], "metadata.name")), w->o);
}

static void container_volumes(struct want *w, const struct map *volumes, const struct node *container,
			      const char *path)
{
	static const char *const lists[] = { "volumeMounts", "volumeDevices" };
	for (size_t k = 0; k < 2; k++) {
		const struct node *mounts = node_get(container, lists[k]);
		for (size_t i = 0; mounts && mounts->type == NODE_SEQ && i < mounts->seq.n; i++) {
			const struct node *name = node_get(mounts->seq.items[i], "name");
			if (!node_is_string(name) || name->text.n == 0 || map_get(volumes, name->text))
				continue;
			find_at(w->s, RULE_UNKNOWN_VOLUME, place_of_node(w->s, name),
				arena_printf(&w->o->a, "%s.%s[%zu].name", path, lists[k], i),
				"the pod has no volume `%.*s`", STR_ARG(shown(name->text)));
		}
	}
}

static void pod_containers(struct want *w, const struct pods *p)
{
	struct map volumes = MAP_INIT;
	name_volumes(w, p->spec, &volumes);
	for (size_t k = 0; k < CONTAINER_LISTS; k++) {
		const struct node *list = node_get(p->spec, container_lists[k]);
		for (size_t i = 0; list && list->type == NODE_SEQ && i < list->seq.n; i++) {
			const char *path =
				arena_printf(&w->o->a, "%s.%s[%zu]", p->path, container_lists[k], i);
			container_env(w, list->seq.items[i], path);
			container_volumes(w, &volumes, list->seq.items[i], path);
		}
	}
	map_release(&volumes);
}

static void volume_source(struct want *w, const struct node *source, const char *path)
{
	for (size_t k = 0; k < 2; k++) {
		const struct node *ref = node_get(source, volume_from[k].ref);
		w->kind = volume_from[k].kind;
		w->rule = volume_from[k].rule;
		/* The volume's field is called otherwise than that of a projected source. */
		const char *field = node_get(ref, "secretName") ? "secretName" : "name";
		w->name = node_get(ref, field);
		if (ref && !is_optional(ref) && want(w, "%s.%s.%s", path, volume_from[k].ref, field))
			want_items(w, node_get(ref, "items"),
				   arena_printf(&w->o->a, "%s.%s", path, volume_from[k].ref));
	}
}

/* The claims that a StatefulSet makes are called TEMPLATE-SET-NUMBER. */
static bool is_claim_of_set(struct objects *o, struct str namespace, struct str name)
{
	while (name.n && name.p[name.n - 1] >= '0' && name.p[name.n - 1] <= '9')
		name.n--;
	for (size_t i = 0; i < o->pods.n && objects_step(o); i++) {
		const struct render_object *set = o->pods.at[i].s->object;
		cleanup_buf struct buf end = BUF_INIT;
		buf_printf(&end, "-%.*s-", STR_ARG(set->name));
		if (str_is(set->kind, "StatefulSet") && str_eq(o->pods.at[i].namespace, namespace) &&
		    str_ends(name, buf_str(&end)))
			return true;
	}
	return false;
}

static void pod_volumes(struct want *w, const struct pods *p)
{
	const struct node *volumes = node_get(p->spec, "volumes");
	for (size_t i = 0; volumes && volumes->type == NODE_SEQ && i < volumes->seq.n; i++) {
		const struct node *volume = volumes->seq.items[i];
		const struct node *projected = node_at(volume, "projected.sources");
		const char *path = arena_printf(&w->o->a, "%s.volumes[%zu]", p->path, i);
		volume_source(w, volume, path);
		for (size_t k = 0; projected && projected->type == NODE_SEQ && k < projected->seq.n; k++)
			volume_source(w, projected->seq.items[k],
				      arena_printf(&w->o->a, "%s.projected.sources[%zu]", path, k));
		w->kind = "PersistentVolumeClaim";
		w->rule = RULE_MISSING_PVC;
		w->name = node_at(volume, "persistentVolumeClaim.claimName");
		if (w->name && !is_provided(w) && !is_claim_of_set(w->o, w->namespace, node_text(w->name)))
			want(w, "%s.persistentVolumeClaim.claimName", path);
		w->kind = "Secret";
		w->rule = RULE_MISSING_SECRET;
		w->name = node_at(volume, "csi.nodePublishSecretRef.name");
		want(w, "%s.csi.nodePublishSecretRef.name", path);
	}
}

static void pull_secrets(struct want *w, const struct node *list, const char *path)
{
	w->kind = "Secret";
	w->rule = RULE_MISSING_SECRET;
	for (size_t i = 0; list && list->type == NODE_SEQ && i < list->seq.n; i++) {
		w->name = node_get(list->seq.items[i], "name");
		want(w, "%s[%zu].name", path, i);
	}
}

static void pod_references(struct objects *o, const struct pods *p)
{
	struct want w = { .o = o, .s = p->s, .namespace = p->namespace };
	w.kind = "ServiceAccount";
	w.rule = RULE_MISSING_SERVICEACCOUNT;
	w.name = node_get(p->spec, "serviceAccountName");
	want(&w, "%s.serviceAccountName", p->path);
	pull_secrets(&w, node_get(p->spec, "imagePullSecrets"),
		     arena_printf(&o->a, "%s.imagePullSecrets", p->path));
	pod_volumes(&w, p);
	pod_containers(&w, p);
}

/* --- other kinds --- */

static void stateful_set(struct want *w, const struct node *root)
{
	w->kind = "Service";
	w->rule = RULE_MISSING_SERVICE;
	w->name = node_at(root, "spec.serviceName");
	want(w, "spec.serviceName");
}

static void service_account(struct want *w, const struct node *root)
{
	pull_secrets(w, node_get(root, "imagePullSecrets"), "imagePullSecrets");
	pull_secrets(w, node_get(root, "secrets"), "secrets");
}

static bool is_cert_manager(const struct subject *s)
{
	static const char *const annotations[] = { "cert-manager.io/cluster-issuer", "cert-manager.io/issuer",
						   "kubernetes.io/tls-acme",
						   "certmanager.k8s.io/cluster-issuer" };
	for (size_t i = 0; i < sizeof(annotations) / sizeof(annotations[0]); i++)
		if (subject_annotation(s, annotations[i]).n)
			return true;
	return false;
}

static void ingress(struct want *w, const struct node *root)
{
	const struct node *tls = node_at(root, "spec.tls"), *rules = node_at(root, "spec.rules");
	w->kind = "Service";
	w->rule = RULE_MISSING_SERVICE;
	w->name = node_at(root, "spec.defaultBackend.service.name");
	want(w, "spec.defaultBackend.service.name");
	for (size_t i = 0; rules && rules->type == NODE_SEQ && i < rules->seq.n; i++) {
		const struct node *paths = node_at(rules->seq.items[i], "http.paths");
		for (size_t k = 0; paths && paths->type == NODE_SEQ && k < paths->seq.n; k++) {
			w->name = node_at(paths->seq.items[k], "backend.service.name");
			want(w, "spec.rules[%zu].http.paths[%zu].backend.service.name", i, k);
		}
	}
	if (is_cert_manager(w->s))
		return;
	w->kind = "Secret";
	w->rule = RULE_MISSING_SECRET;
	for (size_t i = 0; tls && tls->type == NODE_SEQ && i < tls->seq.n; i++) {
		w->name = node_get(tls->seq.items[i], "secretName");
		want(w, "spec.tls[%zu].secretName", i);
	}
}

/* HTTPRoute and its siblings of the Gateway API. */
static void route(struct want *w, const struct node *root)
{
	const struct node *rules = node_at(root, "spec.rules");
	struct str own = w->namespace;
	w->kind = "Service";
	w->rule = RULE_MISSING_SERVICE;
	for (size_t i = 0; rules && rules->type == NODE_SEQ && i < rules->seq.n; i++) {
		const struct node *refs = node_get(rules->seq.items[i], "backendRefs");
		for (size_t k = 0; refs && refs->type == NODE_SEQ && k < refs->seq.n; k++) {
			const struct node *ref = refs->seq.items[k];
			struct str kind = node_text(node_get(ref, "kind"));
			struct str namespace = node_text(node_get(ref, "namespace"));
			if ((kind.n && !str_is(kind, "Service")) || node_text(node_get(ref, "group")).n)
				continue;
			w->namespace = namespace.n ? namespace : own;
			w->name = node_get(ref, "name");
			want(w, "spec.rules[%zu].backendRefs[%zu].name", i, k);
		}
	}
}

/* HPA, VPA, KEDA: path is that of the reference. */
static void scaled(struct want *w, const struct node *root, const char *path)
{
	const struct node *ref = node_at(root, path);
	struct str kind = node_text(node_get(ref, "kind"));
	w->kind = kind.n ? arena_strndup(&w->o->a, kind.p, kind.n) : "Deployment";
	w->rule = RULE_MISSING_TARGET;
	w->name = node_get(ref, "name");
	want(w, "%s.name", path);
}

/* Accounts of namespaces of which this environment makes nothing are somebody else's. */
static void subjects(struct want *w, const struct node *root)
{
	const struct node *list = node_get(root, "subjects");
	struct str own = w->namespace;
	w->kind = "ServiceAccount";
	w->rule = RULE_MISSING_SERVICEACCOUNT;
	for (size_t i = 0; list && list->type == NODE_SEQ && i < list->seq.n; i++) {
		const struct node *item = list->seq.items[i];
		struct str namespace = node_text(node_get(item, "namespace"));
		w->namespace = namespace.n ? namespace : own;
		w->name = node_get(item, "name");
		if (str_is(node_text(node_get(item, "kind")), "ServiceAccount") && w->namespace.n &&
		    objects_has_pods(w->o, w->namespace))
			want(w, "subjects[%zu].name", i);
	}
	w->namespace = own;
}

static void binding(struct want *w, const struct node *root)
{
	struct str own = w->namespace, kind = node_text(node_at(root, "roleRef.kind"));
	w->kind = str_is(kind, "Role") ? "Role" : "ClusterRole";
	w->rule = RULE_MISSING_ROLE;
	w->namespace = str_is(kind, "Role") ? own : STR("");
	w->name = node_at(root, "roleRef.name");
	want(w, "roleRef.name");
	w->namespace = own;
	subjects(w, root);
}

/* A service that the API server calls; in a namespace of this environment. */
static void called_service(struct want *w, const struct node *ref, const char *path)
{
	w->kind = "Service";
	w->rule = RULE_MISSING_SERVICE;
	w->namespace = node_text(node_get(ref, "namespace"));
	w->name = node_get(ref, "name");
	if (objects_has_pods(w->o, w->namespace))
		want(w, "%s.name", path);
}

static void webhooks(struct want *w, const struct node *root)
{
	const struct node *list = node_get(root, "webhooks");
	for (size_t i = 0; list && list->type == NODE_SEQ && i < list->seq.n; i++)
		called_service(w, node_at(list->seq.items[i], "clientConfig.service"),
			       arena_printf(&w->o->a, "webhooks[%zu].clientConfig.service", i));
}

static void object_references(struct objects *o, const struct subject *s)
{
	const struct render_object *object = s->object;
	const struct node *root = object->root;
	struct str kind = object->kind;
	struct want w = { .o = o, .s = s, .namespace = subject_namespace(s) };
	if (str_is(kind, "StatefulSet"))
		stateful_set(&w, root);
	else if (str_is(kind, "ServiceAccount"))
		service_account(&w, root);
	else if (str_is(kind, "Ingress"))
		ingress(&w, root);
	else if (str_is(object->group, "gateway.networking.k8s.io") && str_ends(kind, STR("Route")))
		route(&w, root);
	else if (str_is(kind, "HorizontalPodAutoscaler") || str_is(kind, "ScaledObject"))
		scaled(&w, root, "spec.scaleTargetRef");
	else if (str_is(kind, "VerticalPodAutoscaler"))
		scaled(&w, root, "spec.targetRef");
	else if (str_is(kind, "RoleBinding") || str_is(kind, "ClusterRoleBinding"))
		binding(&w, root);
	else if (str_is(kind, "ValidatingWebhookConfiguration") ||
		 str_is(kind, "MutatingWebhookConfiguration"))
		webhooks(&w, root);
	else if (str_is(kind, "APIService"))
		called_service(&w, node_at(root, "spec.service"), "spec.service");
}

void references_check(struct objects *o)
{
	for (size_t i = 0; i < o->env->n; i++)
		object_references(o, &o->subjects[i]);
	for (size_t i = 0; i < o->pods.n; i++)
		pod_references(o, &o->pods.at[i]);
}
