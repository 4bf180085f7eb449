/* commit_revert.c - see commit_revert.h: a three-way merge of each file whose base is what the commit wrote.
 */
#include "repo/commit_revert.h"

#include <stdlib.h>

#include "repo/name.h"
#include "repo/objects.h"

struct reverting {
	struct objects objects;
	struct arena *a;
	struct commit_revert *what;
	git_tree *parent, *commit, *tip;
	struct commit_file *files;
	size_t n;
};

static int say(struct error *err, const char *what)
{
	return error_set(err, "%s: %s", what, objects_failure());
}

static int read_tree(struct reverting *r, const char *sha, git_tree **out, struct error *err)
{
	git_oid oid;
	if (git_oid_fromstr(&oid, sha) < 0)
		return error_set(err, "%.80s: is no commit", sha);
	return objects_commit_tree(&r->objects, &oid, out, err);
}

static int read_blob(struct reverting *r, const git_oid *oid, const char *path, struct str *out,
		     struct error *err)
{
	size_t size;
	int rc = objects_blob(&r->objects, oid, REVERT_FILE_BYTES_MAX, r->a, out, &size);
	if (rc > 0)
		return error_set(err, "%s: is larger than %u MiB", name_printable(r->a, str_of(path)),
				 REVERT_FILE_BYTES_MAX >> 20);
	return rc < 0 ? say(err, path) : 0;
}

static int conflict(struct reverting *r, const char *path, struct error *err)
{
	free(r->what->conflict);
	r->what->conflict = mem_strdup(name_printable(r->a, str_of(path)));
	return error_set(err, "%s: others changed the same lines since", r->what->conflict);
}

/* What the tip has, without what the commit did to it. */
static int merge(struct reverting *r, const git_diff_delta *d, const git_oid *now, struct str *out,
		 struct error *err)
{
	struct str before, after, tip;
	git_merge_file_input base, ours, theirs;
	git_merge_file_result result = { 0 };
	const char *path = d->new_file.path;
	if (read_blob(r, &d->old_file.id, path, &before, err) < 0 ||
	    read_blob(r, &d->new_file.id, path, &after, err) < 0 || read_blob(r, now, path, &tip, err) < 0)
		return -1;
	base = (git_merge_file_input){ .version = GIT_MERGE_FILE_INPUT_VERSION,
				       .ptr = after.p,
				       .size = after.n };
	ours = (git_merge_file_input){ .version = GIT_MERGE_FILE_INPUT_VERSION, .ptr = tip.p, .size = tip.n };
	theirs = (git_merge_file_input){ .version = GIT_MERGE_FILE_INPUT_VERSION,
					 .ptr = before.p,
					 .size = before.n };
	if (git_merge_file(&result, &base, &ours, &theirs, NULL) < 0)
		return say(err, path);
	bool clean = result.automergeable;
	if (clean)
		*out = (struct str){ arena_strndup(r->a, result.ptr ? result.ptr : "", result.len),
				     result.len };
	git_merge_file_result_free(&result);
	return clean ? 0 : conflict(r, path, err);
}

static int revert_file(struct reverting *r, const git_diff_delta *d, struct error *err)
{
	git_tree_entry *entry = NULL;
	const char *path = d->new_file.path;
	struct commit_file *f = &r->files[r->n];
	if (d->status != GIT_DELTA_MODIFIED)
		return error_set(err, "%s: the commit %.12s adds or deletes it, and is not taken back",
				 name_printable(r->a, str_of(path)), r->what->commit);
	if (git_tree_entry_bypath(&entry, r->tip, path) < 0)
		return conflict(r, path, err);
	git_oid now = *git_tree_entry_id(entry);
	*f = (struct commit_file){ .path = arena_strdup(r->a, path),
				   .executable =
					   git_tree_entry_filemode(entry) == GIT_FILEMODE_BLOB_EXECUTABLE };
	git_tree_entry_free(entry);
	if (git_oid_equal(&now, &d->old_file.id))
		return 0;
	int rc = git_oid_equal(&now, &d->new_file.id) ? read_blob(r, &d->old_file.id, path, &f->data, err)
						      : merge(r, d, &now, &f->data, err);
	r->n += rc == 0;
	return rc;
}

static int revert(struct reverting *r, const char *tip, struct error *err)
{
	git_diff *diff = NULL;
	const struct commit_revert *what = r->what;
	if (read_tree(r, what->parent, &r->parent, err) < 0 ||
	    read_tree(r, what->commit, &r->commit, err) < 0 || read_tree(r, tip, &r->tip, err) < 0)
		return -1;
	if (git_diff_tree_to_tree(&diff, r->objects.repository, r->parent, r->commit, NULL) < 0)
		return say(err, "diff");
	size_t n = git_diff_num_deltas(diff);
	int rc = n > REVERT_FILES_MAX ? error_set(err, "the commit %.12s changed more than %u files",
						  what->commit, REVERT_FILES_MAX)
				      : 0;
	r->files = arena_array(r->a, struct commit_file, n + 1);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = revert_file(r, git_diff_get_delta(diff, i), err);
	git_diff_free(diff);
	return rc;
}

int commit_revert(void *ctx, struct arena *a, const char *git_dir, const char *tip, struct commit_spec *spec,
		  struct error *err)
{
	struct reverting r = { .a = a, .what = ctx };
	free(r.what->conflict);
	r.what->conflict = NULL;
	if (!*tip)
		return error_set(err, "the branch is gone");
	if (objects_open(&r.objects, git_dir, err) < 0)
		return -1;
	int rc = revert(&r, tip, err);
	git_tree_free(r.parent);
	git_tree_free(r.commit);
	git_tree_free(r.tip);
	objects_close(&r.objects);
	spec->files = r.files;
	spec->n = r.n;
	return rc < 0 ? -1 : r.n ? 0 : 1;
}
