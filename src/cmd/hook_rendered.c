/* hook_rendered.c - see hook_rendered.h. */
#include "cmd/hook_rendered.h"

#include "cmd/commit_rendered.h"
#include "cmd/git.h"
#include "cmd/hook_worktree.h"
#include "cmd/style.h"

#define SHOWN_MAX 20u /* names of files that are told */

/* The working tree, when the commit is what it has checked out; else NULL. */
static char *worktree_of(struct arena *a, const char *sha)
{
	const char *const head[] = { "git", "rev-parse", "--verify", "--quiet", "HEAD", NULL };
	const char *const top[] = { "git", "rev-parse", "--show-toplevel", NULL };
	char *out;
	if (git_ask(a, ".", head, &out, NULL) < 0 || strcmp(out, sha) != 0)
		return NULL;
	return git_ask(a, ".", top, &out, NULL) < 0 ? NULL : out;
}

static void tell_file(const struct cli *cli, const struct rendered_file *file, int rc)
{
	cleanup_buf struct buf path = BUF_INIT;
	const char *word = !file->was ? "added" : file->is ? "changed" : "removed";
	style_safe(&path, str_of(file->path), false);
	fprintf(cli->err, "  %-7s  %s%s\n", word, path.p,
		rc == WORKTREE_BUSY ? "  (has changes of your own: not touched)" : "");
}

static void tell_what_to_do(const struct cli *cli, const struct commit_environment *e, bool here, bool busy)
{
	cleanup_buf struct buf dir = BUF_INIT, safe = BUF_INIT;
	style_quote(&dir, e->environment->rendered);
	style_safe(&safe, buf_str(&dir), false);
	if (!here)
		fprintf(cli->err,
			"Nothing was written: that commit is not checked out. Check out the branch and push it from "
			"there.\n");
	else if (busy)
		fprintf(cli->err, "Put your own changes away, then push again: the rest is written anew.\n");
	else
		fprintf(cli->err,
			"They are written to the working tree. Look at them, commit them and push again:\n"
			"  git add -A -- %s && git commit -m 'render %s'\n",
			safe.p, e->environment->name);
}

int hook_rendered(const struct cli *cli, const char *git_dir, const char *sha,
		  const struct commit_environment *e, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf dir = BUF_INIT;
	struct rendered_file *files;
	size_t n;
	bool busy = false;
	if (!e->environment->rendered)
		return 0;
	if (commit_rendered_changes(&a, git_dir, sha, e, &files, &n, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	const char *root = worktree_of(&a, sha);
	style_safe(&dir, str_of(e->environment->rendered), false);
	fprintf(cli->err, "%s: %s is not what environment %s renders to: %zu file%s differ%s\n", cli->program,
		dir.p, e->environment->name, n, n == 1 ? "" : "s", n == 1 ? "s" : "");
	for (size_t i = 0; i < n; i++) {
		int rc = root ? worktree_apply(root, &files[i], err) : WORKTREE_SAME;
		if (rc < 0)
			return -1;
		busy = busy || rc == WORKTREE_BUSY;
		if (i < SHOWN_MAX || rc == WORKTREE_BUSY)
			tell_file(cli, &files[i], rc);
		else if (i == SHOWN_MAX)
			fprintf(cli->err, "  ... and %zu more\n", n - i);
	}
	tell_what_to_do(cli, e, root != NULL, busy);
	return 1;
}
