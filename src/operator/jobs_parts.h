/* jobs_parts.h - a render job: jobs.c moves it on the loop, jobs_work.c is what runs on a worker. */
#pragma once

#include "operator/internal.h"
#include "operator/rendered.h"
#include "operator/trees.h"

struct render_job {
	struct managed *m; /* NULL: nobody waits any more; not for the worker */
	struct operator* operator;
	uint64_t ticket;

	struct arena arena; /* of what follows, up to the values */
	char *mirror, *sha, *path, *app_name, *app_namespace, *target_namespace;
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
	int lacks; /* RENDERED_LACKS_... */
	struct desired *desired;
	struct reads reads;
	struct hash reads_hash;
	struct error err;
};

void job_work(void *job); /* on a worker */
