/*
 * push_config.c - see push_config.h. The work is that of `capstan deploy`: deploy_edit() on the branch's
 * newest commit, and publish.h, which makes it anew when somebody else is first.
 */
#include "cmd/push_config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cmd/apps.h"
#include "cmd/await.h"
#include "cmd/deploy_edit.h"
#include "cmd/deploy_repo.h"
#include "cmd/deploy_review.h"
#include "operator/spec.h"
#include "repo/commit_info.h"
#include "repo/commit_revert.h"
#include "repo/publish.h"
#include "repo/tree.h"

enum { SHORT_SHA = 12, TRAILERS = 4 };

static void tell(const struct config_request *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct config_request *q, const char *fmt, ...)
{
	cleanup_buf struct buf line = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&line, fmt, ap);
	va_end(ap);
	if (q->tell)
		q->tell(q->ctx, line.p);
}

static struct deploy_repo_request repo_request(const struct config_request *q)
{
	return (struct deploy_repo_request){
		.url = q->login->url,
		.cache = q->cache,
		.credentials = &q->login->credentials,
		.deadline_ms = q->deadline_ms,
		.stop = q->stop,
	};
}

static int64_t left_of(const struct config_request *q)
{
	int64_t left = q->deadline_ms - clock_mono_ms();
	return left < 1 ? 1 : left < CONFIG_PUSH_TIMEOUT_MS ? left : CONFIG_PUSH_TIMEOUT_MS;
}

/* --- the place --- */

static int find(struct arena *a, const struct deploy_repo_request *request, struct config_place *out,
		struct error *err)
{
	struct deploy_repo repo;
	int rc = deploy_repo_open(a, request, &repo, err);
	deploy_repo_unlock(&repo);
	if (rc < 0)
		return -1;
	*out = (struct config_place){ .branch = repo.branch,
				      .path = repo.path,
				      .environment = repo.environment };
	snprintf(out->tip, sizeof(out->tip), "%s", repo.tip);
	return 0;
}

int config_find(struct arena *a, const struct config_request *q, const struct environments_deliver *deliver,
		const char *environment, struct config_place *out, struct error *err)
{
	struct deploy_repo_request request = repo_request(q);
	request.branch = deliver->branch;
	request.environment = deliver->environment ? deliver->environment : environment;
	request.path = deliver->environment ? NULL : deliver->path;
	return find(a, &request, out, err);
}

int config_find_again(struct arena *a, const struct config_request *q, const char *branch, const char *path,
		      struct config_place *out, struct error *err)
{
	struct deploy_repo_request request = repo_request(q);
	request.branch = branch;
	request.path = path;
	return find(a, &request, out, err);
}

/* --- the commit --- */

static bool nothing_goes(const char *path)
{
	return false;
}

static const char *name_of(const struct config_place *place)
{
	return place->environment ? place->environment : place->path;
}

/* "deploy web to prod"; what the source's commit says is the body. */
static const char *subject_of(struct arena *a, const struct config_place *place,
			      const struct config_source *source)
{
	if (source->n_images == 1)
		return arena_printf(a, "deploy %s to %s", source->images[0].name, name_of(place));
	return arena_printf(a, "deploy %zu images to %s", source->n_images, name_of(place));
}

struct writing {
	struct arena *a;
	const struct config_request *request;
	struct deploy_change change;
	struct commit_spec spec;
	struct commit_info info; /* of the source's commit */
	struct publish_result result;
};

static int read_images(struct writing *w, const struct config_source *source, struct error *err)
{
	struct image_change *images = arena_array(w->a, struct image_change, source->n_images + 1);
	for (size_t i = 0; i < source->n_images; i++) {
		const struct built *b = &source->images[i];
		char *text = arena_printf(w->a, "%s=%s", b->name, b->image);
		if (image_change_read(w->a, str_of(text), &images[i], err) < 0)
			return error_wrap(err, "image %s", b->name);
	}
	w->change.images = images;
	w->change.n_images = source->n_images;
	return 0;
}

