/*
 * git.h - questions to the user's git about a working tree, for commands; blocking, with a deadline.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

#define GIT_TIMEOUT_MS 30000
#define GIT_OUTPUT_MAX (16u << 20)

/* What git prints in dir, without the last line break, into a. -1: err has its own words. */
int git_ask(struct arena *a, const char *dir, const char *const *argv, char **out, struct error *err);

/*
 * What git prints when it reads input, byte for byte, into a. argv names the repository (--git-dir): what the
 * environment says of one, as it does in a hook, does not count. *cut: it was more than GIT_OUTPUT_MAX, and
 * the end is missing. what: for messages.
 */
int git_feed(struct arena *a, const char *what, const char *const *argv, struct str input, struct str *out,
	     bool *cut, struct error *err);

/* The url that a remote's name stands for; a url stands for itself. */
int git_remote_url(struct arena *a, const char *dir, const char *remote, char **out, struct error *err);

/* What the user's credential helpers know for an http url, and nobody is asked; "" when nothing. */
struct git_login {
	struct str username, password;
};
void git_login(struct arena *a, const char *url, struct git_login *out);
