/* deploy_repo.c - see deploy_repo.h. */
#include "cmd/deploy_repo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/apps.h"
#include "cmd/git.h"
#include "cmd/remote_wait.h"
#include "cmd/session.h"
#include "operator/rendered.h"
#include "operator/spec.h"
#include "operator/trees.h"
#include "render/environments.h"
#include "repo/files.h"

enum { FETCH_TIMEOUT_MS = 60000, LOCK_PAUSE_MS = 50 };
#define MIRROR_MAX_BYTES (1ull << 30)

/* --- the remote --- */

static int read_environments(struct arena *a, const char *mirror, const char *sha, struct environments *out,
			     struct error *err)
{
	struct str text;
	enum tree_kind kind;
	struct commit_tree *commit = commit_tree_open(mirror, sha, NULL, NULL, err);
	if (!commit)
		return -1;
	struct render_tree tree = commit_tree_files(commit);
	int rc = tree.ops->find(tree.ctx, a, ENVIRONMENTS_FILE, &kind, NULL, err);
	if (rc == 0 && kind != TREE_FILE)
		rc = error_set(err,
			       "there is no " ENVIRONMENTS_FILE " at its root (commit %.12s); `capstan init` "
			       "writes one",
			       sha);
	if (rc == 0)
		rc = tree.ops->read(tree.ctx, a, ENVIRONMENTS_FILE, &text, err);
	if (rc == 0) {
		environments_read(a, ENVIRONMENTS_FILE, arena_str(a, text), out);
		rc = environments_check(out, err);
	}
	commit_tree_close(commit);
	return rc < 0 ? -1 : 0;
}

struct asking {
	struct arena *a;
	struct repo_remote *remote;
	struct loop *loop;
	struct deploy_repo *repo;
	const char *path; /* that is asked for instead of an environment; or NULL */
	const struct wait_stop *stop;
};

/* A revision's capstan.yaml; a path needs none. */
static int environments_at(struct asking *q, const char *revision, struct resolved *at,
			   struct environments **out, struct error *err)
{
	*out = arena_new(q->a, struct environments);
	if (refs_resolve(remote_refs(q->remote), revision, at, err) < 0 ||
	    remote_fetch_wait(q->loop, q->remote, at, 1, q->stop, err) < 0)
		return -1;
	struct error ignored = ERROR_INIT;
	if (read_environments(q->a, remote_mirror(q->remote), at->sha, *out, q->path ? &ignored : err) == 0)
		return 0;
	**out = (struct environments){ 0 };
	return q->path ? 0 : -1;
}

static const struct environment *by_path(struct arena *a, const struct environments *all, const char *path)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(rendered_path(a, all->list[i].path), path) == 0)
			return &all->list[i];
	return NULL;
}

/* The environment as a revision has it; *sha is where. */
static int environment_at(struct asking *q, const char *revision, struct resolved *at,
			  const struct environment **out, struct error *err)
{
	struct environments *every;
	if (environments_at(q, revision, at, &every, err) < 0)
		return -1;
	*out = q->path ? by_path(q->a, every, q->path)
		       : environments_find(every, str_of(q->repo->environment), err);
	return *out || q->path ? 0 : -1;
}

/* ls-remote says which commit HEAD is, not which branch: of those that are there, the usual names first. */
static int default_branch(struct asking *q, const char **out, struct error *err)
{
	static const char *const usual[] = { "main", "master", NULL };
	const struct refs *refs = remote_refs(q->remote);
	struct resolved head, at;
	size_t same = 0;
	if (refs_resolve(refs, "HEAD", &head, err) < 0)
		return -1;
	for (size_t i = 0; usual[i]; i++) {
		const char *ref = arena_printf(q->a, "refs/heads/%s", usual[i]);
		if (refs_resolve(refs, ref, &at, NULL) == 0 && strcmp(at.sha, head.sha) == 0) {
			*out = usual[i];
			return 0;
		}
	}
	for (size_t i = 0; i < refs->n; i++) {
		const struct ref *ref = &refs->refs[i];
		if (str_starts(ref->name, STR("refs/heads/")) && str_is(ref->sha, head.sha)) {
			*out = arena_str(q->a, str_from(ref->name, 11)).p;
			same++;
		}
	}
	return same == 1 ? 0
			 : error_set(err, "its default branch has no usual name; write which branch it is");
}

