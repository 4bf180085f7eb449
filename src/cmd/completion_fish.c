/* completion_fish.c - the fish script: one `complete` line for each option of each command. */
#include "cmd/completion.h"

static void candidates(struct buf *out, enum complete what)
{
	const char *source = completion_source(what);
	if (what == COMPLETE_APP)
		buf_printf(out, " -x -a '(%s; __fish_complete_directories)'", source);
	else if (source)
		buf_printf(out, " -x -a '(%s)'", source);
	else if (what == COMPLETE_FILE)
		buf_adds(out, " -r -F");
	else if (what == COMPLETE_DIRECTORY)
		buf_adds(out, " -x -a '(__fish_complete_directories)'");
	else if (what == COMPLETE_SHELL)
		buf_adds(out, " -x -a 'bash zsh fish'");
	else if (what == COMPLETE_COMMAND) {
		buf_adds(out, " -x -a '");
		completion_commands(out);
		buf_addc(out, '\'');
	} else
		buf_adds(out, " -x");
}

static void one_option(struct buf *out, const struct command *c, const struct option_def *d)
{
	buf_printf(out, "complete -c capstan -n '__fish_seen_subcommand_from %s' -l %s", c->name, d->name);
	if (d->letter)
		buf_printf(out, " -s %c", d->letter);
	buf_adds(out, " -d '");
	completion_plain(out, d->help);
	buf_addc(out, '\'');
	if (d->choices) {
		buf_adds(out, " -x -a '");
		for (size_t i = 0; d->choices[i]; i++)
			buf_printf(out, "%s%s", i ? " " : "", d->choices[i]);
		buf_addc(out, '\'');
	} else if (d->kind != OPTION_FLAG) {
		candidates(out, d->complete);
	}
	buf_addc(out, '\n');
}

static void one_command(struct buf *out, const struct command *c)
{
	buf_printf(out, "complete -c capstan -n __fish_use_subcommand -a %s -d '", c->name);
	completion_plain(out, c->summary);
	buf_adds(out, "'\n");
	struct option_def defs[COMMAND_OPTIONS_MAX];
	size_t n = command_options(c, defs);
	for (size_t i = 0; i < n; i++)
		one_option(out, c, &defs[i]);
	if (c->operands_max == 0)
		return;
	buf_printf(out, "complete -c capstan -n '__fish_seen_subcommand_from %s'", c->name);
	candidates(out, c->complete);
	buf_addc(out, '\n');
}

void completion_fish(struct buf *out)
{
	buf_adds(out, "# fish completion for capstan\ncomplete -c capstan -f\n");
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			one_command(out, commands[i]);
	buf_adds(out, "complete -c capstan -n __fish_use_subcommand -a help -d 'Show the help of a command'\n"
		      "complete -c capstan -n '__fish_seen_subcommand_from help' -x -a '");
	completion_commands(out);
	buf_adds(out, "'\ncomplete -c kubectl-capstan -w capstan\n");
}
