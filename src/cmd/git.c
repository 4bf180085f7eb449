/* git.c - see git.h. Each question has a loop of its own: commands ask few. */
#include "cmd/git.h"

#include <unistd.h>

#include "io/process.h"

struct question {
	struct arena *a;
	struct loop *loop;
	char *out;
	struct str all; /* of git_feed() */
	bool whole, cut, failed;
	struct error *err;
	const char *what;
};

static void on_end(void *arg, const struct process_result *r)
{
	struct question *q = arg;
	struct str text = str_trim(r->exit_code == 0 ? r->out : r->err);
	q->cut = q->whole && r->overflow;
	q->failed = r->exit_code != 0 && !q->cut;
	if (q->whole)
		q->all = arena_str(q->a, r->out);
	if (!q->failed)
		q->out = arena_strndup(q->a, text.p, text.n);
	else if (r->timed_out)
		error_set(q->err, "git %s: no answer within %d s", q->what, GIT_TIMEOUT_MS / 1000);
	else
		error_set(q->err, "git %s: %.*s", q->what, (int)(text.n > 500 ? 500 : text.n), text.p);
	loop_stop(q->loop);
}

static int ask(struct question *q, const struct process_spec *spec)
{
	q->loop = loop_new();
	if (process_start(q->loop, spec, on_end, q, q->err))
		loop_run(q->loop);
	else
		q->failed = true;
	loop_free(q->loop);
	return q->failed ? -1 : 0;
}

/* What a short answer is, trimmed. */
static int ask_line(struct arena *a, const char *dir, const char *const *argv, struct str input, char **out,
		    struct error *err)
{
	struct question q = { .a = a, .err = err, .what = argv[1] };
	struct process_spec spec = {
		.argv = argv,
		.dir = dir,
		.input = input,
		.output_max = GIT_OUTPUT_MAX,
		.stderr_max = 4096,
		.timeout_ms = GIT_TIMEOUT_MS,
	};
	int rc = ask(&q, &spec);
	*out = q.out;
	return rc;
}

/* Variables by which git tells its hooks which repository it works in (git rev-parse --local-env-vars). */
static bool is_local(const char *variable)
{
	static const char *const names[] = {
		"GIT_ALTERNATE_OBJECT_DIRECTORIES=",
		"GIT_COMMON_DIR=",
		"GIT_DIR=",
		"GIT_GRAFT_FILE=",
		"GIT_INDEX_FILE=",
		"GIT_NAMESPACE=",
		"GIT_OBJECT_DIRECTORY=",
		"GIT_PREFIX=",
		"GIT_QUARANTINE_PATH=",
		"GIT_SHALLOW_FILE=",
		"GIT_WORK_TREE=",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static const char **global_environment(struct arena *a)
{
	size_t n = 0, kept = 0;
	while (environ[n])
		n++;
	const char **out = arena_array(a, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		if (!is_local(environ[i]))
			out[kept++] = environ[i];
	return out;
}

int git_feed(struct arena *a, const char *what, const char *const *argv, struct str input, struct str *out,
	     bool *cut, struct error *err)
{
	struct question q = { .a = a, .err = err, .what = what, .whole = true };
	struct process_spec spec = {
		.argv = argv,
		.env = global_environment(a),
		.input = input,
		.output_max = GIT_OUTPUT_MAX,
		.stderr_max = 4096,
		.timeout_ms = GIT_TIMEOUT_MS,
	};
	int rc = ask(&q, &spec);
	*out = q.all;
	*cut = q.cut;
	return rc;
}

int git_ask(struct arena *a, const char *dir, const char *const *argv, char **out, struct error *err)
{
	return ask_line(a, dir, argv, STR(""), out, err);
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
	    ask_line(a, NULL, argv, str_of(arena_printf(a, "url=%s\n\n", url)), &text, NULL) < 0 || !text)
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
