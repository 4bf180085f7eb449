/*
 * command.h - a subcommand as a const table: its words, options and examples make the help, the manual page,
 * the shell completion and docs/reference/commands.md, so that they cannot disagree.
 *
 * To add a command: one file NAME.c with `const struct command command_NAME` in meson.build, its name in
 * commands.h and its line in commands.c. Page, completion and reference follow.
 */
#pragma once

#include <stdio.h>

#include "cmd/exit.h"
#include "cmd/option.h"

/* Which of the common options a command takes (common.c). -h and --help belong to every command. */
enum common_set {
	COMMON_CLUSTER = 1 << 0,	/* --kubeconfig, --context */
	COMMON_NAMESPACE = 1 << 1,	/* -n, --namespace */
	COMMON_ALL_NAMESPACES = 1 << 2, /* -A, --all-namespaces */
	COMMON_COLOR = 1 << 3,		/* --color */
	COMMON_TIMEOUT = 1 << 4,	/* --timeout */
	COMMON_LOG = 1 << 5,		/* --log-level, --log-format */
	COMMON_OUTPUT = 1 << 6,		/* -o, --output: set by struct command.formats */
	COMMON_HELP = 1 << 7,
};

/* Values of the common options; NULL or 0: not given. */
struct common {
	const char *kubeconfig, *context, *namespace;
	const char *output; /* "json", "yaml", "wide" */
	const char *color;  /* "auto", "always", "never" */
	const char *log_level, *log_format;
	int64_t timeout_ms;
	bool all_namespaces, help;
};

struct example {
	const char *args; /* what follows the program's name */
	const char *text;
};

struct exit_note {
	enum exit_code code;
	const char *text;
};

struct cli;

struct command {
	const char *name;
	const char *operands;		     /* "DIR", "[APP...]"; "" for none */
	const char *summary;		     /* one line, no final full stop, starts with a verb */
	const char *help;		     /* paragraphs separated by empty lines; `code` in backticks */
	const struct option_def *options;    /* own options, ended by a NULL name; or NULL */
	size_t options_size;		     /* of the struct they fill */
	const char *const *formats;	     /* values of -o; NULL: no such option */
	unsigned common;		     /* enum common_set */
	unsigned operands_min, operands_max; /* UINT_MAX: any number */
	enum complete complete;		     /* what operands are */
	const struct example *examples;	     /* ended by NULL args; or NULL */
	const struct exit_note *exits;	     /* ended by NULL text; NULL: 0 and 2 with the usual words */
	bool hidden;			     /* in no list */
	int (*run)(struct cli *cli);	     /* returns an enum exit_code */
};

/* One invocation. Nothing in it is global, so that tests run commands in-process. */
struct cli {
	const char *program; /* "capstan", or "kubectl capstan" when run as a plugin */
	const struct command *command;
	struct common common;
	void *own; /* zeroed, options_size bytes, then filled by the parser */
	const char **operands;
	size_t n_operands;
	FILE *out, *err;
};

/* Every command of this program in the order of the help; ended by NULL. */
extern const struct command *const commands[];

const struct command *command_find(const char *name); /* NULL: none; hidden ones are found too */

#define COMMAND_OPTIONS_MAX 48

/* All options of a command, own ones first, as they are parsed and printed; returns how many. */
size_t command_options(const struct command *c, struct option_def out[COMMAND_OPTIONS_MAX]);

/* Common options alone: what may stand before the command's name. */
extern const struct option_def common_options[];
size_t common_options_count(void);

/* Exit notes of a command, the usual ones when it has none of its own. */
const struct exit_note *command_exits(const struct command *c);

/* Finds the command in argv, parses, runs it; returns the exit status. argv[0] is the program. */
int command_main(int argc, const char *const *argv, FILE *out, FILE *err);

/* "capstan: <message>" on cli->err; returns EXIT_TROUBLE. */
int command_fail(const struct cli *cli, const struct error *err);

/* The name an app gets from a directory: its last part in the letters that Kubernetes names allow; "app" for
 * "/". */
#define COMMAND_APP_NAME_MAX 54
void command_app_name(const char *dir, char out[COMMAND_APP_NAME_MAX]);
