/*
 * hook_install.c - the hook's file. It is a small shell script, so that the hook that was there before can
 * run first, with the same arguments and the same lines on its standard input.
 *
 * A program that writes hooks itself would overwrite ours, or we its: husky and lefthook are told to the
 * person instead. pre-commit keeps what it finds and runs it, as we do, so that both orders work.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/git.h"
#include "cmd/hook.h"
#include "cmd/style.h"
#include "io/file.h"
#include "repo/files.h"

#define MARK "# Capstan's pre-push hook: "
#define KEPT "pre-push.before-capstan"
#define HOOK_FILE_MAX (1u << 20) /* bytes of a hook that are looked at */

static const char script_before[] = "#!/bin/sh\n" MARK "`capstan hook install --uninstall` takes it away.\n"
				    "# The hook that was here before runs first, when there is one.\n"
				    "refs=$(cat) || exit 1\n"
				    "feed() { [ -z \"$refs\" ] || printf '%s\\n' \"$refs\" 2>/dev/null; }\n"
				    "kept=$(dirname \"$0\")/" KEPT "\n"
				    "if [ -x \"$kept\" ]; then\n"
				    "\tfeed | \"$kept\" \"$@\" || exit $?\n"
				    "fi\n"
				    "program=";

static const char script_behind[] =
	"\n"
	"[ -x \"$program\" ] || program=capstan\n"
	"command -v \"$program\" >/dev/null 2>&1 || {\n"
	"\techo \"$0: there is no program capstan: install it, or remove this file\" >&2\n"
	"\texit 1\n"
	"}\n"
	"feed | \"$program\" hook run pre-push -- \"$@\"\n";

struct place {
	struct arena arena;
	const char *dir, *hook, *kept; /* paths */
	struct buf text;	       /* of the hook that is there */
	bool there, ours;
};

static void release(struct place *p)
{
	buf_release(&p->text);
	arena_release(&p->arena);
}

static bool exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

static bool is_ours(const struct buf *text)
{
	return text->n && memmem(text->p, text->n, "\n" MARK, sizeof(MARK)) != NULL;
}

/* core.hooksPath is taken from where hooks run: the top of the working tree, or the repository when it is
 * bare.
 */
static int find_dir(struct place *p, struct error *err)
{
	const char *const top[] = { "git", "rev-parse", "--show-toplevel", NULL };
	const char *const bare[] = { "git", "rev-parse", "--path-format=absolute", "--git-common-dir", NULL };
	const char *const hooks[] = { "git",	    "rev-parse", "--path-format=absolute",
				      "--git-path", "hooks",	 NULL };
	char *at, *dir;
	if (git_ask(&p->arena, ".", top, &at, NULL) < 0 && git_ask(&p->arena, ".", bare, &at, err) < 0)
		return -1;
	if (git_ask(&p->arena, at, hooks, &dir, err) < 0)
		return -1;
	p->dir = dir;
	p->hook = arena_printf(&p->arena, "%s/pre-push", dir);
	p->kept = arena_printf(&p->arena, "%s/" KEPT, dir);
	return 0;
}

static int find(struct place *p, struct error *err)
{
	if (find_dir(p, err) < 0)
		return -1;
	p->there = exists(p->hook);
	/* A link that points to nothing is a hook that is there, too; git passes it over. */
	if (p->there && access(p->hook, F_OK) == 0 && file_read(p->hook, HOOK_FILE_MAX, &p->text, err) != 0)
		return -1;
	p->ours = is_ours(&p->text);
	return 0;
}

/* --- programs that manage hooks --- */

static bool mentions(const struct place *p, const char *word)
{
	return p->text.n && memmem(p->text.p, p->text.n, word, strlen(word)) != NULL;
}

/* The lines that a person is to add; NULL: nobody manages this hook. */
static const char *lines_for_manager(const struct place *p, const char **manager)
{
	if (strstr(p->dir, "/.husky")) {
		*manager = "husky";
		return "Add this line to .husky/pre-push:\n\n  capstan hook run pre-push \"$@\"\n";
	}
	if (mentions(p, "lefthook")) {
		*manager = "lefthook";
		return "Add this to lefthook.yml:\n\n"
		       "  pre-push:\n"
		       "    commands:\n"
		       "      capstan:\n"
		       "        run: capstan hook run pre-push {1} {2}\n"
		       "        use_stdin: true\n";
	}
	return NULL;
}

