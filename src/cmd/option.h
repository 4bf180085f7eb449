/*
 * option.h - command-line options as const tables, and the one parser for them.
 *
 * Each option names the field of a struct (by offset) that it fills, so that a command reads plain C values.
 * Accepted: --name=value, --name value, -n value, -nvalue, -n=value, bundled short flags (-Af x), flags with
 * =true or =false; `--` ends the options; operands and options may be mixed. Names are never abbreviated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum option_kind {
	OPTION_FLAG,	 /* bool */
	OPTION_TEXT,	 /* const char *: borrowed from argv */
	OPTION_CHOICE,	 /* const char *: one of `choices` */
	OPTION_DURATION, /* int64_t: milliseconds, from "90s", "5m", "1h" (a bare 0 is none) */
	OPTION_COUNT,	 /* int64_t: a whole number, 0 or more */
	OPTION_LIST,	 /* struct option_list: borrowed from argv; may be given again and again */
};

#define OPTION_LIST_MAX 64 /* values of one option */

struct option_list {
	const char *at[OPTION_LIST_MAX];
	size_t n;
};

/* What a shell may offer for a value or an operand. */
enum complete {
	COMPLETE_NOTHING,
	COMPLETE_FILE,
	COMPLETE_DIRECTORY,
	COMPLETE_CONTEXT,
	COMPLETE_NAMESPACE,
	COMPLETE_APP, /* also directories */
	COMPLETE_SHELL,
	COMPLETE_COMMAND,
};

enum option_home {
	OPTION_OWN,    /* offset is in the command's own struct (struct command.options_size) */
	OPTION_COMMON, /* offset is in struct common */
};

struct option_def {
	const char *name; /* long name without dashes; NULL ends a table */
	char letter;	  /* 0: none */
	enum option_kind kind;
	const char *value;	    /* "NAMESPACE" for help; NULL with flags */
	const char *help;	    /* one or more sentences; `code` in backticks */
	const char *const *choices; /* NULL-terminated, with OPTION_CHOICE */
	size_t offset;
	enum complete complete;
	unsigned common; /* enum common_set, in the common table only */
	enum option_home home;
};

/* Where parsed values go. */
struct option_target {
	void *own, *common;
};

/* The operands that were left over, in order; at[] has room for all of argv. */
struct operands {
	const char **at;
	size_t n;
};

/*
 * Parses argv[0..argc-1] (no program and no command name). -1 with a message for a person, with the nearest
 * name when an option is not known.
 */
int option_parse(const struct option_def *defs, size_t n, int argc, const char *const *argv,
		 const struct option_target *target, struct operands *operands, struct error *err);

/* How many arguments the option at argv[0] takes up (1 or 2), 0 when it is no option or not in the table. */
int option_span(const struct option_def *defs, size_t n, int argc, const char *const *argv);

/* The name among names[0..n-1] that `typed` was probably meant to be, or NULL. */
const char *option_nearest(const char *typed, const char *const *names, size_t n);
