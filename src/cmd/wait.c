/* wait.c - `capstan wait [APP...] --revision SHA`: until a commit is healthy in the cluster. */
#include "cmd/commands.h"

#include <limits.h>
#include <string.h>

#include "cmd/apps.h"
#include "cmd/await.h"
#include "doc/json.h"

enum { WAIT_TIMEOUT_MS = 300000 };

struct wait_options {
	const char *revision;
};

static bool is_named(void *ctx, const struct node *app)
{
	const struct cli *cli = ctx;
	struct str name = node_text(node_at(app, "metadata.name"));
	for (size_t i = 0; i < cli->n_operands; i++)
		if (str_is(name, cli->operands[i]))
			return true;
	return false;
}

static int check(struct cluster *c, struct arena *a, struct error *err)
{
	const struct cli *cli = c->cli;
	const struct wait_options *own = cli->own;
	struct node *apps;
	if (!own->revision)
		return error_set(err, "--revision is missing: the commit to wait for");
	if (cli->n_operands && cli->common.all_namespaces)
		return error_set(err, "names of Apps and -A: give one of them");
	if (await_check_revision(own->revision, err) < 0)
		return -1;
	return cli->n_operands ? apps_named(c, a, &apps, err) : 0;
}

static void print_result(const struct cli *cli, struct arena *a, struct node *result, int status)
{
	const struct wait_options *own = cli->own;
	cleanup_buf struct buf text = BUF_INIT;
	struct node *n = node_map(a);
	node_set(a, n, STR("revision"), node_string(a, str_of(own->revision)));
	node_set(a, n, STR("result"), node_string(a, str_of(await_word(status))));
	node_set(a, n, STR("apps"), result);
	json_write_pretty(&text, n);
	fwrite(text.p, 1, text.n, cli->out);
}

static int run(struct cli *cli)
{
	const struct wait_options *own = cli->own;
	struct cluster c;
	struct error err = ERROR_INIT;
	cleanup_arena struct arena a = ARENA_INIT;
	int status;
	if (cluster_open(&c, cli, WAIT_TIMEOUT_MS, &err) < 0 || check(&c, &a, &err) < 0) {
		status = command_fail(cli, &err);
	} else {
		struct await_spec spec = {
			.revision = own->revision,
			.history = ".",
			.namespace = cli->common.all_namespaces ? "" : c.namespace,
			.counts = cli->n_operands ? is_named : NULL,
			.ctx = cli,
			.expected = cli->n_operands,
		};
		struct node *result;
		FILE *out = cli->common.output ? cli->err : cli->out;
		status = await_apps(&c, &a, &spec, out, &result, &err);
		if (err.text[0])
			command_fail(cli, &err);
		if (cli->common.output)
			print_result(cli, &a, result, status);
	}
	cluster_close(&c);
	return status;
}

static const char *const formats[] = { "json", NULL };

static const struct option_def options[] = {
	{ .name = "revision",
	  .kind = OPTION_TEXT,
	  .value = "SHA",
	  .offset = offsetof(struct wait_options, revision),
	  .help = "The commit to wait for; its first 7 digits will do." },
	{ .name = NULL },
};

static const struct example examples[] = {
	{ "wait shop --revision $(git rev-parse HEAD)",
	  "Until the App shop is healthy at the commit that is checked out" },
	{ "wait -A --revision 1f3a9c2 --timeout 10m",
	  "Until every App that wants this commit is healthy at it" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "All are healthy at that commit." },
	{ EXIT_DIFFERS, "One has failed, or its objects are unhealthy." },
	{ EXIT_TROUBLE, "Wrong usage, no cluster, or any other error." },
	{ EXIT_TIMED_OUT, "`--timeout` passed before the end; the operator goes on." },
	{ EXIT_SUPERSEDED, "An App wants a newer commit before that one was healthy." },
	{ EXIT_INTERRUPTED, "Ctrl-C; the operator goes on." },
	{ 0, NULL },
};

const struct command command_wait = {
	.name = "wait",
	.operands = "[APP...]",
	.summary = "Wait until a commit is healthy in the cluster",
	.help = "Watches Apps until each of those that are named has applied the commit and is healthy. Without names: until all Apps are "
		"that want the commit, at least one; with `-A` of all namespaces. A commit that changes nothing of what an App "
		"reads is never wanted by it.\n\n"
		"Each change of state is a line, for a log. An App that wants a newer commit ends the wait: the one waited for is "
		"superseded. In a clone of the repository git is asked which of two commits is newer; elsewhere every other one that "
		"comes up during the wait counts as newer. `--timeout` is 5m unless said otherwise.",
	.options = options,
	.options_size = sizeof(struct wait_options),
	.formats = formats,
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_ALL_NAMESPACES | COMMON_TIMEOUT,
	.operands_max = UINT_MAX,
	.complete = COMPLETE_APP,
	.examples = examples,
	.exits = exits,
	.run = run,
};
