/* Images written into the files of a commit, for several rules at once; and ImageRules read. */
#include "unit/repo/git_fixture.h"

#include "doc/yaml.h"
#include "operator/image_edit.h"
#include "operator/image_spec.h"
#include "repo/tree.h"

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"

struct fixture {
	struct git_fixture git;
	struct arena arena;
	struct image_change changes[4];
	struct image_item items[4];
	struct image_edit edit;
	struct commit_spec spec;
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	git_fixture_init(&f->git, "image-edit");
	git_do(&f->git,
	       "git init -q -b main . && mkdir -p apps/web apps/job env && "
	       "printf 'image: r.io/web:v1 # {\"$imagepolicy\": \"ns:web\"}\\nname: r.io/web # {\"$imagepolicy\": "
	       "\"ns:web:name\"}\\ntag: v1 # {\"$imagepolicy\": \"ns:web:tag\"}\\n' >apps/web/values.yaml && "
	       "printf 'both: r.io/web:v1 # {\"$imagepolicy\": \"ns:web\"}\\njob: r.io/job:v1 # "
	       "{\"$imagepolicy\": \"ns:job\"}\\n' >apps/both.yaml && "
	       "printf 'images:\\n- name: r.io/web # kept\\n  newTag: v1\\n' >apps/web/kustomization.yaml && "
	       "printf 'images:\\n- name: r.io/web\\n  newTag: v1 # {\"$imagepolicy\": \"ns:web:tag\"}\\n' "
	       ">apps/job/kustomization.yaml && "
	       "printf 'environments:\\n  prod: {path: env}\\n' >capstan.yaml && "
	       "printf 'resources: [pod.yaml]\\n' >env/kustomization.yaml && "
	       "printf 'apiVersion: v1\\nkind: Pod\\nmetadata: {name: p}\\nspec: {containers: [{name: c, image: "
	       "r.io/web:v1}]}\\n' >env/pod.yaml && git add . && git commit -qm 1");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	arena_release(&f->edit.arena);
	arena_release(&f->arena);
	repo_tree_forget(f->git.git);
	files_remove(f->git.dir);
	free(f);
	return 0;
}

static void add(struct fixture *f, const char *path, const char *environment, const char *policy,
		const char *image)
{
	size_t i = f->edit.n++;
	assert_int_equal(image_change_read(&f->arena, str_of(image), &f->changes[i], NULL), 0);
	f->items[i] = (struct image_item){ .environment = environment,
					   .path = path,
					   .policy = policy,
					   .images = &f->changes[i],
					   .n_images = 1,
					   .option = "image" };
	f->edit.items = f->items;
}

static int run(struct fixture *f, struct error *err)
{
	cleanup_free char *sha = git_run(&f->git, "git rev-parse HEAD");
	return image_edit(&f->edit, &f->arena, f->git.git, sha, &f->spec, err);
}

static const char *file(struct fixture *f, const char *path)
{
	for (size_t i = 0; i < f->spec.n; i++)
		if (strcmp(f->spec.files[i].path, path) == 0)
			return arena_str(&f->arena, f->spec.files[i].data).p;
	return "(unchanged)";
}

static void setters_and_entries_below_a_directory(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	add(f, "apps", NULL, "ns:web", "r.io/web:v2@" DIGEST);
	assert_int_equal(run(f, &err), 0);
	assert_string_equal(file(f, "apps/web/values.yaml"),
			    "image: r.io/web:v2@" DIGEST " # {\"$imagepolicy\": \"ns:web\"}\n"
			    "name: r.io/web # {\"$imagepolicy\": \"ns:web:name\"}\n"
			    "tag: v2@" DIGEST " # {\"$imagepolicy\": \"ns:web:tag\"}\n");
	assert_non_null(strstr(file(f, "apps/both.yaml"), "job: r.io/job:v1 #"));
	assert_non_null(
		strstr(file(f, "apps/web/kustomization.yaml"), "- name: r.io/web # kept\n  newTag: v2\n"));
	assert_non_null(strstr(file(f, "apps/web/kustomization.yaml"), "digest: " DIGEST));
	/* Where a setter comment is, it alone counts. */
	assert_null(strstr(file(f, "apps/job/kustomization.yaml"), "digest:"));
	assert_non_null(strstr(file(f, "apps/job/kustomization.yaml"), "newTag: v2@" DIGEST " #"));
	assert_string_equal(file(f, "env/pod.yaml"), "(unchanged)");
	assert_int_equal(f->spec.n, 4);
}

static void several_in_one_file(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	add(f, ".", NULL, "ns:web", "r.io/web:v2");
	add(f, "apps", NULL, "ns:job", "r.io/job:v3");
	add(f, ".", "prod", "ns:other", "r.io/web:v4");
	assert_int_equal(run(f, &err), 0);
	assert_string_equal(file(f, "apps/both.yaml"), "both: r.io/web:v2 # {\"$imagepolicy\": \"ns:web\"}\n"
						       "job: r.io/job:v3 # {\"$imagepolicy\": \"ns:job\"}\n");
	assert_non_null(strstr(file(f, "env/kustomization.yaml"), "newTag: v4"));
}

