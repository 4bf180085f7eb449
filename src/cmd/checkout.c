/* checkout.c - see checkout.h. */
#include "cmd/checkout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cmd/bases.h"
#include "cmd/remote_wait.h"
#include "cmd/session.h"
#include "cmd/value_source.h"
#include "operator/credentials.h"
#include "operator/rendered.h"
#include "repo/files.h"
#include "repo/remote.h"

/* --- objects --- */

static int get(struct cluster *c, struct checkout *co, const char *group, const char *version,
	       const char *kind, const char *name, struct node **out, struct error *err)
{
	struct kube_request request = {
		.verb = KUBE_GET,
		.group = str_of(group),
		.version = str_of(version),
		.kind = str_of(kind),
		.namespace = str_of(co->app.namespace),
		.name = str_of(name),
	};
	struct reply reply;
	cluster_call(c, &co->arena, &request, &reply);
	*out = reply.body;
	return reply.result == KUBE_OK
		       ? 0
		       : cluster_error(err, &reply, "%s %s/%s", kind, co->app.namespace, name);
}

static int add_inventory(struct checkout *co, struct str text, struct error *err)
{
	struct inventory one, *all = &co->inventory;
	if (!text.n)
		return 0;
	if (inventory_read(&co->arena, text, &one, err) < 0)
		return error_wrap(err, "stored inventory");
	struct inventory_entry *entries = arena_array(&co->arena, struct inventory_entry, all->n + one.n + 1);
	if (all->n)
		memcpy(entries, all->entries, all->n * sizeof(*entries));
	if (one.n)
		memcpy(entries + all->n, one.entries, one.n * sizeof(*entries));
	*all = (struct inventory){ .entries = entries, .n = all->n + one.n };
	return 0;
}

int checkout_inventory(struct cluster *c, const struct node *app, struct checkout *co, struct error *err)
{
	const struct node *annotations = node_at(app, "metadata.annotations");
	int64_t chunks = 0;
	str_int64(node_text(node_get_str(annotations, STR(ANNOTATION_CHUNKS))), &chunks);
	if (chunks <= 0)
		return add_inventory(co, node_text(node_get_str(annotations, STR(ANNOTATION_INVENTORY))),
				     err);
	for (int64_t i = 0; i < chunks && i < INVENTORY_CHUNKS_MAX; i++) {
		struct node *map;
		char *name = arena_printf(&co->arena, "capstan-app-inventory-%s.part-%lld", co->app.name,
					  (long long)i);
		if (get(c, co, "", "v1", "ConfigMap", name, &map, err) < 0 ||
		    add_inventory(co, node_text(node_at(map, "data.inventory")), err) < 0)
			return -1;
	}
	return 0;
}

/* --- the remote --- */

static int fetch(struct cluster *c, struct repo_remote *remote, struct checkout *co, struct resolved *commit,
		 struct error *err)
{
	if (remote_poll_wait(c->loop, remote, NULL, err) < 0 ||
	    refs_resolve(remote_refs(remote), co->app.revision, commit, err) < 0)
		return -1;
	return remote_fetch_wait(c->loop, remote, commit, 1, NULL, err);
}

static char *mirror_stem(struct checkout *co)
{
	return arena_printf(&co->arena, "%s/checkouts/%s_%s", session_cache_dir(&co->arena),
			    co->repo.namespace, co->repo.name);
}

