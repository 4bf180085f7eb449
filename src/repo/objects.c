/* objects.c - see objects.h. */
#include "repo/objects.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { HANDLES_MAX = 16, REF_NAME_MAX = 128, CACHE_BYTES = 8 << 20, CACHED_TREE_MAX = 4 << 20 };

struct handle {
	char *mirror;
	git_repository *repository;
};

static struct {
	pthread_mutex_t lock;
	bool started;
	unsigned epoch; /* grows with each forgetting: a handle of an older one is closed, not kept */
	struct handle idle[HANDLES_MAX];
	size_t n;
} store = { .lock = PTHREAD_MUTEX_INITIALIZER };

void objects_free_tree(git_tree **t)
{
	git_tree_free(*t);
}

static void start_library(void)
{
	if (store.started)
		return;
	store.started = true;
	git_libgit2_init();
	/* Files are read once; only the directories above ten thousand apps are worth keeping: 400 KiB each.
	 */
	git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)CACHE_BYTES);
	git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_TREE, (size_t)CACHED_TREE_MAX);
	git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_BLOB, (size_t)0);
	git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, (size_t)(64u << 20));
	git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, (size_t)(1u << 20));
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	/* Of repositories of people: none of them changes how objects that are there are read. */
	static const char *extensions[] = { "worktreeconfig", "preciousobjects", "partialclone" };
	git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions, sizeof(extensions) / sizeof(extensions[0]));
	for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; level <= GIT_CONFIG_LEVEL_GLOBAL; level++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
}

const char *objects_failure(void)
{
	const git_error *e = git_error_last();
	return e && e->message ? e->message : "unknown error";
}

int objects_open(struct objects *o, const char *mirror, struct error *err)
{
	char marker[4096];
	*o = (struct objects){ .mirror = mirror };
	pthread_mutex_lock(&store.lock);
	start_library();
	o->epoch = store.epoch;
	for (size_t i = 0; i < store.n && !o->repository; i++) {
		if (strcmp(store.idle[i].mirror, mirror) != 0)
			continue;
		o->repository = store.idle[i].repository;
		free(store.idle[i].mirror);
		store.idle[i] = store.idle[--store.n];
	}
	pthread_mutex_unlock(&store.lock);
	if (!o->repository && git_repository_open_bare(&o->repository, mirror) < 0)
		return error_set(err, "mirror %s: %s", mirror, objects_failure());
	if (git_repository_odb(&o->odb, o->repository) < 0) {
		error_set(err, "mirror %s: %s", mirror, objects_failure());
		objects_close(o);
		return -1;
	}
	snprintf(marker, sizeof(marker), "%s/" OBJECTS_SUBMODULES, mirror);
	o->submodules = access(marker, F_OK) == 0;
	return 0;
}

void objects_close(struct objects *o)
{
	git_odb_free(o->odb);
	pthread_mutex_lock(&store.lock);
	if (o->repository && store.n < HANDLES_MAX && o->epoch == store.epoch) {
		store.idle[store.n++] = (struct handle){ mem_strdup(o->mirror), o->repository };
		o->repository = NULL;
	}
	pthread_mutex_unlock(&store.lock);
	git_repository_free(o->repository);
	*o = (struct objects){ 0 };
}

void objects_forget(const char *mirror)
{
	pthread_mutex_lock(&store.lock);
	store.epoch++;
	for (size_t i = store.n; i-- > 0;) {
		if (mirror && strcmp(store.idle[i].mirror, mirror) != 0)
			continue;
		git_repository_free(store.idle[i].repository);
		free(store.idle[i].mirror);
		store.idle[i] = store.idle[--store.n];
	}
	pthread_mutex_unlock(&store.lock);
}

int objects_commit_tree(struct objects *o, const git_oid *commit, git_tree **out, struct error *err)
{
	git_object *object = NULL;
	int rc = git_object_lookup(&object, o->repository, commit, GIT_OBJECT_ANY);
	if (rc == 0)
		rc = git_object_peel((git_object **)out, object, GIT_OBJECT_TREE);
	git_object_free(object);
	return rc < 0 ? error_set(err, "commit %s: %s", git_oid_tostr_s(commit), objects_failure()) : 0;
}

