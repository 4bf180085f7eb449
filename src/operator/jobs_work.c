/* jobs_work.c - the part of a render that runs on a worker: files of a commit in, struct desired out. */
#include "operator/hydrate.h"
#include "operator/jobs_parts.h"

struct commit_files {
	struct render_job *job;
	struct reads_notes *notes;
};

static int read_files(void *ctx, const char *path, struct arena *a, struct repo_files *out, struct error *err)
{
	struct commit_files *files = ctx;
	struct render_job *job = files->job;
	int rc = repo_tree_read(job->mirror, job->sha, path, render_is_manifest, a, out, err);
	if (rc > 0)
		return error_set(err, "there is no path %s in commit %s", *path ? path : ".", job->sha);
	reads_note_dir(files->notes, path, false);
	return rc;
}

static bool same_sources(const struct render_spec *known, const struct environments_source *from, size_t n)
{
	bool same = known->n_from == n;
	for (size_t i = 0; same && i < n; i++)
		same = known->from[i].secret == (from[i].kind == ENVIRONMENTS_SECRET) &&
		       known->from[i].optional == from[i].optional &&
		       strcmp(known->from[i].name, from[i].name) == 0;
	return same;
}

static void note_sources(struct render_job *job, const struct environments_source *from, size_t n)
{
	struct arena *a = &job->arena;
	job->environment =
		(struct render_spec){ .from = arena_array(a, struct value_source, n), .n_from = n };
	for (size_t i = 0; i < n; i++)
		job->environment.from[i] = (struct value_source){
			.secret = from[i].kind == ENVIRONMENTS_SECRET,
			.name = arena_strdup(a, from[i].name),
			.optional = from[i].optional,
		};
}

static int read_values(void *ctx, const struct environments_source *from, size_t n,
		       struct substitute_values *out, struct error *err)
{
	struct render_job *job = ((struct commit_files *)ctx)->job;
	if (!same_sources(&job->environment, from, n)) {
		note_sources(job, from, n);
		return 1;
	}
	if (job->environment_err.text[0])
		return error_set(err, "%s", job->environment_err.text);
	substitute_add_all(out, &job->environment_values);
	return 0;
}

/* The files of a commit. Any error of the render is one of the whole: half of it is not committed. */
static void hydrate(struct render_job *job, const struct rendered_request *request)
{
	struct arena *a = &job->arena;
	struct render_output out = { 0 };
	struct commit_file *files;
	struct hydrate_options options = { .namespace = job->target_namespace };
	job->lacks = rendered_objects(a, request, &out);
	for (size_t i = 0; out.n_errors && i < out.n_diags; i++) {
		if (out.diags[i].severity != RENDER_ERROR)
			continue;
		error_set(&job->err, "%s%s", render_diag_text(a, &out.diags[i]),
			  out.n_errors > 1 ? " (and more errors)" : "");
		return;
	}
	if (job->lacks ||
	    hydrate_files(a, out.objects, out.n, &options, &files, &job->commit.n, &job->err) < 0)
		return;
	job->commit.files = files;
}

static void render(struct render_job *job, struct commit_tree *commit, struct reads_notes *notes)
{
	static const struct rendered_ops ops = { .files = read_files, .values = read_values };
	struct render_tree tree = commit_tree_files(commit);
	struct commit_files files = { job, notes };
	struct origins origins = { 0 };
	struct prepare_options prepare = {
		.app_name = job->app_name,
		.app_namespace = job->app_namespace,
		.target_namespace = job->target_namespace,
		.scope = scope_lookup,
		.scope_ctx = &job->misses,
	};
	struct rendered_app app = { job->app_namespace, job->app_name, job->repo, job->revision };
	struct rendered_request request = {
		.tree = &tree,
		.root = "",
		.path = rendered_path(&job->arena, job->path),
		.ops = &ops,
		.ctx = &files,
		.exec = &job->operator->exec,
		.spec = &job->spec,
		.values = job->substitutes ? &job->values : NULL,
		.namespace = job->target_namespace,
		.origins = &origins,
		.app = &app,
	};
	if (job->hydrated)
		hydrate(job, &request);
	else
		job->lacks = rendered_desired(&request, &prepare, &job->desired);
	origins_release(&origins);
}

static void take_reads(struct render_job *job, struct commit_tree *commit, const struct reads_notes *notes)
{
	struct remote_cache *remotes = job->operator->remotes;
	reads_pack(notes, &job->reads);
	job->reads_hash = reads_hash(&job->reads, commit_tree_view(commit),
				     remotes ? remote_cache_current : NULL, remotes);
}

void job_work(void *arg)
{
	struct render_job *job = arg;
	struct reads_notes notes = { 0 };
	job->misses = (struct scope_misses){ .cache = &job->operator->scopes };
	if (!job->mirror || !job->sha)
		error_set(&job->err, "the Repo is away");
	if (job->err.text[0])
		return; /* also when its values cannot be used */
	tree_remotes_free(job->remotes);
	job->remotes = job->operator->remotes ? tree_remotes_new(job->operator->remotes, &notes) : NULL;
	struct commit_tree *commit = commit_tree_open(job->mirror, job->sha, &notes, job->remotes, &job->err);
	if (commit) {
		render(job, commit, &notes);
		take_reads(job, commit, &notes);
	}
	commit_tree_close(commit);
	reads_notes_release(&notes);
}