/* One command at a time works in a mirror. */
static int lock_mirror(struct checkout *co, struct error *err)
{
	char *dir = arena_printf(&co->arena, "%s/checkouts", session_cache_dir(&co->arena));
	char *path = arena_printf(&co->arena, "%s.lock", mirror_stem(co));
	if (files_make_dirs(dir, err) < 0)
		return -1;
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(err, "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	return error_set(err, "another command reads this Repo just now; try again in a moment");
}

static struct repo_remote *open_remote(struct cluster *c, struct checkout *co, struct error *err)
{
	struct remote_credentials credentials = { 0 };
	struct node *secret = NULL;
	if (co->repo.secret) {
		if (get(c, co, "", "v1", "Secret", co->repo.secret, &secret, err) < 0)
			return NULL;
		credentials_read(&co->arena, node_get(secret, "data"), &credentials);
	}
	struct remote_options options = {
		.url = co->repo.url,
		.mirror = arena_printf(&co->arena, "%s.git", mirror_stem(co)),
		.timeout_ms = co->repo.timeout_ms,
		.max_bytes = co->repo.max_bytes,
		.submodules = co->repo.submodules,
		.user_environment = !co->repo.secret,
		.credentials = secret ? &credentials : NULL,
	};
	return remote_new(c->loop, &options, err);
}

/* --- the render --- */

struct rendering {
	struct cluster *c;
	struct checkout *co;
	const char *mirror, *sha;
};

static int read_files(void *ctx, const char *path, struct arena *a, struct repo_files *out, struct error *err)
{
	struct rendering *r = ctx;
	int rc = repo_tree_read(r->mirror, r->sha, path, render_is_manifest, a, out, err);
	return rc > 0 ? error_set(err, "there is no path %s", *path ? path : ".") : rc;
}

static int read_values(void *ctx, const struct environments_source *from, size_t n,
		       struct substitute_values *out, struct error *err)
{
	struct rendering *r = ctx;
	for (size_t i = 0; i < n; i++)
		if (environment_source_get(r->c, &r->co->arena, r->co->app.namespace, &from[i], out, err) < 0)
			return -1;
	return 0;
}

/* Those of the App itself. */
static int own_values(struct rendering *r, struct substitute_values *out, struct error *err)
{
	const struct render_spec *spec = &r->co->app.render;
	for (size_t i = 0; i < spec->n_from; i++)
		if (value_source_get(r->c, &r->co->arena, r->co->app.namespace, &spec->from[i], out, err) < 0)
			return -1;
	for (size_t i = 0; i < node_count(spec->substitute); i++)
		if (substitute_add(out, spec->substitute->map.pairs[i].key,
				   node_text(spec->substitute->map.pairs[i].value), "spec.render.substitute",
				   false, err) < 0)
			return -1;
	return 0;
}

static int render_once(struct rendering *r, const struct substitute_values *values,
		       struct tree_remotes *remotes, struct error *err)
{
	static const struct rendered_ops ops = { .files = read_files, .values = read_values };
	struct checkout *co = r->co;
	struct commit_tree *commit = commit_tree_open(r->mirror, r->sha, NULL, remotes, err);
	if (!commit)
		return -1;
	struct render_tree tree = commit_tree_files(commit);
	struct rendered_app app = { co->app.namespace, co->app.name, co->app.repo, co->app.revision };
	struct rendered_request request = {
		.tree = &tree,
		.root = "",
		.path = rendered_path(&co->arena, co->app.path),
		.ops = &ops,
		.ctx = r,
		.spec = &co->app.render,
		.values = render_spec_substitutes(&co->app.render) ? values : NULL,
		.namespace = co->app.target_namespace,
		.origins = &co->origins,
		.app = &app,
	};
	origins_release(&co->origins);
	int rc = rendered_objects(&co->arena, &request, &co->output);
	commit_tree_close(commit);
	return rc;
}

static int render(struct rendering *r, struct error *err)
{
	struct substitute_values values = { .a = &r->co->arena };
	struct bases bases = { 0 };
	int rc = own_values(r, &values, err);
	unsigned round = 0;
	do {
		if (rc >= 0)
			rc = bases_round(&bases, round++, err);
		if (rc >= 0)
			rc = render_once(r, &values, bases.trees, err);
	} while (rc == RENDERED_LACKS_REMOTES);
	bases_release(&bases);
	substitute_values_release(&values);
	return rc;
}

/* What a hydrated App deploys is what its branch holds. */
static void take_hydrated(struct checkout *co)
{
	if (!co->app.hydrate.branch)
		return;
	co->app.revision = co->app.hydrate.branch;
	co->app.path = co->app.hydrate.path;
	co->app.render = (struct render_spec){ .type = RENDER_PLAIN };
}

static int read_commit(struct cluster *c, struct checkout *co, struct error *err)
{
	struct resolved commit;
	take_hydrated(co);
	cleanup_fd int lock = lock_mirror(co, err);
	struct repo_remote *remote = lock < 0 ? NULL : open_remote(c, co, err);
	if (!remote)
		return -1;
	struct rendering r = { .c = c, .co = co, .mirror = remote_mirror(remote), .sha = commit.sha };
	int rc = fetch(c, remote, co, &commit, err);
	if (rc == 0)
		rc = render(&r, err);
	if (rc == 0)
		co->revision = arena_strdup(&co->arena, commit.display);
	remote_free(remote);
	return rc < 0 ? error_wrap(err, "Repo %s", co->repo.name) : 0;
}

int checkout_app(struct cluster *c, const struct node *app, struct checkout *out, struct error *err)
{
	struct node *repo;
	*out = (struct checkout){ 0 };
	if (app_spec_read(&out->arena, app, &out->app, err) < 0)
		return -1;
	if (out->app.directory)
		return error_set(err, "App %s keeps a directory of a machine, not a cluster", out->app.name);
	if (get(c, out, CAPSTAN_GROUP, CAPSTAN_VERSION_NAME, "Repo", out->app.repo, &repo, err) < 0 ||
	    repo_spec_read(&out->arena, repo, &out->repo, err) < 0)
		return -1;
	return checkout_inventory(c, app, out, err) < 0 ? -1 : read_commit(c, out, err);
}

void checkout_release(struct checkout *co)
{
	origins_release(&co->origins);
	arena_release(&co->arena);
}