static void what_cannot_be_written_is_left_out(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	f->edit.each_alone = true;
	add(f, "apps", NULL, "ns:job", "r.io/job:v3");
	add(f, "apps", NULL, "ns:nobody", "r.io/nobody:v3");
	add(f, "nowhere", NULL, "ns:job", "r.io/job:v4");
	add(f, ".", "staging", "ns:web", "r.io/web:v4");
	assert_int_equal(run(f, &err), 0);
	assert_int_equal(f->spec.n, 1);
	assert_non_null(strstr(file(f, "apps/both.yaml"), "r.io/job:v3"));
	assert_string_equal(f->items[0].error.text, "");
	assert_non_null(strstr(f->items[1].error.text, "ns:nobody"));
	assert_non_null(strstr(f->items[2].error.text, "there is no directory nowhere"));
	assert_non_null(strstr(f->items[3].error.text, "staging"));
	/* All or nothing, for a command. */
	f->edit.each_alone = false;
	assert_int_equal(run(f, &err), -1);
	assert_non_null(strstr(err.text, "ns:nobody"));
}

static void what_is_written_is_no_change(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	add(f, "apps", NULL, "ns:job", "r.io/job:v1");
	assert_int_equal(run(f, &err), 1);
	assert_int_equal(image_edit(&f->edit, &f->arena, f->git.git, "", &f->spec, &err), -1);
	assert_non_null(strstr(err.text, "not there yet"));
}

/* --- rules --- */

static int read_rule(struct arena *a, const char *spec, struct image_rule_spec *out, struct error *err)
{
	struct yaml_stream stream = { 0 };
	const char *text =
		arena_printf(a, "metadata: {name: web, namespace: shop, generation: 3}\nspec: %s\n", spec);
	if (yaml_parse(a, str_of(text), &stream, err) < 0)
		fail_msg("%s: %s", text, err->text);
	return image_rule_read(a, stream.documents[0].root, out, err);
}

static void rules_are_read(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct image_rule_spec s, other;
	struct error err = ERROR_INIT;
	struct image_change change;
	if (read_rule(&a,
		      "{image: r.io/team/web, policy: {semver: {range: 1.x}}, digest: pin, interval: 10s, "
		      "update: {repo: cfg, branch: main, author: {name: A, email: a@b}}, "
		      "webhook: {type: harbor, secretRef: {name: h}}}",
		      &s, &err))
		fail_msg("%s", err.text);
	assert_string_equal(s.place.host, "r.io");
	assert_string_equal(s.place.path, "team/web");
	assert_string_equal(s.policy_name, "shop:web");
	assert_string_equal(s.path, ".");
	assert_int_equal(s.interval_ms, 10000);
	assert_int_equal(s.generation, 3);
	assert_int_equal(s.webhook_type, WEBHOOK_HARBOR);
	image_rule_change(&a, &s, STR("v2"), STR(DIGEST), &change);
	assert_true(str_is(change.text, "r.io/team/web:v2@" DIGEST));
	assert_true(str_is(change.name, "r.io/team/web"));
	assert_true(str_is(change.image.tag, "v2"));
	assert_int_equal(read_rule(&a, "{image: r.io/team/web, policy: {time: {}}}", &other, &err), 0);
	assert_true(hash_eq(image_rule_source_hash(&s), image_rule_source_hash(&other)));
	assert_int_equal(
		read_rule(&a, "{image: r.io/team/web, insecure: true, policy: {time: {}}}", &other, &err), 0);
	assert_false(hash_eq(image_rule_source_hash(&s), image_rule_source_hash(&other)));
	assert_int_equal(
		read_rule(&a,
			  "{image: 1.dkr.ecr.eu-west-1.amazonaws.com/web, provider: aws, policy: {time: {}}}",
			  &other, &err),
		0);
	assert_string_equal(other.helper, "ecr-login");
}

static void rules_that_are_wrong(void **state)
{
	static const struct {
		const char *spec, *words;
	} cases[] = {
		{ "{image: UPPER, policy: {time: {}}}", "spec.image" },
		{ "{image: web}", "spec.policy" },
		{ "{image: web, policy: {time: {}, numerical: {}}}", "spec.policy" },
		{ "{image: web, policy: {semver: {range: soon}}}", "spec: policy.semver.range" },
		{ "{image: web, policy: {time: {}}, filter: {pattern: (}}", "spec: filter.pattern" },
		{ "{image: web, policy: {time: {}}, interval: soon}", "spec.interval" },
		{ "{image: web, policy: {time: {}}, digest: maybe}", "spec.digest" },
		{ "{image: web, policy: {time: {}}, provider: aws}", "is no registry of aws" },
		{ "{image: web, policy: {time: {}}, provider: moon}", "spec.provider" },
		{ "{image: web, policy: {time: {}}, update: {repo: a}}", "spec.update" },
		{ "{image: web, policy: {time: {}}, update: {repo: a, branch: a..b}}", "spec.update.branch" },
		{ "{image: web, policy: {time: {}}, update: {repo: a, branch: b, path: a/../..}}",
		  "spec.update.path" },
		{ "{image: web, policy: {time: {}}, update: {repo: a, branch: b, path: .git/x}}",
		  "spec.update.path" },
		{ "{image: web, policy: {time: {}}, update: {repo: a, branch: b, path: x, environment: prod}}",
		  "one of path" },
		{ "{image: web, policy: {time: {}}, update: {repo: a, branch: b, name: x}}",
		  "NAMESPACE:NAME" },
		{ "{image: web, policy: {time: {}}, webhook: {type: gitea, secretRef: {name: x}}}",
		  "spec.webhook.type" },
		{ "{image: web, policy: {time: {}}, webhook: {type: quay}}", "spec.webhook.secretRef" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct image_rule_spec s;
		struct error err = ERROR_INIT;
		if (read_rule(&a, cases[i].spec, &s, &err) != -1 || !strstr(err.text, cases[i].words))
			fail_msg("%s: %s", cases[i].spec, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(setters_and_entries_below_a_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(several_in_one_file, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_written_is_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_written_is_no_change, setup, teardown),
		cmocka_unit_test(rules_are_read),
		cmocka_unit_test(rules_that_are_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
