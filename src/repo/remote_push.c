/*
 * remote_push.c - `git push` of one commit to one branch, never by force, and what its answer means.
 *
 * git says for each ref, with --porcelain: a flag, FROM:TO and a summary like "[rejected] (fetch first)". The
 * server compares the branch with what it told us, so two that push at once cannot both win.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repo/objects.h"
#include "repo/remote_internal.h"

enum { OUTPUT_MAX = 64 * 1024 };

/* Somebody else was first: words of git's and of servers' for a branch that is not where it was. */
static bool is_race(struct str summary)
{
	static const char *const words[] = { "(fetch first)",	    "(non-fast-forward)",
					     "(stale info)",	    "(already exists)",
					     "cannot lock ref",	    "failed to update ref",
					     "incorrect old value", "reference already exists",
					     "failed to lock",	    "remote ref updated since checkout" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(summary.p, summary.n, words[i], strlen(words[i])))
			return true;
	return false;
}

enum push_outcome push_read(struct str out, struct str *reason)
{
	*reason = STR("");
	while (out.n) {
		struct str rest, line = str_cut(out, '\n', &out);
		struct str flag = str_cut(line, '\t', &rest);
		str_cut(rest, '\t', &rest);
		if (flag.n != 1 || !rest.n)
			continue;
		if (flag.p[0] != '!')
			return PUSH_DONE; /* ' ' moved, '*' new, '=' was there already */
		*reason = str_trim(rest);
		return is_race(rest) ? PUSH_RACED : PUSH_REFUSED;
	}
	return PUSH_FAILED;
}

/* What the server's hooks said: "remote: GitLab: You are not allowed ...". */
static void add_remote_lines(struct buf *out, struct str text)
{
	while (text.n && out->n < 600) {
		struct str line = str_trim(str_cut(text, '\n', &text));
		if (!str_starts(line, STR("remote:")))
			continue;
		line = str_trim(str_from(line, 7));
		if (!line.n || str_starts(line, STR("error: hook declined")))
			continue;
		buf_adds(out, "; ");
		for (size_t i = 0; i < line.n && out->n < 600; i++)
			buf_addc(out, (unsigned char)line.p[i] < ' ' || line.p[i] == 0x7f ? '?' : line.p[i]);
	}
}

static char *refusal(struct repo_remote *r, struct str reason, struct str said)
{
	char shown[400];
	cleanup_buf struct buf text = BUF_INIT;
	remote_redact(r->url, shown, sizeof(shown));
	buf_printf(&text, "push %s: the remote refuses the commit on branch %s: %.*s", shown, r->push_branch,
		   (int)(reason.n > 200 ? 200 : reason.n), reason.p);
	add_remote_lines(&text, said);
	buf_adds(&text, "; let this account push to it, or choose another branch");
	return mem_strdup(text.p);
}

static char *failure(struct repo_remote *r, const struct process_result *result)
{
	char *text = remote_failure(r, "push", r->url, result);
	if (!text)
		return mem_strdup("push: git gave no answer");
	if (!memmem(result->err.p, result->err.n, "error: 403", 10))
		return text;
	cleanup_buf struct buf more = BUF_INIT;
	buf_printf(&more, "%s; the account may read it, but not write to it", text);
	free(text);
	return hand_over(more.p);
}

static void finish(struct repo_remote *r, enum push_outcome outcome, const char *error)
{
	remote_push_fn *done = r->push_done;
	r->push_done = NULL;
	done(r->push_ctx, outcome, error);
}

static void on_pushed(void *arg, const struct process_result *result)
{
	struct repo_remote *r = arg;
	struct str reason;
	r->child = NULL;
	r->done = NULL;
	enum push_outcome outcome = push_read(result->out, &reason);
	if (outcome == PUSH_DONE && (result->exit_code != 0 || result->timed_out))
		outcome = PUSH_FAILED;
	cleanup_free char *error = outcome == PUSH_REFUSED  ? refusal(r, reason, result->err)
				   : outcome == PUSH_FAILED ? failure(r, result)
							    : mem_strndup(reason.p, reason.n);
	finish(r, outcome, error);
}

/* git could not be started. */
static void on_not_started(void *ctx, bool changed, const char *error)
{
	finish(ctx, PUSH_FAILED, error);
}

void remote_push(struct repo_remote *r, const char *sha, const char *branch, remote_push_fn *done, void *ctx)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *argv[] = { "git",
			       "push",
			       "--porcelain",
			       "--no-follow-tags",
			       "--no-recurse-submodules",
			       "--no-signed",
			       "--",
			       r->url,
			       arena_printf(&a, "%s:refs/heads/%s", sha, branch),
			       NULL };
	free(r->push_branch);
	r->push_branch = mem_strdup(branch);
	r->push_done = done;
	r->push_ctx = ctx;
	r->done = on_not_started;
	r->ctx = r;
	remote_run(r, argv, r->timeout_ms, OUTPUT_MAX, on_pushed);
}

static void on_pushed_all(void *arg, const struct process_result *result)
{
	struct repo_remote *r = arg;
	r->child = NULL;
	cleanup_free char *error = remote_failure(r, "push", r->url, result);
	remote_finish(r, !error, error);
}

void remote_push_all(struct repo_remote *r, const char *git_dir, remote_done_fn *done, void *ctx)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *argv[] = { "git",
			       arena_printf(&a, "--git-dir=%s", git_dir),
			       "push",
			       "--quiet",
			       "--prune",
			       "--no-recurse-submodules",
			       "--no-signed",
			       "--",
			       r->url,
			       "+refs/heads/*:refs/heads/*",
			       "+refs/tags/*:refs/tags/*",
			       NULL };
	r->done = done;
	r->ctx = ctx;
	remote_run(r, argv, r->timeout_ms, OUTPUT_MAX, on_pushed_all);
}
