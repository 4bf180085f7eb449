/* command.c - the command after a change: its end in words. */
#include "deploy/directory/internal.h"

#include "base/log.h"

enum { COMMAND_OUTPUT_MAX = 64 * 1024, COMMAND_STDERR_MAX = 1024 };

/* --- the command --- */

static void describe_end(const struct process_result *r, int64_t timeout_ms, struct error *err)
{
	if (r->timed_out)
		error_set(err, "did not end within %lld.%lld s", (long long)(timeout_ms / 1000),
			  (long long)(timeout_ms % 1000 / 100));
	else if (r->overflow)
		error_set(err, "wrote more than %d bytes", COMMAND_OUTPUT_MAX);
	else if (r->signal)
		error_set(err, "was ended by signal %d", r->signal);
	else
		error_set(err, "ended with %d", r->exit_code);
	struct str words = str_trim(r->err.n ? r->err : r->out);
	if (words.n > COMMAND_STDERR_MAX)
		words.n = COMMAND_STDERR_MAX;
	if (words.n > 0) {
		struct error whole = ERROR_INIT;
		error_set(&whole, "%s: %.*s", err->text, STR_ARG(words));
		*err = whole;
	}
}

static void command_failed(struct directory *d, struct error *err)
{
	error_wrap(err, "the command `%s`", d->command[0]);
	work_problem(d->report, NULL, "", err->text);
	log_warn("command failed", "directory", d->paths.root, "error", err->text, NULL);
	directory_end_apply(d);
}

static void command_ended(void *arg, const struct process_result *result)
{
	struct directory *d = arg;
	struct error err = ERROR_INIT;
	d->process = NULL;
	if (result->exit_code == 0 && !result->timed_out && !result->overflow) {
		d->ledger.command_due = false;
		directory_command_done(d);
		return;
	}
	describe_end(result, d->command_timeout_ms, &err);
	command_failed(d, &err);
}

void directory_run_command(struct directory *d)
{
	struct error err = ERROR_INIT;
	struct process_spec spec = {
		.argv = d->command,
		.dir = d->paths.root,
		.output_max = COMMAND_OUTPUT_MAX,
		.stderr_max = COMMAND_STDERR_MAX,
		.timeout_ms = d->command_timeout_ms,
	};
	d->process = process_start(d->loop, &spec, command_ended, d, &err);
	if (!d->process)
		command_failed(d, &err);
}
