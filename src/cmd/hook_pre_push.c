/*
 * hook_pre_push.c - what is looked at before a push: environments that the pushed branches deploy, as the
 * pushed commits have them; secrets in all that is new; directories of rendered objects.
 *
 * Everything is said on stderr: stdout is that of `git push`, which programs read.
 */
#include <stdlib.h>

#include "cmd/commit_secrets.h"
#include "cmd/git.h"
#include "cmd/hook.h"
#include "cmd/hook_input.h"
#include "cmd/hook_rendered.h"
#include "cmd/hook_summary.h"
#include "cmd/local_objects.h"
#include "cmd/print_findings.h"

/* A commit that is pushed to branches. */
struct pushed {
	const char *sha;
	VEC(const char *) branches;
	struct commit_check *check; /* NULL: its capstan.yaml is bad */
};

struct hook {
	struct cli *cli;
	struct arena arena;
	struct hook_input input;
	char *git_dir; /* with the objects: that of the main working tree, too */
	VEC(struct pushed *) commits;
	struct map by_sha;
	struct bases bases;
	struct exec_render exec;
	bool exec_begun;
	struct findings_printer printer;
	struct hook_summary *summary;
	size_t refused; /* reasons that are no findings */
};

static void say(const struct hook *h, const char *word, const struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	style_safe(&text, str_of(err->text), true);
	fprintf(h->cli->err, "%s: %s%s\n", h->cli->program, word, text.p ? text.p : "");
}

static void refuse(struct hook *h, const struct error *err)
{
	say(h, "", err);
	h->refused++;
}

/* --- commits --- */

static struct pushed *add_commit(struct hook *h, const char *sha)
{
	struct pushed *p = map_get(&h->by_sha, str_of(sha));
	if (p)
		return p;
	p = mem_alloc(sizeof(*p));
	p->sha = sha;
	map_put(&h->by_sha, str_of(sha), p);
	vec_push(&h->commits, p);
	return p;
}

static void collect_commits(struct hook *h)
{
	for (size_t i = 0; i < h->input.n; i++) {
		const struct hook_ref *ref = &h->input.refs[i];
		const char *branch = hook_ref_branch(ref);
		if (!*ref->sha || !branch)
			continue;
		struct pushed *p = add_commit(h, ref->sha);
		vec_push(&p->branches, branch);
	}
}

static bool deploys(const struct pushed *p, const struct environment *e)
{
	for (size_t i = 0; e->branch && i < p->branches.n; i++)
		if (strcmp(p->branches.at[i], e->branch) == 0)
			return true;
	return false;
}

/* --- checking --- */

/* Programs may be the repository's own: what confines them is found out when there is one. */
static int begin_exec(struct hook *h, const struct environment *e, struct error *err)
{
	if (e->type != RENDER_EXEC || h->exec_begun)
		return 0;
	h->exec_begun = true;
	return local_objects_exec(h->cli, &h->arena, &h->exec, err);
}

/* What could not be tried (a base that was not fetched yet) is no fault of the push: it is said. */
static void render_all(struct hook *h, struct pushed *p)
{
	const struct environments *all = commit_check_file(p->check);
	for (size_t i = 0; all && i < all->n; i++) {
		struct error err = ERROR_INIT;
		const struct environment *e = &all->list[i];
		if (!deploys(p, e))
			continue;
		if (begin_exec(h, e, &err) == 0 && commit_check_render(p->check, e, &err))
			continue;
		error_wrap(&err, "environment %s is not checked", e->name);
		say(h, "warning: ", &err);
	}
}

static void open_commit(struct hook *h, struct pushed *p)
{
	struct error err = ERROR_INIT;
	struct commit_check_options options = {
		.git_dir = h->git_dir,
		.sha = p->sha,
		.bases = &h->bases,
		.exec = &h->exec,
	};
	p->check = commit_check_open(&options, &err);
	const struct environments *all = p->check ? commit_check_file(p->check) : NULL;
	for (size_t i = 0; all && i < all->n; i++)
		if (deploys(p, &all->list[i]))
			hook_summary_add(h->summary, p->sha, &all->list[i]);
	if (p->check)
		return;
	if (h->commits.n > 1)
		error_wrap(&err, "commit %.12s", p->sha);
	refuse(h, &err);
}

static int check_commit(struct hook *h, struct pushed *p, struct error *err)
{
	const struct commit_environment *const *made;
	struct check_result result;
	render_all(h, p);
	if (commit_check_rendered(p->check, &made) == 0)
		return 0;
	if (commit_check_finish(p->check, &result, err) < 0)
		return -1;
	print_findings(&h->printer, &result, NULL);
	return 0;
}

static void check_commits(struct hook *h)
{
	for (size_t i = 0; i < h->commits.n; i++)
		open_commit(h, h->commits.at[i]);
	if (!h->refused)
		hook_summary_start(h->summary);
	for (size_t i = 0; i < h->commits.n; i++) {
		struct error err = ERROR_INIT;
		struct pushed *p = h->commits.at[i];
		if (p->check && check_commit(h, p, &err) < 0)
			refuse(h, &err);
	}
}

/* --- secrets --- */

static bool is_pushed(const struct hook *h, const char *sha)
{
	return map_get(&h->by_sha, str_of(sha)) != NULL;
}

