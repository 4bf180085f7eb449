/*
 * ran.h - a command run in-process, with its output in memory.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/command.h"

#define RAN_WORDS_MAX 32

struct ran {
	int status;
	char *out, *err;
};

#define cleanup_ran cleanup(ran_release)

static inline void ran_release(struct ran *r)
{
	free(r->out);
	free(r->err);
	*r = (struct ran){ 0 };
}

/* program: the name that it is called by; words: the others, NULL-terminated. */
static inline struct ran ran_as(const char *program, const char *const *words)
{
	const char *argv[RAN_WORDS_MAX] = { program };
	int argc = 1;
	for (; words[argc - 1]; argc++) {
		assert_true(argc < RAN_WORDS_MAX);
		argv[argc] = words[argc - 1];
	}
	struct ran r = { 0 };
	size_t n_out, n_err;
	FILE *out = open_memstream(&r.out, &n_out), *err = open_memstream(&r.err, &n_err);
	r.status = command_main(argc, argv, out, err);
	fclose(out);
	fclose(err);
	return r;
}

#define RAN(...) ran_as("capstan", (const char *const[]){ __VA_ARGS__, NULL })

static inline void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}
