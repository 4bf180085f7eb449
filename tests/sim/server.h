/*
 * server.h - a small API server: objects, versions, ownership of fields, finalizers, namespaces, CRDs,
 * controllers.
 *
 * It has no chance of its own beyond the delays of its controllers: faults on the way to it are the port's
 * (faults.h). Versions are immutable and counted, so that a delayed watch event or answer still shows what it
 * was sent with.
 */
#pragma once

#include "base/vec.h"
#include "deploy/cluster/port.h"
#include "deploy/key.h"
#include "rng.h"

struct world;

struct version {
	unsigned refs;
	struct arena arena;
	struct node *root;
	uint64_t rv;
};

struct version *version_ref(struct version *v);
void version_unref(struct version *v); /* NULL is fine */

struct object {
	char *key, *kind; /* kind: "group/Kind" */
	struct version *v;
	bool flapping; /* its controller says unavailable for now */
};

enum server_verb {
	SERVER_GET,
	SERVER_APPLY,
	SERVER_JSON_PATCH,
	SERVER_MERGE_PATCH,
	SERVER_DELETE,
};

struct server_request {
	enum server_verb verb;
	struct str key, body, uid;
	const char *manager;
	bool dry_run;
};

struct server_answer {
	enum port_outcome outcome;
	int code;
	const char *reason;
	char message[256];
	struct version *v;		/* one reference, or NULL */
	bool created, changed, deleted; /* what it did */
};

struct server {
	struct world *world;
	VEC(struct object *) objects;
	uint64_t rv, uids;
	struct rng rng;
	/* Kinds whose writes an admission webhook refuses now; NULL: none. */
	const char *webhook_kind;
	/* Told of every new version (after NULL: gone), with the resourceVersion of the change. */
	void (*changed)(struct world *w, const char *kind, const char *key, struct version *before,
			struct version *after, uint64_t rv);
};

void server_init(struct server *s, struct world *w, struct rng rng);
void server_release(struct server *s);
void server_handle(struct server *s, const struct server_request *request, struct server_answer *out);
void server_answer_release(struct server_answer *a);

struct object *server_find(struct server *s, struct str key); /* NULL: not there */
/* Whether a kind is served now; *namespaced is filled when it is. */
bool server_kind(struct server *s, struct str group, struct str kind, bool *namespaced);
/* What people and controllers do: an object of their own, or an edit of one by a merge patch. */
void server_put(struct server *s, const char *key, const char *json, const char *manager);
void server_edit(struct server *s, const char *key, const char *merge_patch, const char *manager);
/* Removes finalizers that nobody works on, so that what is being deleted goes. */
void server_clear_finalizers(struct server *s);
void server_flap(struct server *s, const char *key, bool down);

/* Who its owner labels name, as "NAMESPACE/NAME" from a; NULL: no label. */
const char *object_owner(struct arena *a, const struct node *root);
