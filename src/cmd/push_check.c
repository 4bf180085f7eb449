/*
 * push_check.c - the first step of a push: what the pushed capstan.yaml says is deployed, rendered and
 * checked straight from the pushed objects. Errors refuse, warnings are counted.
 */
#include <stdio.h>

#include "cmd/print_check.h"
#include "cmd/push_render.h"
#include "cmd/push_run.h"
#include "push/receive.h"
#include "push/tree.h"

#define CHECK_SHOWN_MAX 100u /* lines of findings that the pusher sees */
#define CHECK_TIME_MS 180000 /* beside builds and rollouts: check, claims, undisturbed deliveries */
#define BUILD_TIME_MAX_MS 14400000

/* --- what is pushed --- */

static int check_object(struct push_run *run, const struct journal_ref *ref, struct error *err)
{
	char commit[SHA_HEX_MAX + 1];
	int rc = push_tree_commit(run->git_dir, ref->new, commit, err);
	return rc > 0 ? error_set(err, "%s: a branch is to be at a commit, and %.12s is none", ref->name,
				  ref->new)
		      : rc;
}

/* The one commit that deploys; "" none. Two branches at the same one are fine. */
static int check_refs(struct push_run *run, struct error *err)
{
	for (size_t i = 0; i < run->record.n_refs; i++)
		if (run->record.refs[i].new[0] && receive_branch(&run->record.refs[i]) &&
		    check_object(run, &run->record.refs[i], err) < 0)
			return -1;
	return push_tree_check(run->git_dir, err);
}

/* --- targets --- */

struct found {
	VEC(struct receive_target) list;
	const char *sha, *branch; /* that deploys */
};

/* A Remote's manifests, when the repository has no capstan.yaml of its own. */
static void take_remote(struct push_run *run, const char *branch, struct environments *all)
{
	struct environment *e = arena_new(&run->arena, struct environment);
	*e = (struct environment){
		.name = "default", .branch = branch, .path = run->repo.manifests, .type = RENDER_AUTO
	};
	*all = (struct environments){ .file = ENVIRONMENTS_FILE, .list = e, .n = 1 };
}

static int look_at_branch(struct push_run *run, struct found *found, const struct journal_ref *ref,
			  struct error *err)
{
	struct push_render r;
	struct environments all;
	struct receive_target *targets;
	size_t n = 0;
	const char *branch = receive_branch(ref);
	if (push_render_open(&r, run->git_dir, ref->new, err) < 0)
		return -1;
	int rc = push_render_file(&r, &run->arena, &all, err);
	push_render_close(&r);
	if (rc > 0 && run->repo.remote && run->repo.manifests) {
		take_remote(run, branch, &all);
		rc = 0;
	}
	if (rc)
		return rc < 0 ? -1 : 0;
	if (receive_targets(&run->arena, &run->repo, &all, branch, &targets, &n, err) < 0)
		return -1;
	if (n && found->sha && strcmp(found->sha, ref->new) != 0)
		return error_set(
			err, "%s and %s both deploy, and are at different commits; push one after the other",
			found->branch, branch);
	for (size_t i = 0; i < n; i++)
		vec_push(&found->list, targets[i]);
	if (!n)
		return 0;
	found->sha = ref->new;
	found->branch = branch;
	run->environments = all;
	return 0;
}

static void fill_record(struct push_run *run, const struct receive_target *from, struct journal_target *to)
{
	const struct environment *e = from->environment;
	*to = (struct journal_target){
		.environment = e->name,
		.kind = from->deliver ? JOURNAL_CONFIG : JOURNAL_DIRECT,
		.namespace = run->repo.namespace,
		.app = from->app,
		.timeout_ms = e->timeout_ms ? e->timeout_ms : PUSH_TIMEOUT_MS,
		.keep = e->on_failure == ENVIRONMENTS_FAILURE_KEEP,
	};
	/* By the environment: the App's own name may change when others come and go. */
	if (!from->deliver)
		to->key = arena_printf(&run->arena, "app %s/%s %s", run->repo.namespace, run->repo.name,
				       e->name);
}

static void take_targets(struct push_run *run, const struct found *found)
{
	size_t n = found->list.n;
	run->targets = arena_array(&run->arena, struct push_target, n + 1);
	run->record.targets = arena_array(&run->arena, struct journal_target, n + 1);
	run->record.n_targets = run->n_targets = n;
	for (size_t i = 0; i < n; i++) {
		const struct receive_target *from = &found->list.at[i];
		fill_record(run, from, &run->record.targets[i]);
		run->targets[i] = (struct push_target){
			.record = &run->record.targets[i],
			.environment = from->environment,
			.deliver = from->deliver,
			.namespace = from->namespace,
			.commit = found->sha,
		};
	}
}

static int find_targets(struct push_run *run, struct error *err)
{
	struct found found = { .sha = NULL };
	int rc = 0;
	for (size_t i = 0; i < run->record.n_refs && rc == 0; i++) {
		const struct journal_ref *ref = &run->record.refs[i];
		if (ref->new[0] && receive_branch(ref))
			rc = look_at_branch(run, &found, ref, err);
	}
	if (rc == 0)
		take_targets(run, &found);
	vec_release(&found.list);
	return rc;
}

