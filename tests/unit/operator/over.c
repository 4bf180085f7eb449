/* What an App adds reaches objects that no kustomization made: plain manifests, of an environment too. */
#include "unit/cmocka_all.h"

#include "doc/origin.h"
#include "operator/rendered.h"

#define DEPLOYMENT                                                                                      \
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n" \
	"      containers:\n      - {name: web, image: \"registry.example.com/web:v1\"}\n"              \
	"      - {name: side, image: \"side:v1\"}\n"

static const char *const paths[] = { "capstan.yaml", "deploy/web.yaml" };
static const struct str texts[] = {
	STR("environments: {prod: {branch: main, path: deploy, substitute: {A: b}}}\n"),
	STR("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"${A:=none}\"}\n---\n" DEPLOYMENT),
};

static int read_files(void *ctx, const char *path, struct arena *a, struct repo_files *out, struct error *err)
{
	assert_string_equal(path, "deploy");
	out->files = arena_array(a, struct repo_file, 1);
	out->files[0] = (struct repo_file){ .path = paths[1], .data = texts[1] };
	out->n = 1;
	return 0;
}

static struct node *map_of(struct arena *a, const char *key, struct node *value)
{
	struct node *map = node_map(a);
	node_set(a, map, str_of(key), value);
	return map;
}

static struct node *image_addition(struct arena *a)
{
	struct node *image = node_map(a), *list = node_seq(a);
	node_set(a, image, STR("name"), node_string(a, STR("registry.example.com/web")));
	node_set(a, image, STR("newName"), node_string(a, STR("other/web")));
	node_set(a, image, STR("newTag"), node_string(a, STR("v2")));
	node_push(a, list, image);
	return map_of(a, "images", list);
}

static void render(struct arena *a, struct render_spec *spec, const char *path, struct render_output *out)
{
	static const struct rendered_ops ops = { .files = read_files };
	struct tree_memory files = { paths, texts, 2 };
	struct render_tree tree = tree_memory(&files);
	struct rendered_request request = {
		.tree = &tree, .root = "", .path = path, .ops = &ops, .spec = spec
	};
	assert_int_equal(rendered_objects(a, &request, out), 0);
	for (size_t i = 0; i < out->n_diags; i++)
		print_message("%s\n", render_diag_text(a, &out->diags[i]));
	assert_int_equal(out->n_errors, 0);
	assert_int_equal(out->n, 2);
}

static struct str image_of(const struct render_output *out, const char *container)
{
	const struct node *all = node_at(out->objects[1].root, "spec.template.spec.containers");
	for (size_t i = 0; i < node_count(all); i++)
		if (str_is(node_text(node_get(node_item(all, i), "name")), container))
			return node_text(node_get(node_item(all, i), "image"));
	return STR("no such container");
}

static void check(const struct render_output *out)
{
	assert_true(str_is(image_of(out, "web"), "other/web:v2"));
	assert_true(str_is(image_of(out, "side"), "side:v1"));
	/* Places are those of the manifests. */
	assert_string_equal(out->objects[1].file, "deploy/web.yaml");
	assert_int_equal(out->objects[1].line, 6);
}

static void an_environment_of_manifests(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out;
	struct render_spec spec = { .type = RENDER_ENVIRONMENT,
				    .environment = arena_strdup(&a, "prod"),
				    .additions = image_addition(&a) };
	render(&a, &spec, "", &out);
	check(&out);
	assert_true(str_is(node_text(node_at(out.objects[0].root, "data.a")), "b"));
}

static void a_directory_of_manifests(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out;
	struct render_spec spec = { .type = RENDER_AUTO, .additions = image_addition(&a) };
	render(&a, &spec, "deploy", &out);
	check(&out);
}

static void a_patch_of_one_container(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out;
	struct node *list = node_seq(&a);
	node_push(&a, list,
		  map_of(&a, "patch",
			 node_string(&a,
				     STR("{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{"
					 "\"name\":\"web\"},\"spec\":{\"template\":{\"spec\":{\"containers\":"
					 "[{\"name\":\"side\",\"image\":\"built@sha256:"
					 "0123456789012345678901234567890123456789012345678901234567890123"
					 "\"}]}}}}"))));
	struct render_spec spec = { .type = RENDER_AUTO, .additions = map_of(&a, "patches", list) };
	render(&a, &spec, "deploy", &out);
	assert_true(str_is(image_of(&out, "web"), "registry.example.com/web:v1"));
	assert_true(str_starts(image_of(&out, "side"), STR("built@sha256:")));
}

static void what_cannot_be_laid_over_is_an_error(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out;
	static const struct rendered_ops ops = { .files = read_files };
	struct tree_memory files = { paths, texts, 2 };
	struct render_tree tree = tree_memory(&files);
	struct node *list = node_seq(&a);
	node_push(&a, list, map_of(&a, "patch", node_string(&a, STR("{\"kind\": \"Nothing\"}"))));
	struct render_spec spec = { .type = RENDER_AUTO, .additions = map_of(&a, "patches", list) };
	struct rendered_request request = {
		.tree = &tree, .root = "", .path = "deploy", .ops = &ops, .spec = &spec
	};
	assert_int_equal(rendered_objects(&a, &request, &out), 0);
	assert_true(out.n_errors > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_environment_of_manifests),
		cmocka_unit_test(a_directory_of_manifests),
		cmocka_unit_test(a_patch_of_one_container),
		cmocka_unit_test(what_cannot_be_laid_over_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
