/* Parts of a kustomize build on their own: references to repositories, env files, identities and sets. */
#include "kustomize_test.h"

#include "render/kustomize/generate.h"
#include "render/kustomize/keyvalue.h"
#include "render/kustomize/repospec.h"
#include "render/kustomize/schema.h"

/* --- references to repositories --- */

static void references_are_split_as_upstream_splits_them(void **state)
{
	static const struct {
		const char *text, *url, *path, *ref;
		bool submodules;
	} cases[] = {
		{ "https://github.com/org/repo//a/b?ref=v1", "https://github.com/org/repo", "a/b", "v1",
		  true },
		{ "https://github.com/org/repo/a/b?ref=v1", "https://github.com/org/repo", "a/b", "v1",
		  true },
		{ "github.com/org/repo", "https://github.com/org/repo", "", "", true },
		{ "GitHub.com/org/repo/x?version=2", "https://github.com/org/repo", "x", "2", true },
		{ "git::https://github.com/org/repo", "https://github.com/org/repo", "", "", true },
		{ "git@github.com:org/repo.git/a", "git@github.com:org/repo.git", "a", "", true },
		{ "ssh://git@github.com/org/repo.git//a", "git@github.com:org/repo.git", "a", "", true },
		{ "http://github.com/org/repo", "https://github.com/org/repo", "", "", true },
		{ "git@host.xz:path/to/repo.git/deep/dir", "git@host.xz:path/to/repo.git", "deep/dir", "",
		  true },
		{ "ssh://user@host:2222/a/b.git?ref=x", "ssh://user@host:2222/a/b.git", "", "x", true },
		{ "https://dev.azure.com/o/p/_git/r/k/d?submodules=false", "https://dev.azure.com/o/p/_git/r",
		  "k/d", "", false },
		{ "file:///a/b/c//d?ref=x%2Fy&ref=z", "file:///a/b/c", "d", "x/y", true },
		{ "file:///a/b/c", "file:///a/b/c", "", "", true },
		{ "https://host/a/b/c/../d?ref=a;b", "https://host/a/b", "d", "", true },
		{ "https://host/a/b//x/./y/", "https://host/a/b", "x/y", "", true },
	};
	cleanup_arena struct arena a = ARENA_INIT;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct repospec spec;
		if (!repospec_parse(&a, cases[i].text, &spec))
			fail_msg("%s is no reference", cases[i].text);
		assert_string_equal(spec.url, cases[i].url);
		assert_string_equal(spec.path, cases[i].path);
		assert_string_equal(spec.ref, cases[i].ref);
		assert_int_equal(spec.submodules, cases[i].submodules);
	}
}

static void paths_are_no_references(void **state)
{
	static const char *const paths[] = { "../base",
					     "/abs/github.com/org/repo",
					     "base",
					     "org/repo",
					     "example.com/a/b",
					     "https://github.com/org",
					     "https://",
					     "git@host",
					     "",
					     "https://host/a/b//../..",
					     "a?ref=x",
					     "user@host/only" };
	cleanup_arena struct arena a = ARENA_INIT;
	struct repospec spec;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (repospec_parse(&a, paths[i], &spec))
			fail_msg("%s is read as %s // %s", paths[i], spec.url, spec.path);
}

/* --- env files --- */

