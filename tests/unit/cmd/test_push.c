/* The App of a push, and the address of what it deploys. */
#include "unit/cmocka_all.h"

#include <stdlib.h>

#include "cmd/push_app.h"
#include "cmd/push_address.h"
#include "doc/json.h"

#define SHA "0123456789012345678901234567890123456789"

struct fixture {
	struct push_run run;
	struct environment environment;
	struct journal_target record;
	struct push_target target;
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));
	f->run.repo = (struct hosted_repo){ .namespace = "shop", .name = "web" };
	snprintf(f->run.record.id, sizeof(f->run.record.id), "%s", "20261128-150405123-a1b2c3-4d5e");
	f->environment = (struct environment){ .name = "prod", .line = 2, .path = "deploy" };
	f->record = (struct journal_target){
		.environment = "prod", .namespace = "shop", .app = "web", .timeout_ms = 60000
	};
	f->target = (struct push_target){
		.record = &f->record, .environment = &f->environment, .namespace = "live", .commit = SHA
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	arena_release(&f->run.arena);
	free(f);
	return 0;
}

static struct node *parse(struct fixture *f, const char *text)
{
	struct node *n;
	struct error err = ERROR_INIT;
	assert_int_equal(json_parse(&f->run.arena, str_of(text), true, &n, &err), 0);
	return n;
}

static void assert_at(const struct node *root, const char *path, const char *text)
{
	struct str is = node_text(node_at(root, path));
	if (!str_is(is, text))
		fail_msg("%s is \"%.*s\", and should be \"%s\"", path, STR_ARG(is), text);
}

static void assert_json(const struct node *n, const char *json)
{
	cleanup_buf struct buf text = BUF_INIT;
	json_write_sorted(&text, n);
	assert_string_equal(text.p, json);
}

static void a_new_app_says_what_is_pushed(void **state)
{
	struct fixture *f = *state;
	cleanup_buf struct buf text = BUF_INIT;
	push_app_create(&f->run, &f->target, &text);
	struct node *app = parse(f, text.p);
	assert_at(app, "metadata.name", "web");
	assert_at(app, "spec.source.repo", "web");
	assert_at(app, "spec.source.revision", SHA);
	assert_at(app, "spec.render.type", "environment");
	assert_at(app, "spec.render.name", "prod");
	assert_at(app, "spec.target.namespace", "live");
	assert_at(app, "spec.sync.timeout", "60s");
	assert_true(str_is(node_text(node_get(node_at(app, "metadata.labels"), PUSH_LABEL)), "web"));
	assert_true(str_is(push_app_mark(app), f->run.record.id));
	assert_null(node_at(app, "spec.render.kustomize"));
}

static void what_people_set_stays(void **state)
{
	struct fixture *f = *state;
	struct node *before =
		parse(f, "{\"source\":{\"repo\":\"web\",\"revision\":\"old\"},\"sync\":{\"prune\":false,"
			 "\"auto\":false},\"render\":{\"type\":\"environment\",\"name\":\"prod\","
			 "\"kustomize\":{\"patches\":[1],\"images\":[{\"name\":\"gone\"}]}}}");
	struct node *spec = push_app_spec(&f->run, &f->target, before);
	assert_at(spec, "source.revision", SHA);
	assert_false(node_bool(node_at(spec, "sync.prune"), true));
	assert_null(node_at(spec, "sync.auto"));
	assert_int_equal(node_count(node_at(spec, "render.kustomize.patches")), 1);
	/* Of the images just those of this push. */
	assert_null(node_at(spec, "render.kustomize.images"));
	assert_at(before, "source.revision", "old");
}

static void built_images_are_set_by_name(void **state)
{
	struct fixture *f = *state;
	static const char *used[] = { "registry.example.com/team/web", "web", "job", "webber" };
	struct built built[] = { { .name = "web", .image = "r.test:5000/shop-web@sha256:abc" } };
	f->run.images = built;
	f->run.n_images = 1;
	f->target.images_used = used;
	f->target.n_images_used = 4;
	struct node *spec = push_app_spec(&f->run, &f->target, NULL);
	assert_json(node_at(spec, "render.kustomize.images"),
		    "[{\"digest\":\"sha256:abc\",\"name\":\"registry.example.com/team/web\","
		    "\"newName\":\"r.test:5000/shop-web\"},{\"digest\":\"sha256:abc\",\"name\":\"web\","
		    "\"newName\":\"r.test:5000/shop-web\"}]");
}

static void a_remotes_containers_are_patched(void **state)
{
	struct fixture *f = *state;
	struct hosted_container container = { .deployment = "www", .container = "nginx" };
	struct built built[] = { { .name = "www-nginx", .image = "r/x@sha256:abc" } };
	f->environment.line = 0;
	f->run.repo.remote = true;
	f->run.repo.containers = &container;
	f->run.repo.n_containers = 1;
	f->run.images = built;
	f->run.n_images = 1;
	struct node *spec = push_app_spec(&f->run, &f->target, NULL);
	assert_at(spec, "render.type", "auto");
	assert_null(node_at(spec, "render.name"));
	assert_at(spec, "source.path", "deploy");
	const struct node *patch = node_item(node_at(spec, "render.kustomize.patches"), 0);
	assert_json(node_at(parse(f, node_text(node_get(patch, "patch")).p), "spec.template.spec.containers"),
		    "[{\"image\":\"r/x@sha256:abc\",\"name\":\"nginx\"}]");
}

