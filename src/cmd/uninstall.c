/*
 * uninstall.c - `capstan uninstall`: everything that `capstan install` made.
 *
 * To delete the kinds deletes every App, and an App is held by its finalizer, which only an operator takes
 * off. So Apps go first, while the operator still runs: by `capstan delete`, or with --orphan here, which
 * leaves what they made.
 */
#include <string.h>

#include "base/clock.h"
#include "cmd/apps.h"
#include "cmd/ask.h"
#include "cmd/commands.h"
#include "cmd/manifests.h"
#include "doc/json.h"
#include "operator/spec.h"

enum { POLL_MS = 250, UNINSTALL_TIMEOUT_MS = 120000, ORPHAN_GRACE_MS = 10000 };

struct uninstall_options {
	bool keep_crds, orphan, repositories, yes;
};

#define REMOTES_CRD "remotes.gitkube.sh"
#define FIELD(f) .offset = offsetof(struct uninstall_options, f)

static const struct option_def options[] = {
	{ .name = "keep-crds",
	  .kind = OPTION_FLAG,
	  FIELD(keep_crds),
	  .help = "Keep the custom resource definitions, and with them every Repo and App." },
	{ .name = "orphan", .kind = OPTION_FLAG, FIELD(orphan), .help = "Keep the objects that apps made." },
	{ .name = "delete-repositories",
	  .kind = OPTION_FLAG,
	  FIELD(repositories),
	  .help = "Delete the volume of the push service, too, and with it every repository that was pushed to." },
	{ .name = "yes", .letter = 'y', .kind = OPTION_FLAG, FIELD(yes), .help = "Do not ask." },
	{ .name = NULL },
};

/* --- apps --- */

/* Those that exist; none when the cluster has no kind App. */
static int list_apps(struct cluster *c, struct arena *a, struct node **out, struct error *err)
{
	struct kube_request request = apps_request(KUBE_LIST, "", "");
	struct reply reply;
	request.limit = 1;
	cluster_call(c, a, &request, &reply);
	*out = node_seq(a);
	return reply.result == KUBE_NO_KIND ? 0 : apps_list(c, a, true, out, err);
}

static int refuse(const struct cli *cli, struct arena *a, const struct node *apps)
{
	enum { SHOWN = 20 };
	fprintf(cli->err,
		"%s: %zu Apps still exist, and nobody would remove what they made once the operator is gone:\n",
		cli->program, node_count(apps));
	for (size_t i = 0; i < node_count(apps) && i < SHOWN; i++)
		fprintf(cli->err, "  %s/%s\n",
			apps_text(a, node_at(node_item(apps, i), "metadata.namespace")),
			apps_text(a, node_at(node_item(apps, i), "metadata.name")));
	if (node_count(apps) > SHOWN)
		fprintf(cli->err, "  ... and %zu more\n", node_count(apps) - SHOWN);
	fprintf(cli->err,
		"Delete them with what they made: %s delete --all -A\n"
		"Keep what they made:            %s uninstall --orphan\n"
		"Keep the Apps, too:             %s uninstall --keep-crds\n",
		cli->program, cli->program, cli->program);
	return EXIT_DIFFERS;
}

/* Ours alone; what others put there is theirs to take off. */
static int drop_finalizer(struct cluster *c, const struct node *app, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const struct node *list = node_at(app, "metadata.finalizers");
	struct node *kept = node_seq(&a);
	for (size_t i = 0; i < node_count(list); i++)
		if (!str_is(node_text(node_item(list, i)), FINALIZER))
			node_push(&a, kept, node_item(list, i));
	cleanup_buf struct buf body = BUF_INIT;
	buf_adds(&body, "{\"metadata\":{\"finalizers\":");
	json_write(&body, kept);
	buf_adds(&body, "}}");
	const char *name = apps_text(&a, node_at(app, "metadata.name"));
	struct kube_request request =
		apps_request(KUBE_MERGE_PATCH, apps_text(&a, node_at(app, "metadata.namespace")), name);
	request.body = buf_str(&body);
	struct reply reply;
	cluster_call(c, &a, &request, &reply);
	return reply.result == KUBE_OK || reply.code == 404 ? 0 : cluster_error(err, &reply, "app %s", name);
}

