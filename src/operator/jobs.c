/*
 * jobs.c - one render on a worker: files of a commit in, struct desired out, and what was read. The job holds
 * copies of all it needs, so that its App may go away meanwhile.
 *
 * It is made again when it lacked something: the scope of a kind (discovery is asked), another repository (it
 * is fetched). Each round brings what the one before missed, and there are few.
 */
#include "operator/internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "kube/discovery.h"
#include "operator/rendered.h"
#include "operator/trees.h"

enum { FETCH_ROUNDS_MAX = 8 }; /* bases of bases of other repositories */

struct render_job {
	struct managed *m; /* NULL: nobody waits any more */
	struct operator* operator;
	uint64_t ticket;
	struct arena arena; /* of what follows up to values */
	char *mirror, *sha, *path, *app_name, *app_namespace, *target_namespace;
	struct render_spec spec;
	struct substitute_values values;
	bool substitutes;
	struct scope_misses misses;
	unsigned rounds, fetches; /* renders again once what it missed is known */
	struct tree_remotes *remotes;
	bool lacks_remotes;
	struct desired *desired;
	struct reads reads;
	struct hash reads_hash;
	struct error err;
};

/* --- on the worker --- */

struct commit_files {
	struct render_job *job;
	struct reads_notes *notes;
};

static int read_files(void *ctx, const char *path, struct arena *a, struct repo_files *out, struct error *err)
{
	struct commit_files *from = ctx;
	struct render_job *job = from->job;
	int rc = repo_tree_read(job->mirror, job->sha, path, rendered_is_manifest, a, out, err);
	if (rc > 0)
		return error_set(err, "there is no path %s in commit %s", path, job->sha);
	reads_note_dir(from->notes, strcmp(path, ".") == 0 ? "" : path, false);
	return rc;
}

static void render(struct render_job *job, struct commit_tree *commit, struct reads_notes *notes)
{
	struct render_tree tree = commit_tree_files(commit);
	struct commit_files files = { job, notes };
	struct prepare_options prepare = {
		.app_name = job->app_name,
		.app_namespace = job->app_namespace,
		.target_namespace = job->target_namespace,
		.scope = scope_lookup,
		.scope_ctx = &job->misses,
	};
	struct origins origins = { 0 };
	struct rendered_request request = {
		.tree = &tree,
		.path = rendered_path(&job->arena, job->path),
		.files = read_files,
		.files_ctx = &files,
		.files_path = job->path,
		.spec = &job->spec,
		.values = job->substitutes ? &job->values : NULL,
		.origins = &origins,
	};
	job->lacks_remotes = rendered_desired(&request, &prepare, &job->desired) > 0;
	origins_release(&origins);
	reads_pack(notes, &job->reads);
	job->reads_hash =
		reads_hash(&job->reads, commit_tree_view(commit),
			   job->operator->remotes ? remote_cache_current : NULL, job->operator->remotes);
}

static void run(void *arg)
{
	struct render_job *job = arg;
	job->misses = (struct scope_misses){ .cache = &job->operator->scopes };
	if (!job->mirror || !job->sha) {
		error_set(&job->err, "the Repo is away");
		return;
	}
	if (job->err.text[0])
		return; /* its values cannot be used */
	struct reads_notes notes = { 0 };
	tree_remotes_free(job->remotes);
	job->remotes = job->operator->remotes ? tree_remotes_new(job->operator->remotes, &notes) : NULL;
	struct commit_tree *commit = commit_tree_open(job->mirror, job->sha, &notes, job->remotes, &job->err);
	if (commit)
		render(job, commit, &notes);
	commit_tree_close(commit);
	reads_notes_release(&notes);
}

/* --- on the loop --- */

static void job_free(struct render_job *job)
{
	scope_misses_release(&job->misses);
	desired_unref(job->desired);
	tree_remotes_free(job->remotes);
	substitute_values_release(&job->values);
	reads_release(&job->reads);
	arena_release(&job->arena);
	free(job);
}

static void done(void *arg);

static void hand_over_result(struct render_job *job)
{
	struct managed *m = job->m;
	struct operator* op = job->operator;
	op->renders++;
	if (!job->desired && !job->err.text[0])
		error_set(&job->err, "bases in other repositories are nested more than %d deep",
			  FETCH_ROUNDS_MAX);
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

static void render_again(struct render_job *job)
{
	scope_misses_release(&job->misses);
	desired_unref(job->desired);
	job->desired = NULL;
	loop_work(job->operator->loop, run, done, job);
}

static void scopes_known(void *arg, int failed, const struct error *err)
{
	struct render_job *job = arg;
	if (!job->m || failed || !scope_learn(&job->misses, job->operator->client))
		hand_over_result(job);
	else
		render_again(job);
}

static void remotes_fetched(void *arg)
{
	struct render_job *job = arg;
	if (job->m)
		render_again(job);
	else
		job_free(job);
}

static void fetch_remotes(struct render_job *job)
{
	size_t n;
	const struct remote_want *wants = tree_remotes_missing(job->remotes, &n);
	remote_cache_fetch(job->operator->remotes, wants, n, remotes_fetched, job);
}

static void done(void *arg)
{
	struct render_job *job = arg;
	if (job->lacks_remotes && job->m && job->fetches++ < FETCH_ROUNDS_MAX)
		fetch_remotes(job);
	else if (job->misses.kinds.n == 0 || !job->m || job->rounds++ > 0)
		hand_over_result(job);
	else if (scope_learn(&job->misses, job->operator->client))
		scopes_known(job, 0, NULL);
	else
		kube_discovery_refresh(job->operator->client, scopes_known, job);
}

static char *copy(struct arena *a, const char *text)
{
	return text ? arena_strdup(a, text) : NULL;
}

/* Parts of the spec that a render looks at; the App may be changed while it runs. */
static void copy_render_spec(struct arena *a, const struct render_spec *from, struct render_spec *to)
{
	*to = *from;
	to->additions = from->additions ? node_clone(a, from->additions) : NULL;
	to->environment = copy(a, from->environment);
	to->substitute = NULL; /* they are among the values */
	to->from = NULL;
	to->n_from = 0;
	to->command = to->env = NULL;
}

void job_start(struct managed *m, uint64_t ticket)
{
	if (m->job)
		m->job->m = NULL; /* a newer one takes its place */
	struct render_job *job = mem_alloc(sizeof(*job));
	m->job = job;
	job->m = m;
	job->operator= m->operator;
	job->ticket = ticket;
	struct arena *a = &job->arena;
	job->mirror = copy(a, m->source ? source_mirror(m->source) : NULL);
	job->sha = copy(a, m->sha);
	job->path = copy(a, m->spec.path);
	job->app_name = copy(a, m->spec.name);
	job->app_namespace = copy(a, m->spec.namespace);
	job->target_namespace = copy(a, m->spec.target_namespace);
	copy_render_spec(a, &m->spec.render, &job->spec);
	job->values.a = a;
	job->substitutes = render_spec_substitutes(&m->spec.render);
	if (job->substitutes)
		values_add(m->values, &m->spec.render, &job->values, &job->err);
	loop_work(m->operator->loop, run, done, job);
}

void job_forget(struct render_job *job)
{
	job->m = NULL;
}
