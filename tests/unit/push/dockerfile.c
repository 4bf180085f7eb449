/* Dockerfiles: which images they begin from, and the same file with digests. */
#include "../cmocka_all.h"

#include "push/dockerfile.h"

#define DIGEST "sha256:0123456789012345678901234567890123456789012345678901234567890123"

static int read_text(struct arena *a, const char *text, struct dockerfile *out, struct error *err)
{
	static const struct environments_value args[] = { { .name = "BASE", .text = { "debian", 6 } },
							  { .name = "EMPTY", .text = { "", 0 } } };
	return dockerfile_read(a, "Dockerfile", str_of(text), args, 2, out, err);
}

/* "image:line image:line": what is found, in order. */
static void check_bases(const char *text, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf found = BUF_INIT;
	struct error err = ERROR_INIT;
	struct dockerfile d;
	if (read_text(&a, text, &d, &err) < 0)
		fail_msg("%s\n%s", text, err.text);
	for (size_t i = 0; i < d.n_bases; i++)
		buf_printf(&found, "%s%s@%u", i ? " " : "", d.bases[i].image, d.bases[i].line);
	assert_string_equal(found.n ? found.p : "", want);
}

static void short_names_are_docker_hubs(void **state)
{
	check_bases("FROM nginx", "docker.io/library/nginx:latest@1");
	check_bases("FROM team/app:v1\n", "docker.io/team/app:v1@1");
	check_bases("FROM localhost/app", "localhost/app:latest@1");
	check_bases("FROM registry.example.com:5000/a/b:v2", "registry.example.com:5000/a/b:v2@1");
	check_bases("FROM registry.example.com/a@" DIGEST, "registry.example.com/a@1");
	check_bases("FROM registry.example.com/a:v1@" DIGEST, "registry.example.com/a@1");
}

static void scratch_and_stages_are_no_images(void **state)
{
	check_bases("FROM scratch\n", "");
	check_bases("FROM a.io/x AS build\nRUN x\nFROM Build\nCOPY --from=BUILD /a /b\nCOPY --from=0 /a /c\n",
		    "a.io/x:latest@1");
	check_bases("from a.io/x as one\nfrom a.io/y As two\n", "a.io/x:latest@1 a.io/y:latest@2");
}

static void other_places_name_images_too(void **state)
{
	check_bases("FROM scratch\nCOPY --chown=1:1 --from=a.io/tools:v1 /a /b\n", "a.io/tools:v1@2");
	check_bases(
		"FROM scratch\nRUN --mount=type=bind,from=a.io/tools:v1,target=/t --mount=type=cache,target=/c x\n",
		"a.io/tools:v1@2");
	check_bases("FROM scratch\nRUN echo --from=a.io/x FROM a.io/y\nCOPY a --from=a.io/z\n", "");
}

static void variables_have_values(void **state)
{
	check_bases("ARG BASE=alpine\nARG TAG=3\nFROM $BASE:${TAG}\n", "docker.io/library/debian:3@3");
	check_bases("ARG OTHER=busybox\nFROM ${OTHER:-x}:${NONE:-latest}${OTHER:+-slim}\n",
		    "docker.io/library/busybox:latest-slim@2");
	check_bases("ARG A=one\nARG B=${A}two\nFROM a.io/$B\n", "a.io/onetwo:latest@3");
	check_bases("ARG A=x\nFROM --platform=$BUILDPLATFORM a.io/\"$A\" AS b\n", "a.io/x:latest@2");
}

static void lines_are_continued(void **state)
{
	check_bases("# escape=`\nFROM `\n  # a comment\n\n  a.io/x `\n AS y\nFROM y\n", "a.io/x:latest@2");
	check_bases("RUN a \\\n  FROM a.io/no\nFROM a.io/x\n", "a.io/x:latest@3");
	check_bases("# FROM a.io/no \\\nFROM a.io/x\r\n", "a.io/x:latest@2");
	check_bases("FROM a.io/x \\", "a.io/x:latest@1");
}

static void names_are_pinned_where_they_stand(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;
	struct dockerfile d;
	assert_int_equal(
		read_text(&a,
			  "ARG BASE\n# from\nFROM  $BASE:1 AS b # x\nRUN  --mount=from=a.io/t,target=/t x\n"
			  "COPY --from=a.io/u:v /a /b\n",
			  &d, &err),
		0);
	assert_int_equal(d.n_bases, 3);
	for (size_t i = 0; i < d.n_bases; i++)
		d.bases[i].digest = DIGEST;
	dockerfile_pin(&d, &out);
	assert_string_equal(out.p, "ARG BASE\n# from\nFROM  docker.io/library/debian@" DIGEST
				   " AS b # x\nRUN  --mount=from=a.io/t@" DIGEST
				   ",target=/t x\nCOPY --from=a.io/u@" DIGEST " /a /b\n");
}

static void check_wrong(const char *text, const char *want)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct dockerfile d;
	assert_int_equal(read_text(&a, text, &d, &err), -1);
	assert_string_equal(err.text, want);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
	check_wrong("RUN x\n", "Dockerfile: has no FROM");
	check_wrong("\nFROM\n", "Dockerfile:2: FROM names no image");
	check_wrong("FROM $NONE\n",
		    "Dockerfile:1: $NONE: has no value: give it by `args`, or a default by ARG");
	check_wrong("ARG EMPTY=x\nFROM $EMPTY\n",
		    "Dockerfile:2: $EMPTY: has no value: give it by `args`, or a default by ARG");
	check_wrong(
		"FROM scratch\nCOPY --from=a.io/$X /a /b\n",
		"Dockerfile:2: a.io/$X: variables are not read here: write the image, or make it a stage");
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct dockerfile d;
	/* Transports of the builder are none of a Dockerfile's. */
	assert_int_equal(read_text(&a, "FROM docker-archive:/etc/passwd\n", &d, &err), -1);
	assert_int_equal(read_text(&a, "FROM oci:/store/x\n", &d, &err), -1);
	cleanup_buf struct buf many = BUF_INIT;
	for (unsigned i = 0; i <= DOCKERFILE_BASES_MAX; i++)
		buf_printf(&many, "FROM a.io/x%u\n", i);
	assert_int_equal(read_text(&a, many.p, &d, &err), -1);
	assert_non_null(strstr(err.text, "DOCKERFILE_BASES_MAX"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_names_are_docker_hubs),
		cmocka_unit_test(scratch_and_stages_are_no_images),
		cmocka_unit_test(other_places_name_images_too),
		cmocka_unit_test(variables_have_values),
		cmocka_unit_test(lines_are_continued),
		cmocka_unit_test(names_are_pinned_where_they_stand),
		cmocka_unit_test(what_is_wrong_is_told_with_its_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
