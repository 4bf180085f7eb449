/*
 * delete.c - `capstan delete APP...`: apps and what they made, or only the apps.
 *
 * The operator does the removing, held by the App's finalizer; this asks for it, waits and says what is
 * waited for.
 */
#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/apps.h"
#include "cmd/ask.h"
#include "cmd/commands.h"
#include "operator/spec.h"

enum { POLL_MS = 250, DELETE_TIMEOUT_MS = 300000, SILENCE_MS = 10000 };

struct delete_options {
	bool all, orphan, yes, no_wait;
};

static const struct option_def options[] = {
	{ .name = "all",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct delete_options, all),
	  .help = "Every App of the namespace, or with `-A` of all namespaces." },
	{ .name = "orphan",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct delete_options, orphan),
	  .help = "Let go of the objects and leave them where they are." },
	{ .name = "yes",
	  .letter = 'y',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct delete_options, yes),
	  .help = "Do not ask." },
	{ .name = "no-wait",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct delete_options, no_wait),
	  .help = "Return once the deletion is asked for." },
	{ .name = NULL },
};

/* --- which apps --- */

static int find_apps(struct cluster *c, struct arena *a, struct node **out, struct error *err)
{
	const struct delete_options *own = c->cli->own;
	if (own->all != (c->cli->n_operands == 0))
		return error_set(err, own->all ? "either --all, or the names of Apps"
					       : "name at least one App, or give --all");
	return apps_named(c, a, out, err);
}

static bool agreed(const struct cli *cli, struct arena *a, const struct node *apps)
{
	const struct delete_options *own = cli->own;
	if (own->yes)
		return true;
	for (size_t i = 0; i < node_count(apps); i++) {
		const struct node *app = node_item(apps, i);
		int64_t total = 0;
		node_int(node_at(app, "status.counts.total"), &total);
		fprintf(cli->err, "app %s/%s: %lld objects %s\n",
			apps_text(a, node_at(app, "metadata.namespace")),
			apps_text(a, node_at(app, "metadata.name")), (long long)total,
			own->orphan ? "stay" : "go with it");
	}
	return ask(cli, "Delete?");
}

/* --- deleting --- */

/* What an App that is going waits for, told when it changes. */
struct wait {
	char told[512];
	int64_t told_at;
};

static void tell(const struct cli *cli, struct wait *w, const char *name, const struct node *app)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const struct node *ready = apps_condition(app, "Ready");
	char text[512];
	snprintf(text, sizeof(text), "%s: %s", apps_text(&a, node_get(ready, "reason")),
		 apps_text(&a, node_get(ready, "message")));
	bool silent = clock_mono_ms() - w->told_at >= SILENCE_MS;
	if (strcmp(text, w->told) == 0 && !silent)
		return;
	if (silent && strcmp(text, w->told) == 0)
		fprintf(cli->err, "waiting for %s: nothing has changed for %d s; is the operator running?\n",
			name, SILENCE_MS / 1000);
	else if (strncmp(text, "Deleting", 8) == 0 || w->told[0])
		fprintf(cli->err, "waiting for %s: %s\n", name, text);
	memcpy(w->told, text, sizeof(text));
	w->told_at = clock_mono_ms();
}

static int wait_gone(struct cluster *c, const struct node *was)
{
	struct wait w = { .told_at = clock_mono_ms() };
	struct str uid = node_text(node_at(was, "metadata.uid"));
	for (;;) {
		cleanup_arena struct arena a = ARENA_INIT;
		const char *name = apps_text(&a, node_at(was, "metadata.name"));
		struct kube_request request =
			apps_request(KUBE_GET, apps_text(&a, node_at(was, "metadata.namespace")), name);
		struct reply reply;
		cluster_call(c, &a, &request, &reply);
		if (reply.code == 404 || (reply.result == KUBE_OK &&
					  !str_eq(uid, node_text(node_at(reply.body, "metadata.uid"))))) {
			fprintf(c->cli->out, "app/%s deleted\n", name);
			fflush(c->cli->out);
			return EXIT_OK;
		}
		if (reply.result == KUBE_OK)
			tell(c->cli, &w, name, reply.body);
		if (cluster_left_ms(c) == 0) {
			fprintf(c->cli->err,
				"%s: app %s is not gone in time; its deletion goes on once the operator acts\n",
				c->cli->program, name);
			return EXIT_TIMED_OUT;
		}
		cluster_pause(c, POLL_MS);
	}
}

static int delete_all(struct cluster *c, const struct node *apps)
{
	const struct delete_options *own = c->cli->own;
	int status = EXIT_OK;
	for (size_t i = 0; i < node_count(apps); i++) {
		struct error err = ERROR_INIT;
		if (apps_delete(c, node_item(apps, i), own->orphan, &err) < 0)
			status = command_fail(c->cli, &err);
	}
	for (size_t i = 0; i < node_count(apps) && status != EXIT_TROUBLE && !own->no_wait; i++) {
		int one = wait_gone(c, node_item(apps, i));
		status = one != EXIT_OK ? one : status;
	}
	return status;
}

static int run(struct cli *cli)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct cluster c;
	struct error err = ERROR_INIT;
	struct node *apps;
	int status;
	if (cluster_open(&c, cli, DELETE_TIMEOUT_MS, &err) < 0 || find_apps(&c, &a, &apps, &err) < 0)
		status = command_fail(cli, &err);
	else if (node_count(apps) > 0 && !agreed(cli, &a, apps))
		status = EXIT_DIFFERS;
	else
		status = delete_all(&c, apps);
	cluster_close(&c);
	return status;
}

static const struct example examples[] = {
	{ "delete shop", "Delete the app shop and everything it made" },
	{ "delete shop --orphan", "Delete the app and keep what it made" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "All is gone." },
	{ EXIT_DIFFERS, "Something could not be removed, or the answer was no." },
	{ EXIT_TROUBLE, "Wrong usage, no cluster, no such app or any other error." },
	{ EXIT_TIMED_OUT, "The timeout passed first; the deletion goes on." },
	{ 0, NULL },
};

const struct command command_delete = {
	.name = "delete",
	.operands = "[APP...]",
	.summary = "Delete apps and what they made",
	.help = "Deletes each app with every object that it made and still owns, after asking (with no terminal `--yes` must be "
		"given), and waits until they are gone.",
	.options = options,
	.options_size = sizeof(struct delete_options),
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_ALL_NAMESPACES | COMMON_COLOR | COMMON_TIMEOUT,
	.operands_max = UINT_MAX,
	.complete = COMPLETE_APP,
	.examples = examples,
	.exits = exits,
	.run = run,
};
