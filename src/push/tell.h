/*
 * tell.h - what the pusher sees: on stderr of the hook, which git shows as "remote: ...", and in the push's
 * log. One line a step or a change, aligned, with the time since the push began:
 *
 *     check     0.03s  prod: 42 objects, nothing is wrong
 *     watch     2.41s  prod: Deployment web: 1 of 3 replicas available
 *     success: prod runs 3f9d41c07a52
 *
 * git colours lines that begin with error, warning, hint and success where the far end is a terminal; no
 * escape sequence comes from here. Text from outside is made safe.
 *
 * A pusher who is gone, or does not read, holds nothing up: after TELL_STALL_MS without a byte taken the
 * lines go to the log alone.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

#define TELL_STALL_MS 2000
#define TELL_LINE_MAX 2000u /* bytes of a line; more is cut */

struct tell;

/* line: without line break, of each line that is told. fd: not owned; -1: only to log. */
typedef void tell_log_fn(void *ctx, struct str line);
struct tell *tell_new(int fd, tell_log_fn *log, void *ctx);
void tell_free(struct tell *t);

/* "STEP  TIME  text". The same text of the same step twice in a row is told once. From any thread. */
void tell_step(struct tell *t, const char *step, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A line as it is. */
void tell_plain(struct tell *t, struct str line);
/* A line below the last step's, indented as its text. */
void tell_more(struct tell *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "error: text"; of several lines each further one is indented. word: error, warning, hint, success. */
void tell_word(struct tell *t, const char *word, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Seconds since the push began, "0.03s"; out has 16 bytes. */
void tell_time(const struct tell *t, char out[16]);
