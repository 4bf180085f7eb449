/* serve.c - `capstan serve`: hosted repositories over ssh and http, on a plain machine or in a Pod. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/commands.h"
#include "cmd/session.h"
#include "push/home_record.h"
#include "push/serve.h"

struct serve_command {
	const char *state, *ssh, *http, *ssh_url, *http_url, *fetch_url, *user;
	bool with_operator, require_confinement;
};

#define FIELD(f) .offset = offsetof(struct serve_command, f)

static const struct option_def options[] = {
	{ .name = "state",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  FIELD(state),
	  .complete = COMPLETE_DIRECTORY,
	  .help = "Keep repositories, keys and the journal of pushes here. Default: `$CAPSTAN_PUSH_HOME`, or `/var/lib/capstan/push`." },
	{ .name = "ssh",
	  .kind = OPTION_TEXT,
	  .value = "ADDRESS:PORT",
	  FIELD(ssh),
	  .help = "Serve git over ssh here, by the system's sshd; `:2222` is every address." },
	{ .name = "http",
	  .kind = OPTION_TEXT,
	  .value = "ADDRESS:PORT",
	  FIELD(http),
	  .help = "Serve git over HTTP here, below /git/, and /healthz, /readyz and /metrics. The operator fetches by it. TLS is for a proxy before it." },
	{ .name = "ssh-url",
	  .kind = OPTION_TEXT,
	  .value = "URL",
	  FIELD(ssh_url),
	  .help = "How people reach the ssh port, such as `ssh://git@push.example.com`. Default: made of `--ssh`." },
	{ .name = "http-url",
	  .kind = OPTION_TEXT,
	  .value = "URL",
	  FIELD(http_url),
	  .help = "How people reach /git, such as `https://push.example.com/git`. Default: made of `--http`." },
	{ .name = "fetch-url",
	  .kind = OPTION_TEXT,
	  .value = "URL",
	  FIELD(fetch_url),
	  .help = "How the operator reaches /git. Default: made of `--http`." },
	{ .name = "user",
	  .kind = OPTION_TEXT,
	  .value = "NAME",
	  FIELD(user),
	  .help = "Started by root: become this account first. It is also the name before the `@` in ssh addresses." },
	{ .name = "operator",
	  .kind = OPTION_FLAG,
	  FIELD(with_operator),
	  .help = "Run the operator as a part of the service, for a cluster that has none." },
	{ .name = "require-confinement",
	  .kind = OPTION_FLAG,
	  FIELD(require_confinement),
	  .help = "Refuse builds by programs where they cannot be confined fully." },
	{ .name = NULL },
};

/* Root gives its rights away before it opens anything that others send. */
static int become(const char *name, const char *home, struct error *err)
{
	const struct passwd *account = getpwnam(name);
	if (geteuid() != 0)
		return account && account->pw_uid == geteuid()
			       ? 0
			       : error_set(err, "--user %s: only root can become another account", name);
	if (!account)
		return error_set(err, "--user %s: there is no such account", name);
	if (push_make_dirs(home, err) < 0)
		return -1;
	if (chown(home, account->pw_uid, account->pw_gid) < 0 || initgroups(name, account->pw_gid) < 0 ||
	    setgid(account->pw_gid) < 0 || setuid(account->pw_uid) < 0)
		return error_set(err, "--user %s: %s", name, strerror(errno));
	setenv("HOME", account->pw_dir, 1);
	setenv("USER", name, 1);
	return 0;
}

static const char *own_path(struct arena *a)
{
	char path[4096] = "";
	return readlink("/proc/self/exe", path, sizeof(path) - 1) < 0 ? "/usr/bin/capstan"
								      : arena_strdup(a, path);
}

static int prepare(struct cli *cli, struct arena *a, struct kube_config *kube, struct serve_options *out,
		   struct error *err)
{
	const struct serve_command *own = cli->own;
	out->home = push_home(a, own->state);
	if (!own->ssh && !own->http)
		return error_set(err, "give --ssh, --http or both: nothing would be served");
	if (own->user && become(own->user, out->home, err) < 0)
		return -1;
	if (geteuid() == 0)
		log_warn("the service runs as root, and git with it: give --user", NULL);
	const struct passwd *account = getpwuid(geteuid());
	if (!account)
		return error_set(err, "user %d has no entry in /etc/passwd, which sshd needs",
				 (int)geteuid());
	out->user = arena_strdup(a, account->pw_name);
	return session_config(cli, a, kube, err);
}

/* What hooks read, which have neither this environment nor this directory. NULL: in a cluster. */
static const char *kubeconfig(const struct cli *cli, struct arena *a)
{
	const char *given = cli->common.kubeconfig ? cli->common.kubeconfig : getenv("KUBECONFIG");
	const char *home = getenv("HOME");
	if (!given || !*given)
		given = home ? arena_printf(a, "%s/.kube/config", home) : NULL;
	cleanup_free char *path = given ? realpath(given, NULL) : NULL;
	if (path)
		return arena_strdup(a, path);
	return given && strchr(given, ':') ? given : NULL; /* a list */
}

static int run(struct cli *cli)
{
	const struct serve_command *own = cli->own;
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct kube_config kube;
	struct serve_options serve = {
		.kube = &kube,
		.program = own_path(&a),
		.kubeconfig = kubeconfig(cli, &a),
		.context = cli->common.context,
		.namespace = cli->common.namespace,
		.ssh = own->ssh,
		.http = own->http,
		.ssh_url = own->ssh_url,
		.http_url = own->http_url,
		.fetch_url = own->fetch_url,
		.with_operator = own->with_operator,
		.recover = command_find("push-recover") != NULL,
		.clean = command_find("push-clean") != NULL,
		.require_confinement = own->require_confinement,
	};
	session_log(cli);
	umask(022); /* as sshd's sessions have it; the directory itself is 0700 */
	if (prepare(cli, &a, &kube, &serve, &err) < 0 || serve_run(&serve, &err) < 0)
		return command_fail(cli, &err);
	return EXIT_OK;
}

static const struct example examples[] = {
	{ "serve --state /srv/push --ssh :2222 --http 127.0.0.1:8081 --user git --operator",
	  "Repositories on this machine, deployed to the cluster of your kubeconfig" },
	{ NULL, NULL },
};

const struct command command_serve = {
	.name = "serve",
	.operands = "",
	.summary = "Serve hosted repositories over ssh and http",
	.help = "Watches Repos with `spec.hosted` (and Gitkube's Remotes), keeps their repositories in one directory, and serves "
		"them to whom they name: over ssh by the system's sshd, whose configuration it writes, and over HTTP. A push is "
		"checked, built and deployed before it is accepted, as `capstan.yaml` of the pushed commit says.\n\n"
		"Nothing is lost when it is killed: what was under way is carried on or taken back at the next start. With `-n` "
		"only one namespace's Repos are served.",
	.options = options,
	.options_size = sizeof(struct serve_command),
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_LOG,
	.examples = examples,
	.run = run,
};