static void env_lines(void **state)
{
	keyvalues pairs = { 0 };
	struct error err = ERROR_INIT;
	assert_int_equal(keyvalues_env("x.env",
				       STR("\xef\xbb\xbf"
					   "A=1\r\n# no\n\n \t\xc2\xa0"
					   "B=b=c \nC\n=x\nD='q'"),
				       &pairs, &err),
			 0);
	assert_int_equal(pairs.n, 4);
	assert_true(str_is(pairs.at[0].key, "A") && str_is(pairs.at[0].value, "1"));
	assert_true(str_is(pairs.at[1].key, "B") && str_is(pairs.at[1].value, "b=c "));
	assert_int_equal(pairs.at[1].line, 4);
	assert_int_equal(pairs.at[1].column, 5);
	assert_true(str_is(pairs.at[2].key, "C") && pairs.at[2].value.n == 0);
	assert_true(str_is(pairs.at[3].key, "D") && str_is(pairs.at[3].value, "'q'"));
	assert_int_equal(keyvalues_env("x.env", STR("A=1\nB=\xff\n"), &pairs, &err), -1);
	assert_string_equal(err.text, "x.env:2: the line is not UTF-8");
	vec_release(&pairs);
	cleanup_buf struct buf line = BUF_INIT;
	for (unsigned i = 0; i <= KEYVALUE_LINE_MAX; i++)
		buf_addc(&line, 'a');
	assert_int_equal(keyvalues_env("x.env", buf_str(&line), &pairs, &err), -1);
	assert_string_equal(err.text, "x.env:1: the line is longer than 65535 bytes (KEYVALUE_LINE_MAX)");
}

/* --- identities and sets --- */

struct fixture {
	struct arena a;
	struct kbuild b;
	struct kustomize_options options;
	struct kresmap map;
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	f->b = (struct kbuild){ .a = &f->a, .options = &f->options };
	f->b.schema = kschema_new(&f->b);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	kresmap_release(&f->map);
	kbuild_release(&f->b);
	arena_release(&f->a);
	free(f);
	return 0;
}

static struct kres *parse_one(struct fixture *f, const char *text)
{
	kres_list list = { 0 };
	struct error err = ERROR_INIT;
	if (kres_parse(&f->b, "a.yaml", str_of(text), &list, &err))
		fail_msg("%s", err.text);
	assert_int_equal(list.n, 1);
	struct kres *r = list.at[0];
	vec_release(&list);
	return r;
}

static void identities_compare_effective_namespaces(void **state)
{
	struct fixture *f = *state;
	struct kid a = kid_make(&f->b, STR("v1"), STR("Service"), STR("x"), STR(""));
	struct kid b = kid_make(&f->b, STR("v1"), STR("Service"), STR("x"), STR("default"));
	struct kid c = kid_make(&f->b, STR("v1"), STR("Service"), STR("x"), STR("other"));
	assert_true(kid_equal(&a, &b));
	assert_false(kid_equal(&a, &c));
	struct kid d = kid_make(&f->b, STR("rbac.authorization.k8s.io/v1"), STR("ClusterRole"), STR("x"),
				STR("other"));
	struct kid e =
		kid_make(&f->b, STR("rbac.authorization.k8s.io/v1"), STR("ClusterRole"), STR("x"), STR(""));
	assert_true(d.cluster_scoped && kid_equal(&d, &e));
	assert_string_equal(kid_text(&f->a, &d), "ClusterRole.v1.rbac.authorization.k8s.io/x.other");
	assert_string_equal(kid_text(&f->a, &(struct kid){ 0 }), "[noKind].[noVer].[noGrp]/[noName].[noNs]");
}

static size_t count(struct fixture *f, const struct kid *id, bool any)
{
	kres_list found = { 0 };
	if (any)
		kresmap_by_any_id(&f->b, &f->map, id, &found);
	else
		kresmap_by_current_id(&f->b, &f->map, id, &found);
	size_t n = found.n;
	vec_release(&found);
	return n;
}