/* The operator lets go of what they made, when there is one; after a while they are let go of without it. */
static int orphan_all(struct cluster *c, struct node *apps, struct error *err)
{
	int64_t grace = clock_mono_ms() + ORPHAN_GRACE_MS;
	for (size_t i = 0; i < node_count(apps); i++)
		if (apps_delete(c, node_item(apps, i), true, err) < 0)
			return -1;
	for (;;) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct node *left;
		if (list_apps(c, &a, &left, err) < 0)
			return -1;
		if (node_count(left) == 0)
			return 0;
		for (size_t i = 0; i < node_count(left) && clock_mono_ms() > grace; i++)
			if (drop_finalizer(c, node_item(left, i), err) < 0)
				return -1;
		if (cluster_left_ms(c) == 0)
			return error_set(
				err,
				"%zu Apps are still there; something else holds them (metadata.finalizers)",
				node_count(left));
		cluster_pause(c, POLL_MS);
	}
}

/* --- objects --- */

static bool is_namespace(const struct manifest *m)
{
	return !m->group.n && str_is(m->kind, "Namespace");
}

/* Whether there is one of the kind, in a namespace or ("") anywhere. *known: the answer can be relied on. */
static bool has_any(struct cluster *c, const char *group, const char *version, const char *kind,
		    struct str namespace, bool *known)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct reply reply;
	struct kube_request request = {
		.verb = KUBE_LIST,
		.group = str_of(group),
		.version = str_of(version),
		.kind = str_of(kind),
		.namespace = namespace,
		.limit = 1,
	};
	cluster_call(c, &a, &request, &reply);
	*known = *known && (reply.result == KUBE_OK || reply.result == KUBE_NO_KIND || reply.code == 404);
	return reply.result == KUBE_OK && node_count(node_get(reply.body, "items")) > 0;
}

/* A namespace that holds anything of people's own must stay: to delete it deletes that. */
static const char *why_namespace_stays(struct cluster *c, const struct manifest *m)
{
	static const char *const kinds[] = { "App", "ImageRule", "Repo" };
	const struct uninstall_options *own = c->cli->own;
	bool known = true, any = false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !any; i++)
		any = has_any(c, CAPSTAN_GROUP, CAPSTAN_VERSION_NAME, kinds[i], m->name, &known);
	if (any || !known)
		return "Apps, ImageRules or Repos live in it";
	if (!own->repositories && (has_any(c, "", "v1", "PersistentVolumeClaim", m->name, &known) || !known))
		return "a volume is in it";
	return NULL;
}

/* NULL: it goes. */
static const char *why_it_stays(struct cluster *c, const struct manifest *m)
{
	const struct uninstall_options *own = c->cli->own;
	bool known = true;
	if (is_namespace(m))
		return why_namespace_stays(c, m);
	/* Nobody has the repositories but the volume. */
	if (str_is(m->kind, "PersistentVolumeClaim") && !own->repositories)
		return has_any(c, "", "v1", "PersistentVolumeClaim", m->namespace, &known)
			       ? "it holds the repositories that were pushed; --delete-repositories takes it away, "
				 "too"
			       : NULL;
	/* Gitkube's own kind, which may have been here before. */
	if (m->crd && str_is(m->name, REMOTES_CRD) &&
	    (has_any(c, "gitkube.sh", "v1alpha1", "Remote", STR(""), &known) || !known))
		return "there are Remotes, which are Gitkube's as well";
	return NULL;
}

static int remove_one(struct cluster *c, const struct manifest *m)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *name = manifest_name(&a, m), *why = why_it_stays(c, m);
	if (why) {
		fprintf(c->cli->out, "%-10s  %s: %s\n", "kept", name, why);
		return EXIT_OK;
	}
	struct kube_request request = {
		.verb = KUBE_DELETE,
		.group = m->group,
		.version = m->version,
		.kind = m->kind,
		.namespace = m->namespace,
		.name = m->name,
		.body = STR(
			"{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"propagationPolicy\":\"Background\"}"),
	};
	struct reply reply;
	cluster_call(c, &a, &request, &reply);
	if (reply.result == KUBE_OK)
		fprintf(c->cli->out, "%-10s  %s\n", "deleted", name);
	if (reply.result == KUBE_OK || reply.code == 404 || reply.result == KUBE_NO_KIND)
		return EXIT_OK;
	struct error err = ERROR_INIT;
	cluster_error(&err, &reply, "%s", name);
	command_fail(c->cli, &err);
	return EXIT_DIFFERS;
}