static void add_trailers(struct writing *w, const struct config_place *place,
			 const struct config_source *source)
{
	struct commit_trailer *list = arena_array(w->a, struct commit_trailer, TRAILERS + source->n_images);
	size_t n = 0;
	list[n++] = (struct commit_trailer){ "Capstan-Environment", name_of(place) };
	for (size_t i = 0; i < source->n_images; i++)
		list[n++] = (struct commit_trailer){ "Capstan-Image",
						     arena_printf(w->a, "%s=%s", source->images[i].name,
								  source->images[i].image) };
	list[n++] = (struct commit_trailer){ "Capstan-Push", w->request->push };
	list[n++] = (struct commit_trailer){ "Source-Repository", w->request->repository };
	list[n++] = (struct commit_trailer){ "Source-Commit", source->commit };
	w->spec.trailers = list;
	w->spec.n_trailers = n;
}

static int begin(struct writing *w, const struct config_place *place, const struct config_source *source,
		 struct error *err)
{
	if (!source->n_images)
		return error_set(err, "nothing is built, so there is nothing to write to the configuration "
				      "repository; name what is built under `build` of " ENVIRONMENTS_FILE);
	w->change.environment = place->environment;
	w->change.path = place->path;
	w->spec = (struct commit_spec){
		.dir = "",
		.goes = nothing_goes,
		.may_be_empty = true,
		.subject = subject_of(w->a, place, source),
		.when_ms = clock_wall_ms(),
		.edit = deploy_edit,
		.edit_ctx = &w->change,
	};
	if (commit_info_read(source->git_dir, source->commit, w->a, &w->info, err) < 0)
		return -1;
	w->spec.body = w->info.subject;
	if (*w->info.author && *w->info.email) {
		w->spec.author = w->info.author;
		w->spec.email = w->info.email;
	}
	add_trailers(w, place, source);
	return read_images(w, source, err);
}

static int push(const struct config_request *q, const struct commit_spec *spec, const char *branch,
		struct publish_result *out, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct deploy_repo repo;
	struct deploy_repo_request request = repo_request(q);
	int rc = deploy_repo_hold(&a, &request, &repo, err);
	if (rc == 0)
		rc = publish_wait_stoppable(&repo.options, branch, spec, left_of(q), q->stop.stopped,
					    q->stop.ctx, out, err);
	deploy_repo_unlock(&repo);
	return rc;
}

int config_deliver(struct arena *a, const struct config_request *q, const struct config_place *place,
		   const struct config_source *source, config_made_fn *made, void *made_ctx,
		   struct config_delivered *out, struct error *err)
{
	struct writing w = { .a = a, .request = q };
	*out = (struct config_delivered){ 0 };
	int rc = begin(&w, place, source, err);
	w.spec.made = made;
	w.spec.made_ctx = made_ctx;
	if (rc == 0)
		rc = push(q, &w.spec, place->branch, &w.result, err);
	if (rc == 0) {
		out->changed = w.result.changed;
		snprintf(out->parent, sizeof(out->parent), "%s", w.change.parent);
		snprintf(out->commit, sizeof(out->commit), "%s", w.result.sha);
		out->files = arena_array(a, const char *, w.change.n_files + 1);
		for (size_t i = 0; i < w.change.n_files; i++)
			out->files[out->n_files++] = arena_strdup(a, w.change.files[i]);
	}
	arena_release(&w.change.arena);
	return rc;
}

/* --- review --- */

static const char *description_of(const struct writing *w, const struct config_place *place,
				  const struct config_source *source)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text, "%s\n\n", w->info.message);
	for (size_t i = 0; i < source->n_images; i++)
		buf_printf(&text, "- `%s` becomes `%s`\n", source->images[i].name, source->images[i].image);
	buf_printf(&text, "\nSource: %s at %s. Merging it deploys %s.\n", w->request->repository,
		   source->commit, name_of(place));
	return arena_strdup(w->a, text.p);
}

static void open_request(struct writing *w, const struct config_place *place,
			 const struct config_source *source, struct config_review *out)
{
	const struct config_request *q = w->request;
	struct error err = ERROR_INIT;
	struct forge_opened opened;
	int64_t until = clock_mono_ms() + REVIEW_TIMEOUT_MS;
	struct review_request request = {
		.url = q->login->url,
		.forge = q->login->forge,
		.credentials = &q->login->credentials,
		.review = { .title = w->spec.subject,
			    .body = description_of(w, place, source),
			    .branch = out->branch,
			    .target = place->branch },
		.deadline_ms = until < q->deadline_ms ? until : q->deadline_ms,
	};
	if (review_open(w->a, &request, &opened, &err) == 0) {
		out->url = opened.url;
		out->reused = opened.reused;
		return;
	}
	tell(q, "branch %s is pushed; no pull request could be opened, open one by hand: %s", out->branch,
	     err.text);
}

