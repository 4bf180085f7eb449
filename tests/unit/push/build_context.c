/* Contexts of builds: by what they are known, what is written of them, and what never is. */
#include "unit/repo/git_fixture.h"

#include <sys/stat.h>

#include "push/build_parts.h"
#include "repo/objects.h"

struct fixture {
	struct git_fixture git;
	char git_dir[160], out[160], commit[64];
	struct arena a;
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	git_fixture_init(&f->git, "build-context");
	git_do(&f->git,
	       "git init -q -b main work && mkdir -p work/web/sub work/other out && cd work && "
	       "echo 'FROM scratch' >web/Dockerfile && echo same >web/a && echo same >web/sub/b && "
	       "echo run >web/tool && chmod 755 web/tool && ln -s sub/b web/link && echo x >other/x");
	snprintf(f->git_dir, sizeof(f->git_dir), "%s/work/.git", f->git.dir);
	snprintf(f->out, sizeof(f->out), "%s/out", f->git.dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	objects_forget(NULL);
	files_remove(f->git.dir);
	arena_release(&f->a);
	free(f);
	return 0;
}

/* Runs commands in the work tree, commits, and opens the context. */
static int open_after(struct fixture *f, const char *commands, struct build_context *out, struct error *err)
{
	char path[256];
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text,
		   "cd work && { %s; } && git add -A && git commit -q --allow-empty -m x && "
		   "git rev-parse HEAD >../commit",
		   commands);
	git_do(&f->git, "%s", text.p);
	snprintf(path, sizeof(path), "%s/commit", f->git.dir);
	FILE *in = fopen(path, "r");
	assert_non_null(fgets(f->commit, sizeof(f->commit), in));
	fclose(in);
	f->commit[strcspn(f->commit, "\n")] = '\0';
	return build_context_open(&f->a, f->git_dir, f->commit, "web", "Dockerfile", out, err);
}

static struct hash hash_after(struct fixture *f, const char *commands)
{
	struct error err = ERROR_INIT;
	struct build_context c;
	if (open_after(f, commands, &c, &err) < 0)
		fail_msg("%s", err.text);
	return c.hash;
}

static void the_hash_is_that_of_what_is_written(void **state)
{
	struct fixture *f = *state;
	struct hash first = hash_after(f, "true");
	assert_true(hash_eq(first, hash_after(f, "echo y >other/x")));
	assert_false(hash_eq(first, hash_after(f, "echo new >web/sub/b")));
	struct hash ignoring = hash_after(f, "echo 'sub' >web/.dockerignore");
	assert_true(hash_eq(ignoring, hash_after(f, "echo newer >web/sub/b")));
	assert_false(hash_eq(ignoring, hash_after(f, "chmod 644 web/tool")));
	/* The Dockerfile's own one goes before. */
	struct hash own = hash_after(f, "echo a >web/Dockerfile.dockerignore");
	assert_false(hash_eq(own, hash_after(f, "echo newest >web/sub/b")));
}

static void look(struct fixture *f, const char *name, struct stat *out)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", f->out, name);
	if (lstat(path, out) < 0)
		memset(out, 0, sizeof(*out));
}

static void files_are_written_as_they_are(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct build_context c;
	struct stat a, b;
	assert_int_equal(open_after(f, "echo other >web/.dockerignore", &c, &err), 0);
	assert_true(str_is(c.text, "FROM scratch\n"));
	if (build_context_write(&c, f->out, 1 << 20, &err) < 0)
		fail_msg("%s", err.text);
	look(f, "a", &a);
	look(f, "sub/b", &b);
	assert_int_equal(a.st_mode, S_IFREG | 0644);
	assert_int_equal(a.st_size, 5);
	/* Equal files have equal times. */
	assert_int_equal(a.st_mtime, b.st_mtime);
	look(f, "tool", &b);
	assert_int_equal(b.st_mode, S_IFREG | 0755);
	assert_int_not_equal(a.st_mtime, b.st_mtime);
	look(f, "link", &b);
	assert_true(S_ISLNK(b.st_mode));
	look(f, ".git", &b);
	assert_int_equal(b.st_mode, 0);
	look(f, "x", &b);
	assert_int_equal(b.st_mode, 0);
}

static void check_refused(struct fixture *f, const char *commands, uint64_t most, const char *words)
{
	struct error err = ERROR_INIT;
	struct build_context c;
	assert_int_equal(open_after(f, commands, &c, &err), 0);
	git_do(&f->git, "rm -rf out && mkdir out");
	assert_int_equal(build_context_write(&c, f->out, most, &err), -1);
	if (!strstr(err.text, words))
		fail_msg("`%s` is not in: %s", words, err.text);
}

