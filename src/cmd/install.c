/*
 * install.c - `capstan install`: the operator, its permissions and its custom resources into a cluster.
 *
 * The kinds come first and are waited for; then everything else, each tried whatever became of the others.
 */
#include <string.h>

#include "base/clock.h"
#include "cmd/cluster.h"
#include "cmd/commands.h"
#include "cmd/manifests_push.h"
#include "deploy/cluster/live.h"
#include "doc/json.h"
#include "doc/yaml.h"

#define INSTALL_MANAGER "capstan-install"

enum { POLL_MS = 200, INSTALL_TIMEOUT_MS = 180000 };

struct install_options {
	const char *image, *rights;
	int64_t replicas;
	bool print, crds_only, no_wait, push;
	struct push_manifest_options with; /* of the push service */
	const char *registry;
};

#define FIELD(f) .offset = offsetof(struct install_options, f)

static const char *const rights[] = { "minimal", "full", NULL };
static const char *const exposures[] = { "ClusterIP", "NodePort", "LoadBalancer", NULL };

static const struct option_def options[] = {
	{ .name = "image",
	  .kind = OPTION_TEXT,
	  .value = "IMAGE",
	  FIELD(image),
	  .help = "Container image of the operator. Default: the one of this version as `make image` names it." },
	{ .name = "replicas",
	  .kind = OPTION_COUNT,
	  .value = "N",
	  FIELD(replicas),
	  .help = "How many operators stand ready; one of them leads. Default: 1." },
	{ .name = "rights",
	  .kind = OPTION_CHOICE,
	  .value = "RIGHTS",
	  .choices = rights,
	  FIELD(rights),
	  .help = "What an App without serviceAccountName may do: `full`, everything; `minimal`, nothing but what you grant. "
		  "Default: `full`." },
	{ .name = "print",
	  .kind = OPTION_FLAG,
	  FIELD(print),
	  .help = "Print the objects instead of applying them." },
	{ .name = "crds-only",
	  .kind = OPTION_FLAG,
	  FIELD(crds_only),
	  .help = "Install the custom resource definitions alone, for an operator that runs elsewhere." },
	{ .name = "no-wait",
	  .kind = OPTION_FLAG,
	  FIELD(no_wait),
	  .help = "Do not wait until the operator is ready." },
	{ .name = "push",
	  .kind = OPTION_FLAG,
	  FIELD(push),
	  .help = "The push service, too: repositories in the cluster that are deployed by `git push`. The other options whose "
		  "names begin with push are for it." },
	{ .name = "push-host",
	  .kind = OPTION_TEXT,
	  .value = "HOST",
	  FIELD(with.host),
	  .help = "Name or address at which people reach its ssh port. Default: its name in the cluster." },
	{ .name = "push-port",
	  .kind = OPTION_COUNT,
	  .value = "PORT",
	  FIELD(with.port),
	  .help = "That port; with `NodePort` the port of the nodes. Default: 22." },
	{ .name = "push-expose",
	  .kind = OPTION_CHOICE,
	  .value = "TYPE",
	  .choices = exposures,
	  FIELD(with.expose),
	  .help = "Type of the Service of its ssh port. Default: `ClusterIP`, which is reached from inside of the cluster." },
	{ .name = "push-http-url",
	  .kind = OPTION_TEXT,
	  .value = "URL",
	  FIELD(with.http_url),
	  .help = "How people reach it over https, where an ingress stands before its Service: `https://push.example.com/git`." },
	{ .name = "push-storage-class",
	  .kind = OPTION_TEXT,
	  .value = "CLASS",
	  FIELD(with.storage_class),
	  .help = "Storage class of its volume. Default: the cluster's." },
	{ .name = "push-storage",
	  .kind = OPTION_TEXT,
	  .value = "SIZE",
	  FIELD(with.storage),
	  .help = "Size of its volume. Default: `20Gi`." },
	{ .name = "push-registry",
	  .kind = OPTION_TEXT,
	  .value = "URL",
	  FIELD(registry),
	  .help = "Where images that pushes build go; into the commands that are printed at the end." },
	{ .name = "push-image",
	  .kind = OPTION_TEXT,
	  .value = "IMAGE",
	  FIELD(with.image),
	  .help = "Its container image. Default: the one of this version as `make image-push` names it." },
	{ .name = "push-no-builds",
	  .kind = OPTION_FLAG,
	  FIELD(with.no_builds),
	  .help = "Build no images: its pod then needs no more than the strictest pod security standard allows." },
	{ .name = NULL },
};

/* --- printing --- */

