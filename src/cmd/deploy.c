/*
 * deploy.c - `capstan deploy --env ENVIRONMENT --image NAME=IMAGE`: a commit that gives an environment new
 * images, pushed to its branch, and awaited in the cluster.
 *
 * The clone in the working directory says which repository it is and who commits; its working tree and its
 * branches are left alone. The change is made on the remote's newest commit, and anew when somebody else
 * pushes first.
 */
#include "cmd/commands.h"

#include <string.h>

#include "base/clock.h"
#include "cmd/await.h"
#include "cmd/commit_check.h"
#include "cmd/deploy_edit.h"
#include "cmd/deploy_repo.h"
#include "cmd/deploy_review.h"
#include "cmd/git.h"
#include "cmd/style.h"
#include "doc/json.h"
#include "repo/publish.h"

enum { DEPLOY_TIMEOUT_MS = 300000, PUSH_TIMEOUT_MS = 120000 };

struct deploy_options {
	const char *env, *repo, *push, *branch, *message, *forge;
	struct option_list image, set;
	bool wait, review;
};

struct deploy {
	struct cli *cli;
	const struct deploy_options *own;
	struct arena arena;
	struct deploy_repo repo;
	struct deploy_change change;
	struct image_change *images;
	struct publish_result result;
	const char *subject, *proposal; /* the branch of --review */
	struct forge_opened opened;
	struct cluster cluster;
	bool has_cluster;
	struct deploy_apps apps;
	struct node *awaited; /* the Apps, as await_apps() tells them */
};

static FILE *log_of(const struct deploy *d)
{
	return d->cli->common.output ? d->cli->err : d->cli->out;
}

/* --- what is given --- */

static int read_images(struct deploy *d, struct error *err)
{
	const struct option_list *given = &d->own->image;
	d->images = arena_array(&d->arena, struct image_change, given->n + 1);
	for (size_t i = 0; i < given->n; i++) {
		if (image_change_read(&d->arena, str_of(given->at[i]), &d->images[i], err) < 0)
			return error_wrap(err, "--image");
		for (size_t k = 0; k < i; k++)
			if (str_eq(d->images[i].name, d->images[k].name))
				return error_set(err, "--image %s: the name is given twice", given->at[i]);
	}
	return 0;
}

static int check_usage(struct deploy *d, struct error *err)
{
	const struct deploy_options *own = d->own;
	if (!own->env)
		return error_set(err, "--env is missing: an environment of `capstan.yaml`");
	if (!own->image.n && !own->set.n)
		return error_set(err, "--image or --set is missing: what is to be changed");
	if (own->repo && own->push)
		return error_set(err, "--repo and --push: give one of them");
	if (own->review && own->wait)
		return error_set(err,
				 "--review and --wait: nothing is deployed before the review; give one of "
				 "them");
	if (own->forge && !own->review)
		return error_set(err, "--forge: it is for --review");
	for (size_t i = 0; i < own->set.n; i++)
		if (!strchr(own->set.at[i], '=') || own->set.at[i][0] == '=')
			return error_set(err, "--set %s: it is of the form NAME=VALUE", own->set.at[i]);
	return read_images(d, err);
}

/* --- the commit --- */

static const char *subject_of(struct deploy *d)
{
	if (d->own->message)
		return d->own->message;
	if (d->own->image.n == 1)
		return arena_printf(&d->arena, "deploy %.*s to %s", STR_ARG(d->images[0].text), d->own->env);
	if (d->own->image.n)
		return arena_printf(&d->arena, "deploy %zu images to %s", d->own->image.n, d->own->env);
	return arena_printf(&d->arena, "set %zu variable%s of %s", d->own->set.n,
			    d->own->set.n == 1 ? "" : "s", d->own->env);
}

/* Who git says commits here; else Capstan. */
static void read_author(struct deploy *d, struct commit_spec *spec)
{
	const char *const argv[] = { "git", "var", "GIT_AUTHOR_IDENT", NULL };
	char *line;
	if (git_ask(&d->arena, ".", argv, &line, NULL) < 0)
		return;
	commit_author(spec, line);
}

