/*
 * confine_plan.c - all that can be decided before there is a child: the spec is checked, the program found,
 * and what the child needs is written out as finished strings, because the child may not even allocate.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "io/confine_parts.h"

enum { PAGE = 4096, SPARE_ENTRIES = 1024 };

/* The account's name inside; where we may not switch to one, the number is what the kernel says. */
#define PASSWD "root:x:0:0::/root:/usr/sbin/nologin\nrender:x:1000:1000::/render/home:/bin/sh\n"
#define GROUP "root:x:0:\nrender:x:1000:\n"
#define HOSTS "127.0.0.1 localhost\n::1 localhost\n"
#define NSSWITCH "passwd: files\ngroup: files\nhosts: files\n"

/* A path in the tree: what could lead out of it is refused, though the child's directory is empty and its
 * own. */
static bool good_path(const char *path)
{
	struct str rest = str_of(path);
	size_t depth = 0;
	if (rest.n == 0 || rest.n > CONFINE_PATH_MAX)
		return false;
	while (true) {
		size_t at = str_find(rest, '/', 0);
		struct str part = { rest.p, at == SIZE_MAX ? rest.n : at };
		if (part.n == 0 || part.n > NAME_MAX || str_is(part, ".") || str_is(part, ".."))
			return false;
		if (++depth > CONFINE_DEPTH_MAX)
			return false;
		if (at == SIZE_MAX)
			return true;
		rest = str_from(rest, at + 1);
	}
}

static uint64_t whole_pages(size_t n)
{
	return ((uint64_t)n + PAGE - 1) / PAGE * PAGE;
}

static int check_files(const struct confine_spec *spec, struct confine_job *job, struct error *err)
{
	if (spec->n_files > CONFINE_FILES_MAX)
		return error_set(err, "the tree has %zu files, more than %u (CONFINE_FILES_MAX)",
				 spec->n_files, CONFINE_FILES_MAX);
	for (size_t i = 0; i < spec->n_files; i++) {
		if (!good_path(spec->files[i].path))
			return error_set(
				err,
				"%.200s: not a path for a copy of the tree: no empty, \".\" or \"..\" "
				"parts, at most %u bytes and %u directories deep",
				spec->files[i].path, CONFINE_PATH_MAX, CONFINE_DEPTH_MAX);
		job->tree_bytes += whole_pages(spec->files[i].data.n);
	}
	job->tree_bytes += whole_pages(spec->input.n);
	if (job->tree_bytes > CONFINE_TREE_MAX)
		return error_set(err, "the tree is larger than %llu MiB (CONFINE_TREE_MAX)",
				 (unsigned long long)(CONFINE_TREE_MAX >> 20));
	if (spec->dir && *spec->dir && !good_path(spec->dir))
		return error_set(err, "%.200s: no directory of the tree", spec->dir);
	job->entries_max = spec->n_files + spec->disk_bytes / PAGE + SPARE_ENTRIES;
	return 0;
}

static int check_env(const struct confine_spec *spec, struct error *err)
{
	for (const char *const *e = spec->env; e && *e; e++) {
		const char *eq = strchr(*e, '=');
		if (!eq || eq == *e)
			return error_set(err, "environment: \"%.100s\" is not NAME=VALUE", *e);
	}
	return 0;
}

const char *confine_find_program(const char *argv0, struct buf *out)
{
	const char *path = getenv("PATH");
	buf_clear(out);
	if (argv0[0] == '/') {
		buf_adds(out, argv0);
		return access(argv0, X_OK) == 0 ? out->p : NULL;
	}
	if (strchr(argv0, '/') || !*argv0)
		return NULL;
	struct str rest = str_of(path ? path : CONFINE_PATH);
	while (rest.n) {
		struct stat st;
		struct str dir = str_cut(rest, ':', &rest);
		if (dir.n == 0 || dir.p[0] != '/') /* never from the working directory */
			continue;
		buf_clear(out);
		buf_printf(out, "%.*s/%s", STR_ARG(dir), argv0);
		if (access(out->p, X_OK) == 0 && stat(out->p, &st) == 0 && S_ISREG(st.st_mode))
			return out->p;
	}
	return NULL;
}

