/* help.c - wraps the words of the tables to 80 columns. */
#include "cmd/help.h"

enum {
	WIDTH = 80,
	OPTION_INDENT = 6,
};

/* Prints text in lines of WIDTH behind `indent` spaces; an empty line in it stays one. */
static void print_wrapped(FILE *out, const char *text, int indent)
{
	int column = 0;
	const char *p = text;
	while (*p) {
		if (p[0] == '\n' && p[1] == '\n') {
			fputs("\n\n", out);
			column = 0;
			p += 2;
			continue;
		}
		if (*p == ' ' || *p == '\n') {
			p++;
			continue;
		}
		int length = (int)strcspn(p, " \n");
		if (column == 0) {
			column = fprintf(out, "%*s", indent, "");
		} else if (column + 1 + length > WIDTH) {
			fputc('\n', out);
			column = fprintf(out, "%*s", indent, "");
		} else {
			fputc(' ', out);
			column++;
		}
		column += fprintf(out, "%.*s", length, p);
		p += length;
	}
	fputc('\n', out);
}

void help_option_name(const struct option_def *def, char out[HELP_OPTION_MAX])
{
	char letter[8] = "";
	if (def->letter)
		snprintf(letter, sizeof(letter), "-%c, ", def->letter);
	snprintf(out, HELP_OPTION_MAX, "%s--%s%s%s", letter, def->name, def->value ? "=" : "",
		 def->value ? def->value : "");
}

void help_option_text(const struct option_def *def, struct buf *out)
{
	buf_adds(out, def->help);
	if (!def->choices)
		return;
	buf_adds(out, " One of");
	for (size_t i = 0; def->choices[i]; i++)
		buf_printf(out, "%s `%s`", i == 0 ? "" : def->choices[i + 1] ? "," : " or", def->choices[i]);
	buf_addc(out, '.');
}

static void print_option(FILE *out, const struct option_def *def)
{
	char name[HELP_OPTION_MAX];
	help_option_name(def, name);
	fprintf(out, "  %s%s\n", def->letter ? "" : "    ", name);
	cleanup_buf struct buf text = BUF_INIT;
	help_option_text(def, &text);
	print_wrapped(out, text.p, OPTION_INDENT + 4);
}

static void print_options(FILE *out, const struct command *c)
{
	struct option_def defs[COMMAND_OPTIONS_MAX];
	size_t n = command_options(c, defs);
	fputs("\nOptions:\n", out);
	for (size_t i = 0; i < n; i++)
		print_option(out, &defs[i]);
}

void help_command(const struct cli *cli, const struct command *c)
{
	FILE *out = cli->out;
	fprintf(out, "Usage: %s %s [OPTION...]%s%s\n\n", cli->program, c->name, c->operands[0] ? " " : "",
		c->operands);
	print_wrapped(out, c->help, 0);
	for (const struct example *e = c->examples; e && e->args; e++) {
		fputs(e == c->examples ? "\nExamples:\n" : "", out);
		fprintf(out, "  # %s\n  %s %s\n", e->text, cli->program, e->args);
	}
	print_options(out, c);
	fputs("\nExit status:\n", out);
	for (const struct exit_note *e = command_exits(c); e->text; e++) {
		fprintf(out, "  %d", (int)e->code);
		print_wrapped(out, e->text, 2);
	}
}

void help_program(const struct cli *cli, FILE *out)
{
	fprintf(out,
		"Capstan keeps Kubernetes clusters, and directories on this machine, as git says they should be.\n\n"
		"Usage: %s COMMAND [OPTION...]\n\nCommands:\n",
		cli->program);
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			fprintf(out, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out, "  %-11s %s\n", "help", "Show the help of a command");
	fprintf(out, "\nSee `%s COMMAND --help` for the options of each.\n", cli->program);
}