/* With --repo the working directory is mostly that of the source that was built. */
static const char *source_commit(struct deploy *d)
{
	const char *const argv[] = { "git", "rev-parse", "--verify", "HEAD^{commit}", NULL };
	char *sha;
	return d->own->repo && git_ask(&d->arena, ".", argv, &sha, NULL) == 0 ? sha : NULL;
}

static void add_trailers(struct deploy *d, struct commit_spec *spec)
{
	struct commit_trailer *list =
		arena_array(&d->arena, struct commit_trailer, 2 + d->own->image.n + d->own->set.n);
	const char *source = source_commit(d);
	size_t n = 0;
	list[n++] = (struct commit_trailer){ "Capstan-Environment", d->own->env };
	for (size_t i = 0; i < d->own->image.n; i++)
		list[n++] =
			(struct commit_trailer){ "Capstan-Image", arena_printf(&d->arena, "%.*s=%.*s",
									       STR_ARG(d->images[i].name),
									       STR_ARG(d->images[i].text)) };
	if (source)
		list[n++] = (struct commit_trailer){ "Source-Commit", source };
	spec->trailers = list;
	spec->n_trailers = n;
}

static bool nothing_goes(const char *path)
{
	return false;
}

/* One proposal for each source commit; without one, for each set of images. */
static const char *proposal_of(struct deploy *d)
{
	char hex[HASH_HEX_LEN + 1];
	const char *id = source_commit(d);
	cleanup_buf struct buf all = BUF_INIT;
	for (size_t i = 0; i < d->own->image.n; i++)
		buf_printf(&all, "%.*s=%.*s\n", STR_ARG(d->images[i].name), STR_ARG(d->images[i].text));
	for (size_t i = 0; i < d->own->set.n; i++)
		buf_printf(&all, "%s\n", d->own->set.at[i]);
	hash_hex(hash_of(buf_str(&all)), hex);
	return review_branch(&d->arena, d->own->env, id ? id : hex);
}

static int publish(struct deploy *d, struct error *err)
{
	d->subject = subject_of(d);
	d->proposal = d->own->review ? proposal_of(d) : NULL;
	struct commit_spec spec = {
		.dir = "",
		.goes = nothing_goes,
		.may_be_empty = true,
		.subject = d->subject,
		.when_ms = clock_wall_ms(),
		.edit = deploy_edit,
		.edit_ctx = &d->change,
		.base = d->proposal ? d->repo.branch : NULL,
	};
	d->change.environment = d->own->env;
	d->change.images = d->images;
	d->change.n_images = d->own->image.n;
	d->change.set = d->own->set.at;
	d->change.n_set = d->own->set.n;
	read_author(d, &spec);
	add_trailers(d, &spec);
	return publish_wait(&d->repo.options, d->proposal ? d->proposal : d->repo.branch, &spec,
			    PUSH_TIMEOUT_MS, &d->result, err);
}

/* --- review --- */

static const char *description_of(struct deploy *d)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *source = source_commit(d);
	for (size_t i = 0; i < d->own->image.n; i++)
		buf_printf(&text, "- `%.*s` becomes `%.*s`\n", STR_ARG(d->images[i].name),
			   STR_ARG(d->images[i].text));
	for (size_t i = 0; i < d->own->set.n; i++)
		buf_printf(&text, "- variable `%s`\n", d->own->set.at[i]);
	if (source)
		buf_printf(&text, "\nSource-Commit: %s\n", source);
	buf_printf(&text, "\nMerging it deploys environment %s.\n", d->own->env);
	return arena_strdup(&d->arena, text.p);
}

/* The branch is pushed; what is missing is said, and how to do it by hand. */
static int propose(struct deploy *d, struct error *err)
{
	struct review_request request = {
		.url = d->repo.options.url,
		.forge = d->own->forge,
		.user = true,
		.review = { .title = d->subject,
			    .body = description_of(d),
			    .branch = d->proposal,
			    .target = d->repo.branch },
		.deadline_ms = clock_mono_ms() + REVIEW_TIMEOUT_MS,
	};
	if (review_open(&d->arena, &request, &d->opened, err) != 0)
		return error_wrap(err, "branch %s is pushed, but no pull request is open: open one by hand",
				  d->proposal);
	cleanup_buf struct buf url = BUF_INIT;
	style_safe(&url, str_of(d->opened.url), false);
	fprintf(log_of(d), "%s: %s %s\n", d->own->env,
		d->opened.reused ? "the pull request was open:" : "opened a pull request:", url.p);
	return 0;
}

