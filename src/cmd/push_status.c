/* push_status.c - `capstan push-status [ID|REPO]`: what became of pushes, for whoever was not there to see.
 */
#include "cmd/commands.h"

#include <stdio.h>

#include "base/clock.h"
#include "cmd/style.h"
#include "doc/json.h"
#include "io/file.h"
#include "push/journal.h"
#include "push/receive.h"

enum { LISTED_MAX = 20 };

struct status_options {
	const char *state;
	bool all;
};

/* --- words --- */

static const char *result_of(const char *home, const struct journal_record *r)
{
	if (r->state == PIPE_DONE)
		return "accepted";
	if (r->state == PIPE_REFUSED)
		return r->unclean ? "unclean" : "refused";
	if (journal_running(home, r->id) || (r->state == PIPE_ACCEPT && journal_receiver_alive(r)))
		return push_state_name(r->state);
	return "cut off";
}

static void print_safe(FILE *out, const char *text)
{
	cleanup_buf struct buf safe = BUF_INIT;
	style_safe(&safe, str_of(text), false);
	fputs(safe.n ? safe.p : "", out);
}

static const char *what_of(struct arena *a, const struct journal_record *r)
{
	if (!r->n_refs)
		return "";
	const struct journal_ref *ref = &r->refs[0];
	const char *branch = receive_branch(ref);
	return arena_printf(a, "%.12s %s%s", ref->new[0] ? ref->new : "delete", branch ? branch : ref->name,
			    r->n_refs > 1 ? ", ..." : "");
}

/* --- one --- */

static int print_log(struct cli *cli, struct arena *a, const char *home, const char *id)
{
	cleanup_buf struct buf log = BUF_INIT, safe = BUF_INIT;
	if (file_read(push_path(a, home, "pushes", id, "log", NULL), JOURNAL_LOG_MAX, &log, NULL) == 0)
		style_safe(&safe, buf_str(&log), true);
	fwrite(safe.n ? safe.p : "", 1, safe.n, cli->out);
	return EXIT_OK;
}

static int exit_of(const struct journal_record *r)
{
	return r->state == PIPE_REFUSED ? EXIT_DIFFERS : EXIT_OK;
}

static int show(struct cli *cli, struct arena *a, const char *home, const struct journal_record *r)
{
	char began[CLOCK_RFC3339_MAX];
	clock_format(r->began_ms, false, began);
	fprintf(cli->out, "push %s of %s by ", r->id, r->repo);
	print_safe(cli->out, r->who);
	fprintf(cli->out, ", %s: %s\n", began, result_of(home, r));
	for (size_t i = 0; i < r->n_refs; i++) {
		fprintf(cli->out, "  %.12s -> %.12s  ", r->refs[i].old[0] ? r->refs[i].old : "(none)",
			r->refs[i].new[0] ? r->refs[i].new : "(none)");
		print_safe(cli->out, r->refs[i].name);
		fputc('\n', cli->out);
	}
	fputc('\n', cli->out);
	print_log(cli, a, home, r->id);
	return exit_of(r);
}

/* --- many --- */

static void print_row(struct cli *cli, struct arena *a, const char *home, const struct journal_record *r)
{
	char began[CLOCK_RFC3339_MAX];
	clock_format(r->began_ms, false, began);
	fprintf(cli->out, "%-34s  %-9s  %s  %-20s  ", r->id, result_of(home, r), began, r->repo);
	print_safe(cli->out, what_of(a, r));
	fputs("  ", cli->out);
	print_safe(cli->out, r->who);
	fputc('\n', cli->out);
}

static struct node *node_of(struct arena *a, const char *home, const struct journal_record *r)
{
	char began[CLOCK_RFC3339_MAX];
	struct node *n = node_map(a), *refs = node_seq(a), *environments = node_seq(a);
	clock_format(r->began_ms, false, began);
	node_set(a, n, STR("id"), node_string(a, str_of(r->id)));
	node_set(a, n, STR("repo"), node_string(a, str_of(r->repo)));
	node_set(a, n, STR("who"), node_string(a, str_of(r->who)));
	node_set(a, n, STR("began"), node_string(a, str_of(arena_strdup(a, began))));
	node_set(a, n, STR("result"), node_string(a, str_of(result_of(home, r))));
	if (r->reason)
		node_set(a, n, STR("reason"), node_string(a, str_of(r->reason)));
	for (size_t i = 0; i < r->n_refs; i++) {
		struct node *ref = node_map(a);
		node_set(a, ref, STR("name"), node_string(a, str_of(r->refs[i].name)));
		node_set(a, ref, STR("old"), node_string(a, str_of(r->refs[i].old)));
		node_set(a, ref, STR("new"), node_string(a, str_of(r->refs[i].new)));
		node_push(a, refs, ref);
	}
	for (size_t i = 0; i < r->n_targets; i++)
		node_push(a, environments, node_string(a, str_of(r->targets[i].environment)));
	node_set(a, n, STR("refs"), refs);
	node_set(a, n, STR("environments"), environments);
	return n;
}

