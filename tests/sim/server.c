/* server.c - requests: find, check, change a copy, store it as a new version, tell the watchers and the
 * controllers. */
#include "server.h"

#include <stdio.h>

#include "controllers.h"
#include "deploy/cluster/prepare.h"
#include "doc/json.h"
#include "patch.h"
#include "ssa.h"
#include "world.h"

struct version *version_ref(struct version *v)
{
	v->refs++;
	return v;
}

void version_unref(struct version *v)
{
	if (!v || --v->refs)
		return;
	arena_release(&v->arena);
	free(v);
}

void server_init(struct server *s, struct world *w, struct rng rng)
{
	*s = (struct server){ .world = w, .rv = 100, .rng = rng };
}

static void object_free(struct object *o)
{
	version_unref(o->v);
	free(o->key);
	free(o->kind);
	free(o);
}

void server_release(struct server *s)
{
	for (size_t i = 0; i < s->objects.n; i++)
		object_free(s->objects.at[i]);
	vec_release(&s->objects);
}

void server_answer_release(struct server_answer *a)
{
	version_unref(a->v);
	a->v = NULL;
}

struct object *server_find(struct server *s, struct str key)
{
	for (size_t i = 0; i < s->objects.n; i++)
		if (str_is(key, s->objects.at[i]->key))
			return s->objects.at[i];
	return NULL;
}

const char *object_owner(struct arena *a, const struct node *root)
{
	const struct node *labels = node_at(root, "metadata.labels");
	struct str app = node_text(node_get(labels, LABEL_APP)),
		   ns = node_text(node_get(labels, LABEL_NAMESPACE));
	return app.n ? arena_printf(a, "%.*s/%.*s", STR_ARG(ns), STR_ARG(app)) : NULL;
}

static const struct {
	const char *group, *kind;
	bool namespaced;
} BUILT_IN[] = {
	{ "", "ConfigMap", true },
	{ "", "Secret", true },
	{ "", "Service", true },
	{ "", "ServiceAccount", true },
	{ "", "Namespace", false },
	{ "apps", "Deployment", true },
	{ "batch", "Job", true },
	{ "rbac.authorization.k8s.io", "ClusterRole", false },
	{ "storage.k8s.io", "StorageClass", false },
	{ "apiextensions.k8s.io", "CustomResourceDefinition", false },
};

bool server_kind(struct server *s, struct str group, struct str kind, bool *namespaced)
{
	for (size_t i = 0; i < sizeof(BUILT_IN) / sizeof(*BUILT_IN); i++) {
		if (!str_is(group, BUILT_IN[i].group) || !str_is(kind, BUILT_IN[i].kind))
			continue;
		*namespaced = BUILT_IN[i].namespaced;
		return true;
	}
	for (size_t i = 0; i < s->objects.n; i++) {
		const struct node *root = s->objects.at[i]->v->root;
		if (strcmp(s->objects.at[i]->kind, "apiextensions.k8s.io/CustomResourceDefinition") != 0 ||
		    !str_eq(node_text(node_at(root, "spec.group")), group) ||
		    !str_eq(node_text(node_at(root, "spec.names.kind")), kind) ||
		    !controllers_established(root))
			continue;
		*namespaced = true;
		return true;
	}
	return false;
}

/* ---- storing ---- */

static void refuse(struct server_answer *out, int code, const char *reason, const char *message)
{
	out->outcome = PORT_STATUS;
	out->code = code;
	out->reason = reason;
	snprintf(out->message, sizeof(out->message), "%s", message);
}

static void set_meta(struct version *v, const char *key, struct node *value)
{
	node_set(&v->arena, node_get(v->root, "metadata"), str_of(key), value);
}

static void remove_object(struct server *s, struct object *o)
{
	for (size_t i = 0; i < s->objects.n; i++) {
		if (s->objects.at[i] != o)
			continue;
		vec_remove(&s->objects, i);
		break;
	}
	s->changed(s->world, o->kind, o->key, o->v, NULL, ++s->rv);
	object_free(o);
}

