/*
 * cases.c - kustomize cases as golden data: a directory with in/ (files), target (which directory under in/
 * to build) and want.yaml (kustomize's output, in the order of the files), or want.err (kustomize fails) and
 * error (what is said here). With CAPSTAN_GOLDEN_UPDATE set, each `error` is written anew: read the
 * difference before committing it. tests/golden/kustomize/regenerate writes the rest.
 *
 *     cases DIRECTORY
 */
#include "golden_files.h"
#include "render/kustomize/kustomize.h"

/* "." is the root of the tree. */
static const char *target_of(struct golden_files *f, const char *directory)
{
	char path[4096];
	cleanup_buf struct buf text = BUF_INIT;
	snprintf(path, sizeof(path), "%s/target", directory);
	if (!golden_read_file(path, &text))
		abort();
	struct str target = str_trim(buf_str(&text));
	return str_is(target, ".") ? "" : arena_str(&f->a, target).p;
}

/* 0, with the output; -1, with the error. */
static int build(struct golden_files *f, const char *target, struct buf *out)
{
	struct tree_memory memory = { f->paths.at, f->texts.at, f->paths.n };
	struct render_tree tree = tree_memory(&memory);
	struct kustomize_options options = { .order = KUSTOMIZE_ORDER_NONE };
	struct kustomize_result result;
	struct error err = ERROR_INIT;
	int rc = kustomize_build(&f->a, &tree, target, &options, &result, &err);
	if (rc)
		buf_printf(out, "%s\n", err.text);
	else
		kustomize_print(&result, out);
	return rc;
}

static bool compare(const char *path, const struct buf *got)
{
	cleanup_buf struct buf want = BUF_INIT;
	if (golden_read_file(path, &want) && str_eq(str_trim(buf_str(got)), str_trim(buf_str(&want))))
		return true;
	printf("%s\n--- want\n%s+++ got\n%s\n", path, want.n ? want.p : "", got->n ? got->p : "");
	return false;
}

static bool check(const char *directory)
{
	char path[4096];
	struct golden_files f = { .a = ARENA_INIT };
	cleanup_buf struct buf got = BUF_INIT, said = BUF_INIT;
	snprintf(path, sizeof(path), "%s/in", directory);
	golden_read_files(&f, path);
	int rc = build(&f, target_of(&f, directory), &got);
	golden_release_files(&f);
	snprintf(path, sizeof(path), "%s/want.err", directory);
	bool fails = golden_read_file(path, &said);
	if (fails != (rc != 0)) {
		printf("%s: it should %s\n%s\n", directory, fails ? "fail" : "work", got.n ? got.p : "");
		return false;
	}
	snprintf(path, sizeof(path), "%s/%s", directory, fails ? "error" : "want.yaml");
	if (fails && getenv("CAPSTAN_GOLDEN_UPDATE"))
		return golden_write_file(path, buf_str(&got));
	return compare(path, &got);
}

int main(int argc, char **argv)
{
	unsigned cases = 0, failures = 0;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	for (struct dirent *e; dir && (e = readdir(dir));) {
		char path[4096];
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
		cases++;
		failures += !check(path);
	}
	if (dir)
		closedir(dir);
	printf("%u cases, %u failures\n", cases, failures);
	return cases == 0 || failures;
}