static void print_json(struct cli *cli, struct arena *a, const char *home, const struct journal_record *all,
		       size_t n, bool one)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct node *list = node_seq(a);
	for (size_t i = 0; i < n; i++)
		node_push(a, list, node_of(a, home, &all[i]));
	json_write_pretty(&text, one ? node_item(list, 0) : list);
	fwrite(text.p, 1, text.n, cli->out);
}

static int list(struct cli *cli, struct arena *a, const char *home, const char *repo, struct error *err)
{
	const struct status_options *own = cli->own;
	struct journal_record *all;
	size_t n, unreadable;
	if (journal_list(a, home, repo, &all, &n, &unreadable, err) < 0)
		return command_fail(cli, err);
	size_t shown = n > LISTED_MAX && !own->all ? LISTED_MAX : n;
	if (cli->common.output) {
		print_json(cli, a, home, all, shown, false);
		return EXIT_OK;
	}
	if (!n)
		fprintf(cli->out, "no pushes%s%s\n", repo ? " to " : "", repo ? repo : "");
	for (size_t i = 0; i < shown; i++)
		print_row(cli, a, home, &all[i]);
	if (shown < n)
		fprintf(cli->out, "%zu older ones: --all\n", n - shown);
	if (unreadable)
		fprintf(cli->err, "%s: warning: %zu records cannot be read\n", cli->program, unreadable);
	return EXIT_OK;
}

/* --- the command --- */

static int run(struct cli *cli)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct journal_record record;
	const struct status_options *own = cli->own;
	const char *home = push_home(&a, own->state), *what = cli->n_operands ? cli->operands[0] : NULL;
	if (!what || strchr(what, '/'))
		return list(cli, &a, home, what, &err);
	int rc = journal_read(&a, home, what, &record, &err);
	if (rc > 0)
		error_set(&err, "there is no push %s in %s", what, home);
	if (rc)
		return command_fail(cli, &err);
	if (!cli->common.output)
		return show(cli, &a, home, &record);
	print_json(cli, &a, home, &record, 1, true);
	return exit_of(&record);
}

static const char *const formats[] = { "json", NULL };

static const struct option_def options[] = {
	{ .name = "state",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .offset = offsetof(struct status_options, state),
	  .complete = COMPLETE_DIRECTORY,
	  .help = "The push service's directory. Default: `$CAPSTAN_PUSH_HOME`, or `/var/lib/capstan/push`." },
	{ .name = "all",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct status_options, all),
	  .help = "All that are kept, not just the newest ones." },
	{ .name = NULL },
};

static const struct example examples[] = {
	{ "push-status", "The newest pushes to all repositories" },
	{ "push-status shop/web", "Those to one repository" },
	{ "push-status 20261128-150405123-a1b2c3-4d5e", "What one push told, and how it ended" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "The list; or the push was accepted, or is under way." },
	{ EXIT_DIFFERS, "The push was refused." },
	{ EXIT_TROUBLE, "There is no such push, wrong usage, or any other error." },
	{ 0, NULL },
};

const struct command command_push_status = {
	.name = "push-status",
	.operands = "[ID|REPO]",
	.summary = "Show what became of pushes to hosted repositories",
	.help = "On the machine (or in the container) of the push service: the pushes to a repository (NAMESPACE/NAME), newest "
		"first; or all that one push told its pusher, also after the connection was gone.\n\n"
		"Results: `accepted`; `refused`, and all is as before; `unclean`: refused, and not all could be put back; `cut off`: "
		"its process was killed, and the service will finish it; else the step that is under way.",
	.options = options,
	.options_size = sizeof(struct status_options),
	.formats = formats,
	.operands_max = 1,
	.examples = examples,
	.exits = exits,
	.run = run,
};
