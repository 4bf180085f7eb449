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

static int ask(struct arena *a, const char *dir, const char *const *argv, struct str input, char **out,
	       struct error *err)
{
	struct question q = { .a = a, .loop = loop_new(), .err = err, .what = argv[1] };
	struct process_spec spec = {
		.argv = argv,
		.dir = dir,
		.input = input,
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

int git_ask(struct arena *a, const char *dir, const char *const *argv, char **out, struct error *err)
{
	return ask(a, dir, argv, STR(""), out, err);
}

void git_login(struct arena *a, const char *url, struct git_login *out)
{
	/* `env`: the rest of the environment is the helpers' own. */
	static const char *const argv[] = {
		"env", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true", "git", "credential", "fill", NULL
	};
	char *text = NULL;
	*out = (struct git_login){ 0 };
	if (strchr(url, '\n') ||
	    ask(a, NULL, argv, str_of(arena_printf(a, "url=%s\n\n", url)), &text, NULL) < 0 || !text)
		return;
	struct str rest = str_of(text);
	while (rest.n) {
		struct str value, line = str_cut(rest, '\n', &rest), key = str_cut(line, '=', &value);
		if (str_is(key, "username"))
			out->username = value;
		else if (str_is(key, "password"))
			out->password = value;
	}
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
