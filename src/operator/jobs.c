/*
 * jobs.c - one render on a worker: files of a commit in, struct desired out. The job holds copies of all it
 * needs, so that its App may go away meanwhile.
 */
#include "operator/internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "deploy/cluster/prepare.h"
#include "kube/discovery.h"
#include "repo/tree.h"

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

static bool is_manifest(struct str name)
{
	return str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")) || str_ends(name, STR(".json"));
}

static void add_tree_problems(struct desired *d, const struct repo_files *files)
{
	struct problem *all = arena_array(&d->arena, struct problem, d->n_problems + files->n_problems + 1);
	if (d->n_problems)
		memcpy(all, d->problems, d->n_problems * sizeof(*all));
	for (size_t i = 0; i < files->n_problems; i++)
		all[d->n_problems + i] =
			(struct problem){ .key = "",
					  .file = arena_strdup(&d->arena, files->problems[i].path),
					  .text = arena_strdup(&d->arena, files->problems[i].text) };
	d->problems = all;
	d->n_problems += files->n_problems;
	d->n_errors += files->n_problems;
}

static void render(struct render_job *job, struct arena *a, const struct repo_files *files)
{
	struct render_file *in = arena_array(a, struct render_file, files->n + 1);
	for (size_t i = 0; i < files->n; i++)
		in[i] = (struct render_file){ files->files[i].path, files->files[i].data };
	struct render_input input = { in, files->n, job->path };
	struct render_output output = { 0 };
	render_plain(a, &input, &output);
	struct prepare_options options = {
		.app_name = job->app_name,
		.app_namespace = job->app_namespace,
		.target_namespace = job->target_namespace,
		.scope = scope_lookup,
		.scope_ctx = &job->misses,
	};
	job->desired = desired_new();
	cluster_prepare(&options, &output, job->desired);
	add_tree_problems(job->desired, files);
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
	int rc = repo_tree_read(job->mirror, job->sha, job->path, is_manifest, &a, &files, &job->err);
	if (rc > 0)
		error_set(&job->err, "there is no path %s in commit %s", job->path, job->sha);
	if (rc == 0)
		render(job, &a, &files);
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
