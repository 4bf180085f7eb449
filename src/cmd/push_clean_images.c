/*
 * push_clean_images.c - see push_clean_images.h.
 *
 * What is named is not read by fields but by its looks: every sha256 digest and every tag of a build in any
 * text of the objects and files counts, so that a format that nobody thought of keeps its images.
 */
#include "cmd/push_clean_images.h"

#include <dirent.h>

#include "base/clock.h"
#include "base/vec.h"
#include "cmd/cluster.h"
#include "cmd/deploy_repo.h"
#include "cmd/git.h"
#include "cmd/push_login.h"
#include "io/process.h"
#include "operator/spec.h"
#include "push/build_parts.h"
#include "push/image_clean.h"
#include "registry/wait.h"
#include "repo/tree.h"

#define HEADS_MAX 2000u		    /* branches and tags of one repository that are searched */
#define GREP_OUTPUT_MAX (64u << 20) /* bytes of names in one repository */
#define GREP_TIMEOUT_MS 300000
#define PAGE 500

typedef VEC(const char *) names;

struct cleaning {
	struct cli *cli;
	const struct clean_images *options;
	struct arena a;
	struct cluster cluster;
	bool has_cluster;
	names named;   /* "@sha256:...", ":c-..." */
	bool complete; /* of what holds for all repositories */
	size_t removed;
};

/* One repository whose images are looked at. */
struct cleaned {
	struct hosted_repo repo;
	const char *git_dir;
	names heads;	    /* commits */
	names repositories; /* "registry/team/repo-web" */
	bool complete;
};

static void warn(struct cleaning *c, const char *what, const char *why)
{
	fprintf(c->cli->err, "capstan: %s: %s; images that it may name stay\n", what, why);
}

/* --- names in any text --- */

static size_t hex_run(struct str s, size_t at)
{
	size_t n = 0;
	while (at + n < s.n && strchr("0123456789abcdef", s.p[at + n]) && s.p[at + n])
		n++;
	return n;
}

static void add_names(struct cleaning *c, struct str text)
{
	for (size_t i = 0; i + 2 < text.n; i++) {
		struct str rest = str_from(text, i);
		if (str_starts(rest, STR("sha256:")) && hex_run(text, i + 7) == 64)
			vec_push(&c->named, arena_printf(&c->a, "@%.71s", rest.p));
		else if (str_starts(rest, STR("c-")) && hex_run(text, i + 2) == HASH_HEX_LEN)
			vec_push(&c->named, arena_printf(&c->a, ":%.*s", 2 + HASH_HEX_LEN, rest.p));
	}
}

static void add_node(struct cleaning *c, const struct node *n)
{
	if (n->type == NODE_STRING)
		add_names(c, n->text);
	for (size_t i = 0; n->type == NODE_MAP && i < n->map.n; i++)
		add_node(c, n->map.pairs[i].value);
	for (size_t i = 0; n->type == NODE_SEQ && i < n->seq.n; i++)
		add_node(c, n->seq.items[i]);
}

/* --- the cluster --- */

static int list_kind(struct cleaning *c, const char *group, const char *version, const char *kind)
{
	const char *more = NULL;
	do {
		cleanup_arena struct arena a = ARENA_INIT;
		struct kube_request request = { .verb = KUBE_LIST,
						.group = str_of(group),
						.version = str_of(version),
						.kind = str_of(kind),
						.limit = PAGE,
						.limit_continue = more };
		struct reply reply;
		cluster_call(&c->cluster, &a, &request, &reply);
		if (reply.result == KUBE_NO_KIND)
			return 0;
		if (reply.result != KUBE_OK || !reply.body) {
			warn(c, kind, reply.message);
			return -1;
		}
		add_node(c, reply.body);
		struct str next = node_text(node_at(reply.body, "metadata.continue"));
		more = next.n ? arena_strndup(&c->a, next.p, next.n) : NULL;
	} while (more);
	return 0;
}

