/*
 * error.h - how a function says that it failed.
 *
 * Policy: a fallible function is `int f(..., struct error *err)`.
 *   0   it worked; err is untouched.
 *   -1  it failed; err holds a message for a person, read from the outside in
 *       ("sync shop: apply Deployment web/api: 422 ..."). Each layer adds what it
 *       knows with error_wrap() on the way up.
 *   >0  an enumerated condition (not found, conflict, ...) that the direct caller
 *       must handle; the function's header names them. err is untouched.
 * The caller owns the struct; there are no globals. err may be NULL everywhere.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

/* Longest message kept, in bytes with the final NUL. A longer one is cut and ends in "...". */
#define ERROR_TEXT_MAX 2048

struct error {
	char text[ERROR_TEXT_MAX];
};

#define ERROR_INIT         \
	{                  \
		.text = "" \
	}

/* Replaces the message. Always returns -1, so that `return error_set(...)` reads well. */
int error_set(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int error_vset(struct error *err, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Puts "<formatted>: " before the message that is there. Always returns -1. */
int error_wrap(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