/* --- the check --- */

static int allow_secrets(struct push_run *run, struct check *c, struct error *err)
{
	for (size_t i = 0; i < run->environments.n_allow_secrets; i++) {
		const struct environments_allowance *from = &run->environments.allow_secrets[i];
		struct check_allowance to = { ENVIRONMENTS_FILE, from->line,	    from->path,
					      from->object,	 from->fingerprint, from->reason };
		if (check_allow_secret(c, &to, err) < 0)
			return -1;
	}
	return 0;
}

static void tell_findings(struct push_run *run, const struct check_result *result)
{
	char *text = NULL;
	size_t n = 0, lines = 0;
	struct style plain = { .width = 80, .height = 24 };
	FILE *out = open_memstream(&text, &n);
	print_check(out, &plain, result);
	fclose(out);
	struct str rest = { text, n };
	while (rest.n && lines++ < CHECK_SHOWN_MAX)
		tell_plain(run->tell, str_cut(rest, '\n', &rest));
	if (rest.n)
		tell_plain(run->tell, STR("... and more; `capstan check` shows all"));
	free(text);
}

static void tell_result(struct push_run *run, const struct push_target *t, const struct check_result *r,
			bool passed)
{
	const char *name = t->record->environment;
	if (passed)
		tell_step(run->tell, "check",
			  "%s: rendered by a program or with other repositories; the operator will tell",
			  name);
	else if (r->warnings)
		tell_step(run->tell, "check", "%s: %zu objects, %zu warning%s (`capstan check --env %s`)",
			  name, t->n_objects, r->warnings, r->warnings == 1 ? "" : "s", name);
	else
		tell_step(run->tell, "check", "%s: %zu object%s", name, t->n_objects,
			  t->n_objects == 1 ? "" : "s");
}

static enum step_outcome check_target(struct push_run *run, struct push_target *t, struct error *err)
{
	struct push_render r;
	struct check_options options = { .minor = 0 };
	struct check_result result;
	struct check *c = check_new(&options);
	int rc = push_render_open(&r, run->git_dir, t->commit, err);
	if (rc == 0)
		rc = push_render_environment(&r, t->environment, err);
	if (rc == 0)
		rc = allow_secrets(run, c, err);
	if (rc == 0 && !r.passed)
		push_render_check(&r, c, t->environment, t->namespace);
	if (rc == 0) {
		check_finish(c, &result);
		push_render_note(&r, run, t);
		tell_result(run, t, &result, r.passed);
		if (result.errors) {
			tell_findings(run, &result);
			rc = error_set(err, "%s: the check found %zu error%s; nothing was changed",
				       t->record->environment, result.errors, result.errors == 1 ? "" : "s");
		}
	}
	push_render_close(&r);
	check_free(c);
	return rc < 0 ? STEP_FAILED : STEP_OK;
}

/* --- the machine's times --- */

static void configure(struct push_run *run)
{
	struct push_config config = { .nothing = run->n_targets == 0,
				      .keep = run->n_targets > 0,
				      .timeout_ms = CHECK_TIME_MS,
				      .undo_timeout_ms = PUSH_UNDO_TIMEOUT_MS };
	int64_t longest = 0, build = 0;
	for (size_t i = 0; i < run->n_targets; i++) {
		const struct journal_target *t = run->targets[i].record;
		config.keep = config.keep && t->keep;
		longest = t->timeout_ms > longest ? t->timeout_ms : longest;
	}
	for (size_t i = 0; i < run->environments.n_builds; i++) {
		int64_t one = run->environments.builds[i].timeout_ms;
		build += one ? one : BUILD_TIMEOUT_MS;
	}
	if (run->n_targets)
		config.timeout_ms += longest + (build < BUILD_TIME_MAX_MS ? build : BUILD_TIME_MAX_MS);
	push_machine_configure(&run->machine, &config);
}

static void tell_nothing(struct push_run *run)
{
	bool deleted = run->record.n_refs > 0, any = false;
	for (size_t i = 0; i < run->record.n_refs; i++) {
		deleted = deleted && !run->record.refs[i].new[0];
		any = any || receive_branch(&run->record.refs[i]);
	}
	tell_step(run->tell, "check", "%s",
		  deleted ? "what is deleted deploys nothing; what it deployed stays"
		  : any	  ? "no environment of " ENVIRONMENTS_FILE " has this branch: nothing is deployed"
			  : "no branch is pushed: nothing is deployed");
}

enum step_outcome push_check(struct push_run *run, struct error *err)
{
	if (check_refs(run, err) < 0 || find_targets(run, err) < 0)
		return STEP_FAILED;
	enum step_outcome outcome = STEP_OK;
	for (size_t i = 0; i < run->n_targets && outcome == STEP_OK; i++)
		if (run->targets[i].record->kind == JOURNAL_DIRECT)
			outcome = push_stopped(run) ? STEP_LATE : check_target(run, &run->targets[i], err);
	if (outcome == STEP_OK && !run->n_targets)
		tell_nothing(run);
	configure(run);
	return outcome;
}
