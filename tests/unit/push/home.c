/* What the service keeps on its volume reads back as it was written, and names never leave their place. */
#include "unit/cmocka_all.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "io/file.h"
#include "push/home_record.h"

static char *scratch(struct arena *a)
{
	char *dir = arena_strdup(a, "/tmp/capstan-push-home-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return dir;
}

static void remove_tree(struct arena *a, const char *dir)
{
	assert_int_equal(system(arena_printf(a, "rm -rf '%s'", dir)), 0);
}

static void names_are_those_of_objects(void **state)
{
	static const char *const good[] = { "a", "default", "a-b", "web.example", "0", "a1-2.b" };
	static const char *const bad[] = { "",	 ".",	 "..",	 "a/b", "-a",	"a-",  "A", "a..b", ".a",
					   "a.", "a.-b", "a-.b", "a b", "a\nb", "a_b", "é", "~",    "$x" };
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(hosted_name_ok(str_of(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(hosted_name_ok(str_of(bad[i])));
	assert_false(hosted_name_ok((struct str){ "a\0b", 3 }));
	char longest[HOSTED_NAME_MAX + 2];
	memset(longest, 'a', sizeof(longest));
	assert_true(hosted_name_ok((struct str){ longest, HOSTED_NAME_MAX }));
	assert_false(hosted_name_ok((struct str){ longest, HOSTED_NAME_MAX + 1 }));
}

static void home_is_given_or_of_the_environment(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	setenv("CAPSTAN_PUSH_HOME", "/srv/push", 1);
	assert_string_equal(push_home(&a, "/x/y/"), "/x/y");
	assert_string_equal(push_home(&a, NULL), "/srv/push");
	assert_string_equal(push_home(&a, ""), "/srv/push");
	unsetenv("CAPSTAN_PUSH_HOME");
	assert_string_equal(push_home(&a, NULL), "/var/lib/capstan/push");
	assert_true(push_home(&a, "here")[0] == '/');
	assert_string_equal(push_path(&a, "/h", "repos", "ns", NULL), "/h/repos/ns");
}

static void a_file_is_replaced_whole(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct stat st;
	char *dir = scratch(&a), *path = push_path(&a, dir, "f", NULL);
	assert_int_equal(push_replace(path, STR("one"), &err), 0);
	assert_int_equal(push_replace(path, STR("two"), &err), 0);
	assert_int_equal(file_read(path, 100, &text, &err), 0);
	assert_string_equal(text.p, "two");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(push_replace(push_path(&a, dir, "none", "f", NULL), STR("x"), &err), -1);
	assert_non_null(strstr(err.text, "none/f"));
	/* Nothing is left beside it. */
	assert_int_equal(system(arena_printf(&a, "test $(ls '%s' | wc -l) = 1", dir)), 0);
	remove_tree(&a, dir);
}

static void settings_read_back(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	char *dir = scratch(&a), *home = push_path(&a, dir, "deep", "home", NULL);
	struct push_settings out, in = {
		.kubeconfig = "/k",
		.address = "ssh://git@host:2222",
		.fetch_url = "http://127.0.0.1:8081/git",
		.program = "/usr/bin/capstan",
		.require_confinement = true,
	};
	assert_int_equal(push_settings_read(&a, home, &out, &err), -1);
	assert_non_null(strstr(err.text, "capstan serve"));
	assert_int_equal(push_settings_write(home, &in, &err), 0);
	assert_int_equal(push_settings_read(&a, home, &out, &err), 0);
	assert_string_equal(out.kubeconfig, in.kubeconfig);
	assert_null(out.context);
	assert_string_equal(out.address, in.address);
	assert_string_equal(out.fetch_url, in.fetch_url);
	assert_string_equal(out.program, in.program);
	assert_true(out.require_confinement);
	assert_int_equal(push_replace(push_path(&a, home, "settings.json", NULL), STR("{"), &err), 0);
	assert_int_equal(push_settings_read(&a, home, &out, &err), -1);
	remove_tree(&a, dir);
}

static const char *const branches[] = { "main", "release/*" };
static const char *const arguments[] = { "V=1" };
static const struct hosted_key keys[] = {
	{ .who = "ann", .key = "ssh-ed25519 AAAA", .right = HOSTED_PUSH },
	{ .who = "ci",
	  .token_sha256 = "00ff",
	  .right = HOSTED_PUSH_BRANCHES,
	  .branches = branches,
	  .n_branches = 2 },
};
static const struct hosted_container containers[] = {
	{ .deployment = "web",
	  .container = "c",
	  .path = "src",
	  .dockerfile = "D",
	  .build_args = arguments,
	  .n_build_args = 1,
	  .no_cache = true },
};

static void a_record_reads_back(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	char *home = scratch(&a);
	struct hosted_repo out, in = {
		.namespace = "team",
		.name = "shop",
		.remote = true,
		.keys = keys,
		.n_keys = 2,
		.protected = branches,
		.n_protected = 2,
		.max_bytes = 5ull << 40,
		.mirror_url = "https://up/x.git",
		.registry = { .url = "r:5000/x", .username = "u", .password = "p", .insecure = true },
		.service_account = "deployer",
		.manifests = "k8s",
		.containers = containers,
		.n_containers = 1,
	};
	assert_int_equal(hosted_read(&a, home, "team/shop", &out, &err), 1);
	assert_int_equal(hosted_write(home, &in, &err), 0);
	assert_int_equal(hosted_read(&a, home, "team/shop", &out, &err), 0);
	assert_string_equal(out.namespace, "team");
	assert_string_equal(out.name, "shop");
	assert_true(out.remote);
	assert_int_equal(out.n_keys, 2);
	assert_string_equal(out.keys[0].key, "ssh-ed25519 AAAA");
	assert_null(out.keys[0].token_sha256);
	assert_int_equal(out.keys[0].right, HOSTED_PUSH);
	assert_null(out.keys[1].key);
	assert_string_equal(out.keys[1].who, "ci");
	assert_int_equal(out.keys[1].n_branches, 2);
	assert_string_equal(out.keys[1].branches[1], "release/*");
	assert_int_equal(out.n_protected, 2);
	assert_true(out.max_bytes == in.max_bytes);
	assert_string_equal(out.mirror_url, in.mirror_url);
	assert_string_equal(out.registry.url, "r:5000/x");
	assert_string_equal(out.registry.password, "p");
	assert_true(out.registry.insecure);
	assert_string_equal(out.service_account, "deployer");
	assert_string_equal(out.manifests, "k8s");
	assert_int_equal(out.n_containers, 1);
	assert_string_equal(out.containers[0].build_args[0], "V=1");
	assert_true(out.containers[0].no_cache);
	remove_tree(&a, home);
}

static void a_record_that_is_wrong_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{\"namespace\":\"team\",\"name\":\"other\",\"maxBytes\":1}",
		"{\"namespace\":\"team\",\"name\":\"../x\",\"maxBytes\":1}",
		"{\"namespace\":\"team\",\"name\":\"shop\",\"maxBytes\":-1}",
		"{\"namespace\":\"team\",\"name\":\"shop\",\"maxBytes\":1,\"keys\":[{\"who\":\"a\"}]}",
		"{\"namespace\":\"team\",\"name\":\"shop\",\"maxBytes\":1,\"keys\":[{\"who\":\"a\",\"key\":\"k\",\"right\":\"all\"}]}",
		"{\"namespace\":\"team\",\"name\":\"shop\",\"maxBytes\":1,\"protectedBranches\":[1]}",
	};
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct hosted_repo out;
	char *home = scratch(&a);
	assert_int_equal(push_make_dirs(push_path(&a, home, "repos", "team", NULL), &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *path = push_path(&a, home, "repos", "team", "shop.json", NULL);
		assert_int_equal(push_replace(path, str_of(bad[i]), &err), 0);
		assert_int_equal(hosted_read(&a, home, "team/shop", &out, &err), -1);
		assert_non_null(strstr(err.text, "shop.json"));
	}
	assert_int_equal(hosted_read(&a, home, "../team/shop", &out, &err), 1);
	assert_int_equal(hosted_read(&a, home, "team", &out, &err), 1);
	struct hosted_repo outside = { .namespace = "..", .name = "x" };
	assert_int_equal(hosted_write(home, &outside, &err), -1);
	remove_tree(&a, home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_objects),
		cmocka_unit_test(home_is_given_or_of_the_environment),
		cmocka_unit_test(a_file_is_replaced_whole),
		cmocka_unit_test(settings_read_back),
		cmocka_unit_test(a_record_reads_back),
		cmocka_unit_test(a_record_that_is_wrong_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
