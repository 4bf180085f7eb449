/*
 * jobs.c - one render on a worker: files of a commit in, struct desired out. The job holds copies of all it
 * needs, so that its App may go away meanwhile.
 */
#include "operator/internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "kube/discovery.h"
#include "operator/rendered.h"

struct render_job {
	struct managed *m; /* NULL: nobody waits any more */
	struct operator* operator;
	uint64_t ticket;
	char *mirror, *sha, *path, *app_name, *app_namespace, *target_namespace;
	struct scope_misses misses;
	unsigned rounds; /* renders again once discovery knows the kinds it missed */
	struct desired *desired;
	struct error err;
	int64_t started_at;
};

static void render(struct render_job *job, const struct repo_files *files)
{
	struct prepare_options options = {
		.app_name = job->app_name,
		.app_namespace = job->app_namespace,
		.target_namespace = job->target_namespace,
		.scope = scope_lookup,
		.scope_ctx = &job->misses,
	};
	job->desired = rendered_files(files, job->path, &options);
}

/* On a worker. */
static void run(void *arg)
{
	struct render_job *job = arg;
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	job->misses = (struct scope_misses){ .cache = &job->operator->scopes };
	if (!job->mirror || !job->sha) {
		error_set(&job->err, "the Repo is away");
		return;
	}
	int rc =
		repo_tree_read(job->mirror, job->sha, job->path, rendered_is_manifest, &a, &files, &job->err);
	if (rc > 0)
		error_set(&job->err, "there is no path %s in commit %s", job->path, job->sha);
	if (rc == 0)
		render(job, &files);
}

static void job_free(struct render_job *job)
{
	scope_misses_release(&job->misses);
	desired_unref(job->desired);
	free(job->mirror);
	free(job->sha);
	free(job->path);
	free(job->app_name);
	free(job->app_namespace);
	free(job->target_namespace);
	free(job);
}

static void done(void *arg);

static void hand_over_result(struct render_job *job)
{
	struct managed *m = job->m;
	struct operator* op = job->operator;
	op->renders++;
	if (m) {
		struct desired *desired = hand_over(job->desired);
		m->job = NULL;
		link_tick(&op->link);
		app_rendered(&m->app, job->ticket, desired, job->err.text, clock_mono_ms());
	}
	job_free(job);
}

static void again(void *arg, int failed, const struct error *err)
{
	struct render_job *job = arg;
	if (!job->m || failed || !scope_learn(&job->misses, job->operator->client)) {
		hand_over_result(job);
		return;
	}
	scope_misses_release(&job->misses);
	desired_unref(job->desired);
	job->desired = NULL;
	loop_work(job->operator->loop, run, done, job);
}

static void done(void *arg)
{
	struct render_job *job = arg;
	if (job->misses.kinds.n == 0 || !job->m || job->rounds++ > 0) {
		hand_over_result(job);
		return;
	}
	if (scope_learn(&job->misses, job->operator->client))
		again(job, 0, NULL);
	else
		kube_discovery_refresh(job->operator->client, again, job);
}

void job_start(struct managed *m, uint64_t ticket)
{
	if (m->job)
		m->job->m = NULL; /* a newer one takes its place */
	m->job = NULL;
	struct render_job *job = mem_alloc(sizeof(*job));
	m->job = job;
	job->m = m;
	job->operator= m->operator;
	job->ticket = ticket;
	const char *mirror = m->source ? source_mirror(m->source) : NULL;
	job->mirror = mirror ? mem_strdup(mirror) : NULL;
	job->sha = m->sha ? mem_strdup(m->sha) : NULL;
	job->path = mem_strdup(m->spec.path);
	job->app_name = mem_strdup(m->spec.name);
	job->app_namespace = mem_strdup(m->spec.namespace);
	job->target_namespace = mem_strdup(m->spec.target_namespace);
	loop_work(m->operator->loop, run, done, job);
}

void job_forget(struct render_job *job)
{
	job->m = NULL;
}
