/*
 * init.c - `capstan init [DIR]`: a capstan.yaml by looking at the repository. What is written is read back by
 * the reader that everybody else uses, so that a file that this command makes is always a good one.
 */
#include "cmd/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/ask.h"
#include "cmd/init_choose.h"
#include "cmd/style.h"
#include "render/environments.h"

struct init_options {
	bool yes, force, print;
};

static void tell(FILE *to, const char *text)
{
	cleanup_buf struct buf line = BUF_INIT;
	style_safe(&line, str_of(text), false);
	fprintf(to, "%s\n", line.p ? line.p : "");
}

static void tell_choices(FILE *to, struct look *l, const struct choices *c)
{
	tell(to, arena_printf(l->a, "%s: %s%s%s", l->root,
			      l->repository ? "a git repository" : "no git repository",
			      l->branch	      ? ", branch "
			      : l->repository ? ", no branch is checked out"
					      : "",
			      l->branch ? l->branch : ""));
	for (size_t i = 0; i < c->list.n; i++) {
		const struct choice *one = &c->list.at[i];
		tell(to, arena_printf(l->a, "%s: %s: environment %s%s%s", one->dir->path, one->why, one->name,
				      one->dir->namespace ? ", namespace " : "",
				      one->dir->namespace ? one->dir->namespace : ""));
	}
	for (size_t i = 0; i < c->notes.n; i++)
		tell(to, c->notes.at[i]);
}

/* --- writing --- */

static int write_all(int fd, struct str text)
{
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);
		if (n < 0 && errno != EINTR)
			return -1;
		text = str_from(text, n > 0 ? (size_t)n : 0);
	}
	return fsync(fd);
}

/* Whole or not at all: a file beside it that takes its place, or its name where there must be none. */
static int write_file(struct arena *a, const char *path, struct str text, bool replace, struct error *err)
{
	const char *beside = arena_printf(a, "%s.new-%ld", path, (long)getpid());
	cleanup_fd int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_set(err, "%s: %s", beside, strerror(errno));
	int rc = write_all(fd, text);
	if (rc == 0)
		rc = replace ? rename(beside, path) : link(beside, path);
	if (rc)
		error_set(err, "%s: %s", path, strerror(errno));
	if (rc || !replace)
		unlink(beside);
	return rc;
}

/* The text, when it is one that everybody else can read. */
static int make_text(struct look *l, const struct choices *c, struct buf *out, struct error *err)
{
	struct environments e;
	if (c->list.n == 0)
		return error_set(
			err,
			"%s: there is nothing to deploy: no kustomization and no manifests; write %s by hand, "
			"see docs/reference/capstan-yaml.md",
			l->root, ENVIRONMENTS_FILE);
	choices_write(l, c, out);
	environments_read(l->a, ENVIRONMENTS_FILE, buf_str(out), &e);
	return environments_check(&e, err);
}

static int confirm(struct cli *cli, const char *path, const struct buf *text)
{
	const struct init_options *own = cli->own;
	if (own->yes)
		return 0;
	fprintf(cli->out, "\n%s\n", text->p);
	fflush(cli->out);
	return ask(cli, own->force ? "Write it over what is there?" : "Write it?") ? 0 : -1;
}

static int init(struct cli *cli, struct look *l, struct choices *c, struct error *err)
{
	const struct init_options *own = cli->own;
	cleanup_buf struct buf text = BUF_INIT;
	struct stat st;
	const char *dir = cli->n_operands ? cli->operands[0] : ".";
	if (look_at(l->a, dir, l, err))
		return -1;
	const char *path = arena_printf(l->a, "%s/%s", l->root, ENVIRONMENTS_FILE);
	bool there = lstat(path, &st) == 0;
	if (there && !own->force && !own->print)
		return error_set(err, "%s is there already; give --force to write it anew", path);
	choose(l, c);
	tell_choices(own->print ? cli->err : cli->out, l, c);
	if (make_text(l, c, &text, err))
		return -1;
	if (own->print) {
		fputs(text.p, cli->out);
		return 0;
	}
	if (confirm(cli, path, &text))
		return error_set(err, "nothing was written");
	if (write_file(l->a, path, buf_str(&text), own->force, err))
		return -1;
	tell(cli->out, arena_printf(l->a, "wrote %s", path));
	return 0;
}

static int run(struct cli *cli)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct look look = { .a = &a };
	struct choices choices = { 0 };
	struct error err = ERROR_INIT;
	int rc = init(cli, &look, &choices, &err);
	choices_release(&choices);
	look_release(&look);
	if (rc == 0)
		return EXIT_OK;
	error_wrap(&err, "init");
	return command_fail(cli, &err);
}

static const struct option_def options[] = {
	{ .name = "yes",
	  .letter = 'y',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct init_options, yes),
	  .help = "Write without asking." },
	{ .name = "force",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct init_options, force),
	  .help = "Write over a `capstan.yaml` that is there." },
	{ .name = "print",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct init_options, print),
	  .help = "Print the file instead of writing it." },
	{ .name = NULL },
};

static const struct example examples[] = {
	{ "init", "Look at the repository around, show what was found, and ask" },
	{ "init --yes ~/src/shop", "Write the file of another repository without asking" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "The file was written, or printed with `--print`." },
	{ EXIT_TROUBLE,
	  "Nothing was written: there is nothing to deploy, the file is there already, or nobody said yes." },
	{ 0, NULL },
};

const struct command command_init = {
	.name = "init",
	.operands = "[DIR]",
	.summary = "Write a capstan.yaml by looking at a repository",
	.help = "Looks at the git repository that DIR (default: the current directory) is in, and writes `capstan.yaml` at its "
		"root: an environment for each kustomization that no other one uses, for each directory in `overlays`, "
		"`environments`, `envs`, `clusters` and `deploy`, or else for the topmost directories of plain manifests. "
		"All of them follow the branch that is checked out; the namespace is the one that a kustomization sets.\n\n"
		"What was found, and why, is printed. The file is a beginning: read it and change what is different.",
	.options = options,
	.options_size = sizeof(struct init_options),
	.operands_min = 0,
	.operands_max = 1,
	.complete = COMPLETE_DIRECTORY,
	.examples = examples,
	.exits = exits,
	.run = run,
};
