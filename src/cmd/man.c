/*
 * man.c - the hidden `capstan man [COMMAND]`: manual pages in mdoc(7), made from the command tables.
 *
 * The build prints every page with it and installs them. `capstan man --list` names the pages, so that a test
 * can compare them with what the build installs.
 */
#include "cmd/commands.h"

#include <ctype.h>

#include "base/str.h"
#include "cmd/help.h"

struct man_options {
	bool list;
};

/* Text of one line: roff's special characters, and `code` in bold. A sentence starts a line of its own. */
static void add_text(struct buf *out, const char *text)
{
	bool code = false;
	bool line_start = true;
	for (const char *p = text; *p; p++) {
		if (line_start && (*p == '.' || *p == '\''))
			buf_adds(out, "\\&");
		line_start = false;
		if (*p == '`') {
			code = !code;
			buf_adds(out, code ? "\\fB" : "\\fP");
		} else if (*p == '\\') {
			buf_adds(out, "\\e");
		} else if (*p == '-') {
			buf_adds(out, code ? "\\-" : "-");
		} else if (p[0] == '\n' && p[1] == '\n') {
			buf_adds(out, "\n.Pp\n");
			line_start = true;
			p++;
		} else if (*p == '\n' ||
			   (*p == ' ' && p > text && p[-1] == '.' && isupper((unsigned char)p[1]))) {
			buf_addc(out, '\n');
			line_start = true;
		} else {
			buf_addc(out, *p);
		}
	}
	buf_addc(out, '\n');
}

static void add_head(struct buf *out, const char *title, const char *name, const char *summary)
{
	buf_printf(out, ".Dd %s\n.Dt ", CAPSTAN_DATE);
	for (const char *p = title; *p; p++)
		buf_addc(out, (char)toupper((unsigned char)*p));
	buf_printf(out, " 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", name, summary);
}

static void add_option(struct buf *out, const struct option_def *def)
{
	const char *value = def->value ? def->value : "";
	buf_adds(out, ".It ");
	if (def->letter)
		buf_printf(out, "Fl %c%s%s , ", def->letter, def->value ? " Ar " : "", value);
	buf_printf(out, "Fl -%s%s%s\n", def->name, def->value ? " Ns = Ns Ar " : "", value);
	cleanup_buf struct buf text = BUF_INIT;
	help_option_text(def, &text);
	add_text(out, text.p);
}

static void add_options(struct buf *out, const struct command *c)
{
	struct option_def defs[COMMAND_OPTIONS_MAX];
	size_t n = command_options(c, defs);
	buf_adds(out, ".Sh OPTIONS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < n; i++)
		add_option(out, &defs[i]);
	buf_adds(out, ".El\n");
}

static void add_exits(struct buf *out, const struct command *c)
{
	buf_adds(out, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
	for (const struct exit_note *e = command_exits(c); e->text; e++) {
		buf_printf(out, ".It %d\n", (int)e->code);
		add_text(out, e->text);
	}
	buf_adds(out, ".El\n");
}

static void add_examples(struct buf *out, const struct command *c)
{
	if (!c->examples)
		return;
	buf_adds(out, ".Sh EXAMPLES\n");
	for (const struct example *e = c->examples; e->args; e++) {
		buf_adds(out, e == c->examples ? "" : ".Pp\n");
		add_text(out, e->text);
		buf_adds(out, ".Dl capstan ");
		add_text(out, e->args);
	}
}

static void command_page(struct buf *out, const struct command *c)
{
	char title[64], called[64];
	snprintf(title, sizeof(title), "capstan-%s", c->name);
	snprintf(called, sizeof(called), "capstan %s", c->name);
	add_head(out, title, title, c->summary);
	buf_printf(out, ".Sh SYNOPSIS\n.Nm \"%s\"\n.Op Ar option ...\n", called);
	if (c->operands[0])
		buf_printf(out, ".Ar \"%s\"\n", c->operands);
	buf_adds(out, ".Sh DESCRIPTION\n");
	add_text(out, c->help);
	add_options(out, c);
	add_exits(out, c);
	add_examples(out, c);
	buf_adds(out, ".Sh SEE ALSO\n.Xr capstan 1\n");
}

static void program_page(struct buf *out)
{
	add_head(out, "capstan", "capstan", "keep clusters and directories as git says");
	buf_adds(out,
		 ".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar option ...\n.Nm kubectl capstan\n.Ar command\n"
		 ".Op Ar option ...\n.Sh DESCRIPTION\n.Nm\n"
		 "keeps Kubernetes clusters, and directories on this machine, as git says they should be.\n"
		 "The commands are:\n.Bl -tag -width Ds\n");
	for (size_t i = 0; commands[i]; i++) {
		if (commands[i]->hidden)
			continue;
		buf_printf(out, ".It Xr capstan-%s 1\n", commands[i]->name);
		add_text(out, commands[i]->summary);
	}
	buf_adds(out,
		 ".El\n.Pp\nInstalled as\n.Pa kubectl-capstan\nin the search path, it is a plugin of\n"
		 ".Xr kubectl 1 .\n.Sh ENVIRONMENT\n.Bl -tag -width Ds\n"
		 ".It Ev KUBECONFIG\nKubeconfig files, separated by colons, as\n.Xr kubectl 1\nreads them.\n"
		 ".It Ev NO_COLOR\nWhen set to anything, output has no colour unless asked for.\n.El\n");
	buf_adds(out, ".Sh SEE ALSO\n.Xr git 1 ,\n.Xr kubectl 1\n");
}

static void list_pages(FILE *out)
{
	fputs("capstan\n", out);
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			fprintf(out, "capstan-%s\n", commands[i]->name);
}

static int run(struct cli *cli)
{
	const struct man_options *options = cli->own;
	if (options->list) {
		list_pages(cli->out);
		return EXIT_OK;
	}
	cleanup_buf struct buf page = BUF_INIT;
	if (cli->n_operands == 0) {
		program_page(&page);
	} else {
		const struct command *c = command_find(cli->operands[0]);
		struct error err = ERROR_INIT;
		if (!c) {
			error_set(&err, "man: there is no command \"%s\"", cli->operands[0]);
			return command_fail(cli, &err);
		}
		command_page(&page, c);
	}
	fwrite(page.p, 1, page.n, cli->out);
	return EXIT_OK;
}

static const struct option_def man_options[] = {
	{ .name = "list",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct man_options, list),
	  .help = "Name the pages, one a line." },
	{ .name = NULL },
};

const struct command command_man = {
	.name = "man",
	.operands = "[COMMAND]",
	.summary = "Print a manual page",
	.help = "Prints the manual page of the program, or of one command, in mdoc(7).",
	.options = man_options,
	.options_size = sizeof(struct man_options),
	.operands_max = 1,
	.complete = COMPLETE_COMMAND,
	.hidden = true,
	.run = run,
};