static void what_leads_out_or_is_too_large_is_refused(void **state)
{
	struct fixture *f = *state;
	static const char out[] = "leads out of the context";
	check_refused(f, "ln -sf /etc/passwd web/bad", 1 << 20, out);
	check_refused(f, "ln -sf ../other/x web/bad", 1 << 20, out);
	check_refused(f, "ln -sf sub/../../x web/bad", 1 << 20, out);
	check_refused(f, "rm web/bad; ln -sf ../../x web/sub/bad", 1 << 20, out);
	check_refused(f, "rm web/sub/bad", 6, "larger than the build may write (`disk`)");
	struct error err = ERROR_INIT;
	struct build_context c;
	/* A link to the Dockerfile is one to read elsewhere. */
	assert_int_equal(open_after(f, "ln -sf ../other/x web/Dockerfile", &c, &err), -1);
	assert_non_null(strstr(err.text, "web/Dockerfile: is a link"));
	assert_int_equal(open_after(f, "rm web/Dockerfile", &c, &err), -1);
	assert_string_equal(err.text, "web/Dockerfile: there is no such file in the commit");
	assert_int_equal(build_context_open(&f->a, f->git_dir, f->commit, "none", NULL, &c, &err), -1);
	assert_string_equal(err.text, "context none: there is no such directory in the commit");
	assert_int_equal(build_context_open(&f->a, f->git_dir, f->commit, "other/x", NULL, &c, &err), -1);
}

static void a_submodule_is_an_empty_directory(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct build_context c;
	struct stat st;
	assert_int_equal(
		open_after(f,
			   "git update-index --add --cacheinfo "
			   "160000,0123456789012345678901234567890123456789,web/module; mkdir web/module",
			   &c, &err),
		0);
	assert_int_equal(build_context_write(&c, f->out, 1 << 20, &err), 0);
	look(f, "module", &st);
	assert_true(S_ISDIR(st.st_mode));
}

/* --- names of images --- */

static const char *tag_of(struct fixture *f, const struct environments_build *b, const char *digest)
{
	struct dockerfile_base base = { .image = "r.io/a:v1", .digest = digest };
	struct dockerfile d = { .bases = &base, .n_bases = digest ? 1 : 0 };
	struct build_context c = { .text = STR("FROM r.io/a:v1") };
	return build_tag(&f->a, b, &c, &d);
}

static void everything_that_counts_is_in_the_name(void **state)
{
	struct fixture *f = *state;
	struct environments_value one[] = { { .name = "A", .text = { "1", 1 } },
					    { .name = "B", .text = { "2", 1 } } };
	struct environments_value other[] = { one[1], one[0] };
	const char *platforms[] = { "linux/arm64", NULL }, *secrets[] = { "A", NULL };
	struct environments_build plain = { .name = "web" }, args = { .args = one, .n_args = 2 };
	struct environments_build turned = { .args = other, .n_args = 2 },
				  fewer = { .args = one, .n_args = 1 };
	struct environments_build arm = { .platforms = platforms, .n_platforms = 1 };
	struct environments_build secret = { .secrets = secrets, .n_secrets = 1 };
	const char *names[] = { tag_of(f, &plain, NULL),       tag_of(f, &plain, "sha256:1"),
				tag_of(f, &plain, "sha256:2"), tag_of(f, &args, NULL),
				tag_of(f, &fewer, NULL),       tag_of(f, &arm, NULL),
				tag_of(f, &secret, NULL) };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(names[i], names[k]);
	assert_int_equal(strlen(names[0]), 2 + HASH_HEX_LEN);
	assert_string_equal(tag_of(f, &args, NULL), tag_of(f, &turned, NULL));
	plain.name = "api"; /* the name is where it goes, not what it is */
	assert_string_equal(tag_of(f, &plain, NULL), names[0]);
}

static void images_stay_below_the_registry(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct hosted_repo repo = { .name = "shop", .registry = { .url = "r.io/team/" } };
	struct build_request request = { .repo = &repo };
	struct environments_build b = { .name = "web" };
	assert_string_equal(build_repository(&f->a, &request, &b, &err), "r.io/team/shop-web");
	b.image = "r.io/team/x/web";
	assert_string_equal(build_repository(&f->a, &request, &b, &err), b.image);
	b.image = "r.io/teams/web";
	assert_null(build_repository(&f->a, &request, &b, &err));
	b.image = "other.io/team/web";
	assert_null(build_repository(&f->a, &request, &b, &err));
	assert_string_equal(err.text,
			    "image: other.io/team/web is not below the repository's registry, r.io/team");
	repo.registry.url = NULL;
	assert_null(build_repository(&f->a, &request, &b, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_hash_is_that_of_what_is_written, setup, teardown),
		cmocka_unit_test_setup_teardown(files_are_written_as_they_are, setup, teardown),
		cmocka_unit_test_setup_teardown(what_leads_out_or_is_too_large_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_submodule_is_an_empty_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(everything_that_counts_is_in_the_name, setup, teardown),
		cmocka_unit_test_setup_teardown(images_stay_below_the_registry, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