/* Old ReplicaSets and ControllerRevisions count: a rollback goes to them. */
static void look_at_cluster(struct cleaning *c)
{
	static const char *const kinds[][3] = {
		{ "", "v1", "Pod" },
		{ "", "v1", "ReplicationController" },
		{ "apps", "v1", "Deployment" },
		{ "apps", "v1", "ReplicaSet" },
		{ "apps", "v1", "StatefulSet" },
		{ "apps", "v1", "DaemonSet" },
		{ "apps", "v1", "ControllerRevision" },
		{ "batch", "v1", "Job" },
		{ "batch", "v1", "CronJob" },
		{ CAPSTAN_GROUP, CAPSTAN_VERSION_NAME, "App" },
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (list_kind(c, kinds[i][0], kinds[i][1], kinds[i][2]) < 0)
			c->complete = false;
}

/* --- git --- */

struct grep {
	struct cleaning *c;
	struct loop *loop;
	const char *why; /* NULL: all was searched */
};

static void on_grep(void *arg, const struct process_result *r)
{
	struct grep *g = arg;
	/* 1: nothing was found. */
	if (r->timed_out || r->overflow || r->signal || r->exit_code > 1)
		g->why = r->timed_out ? "searching it takes too long" : "it cannot be searched";
	else
		add_names(g->c, r->out);
	loop_stop(g->loop);
}

static const char *grep(struct cleaning *c, const char *git_dir, const names *commits)
{
	static const char pattern[] = "sha256:[0-9a-f]{64}|c-[0-9a-f]{32}";
	struct grep g = { .c = c, .loop = loop_new(), .why = NULL };
	struct error err = ERROR_INIT;
	names argv = { 0 };
	const char *head[] = { "git", "--git-dir", git_dir, "grep", "-h", "-a", "-o", "-E", "-e", pattern };
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		vec_push(&argv, head[i]);
	for (size_t i = 0; i < commits->n; i++)
		vec_push(&argv, commits->at[i]);
	vec_push(&argv, NULL);
	struct process_spec spec = { .argv = argv.at,
				     .dir = git_dir,
				     .output_max = GREP_OUTPUT_MAX,
				     .stderr_max = 4096,
				     .timeout_ms = GREP_TIMEOUT_MS };
	if (process_start(g.loop, &spec, on_grep, &g, &err))
		loop_run(g.loop);
	else
		g.why = "git cannot be started";
	loop_free(g.loop);
	vec_release(&argv);
	return g.why;
}

static int find_heads(struct cleaning *c, struct cleaned *r, struct error *err)
{
	char *text = NULL;
	const char *argv[] = {
		"git",	      "--git-dir", r->git_dir, "for-each-ref", "--format=%(objectname)",
		"refs/heads", "refs/tags", NULL
	};
	if (git_ask(&c->a, r->git_dir, argv, &text, err) < 0)
		return -1;
	for (struct str rest = str_of(text); rest.n;) {
		struct str line = str_cut(rest, '\n', &rest);
		if (line.n)
			vec_push(&r->heads, arena_strndup(&c->a, line.p, line.n));
	}
	return r->heads.n > HEADS_MAX ? error_set(err, "it has more than %u branches and tags", HEADS_MAX)
				      : 0;
}

static void look_at_config(struct cleaning *c, struct cleaned *r, const struct environments_deliver *d)
{
	struct error err = ERROR_INIT;
	struct config_login login;
	struct deploy_repo found = { .lock = -1 };
	struct deploy_repo_request request = { .path = ".",
					       .branch = d->branch,
					       .cache = push_path(&c->a, c->options->home, "config", NULL),
					       .credentials = &login.credentials };
	names tip = { 0 };
	const char *why = err.text;
	if (push_login_find(&c->cluster, &c->a, r->repo.namespace, r->repo.name, d->url, &login, &err) == 0) {
		request.url = login.url;
		if (deploy_repo_open(&c->a, &request, &found, &err) == 0) {
			vec_push(&tip, found.tip);
			why = grep(c, found.options.mirror, &tip);
		}
		deploy_repo_unlock(&found);
	}
	vec_release(&tip);
	if (!why)
		return;
	warn(c, d->url, why);
	r->complete = false;
}

static void add_repository(struct cleaning *c, struct cleaned *r, const struct environments_build *build)
{
	struct error err = ERROR_INIT;
	struct build_request request = { .repo = &r->repo };
	const char *name = build->command ? NULL : build_repository(&c->a, &request, build, &err);
	for (size_t i = 0; name && i < r->repositories.n; i++)
		if (strcmp(r->repositories.at[i], name) == 0)
			return;
	if (name)
		vec_push(&r->repositories, name);
}

static bool is_environments(struct str name)
{
	return str_is(name, ENVIRONMENTS_FILE);
}

static void read_head(struct cleaning *c, struct cleaned *r, const char *commit)
{
	struct error err = ERROR_INIT;
	struct repo_files files = { 0 };
	struct environments file;
	if (repo_tree_read(r->git_dir, commit, ENVIRONMENTS_FILE, is_environments, &c->a, &files, &err) !=
		    0 ||
	    files.n == 0)
		return;
	environments_read(&c->a, ENVIRONMENTS_FILE, files.files[0].data, &file);
	for (size_t i = 0; i < file.n_builds; i++)
		add_repository(c, r, &file.builds[i]);
	if (file.deliver && file.deliver->config)
		look_at_config(c, r, file.deliver);
	for (size_t i = 0; i < file.n; i++)
		if (file.list[i].deliver && file.list[i].deliver->config)
			look_at_config(c, r, file.list[i].deliver);
}

static void look_at_repository(struct cleaning *c, struct cleaned *r)
{
	struct error err = ERROR_INIT;
	const char *name = arena_printf(&c->a, "%s/%s", r->repo.namespace, r->repo.name);
	r->complete = true;
	const char *why = find_heads(c, r, &err) < 0 ? err.text
			  : r->heads.n		     ? grep(c, r->git_dir, &r->heads)
						     : NULL;
	if (why) {
		warn(c, name, why);
		c->complete = false; /* it may name images of any other */
		return;
	}
	for (size_t i = 0; i < r->heads.n; i++)
		read_head(c, r, r->heads.at[i]);
}

/* --- the registry --- */

static struct registry_access access_of(const struct hosted_repo *repo)
{
	return (struct registry_access){ .username = repo->registry.username,
					 .password = repo->registry.password,
					 .insecure = repo->registry.insecure };
}

/* Names as image_clean_decide() takes them. */
static const char *const *named_in(struct cleaning *c, const char *repository)
{
	const char **out = arena_array(&c->a, const char *, c->named.n + 1);
	for (size_t i = 0; i < c->named.n; i++)
		out[i] = arena_printf(&c->a, "%s%s", repository, c->named.at[i]);
	return out;
}

static void remove_images(struct cleaning *c, struct cleaned *r, const char *repository,
			  const struct image_there *there, const size_t *go, size_t n)
{
	struct registry_access access = access_of(&r->repo);
	for (size_t i = 0; i < n; i++) {
		struct error err = ERROR_INIT;
		const char *image = arena_printf(&c->a, "%s@%s", repository, there[go[i]].digest);
		if (!c->options->dry_run && registry_remove(image, &access, &err) < 0) {
			fprintf(c->cli->err, "capstan: %s: %s\n", image, err.text);
			return;
		}
		fprintf(c->cli->out, "%s %s\n", c->options->dry_run ? "would remove" : "removed", image);
		c->removed++;
	}
}

static size_t look_at_tags(struct cleaning *c, struct cleaned *r, const char *repository,
			   struct image_there **out)
{
	struct registry_access access = access_of(&r->repo);
	struct error err = ERROR_INIT;
	struct str *tags = NULL;
	size_t n = 0;
	int rc = registry_list(&c->a, repository, &access, &tags, &n, &err);
	if (rc < 0)
		warn(c, repository, err.text);
	n = rc == 0 ? n : 0;
	*out = arena_array(&c->a, struct image_there, n + 1);
	for (size_t i = 0; i < n; i++) {
		char digest[REGISTRY_DIGEST_LEN + 1];
		struct image_there *one = &(*out)[i];
		one->tag = arena_strndup(&c->a, tags[i].p, tags[i].n);
		const char *image = arena_printf(&c->a, "%s:%s", repository, one->tag);
		if (registry_look(image, &access, digest, &one->created_ms, &err) == 0)
			one->digest = arena_strdup(&c->a, digest);
	}
	return n;
}

static void clean_repository(struct cleaning *c, struct cleaned *r, const char *repository)
{
	struct image_there *there;
	size_t *go, n = look_at_tags(c, r, repository, &there);
	struct image_clean decide = {
		.repository = repository,
		.images = there,
		.n_images = n,
		.named = named_in(c, repository),
		.n_named = c->named.n,
		.complete = c->complete && r->complete,
		.keep = c->options->keep,
		.keep_ms = c->options->keep_ms,
		.now_ms = clock_wall_ms(),
	};
	n = image_clean_decide(&c->a, &decide, &go);
	remove_images(c, r, repository, there, go, n);
}

/* --- all of it --- */

typedef VEC(struct cleaned) all;

static void take_repository(struct cleaning *c, all *list, const char *namespace, const char *file)
{
	struct cleaned r = { 0 };
	struct error err = ERROR_INIT;
	struct str name = { file, strlen(file) - 5 };
	const char *key = arena_printf(&c->a, "%s/%.*s", namespace, STR_ARG(name));
	int rc = hosted_read(&c->a, c->options->home, key, &r.repo, &err);
	if (rc < 0) {
		warn(c, key, err.text);
		c->complete = false;
	}
	if (rc)
		return;
	r.git_dir = push_path(&c->a, c->options->home, "repos", namespace,
			      arena_printf(&c->a, "%.*s.git", STR_ARG(name)), NULL);
	if (access(r.git_dir, F_OK) == 0)
		vec_push(list, r);
}

static void find_repositories(struct cleaning *c, all *list)
{
	const char *repos = push_path(&c->a, c->options->home, "repos", NULL);
	DIR *outer = opendir(repos);
	for (struct dirent *e; outer && (e = readdir(outer));) {
		const char *namespace = arena_strdup(&c->a, e->d_name);
		DIR *inner = hosted_name_ok(str_of(namespace))
				     ? opendir(push_path(&c->a, repos, namespace, NULL))
				     : NULL;
		for (struct dirent *f; inner && (f = readdir(inner));)
			if (str_ends(str_of(f->d_name), STR(".json")))
				take_repository(c, list, namespace, f->d_name);
		if (inner)
			closedir(inner);
	}
	if (outer)
		closedir(outer);
}

static void clean_all(struct cleaning *c)
{
	all list = { 0 };
	find_repositories(c, &list);
	look_at_cluster(c);
	for (size_t i = 0; i < list.n; i++)
		look_at_repository(c, &list.at[i]);
	for (size_t i = 0; i < list.n; i++)
		for (size_t k = 0; k < list.at[i].repositories.n; k++)
			clean_repository(c, &list.at[i], list.at[i].repositories.at[k]);
	for (size_t i = 0; i < list.n; i++) {
		vec_release(&list.at[i].heads);
		vec_release(&list.at[i].repositories);
	}
	vec_release(&list);
}

int push_clean_images(struct cli *cli, const struct clean_images *options, struct error *err)
{
	struct cleaning c = { .cli = cli, .options = options, .complete = true };
	int rc = cluster_open(&c.cluster, cli, 0, err);
	if (rc == 0)
		rc = cluster_discover(&c.cluster, err);
	if (rc == 0) {
		clean_all(&c);
		fprintf(cli->out, "%s %zu images\n", options->dry_run ? "would remove" : "removed",
			c.removed);
	}
	cluster_close(&c.cluster);
	vec_release(&c.named);
	arena_release(&c.a);
	return rc;
}