static void tell(const struct deploy *d)
{
	FILE *out = log_of(d);
	cleanup_buf struct buf branch = BUF_INIT;
	style_safe(&branch, str_of(d->proposal ? d->proposal : d->repo.branch), false);
	if (!d->result.changed) {
		fprintf(out, "%s: nothing to change; %s is at %.12s\n", d->own->env,
			d->result.absent ? d->repo.branch : branch.p, d->result.sha);
		return;
	}
	fprintf(out, "%s: pushed %.12s to %s%s\n", d->own->env, d->result.sha, branch.p,
		d->result.tries > 1 ? " (others were first; made again on top)" : "");
	for (size_t i = 0; i < d->change.n_files; i++) {
		cleanup_buf struct buf file = BUF_INIT;
		style_safe(&file, str_of(d->change.files[i]), false);
		fprintf(out, "  %s\n", file.p);
	}
	fflush(out);
}

/* --- waiting --- */

/* Before the commit: whoever waits wants to know first that nobody would deploy it. */
static int find_apps(struct deploy *d, struct error *err)
{
	struct common *common = &d->cli->common;
	if (!common->context)
		common->context = d->repo.context;
	d->has_cluster = true;
	if (cluster_open(&d->cluster, d->cli, DEPLOY_TIMEOUT_MS, err) < 0 ||
	    deploy_repo_apps(&d->cluster, &d->arena, &d->repo, common->namespace, &d->apps, err) < 0)
		return -1;
	if (d->apps.n)
		return 0;
	char shown[256];
	remote_redact(d->repo.options.url, shown, sizeof(shown));
	return error_set(err,
			 "--wait: no App in %s deploys %s of branch %s of %s; nothing was committed "
			 "(`capstan status -A` lists all)",
			 d->apps.everywhere ? "any namespace" : d->cluster.namespace,
			 *d->repo.path ? d->repo.path : ".", d->repo.branch, shown);
}

static bool is_ours(void *ctx, const struct node *app)
{
	const struct deploy *d = ctx;
	struct str namespace = node_text(node_at(app, "metadata.namespace"));
	struct str name = node_text(node_at(app, "metadata.name"));
	for (size_t i = 0; i < d->apps.n; i++) {
		struct str rest, first = str_cut(str_of(d->apps.keys[i]), '/', &rest);
		if (str_eq(first, namespace) && str_eq(rest, name))
			return true;
	}
	return false;
}

/* A hash of the objects that the environment is in a commit; zero when they cannot be told. */
static struct hash objects_at(struct deploy *d, const char *sha)
{
	struct commit_check_options options = { .git_dir = d->repo.options.mirror, .sha = sha };
	struct error err = ERROR_INIT;
	struct hash all = { 0 };
	struct commit_check *c = commit_check_open(&options, &err);
	const struct environments *file = c ? commit_check_file(c) : NULL;
	const struct environment *e = file ? environments_find(file, str_of(d->own->env), &err) : NULL;
	const struct commit_environment *made = e ? commit_check_render(c, e, &err) : NULL;
	if (made && !made->output.n_errors) {
		cleanup_buf struct buf text = BUF_INIT;
		for (size_t i = 0; i < made->output.n; i++) {
			struct hash one = render_hash(&made->output.objects[i]);
			buf_add(&text, &one, sizeof(one));
		}
		all = hash_of(buf_str(&text));
	}
	commit_check_free(c);
	return all;
}

/* Where nothing had to be changed, the image may be there since an older commit, and Apps need not want the
 * newest one, which does not concern them. */
static bool gives_the_same(void *ctx, const char *sha)
{
	struct deploy *d = ctx;
	struct hash there = objects_at(d, sha);
	return !hash_is_zero(there) && hash_eq(there, objects_at(d, d->result.sha));
}

