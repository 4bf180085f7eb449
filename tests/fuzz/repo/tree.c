/*
 * The input is a tree object as it lies in a repository: walked, it may give problems, but never a file whose
 * path leaves the tree or is hidden from a reader.
 */
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>

#include "repo/files.h"
#include "repo/tree.h"
#include "repo/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char repository[64];

static void remove_repository(void)
{
	files_remove(repository);
}

/* A bare repository with one blob, made once. */
static git_repository *open_repository(void)
{
	static git_repository *r;
	git_oid blob;
	if (r)
		return r;
	snprintf(repository, sizeof(repository), "/tmp/capstan-fuzz-tree-XXXXXX");
	git_libgit2_init();
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 0);
	if (!mkdtemp(repository) || git_repository_init(&r, repository, true) < 0 ||
	    git_blob_create_from_buffer(&blob, r, "x", 1) < 0)
		abort();
	atexit(remove_repository);
	return r;
}

/* The commit's SHA, or false when git itself refuses the object. */
static bool commit_tree(git_repository *r, const uint8_t *data, size_t size, char sha[GIT_OID_HEXSZ + 1])
{
	git_odb *odb;
	git_oid tree, commit;
	char text[256];
	if (git_repository_odb(&odb, r) < 0)
		abort();
	bool good = git_odb_write(&tree, odb, data, size, GIT_OBJECT_TREE) == 0;
	char hex[GIT_OID_HEXSZ + 1];
	git_oid_tostr(hex, sizeof(hex), &tree);
	int n = snprintf(text, sizeof(text),
			 "tree %s\nauthor t <t@t> 0 +0000\ncommitter t <t@t> 0 +0000\n\nm\n", hex);
	good = good && git_odb_write(&commit, odb, text, (size_t)n, GIT_OBJECT_COMMIT) == 0;
	if (good)
		git_oid_tostr(sha, GIT_OID_HEXSZ + 1, &commit);
	git_odb_free(odb);
	return good;
}

/* The same path by path: what is found is inside. */
static void look(const char *sha)
{
	static const char *const paths[] = { "x", "x/y", "ok", ".git/x", "x/x/x" };
	cleanup_arena struct arena a = ARENA_INIT;
	const char **names;
	size_t n;
	struct str text;
	struct view_entry e;
	struct repo_view *v = repo_view_open(repository, sha, NULL);
	if (!v)
		return;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (repo_view_find(v, &a, paths[i], &e, NULL) == 0 && e.kind != VIEW_NONE &&
		    (strcasestr(e.real, ".git") || e.real[0] == '/'))
			abort();
	if (repo_view_list(v, &a, "", &names, &n, NULL) == 0)
		for (size_t i = 0; i < n; i++)
			repo_view_read(v, &a, names[i], &text, NULL);
	repo_view_close(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	struct hash hash;
	char sha[GIT_OID_HEXSZ + 1];
	git_repository *r = open_repository();
	if (!commit_tree(r, data, size, sha))
		return 0;
	if (repo_tree_read(repository, sha, ".", NULL, &a, &files, NULL) < 0)
		return 0;
	repo_tree_hash(repository, sha, "x/y", &hash, NULL);
	look(sha);
	for (size_t i = 0; i < files.n; i++) {
		const char *path = files.files[i].path;
		if (path[0] == '/' || strncmp(path, "../", 3) == 0 || strcmp(path, "..") == 0 ||
		    strcasestr(path, ".git/") == path)
			abort();
	}
	return 0;
}
