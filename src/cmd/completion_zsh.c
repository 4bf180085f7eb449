/* completion_zsh.c - the zsh script: one _arguments call for each command. */
#include "cmd/completion.h"

/* ":message:action" of a value or operand. */
static void action(struct buf *out, enum complete what, const char *message)
{
	buf_printf(out, ":%s:", message);
	const char *source = completion_source(what);
	if (what == COMPLETE_APP)
		buf_adds(out, "_capstan_apps");
	else if (source)
		buf_printf(out, "($(%s))", source);
	else if (what == COMPLETE_FILE)
		buf_adds(out, "_files");
	else if (what == COMPLETE_DIRECTORY)
		buf_adds(out, "_files -/");
	else if (what == COMPLETE_SHELL)
		buf_adds(out, "(bash zsh fish)");
	else if (what == COMPLETE_COMMAND) {
		buf_addc(out, '(');
		completion_commands(out);
		buf_addc(out, ')');
	}
}

static void value(struct buf *out, const struct option_def *d)
{
	if (d->kind == OPTION_FLAG)
		return;
	if (!d->choices) {
		action(out, d->complete, d->value);
		return;
	}
	buf_printf(out, ":%s:(", d->value);
	for (size_t i = 0; d->choices[i]; i++)
		buf_printf(out, "%s%s", i ? " " : "", d->choices[i]);
	buf_addc(out, ')');
}

static void one_form(struct buf *out, const struct option_def *d, const char *form, const char *join)
{
	buf_printf(out, " \\\n            '%s%s[", form, d->kind == OPTION_FLAG ? "" : join);
	completion_plain(out, d->help);
	buf_addc(out, ']');
	value(out, d);
	buf_addc(out, '\'');
}

static void one_command(struct buf *out, const struct command *c)
{
	struct option_def defs[COMMAND_OPTIONS_MAX];
	size_t n = command_options(c, defs);
	buf_printf(out, "    %s)\n        _arguments -s -S", c->name);
	for (size_t i = 0; i < n; i++) {
		char form[64];
		snprintf(form, sizeof(form), "--%s", defs[i].name);
		one_form(out, &defs[i], form, "=");
		snprintf(form, sizeof(form), "-%c", defs[i].letter);
		if (defs[i].letter)
			one_form(out, &defs[i], form, "+");
	}
	if (c->operands_max > 0) {
		buf_printf(out, " \\\n            '%s", c->operands_max == 1 ? "1" : "*");
		action(out, c->complete, "operand");
		buf_addc(out, '\'');
	}
	buf_adds(out, " ;;\n");
}

void completion_zsh(struct buf *out)
{
	buf_printf(
		out,
		"#compdef capstan kubectl-capstan\n\n"
		"_capstan_apps() {\n    local -a apps\n    apps=($(%s))\n    compadd -a apps\n    _files -/\n}\n\n"
		"_capstan() {\n    local -a subcommands\n    subcommands=(\n",
		completion_source(COMPLETE_APP));
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden) {
			buf_printf(out, "        '%s:", commands[i]->name);
			completion_plain(out, commands[i]->summary);
			buf_adds(out, "'\n");
		}
	buf_adds(
		out,
		"        'help:Show the help of a command'\n    )\n"
		"    if ((CURRENT == 2)); then\n        _describe command subcommands\n        return\n    fi\n"
		"    local subcommand=$words[2]\n    shift words\n    ((CURRENT--))\n    case $subcommand in\n");
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			one_command(out, commands[i]);
	buf_adds(out, "    help) _describe command subcommands ;;\n    esac\n}\n\n"
		      "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n    _capstan \"$@\"\nelse\n"
		      "    compdef _capstan capstan kubectl-capstan\nfi\n");
}
