/*
 * git.h - what the repositories say: per app a row of commits, each a small set of objects, and how they
 * render.
 */
#pragma once

#include "base/vec.h"
#include "deploy/app.h"
#include "rng.h"

enum git_kind {
	GIT_CONFIG_MAP,
	GIT_SECRET,
	GIT_SERVICE,
	GIT_DEPLOYMENT,
	GIT_JOB,
	GIT_SERVICE_ACCOUNT,
	GIT_NAMESPACE,
	GIT_CRD,
	GIT_WIDGET,
	GIT_CLUSTER_ROLE,
	GIT_STORAGE_CLASS,
	GIT_SHARED, /* a ConfigMap that other apps may have too: two apps claim it */
	GIT_KINDS,
};

enum git_flag {
	GIT_INVALID = 1 << 0,	/* the server refuses it: 422 */
	GIT_BAD_IMAGE = 1 << 1, /* a Deployment that never gets up */
	GIT_PRUNE_DISABLED = 1 << 2,
	GIT_FORCE = 1 << 3,
	GIT_IMMUTABLE = 1 << 4, /* immutable part as of `variant` */
};

struct git_object {
	uint8_t kind, name;
	uint8_t variant; /* of the immutable part */
	uint8_t flags;
	uint32_t content;
};

#define GIT_OBJECTS_MAX 16

enum git_break {
	GIT_WHOLE,
	GIT_PARSE_ERROR,  /* one file does not parse: the rest renders */
	GIT_RENDER_FAILS, /* no render at all */
};

struct git_commit {
	unsigned number;
	struct git_object objects[GIT_OBJECTS_MAX];
	size_t n;
	enum git_break broken;
	struct app_revision
		revision; /* of the content: two commits with the same objects have the same input */
};

struct git_repo {
	int app; /* index, for names */
	VEC(struct git_commit) commits;
};

/* Appends a commit that changes the last one somehow. at most `objects` objects. `calm`: nothing that fails.
 */
void git_commit_random(struct git_repo *repo, struct rng *rng, size_t objects, bool calm);
const struct git_commit *git_head(const struct git_repo *repo);
/* The commit with that displayed revision, or NULL. */
const struct git_commit *git_find(const struct git_repo *repo, const char *text);

/* Renders through cluster_prepare(). scope: as in prepare.h. */
struct desired *git_render(const struct git_repo *repo, const struct git_commit *commit,
			   int (*scope)(void *ctx, struct str group, struct str kind), void *scope_ctx);
char *git_object_key(struct arena *a, const struct git_repo *repo, const struct git_object *o);
struct node *git_object_node(struct arena *a, const struct git_repo *repo, const struct git_object *o);

#define GIT_SECRET_MARK \
	"c2VjcmV0LW1hcmtlcg" /* in the data of every Secret: must never be seen in a message */
#define GIT_APP_NAMESPACE "apps"
