/* docs.c - the hidden `capstan docs`: docs/reference/commands.md, made from the command tables. */
#include "cmd/commands.h"

#include "base/str.h"
#include "cmd/help.h"

static void option_list(struct buf *out, const struct command *c)
{
	struct option_def defs[COMMAND_OPTIONS_MAX];
	size_t n = command_options(c, defs);
	buf_adds(out, "\n| option | meaning |\n| --- | --- |\n");
	for (size_t i = 0; i < n; i++) {
		char name[HELP_OPTION_MAX];
		help_option_name(&defs[i], name);
		buf_printf(out, "| `%s` | ", name);
		help_option_text(&defs[i], out);
		buf_adds(out, " |\n");
	}
}

static void one_command(struct buf *out, const struct command *c)
{
	buf_printf(out, "\n## capstan %s\n\n    capstan %s [OPTION...]%s%s\n\n%s\n", c->name, c->name,
		   c->operands[0] ? " " : "", c->operands, c->help);
	for (const struct example *e = c->examples; e && e->args; e++)
		buf_printf(out, "%s\n    # %s\n    capstan %s\n", e == c->examples ? "\nExamples:\n" : "",
			   e->text, e->args);
	option_list(out, c);
	buf_adds(out, "\n| exit status | meaning |\n| --- | --- |\n");
	for (const struct exit_note *e = command_exits(c); e->text; e++)
		buf_printf(out, "| %d | %s |\n", (int)e->code, e->text);
}

static int run(struct cli *cli)
{
	cleanup_buf struct buf page = BUF_INIT;
	buf_adds(&page,
		 "# Commands\n\nMade by `capstan docs` from the tables of the program; do not edit.\n\n"
		 "| command | what it does |\n| --- | --- |\n");
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			buf_printf(&page, "| [%s](#capstan-%s) | %s |\n", commands[i]->name,
				   commands[i]->name, commands[i]->summary);
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			one_command(&page, commands[i]);
	fwrite(page.p, 1, page.n, cli->out);
	return EXIT_OK;
}

const struct command command_docs = {
	.name = "docs",
	.operands = "",
	.summary = "Print the reference of all commands",
	.help = "Prints the reference of all commands as Markdown.",
	.hidden = true,
	.run = run,
};
