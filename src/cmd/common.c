/* common.c - the options that many commands share, in one table; a command says which of them it takes. */
#include "cmd/command.h"

#define FIELD(f) .offset = offsetof(struct common, f), .home = OPTION_COMMON

static const char *const colors[] = { "auto", "always", "never", NULL };
static const char *const levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const log_formats[] = { "logfmt", "json", NULL };
static const char *const outputs[] = { "json", "yaml", "wide", NULL };

const struct option_def common_options[] = {
	{ .name = "namespace",
	  .letter = 'n',
	  .kind = OPTION_TEXT,
	  .value = "NAMESPACE",
	  FIELD(namespace),
	  .complete = COMPLETE_NAMESPACE,
	  .common = COMMON_NAMESPACE,
	  .help = "Namespace to work in. Default: the one of the context." },
	{ .name = "all-namespaces",
	  .letter = 'A',
	  .kind = OPTION_FLAG,
	  FIELD(all_namespaces),
	  .common = COMMON_ALL_NAMESPACES,
	  .help = "All namespaces." },
	{ .name = "output",
	  .letter = 'o',
	  .kind = OPTION_CHOICE,
	  .value = "FORMAT",
	  FIELD(output),
	  .choices = outputs,
	  .common = COMMON_OUTPUT,
	  .help = "Format of the output." },
	{ .name = "timeout",
	  .kind = OPTION_DURATION,
	  .value = "DURATION",
	  FIELD(timeout_ms),
	  .common = COMMON_TIMEOUT,
	  .help = "Give up after this long, such as `30s` or `5m`." },
	{ .name = "color",
	  .kind = OPTION_CHOICE,
	  .value = "WHEN",
	  FIELD(color),
	  .choices = colors,
	  .common = COMMON_COLOR,
	  .help = "Colour the output. Default: `auto`, on a terminal unless NO_COLOR is set." },
	{ .name = "kubeconfig",
	  .kind = OPTION_TEXT,
	  .value = "FILE",
	  FIELD(kubeconfig),
	  .complete = COMPLETE_FILE,
	  .common = COMMON_CLUSTER,
	  .help = "Kubeconfig to use. Default: KUBECONFIG, then `~/.kube/config`, then the service account of the pod." },
	{ .name = "context",
	  .kind = OPTION_TEXT,
	  .value = "NAME",
	  FIELD(context),
	  .complete = COMPLETE_CONTEXT,
	  .common = COMMON_CLUSTER,
	  .help = "Context of the kubeconfig. Default: its current context." },
	{ .name = "log-level",
	  .kind = OPTION_CHOICE,
	  .value = "LEVEL",
	  FIELD(log_level),
	  .choices = levels,
	  .common = COMMON_LOG,
	  .help = "Least level that is logged." },
	{ .name = "log-format",
	  .kind = OPTION_CHOICE,
	  .value = "FORMAT",
	  FIELD(log_format),
	  .choices = log_formats,
	  .common = COMMON_LOG,
	  .help = "Form of the log lines on standard error." },
	{ .name = "help",
	  .letter = 'h',
	  .kind = OPTION_FLAG,
	  FIELD(help),
	  .common = COMMON_HELP,
	  .help = "Show this help." },
	{ .name = NULL },
};

size_t common_options_count(void)
{
	return sizeof(common_options) / sizeof(common_options[0]) - 1;
}

size_t command_options(const struct command *c, struct option_def out[COMMAND_OPTIONS_MAX])
{
	size_t n = 0;
	for (const struct option_def *d = c->options; d && d->name; d++)
		out[n++] = *d;
	unsigned set = c->common | COMMON_HELP | (c->formats ? COMMON_OUTPUT : 0u);
	for (const struct option_def *d = common_options; d->name; d++) {
		if (!(set & d->common))
			continue;
		out[n] = *d;
		if (d->common == COMMON_OUTPUT)
			out[n].choices = c->formats;
		n++;
	}
	return n;
}

static const struct exit_note usual_exits[] = {
	{ EXIT_OK, "Done." },
	{ EXIT_TROUBLE, "Wrong usage, unreadable input or any other error." },
	{ 0, NULL },
};

const struct exit_note *command_exits(const struct command *c)
{
	return c->exits ? c->exits : usual_exits;
}
