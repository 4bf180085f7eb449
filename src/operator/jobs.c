/*
 * jobs.c - one render: files of a commit in, struct desired out, and what was read. The job holds copies of
 * all it needs, so that its App may go away meanwhile.
 *
 * It is made again when it lacked something: the scope of a kind (discovery is asked), another repository (it
 * is fetched), the ConfigMaps and Secrets that an environment of the repository names (they are watched).
 * Each round brings what the one before missed, and there are few.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "kube/discovery.h"
#include "operator/jobs_parts.h"

enum {
	FETCH_ROUNDS_MAX = 8, /* bases of bases of other repositories */
	VALUE_ROUNDS_MAX = 3, /* an environment names other sources than at the last look */
};

void job_free(struct render_job *job)
{
	scope_misses_release(&job->misses);
	desired_unref(job->desired);
	tree_remotes_free(job->remotes);
	substitute_values_release(&job->values);
	substitute_values_release(&job->environment_values);
	reads_release(&job->reads);
	arena_release(&job->arena);
	free(job);
}

static void hand_over_result(struct render_job *job)
{
	struct managed *m = job->m;
	struct operator* op = job->operator;
	op->renders++;
	if (job->lacks && !job->err.text[0])
		error_set(&job->err,
			  job->lacks == RENDERED_LACKS_REMOTES
				  ? "bases in other repositories are nested too deep"
				  : "what the environment takes variables from changes all the time");
	if (m && job->hydrated) {
		job->hydrated(m, job);
		return;
	}
	if (m) {
		struct desired *desired = hand_over(job->desired);
		m->job = NULL;
		link_tick(&op->link);
		if (desired)
			managed_reads_known(m, job->ticket, &job->reads, job->reads_hash);
		app_rendered(&m->app, job->ticket, desired, job->err.text, clock_mono_ms());
	}
	job_free(job);
}

static void done(void *arg);

static void work(struct render_job *job)
{
	scope_misses_release(&job->misses);
	desired_unref(job->desired);
	job->desired = NULL;
	loop_work(job->operator->loop, job_work, done, job);
}

/* --- what it lacked --- */

static void scopes_known(void *arg, int failed, const struct error *err)
{
	struct render_job *job = arg;
	if (!job->m || failed || !scope_learn(&job->misses, job->operator->client))
		hand_over_result(job);
	else
		work(job);
}

static void remotes_fetched(void *arg)
{
	struct render_job *job = arg;
	if (job->m)
		work(job);
	else
		job_free(job);
}

static void fetch_remotes(struct render_job *job)
{
	size_t n;
	const struct remote_want *wants = tree_remotes_missing(job->remotes, &n);
	remote_cache_fetch(job->operator->remotes, wants, n, remotes_fetched, job);
}

/* Goes on once what the environment takes variables from is known, or cannot be had. */
static void work_with_values(struct render_job *job)
{
	struct values_use *use = job->m->environment_values;
	job->environment_err = (struct error)ERROR_INIT;
	job->awaits_values = values_state(use, &job->environment_err) > 0;
	if (job->awaits_values)
		return;
	substitute_values_release(&job->environment_values);
	job->environment_values = (struct substitute_values){ .a = &job->arena };
	if (!job->environment_err.text[0])
		values_add(use, &job->environment, &job->environment_values, &job->environment_err);
	work(job);
}

void job_values_changed(struct render_job *job)
{
	if (job->awaits_values)
		work_with_values(job);
}

static void done(void *arg)
{
	struct render_job *job = arg;
	if (!job->m) {
		job->operator->renders++;
		job_free(job);
	} else if (job->lacks == RENDERED_LACKS_REMOTES && job->fetch_rounds++ < FETCH_ROUNDS_MAX) {
		fetch_remotes(job);
	} else if (job->lacks == RENDERED_LACKS_VALUES && job->value_rounds++ < VALUE_ROUNDS_MAX) {
		managed_environment(job->m, &job->environment);
		work_with_values(job);
	} else if (job->misses.kinds.n == 0 || job->scope_rounds++ > 0) {
		hand_over_result(job);
	} else if (scope_learn(&job->misses, job->operator->client)) {
		work(job);
	} else {
		kube_discovery_refresh(job->operator->client, scopes_known, job);
	}
}

/* --- the job --- */

static char *copy(struct arena *a, const char *text)
{
	return text ? arena_strdup(a, text) : NULL;
}

static char **copy_list(struct arena *a, char **list)
{
	size_t n = 0;
	while (list && list[n])
		n++;
	char **out = list ? arena_array(a, char *, n + 1) : NULL;
	for (size_t i = 0; i < n; i++)
		out[i] = arena_strdup(a, list[i]);
	return out;
}

/* The App may be changed while it runs. */
static void copy_spec(struct arena *a, const struct render_spec *from, struct render_spec *to)
{
	*to = *from;
	to->additions = from->additions ? node_clone(a, from->additions) : NULL;
	to->environment = copy(a, from->environment);
	to->command = copy_list(a, from->command);
	to->env = copy_list(a, from->env);
	to->substitute = NULL; /* among the values */
	render_spec_copy_sources(a, from, to);
}

struct render_job *job_begin(struct managed *m, const struct job_input *input, uint64_t ticket,
			     void (*hydrated)(struct managed *, struct render_job *))
{
	struct render_job *job = mem_alloc(sizeof(*job));
	struct arena *a = &job->arena;
	job->m = m;
	job->operator= m->operator;
	job->ticket = ticket;
	job->hydrated = hydrated;
	job->mirror = copy(a, m->source ? source_mirror(m->source) : NULL);
	job->sha = copy(a, input->sha);
	job->path = copy(a, input->path);
	job->app_name = copy(a, m->spec.name);
	job->app_namespace = copy(a, m->spec.namespace);
	job->repo = copy(a, m->spec.repo);
	job->revision = copy(a, m->spec.revision);
	job->target_namespace = copy(a, m->spec.target_namespace);
	copy_spec(a, input->spec, &job->spec);
	job->values.a = a;
	job->substitutes = render_spec_substitutes(input->spec);
	if (job->substitutes)
		values_add(m->values, input->spec, &job->values, &job->err);
	if (input->spec->type == RENDER_ENVIRONMENT)
		render_spec_copy_sources(a, &m->environment, &job->environment);
	if (job->environment.n_from)
		work_with_values(job);
	else
		work(job);
	return job;
}

void job_start(struct managed *m, uint64_t ticket)
{
	static const struct render_spec plain = { .type = RENDER_PLAIN };
	bool hydrated = m->spec.hydrate.branch != NULL;
	struct job_input input = {
		.sha = m->sha,
		.path = hydrated ? m->spec.hydrate.path : m->spec.path,
		.spec = hydrated ? &plain : &m->spec.render,
	};
	if (m->job)
		job_forget(m->job); /* a newer one takes its place */
	m->job = job_begin(m, &input, ticket, NULL);
}

void job_forget(struct render_job *job)
{
	job->m = NULL;
	if (job->awaits_values) /* nothing would go on with it */
		job_free(job);
}
