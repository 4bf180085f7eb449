/* blobs.c - see blobs.h. */
#include "repo/blobs.h"

#include <stdlib.h>

#include "repo/objects.h"

struct repo_blobs {
	char *git_dir;
	struct objects objects;
};

struct repo_blobs *repo_blobs_open(const char *git_dir, struct error *err)
{
	struct repo_blobs *b = mem_alloc(sizeof(*b));
	b->git_dir = mem_strdup(git_dir);
	if (objects_open(&b->objects, b->git_dir, err) == 0)
		return b;
	free(b->git_dir);
	free(b);
	return NULL;
}

void repo_blobs_close(struct repo_blobs *b)
{
	if (!b)
		return;
	objects_close(&b->objects);
	free(b->git_dir);
	free(b);
}

static bool read_id(const char *sha, git_oid *out)
{
	return strlen(sha) == GIT_OID_HEXSZ && git_oid_fromstr(out, sha) == 0;
}

int repo_blobs_read(struct repo_blobs *b, const char *sha, size_t max, struct arena *a, struct str *out,
		    size_t *size)
{
	git_oid oid;
	*size = 0;
	if (!read_id(sha, &oid))
		return BLOBS_MISSING;
	int rc = objects_blob(&b->objects, &oid, max, a, out, size);
	return rc < 0 ? BLOBS_MISSING : rc == OBJECTS_TOO_LARGE ? BLOBS_TOO_LARGE : 0;
}

bool repo_blobs_commit(struct repo_blobs *b, const char *sha, char out[SHA_HEX_MAX + 1])
{
	git_oid oid;
	git_object *object = NULL, *commit = NULL;
	bool found = read_id(sha, &oid) &&
		     git_object_lookup(&object, b->objects.repository, &oid, GIT_OBJECT_ANY) == 0 &&
		     git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0;
	if (found)
		git_oid_tostr(out, SHA_HEX_MAX + 1, git_object_id(commit));
	git_object_free(commit);
	git_object_free(object);
	return found;
}