static bool has_ref(struct objects *o, const char *prefix, const git_oid *commit)
{
	char name[REF_NAME_MAX];
	git_oid found;
	snprintf(name, sizeof(name), "%s%s", prefix, git_oid_tostr_s(commit));
	return git_reference_name_to_id(&found, o->repository, name) == 0 && git_oid_equal(&found, commit);
}

int objects_root(struct objects *o, const char *sha, git_tree **out, struct error *err)
{
	git_oid oid;
	if (strlen(sha) != GIT_OID_HEXSZ || git_oid_fromstr(&oid, sha) < 0)
		return error_set(
			err, "commit %s: repositories with SHA-256 are not read, only those with SHA-1", sha);
	if (objects_commit_tree(o, &oid, out, err) < 0)
		return -1;
	if (!o->submodules || has_ref(o, OBJECTS_COMPLETE_REF, &oid))
		return 0;
	git_tree_free(*out);
	*out = NULL;
	return error_set(err, "commit %s: its submodules are not fetched yet", sha);
}

int objects_module(struct objects *o, const git_oid *commit, git_tree **out)
{
	*out = NULL;
	if (!o->submodules || !has_ref(o, OBJECTS_MODULE_REF, commit))
		return 1;
	return objects_commit_tree(o, commit, out, NULL) < 0 ? 1 : 0;
}

void objects_mark_damaged(const char *mirror, const char *sha)
{
	struct objects o;
	cleanup_tree git_tree *root = NULL;
	cleanup_buf struct buf marker = BUF_INIT;
	/* A person's own repository is not ours to make anew. */
	buf_printf(&marker, "%s/index", mirror);
	if (access(marker.p, F_OK) == 0 || objects_open(&o, mirror, NULL) < 0)
		return;
	bool there = objects_root(&o, sha, &root, NULL) == 0;
	objects_close(&o);
	buf_clear(&marker);
	buf_printf(&marker, "%s/" OBJECTS_DAMAGED, mirror);
	FILE *file = there ? fopen(marker.p, "we") : NULL;
	if (file)
		fclose(file);
}

int objects_blob(struct objects *o, const git_oid *oid, size_t max, struct arena *a, struct str *out,
		 size_t *size)
{
	git_odb_object *object = NULL;
	git_object_t type;
	*size = 0;
	if (git_odb_read_header(size, &type, o->odb, oid) < 0 || type != GIT_OBJECT_BLOB)
		return -1;
	if (*size > max)
		return OBJECTS_TOO_LARGE;
	if (git_odb_read(&object, o->odb, oid) < 0)
		return -1;
	size_t n = git_odb_object_size(object);
	*out = (struct str){ arena_strndup(a, git_odb_object_data(object), n), n };
	git_odb_object_free(object);
	return 0;
}

int objects_keep(struct objects *o, const char *prefix, const char *sha, struct error *err)
{
	char name[REF_NAME_MAX];
	git_oid oid;
	git_reference *ref = NULL;
	snprintf(name, sizeof(name), "%s%s", prefix, sha);
	if (git_oid_fromstr(&oid, sha) < 0 ||
	    git_reference_create(&ref, o->repository, name, &oid, 1, NULL) < 0)
		return error_set(err, "keep %s: %s", sha, objects_failure());
	git_reference_free(ref);
	return 0;
}

bool objects_ref_read(const char *mirror, const char *name, char sha[GIT_OID_HEXSZ + 1])
{
	struct objects o;
	git_oid oid;
	if (objects_open(&o, mirror, NULL) < 0)
		return false;
	bool found = git_reference_name_to_id(&oid, o.repository, name) == 0;
	if (found)
		git_oid_tostr(sha, GIT_OID_HEXSZ + 1, &oid);
	objects_close(&o);
	return found;
}

void objects_ref_write(const char *mirror, const char *name, const char *sha)
{
	struct objects o;
	git_oid oid;
	git_reference *ref = NULL;
	if (objects_open(&o, mirror, NULL) < 0)
		return;
	if (!sha)
		git_reference_remove(o.repository, name);
	else if (git_oid_fromstr(&oid, sha) == 0)
		git_reference_create(&ref, o.repository, name, &oid, 1, NULL);
	git_reference_free(ref);
	objects_close(&o);
}
