/* jobs_parts.h - a render job: jobs.c moves it on the loop, jobs_work.c is what runs on a worker. */
#pragma once

#include "operator/internal.h"
#include "operator/rendered.h"
#include "operator/trees.h"
#include "repo/commit.h"

struct render_job {
	struct managed *m; /* NULL: nobody waits any more; not for the worker */
	struct operator* operator;
	uint64_t ticket;
	/* Objects become files of a commit, and not of a cluster; see hydration.c. Called in place of the
	 * App's machine; the job is the callee's then, to be released by job_free(). */
	void (*hydrated)(struct managed *m, struct render_job *job);

	struct arena arena; /* of what follows, up to the values */
	char *mirror, *sha, *path, *app_name, *app_namespace, *repo, *revision, *target_namespace;
	struct render_spec spec;
	bool substitutes;
	struct substitute_values values;
	/* What an environment takes variables from, as it said it last, and what is in there, or why not. */
	struct render_spec environment;
	struct substitute_values environment_values;
	struct error environment_err;

	/* How often it was made again for something that it lacked. */
	unsigned scope_rounds, fetch_rounds, value_rounds;
	bool awaits_values; /* it is not with a worker: a watch will go on with it */

	/* What the worker made: */
	struct scope_misses misses;
	struct tree_remotes *remotes;
	int lacks;		   /* RENDERED_LACKS_... */
	struct desired *desired;   /* or, hydrated: */
	struct commit_spec commit; /* in the arena */
	struct reads reads;
	struct hash reads_hash;
	struct error err;
};

void job_work(void *job); /* on a worker */
void job_free(struct render_job *job);

/* What is rendered: path and spec are copied. */
struct job_input {
	const char *sha, *path;
	const struct render_spec *spec;
};
/* Begins; m->environment_values must be of the spec's environment, if of any. */
struct render_job *job_begin(struct managed *m, const struct job_input *input, uint64_t ticket,
			     void (*hydrated)(struct managed *, struct render_job *));
