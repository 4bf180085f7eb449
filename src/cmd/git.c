/* git.c - see git.h. Each question has a loop of its own: commands ask few. */
#include "cmd/git.h"

#include "io/process.h"

struct question {
	struct arena *a;
	struct loop *loop;
	char *out;
	bool failed;
	struct error *err;
	const char *what;
};

static void on_end(void *arg, const struct process_result *r)
{
	struct question *q = arg;
	struct str text = str_trim(r->exit_code == 0 ? r->out : r->err);
	q->failed = r->exit_code != 0;
	if (!q->failed)
		q->out = arena_strndup(q->a, text.p, text.n);
	else if (r->timed_out)
		error_set(q->err, "git %s: no answer within %d s", q->what, GIT_TIMEOUT_MS / 1000);
	else
		error_set(q->err, "git %s: %.*s", q->what, (int)(text.n > 500 ? 500 : text.n), text.p);
	loop_stop(q->loop);
}

int git_ask(struct arena *a, const char *dir, const char *const *argv, char **out, struct error *err)
{
	struct question q = { .a = a, .loop = loop_new(), .err = err, .what = argv[1] };
	struct process_spec spec = {
		.argv = argv,
		.dir = dir,
		.output_max = GIT_OUTPUT_MAX,
		.stderr_max = 4096,
		.timeout_ms = GIT_TIMEOUT_MS,
	};
	if (process_start(q.loop, &spec, on_end, &q, err))
		loop_run(q.loop);
	else
		q.failed = true;
	loop_free(q.loop);
	*out = q.out;
	return q.failed ? -1 : 0;
}

int git_head(struct arena *a, const char *dir, struct git_head *out, struct error *err)
{
	const char *const head[] = { "git", "rev-parse", "--verify", "HEAD^{commit}", NULL };
	const char *const common[] = { "git", "rev-parse", "--path-format=absolute", "--git-common-dir",
				       NULL };
	const char *const subject[] = { "git", "log", "-1", "--format=%s", NULL };
	const char *const status[] = { "git", "status", "--porcelain", "--untracked-files=no", NULL };
	char *changed;
	if (git_ask(a, dir, head, &out->commit, err) < 0 || git_ask(a, dir, common, &out->git_dir, err) < 0 ||
	    git_ask(a, dir, subject, &out->subject, err) < 0 || git_ask(a, dir, status, &changed, err) < 0)
		return -1;
	if (*changed)
		out->commit = arena_printf(a, "%s-dirty", out->commit);
	return 0;
}

int git_remote_url(struct arena *a, const char *dir, const char *remote, char **out, struct error *err)
{
	const char *const argv[] = { "git", "remote", "get-url", "--push", "--", remote, NULL };
	if (strchr(remote, ':') || strchr(remote, '/')) {
		*out = arena_strdup(a, remote);
		return 0;
	}
	return git_ask(a, dir, argv, out, err);
}

int git_branch(struct arena *a, const char *dir, const char *branch, char **sha, struct error *err)
{
	const char *ref = arena_printf(a, "refs/heads/%s", branch);
	const char *const argv[] = { "git", "for-each-ref", "--format=%(objectname)", ref, NULL };
	return git_ask(a, dir, argv, sha, err);
}

int git_move_branch(struct arena *a, const char *dir, const char *branch, const char *before, const char *sha,
		    struct error *err)
{
	const char *ref = arena_printf(a, "refs/heads/%s", branch);
	const char *const argv[] = {
		"git",
		"update-ref",
		"-m",
		"capstan render",
		ref,
		sha,
		*before ? before : "0000000000000000000000000000000000000000",
		NULL,
	};
	char *ignored;
	return git_ask(a, dir, argv, &ignored, err);
}
