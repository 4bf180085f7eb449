/* Health of one object: the cases are data, tests/golden/health/KIND.yaml. */
#include "unit/cmocka_all.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cluster/live.h"
#include "doc/yaml.h"
#include "repo/tree.h"

enum { CASES_LEAST = 100 };

static const int64_t clock_stands_at = 1767225660; /* 2026-01-01T00:01:00Z */

static bool check(const char *file, const struct node *row)
{
	struct health_result got;
	struct str health = node_text(node_at(row, "want.health")),
		   message = node_text(node_at(row, "want.message"));
	health_of(node_get(row, "object"), clock_stands_at, &got);
	if (str_is(health, health_name(got.health)) && str_is(message, got.message))
		return true;
	print_error("%s: %.*s: want %.*s \"%.*s\", got %s \"%s\"\n", file,
		    STR_ARG(node_text(node_get(row, "name"))), STR_ARG(health), STR_ARG(message),
		    health_name(got.health), got.message);
	return false;
}

static void every_case_is_as_its_file_says(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	size_t cases = 0, wrong = 0;
	assert_int_equal(repo_dir_read(GOLDEN_DIR "/health", NULL, &a, &files, NULL), 0);
	for (size_t f = 0; f < files.n; f++) {
		struct yaml_stream stream;
		struct error err = ERROR_INIT;
		if (yaml_parse(&a, files.files[f].data, &stream, &err) != 0)
			fail_msg("%s: %s", files.files[f].path, err.text);
		for (size_t i = 0; i < stream.n; i++, cases++)
			wrong += !check(files.files[f].path, stream.documents[i].root);
	}
	assert_int_equal(wrong, 0);
	assert_in_range(cases, CASES_LEAST, 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_case_is_as_its_file_says) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