static int choose_branch(struct asking *q, const char *branch, struct error *err)
{
	const struct environment *e;
	struct resolved at;
	if (!branch && q->path) {
		if (default_branch(q, &branch, err) < 0)
			return -1;
	} else if (!branch) {
		if (environment_at(q, "HEAD", &at, &e, err) < 0)
			return -1;
		if (!e->branch)
			return error_set(err,
					 "%s:%u: environment %s has no `branch`: add it, or say the branch",
					 ENVIRONMENTS_FILE, e->line, e->name);
		branch = e->branch;
	}
	if (environment_at(q, arena_printf(q->a, "refs/heads/%s", branch), &at, &e, err) < 0)
		return error_wrap(err, "branch %s", branch);
	snprintf(q->repo->tip, sizeof(q->repo->tip), "%s", at.sha);
	q->repo->branch = arena_strdup(q->a, branch);
	q->repo->path = arena_strdup(q->a, q->path ? q->path : rendered_path(q->a, e->path));
	q->repo->context = e && e->context ? arena_strdup(q->a, e->context) : NULL;
	q->repo->environment = e ? e->name : NULL;
	return 0;
}

/* Jobs of one machine share the cache, and so the mirror. */
static int lock_mirror(struct arena *a, struct deploy_repo *repo, const struct deploy_repo_request *request,
		       struct error *err)
{
	int64_t deadline_ms = request->deadline_ms;
	const struct wait_stop *stop = &request->stop;
	char *path = arena_printf(a, "%s.lock", repo->options.mirror);
	int64_t until = clock_mono_ms() + DEPLOY_LOCK_TIMEOUT_MS;
	until = deadline_ms && deadline_ms < until ? deadline_ms : until;
	repo->lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (repo->lock < 0)
		return error_set(err, "%s: %s", path, strerror(errno));
	while (flock(repo->lock, LOCK_EX | LOCK_NB) < 0) {
		struct timespec pause = { 0, LOCK_PAUSE_MS * 1000000L };
		if (stop->stopped && stop->stopped(stop->ctx))
			return error_set(err, "ended while another command worked in %s",
					 repo->options.mirror);
		if (clock_mono_ms() >= until)
			return error_set(
				err,
				"another command has worked in %s for %d s; end it, or give this one "
				"another XDG_CACHE_HOME",
				repo->options.mirror, DEPLOY_LOCK_TIMEOUT_MS / 1000);
		nanosleep(&pause, NULL);
	}
	return 0;
}

void deploy_repo_unlock(struct deploy_repo *repo)
{
	if (repo->lock >= 0)
		close(repo->lock);
	repo->lock = -1;
}

static int prepare(struct arena *a, const struct deploy_repo_request *request, struct deploy_repo *out,
		   struct error *err)
{
	char hex[HASH_HEX_LEN + 1], *found = NULL;
	if (request->cache)
		found = arena_strdup(a, request->url);
	else if (git_remote_url(a, ".", request->url ? request->url : request->remote, &found, err) < 0)
		return error_wrap(err, "in a clone of the configuration repository, or with --repo URL");
	hash_hex(hash_of(str_of(found)), hex);
	const char *parent =
		request->cache ? request->cache : arena_printf(a, "%s/publish", session_cache_dir(a));
	if (files_make_dirs(parent, err) < 0)
		return -1;
	out->options = (struct remote_options){
		.url = found,
		.mirror = arena_printf(a, "%s/%.24s.git", parent, hex),
		.timeout_ms = FETCH_TIMEOUT_MS,
		.max_bytes = MIRROR_MAX_BYTES,
		.user_environment = !request->cache,
		.credentials = request->credentials,
	};
	return 0;
}

int deploy_repo_hold(struct arena *a, const struct deploy_repo_request *request, struct deploy_repo *out,
		     struct error *err)
{
	*out = (struct deploy_repo){ .environment = request->environment, .lock = -1 };
	return prepare(a, request, out, err) < 0 || lock_mirror(a, out, request, err) < 0 ? -1 : 0;
}

int deploy_repo_open(struct arena *a, const struct deploy_repo_request *request, struct deploy_repo *out,
		     struct error *err)
{
	if (deploy_repo_hold(a, request, out, err) < 0)
		return -1;
	struct asking q = {
		.a = a, .loop = loop_new(), .repo = out, .path = request->path, .stop = &request->stop
	};
	q.remote = remote_new(q.loop, &out->options, err);
	int rc = q.remote ? remote_poll_wait(q.loop, q.remote, q.stop, err) : -1;
	if (rc == 0)
		rc = choose_branch(&q, request->branch, err);
	remote_free(q.remote);
	loop_free(q.loop);
	if (rc < 0) {
		char shown[256];
		remote_redact(out->options.url, shown, sizeof(shown));
		error_wrap(err, "%s", shown);
	}
	return rc;
}

