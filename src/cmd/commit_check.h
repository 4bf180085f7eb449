/*
 * commit_check.h - environments of capstan.yaml as one commit of a repository has them: rendered straight
 * from the commit and checked as `capstan check` does. Nothing is checked out; the working tree does not
 * count. For the hook before a push and for the service that receives one.
 *
 *     struct commit_check *c = commit_check_open(&options, &err);
 *     for each of commit_check_file(c)->list that is wanted: commit_check_render(c, e, &err)
 *     commit_check_finish(c, &result, &err)             once; then print_check() and the like
 *     commit_check_free(c)                              with all that it gave
 */
#pragma once

#include "check/check.h"
#include "cmd/bases.h"
#include "operator/exec_render.h"
#include "render/environments.h"
#include "render/substitute.h"

/* Variables that an environment takes from the cluster (e->from), added to out. */
typedef int commit_values_fn(void *ctx, const struct environment *e, struct substitute_values *out,
			     struct error *err);

struct commit_check_options {
	const char *git_dir;		/* whose objects (alternates too) have the commit */
	const char *sha;		/* of the commit, in full */
	struct bases *bases;		/* other repositories; NULL: a render that needs one fails */
	const struct exec_render *exec; /* programs that render; NULL: none may run, which is an error */
	/* NULL: what only the cluster knows is empty, as without a cluster. */
	commit_values_fn *values;
	void *ctx;
};

struct commit_environment {
	const struct environment *environment;
	struct render_output output; /* n_errors: no half of it is of use */
	struct origins origins;
};

struct commit_check;

/* Reads capstan.yaml of the commit. NULL: it cannot be read, or has errors, which are in err, a line each. */
struct commit_check *commit_check_open(const struct commit_check_options *options, struct error *err);
void commit_check_free(struct commit_check *c); /* NULL is fine */

/* NULL: the commit has no capstan.yaml. Lives as long as c. */
const struct environments *commit_check_file(const struct commit_check *c);

/*
 * Renders one more environment, which is of commit_check_file(c)->list. What is wrong in the files is no
 * failure but a finding (and in output). NULL: it could not be tried (a remote base does not come, the
 * cluster does not answer).
 */
const struct commit_environment *commit_check_render(struct commit_check *c, const struct environment *e,
						     struct error *err);
/* All that were rendered, in order. */
size_t commit_check_rendered(const struct commit_check *c, const struct commit_environment *const **out);

/* Checks all that was rendered, with allowSecrets of the file; the result lives as long as c. Secrets in
 * plain text are errors. */
int commit_check_finish(struct commit_check *c, struct check_result *out, struct error *err);
