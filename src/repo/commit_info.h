/* commit_info.h - who made a commit, when, and why; for status and history. Texts are safe to show. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define COMMIT_MESSAGE_MAX 4096 /* bytes kept of a message */

struct commit_info {
	const char *subject; /* the message's first paragraph on one line; "" when there is none */
	const char *message; /* all of it, line ends kept, cut at COMMIT_MESSAGE_MAX */
	const char *author, *email;
	int64_t author_ms, commit_ms; /* since 1970 UTC */
};

/* From any thread; texts into a. */
int commit_info_read(const char *mirror, const char *sha, struct arena *a, struct commit_info *out,
		     struct error *err);
