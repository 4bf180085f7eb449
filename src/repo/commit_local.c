/*
 * commit_local.c - see commit_local.h.
 *
 * Refs are moved by `git update-ref` from the value that was seen, so that whoever moves them meanwhile is
 * noticed; after a push that somebody else won, the branch here is put back and everything begins again.
 */
#include "repo/commit_local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/vec.h"
#include "io/process.h"
#include "repo/objects.h"
#include "repo/publish.h"
#include "repo/remote.h"

enum { OUTPUT_MAX = 1 << 20, STDERR_MAX = 64 * 1024, SHORT_MS = 30000, ARGS_MAX = 16 };

#define NO_SHA "0000000000000000000000000000000000000000"

struct local {
	const struct local_options *options;
	const char *branch;
	struct loop *loop;
	struct arena arena;
	VEC(const char *) env;
	char *git_dir;					    /* the common one of all working trees */
	char *ref;					    /* refs/heads/BRANCH */
	char *remote;					    /* or NULL */
	char here[SHA_HEX_MAX + 1], there[SHA_HEX_MAX + 1]; /* "": there is none */
	int64_t until;
	uint32_t random;

	/* The child that ran last. */
	bool done;
	struct buf out, err_text;
	int exit_code;
	bool timed_out;
};

/* --- git --- */

static void on_exit_of_git(void *arg, const struct process_result *result)
{
	struct local *l = arg;
	l->exit_code = result->exit_code;
	l->timed_out = result->timed_out;
	buf_clear(&l->out);
	buf_clear(&l->err_text);
	buf_add_str(&l->out, result->out);
	buf_add_str(&l->err_text, result->err);
	l->done = true;
	loop_stop(l->loop);
}

static void make_env(struct local *l)
{
	extern char **environ;
	for (char **e = environ; *e; e++)
		if (strncmp(*e, "LC_ALL=", 7) != 0 && strncmp(*e, "GIT_TERMINAL_PROMPT=", 20) != 0)
			vec_push(&l->env, (const char *)*e);
	vec_push(&l->env, (const char *)"LC_ALL=C");
	vec_push(&l->env, (const char *)"GIT_TERMINAL_PROMPT=0");
	vec_push(&l->env, (const char *)NULL);
}

static int64_t time_left(const struct local *l, int64_t most)
{
	int64_t left = l->until - clock_mono_ms();
	return left < 1 ? 1 : left < most ? left : most;
}

/* Runs git; its exit code and what it said are in l. -1: it did not run to its end. */
static int git(struct local *l, int64_t timeout_ms, struct error *err, const char *first, ...)
	__attribute__((sentinel));

static int git(struct local *l, int64_t timeout_ms, struct error *err, const char *first, ...)
{
	const char *argv[ARGS_MAX] = { "git", first };
	va_list ap;
	va_start(ap, first);
	for (size_t n = 2; n < ARGS_MAX - 1 && (argv[n] = va_arg(ap, const char *)); n++)
		;
	va_end(ap);
	struct process_spec spec = {
		.argv = argv,
		.env = l->env.at,
		.dir = l->options->dir,
		.output_max = OUTPUT_MAX,
		.stderr_max = STDERR_MAX,
		.timeout_ms = time_left(l, timeout_ms),
	};
	l->done = false;
	if (!process_start(l->loop, &spec, on_exit_of_git, l, err))
		return -1;
	while (!l->done)
		loop_run(l->loop);
	if (l->timed_out)
		return error_set(err, "git %s: no end within %lld s", first,
				 (long long)spec.timeout_ms / 1000);
	return 0;
}

static struct str first_line(const struct buf *text)
{
	struct str rest = buf_str(text);
	return str_trim(str_cut(rest, '\n', &rest));
}

/* What git said on stderr, for people. */
static int say(struct local *l, const char *what, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct str rest = buf_str(&l->err_text);
	while (rest.n && text.n < 600) {
		struct str line = str_trim(str_cut(rest, '\n', &rest));
		if (!line.n || str_starts(line, STR("hint:")))
			continue;
		buf_adds(&text, text.n ? "; " : "");
		for (size_t i = 0; i < line.n && text.n < 600; i++)
			buf_addc(&text,
				 (unsigned char)line.p[i] < ' ' || line.p[i] == 0x7f ? '?' : line.p[i]);
	}
	if (!text.n)
		buf_printf(&text, "git ended with exit code %d", l->exit_code);
	return error_set(err, "%s: %s", what, text.p);
}

/* Runs git for its first line of output, into the arena. */
static int ask(struct local *l, const char *what, char **out, struct error *err, const char *first,
	       const char *second, const char *third)
{
	if (git(l, SHORT_MS, err, first, second, third, NULL) < 0)
		return error_wrap(err, "%s", what);
	if (l->exit_code != 0)
		return say(l, what, err);
	struct str line = first_line(&l->out);
	*out = arena_strndup(&l->arena, line.p, line.n);
	return 0;
}

/* --- what there is --- */

static int open_repository(struct local *l, struct error *err)
{
	return ask(l, l->options->dir, &l->git_dir, err, "rev-parse", "--path-format=absolute",
		   "--git-common-dir");
}

