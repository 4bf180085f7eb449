/*
 * tree.h - files of a commit, read from a mirror with libgit2. From any thread; handles are kept for reuse.
 *
 * The tree is hostile: names that could leave it, links that leave it, sizes over the caps and trees that
 * unfold without end are problems, never files. Links that stay inside are followed. A submodule is read as
 * part of the tree when the mirror was opened with submodules, and is a problem otherwise.
 *
 * A mirror of which objects are missing is marked as damaged; the next remote_poll() makes it anew.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

#define TREE_FILE_MAX (16u << 20)   /* bytes of one file */
#define TREE_TOTAL_MAX (256u << 20) /* bytes of one read */
#define TREE_FILES_MAX 100000u
#define TREE_DEPTH_MAX 64u
#define TREE_LINKS_MAX 16u	/* links followed for one path */
#define TREE_VISITS_MAX 400000u /* entries looked at in one read, files or not */
#define TREE_PROBLEMS_MAX 100u

struct repo_file {
	const char *path; /* relative to the root of the repository */
	struct str data;
	uint32_t mode; /* 0644 or 0755 */
};

struct repo_problem {
	const char *path, *text;
};

struct repo_files {
	struct repo_file *files; /* sorted by path */
	size_t n;
	struct repo_problem *problems;
	size_t n_problems;
};

/* Which files are read, by their last name (of a link: its own); NULL: all. Problems are found in all. */
typedef bool repo_filter_fn(struct str name);

/* A hash of all that repo_tree_read() would read: of the directory (or file) at path. 1: no such path. */
int repo_tree_hash(const char *mirror, const char *sha, const char *path, struct hash *out,
		   struct error *err);
/* Everything below path; memory from a. 1: no such path. */
int repo_tree_read(const char *mirror, const char *sha, const char *path, repo_filter_fn *filter,
		   struct arena *a, struct repo_files *out, struct error *err);
bool repo_tree_has(const char *mirror, const char *sha); /* whether the commit is there */
/* First line of the commit's message, into a; NULL when it cannot be read. */
char *repo_tree_subject(const char *mirror, const char *sha, struct arena *a);
/* Closes kept handles of a mirror that is going away or was repacked. */
void repo_tree_forget(const char *mirror);

/*
 * The same from a directory of this machine (`capstan sync DIR`); paths are as given plus the name. Hidden
 * files are passed over. Links are followed inside of dir.
 */
int repo_dir_read(const char *dir, repo_filter_fn *filter, struct arena *a, struct repo_files *out,
		  struct error *err);