typedef VEC(struct confine_show) show_list;

static void show(show_list *list, int kind, const char *path, const char *text)
{
	struct confine_show s = { .kind = kind, .path = path, .text = text, .fd = -1 };
	vec_push(list, s);
}

/* Whether path is in a directory that is shown already. */
static bool is_shown(const show_list *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++) {
		size_t n = strlen(list->at[i].path);
		bool same = strncmp(path, list->at[i].path, n) == 0;
		if (same && (path[n] == '\0' || (list->at[i].kind == SHOW_DIR && path[n] == '/')))
			return true;
	}
	return false;
}

/* As it is on this machine: a directory, a file, or a link that leads to the same place. */
static void show_as_is(struct arena *a, show_list *list, const char *path)
{
	struct stat st;
	char target[PATH_MAX];
	if (lstat(path, &st) < 0 || is_shown(list, path))
		return;
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		if (n > 0)
			show(list, SHOW_LINK, path, arena_strndup(a, target, (size_t)n));
	} else if (S_ISDIR(st.st_mode)) {
		show(list, SHOW_DIR, path, NULL);
	} else if (S_ISREG(st.st_mode)) {
		show(list, SHOW_FILE, path, NULL);
	}
}

static void show_system(struct arena *a, show_list *list)
{
	static const char *const as_is[] = { "/usr",
					     "/bin",
					     "/sbin",
					     "/lib",
					     "/lib32",
					     "/lib64",
					     "/libx32",
					     "/etc/alternatives",
					     "/etc/ld.so.cache",
					     "/etc/ld.so.conf",
					     "/etc/ld.so.conf.d",
					     "/etc/localtime",
					     "/etc/mime.types" };
	static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
					       "/dev/urandom" };
	for (size_t i = 0; i < sizeof(as_is) / sizeof(as_is[0]); i++)
		show_as_is(a, list, as_is[i]);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		show(list, SHOW_DEVICE, devices[i], NULL);
	show(list, SHOW_TEXT, "/etc/passwd", PASSWD);
	show(list, SHOW_TEXT, "/etc/group", GROUP);
	show(list, SHOW_TEXT, "/etc/hosts", HOSTS);
	show(list, SHOW_TEXT, "/etc/nsswitch.conf", NSSWITCH);
	show(list, SHOW_LINK, "/dev/fd", "/proc/self/fd");
	show(list, SHOW_LINK, "/dev/stdin", "/proc/self/fd/0");
	show(list, SHOW_LINK, "/dev/stdout", "/proc/self/fd/1");
	show(list, SHOW_LINK, "/dev/stderr", "/proc/self/fd/2");
	/* Relative: the child makes directories through them before its root is the root. */
	show(list, SHOW_LINK, "/dev/shm", "../render/tmp");
	show(list, SHOW_LINK, "/tmp", "render/tmp");
	show(list, SHOW_LINK, "/var/tmp", "../render/tmp");
}

/* Paths that would show this machine or its processes whole, or hide the program's own directory. */
static bool may_show(const char *path)
{
	static const char *const never[] = { "/proc", "/sys",  "/dev", "/render", "/etc",
					     "/root", "/home", "/var", "/run",	  "/tmp" };
	if (path[0] != '/' || path[1] == '\0')
		return false;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (strcmp(path, never[i]) == 0 ||
		    (i < 4 && str_starts(str_of(path), str_of(never[i])) && path[strlen(never[i])] == '/'))
			return false;
	return true;
}

static int show_more(struct arena *a, show_list *list, const struct confine_spec *spec, struct error *err)
{
	for (const char *const *s = spec->show; s && *s; s++) {
		char *real = realpath(*s, NULL);
		bool good = real && may_show(real);
		if (good && !is_shown(list, real))
			show_as_is(a, list, arena_strdup(a, real));
		int saved = errno;
		bool missing = !real;
		free(real);
		if (missing)
			return error_set(err, "%.200s: to be shown to the program: %s", *s, strerror(saved));
		if (!good)
			return error_set(err,
					 "%.200s: may not be shown to the program: name what it needs "
					 "of it",
					 *s);
	}
	return 0;
}

