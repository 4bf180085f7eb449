/*
 * commit.h - a commit made of files, on top of another one or of nothing. From any thread; nothing is pushed
 * (publish.h) and no branch is moved.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "repo/refs.h"

#define COMMIT_FILES_MAX 100000u      /* in one commit */
#define COMMIT_BYTES_MAX (256u << 20) /* of all of them */
#define COMMIT_DEFAULT_AUTHOR "Capstan"
#define COMMIT_DEFAULT_EMAIL "capstan@localhost"

struct commit_file {
	const char *path; /* below the spec's dir; clean, no ".git" in it */
	struct str data;
	bool executable;
};

struct commit_trailer {
	const char *key, *value;
};

struct commit_spec;

/*
 * Makes the files for a commit on top of parent ("" for the first of a branch): fills files and n of spec,
 * which has the rest; memory from a. 0; 1: nothing is to be changed; -1: err. On the thread that makes the
 * commit; called anew for each try of a push that others forestall.
 */
typedef int commit_edit_fn(void *ctx, struct arena *a, const char *git_dir, const char *parent,
			   struct commit_spec *spec, struct error *err);

struct commit_spec {
	const char *dir; /* of the repository, that the files are in; "" the root */
	const struct commit_file *files;
	size_t n;
	/* Of what is below dir in the parent and not among files: those that go, by their path below dir.
	 * NULL: all go. */
	bool (*goes)(const char *path);
	bool may_be_empty; /* without it no files at all is an error: an empty render deletes nothing */
	const char *subject;
	const char *body; /* or NULL */
	const struct commit_trailer *trailers;
	size_t n_trailers;
	const char *author, *email; /* NULL: Capstan's */
	int64_t when_ms;	    /* wall clock */
	commit_edit_fn *edit;	    /* or NULL: files are as they are */
	void *edit_ctx;
	/* For publish.h: the branch that a branch which is not there begins at (NULL: at nothing); and who is
	 * told of each commit before it is pushed, on the loop's thread: -1 with err, and it is not. */
	const char *base;
	int (*made)(void *ctx, const char *parent, const char *sha, struct error *err);
	void *made_ctx;
};

/*
 * git_dir: of a mirror or of a local repository. parent: a commit there, NULL or "" for the first of a
 * branch. 0: *sha is the new one. 1: it would change nothing; *sha is parent ("" when there is none). -1:
 * err.
 */
int commit_make(const char *git_dir, const char *parent, const struct commit_spec *spec,
		char sha[SHA_HEX_MAX + 1], struct error *err);

/* Author and email from what `git var GIT_AUTHOR_IDENT` says, "Ada <ada@example.com> 1700000000 +0100", which
 * is cut for that and must outlive spec; both stay as they were when ident is no such text. */
void commit_author(struct commit_spec *spec, char *ident);
/* Whether name can be a branch's (without "refs/heads/"); err says why not. */
int commit_check_branch(const char *name, struct error *err);
/* The message as it is written; into out. Control characters become spaces, trailers one line each. */
void commit_message(const struct commit_spec *spec, struct buf *out);