static void a_patch_names_what_it_builds_on(void **state)
{
	struct fixture *f = *state;
	cleanup_buf struct buf text = BUF_INIT, first = BUF_INIT;
	struct node *app =
		parse(f, "{\"metadata\":{\"generation\":7,\"annotations\":{\"capstan.dev/push\":\"P\"}}}");
	push_app_patch(&f->run.arena, app, parse(f, "{\"a\":1}"), "Q", &text);
	assert_json(parse(f, text.p),
		    "[{\"op\":\"test\",\"path\":\"/metadata/generation\",\"value\":7},"
		    "{\"op\":\"test\",\"path\":\"/metadata/annotations/capstan.dev~1push\",\"value\":\"P\"},"
		    "{\"op\":\"add\",\"path\":\"/metadata/annotations/capstan.dev~1push\",\"value\":\"Q\"},"
		    "{\"op\":\"replace\",\"path\":\"/spec\",\"value\":{\"a\":1}}]");
	push_app_patch(&f->run.arena, parse(f, "{\"metadata\":{\"generation\":1}}"), NULL, "Q", &first);
	assert_json(parse(f, first.p),
		    "[{\"op\":\"test\",\"path\":\"/metadata/generation\",\"value\":1},"
		    "{\"op\":\"add\",\"path\":\"/metadata/annotations\",\"value\":{}},"
		    "{\"op\":\"add\",\"path\":\"/metadata/annotations/capstan.dev~1push\",\"value\":\"Q\"}]");
}

static void an_app_is_found_by_what_it_renders(void **state)
{
	struct fixture *f = *state;
	struct node *apps =
		parse(f, "[{\"metadata\":{\"name\":\"web\"},\"spec\":{\"render\":{\"name\":\"dev\"}}},"
			 "{\"metadata\":{\"name\":\"older\"},\"spec\":{\"render\":{\"name\":\"prod\"}}}]");
	assert_at(push_app_find(apps, &f->target), "metadata.name", "older");
	f->environment.name = "new";
	assert_at(push_app_find(apps, &f->target), "metadata.name", "web");
	f->record.app = "none";
	assert_null(push_app_find(apps, &f->target));
}

/* --- addresses --- */

static const char *address_of(struct fixture *f, const char *objects, struct push_balancer *balancer)
{
	struct node *list = parse(f, objects);
	struct render_output out = { .objects = arena_array(&f->run.arena, struct render_object, 8) };
	for (size_t i = 0; i < node_count(list); i++) {
		struct node *root = node_item(list, i);
		out.objects[out.n++] = (struct render_object){ .group = node_text(node_get(root, "group")),
							       .kind = node_text(node_get(root, "kind")),
							       .name = STR("web"),
							       .root = root };
	}
	return push_address(&f->run.arena, &out, "shop", balancer);
}

#define SERVICE "{\"kind\":\"Service\",\"spec\":{\"ports\":[{\"port\":80}]}}"
#define BALANCED "{\"kind\":\"Service\",\"spec\":{\"type\":\"LoadBalancer\",\"ports\":[{\"port\":8443}]}}"
#define INGRESS(tls, host)                                                     \
	"{\"kind\":\"Ingress\",\"group\":\"networking.k8s.io\",\"spec\":{" tls \
	"\"rules\":[{\"host\":\"" host "\",\"http\":{\"paths\":[{\"path\":\"/shop\"}]}}]}}"

static void the_address_is_the_best_that_there_is(void **state)
{
	struct fixture *f = *state;
	struct push_balancer b;
	assert_null(address_of(f, "[]", &b));
	assert_string_equal(address_of(f, "[" SERVICE "]", &b), "web.shop:80 in the cluster");
	assert_string_equal(address_of(f, "[" SERVICE "," INGRESS("", "a.test") "]", &b),
			    "http://a.test/shop");
	assert_string_equal(address_of(f, "[" INGRESS("\"tls\":[{}],", "a.test") "]", &b),
			    "https://a.test/shop");
	assert_string_equal(address_of(f, "[" INGRESS("", "*.test") "," SERVICE "]", &b),
			    "web.shop:80 in the cluster");
	assert_null(b.name);
	assert_null(address_of(f, "[" SERVICE "," BALANCED "]", &b));
	assert_string_equal(b.name, "web");
	assert_int_equal(b.port, 8443);
}

static void a_balancers_address_is_read(void **state)
{
	struct fixture *f = *state;
	struct arena *a = &f->run.arena;
	struct node *v4 = parse(f, "{\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"192.0.2.1\"}]}}}");
	struct node *v6 =
		parse(f, "{\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"2001:db8::1\"}]}}}");
	assert_string_equal(push_address_balanced(a, v4, 80), "http://192.0.2.1");
	assert_string_equal(push_address_balanced(a, v4, 443), "https://192.0.2.1");
	assert_string_equal(push_address_balanced(a, v6, 8080), "[2001:db8::1]:8080");
	assert_null(push_address_balanced(a, parse(f, "{\"status\":{}}"), 80));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_app_says_what_is_pushed, setup, teardown),
		cmocka_unit_test_setup_teardown(what_people_set_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(built_images_are_set_by_name, setup, teardown),
		cmocka_unit_test_setup_teardown(a_remotes_containers_are_patched, setup, teardown),
		cmocka_unit_test_setup_teardown(a_patch_names_what_it_builds_on, setup, teardown),
		cmocka_unit_test_setup_teardown(an_app_is_found_by_what_it_renders, setup, teardown),
		cmocka_unit_test_setup_teardown(the_address_is_the_best_that_there_is, setup, teardown),
		cmocka_unit_test_setup_teardown(a_balancers_address_is_read, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