/* Stores v as the new state of o, or takes o away when nothing holds it any more. */
static void store(struct server *s, struct object *o, struct version *v)
{
	struct version *before = o->v;
	char text[32];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)++s->rv);
	set_meta(v, "resourceVersion", node_string(&v->arena, str_of(arena_strdup(&v->arena, text))));
	v->rv = s->rv;
	if (!before || ssa_spec_differs(before->root, v->root)) {
		int64_t generation = 0;
		node_int(node_at(v->root, "metadata.generation"), &generation);
		set_meta(v, "generation", node_int_new(&v->arena, generation + 1));
	}
	o->v = v;
	s->changed(s->world, o->kind, o->key, before, v, s->rv);
	bool gone = node_at(v->root, "metadata.deletionTimestamp") &&
		    !node_count(node_at(v->root, "metadata.finalizers"));
	if (gone)
		remove_object(s, o);
	else
		controllers_changed(s, o);
	version_unref(before);
}

static struct version *version_new(void)
{
	struct version *v = mem_alloc(sizeof(*v));
	v->refs = 1;
	return v;
}

static void create(struct server *s, const struct server_request *request, const struct key *key,
		   struct version *v, struct server_answer *out)
{
	char uid[40];
	snprintf(uid, sizeof(uid), "00000000-0000-4000-8000-%012llx", (unsigned long long)++s->uids);
	set_meta(v, "uid", node_string(&v->arena, str_of(arena_strdup(&v->arena, uid))));
	set_meta(v, "creationTimestamp", node_string(&v->arena, STR("2026-01-01T00:00:00Z")));
	struct object *o = mem_alloc(sizeof(*o));
	o->key = mem_strndup(request->key.p, request->key.n);
	cleanup_buf struct buf kind = BUF_INIT;
	buf_printf(&kind, "%.*s/%.*s", STR_ARG(key->group), STR_ARG(key->kind));
	o->kind = mem_strdup(kind.p);
	controllers_default(v, o->kind);
	vec_push(&s->objects, o);
	out->created = true;
	out->v = version_ref(v);
	store(s, o, v);
}

/* ---- checks before a write ---- */

static bool namespace_refuses(struct server *s, const struct key *key, struct server_answer *out)
{
	if (!key->namespace.n)
		return false;
	char text[200];
	snprintf(text, sizeof(text), "/Namespace//%.*s", STR_ARG(key->namespace));
	const struct object *ns = server_find(s, str_of(text));
	if (!ns) {
		snprintf(text, sizeof(text), "namespaces \"%.*s\" not found", STR_ARG(key->namespace));
		refuse(out, 404, "NotFound", text);
		return true;
	}
	if (!node_at(ns->v->root, "metadata.deletionTimestamp"))
		return false;
	snprintf(text, sizeof(text),
		 "unable to create new content in namespace %.*s because it is being terminated",
		 STR_ARG(key->namespace));
	refuse(out, 403, "Forbidden", text);
	return true;
}

static bool validation_refuses(const char *kind, const struct node *before, const struct node *after,
			       struct server_answer *out)
{
	if (node_bool(node_at(after, "spec.invalid"), false) ||
	    node_get(node_get(after, "data"), "invalid")) {
		refuse(out, 422, "Invalid", "spec.invalid: Invalid value: true: must not be set");
		return true;
	}
	static const char *const immutable[][2] = { { "apps/Deployment", "spec.selector" },
						    { "batch/Job", "spec.template" } };
	for (size_t i = 0; before && i < 2; i++) {
		if (strcmp(kind, immutable[i][0]) != 0 ||
		    node_equal(node_at(before, immutable[i][1]), node_at(after, immutable[i][1])))
			continue;
		char text[96];
		snprintf(text, sizeof(text), "%s: Invalid value: field is immutable", immutable[i][1]);
		refuse(out, 422, "Invalid", text);
		return true;
	}
	if (before && node_bool(node_get(before, "immutable"), false) &&
	    !node_equal(node_get(before, "data"), node_get(after, "data"))) {
		refuse(out, 422, "Invalid", "data: Forbidden: field is immutable when `immutable` is set");
		return true;
	}
	return false;
}

