/*
 * plain_render.c - files of a commit in, items of a directory out, on a worker. The job holds copies of all
 * it needs, so that its App may go away meanwhile.
 */
#include "operator/plain_parts.h"

#include <stdio.h>

#include "base/clock.h"
#include "deploy/directory/directory.h"
#include "repo/tree.h"

struct plain_job {
	struct plain_app *m; /* NULL: nobody waits any more */
	struct plain *plain;
	uint64_t ticket;
	char *mirror, *sha, *path;
	struct desired *desired;
	struct error err;
};

static bool is_file(const struct repo_files *files, const char *path)
{
	return files->n == 1 && strcmp(files->files[0].path, path) == 0;
}

/* On a worker. */
static void run(void *arg)
{
	struct plain_job *job = arg;
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	int rc = repo_tree_read(job->mirror, job->sha, job->path, NULL, &a, &files, &job->err);
	if (rc > 0)
		rc = error_set(&job->err, "there is no path %s in commit %s", job->path, job->sha);
	if (rc == 0 && is_file(&files, job->path))
		rc = error_set(&job->err, "%s is a file; spec.source.path must be a directory", job->path);
	if (rc < 0)
		return;
	job->desired = desired_new();
	directory_prepare(&files, job->path, job->desired);
}

static void done(void *arg)
{
	struct plain_job *job = arg;
	job->plain->renders++;
	if (job->m) {
		job->m->job = NULL;
		app_rendered(&job->m->app, job->ticket, hand_over(job->desired), job->err.text,
			     clock_mono_ms());
	}
	desired_unref(job->desired);
	free(job->mirror);
	free(job->sha);
	free(job->path);
	free(job);
}

void plain_job_start(struct plain_app *m, uint64_t ticket)
{
	struct plain_job *job = mem_alloc(sizeof(*job));
	plain_job_forget(m->job);
	m->job = job;
	job->m = m;
	job->plain = m->plain;
	job->ticket = ticket;
	job->mirror = mem_strdup(m->mirror);
	job->sha = mem_strdup(m->revision.sha);
	job->path = mem_strdup(m->path);
	loop_work(m->plain->loop, run, done, job);
}

void plain_job_forget(struct plain_job *job)
{
	if (job)
		job->m = NULL;
}
