/*
 * run.c - `capstan run`: the operator, in a cluster or from a laptop; with --apps, on a machine with no
 * cluster.
 */
#include "cmd/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/session.h"
#include "cmd/sync_apps.h"
#include "operator/operator.h"
#include "operator/plain.h"
#include "repo/remote_allow.h"

struct run_options {
	const char *web, *cache, *lease_namespace, *identity, *apps, *state;
	bool no_leader_election, user_git;
	struct option_list remote_bases, base_logins, exec;
};

static const struct option_def run_option_defs[] = {
	{ .name = "apps",
	  .kind = OPTION_TEXT,
	  .value = "FILE",
	  .help = "Read Repos and Apps from this file and no cluster: each App's `target.directory` follows git. The file is read again when it changes, and at SIGHUP.",
	  .offset = offsetof(struct run_options, apps),
	  .complete = COMPLETE_FILE },
	{ .name = "state",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .help = "With `--apps`: keep inventories here, what was made and may be removed. Default: `/var/lib/capstan` for root, else `$XDG_STATE_HOME/capstan` or `~/.local/state/capstan`.",
	  .offset = offsetof(struct run_options, state),
	  .complete = COMPLETE_DIRECTORY },
	{ .name = "web",
	  .kind = OPTION_TEXT,
	  .value = "ADDRESS:PORT",
	  .help = "Serve /healthz, /readyz, /metrics and /notify here; `:8080` is every address, port 0 any free one. Default: no server.",
	  .offset = offsetof(struct run_options, web) },
	{ .name = "cache",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .help = "Keep mirrors of git repositories here. They may be lost without harm. Default: `$XDG_CACHE_HOME/capstan` or `~/.cache/capstan`.",
	  .offset = offsetof(struct run_options, cache),
	  .complete = COMPLETE_DIRECTORY },
	{ .name = "no-leader-election",
	  .kind = OPTION_FLAG,
	  .help = "Act at once, without a Lease. Only where nothing else can run beside it.",
	  .offset = offsetof(struct run_options, no_leader_election) },
	{ .name = "lease-namespace",
	  .kind = OPTION_TEXT,
	  .value = "NAMESPACE",
	  .help = "Namespace of the Lease for leader election. Default: that of the Pod, or `capstan-system`.",
	  .offset = offsetof(struct run_options, lease_namespace),
	  .complete = COMPLETE_NAMESPACE },
	{ .name = "identity",
	  .kind = OPTION_TEXT,
	  .value = "NAME",
	  .help = "Name of this process in the Lease. Default: host name and process number.",
	  .offset = offsetof(struct run_options, identity) },
	{ .name = "user-git",
	  .kind = OPTION_FLAG,
	  .help = "Let git use your own ssh agent, keys and credential helpers for Repos without a Secret.",
	  .offset = offsetof(struct run_options, user_git) },
	{ .name = "allow-remote-base",
	  .kind = OPTION_LIST,
	  .value = "URL",
	  .help = "Let kustomizations use repositories below this URL as bases, such as `https://github.com/acme/`; may be given again and again. Without it none are.",
	  .offset = offsetof(struct run_options, remote_bases) },
	{ .name = "remote-base-login",
	  .kind = OPTION_LIST,
	  .value = "URL=DIR",
	  .help = "What repositories below this URL are asked for with when they are bases: files in a directory, as a Secret is mounted, named as the keys of a Repo's Secret; may be given again and again. Every App may read what it opens.",
	  .offset = offsetof(struct run_options, base_logins) },
	{ .name = "allow-exec",
	  .kind = OPTION_LIST,
	  .value = "PROGRAM",
	  .help = "Let Apps of type exec run this program, by its name or path, confined; may be given again and again. Without it none are.",
	  .offset = offsetof(struct run_options, exec) },
	{ 0 },
};

static const char *lease_namespace(const struct run_options *own)
{
	const char *pod = getenv("POD_NAMESPACE");
	if (own->lease_namespace)
		return own->lease_namespace;
	return pod && *pod ? pod : "capstan-system";
}

static void default_identity(char out[160])
{
	char host[128] = "capstan";
	gethostname(host, sizeof(host) - 1);
	snprintf(out, 160, "%s-%d", host, (int)getpid());
}

static int run_plain(struct cli *cli, const struct run_options *own)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	if (cli->common.kubeconfig || cli->common.context || cli->common.namespace) {
		error_set(&err, "--apps needs no cluster: remove --kubeconfig, --context and --namespace");
		return command_fail(cli, &err);
	}
	struct plain_options options = {
		.file = own->apps,
		.state_dir = own->state ? own->state : sync_apps_state_dir(&a),
		.cache_dir = own->cache ? own->cache : session_cache_dir(&a),
		.web = own->web,
	};
	return plain_run(&options, &err) < 0 ? command_fail(cli, &err) : EXIT_OK;
}

static int run(struct cli *cli)
{
	const struct run_options *own = cli->own;
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct kube_config kube;
	session_log(cli);
	if (own->apps)
		return run_plain(cli, own);
	if (session_config(cli, &a, &kube, &err) < 0)
		return command_fail(cli, &err);
	char identity[160];
	default_identity(identity);
	struct operator_options options = {
		.kube = &kube,
		.web = own->web,
		.cache_dir = own->cache ? own->cache : session_cache_dir(&a),
		.identity = own->identity ? own->identity : identity,
		.lease_namespace = lease_namespace(own),
		.no_leader_election = own->no_leader_election,
		.watch_namespace = cli->common.namespace,
		.user_environment = own->user_git,
		.remote_bases = own->remote_bases.at,
		.n_remote_bases = own->remote_bases.n,
		.remote_base_logins = own->base_logins.at,
		.n_remote_base_logins = own->base_logins.n,
		.exec = own->exec.at,
		.n_exec = own->exec.n,
	};
	for (size_t i = 0; i < own->remote_bases.n; i++)
		if (remote_allow_check(own->remote_bases.at[i], &err) < 0)
			return error_wrap(&err, "--allow-remote-base"), command_fail(cli, &err);
	if (operator_run(&options, &err) < 0)
		return command_fail(cli, &err);
	return EXIT_OK;
}

static const struct example examples[] = {
	{ "run --web :8080", "as the Deployment of `capstan install` runs it" },
	{ "run --context kind-dev --no-leader-election",
	  "from a laptop, against a cluster of your kubeconfig" },
	{ "run --apps /etc/capstan/apps.yaml", "on a machine with no cluster: directories follow git" },
	{ 0 },
};

const struct command command_run = {
	.name = "run",
	.operands = "",
	.summary = "Run the operator",
	.help = "Watches Repo and App objects and keeps the cluster as git says, until SIGTERM or SIGINT. In a Pod it uses the Pod's "
		"service account; elsewhere your kubeconfig. With `-n` only one namespace's Repos and Apps are looked at.\n\n"
		"With `--apps` there is no cluster: Repos and Apps are read from a file, and each App keeps a directory of this "
		"machine (`spec.target.directory`) as git says, with its modes, and heals what is changed by hand. `spec.target.command` "
		"runs after a change until it succeeds. An App that is removed from the file leaves its files where they are.",
	.options = run_option_defs,
	.options_size = sizeof(struct run_options),
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_LOG,
	.examples = examples,
	.run = run,
};
