/*
 * publish.h - files committed to a branch of a remote, on top of what is there:
 *
 *   list the refs -> fetch the branch's newest commit -> commit -> push -+-> done
 *        ^                                                               |
 *        +---------------- after a pause, when somebody else was first <-+
 *
 * Nothing is pushed when nothing would change, so writers of the same content converge; nothing is ever
 * forced. Every publish has a deadline and a number of tries.
 *
 * A publisher has a mirror of its own (nobody else writes there), in which jobs wait for one another. On the
 * loop's thread.
 */
#pragma once

#include "repo/commit.h"
#include "repo/remote.h"

#define PUBLISH_TRIES_MAX 10
#define PUBLISH_PAUSE_MS 100 /* before the second try; doubled for each further one, with jitter */
#define PUBLISH_PAUSE_MAX_MS 5000

/* Before the next try, after so many: between half of that and one and a half times it. random: of random.h.
 */
int64_t publish_pause(unsigned tries, uint32_t *random);
#define PUBLISH_QUEUE_MAX 10000 /* jobs that wait */
#define PUBLISH_RENEW_AFTER 500 /* commits, after which the mirror is made anew: it holds all of them */

struct publisher;

/* options: see remote.h; copied, but for credentials, hints and check, which outlive it. */
struct publisher *publisher_new(struct loop *loop, const struct remote_options *options);
/* No done is called any more. What a worker may still read of a job has to be cancelled before. NULL is fine.
 */
void publisher_free(struct publisher *p);

struct publish_result {
	bool changed; /* a commit was pushed */
	bool absent;  /* the branch is not there, as it would be what its base is; sha is that of base */
	char sha[SHA_HEX_MAX + 1]; /* of the branch now; "": it is not there, and nothing would be in it */
	unsigned tries;
	const char *error; /* NULL: it worked; one line without secrets */
};

typedef void publish_fn(void *ctx, const struct publish_result *result);
struct publish;

/*
 * spec and all in it, and branch, live until done; done comes later, once. deadline_ms: from when its turn
 * comes. NULL: PUBLISH_QUEUE_MAX (done is not called).
 */
struct publish *publisher_push(struct publisher *p, const char *branch, const struct commit_spec *spec,
			       int64_t deadline_ms, publish_fn *done, void *ctx);
/* done is not called any more. spec may be in use by a worker: release(ctx) tells when it is not. */
void publish_cancel(struct publish *j, void (*release)(void *ctx));

/* The same from beginning to end, for a command. -1: err. */
int publish_wait(const struct remote_options *options, const char *branch, const struct commit_spec *spec,
		 int64_t deadline_ms, struct publish_result *out, struct error *err);
/* And until stopped(ctx), asked now and then: then -1, and whether it was pushed nobody knows. */
int publish_wait_stoppable(const struct remote_options *options, const char *branch,
			   const struct commit_spec *spec, int64_t deadline_ms, bool (*stopped)(void *ctx),
			   void *ctx, struct publish_result *out, struct error *err);