int config_review(struct arena *a, const struct config_request *q, const struct config_place *place,
		  const struct config_source *source, struct config_review *out, struct error *err)
{
	struct writing w = { .a = a, .request = q };
	const char *branch = review_branch(a, name_of(place), source->commit);
	*out = (struct config_review){ 0 };
	int rc = begin(&w, place, source, err);
	w.spec.base = place->branch;
	if (rc == 0)
		rc = push(q, &w.spec, branch, &w.result, err);
	if (rc == 0 && !w.result.absent) {
		out->branch = branch;
		open_request(&w, place, source, out);
	}
	arena_release(&w.change.arena);
	return rc;
}

/* --- watch --- */

/* A line of await_apps() without its time: who tells has one of its own. */
static struct str without_time(struct str line)
{
	struct str text, time = str_cut(str_trim(line), ' ', &text);
	int64_t seconds;
	bool is_time = time.n > 1 && time.p[time.n - 1] == 's' &&
		       str_int64((struct str){ time.p, time.n - 1 }, &seconds);
	return str_trim(is_time ? text : line);
}

static ssize_t on_write(void *cookie, const char *data, size_t n)
{
	const struct config_request *q = cookie;
	struct str rest = { data, n };
	while (rest.n) {
		struct str line = without_time(str_cut(rest, '\n', &rest));
		if (line.n)
			tell(q, "%.*s", STR_ARG(line));
	}
	return (ssize_t)n;
}

/* What the first App that failed says. */
static void name_failed(const struct node *apps, struct error *err)
{
	for (size_t i = 0; i < node_count(apps); i++) {
		const struct node *app = node_item(apps, i);
		if (!str_is(node_text(node_get(app, "result")), "failed"))
			continue;
		error_set(err, "App %.*s/%.*s: %.*s", STR_ARG(node_text(node_get(app, "namespace"))),
			  STR_ARG(node_text(node_get(app, "name"))),
			  STR_ARG(node_text(node_get(app, "message"))));
		return;
	}
}

struct ours {
	const struct deploy_apps *apps;
};

static bool is_ours(void *ctx, const struct node *app)
{
	const struct deploy_apps *apps = ((const struct ours *)ctx)->apps;
	struct str namespace = node_text(node_at(app, "metadata.namespace"));
	struct str name = node_text(node_at(app, "metadata.name"));
	for (size_t i = 0; i < apps->n; i++) {
		struct str rest, first = str_cut(str_of(apps->keys[i]), '/', &rest);
		if (str_eq(first, namespace) && str_eq(rest, name))
			return true;
	}
	return false;
}

static int await(struct arena *a, const struct config_request *q, struct cluster *cluster,
		 const struct deploy_apps *apps, const char *parent, const char *commit, struct error *err)
{
	cookie_io_functions_t io = { .write = on_write };
	FILE *out = fopencookie((void *)q, "w", io);
	struct node *found = NULL;
	struct ours ours = { apps };
	struct await_spec spec = {
		.revision = commit,
		.before = parent,
		.namespace = apps->everywhere ? "" : cluster->namespace,
		.counts = is_ours,
		.ctx = &ours,
		.expected = apps->n,
		.stop = q->stop,
	};
	if (!out) {
		error_set(err, "no memory for what is told");
		return EXIT_TROUBLE;
	}
	setvbuf(out, NULL, _IOLBF, 0);
	int64_t before = cluster->deadline;
	cluster->deadline = q->deadline_ms;
	int status = await_apps(cluster, a, &spec, out, &found, err);
	cluster->deadline = before;
	fclose(out);
	if (status == EXIT_DIFFERS && !err->text[0])
		name_failed(found, err);
	return status;
}