/* --- Apps --- */

/* The part of text up to `end` that is the host, without who logs in and at which port; an IPv6 address has
 * colons in its brackets. rest: what is behind end. */
static struct str cut_host(struct str text, char end, struct str *rest)
{
	size_t first = str_find(text, end, 0), at = SIZE_MAX;
	for (size_t i = 0; i < text.n && i < first; i++)
		at = text.p[i] == '@' ? i : at;
	struct str host = at == SIZE_MAX ? text : str_from(text, at + 1), port;
	size_t bracket = str_starts(host, STR("[")) ? str_find(host, ']', 0) : SIZE_MAX;
	if (bracket == SIZE_MAX) {
		host = str_cut(host, end, rest);
		return str_cut(host, ':', &port);
	}
	(void)str_cut(str_from(host, bracket), end, rest);
	host.n = bracket + 1;
	return host;
}

char *deploy_repo_identity(struct arena *a, const char *url)
{
	const char *scheme = strstr(url, "://");
	struct str path, host, text = str_of(scheme ? scheme + 3 : url);
	size_t slash = str_find(text, '/', 0), colon = str_find(text, ':', 0);
	bool scp = !scheme && colon < slash; /* user@host:path */
	host = cut_host(text, scp ? ':' : '/', &path);
	while (path.n && path.p[0] == '/')
		path = str_from(path, 1);
	while (path.n && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n > 4 && str_ends(path, STR(".git")))
		path.n -= 4;
	char *out = arena_printf(a, "%.*s/%.*s", STR_ARG(host), STR_ARG(path));
	for (size_t i = 0; i < host.n; i++)
		out[i] = (char)(out[i] >= 'A' && out[i] <= 'Z' ? out[i] + ('a' - 'A') : out[i]);
	return out;
}

static const char *url_of(struct arena *a, const struct node *repos, const struct app_spec *app)
{
	for (size_t i = 0; i < node_count(repos); i++) {
		const struct node *repo = node_item(repos, i);
		if (str_is(node_text(node_at(repo, "metadata.name")), app->repo) &&
		    str_is(node_text(node_at(repo, "metadata.namespace")), app->namespace))
			return apps_text(a, node_at(repo, "spec.url"));
	}
	return "";
}

static bool deploys(struct arena *a, const struct deploy_repo *repo, const struct node *repos,
		    const struct node *object)
{
	struct app_spec app;
	if (app_spec_read(a, object, &app, NULL) < 0)
		return false;
	const char *url = url_of(a, repos, &app);
	if (!*url || strcmp(deploy_repo_identity(a, url), deploy_repo_identity(a, repo->options.url)) != 0)
		return false;
	const char *revision = app.revision ? app.revision : "";
	if (strncmp(revision, "refs/heads/", 11) == 0)
		revision += 11;
	/* The default branch may be called by no name; a wrong guess shows in that it never wants the commit.
	 */
	if (*revision && strcmp(revision, "HEAD") != 0 && strcmp(revision, repo->branch) != 0)
		return false;
	if (app.render.type == RENDER_ENVIRONMENT)
		return app.render.environment && repo->environment &&
		       strcmp(app.render.environment, repo->environment) == 0;
	return strcmp(rendered_path(a, app.path ? app.path : ""), repo->path) == 0;
}

int deploy_repo_apps(struct cluster *c, struct arena *a, const struct deploy_repo *repo,
		     const char *namespace, struct deploy_apps *out, struct error *err)
{
	struct node *apps, *repos;
	*out = (struct deploy_apps){ .everywhere = !namespace };
	int rc = apps_list_kind(c, a, "App", namespace ? namespace : "", &apps, err);
	if (rc > 0 && !namespace) {
		out->everywhere = false;
		namespace = c->namespace;
		rc = apps_list_kind(c, a, "App", namespace, &apps, err);
	}
	if (rc || apps_list_kind(c, a, "Repo", out->everywhere ? "" : namespace, &repos, err))
		return -1;
	out->keys = arena_array(a, const char *, node_count(apps) + 1);
	for (size_t i = 0; i < node_count(apps); i++) {
		const struct node *app = node_item(apps, i);
		if (deploys(a, repo, repos, app))
			out->keys[out->n++] =
				arena_printf(a, "%s/%s", apps_text(a, node_at(app, "metadata.namespace")),
					     apps_text(a, node_at(app, "metadata.name")));
	}
	return 0;
}