static void print_all(const struct cli *cli, struct arena *a, const struct manifest *all, size_t n)
{
	cleanup_buf struct buf text = BUF_INIT;
	bool json = cli->common.output && strcmp(cli->common.output, "json") == 0;
	struct node *list = node_map(a), *items = node_seq(a);
	for (size_t i = 0; i < n; i++) {
		node_push(a, items, all[i].root);
		if (json)
			continue;
		buf_adds(&text, "---\n");
		yaml_write(&text, all[i].root);
	}
	node_set(a, list, STR("apiVersion"), node_string(a, STR("v1")));
	node_set(a, list, STR("items"), items);
	node_set(a, list, STR("kind"), node_string(a, STR("List")));
	if (json)
		json_write_pretty(&text, list);
	fwrite(text.p, 1, text.n, cli->out);
}

/* --- applying --- */

static struct kube_request request_for(const struct manifest *m, enum kube_verb verb)
{
	return (struct kube_request){
		.verb = verb,
		.group = m->group,
		.version = m->version,
		.kind = m->kind,
		.namespace = m->namespace,
		.name = m->name,
	};
}

static struct str version_of(const struct reply *reply)
{
	return reply->result == KUBE_OK ? node_text(node_at(reply->body, "metadata.resourceVersion"))
					: STR("");
}

/* Says "created Deployment ..."; *lost: the cluster cannot be reached, so that to go on is of no use. */
static bool apply(struct cluster *c, const struct manifest *m, bool *lost)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf body = BUF_INIT;
	struct reply before, after;
	struct kube_request request = request_for(m, KUBE_GET);
	cluster_call(c, &a, &request, &before);
	request = request_for(m, KUBE_APPLY);
	json_write(&body, m->root);
	request.body = buf_str(&body);
	request.field_manager = INSTALL_MANAGER;
	request.force = true;
	cluster_call(c, &a, &request, &after);
	const char *name = manifest_name(&a, m);
	if (after.result != KUBE_OK) {
		struct error err = ERROR_INIT;
		cluster_error(&err, &after, "%s", name);
		command_fail(c->cli, &err);
		*lost = after.result == KUBE_LOST || after.result == KUBE_TIMEOUT;
		return false;
	}
	const char *word = after.code == 201				     ? "created"
			   : str_eq(version_of(&before), version_of(&after)) ? "unchanged"
									     : "configured";
	fprintf(c->cli->out, "%-10s  %s\n", word, name);
	fflush(c->cli->out);
	return true;
}

/* Until it is healthy (a kind: established; a Deployment: available), telling what it waits for when that
 * changes. */
static int wait_for(struct cluster *c, const struct manifest *m)
{
	char told[HEALTH_MESSAGE_MAX] = "";
	for (;;) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct health_result health = { .health = HEALTH_UNKNOWN };
		struct reply reply;
		struct kube_request request = request_for(m, KUBE_GET);
		cluster_call(c, &a, &request, &reply);
		if (reply.result == KUBE_OK)
			health_of(reply.body, clock_wall_ms() / 1000, &health);
		else
			snprintf(health.message, sizeof(health.message), "%s", reply.message);
		if (health.health == HEALTH_CURRENT)
			return EXIT_OK;
		if (health.message[0] && strcmp(told, health.message) != 0 && !m->crd)
			fprintf(c->cli->err, "waiting for %s: %s\n", manifest_name(&a, m), health.message);
		memcpy(told, health.message, sizeof(told));
		if (cluster_left_ms(c) == 0) {
			fprintf(c->cli->err, "%s: %s is not ready in time%s%s\n", c->cli->program,
				manifest_name(&a, m), told[0] ? ": " : "", told);
			return EXIT_TIMED_OUT;
		}
		cluster_pause(c, POLL_MS);
	}
}

static bool is_waited_for(const struct manifest *m)
{
	return m->crd || str_is(m->kind, "Deployment");
}

/* One half: the kinds, or everything else. */
static int apply_part(struct cluster *c, const struct manifest *all, size_t n, bool kinds)
{
	const struct install_options *own = c->cli->own;
	int status = EXIT_OK;
	bool lost = false;
	for (size_t i = 0; i < n && !lost; i++)
		if (all[i].crd == kinds && !apply(c, &all[i], &lost))
			status = EXIT_DIFFERS;
	if (lost)
		return EXIT_TROUBLE;
	for (size_t i = 0; i < n && status == EXIT_OK; i++)
		if (all[i].crd == kinds && is_waited_for(&all[i]) && (kinds || !own->no_wait))
			status = wait_for(c, &all[i]);
	return status;
}

/* --- the push service --- */