static int wait_gone(struct cluster *c, const struct manifest *m)
{
	for (;;) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct kube_request request = { .verb = KUBE_GET,
						.group = m->group,
						.version = m->version,
						.kind = m->kind,
						.namespace = m->namespace,
						.name = m->name };
		struct reply reply;
		cluster_call(c, &a, &request, &reply);
		if (reply.code == 404 || reply.result == KUBE_NO_KIND)
			return EXIT_OK;
		if (cluster_left_ms(c) == 0) {
			fprintf(c->cli->err, "%s: %s is not gone in time\n", c->cli->program,
				manifest_name(&a, m));
			return EXIT_TIMED_OUT;
		}
		cluster_pause(c, POLL_MS);
	}
}

/* The operator first, so that it does not act on what follows; the namespace and the kinds last. */
static int remove_all(struct cluster *c, const struct manifest *all, size_t n)
{
	const struct uninstall_options *own = c->cli->own;
	int status = EXIT_OK;
	for (size_t i = n; i-- > 0;)
		if (str_is(all[i].kind, "Deployment"))
			status |= remove_one(c, &all[i]);
	for (size_t i = n; i-- > 0;)
		if (!all[i].crd && !str_is(all[i].kind, "Deployment") && !is_namespace(&all[i]))
			status |= remove_one(c, &all[i]);
	for (size_t i = n; i-- > 0 && !own->keep_crds;)
		if (all[i].crd)
			status |= remove_one(c, &all[i]);
	for (size_t i = n; i-- > 0 && !own->keep_crds;)
		if (all[i].crd && status == EXIT_OK && !why_it_stays(c, &all[i]))
			status = wait_gone(c, &all[i]);
	for (size_t i = n; i-- > 0;)
		if (is_namespace(&all[i]))
			status |= remove_one(c, &all[i]);
	return status;
}

static bool agreed(const struct cli *cli, size_t n_apps)
{
	const struct uninstall_options *own = cli->own;
	if (own->yes)
		return true;
	fprintf(cli->err, "This removes the operator%s",
		own->keep_crds ? " and its permissions" : ", its permissions and every App and Repo");
	if (n_apps && !own->keep_crds)
		fprintf(cli->err, " (%zu Apps; what they made stays)", n_apps);
	fprintf(cli->err, ".\n");
	return ask(cli, "Go on?");
}

static int run(struct cli *cli)
{
	const struct uninstall_options *own = cli->own;
	cleanup_arena struct arena a = ARENA_INIT;
	struct manifest_options which = { .full_rights = true,
					  .namespace = cli->common.namespace,
					  .with_push = true };
	struct manifest *all;
	size_t n = manifests(&a, &which, &all);
	struct cluster c;
	struct error err = ERROR_INIT;
	struct node *apps;
	int status;
	if (cluster_open(&c, cli, UNINSTALL_TIMEOUT_MS, &err) < 0 || list_apps(&c, &a, &apps, &err) < 0)
		status = command_fail(cli, &err);
	else if (node_count(apps) > 0 && !own->orphan && !own->keep_crds)
		status = refuse(cli, &a, apps);
	else if (!agreed(cli, node_count(apps)))
		status = EXIT_DIFFERS;
	else if (!own->keep_crds && orphan_all(&c, apps, &err) < 0)
		status = command_fail(cli, &err);
	else
		status = remove_all(&c, all, n);
	cluster_close(&c);
	return status;
}

static const struct example examples[] = {
	{ "uninstall --orphan", "Take Capstan away and keep what it deployed" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "All is gone." },
	{ EXIT_DIFFERS, "Something could not be removed, or the answer was no." },
	{ EXIT_TROUBLE, "Wrong usage, no cluster or any other error." },
	{ EXIT_TIMED_OUT, "The timeout passed first." },
	{ 0, NULL },
};

const struct command command_uninstall = {
	.name = "uninstall",
	.operands = "",
	.summary = "Remove the operator from a cluster",
	.help = "Says what will go and asks (with no terminal `--yes` must be given): the operator, its permissions and the "
		"custom resource definitions, and with them every Repo.\n\n"
		"As long as there are Apps it refuses: delete them first, with what they made (`delete --all -A`), or give "
		"`--orphan`, which lets go of what they made and leaves it running.",
	.options = options,
	.options_size = sizeof(struct uninstall_options),
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_COLOR | COMMON_TIMEOUT,
	.examples = examples,
	.exits = exits,
	.run = run,
};
