/* git_fixture.h - a directory of its own for a test, and git in it. */
#pragma once

#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "repo/files.h"

struct git_fixture {
	char dir[64];
	char git[80]; /* DIR/.git */
};

static char *git_run(const struct git_fixture *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Runs a shell command in the directory; returns its first line, for the caller to free. */
static char *git_run(const struct git_fixture *f, const char *fmt, ...)
{
	cleanup_buf struct buf command = BUF_INIT;
	buf_printf(
		&command,
		"cd %s && export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t "
		"GIT_ALLOW_PROTOCOL=file; { ",
		f->dir);
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&command, fmt, ap);
	va_end(ap);
	buf_adds(&command, "; } 2>&1");
	FILE *pipe = popen(command.p, "r");
	assert_non_null(pipe);
	char line[512] = "", rest[512];
	if (!fgets(line, sizeof(line), pipe))
		line[0] = '\0';
	while (fgets(rest, sizeof(rest), pipe))
		;
	int rc = pclose(pipe);
	line[strcspn(line, "\n")] = '\0';
	if (rc != 0)
		fail_msg("%s: %s", command.p, line);
	return mem_strdup(line);
}

#define git_do(f, ...) free(git_run(f, __VA_ARGS__))

static void git_fixture_init(struct git_fixture *f, const char *name)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/capstan-%s-XXXXXX", name);
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->git, sizeof(f->git), "%s/.git", f->dir);
}
