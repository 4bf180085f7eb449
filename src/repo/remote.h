/*
 * remote.h - one git remote and its bare mirror on this machine; transport by the `git` program.
 *
 * A poll is one `git ls-remote`; a fetch brings just the commits that are wanted, shallow, into
 * refs/capstan/. Every child has a deadline; the mirror's size is capped while it grows; a killed process
 * leaves a mirror that the next start mends. The user's git configuration, hooks and helpers are out of reach
 * unless user_environment is set. Host keys are always checked.
 */
#pragma once

#include "io/loop.h"
#include "repo/refs.h"

#define REMOTE_LS_TIMEOUT_MS 20000
#define REMOTE_GC_AFTER 64 /* fetches between two clean-ups of the mirror */

/* Names of keys as in a Secret (Flux's names); each may be empty. Copied. */
struct remote_credentials {
	struct str username, password, bearer_token; /* https */
	struct str identity, known_hosts;	     /* ssh: private key, host keys */
	struct str ca_crt, tls_crt, tls_key;	     /* https: own CA, client certificate */
};

/* What a person can do about the usual failures; for a Repo its fields. Texts outlive the remote. */
struct remote_hints {
	const char *size;    /* after "the repository is larger than N MiB; " */
	const char *timeout; /* after "no end within the timeout; is the remote reachable? " */
	const char *login;   /* after "the remote wants a login that it accepts (401): " */
	const char *moved;   /* after "... credentials do not follow; " */
};

struct remote_options {
	const char *url;
	const char *mirror; /* directory of the bare mirror; its parent exists */
	int64_t timeout_ms; /* of one fetch */
	uint64_t max_bytes; /* of the mirror */
	bool submodules;
	bool user_environment; /* the user's own environment: HOME, ssh agent, credential helpers (command
				  line on a laptop) */
	const struct remote_credentials *credentials; /* or NULL */
	const struct remote_hints *hints;	      /* NULL: those of a Repo */
	/* Which urls a submodule may have; NULL: all that remote_check_url() takes. err says why not. */
	int (*check)(void *ctx, const char *url, struct error *err);
	void *check_ctx;
};

struct repo_remote;

/* https, http, ssh, scp-like, file and absolute paths; anything else is refused. err says what to write. */
int remote_check_url(const char *url, struct error *err);
/* The URL without user and password, for messages; into out. */
void remote_redact(const char *url, char *out, size_t size);

struct repo_remote *remote_new(struct loop *loop, const struct remote_options *options, struct error *err);
void remote_free(struct repo_remote *r); /* ends what is under way; its done is not called */
const char *remote_mirror(const struct repo_remote *r);
/* As of the last good poll; n is 0 before. Valid until the next poll's done. */
const struct refs *remote_refs(const struct repo_remote *r);

/* error: one line for people without secrets, NULL when it worked. changed: the refs are not those of the
 * last poll. */
typedef void remote_done_fn(void *ctx, bool changed, const char *error);

/* One at a time, also of those below: the next one after the last one's done. */
void remote_poll(struct repo_remote *r, remote_done_fn *done, void *ctx);
/* Fetches what is not there yet of these; done at once on the next turn when all is there. */
void remote_fetch(struct repo_remote *r, const struct resolved *wants, size_t n, remote_done_fn *done,
		  void *ctx);
/* Removes what no ref of the mirror needs any more; an error is none of anybody's. */
void remote_clean_up(struct repo_remote *r, remote_done_fn *done, void *ctx);

enum push_outcome {
	PUSH_DONE,  /* the branch is at the commit now */
	PUSH_RACED, /* somebody else was first: build on what is there now, and push again; error: git's words
		     */
	PUSH_REFUSED, /* a hook or a rule of the remote says no; error has its words */
	PUSH_FAILED,  /* the remote was not reached, no login, the deadline, ... */
};

typedef void remote_push_fn(void *ctx, enum push_outcome outcome, const char *error);

/* Pushes a commit of the mirror to a branch, made when it is not there; only ever forward. One at a time. */
void remote_push(struct repo_remote *r, const char *sha, const char *branch, remote_push_fn *done, void *ctx);
/* Pushes all branches and tags of another bare repository, by force; those that it has no more are removed.
 */
void remote_push_all(struct repo_remote *r, const char *git_dir, remote_done_fn *done, void *ctx);
/* What `git push --porcelain` printed for its one ref; reason: the summary's words. Pure. */
enum push_outcome push_read(struct str out, struct str *reason);