static int refuse_checked_out(struct local *l, struct error *err)
{
	cleanup_buf struct buf line = BUF_INIT;
	struct str at = STR("");
	if (git(l, SHORT_MS, err, "worktree", "list", "--porcelain", NULL) < 0)
		return -1;
	buf_printf(&line, "branch %s", l->ref);
	struct str rest = buf_str(&l->out);
	while (rest.n) {
		struct str text = str_cut(rest, '\n', &rest);
		if (str_starts(text, STR("worktree ")))
			at = str_from(text, 9);
		if (str_eq(text, buf_str(&line)))
			return error_set(
				err,
				"branch %s is checked out in %.*s; switch to another one there, or choose another branch",
				l->branch, STR_ARG(at));
	}
	return 0;
}

static int choose_remote(struct local *l, struct error *err)
{
	struct str only = STR("");
	size_t n = 0;
	bool found = false;
	const char *wanted = l->options->remote ? l->options->remote : "origin";
	if (git(l, SHORT_MS, err, "remote", NULL) < 0)
		return -1;
	struct str rest = buf_str(&l->out);
	while (rest.n) {
		struct str name = str_trim(str_cut(rest, '\n', &rest));
		if (!name.n || name.p[0] == '-')
			continue;
		n++;
		only = name;
		found = found || str_is(name, wanted);
	}
	if (found)
		l->remote = arena_strdup(&l->arena, wanted);
	else if (!l->options->remote && n == 1)
		l->remote = arena_strndup(&l->arena, only.p, only.n);
	if (l->remote || (!l->options->push && !l->options->remote))
		return 0;
	return error_set(err, "the repository has no remote %s; name one (`git remote` lists them)", wanted);
}

static char *tracking_ref(struct local *l)
{
	return arena_printf(&l->arena, "refs/remotes/%s/%s", l->remote, l->branch);
}

/* The remote's branch as it is now, fetched. */
static int fetch(struct local *l, struct error *err)
{
	const char *spec = arena_printf(&l->arena, "+%s:%s", l->ref, tracking_ref(l));
	l->there[0] = '\0';
	if (git(l, l->options->timeout_ms, err, "ls-remote", "--quiet", "--", l->remote, l->ref, NULL) < 0)
		return -1;
	if (l->exit_code != 0)
		return say(l, arena_printf(&l->arena, "list %s", l->remote), err);
	if (!first_line(&l->out).n)
		return 0; /* it has no such branch */
	if (git(l, l->options->timeout_ms, err, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules",
		"--no-write-fetch-head", "--no-auto-maintenance", "--", l->remote, spec, NULL) < 0)
		return -1;
	if (l->exit_code != 0)
		return say(l, arena_printf(&l->arena, "fetch %s", l->remote), err);
	if (!objects_ref_read(l->git_dir, tracking_ref(l), l->there))
		return error_set(err, "%s was fetched from %s and is not there", l->branch, l->remote);
	return 0;
}

/* The commit to build on. */
static int choose_base(struct local *l, const char **base, struct error *err)
{
	struct objects o;
	git_oid here, there;
	*base = l->here[0] ? l->here : l->there;
	if (!l->here[0] || !l->there[0] || strcmp(l->here, l->there) == 0)
		return 0;
	if (objects_open(&o, l->git_dir, err) < 0)
		return -1;
	git_oid_fromstr(&here, l->here);
	git_oid_fromstr(&there, l->there);
	bool ahead = git_graph_descendant_of(o.repository, &here, &there) == 1;
	bool behind = git_graph_descendant_of(o.repository, &there, &here) == 1;
	objects_close(&o);
	if (behind)
		*base = l->there;
	if (ahead || behind)
		return 0;
	if (!l->options->push) /* what the remote has is the business of whoever pushes */
		return 0;
	return error_set(
		err,
		"branch %s here and on %s have commits of their own; merge them, or drop the one here (git branch -D %s)",
		l->branch, l->remote, l->branch);
}

/* --- moving --- */

/* From one value to another; "" stands for no branch. */
static int move_branch(struct local *l, const char *from, const char *to, struct error *err)
{
	int rc;
	if (strcmp(from, to) == 0)
		return 0;
	if (*to)
		rc = git(l, SHORT_MS, err, "update-ref", "-m", "capstan: rendered", l->ref, to,
			 *from ? from : NO_SHA, NULL);
	else
		rc = git(l, SHORT_MS, err, "update-ref", "-d", l->ref, from, NULL);
	if (rc < 0)
		return -1;
	return l->exit_code == 0 ? 0 : say(l, arena_printf(&l->arena, "branch %s", l->branch), err);
}

static int push_refused(struct local *l, struct str reason, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text, "push to %s: it refuses the commit on branch %s: %.*s", l->remote, l->branch,
		   STR_ARG(reason));
	return say(l, text.p, err);
}

