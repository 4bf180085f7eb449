/*
 * completion_bash.c - the bash script: find the command's word, then one case for values and one for options.
 *
 * bash breaks words at `=`, so that --output=js arrives as three words; the script's head puts that right.
 */
#include "cmd/completion.h"

static const char head[] =
	"# bash completion for capstan\n"
	"_capstan_words() { COMPREPLY+=($(compgen -W \"$1\" -- \"$cur\")); }\n"
	"_capstan_files() { compopt -o filenames 2>/dev/null; COMPREPLY+=($(compgen \"$1\" -- \"$cur\")); }\n"
	"\n"
	"_capstan() {\n"
	"    local IFS=$' \\t\\n' cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]} command= i\n"
	"    COMPREPLY=()\n"
	"    if [[ $cur == '=' ]]; then\n"
	"        cur=\n"
	"    elif [[ $option == '=' ]]; then\n"
	"        option=${COMP_WORDS[COMP_CWORD-2]}\n"
	"    fi\n";

static const char loop_tail[] = "            ((i++))\n"
				"            [[ ${COMP_WORDS[i]} == '=' ]] && ((i++)) ;;\n"
				"        -* | '=') ;;\n"
				"        *)\n"
				"            command=${COMP_WORDS[i]}\n"
				"            break ;;\n"
				"        esac\n"
				"    done\n";

/* `what` as one shell statement that adds to COMPREPLY. */
static void statement(struct buf *out, enum complete what)
{
	const char *source = completion_source(what);
	if (source)
		buf_printf(out, "_capstan_words \"$(%s)\"", source);
	if (what == COMPLETE_APP)
		buf_adds(out, "; ");
	if (what == COMPLETE_APP || what == COMPLETE_DIRECTORY)
		buf_adds(out, "_capstan_files -d");
	else if (what == COMPLETE_FILE)
		buf_adds(out, "_capstan_files -f");
	else if (what == COMPLETE_SHELL)
		buf_adds(out, "_capstan_words 'bash zsh fish'");
	else if (what == COMPLETE_COMMAND) {
		buf_adds(out, "_capstan_words '");
		completion_commands(out);
		buf_addc(out, '\'');
	} else if (!source)
		buf_addc(out, ':');
}

/* Skips options with values that stand before the command's name. */
static void find_command(struct buf *out)
{
	buf_adds(out,
		 "    for ((i = 1; i < COMP_CWORD; i++)); do\n        case ${COMP_WORDS[i]} in\n        ");
	const char *bar = "";
	for (const struct option_def *d = common_options; d->name; d++) {
		if (d->kind == OPTION_FLAG)
			continue;
		buf_printf(out, "%s--%s", bar, d->name);
		if (d->letter)
			buf_printf(out, " | -%c", d->letter);
		bar = " | ";
	}
	buf_adds(out, ")\n");
	buf_adds(out, loop_tail);
}

static void values(struct buf *out, const struct command *c)
{
	struct option_def defs[COMMAND_OPTIONS_MAX];
	size_t n = command_options(c, defs);
	for (size_t i = 0; i < n; i++) {
		const struct option_def *d = &defs[i];
		if (d->kind == OPTION_FLAG)
			continue;
		buf_printf(out, "    %s,--%s", c->name, d->name);
		if (d->letter)
			buf_printf(out, " | %s,-%c", c->name, d->letter);
		buf_adds(out, ") ");
		if (d->choices) {
			buf_adds(out, "_capstan_words '");
			for (size_t j = 0; d->choices[j]; j++)
				buf_printf(out, "%s%s", j ? " " : "", d->choices[j]);
			buf_addc(out, '\'');
		} else {
			statement(out, d->complete);
		}
		buf_adds(out, "; return ;;\n");
	}
}

static void words(struct buf *out, const struct command *c)
{
	struct option_def defs[COMMAND_OPTIONS_MAX];
	size_t n = command_options(c, defs);
	buf_printf(out, "    %s,-*) _capstan_words '", c->name);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s--%s%s", i ? " " : "", defs[i].name, defs[i].value ? "=" : "");
	buf_adds(out, "'; [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null ;;\n");
	buf_printf(out, "    %s,*) ", c->name);
	statement(out, c->complete);
	buf_adds(out, " ;;\n");
}

void completion_bash(struct buf *out)
{
	buf_adds(out, head);
	find_command(out);
	buf_adds(out, "    case $command,$option in\n");
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			values(out, commands[i]);
	buf_adds(out, "    esac\n    case $command,$cur in\n");
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			words(out, commands[i]);
	buf_adds(out, "    ,* | help,*) ");
	statement(out, COMPLETE_COMMAND);
	buf_adds(out, " ;;\n    esac\n    return 0\n}\ncomplete -F _capstan capstan kubectl-capstan\n");
}