/* ---- verbs ---- */

static enum ssa_result change(struct server *s, const struct server_request *request, struct object *o,
			      struct version *v, struct server_answer *out)
{
	struct error err = ERROR_INIT;
	struct node *body = NULL;
	if (json_parse(&v->arena, request->body, true, &body, &err)) {
		refuse(out, 400, "BadRequest", err.text);
		return SSA_CONFLICT;
	}
	const struct node *live = o ? o->v->root : NULL;
	if (request->verb == SERVER_APPLY) {
		enum ssa_result r = ssa_apply(&v->arena, live, body, request->manager, true, &v->root);
		if (r == SSA_CONFLICT)
			refuse(out, 409, "Conflict", "Apply failed with 1 conflict");
		return r;
	}
	v->root = node_clone(&v->arena, live);
	if (request->verb == SERVER_MERGE_PATCH) {
		v->root = patch_merge(&v->arena, v->root, body);
	} else if (patch_json(&v->arena, v->root, body, out->message, sizeof(out->message))) {
		out->outcome = PORT_STATUS;
		out->code = 422;
		out->reason = "Invalid";
		return SSA_CONFLICT;
	}
	if (!node_equal(node_at(live, "metadata.resourceVersion"),
			node_at(v->root, "metadata.resourceVersion"))) {
		refuse(out, 409, "Conflict",
		       "the object has been modified; please apply your changes to the latest version");
		return SSA_CONFLICT;
	}
	if (request->verb == SERVER_MERGE_PATCH && node_get(body, "status"))
		return node_equal(live, v->root) ? SSA_SAME : SSA_CHANGED; /* the status subresource */
	return ssa_update(&v->arena, live, v->root, request->manager);
}

static void write_object(struct server *s, const struct server_request *request, struct object *o,
			 const struct key *key, struct server_answer *out)
{
	if (!o && request->verb != SERVER_APPLY) {
		refuse(out, 404, "NotFound", "not found");
		return;
	}
	if (!o && namespace_refuses(s, key, out))
		return;
	cleanup_buf struct buf kind = BUF_INIT;
	buf_printf(&kind, "%.*s/%.*s", STR_ARG(key->group), STR_ARG(key->kind));
	struct version *v = version_new();
	enum ssa_result r = change(s, request, o, v, out);
	if (r == SSA_CONFLICT || validation_refuses(kind.p, o ? o->v->root : NULL, v->root, out)) {
		version_unref(v);
		return;
	}
	out->changed = r == SSA_CHANGED;
	if (request->dry_run) {
		out->v = v;
		return;
	}
	if (r == SSA_SAME) {
		out->v = version_ref(o->v);
		version_unref(v);
		return;
	}
	if (!o) {
		create(s, request, key, v, out);
		return;
	}
	out->v = version_ref(v);
	store(s, o, v);
}

static void delete_object(struct server *s, const struct server_request *request, struct object *o,
			  struct server_answer *out)
{
	if (request->uid.n && !str_eq(request->uid, node_text(node_at(o->v->root, "metadata.uid")))) {
		refuse(out, 409, "Conflict", "Precondition failed: UID in precondition does not match");
		return;
	}
	out->deleted = true;
	bool held = node_count(node_at(o->v->root, "metadata.finalizers")) > 0 || controllers_hold(s, o);
	if (node_at(o->v->root, "metadata.deletionTimestamp")) {
		out->v = version_ref(o->v);
		return;
	}
	if (!held) {
		out->v = version_new();
		out->v->root = node_map(&out->v->arena);
		node_set(&out->v->arena, out->v->root, STR("kind"),
			 node_string(&out->v->arena, STR("Status")));
		node_set(&out->v->arena, out->v->root, STR("apiVersion"),
			 node_string(&out->v->arena, STR("v1")));
		remove_object(s, o);
		return;
	}
	struct version *v = version_new();
	v->root = node_clone(&v->arena, o->v->root);
	set_meta(v, "deletionTimestamp", node_string(&v->arena, STR("2026-01-01T00:00:00Z")));
	if (!node_count(node_at(v->root, "metadata.finalizers"))) {
		struct node *list = node_seq(&v->arena);
		node_push(&v->arena, list, node_string(&v->arena, STR("kubernetes")));
		set_meta(v, "finalizers", list);
	}
	out->v = version_ref(v);
	store(s, o, v);
}