/* pre-commit moves what it finds to pre-push.legacy, and runs it. */
static bool runs_by_pre_commit(struct place *p)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *legacy = arena_printf(&p->arena, "%s/pre-push.legacy", p->dir);
	return mentions(p, "pre-commit") && access(legacy, X_OK) == 0 &&
	       file_read(legacy, HOOK_FILE_MAX, &text, NULL) == 0 && is_ours(&text);
}

/* --- writing --- */

static void write_script(struct buf *out)
{
	char program[4096];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[n > 0 ? n : 0] = '\0';
	buf_adds(out, script_before);
	style_quote(out, n > 0 ? program : "capstan");
	buf_adds(out, script_behind);
}

/* What was there gets its new name before it loses the old one, so that there is a hook at any time. */
static int keep_old(struct place *p, struct error *err)
{
	if (!p->there || p->ours)
		return 0;
	if (exists(p->kept))
		return error_set(err,
				 "%s is there, and %s is another hook: make one of the two, or remove one",
				 p->kept, p->hook);
	if (linkat(AT_FDCWD, p->hook, AT_FDCWD, p->kept, 0) == 0 || rename(p->hook, p->kept) == 0)
		return 0;
	return error_set(err, "%s: %s", p->kept, strerror(errno));
}

static int put(struct place *p, struct str text, struct error *err)
{
	char *aside = arena_printf(&p->arena, "%s/.pre-push-XXXXXX", p->dir);
	cleanup_fd int fd = mkostemp(aside, O_CLOEXEC);
	if (fd < 0)
		return error_set(err, "%s: %s", p->dir, strerror(errno));
	mode_t mask = umask(0);
	umask(mask);
	if (write(fd, text.p, text.n) == (ssize_t)text.n && fchmod(fd, 0777 & ~mask) == 0 &&
	    keep_old(p, err) == 0 && rename(aside, p->hook) == 0)
		return 0;
	if (!err->text[0])
		error_set(err, "%s: %s", p->hook, strerror(errno));
	unlink(aside);
	return -1;
}

static void tell(const struct cli *cli, const char *word, const char *path, const char *more)
{
	cleanup_buf struct buf safe = BUF_INIT;
	style_safe(&safe, str_of(path), false);
	fprintf(cli->out, "%-9s  %s%s\n", word, safe.p ? safe.p : "", more);
}

static int install(struct cli *cli, struct place *p, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *manager, *lines = lines_for_manager(p, &manager);
	if (lines && !p->ours) {
		fprintf(cli->err, "%s: %s manages the hooks here; its file is left as it is. %s",
			cli->program, manager, lines);
		return EXIT_DIFFERS;
	}
	if (runs_by_pre_commit(p)) {
		tell(cli, "unchanged", p->hook, ", which runs ours: pre-commit put itself in front");
		return EXIT_OK;
	}
	write_script(&text);
	if (p->ours && str_eq(buf_str(&p->text), buf_str(&text)) && access(p->hook, X_OK) == 0) {
		tell(cli, "unchanged", p->hook, "");
		return EXIT_OK;
	}
	if (files_make_dirs(p->dir, err) < 0 || put(p, buf_str(&text), err) < 0)
		return command_fail(cli, err);
	if (p->there && !p->ours)
		tell(cli, "kept", p->kept, ", which runs first");
	tell(cli, p->ours ? "updated" : "installed", p->hook, "");
	return EXIT_OK;
}

int hook_install(struct cli *cli)
{
	struct place p = { 0 };
	struct error err = ERROR_INIT;
	int status = find(&p, &err) < 0 ? command_fail(cli, &err) : install(cli, &p, &err);
	release(&p);
	return status;
}

static int uninstall(struct cli *cli, struct place *p, struct error *err)
{
	if (!p->ours) {
		tell(cli, "unchanged", p->hook, p->there ? ", which is not Capstan's" : ": there is none");
		return EXIT_OK;
	}
	bool kept = exists(p->kept);
	if ((kept ? rename(p->kept, p->hook) : unlink(p->hook)) < 0) {
		error_set(err, "%s: %s", p->hook, strerror(errno));
		return command_fail(cli, err);
	}
	tell(cli, kept ? "restored" : "removed", p->hook, "");
	return EXIT_OK;
}

int hook_uninstall(struct cli *cli)
{
	struct place p = { 0 };
	struct error err = ERROR_INIT;
	int status = find(&p, &err) < 0 ? command_fail(cli, &err) : uninstall(cli, &p, &err);
	release(&p);
	return status;
}