/* The operator looks at once, not at its next poll: one App of each namespace has its Repo fetched. */
static void ask_operator(struct cluster *cluster, struct arena *a, const struct deploy_apps *apps,
			 const char *commit)
{
	const char *body =
		arena_printf(a, "{\"metadata\":{\"annotations\":{\"" ANNOTATION_SYNC "\":\"%s\"}}}", commit);
	struct str last = STR("");
	for (size_t i = 0; i < apps->n; i++) {
		struct str name, namespace = str_cut(str_of(apps->keys[i]), '/', &name);
		if (!str_eq(namespace, last))
			apps_patch(cluster, a, arena_str(a, namespace).p, name.p, body, NULL, NULL);
		last = namespace;
	}
}

int config_watch(struct arena *a, const struct config_request *q, const struct config_place *place,
		 struct cluster *cluster, const char *parent, const char *commit, size_t *n_apps,
		 struct error *err)
{
	struct deploy_apps apps;
	struct deploy_repo repo = {
		.options = { .url = q->login->url },
		.branch = arena_strdup(a, place->branch),
		.path = arena_strdup(a, place->path),
		.environment = place->environment,
		.lock = -1,
	};
	*n_apps = 0;
	if (deploy_repo_apps(cluster, a, &repo, NULL, &apps, err) < 0)
		return EXIT_TROUBLE;
	*n_apps = apps.n;
	ask_operator(cluster, a, &apps, commit);
	return apps.n ? await(a, q, cluster, &apps, parent, commit, err) : EXIT_OK;
}

/* --- undo --- */

/* Both commits are in the mirror that made them, unless that is gone. */
static int bring(const struct config_request *q, const struct deploy_repo *repo, const char *const sha[2],
		 struct error *err)
{
	struct resolved wants[2] = { 0 };
	size_t n = 0;
	for (size_t i = 0; i < 2; i++)
		if (!repo_tree_has(repo->options.mirror, sha[i]))
			snprintf(wants[n++].sha, sizeof(wants[0].sha), "%s", sha[i]);
	if (!n)
		return 0;
	struct loop *loop = loop_new();
	struct repo_remote *remote = remote_new(loop, &repo->options, err);
	int rc = remote ? remote_poll_wait(loop, remote, &q->stop, err) : -1;
	if (rc == 0)
		rc = remote_fetch_wait(loop, remote, wants, n, &q->stop, err);
	remote_free(remote);
	loop_free(loop);
	return rc;
}

static int revert(struct arena *a, const struct config_request *q, const struct deploy_repo *repo,
		  const char *branch, struct commit_revert *what, struct publish_result *out,
		  struct error *err)
{
	struct commit_trailer trailers[] = { { "Capstan-Undoes", what->commit },
					     { "Capstan-Push", q->push },
					     { "Source-Repository", q->repository } };
	struct commit_spec spec = {
		.dir = "",
		.goes = nothing_goes,
		.may_be_empty = true,
		.subject = arena_printf(a, "undo %.*s: its rollout failed", SHORT_SHA, what->commit),
		.when_ms = clock_wall_ms(),
		.edit = commit_revert,
		.edit_ctx = what,
		.trailers = trailers,
		.n_trailers = sizeof(trailers) / sizeof(trailers[0]),
	};
	return publish_wait_stoppable(&repo->options, branch, &spec, left_of(q), q->stop.stopped, q->stop.ctx,
				      out, err);
}

int config_undo(struct arena *a, const struct config_request *q, const char *branch, const char *parent,
		const char *commit, char undone[SHA_HEX_MAX + 1], struct error *err)
{
	struct deploy_repo repo;
	struct deploy_repo_request request = repo_request(q);
	struct commit_revert what = { .parent = parent, .commit = commit };
	struct publish_result result = { 0 };
	const char *const both[2] = { parent, commit };
	undone[0] = '\0';
	int rc = deploy_repo_hold(a, &request, &repo, err);
	if (rc == 0)
		rc = bring(q, &repo, both, err);
	if (rc == 0)
		rc = revert(a, q, &repo, branch, &what, &result, err);
	deploy_repo_unlock(&repo);
	if (rc == 0 && result.changed)
		snprintf(undone, SHA_HEX_MAX + 1, "%s", result.sha);
	if (rc < 0 && what.conflict)
		rc = CONFIG_OTHERS;
	free(what.conflict);
	return rc;
}