static int await(struct deploy *d, struct error *err)
{
	struct await_spec spec = {
		.revision = d->result.sha,
		.before = d->change.parent,
		.same = d->result.changed ? NULL : gives_the_same,
		.history = d->repo.options.mirror,
		.url = d->repo.options.url,
		.branch = d->repo.branch,
		.namespace = d->apps.everywhere ? "" : d->cluster.namespace,
		.counts = is_ours,
		.ctx = d,
		.expected = d->apps.n,
	};
	return await_apps(&d->cluster, &d->arena, &spec, log_of(d), &d->awaited, err);
}

static void print_result(struct deploy *d, int status)
{
	struct arena *a = &d->arena;
	cleanup_buf struct buf text = BUF_INIT;
	struct node *n = node_map(a), *files = node_seq(a);
	for (size_t i = 0; i < d->change.n_files; i++)
		node_push(a, files, node_string(a, str_of(d->change.files[i])));
	node_set(a, n, STR("environment"), node_string(a, str_of(d->own->env)));
	node_set(a, n, STR("branch"), node_string(a, str_of(d->repo.branch)));
	node_set(a, n, STR("commit"), node_string(a, str_of(d->result.sha)));
	node_set(a, n, STR("changed"), node_bool_new(a, d->result.changed));
	node_set(a, n, STR("files"), files);
	if (d->proposal)
		node_set(a, n, STR("reviewBranch"), node_string(a, str_of(d->proposal)));
	if (d->opened.url)
		node_set(a, n, STR("review"), node_string(a, str_of(d->opened.url)));
	if (d->awaited) {
		node_set(a, n, STR("result"), node_string(a, str_of(await_word(status))));
		node_set(a, n, STR("apps"), d->awaited);
	}
	json_write_pretty(&text, n);
	fwrite(text.p, 1, text.n, d->cli->out);
}

/* --- the command --- */

static int open_repo(struct deploy *d, struct error *err)
{
	const struct deploy_options *own = d->own;
	struct deploy_repo_request request = {
		.url = own->repo,
		.remote = own->push ? own->push : "origin",
		.branch = own->branch,
		.environment = own->env,
	};
	return deploy_repo_open(&d->arena, &request, &d->repo, err);
}

static int deploy(struct deploy *d, struct error *err)
{
	const struct deploy_options *own = d->own;
	if (check_usage(d, err) < 0 || open_repo(d, err) < 0 || (own->wait && find_apps(d, err) < 0) ||
	    publish(d, err) < 0)
		return command_fail(d->cli, err);
	deploy_repo_unlock(&d->repo);
	tell(d);
	int status = EXIT_OK;
	/* The branch may be there from a try whose pull request failed. */
	if (d->proposal && !d->result.absent && propose(d, err) < 0)
		status = command_fail(d->cli, err);
	if (own->wait) {
		status = await(d, err);
		if (err->text[0])
			command_fail(d->cli, err);
	}
	if (d->cli->common.output)
		print_result(d, status);
	return status;
}

static int run(struct cli *cli)
{
	struct deploy d = { .cli = cli, .own = cli->own, .repo.lock = -1 };
	struct error err = ERROR_INIT;
	int status = deploy(&d, &err);
	deploy_repo_unlock(&d.repo);
	if (d.has_cluster)
		cluster_close(&d.cluster);
	arena_release(&d.change.arena);
	arena_release(&d.arena);
	return status;
}

static const char *const formats[] = { "json", NULL };

