/*
 * origins without|with|places DIR - builds a kustomization as `capstan build` does and prints it, keeping
 * where each value comes from or not; what that takes is the difference of the two (tests/bench/timed.c).
 * `places` makes of it, too, what an operator keeps with each object for the errors of an apply
 * (deploy/places.h). On standard error, one line:
 *
 *   objects arena_bytes entries entry_bytes places_bytes
 *
 * entries: of struct origins, gone after the render.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/local_tree.h"
#include "deploy/places.h"
#include "render/kustomize/kustomize.h"

enum mode { WITHOUT, WITH, PLACES };

static int fail(const struct error *err)
{
	fprintf(stderr, "origins: %s\n", err->text);
	return 1;
}

static void report(const struct kustomize_result *result, const struct arena *a,
		   const struct origins *origins, bool with_places)
{
	cleanup_arena struct arena places = ARENA_INIT;
	size_t bytes = 0, arena = a->used;
	for (size_t i = 0; with_places && i < result->n; i++)
		bytes += places_of(&places, origins, result->objects[i].root).n;
	fprintf(stderr, "%zu %zu %zu %zu %zu\n", result->n, arena, origins->at.n,
		origins->at.n * sizeof(*origins->at.at), bytes);
}

static int build(const char *dir, enum mode mode)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct origins origins = { 0 };
	struct kustomize_options options = { .origins = mode == WITHOUT ? NULL : &origins };
	struct kustomize_result result;
	struct local_tree files;
	if (local_tree_init(&files, &err))
		return fail(&err);
	int rc = kustomize_build(&a, &files.tree, local_tree_path(&files, dir), &options, &result, &err);
	if (rc == 0) {
		kustomize_print(&result, &text);
		fwrite(text.n ? text.p : "", 1, text.n, stdout);
		report(&result, &a, &origins, mode == PLACES);
	}
	origins_release(&origins);
	local_tree_release(&files);
	return rc ? fail(&err) : 0;
}

int main(int argc, char **argv)
{
	static const char *const modes[] = { "without", "with", "places" };
	for (enum mode mode = WITHOUT; argc == 3 && mode <= PLACES; mode++)
		if (strcmp(argv[1], modes[mode]) == 0)
			return build(argv[2], mode);
	fprintf(stderr, "usage: origins without|with|places DIR\n");
	return 2;
}