static int check_push(const struct install_options *own, struct error *err)
{
	const struct push_manifest_options *p = &own->with;
	bool any = p->host || p->port || p->expose || p->http_url || p->storage_class || p->storage ||
		   own->registry || p->image || p->no_builds;
	if (any && !own->push)
		return error_set(err, "an option of the push service is given, but not --push");
	if (p->port > 65535)
		return error_set(err, "--push-port %lld: is no port", (long long)p->port);
	if (p->expose && strcmp(p->expose, "NodePort") == 0 && p->port && p->port < 1024)
		return error_set(err,
				 "--push-port %lld: ports of nodes are large, mostly from 30000 to 32767",
				 (long long)p->port);
	return 0;
}

/* How a remote is added: with words that can be copied, but for the names. */
static void tell_remote(const struct cli *cli, struct arena *a, const struct manifest_options *which)
{
	const struct install_options *own = cli->own;
	const char *ssh = push_manifests_ssh_url(a, which), *namespace = push_manifests_namespace(a, which);
	FILE *out = cli->out;
	fprintf(out,
		"\nThe push service is in namespace %s. A repository, and a push to it:\n"
		"  %s repo create shop -n NAMESPACE --key ~/.ssh/id_ed25519.pub%s%s\n"
		"  git remote add deploy %s/NAMESPACE/shop.git\n"
		"  git push deploy main\n",
		namespace, cli->program, own->registry ? " --registry " : "",
		own->registry ? own->registry : "", ssh);
	bool balanced = own->with.expose && strcmp(own->with.expose, "LoadBalancer") == 0;
	if (!own->with.host && balanced)
		fprintf(out,
			"Its address is that of the load balancer; install again with --push-host once you have it:\n"
			"  kubectl get service capstan-push-ssh -n %s\n",
			namespace);
	else if (!own->with.host)
		fprintf(out,
			"That name is known inside of the cluster. From elsewhere, for as long as this runs:\n"
			"  kubectl port-forward -n %s service/capstan-push-ssh 2222:%lld   "
			"(ssh://git@localhost:2222/NAMESPACE/shop.git)\n",
			namespace, own->with.port ? (long long)own->with.port : 22LL);
}

static int run(struct cli *cli)
{
	const struct install_options *own = cli->own;
	cleanup_arena struct arena a = ARENA_INIT;
	struct manifest_options which = {
		.image = own->image,
		.replicas = own->replicas,
		.full_rights = !own->rights || strcmp(own->rights, "full") == 0,
		.crds_only = own->crds_only,
		.namespace = cli->common.namespace,
		.with_push = own->push,
		.push = own->with,
	};
	struct error usage = ERROR_INIT;
	if (check_push(own, &usage) < 0)
		return command_fail(cli, &usage);
	struct manifest *all;
	size_t n = manifests(&a, &which, &all);
	if (own->print) {
		print_all(cli, &a, all, n);
		return EXIT_OK;
	}
	struct cluster c;
	struct error err = ERROR_INIT;
	int status = EXIT_OK;
	if (cluster_open(&c, cli, INSTALL_TIMEOUT_MS, &err) < 0 || cluster_discover(&c, &err) < 0)
		status = command_fail(cli, &err);
	if (status == EXIT_OK)
		status = apply_part(&c, all, n, true);
	if (status == EXIT_OK && !own->crds_only)
		status = apply_part(&c, all, n, false);
	if (own->push && !own->crds_only && status == EXIT_OK)
		tell_remote(cli, &a, &which);
	cluster_close(&c);
	return status;
}

static const char *const formats[] = { "yaml", "json", NULL };

static const struct example examples[] = {
	{ "install", "Install or upgrade the operator in capstan-system" },
	{ "install --crds-only", "Only the kinds App and Repo, for an operator that runs elsewhere" },
	{ "install --push --push-host push.example.com --push-expose LoadBalancer",
	  "And repositories in the cluster that are deployed by `git push`" },
	{ "install --print > capstan.yaml", "Keep what would be applied in git" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "Installed, and ready unless `--no-wait` was given." },
	{ EXIT_DIFFERS, "Something could not be applied or is not ready." },
	{ EXIT_TROUBLE, "Wrong usage, no cluster or any other error." },
	{ EXIT_TIMED_OUT, "The timeout passed first." },
	{ 0, NULL },
};

const struct command command_install = {
	.name = "install",
	.operands = "",
	.summary = "Install or upgrade the operator in a cluster",
	.help = "Applies the custom resource definitions, the operator's Deployment and the permissions it needs, and nothing "
		"more, by server-side apply, and says of each what became of it. To run it again upgrades what is there.\n\n"
		"Every right has its reason in the file it is in: see `install --print`.",
	.options = options,
	.options_size = sizeof(struct install_options),
	.formats = formats,
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_COLOR | COMMON_TIMEOUT,
	.examples = examples,
	.exits = exits,
	.run = run,
};
