/* hook_input.c - see hook_input.h. */
#include "cmd/hook_input.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/git.h"

int hook_input_text(struct buf *out, struct error *err)
{
	char part[65536];
	for (;;) {
		ssize_t n = read(STDIN_FILENO, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? error_set(err, "standard input: %s", strerror(errno)) : 0;
		buf_add(out, part, (size_t)n);
		if (out->n > HOOK_REFS_TEXT_MAX)
			return error_set(err, "more than %u MiB of refs (HOOK_REFS_TEXT_MAX)",
					 HOOK_REFS_TEXT_MAX >> 20);
	}
}

/*
 * pre-commit (hook_impl.py there) reads git's lines itself, and hands over one of them in variables. Where
 * all of a repository is new to the other side it names the branches alone.
 */
static int read_pre_commit(struct arena *a, const char *remote_branch, struct buf *out, struct error *err)
{
	const char *local = getenv("PRE_COMMIT_LOCAL_BRANCH"), *from = getenv("PRE_COMMIT_FROM_REF");
	const char *names[2] = { getenv("PRE_COMMIT_TO_REF"), from };
	char *shas[2] = { NULL, arena_strdup(a, "0000000000000000000000000000000000000000") };
	if (!names[0])
		names[0] = local;
	for (size_t i = 0; i < 2; i++) {
		const char *const argv[] = { "git",    "rev-parse", "--verify", "--end-of-options",
					     names[i], NULL };
		if (names[i] && git_ask(a, ".", argv, &shas[i], err) < 0)
			return error_wrap(err, "pre-commit's %s", names[i]);
	}
	if (!shas[0])
		return error_set(err, "pre-commit does not say what is pushed (PRE_COMMIT_TO_REF)");
	buf_printf(out, "%s %s %s %s\n", local ? local : names[0], shas[0], remote_branch, shas[1]);
	return 0;
}

int hook_input_read(struct arena *a, struct hook_input *in, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *remote_branch = getenv("PRE_COMMIT_REMOTE_BRANCH");
	bool pre_commit = !in->remote && remote_branch;
	if (pre_commit) {
		in->remote = getenv("PRE_COMMIT_REMOTE_NAME");
		in->url = getenv("PRE_COMMIT_REMOTE_URL");
	}
	if (!pre_commit && isatty(STDIN_FILENO))
		return error_set(err,
				 "git runs this before a push, with the refs on standard input; `capstan "
				 "hook install` sees to it");
	int rc = pre_commit ? read_pre_commit(a, remote_branch, &text, err) : hook_input_text(&text, err);
	return rc < 0 ? -1 : hook_refs_read(a, arena_str(a, buf_str(&text)), &in->refs, &in->n, err);
}