static const struct option_def options[] = {
	{ .name = "env",
	  .letter = 'e',
	  .kind = OPTION_TEXT,
	  .value = "ENVIRONMENT",
	  .offset = offsetof(struct deploy_options, env),
	  .help = "An environment of `capstan.yaml` at the root of the repository." },
	{ .name = "image",
	  .kind = OPTION_LIST,
	  .value = "NAME=IMAGE",
	  .offset = offsetof(struct deploy_options, image),
	  .help = "Images called NAME (in full, or the last part) become IMAGE, which has a tag, a digest or both; may be "
		  "given again and again. Without `NAME=`: IMAGE's own name." },
	{ .name = "set",
	  .kind = OPTION_LIST,
	  .value = "NAME=VALUE",
	  .offset = offsetof(struct deploy_options, set),
	  .help = "A variable in the environment's `substitute`; may be given again and again." },
	{ .name = "repo",
	  .kind = OPTION_TEXT,
	  .value = "URL",
	  .offset = offsetof(struct deploy_options, repo),
	  .help = "The configuration repository. Default: that of the clone in the working directory." },
	{ .name = "push",
	  .kind = OPTION_TEXT,
	  .value = "REMOTE",
	  .offset = offsetof(struct deploy_options, push),
	  .help = "The remote of that clone. Default: `origin`." },
	{ .name = "branch",
	  .kind = OPTION_TEXT,
	  .value = "BRANCH",
	  .offset = offsetof(struct deploy_options, branch),
	  .help = "Default: the environment's, as `capstan.yaml` of the remote's default branch says." },
	{ .name = "message",
	  .letter = 'm',
	  .kind = OPTION_TEXT,
	  .value = "TEXT",
	  .offset = offsetof(struct deploy_options, message),
	  .help = "First line of the commit's message. Default: `deploy IMAGE to ENVIRONMENT`." },
	{ .name = "review",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct deploy_options, review),
	  .help = "Push to a branch of its own, `capstan/ENVIRONMENT-ID`, and open a pull request for it. The token is "
		  "`$CAPSTAN_FORGE_TOKEN`, or what git's credential helpers have for the host." },
	{ .name = "forge",
	  .kind = OPTION_TEXT,
	  .value = "TYPE[=URL]",
	  .offset = offsetof(struct deploy_options, forge),
	  .help = "The type of git host, where its name does not tell: `github`, `gitlab`, `gitea` (also Forgejo), "
		  "`bitbucket`, `bitbucket-server` or `azure`; and the address of its pages where that is not "
		  "`https://HOST`." },
	{ .name = "wait",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct deploy_options, wait),
	  .help = "Go on until every App that deploys the environment is healthy at exactly this commit." },
	{ .name = NULL },
};

static const struct example examples[] = {
	{ "deploy --env prod --image web=registry.example.com/web:v2 --wait",
	  "Deploy v2 and wait until it runs" },
	{ "deploy --env staging --image registry.example.com/web@sha256:$DIGEST --repo ssh://git@example.com/config.git",
	  "From a build job, without a clone of the configuration" },
	{ "deploy --env prod --image web=registry.example.com/web:v2 --review",
	  "Propose v2 as a pull request" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK,
	  "Pushed, or there was nothing to change; with `--review`: a pull request is open; with `--wait`: all are healthy at "
	  "that commit, or at one that is the same to them." },
	{ EXIT_DIFFERS, "An App has failed, or its objects are unhealthy. The commit stays." },
	{ EXIT_TROUBLE,
	  "Wrong usage, an image that nothing uses, a refused push, no cluster, or any other error." },
	{ EXIT_TIMED_OUT, "`--timeout` passed before all were healthy; the operator goes on." },
	{ EXIT_SUPERSEDED, "A newer commit is wanted before this one was healthy." },
	{ EXIT_INTERRUPTED, "Ctrl-C; what was pushed is deployed." },
	{ 0, NULL },
};

const struct command command_deploy = {
	.name = "deploy",
	.operands = "",
	.summary = "Commit new images of an environment, and wait until they run",
	.help = "Writes images (and variables) into the configuration of an environment, commits that on top of its branch and pushes: "
		"for the end of a build. Comments and style of the files stay. Working trees are left alone. When somebody else pushes "
		"first, the change is made anew on top.\n\n"
		"An image is written where the environment's directory names it: values with Flux's setter comments "
		"(`# {\"$imagepolicy\": \"ns:name:tag\"}`); entries of `images` in the kustomization file; where there is none, "
		"containers of manifests. One that only bases name gets an entry. Then all is rendered: a name that no "
		"object uses, or that something else sets, too, is an error, and nothing is committed.\n\n"
		"With `--review` nothing is deployed: the commit goes to a branch of its own, and a pull request is opened for it; the "
		"one that is open for that branch is used again.\n\n"
		"With `--wait` the Apps that deploy that directory of that branch are watched, in all namespaces that may be read "
		"or in `-n`, with a line for each change of state. `--timeout` is for that, 5m unless said otherwise.",
	.options = options,
	.options_size = sizeof(struct deploy_options),
	.formats = formats,
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_TIMEOUT,
	.examples = examples,
	.exits = exits,
	.run = run,
};