/* 0: there; 1: somebody else was first; -1. */
static int push(struct local *l, const char *sha, struct error *err)
{
	struct str reason;
	const char *spec = arena_printf(&l->arena, "%s:%s", sha, l->ref);
	if (git(l, l->options->timeout_ms, err, "push", "--porcelain", "--no-verify", "--no-follow-tags",
		"--no-recurse-submodules", "--", l->remote, spec, NULL) < 0)
		return -1;
	switch (push_read(buf_str(&l->out), &reason)) {
	case PUSH_DONE:
		if (l->exit_code == 0)
			return 0;
		break;
	case PUSH_RACED:
		return 1;
	case PUSH_REFUSED:
		return push_refused(l, reason, err);
	case PUSH_FAILED:
		break;
	}
	return say(l, arena_printf(&l->arena, "push to %s", l->remote), err);
}

/* --- one try --- */

/* 0, -1, or 1: somebody else was first. */
static int attempt(struct local *l, const struct commit_spec *spec, struct local_result *out,
		   struct error *err)
{
	const char *base;
	char made[SHA_HEX_MAX + 1];
	l->here[0] = l->there[0] = '\0';
	objects_forget(l->git_dir);
	objects_ref_read(l->git_dir, l->ref, l->here);
	if (l->options->push) {
		if (fetch(l, err) < 0)
			return -1;
	} else if (l->remote) {
		objects_ref_read(l->git_dir, tracking_ref(l), l->there);
	}
	if (choose_base(l, &base, err) < 0)
		return -1;
	int rc = commit_make(l->git_dir, base, spec, made, err);
	if (rc < 0 || move_branch(l, l->here, made, err) < 0)
		return -1;
	out->changed = rc == 0;
	snprintf(out->sha, sizeof(out->sha), "%s", made);
	if (!l->options->push || !*made || strcmp(made, l->there) == 0)
		return 0;
	rc = push(l, made, err);
	out->pushed = rc == 0;
	if (rc != 1)
		return rc;
	return move_branch(l, made, l->here, err) < 0 ? -1 : 1;
}

static void pause_ms(struct local *l, int64_t ms)
{
	int64_t left = time_left(l, ms);
	struct timespec t = { left / 1000, (left % 1000) * 1000000 };
	nanosleep(&t, NULL);
}

static int attempts(struct local *l, const struct commit_spec *spec, struct local_result *out,
		    struct error *err)
{
	for (;;) {
		out->tries++;
		int rc = attempt(l, spec, out, err);
		if (rc <= 0)
			return rc;
		if (out->tries >= PUBLISH_TRIES_MAX || clock_mono_ms() >= l->until)
			return error_set(
				err,
				"push to %s: others were first on branch %s %u times in a row; try again",
				l->remote, l->branch, out->tries);
		pause_ms(l, publish_pause(out->tries, &l->random));
	}
}

/* Who git says commits here; else Capstan. */
static void read_identity(struct local *l, struct commit_spec *spec)
{
	char *line;
	if (spec->author || ask(l, "identity", &line, NULL, "var", "GIT_AUTHOR_IDENT", NULL) < 0)
		return;
	commit_author(spec, line);
}

static void local_init(struct local *l, const struct local_options *options, const char *branch)
{
	*l = (struct local){ .options = options, .branch = branch, .loop = loop_new() };
	l->until = clock_mono_ms() + options->deadline_ms;
	l->random = (uint32_t)clock_wall_ms() | 1;
	make_env(l);
	l->ref = arena_printf(&l->arena, "refs/heads/%s", branch);
}

static void local_release(struct local *l)
{
	loop_free(l->loop);
	vec_release(&l->env);
	buf_release(&l->out);
	buf_release(&l->err_text);
	arena_release(&l->arena);
}

int commit_local(const struct local_options *options, const char *branch, const struct commit_spec *spec,
		 struct local_result *out, struct error *err)
{
	struct local l;
	struct commit_spec mine = *spec;
	*out = (struct local_result){ 0 };
	if (commit_check_branch(branch, err) < 0)
		return -1;
	local_init(&l, options, branch);
	int rc = open_repository(&l, err);
	if (rc == 0)
		rc = refuse_checked_out(&l, err);
	if (rc == 0)
		rc = choose_remote(&l, err);
	if (rc == 0) {
		read_identity(&l, &mine);
		rc = attempts(&l, &mine, out, err);
		if (out->pushed)
			snprintf(out->remote, sizeof(out->remote), "%s", l.remote);
		objects_forget(l.git_dir);
	}
	local_release(&l);
	return rc;
}

int commit_local_head(const char *dir, char sha[SHA_HEX_MAX + 1], bool *dirty, struct error *err)
{
	struct local l;
	struct local_options options = { .dir = dir, .deadline_ms = SHORT_MS };
	char *head = NULL, *status = NULL;
	local_init(&l, &options, "");
	int rc = ask(&l, dir, &head, err, "rev-parse", "--verify", "HEAD^{commit}");
	if (rc == 0)
		rc = ask(&l, dir, &status, err, "status", "--porcelain", "--untracked-files=no");
	if (rc == 0) {
		snprintf(sha, SHA_HEX_MAX + 1, "%s", head);
		*dirty = *status != '\0';
	}
	local_release(&l);
	return rc;
}
