/*
 * cases.c - kustomize builds as golden data: tests/golden/kustomize/GROUP/CASE has files in in/, the
 * directory to build in `target`, and what the real kustomize makes of it in want.yaml; or in want.err what
 * it says, and then the build must fail with a message that names a file.
 *
 *     cases DIRECTORY
 */
#include "case_files.h"

#include "render/kustomize/kustomize.h"

static const char *build(struct files *f, const char *target, struct buf *out, struct error *err)
{
	struct tree_memory memory = { f->paths.at, f->texts.at, f->paths.n };
	struct render_tree tree = tree_memory(&memory);
	struct origins origins = { 0 };
	struct kustomize_options options = { .order = KUSTOMIZE_ORDER_NONE, .origins = &origins };
	struct kustomize_result result;
	int rc = kustomize_build(&f->a, &tree, strcmp(target, ".") ? target : "", &options, &result, err);
	if (rc == 0)
		kustomize_print(&result, out);
	origins_release(&origins);
	return rc ? err->text : NULL;
}

static bool fail(const char *directory, const char *what, const struct buf *want, const char *got)
{
	printf("%s: %s\n--- want\n%s+++ got\n%s\n", directory, what, want->n ? want->p : "", got);
	return false;
}

static bool compare(const char *directory, struct files *f, const char *target)
{
	char path[4096];
	cleanup_buf struct buf got = BUF_INIT, want = BUF_INIT;
	struct error err = ERROR_INIT;
	const char *said = build(f, target, &got, &err);
	snprintf(path, sizeof(path), "%s/want.yaml", directory);
	if (read_file(path, &want)) {
		if (said)
			return fail(directory, "it fails", &want, said);
		return str_eq(buf_str(&got), buf_str(&want)) || fail(directory, "other text", &want, got.p);
	}
	snprintf(path, sizeof(path), "%s/want.err", directory);
	if (!read_file(path, &want))
		return fail(directory, "there is neither want.yaml nor want.err", &want, "");
	if (!said)
		return fail(directory, "it should fail", &want, got.n ? got.p : "");
	return strstr(said, ".yaml") || fail(directory, "the message has no place", &want, said);
}

static bool check(const char *directory)
{
	char path[4096];
	struct files f = { .a = ARENA_INIT };
	cleanup_buf struct buf target = BUF_INIT;
	snprintf(path, sizeof(path), "%s/target", directory);
	if (!read_file(path, &target))
		return false;
	struct str name = str_trim(buf_str(&target));
	snprintf(path, sizeof(path), "%s/in", directory);
	read_files(&f, path);
	bool good = compare(directory, &f, arena_str(&f.a, name).p);
	vec_release(&f.paths);
	vec_release(&f.texts);
	arena_release(&f.a);
	return good;
}

int main(int argc, char **argv)
{
	return each_case(argc, argv, check);
}
