/*
 * kustomize_test.h - what tests of kustomize builds share: files of a test as a tree in memory, and a build
 * of them to its text.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "render/kustomize/kustomize.h"

#define TEST_FILES_MAX 40

struct test_file {
	const char *path, *text;
};

/* The files as a tree, by their sorted paths. They end at a NULL path. */
static inline struct render_tree test_tree(struct arena *a, const struct test_file *files)
{
	struct tree_memory *memory = arena_new(a, struct tree_memory);
	const char **paths = arena_array(a, const char *, TEST_FILES_MAX);
	struct str *texts = arena_array(a, struct str, TEST_FILES_MAX);
	for (const struct test_file *f = files; f->path; f++) {
		size_t at = memory->n++;
		assert_true(memory->n <= TEST_FILES_MAX);
		for (; at > 0 && strcmp(paths[at - 1], f->path) > 0; at--) {
			paths[at] = paths[at - 1];
			texts[at] = texts[at - 1];
		}
		paths[at] = f->path;
		texts[at] = str_of(f->text);
	}
	memory->paths = paths;
	memory->texts = texts;
	return tree_memory(memory);
}

/* Builds dir; the objects as text, or NULL with err. */
static inline const char *test_build(struct arena *a, const struct test_file *files, const char *dir,
				     const struct kustomize_options *options, struct kustomize_result *result,
				     struct error *err)
{
	struct render_tree tree = test_tree(a, files);
	cleanup_buf struct buf text = BUF_INIT;
	if (kustomize_build(a, &tree, dir, options, result, err) != 0)
		return NULL;
	kustomize_print(result, &text);
	return arena_str(a, buf_str(&text)).p;
}

/* Builds dir and wants this text. */
static inline void check_build(const struct test_file *files, const char *dir, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kustomize_options options = { .order = KUSTOMIZE_ORDER_NONE };
	struct kustomize_result result;
	struct error err = ERROR_INIT;
	const char *got = test_build(&a, files, dir, &options, &result, &err);
	if (!got)
		fail_msg("%s", err.text);
	assert_string_equal(got, want);
}

/* Builds dir and wants it to fail with this message. */
static inline void check_fails(const struct test_file *files, const char *dir, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kustomize_options options = { .order = KUSTOMIZE_ORDER_NONE };
	struct kustomize_result result;
	struct error err = ERROR_INIT;
	assert_null(test_build(&a, files, dir, &options, &result, &err));
	assert_string_equal(err.text, want);
}