/* The directory that a program in a place of packages is part of, or its own file. */
static const char *program_tree(struct arena *a, const char *real)
{
	if (strncmp(real, "/nix/store/", 11) == 0)
		return "/nix/store"; /* its libraries are other entries of the store */
	if (strncmp(real, "/opt/", 5) == 0 && strchr(real + 5, '/'))
		return arena_strndup(a, real, (size_t)(strchr(real + 5, '/') - real));
	return real;
}

static int find_program(struct arena *a, show_list *list, const struct confine_spec *spec,
			struct confine_job *job, struct error *err)
{
	cleanup_buf struct buf found = BUF_INIT;
	const char *argv0 = spec->argv[0];
	if (strchr(argv0, '/') && argv0[0] != '/') {
		job->program = argv0; /* the tree's: the child looks */
		return 0;
	}
	if (!confine_find_program(argv0, &found))
		return error_set(err, "%.200s: there is no such program%s", argv0,
				 argv0[0] == '/' ? "" : " in PATH: install it, or give its whole path");
	char *real = realpath(found.p, NULL);
	if (!real)
		return error_set(err, "%.200s: %s", found.p, strerror(errno));
	bool seen = is_shown(list, found.p) && is_shown(list, real);
	if (!is_shown(list, real))
		show_as_is(a, list, program_tree(a, arena_strdup(a, real)));
	job->program = arena_strdup(a, seen ? found.p : real);
	free(real);
	return 0;
}

int confine_plan(struct arena *a, const struct confine_spec *spec, struct confine_job *job, struct error *err)
{
	show_list list = { 0 };
	*job = (struct confine_job){ .spec = spec, .ticks = sysconf(_SC_CLK_TCK), .caller = getpid() };
	if (!spec->argv || !spec->argv[0])
		return error_set(err, "no program is named");
	if (check_files(spec, job, err) < 0 || check_env(spec, err) < 0)
		return -1;
	show_system(a, &list);
	int rc = show_more(a, &list, spec, err);
	if (rc == 0)
		rc = find_program(a, &list, spec, job, err);
	if (rc == 0) {
		job->show = arena_array(a, struct confine_show, list.n);
		memcpy(job->show, list.at, list.n * sizeof(*list.at));
		job->n_show = list.n;
		job->landlock = confine_landlock_version();
	}
	vec_release(&list);
	return rc;
}

/* Whether the caller's environment, from `from` on, sets what "NAME=value" sets. */
static bool is_given(const struct confine_spec *spec, size_t from, const char *setting)
{
	size_t n = (size_t)(strchr(setting, '=') - setting) + 1;
	for (const char *const *e = spec->env ? spec->env + from : NULL; e && *e; e++)
		if (strncmp(*e, setting, n) == 0)
			return true;
	return false;
}

void confine_plan_base(struct arena *a, struct confine_job *job, const char *base)
{
	const struct confine_spec *spec = job->spec;
	const char *own[] = {
		"PATH=" CONFINE_PATH,
		"LANG=C.UTF-8",
		arena_printf(a, "HOME=%s/home", base),
		arena_printf(a, "TMPDIR=%s/tmp", base),
	};
	size_t n = 0, own_n = sizeof(own) / sizeof(own[0]), given = 0;
	while (spec->env && spec->env[given])
		given++;
	const char **env = arena_array(a, const char *, own_n + given + 1);
	for (size_t i = 0; i < own_n; i++)
		if (!is_given(spec, 0, own[i]))
			env[n++] = own[i];
	for (size_t i = 0; i < given; i++)
		if (!is_given(spec, i + 1, spec->env[i])) /* of equal names the last counts */
			env[n++] = spec->env[i];
	job->env = (char *const *)(uintptr_t)env;
	job->base = base;
	job->cwd = spec->dir && *spec->dir ? arena_printf(a, "%s/tree/%s", base, spec->dir)
					   : arena_printf(a, "%s/tree", base);
}