static void tell_secrets(struct hook *h, const struct commit_secrets *found)
{
	const char *oldest = NULL;
	for (size_t i = 0; i < found->n; i++) {
		const struct commit_secrets_found *f = &found->list[i];
		print_findings(&h->printer, &f->result, is_pushed(h, f->sha) ? NULL : f->sha);
		if (f->result.errors && !is_pushed(h, f->sha))
			oldest = f->sha;
	}
	if (oldest)
		fprintf(h->cli->err,
			"%s: note: to take a secret away in a later commit is not enough; rewrite those that have "
			"it: git rebase -i %.12s^\n",
			h->cli->program, oldest);
	if (found->capped)
		fprintf(h->cli->err,
			"%s: note: secrets were looked for in the newest %zu commits of the push alone\n",
			h->cli->program, found->commits);
	if (found->large)
		fprintf(h->cli->err, "%s: note: %zu files are too large to look for secrets in\n",
			h->cli->program, found->large);
}

static void check_secrets(struct hook *h)
{
	struct error err = ERROR_INIT;
	struct commit_secrets found;
	struct arena *a = &h->arena;
	const char **heads = arena_array(a, const char *, h->input.n + 1);
	const char **known = arena_array(a, const char *, h->input.n + 1);
	struct commit_secrets_options options = {
		.git_dir = h->git_dir,
		.heads = heads,
		.known = known,
		.remote = h->input.remote,
	};
	for (size_t i = 0; i < h->input.n; i++) {
		if (*h->input.refs[i].sha)
			heads[options.n_heads++] = h->input.refs[i].sha;
		if (*h->input.refs[i].old)
			known[options.n_known++] = h->input.refs[i].old;
	}
	if (commit_secrets_scan(&options, &found, &err) < 0)
		refuse(h, &err);
	else
		tell_secrets(h, &found);
	commit_secrets_release(&found);
}

/* --- the verdict --- */

static void keep_rendered(struct hook *h)
{
	struct error err = ERROR_INIT;
	for (size_t i = 0; i < h->commits.n; i++) {
		const struct pushed *p = h->commits.at[i];
		const struct commit_environment *const *made = NULL;
		size_t n = p->check ? commit_check_rendered(p->check, &made) : 0;
		for (size_t k = 0; k < n; k++) {
			int rc = hook_rendered(h->cli, h->git_dir, p->sha, made[k], &err);
			if (rc < 0)
				refuse(h, &err);
			h->refused += rc > 0;
		}
	}
}

/* "prod: 50 objects", or nothing where no environment is deployed. */
static void tell_good(const struct hook *h)
{
	cleanup_buf struct buf line = BUF_INIT;
	for (size_t i = 0; i < h->commits.n; i++) {
		const struct pushed *p = h->commits.at[i];
		const struct commit_environment *const *made = NULL;
		size_t n = commit_check_rendered(p->check, &made);
		for (size_t k = 0; k < n; k++) {
			buf_adds(&line, line.n ? ", " : "");
			style_safe(&line, str_of(made[k]->environment->name), false);
			buf_printf(&line, ": %zu object%s", made[k]->output.n,
				   made[k]->output.n == 1 ? "" : "s");
		}
	}
	if (!line.n)
		return;
	if (h->printer.warnings)
		buf_printf(&line, "; %zu warning%s (`capstan check` tells them)", h->printer.warnings,
			   h->printer.warnings == 1 ? "" : "s");
	fprintf(h->cli->err, "%s: checked %s\n", h->cli->program, line.p);
}

static int verdict(struct hook *h)
{
	print_findings_rest(&h->printer);
	if (!h->printer.errors && !h->refused)
		keep_rendered(h);
	if (!h->printer.errors && !h->refused) {
		tell_good(h);
		hook_summary_print(h->summary);
		return EXIT_OK;
	}
	if (h->printer.errors)
		fprintf(h->cli->err, "%s: the push is refused: %zu error%s\n", h->cli->program,
			h->printer.errors, h->printer.errors == 1 ? "" : "s");
	return EXIT_DIFFERS;
}

/* --- the hook --- */

static int pre_push(struct hook *h)
{
	struct error err = ERROR_INIT;
	const char *const argv[] = { "git", "rev-parse", "--path-format=absolute", "--git-common-dir", NULL };
	if (hook_input_read(&h->arena, &h->input, &err) < 0 ||
	    git_ask(&h->arena, ".", argv, &h->git_dir, &err) < 0)
		return command_fail(h->cli, &err);
	h->printer = (struct findings_printer){
		.out = h->cli->err,
		.style = style_of(h->cli->err, h->cli->common.color),
	};
	h->summary = hook_summary_new(h->cli, h->git_dir, h->input.url);
	collect_commits(h);
	check_commits(h);
	check_secrets(h);
	return verdict(h);
}

int hook_pre_push(struct cli *cli, const char *remote, const char *url)
{
	struct hook h = { .cli = cli, .input = { .remote = remote, .url = url }, .bases.offline = true };
	int status = pre_push(&h);
	hook_summary_free(h.summary);
	for (size_t i = 0; i < h.commits.n; i++) {
		commit_check_free(h.commits.at[i]->check);
		vec_release(&h.commits.at[i]->branches);
		free(h.commits.at[i]);
	}
	vec_release(&h.commits);
	map_release(&h.by_sha);
	print_findings_release(&h.printer);
	bases_release(&h.bases);
	arena_release(&h.arena);
	return status;
}