static void a_set_finds_resources_by_all_their_names(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct kres *r = parse_one(f, "apiVersion: v1\nkind: Service\nmetadata: {name: old}\n");
	assert_int_equal(kresmap_append(&f->b, &f->map, r, &err), 0);
	kres_store_previous(&f->b, r);
	node_set(&f->a, node_get(r->root, "metadata"), STR("name"), node_string(&f->a, STR("new")));
	kresmap_touch(&f->map);
	struct kid before = kid_make(&f->b, STR("v1"), STR("Service"), STR("old"), STR(""));
	struct kid now = kid_make(&f->b, STR("v1"), STR("Service"), STR("new"), STR("default"));
	assert_int_equal(count(f, &before, false), 0);
	assert_int_equal(count(f, &before, true), 1);
	assert_int_equal(count(f, &now, false), 1);
	assert_int_equal(count(f, &now, true), 1);
	/* A name that is free again may be used, and then means two. */
	struct kres *other = parse_one(f, "apiVersion: v1\nkind: Service\nmetadata: {name: old}\n");
	assert_int_equal(kresmap_append(&f->b, &f->map, other, &err), 0);
	kres_list both = { 0 };
	kresmap_by_any_id(&f->b, &f->map, &before, &both);
	assert_int_equal(both.n, 2);
	assert_ptr_equal(both.at[0], r);
	assert_ptr_equal(both.at[1], other);
	vec_release(&both);
	r->gone = true;
	kresmap_drop_gone(&f->map);
	assert_int_equal(count(f, &now, true), 0);
	other->gone = true;
	kresmap_drop_gone(&f->map);
	assert_int_equal(f->map.list.n, 0);
}

static void a_large_set_keeps_its_order_and_index(void **state)
{
	struct fixture *f = *state;
	enum { N = 3000 };
	for (unsigned i = 0; i < N; i++) {
		struct kres *r = parse_one(
			f, arena_printf(&f->a, "apiVersion: v1\nkind: Service\nmetadata: {name: n%u}\n", i));
		assert_int_equal(kresmap_append(&f->b, &f->map, r, NULL), 0);
	}
	for (unsigned i = 0; i < N; i++) {
		struct str name = str_of(arena_printf(&f->a, "n%u", i));
		struct kid id = kid_make(&f->b, STR("v1"), STR("Service"), name, STR(""));
		kres_list found = { 0 };
		kresmap_by_current_id(&f->b, &f->map, &id, &found);
		assert_int_equal(found.n, 1);
		assert_ptr_equal(found.at[0], f->map.list.at[i]);
		vec_release(&found);
	}
}

static void copies_share_nothing_that_changes(void **state)
{
	struct fixture *f = *state;
	struct kres *r = parse_one(f, "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n");
	kres_store_previous(&f->b, r);
	struct kres *copy = kres_copy(&f->b, r);
	node_set(&f->a, node_get(copy->root, "metadata"), STR("name"), node_string(&f->a, STR("b")));
	kres_store_previous(&f->b, copy);
	assert_true(str_is(kres_name(r), "a"));
	assert_int_equal(r->previous.n, 1);
	assert_int_equal(copy->previous.n, 2);
	struct kid original = kres_original_id(&f->b, copy);
	assert_true(str_is(original.name, "a") && str_is(original.namespace, "default"));
}

/* --- hashes --- */

static void hashes_are_those_of_kustomize(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "6ct58987ht" },
		{ "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n", "4h2mbtbbt6" },
		{ "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\ndata: {a: <b>&}\n", "988gf96f87" },
		{ "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ntype: Opaque\ndata: {a: Yg==}\n",
		  "k695gkmbtk" },
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char hash[KHASH_LEN + 1];
		khash(&f->b, parse_one(f, cases[i].text), hash);
		assert_string_equal(hash, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_are_split_as_upstream_splits_them),
		cmocka_unit_test(paths_are_no_references),
		cmocka_unit_test(env_lines),
		cmocka_unit_test_setup_teardown(identities_compare_effective_namespaces, setup, teardown),
		cmocka_unit_test_setup_teardown(a_set_finds_resources_by_all_their_names, setup, teardown),
		cmocka_unit_test_setup_teardown(a_large_set_keeps_its_order_and_index, setup, teardown),
		cmocka_unit_test_setup_teardown(copies_share_nothing_that_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(hashes_are_those_of_kustomize, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
