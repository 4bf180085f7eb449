/*
 * exec_render.c - see exec_render.h.
 *
 * What a program reads, and so what its output is known by: argv, environment, stdin, the files of its copy
 * of the tree, and itself (file, size, times). Other programs that it calls are known by the directories of
 * PATH: whoever installs or replaces one changes the time of its directory.
 */
#include "operator/exec_render.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "operator/exec_cache.h"

/* "./a//b" and "a/b" are one path from the directory. */
static struct str from_directory(struct str path)
{
	while (str_starts(path, STR("./")) || str_starts(path, STR("/")))
		path = str_from(path, path.p[0] == '/' ? 1 : 2);
	return path;
}

static bool is_relative(const char *argv0)
{
	return argv0[0] != '/' && strchr(argv0, '/');
}

static bool same_program(const char *allowed, const char *argv0)
{
	cleanup_buf struct buf one = BUF_INIT, other = BUF_INIT;
	if (is_relative(allowed) || is_relative(argv0))
		return is_relative(allowed) && is_relative(argv0) &&
		       str_eq(from_directory(str_of(allowed)), from_directory(str_of(argv0)));
	if (strcmp(allowed, argv0) == 0)
		return true;
	const char *a = confine_find_program(allowed, &one), *b = confine_find_program(argv0, &other);
	return a && b && strcmp(a, b) == 0;
}

int exec_allowed(const char *const *allowed, size_t n, const char *argv0, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (same_program(allowed[i], argv0))
			return 0;
	return error_set(
		err,
		"%.200s: this installation does not allow to run it: whoever runs the operator allows a "
		"program by name (`capstan run --allow-exec %.200s`)",
		argv0, argv0);
}

static void add_file_identity(struct buf *out, const char *path, bool directory)
{
	struct stat st;
	if (stat(path, &st) < 0) {
		buf_printf(out, "%s: %d\n", path, errno);
		return;
	}
	buf_printf(out, "%s %llu:%llu %lld.%09ld", path, (unsigned long long)st.st_dev,
		   (unsigned long long)st.st_ino, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	/* A directory's size and change of status say nothing about the programs in it. */
	if (!directory)
		buf_printf(out, " %lld %lld.%09ld", (long long)st.st_size, (long long)st.st_ctim.tv_sec,
			   st.st_ctim.tv_nsec);
	buf_addc(out, '\n');
}

/* What PATH is for the program: given, or the usual directories. */
static struct str search_path(const struct exec_spec *spec)
{
	for (const char *const *e = spec->env; e && *e; e++)
		if (strncmp(*e, "PATH=", 5) == 0)
			return str_of(*e + 5);
	return str_of(CONFINE_PATH);
}

static int identify(const struct exec_spec *spec, struct buf *out, struct error *err)
{
	cleanup_buf struct buf found = BUF_INIT;
	const char *argv0 = spec->argv[0];
	if (is_relative(argv0)) {
		buf_adds(out, "of the tree\n");
	} else {
		if (!confine_find_program(argv0, &found))
			return error_set(
				err, "%.200s: there is no such program%s", argv0,
				argv0[0] == '/' ? "" : " in PATH: install it, or give its whole path");
		add_file_identity(out, found.p, false);
	}
	struct str rest = search_path(spec);
	while (rest.n) {
		cleanup_buf struct buf dir = BUF_INIT;
		struct str one = str_cut(rest, ':', &rest);
		if (one.n == 0 || one.p[0] != '/')
			continue;
		buf_add_str(&dir, one);
		add_file_identity(out, dir.p, true);
	}
	return 0;
}

static const struct confine_file *confine_files(struct arena *a, const struct exec_tree *tree)
{
	struct confine_file *files = arena_array(a, struct confine_file, tree->n + 1);
	for (size_t i = 0; i < tree->n; i++)
		files[i] = (struct confine_file){ tree->files[i].path, tree->files[i].data,
						  tree->files[i].executable };
	return files;
}

/* What ended it, and what it said last: that is mostly why. */
static int failed(struct arena *a, const struct confine_result *result, struct error *err)
{
	const char **lines;
	struct error what = *err;
	size_t n = exec_lines(a, buf_str(&result->err), &lines);
	if (n == 0)
		return -1;
	cleanup_buf struct buf said = BUF_INIT;
	size_t shown = n < 3 ? n : 3;
	for (size_t i = n - shown; i < n; i++)
		buf_printf(&said, "%s%s", said.n ? " | " : "", lines[i]);
	return error_set(err, "%s; it says: %s", what.text, said.p);
}

static int run(const struct exec_render *r, struct arena *a, const struct exec_tree *tree,
	       const struct exec_spec *spec, struct exec_output *out, struct exec_cached *printed,
	       struct error *err)
{
	struct confine_result result;
	struct confine_spec c = {
		.argv = spec->argv,
		.env = spec->env,
		.files = confine_files(a, tree),
		.n_files = tree->n,
		.dir = tree->dir,
		.input = spec->input,
		.show = r->show,
		.scratch = r->scratch,
		.timeout_ms = spec->timeout_ms,
		.memory_bytes = spec->memory_bytes,
		.disk_bytes = spec->disk_bytes,
		.pids_max = spec->pids_max,
		.output_max = spec->output_max,
		.policy = r->policy,
	};
	int rc = confine_run(&c, &result, err);
	if (rc == 0 && confine_verdict(&c, &result, err) < 0)
		rc = failed(a, &result, err);
	if (rc == 0) {
		printed->out = arena_str(a, buf_str(&result.out));
		printed->err = arena_str(a, buf_str(&result.err));
	}
	confine_result_release(&result);
	return rc;
}

int exec_render(const struct exec_render *r, struct arena *a, const struct render_tree *tree, const char *dir,
		const struct exec_spec *spec, struct exec_output *out, struct error *err)
{
	struct exec_tree files;
	struct exec_cached printed;
	cleanup_buf struct buf identity = BUF_INIT;
	*out = (struct exec_output){ 0 };
	if (!spec->argv || !spec->argv[0])
		return error_set(err, "no program is named");
	if (!r->any && exec_allowed(r->allowed, r->n_allowed, spec->argv[0], err) < 0)
		return -1;
	if (identify(spec, &identity, err) < 0)
		return -1;
	if (exec_tree_read(a, tree, dir, spec, &files, err) < 0)
		return error_wrap(err, "%.200s: the files that it reads", spec->argv[0]);
	struct hash key = exec_key(spec, &files, buf_str(&identity));
	out->cached = r->cache_dir && exec_cache_get(r->cache_dir, key, a, &printed);
	if (!out->cached && run(r, a, &files, spec, out, &printed, err) < 0)
		return -1;
	if (!out->cached && r->cache_dir)
		exec_cache_put(r->cache_dir, key, &printed, 0);
	out->text = printed.out;
	out->n_warnings = exec_lines(a, printed.err, &out->warnings);
	return 0;
}

int exec_render_begin(const struct exec_render *r, struct buf *text, struct error *err)
{
	struct confine_report report;
	confine_sweep(r->scratch);
	if (confine_probe(r->scratch, &report, err) < 0)
		return -1;
	confine_report_text(&report, text);
	if (confine_report_suffices(&report))
		return 0;
	if (r->policy == CONFINE_TOLERATE)
		return 1;
	return error_set(err,
			 "programs are not run on this machine, because too little would confine them: it "
			 "takes user namespaces, or Landlock and seccomp");
}