void server_handle(struct server *s, const struct server_request *request, struct server_answer *out)
{
	*out = (struct server_answer){ .outcome = PORT_OK, .reason = "" };
	struct key key;
	bool namespaced = false;
	if (!key_split(request->key, &key) || !server_kind(s, key.group, key.kind, &namespaced)) {
		out->outcome = PORT_NO_KIND;
		snprintf(out->message, sizeof(out->message), "the server has no such kind");
		return;
	}
	if (namespaced != (key.namespace.n > 0)) {
		out->outcome = PORT_SCOPE_MISMATCH;
		snprintf(out->message, sizeof(out->message),
			 namespaced ? "is namespaced" : "is cluster-scoped");
		return;
	}
	struct object *o = server_find(s, request->key);
	if (request->verb != SERVER_APPLY && !o) {
		refuse(out, 404, "NotFound", "not found");
		return;
	}
	if (request->verb == SERVER_GET) {
		out->v = version_ref(o->v);
		return;
	}
	cleanup_buf struct buf kind = BUF_INIT;
	buf_printf(&kind, "%.*s/%.*s", STR_ARG(key.group), STR_ARG(key.kind));
	if (s->webhook_kind && !request->dry_run && strcmp(s->webhook_kind, kind.p) == 0) {
		refuse(out, 500, "InternalError",
		       "failed calling webhook \"gate.example\": connection refused");
		return;
	}
	if (request->verb == SERVER_DELETE)
		delete_object(s, request, o, out);
	else
		write_object(s, request, o, &key, out);
}

/* ---- people and controllers ---- */

void server_put(struct server *s, const char *key_text, const char *json, const char *manager)
{
	struct key key;
	bool namespaced;
	if (server_find(s, str_of(key_text)) || !key_split(str_of(key_text), &key) ||
	    !server_kind(s, key.group, key.kind, &namespaced))
		return;
	struct server_answer out = { .outcome = PORT_OK };
	if (namespace_refuses(s, &key, &out))
		return;
	struct version *v = version_new();
	if (json_parse(&v->arena, str_of(json), true, &v->root, NULL))
		abort();
	ssa_update(&v->arena, NULL, v->root, manager);
	struct server_request request = { .key = str_of(key_text) };
	create(s, &request, &key, v, &out);
	server_answer_release(&out);
}

void server_edit(struct server *s, const char *key, const char *merge_patch, const char *manager)
{
	struct server_request request = { .verb = SERVER_MERGE_PATCH,
					  .key = str_of(key),
					  .body = str_of(merge_patch),
					  .manager = manager };
	struct server_answer out;
	const char *webhook =
		hand_over(s->webhook_kind); /* gates what the operator writes, not the controllers */
	server_handle(s, &request, &out);
	s->webhook_kind = webhook;
	server_answer_release(&out);
}

void server_clear_finalizers(struct server *s)
{
	for (size_t i = s->objects.n; i-- > 0;) {
		if (i >= s->objects.n)
			continue;
		const struct node *root = s->objects.at[i]->v->root;
		const struct node *list = node_at(root, "metadata.finalizers");
		if (!node_count(list) || str_is(node_text(node_item(list, 0)), "kubernetes"))
			continue;
		cleanup_free char *key = mem_strdup(s->objects.at[i]->key);
		server_edit(s, key, "{\"metadata\":{\"finalizers\":null}}", "finalizer-controller");
	}
}

void server_flap(struct server *s, const char *key, bool down)
{
	struct object *o = server_find(s, str_of(key));
	if (!o)
		return;
	o->flapping = down;
	controllers_changed(s, o);
}
