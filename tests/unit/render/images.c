/* Image references, and images written into kustomizations, setter comments and manifests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "render/images.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIGEST "sha256:" HEX64

static void check_ref(const char *text, const char *name, const char *tag, const char *digest)
{
	struct image_ref ref;
	struct error err = ERROR_INIT;
	cleanup_buf struct buf again = BUF_INIT;
	if (image_ref_read(str_of(text), &ref, &err))
		fail_msg("%s", err.text);
	assert_true(str_is(ref.name, name) && str_is(ref.tag, tag) && str_is(ref.digest, digest));
	image_ref_write(&again, &ref);
	assert_true(str_is(buf_str(&again), text));
}

static void references_come_apart(void **state)
{
	check_ref("web", "web", "", "");
	check_ref("web:v1", "web", "v1", "");
	check_ref("localhost/web", "localhost/web", "", "");
	check_ref("localhost:5000/a/b__c/d-e--f.g:V_1.2-rc", "localhost:5000/a/b__c/d-e--f.g", "V_1.2-rc",
		  "");
	check_ref("R.example.com/team/web@" DIGEST, "R.example.com/team/web", "", DIGEST);
	check_ref("[2001:db8::1]:5000/web:v1@" DIGEST, "[2001:db8::1]:5000/web", "v1", DIGEST);
	check_ref("library/web:latest", "library/web", "latest", "");
	check_ref("10.0.0.1:5000/web@sha512:" HEX64 HEX64, "10.0.0.1:5000/web", "", "sha512:" HEX64 HEX64);
}

static void what_is_no_reference_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		":v1",
		"web:",
		"web@",
		"Web",
		"a//b",
		"/a",
		"a/",
		"a/B",
		"web:v 1",
		"web:-v",
		"web:.v",
		"web@sha256:12",
		"web@sha1:12",
		"a..b",
		"a___b",
		"-a",
		"a-",
		"a.b:x/c",
		"a.b:/c",
		"a.b:123456/c",
		"-a.b/c",
		"a.-b/c",
		"[::1/a",
		"web\n",
		"w\xff",
		"https://a.b/c",
		"a b",
		"a.b./c",
		"web:v1:v2",
		"a@b@c",
		"web@" DIGEST ":v",
		"[]:1/a",
		"web:\xc3\xa4",
		"a.b:5a/c",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct image_ref ref;
		struct error err = ERROR_INIT;
		if (image_ref_read(str_of(texts[i]), &ref, &err) == 0)
			fail_msg("%s was taken", texts[i]);
		assert_true(err.text[0]);
	}
	char tag[IMAGES_TAG_MAX + 8];
	struct image_ref ref;
	snprintf(tag, sizeof(tag), "a:%0*d", (int)IMAGES_TAG_MAX, 1);
	assert_int_equal(image_ref_read(str_of(tag), &ref, NULL), 0);
	snprintf(tag, sizeof(tag), "a:%0*d", (int)IMAGES_TAG_MAX + 1, 1);
	assert_int_equal(image_ref_read(str_of(tag), &ref, NULL), -1);
}

static struct image_change change_of(struct arena *a, const char *text)
{
	struct image_change c;
	struct error err = ERROR_INIT;
	if (image_change_read(a, str_of(text), &c, &err))
		fail_msg("%s", err.text);
	return c;
}

static void names_are_full_or_the_last_part(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct image_change c = change_of(&a, "web=r.io/team/web:v1");
	assert_true(image_change_is_for(&c, STR("web")));
	assert_true(image_change_is_for(&c, STR("r.io/team/web")));
	assert_false(image_change_is_for(&c, STR("r.io/team/my-web")));
	assert_false(image_change_is_for(&c, STR("r.io/web/x")));
	c = change_of(&a, "team/web=web:v1");
	assert_false(image_change_is_for(&c, STR("r.io/team/web")));
	c = change_of(&a, "r.io/web:v1");
	assert_true(str_is(c.name, "r.io/web"));
	assert_false(image_change_is_for(&c, STR("web")));
	struct error err = ERROR_INIT;
	assert_int_equal(image_change_read(&a, STR("web"), &c, &err), -1);
	assert_string_equal(err.text, "web: there is neither a tag nor a digest in it");
	assert_int_equal(image_change_read(&a, STR("web:v1=web:v2"), &c, &err), -1);
	assert_int_equal(image_change_read(&a, STR("=web:v2"), &c, &err), -1);
	assert_int_equal(image_change_read(&a, STR("web="), &c, &err), -1);
}

/* rc of images_in_kustomization(); after NULL: as before. */
static void check_kustomization(const char *before, const char *change, const char *as, int rc,
				const char *after)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct edit *e;
	struct image_change c = change_of(&a, change);
	assert_int_equal(edit_open(&a, "k", str_of(before), &e, &err), 0);
	int got = images_in_kustomization(e, STR(""), &c, str_of(as), &err);
	if (got != rc)
		fail_msg("%s: %d %s", change, got, err.text);
	if (!str_is(edit_text(e), after ? after : before))
		fail_msg("%.*s", STR_ARG(edit_text(e)));
}

static void entries_of_a_kustomization_are_set(void **state)
{
	check_kustomization("images:\n- name: web # w\n  newTag: v1 # t\n", "web=web:v2", "", 0,
			    "images:\n- name: web # w\n  newTag: v2 # t\n");
	check_kustomization("images:\n- name: web\n  newTag: v1\n", "web=r.io/web:1.10", "", 0,
			    "images:\n- name: web\n  newTag: \"1.10\"\n  newName: r.io/web\n");
	check_kustomization("images:\n- newTag: v1\n  name: r.io/web\n", "web=r.io/web@" DIGEST, "", 0,
			    "images:\n- name: r.io/web\n  digest: " DIGEST "\n");
	check_kustomization("images:\n- name: web\n  digest: " DIGEST "\n", "web=web:v3", "", 0,
			    "images:\n- name: web\n  newTag: v3\n");
	check_kustomization("images:\n- {name: web, newTag: v1}\n", "web=web:v3@" DIGEST, "", 0,
			    "images:\n- {name: web, newTag: v3, digest: " DIGEST "}\n");
	check_kustomization("images:\n- name: app\n  newName: r.io/web\n  newTag: a\n", "r.io/web:b", "", 0,
			    "images:\n- name: app\n  newName: r.io/web\n  newTag: b\n");
	check_kustomization("images:\n- name: web\n  newTag: v1\n", "web:v1", "", 0, NULL);
	check_kustomization("images:\n- name: web\n", "job:v1", "", 1, NULL);
	check_kustomization("resources: []\n", "job:v1", "r.io/job", 0,
			    "resources: []\nimages:\n- name: r.io/job\n  newName: job\n  newTag: v1\n");
	check_kustomization("images: []\n", "job:v1", "job", 0, "images: [{name: job, newTag: v1}]\n");
	check_kustomization("images:\n", "job:v1", "job", 0, "images:\n- name: job\n  newTag: v1\n");
	check_kustomization("images: x\n", "job:v1", "job", -1, NULL);
	check_kustomization("images:\n- &a {name: web, newTag: v1}\n- *a\n", "web:v2", "", -1, NULL);
}

static void check_setters(const char *before, const char *change, size_t places, const char *after)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct image_policies policies = { .n = 0 };
	struct edit *e;
	size_t n = 0;
	struct image_change c = change_of(&a, change);
	assert_int_equal(edit_open(&a, "k", str_of(before), &e, &err), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(images_find_policies(e, &a, &c, &policies, &err), 0);
	int rc = images_at_setters(e, &a, &c, &policies, &n, &err);
	if (!after) {
		assert_int_equal(rc, -1);
		assert_true(err.text[0]);
		return;
	}
	if (rc)
		fail_msg("%s", err.text);
	assert_int_equal(n, places);
	if (!str_is(edit_text(e), after))
		fail_msg("%.*s", STR_ARG(edit_text(e)));
}

static void setter_comments_are_followed(void **state)
{
	check_setters("image: r.io/web:v1 # {\"$imagepolicy\": \"ns:any\"}\nb: r.io/web:v1\n",
		      "web=r.io/web:v2", 1,
		      "image: r.io/web:v2 # {\"$imagepolicy\": \"ns:any\"}\nb: r.io/web:v1\n");
	check_setters(
		"a: x # {\"$imagepolicy\": \"ns:web:name\"}\nb: \"y\" # {\"$imagepolicy\": \"ns:web:tag\"}\n",
		"web=r.io/web:v2@" DIGEST, 2,
		"a: r.io/web # {\"$imagepolicy\": \"ns:web:name\"}\nb: \"v2@" DIGEST
		"\" # {\"$imagepolicy\": \"ns:web:tag\"}\n");
	check_setters("d: z # {\"$imagepolicy\": \"ns:p:digest\"}\nt: y # {\"$imagepolicy\": \"ns:p:tag\"}\n"
		      "i: web:y # {\"$imagepolicy\": \"ns:p\"}\n",
		      "web:v2@" DIGEST, 3,
		      "d: " DIGEST
		      " # {\"$imagepolicy\": \"ns:p:digest\"}\nt: v2 # {\"$imagepolicy\": \"ns:p:tag\"}\n"
		      "i: web:v2@" DIGEST " # {\"$imagepolicy\": \"ns:p\"}\n");
	check_setters(
		"a: web:v1 # {\"$imagepolicy\": \"ns:one\"}\nb: job:v1 # {\"$imagepolicy\": \"ns:two\"}\n",
		"web:v1", 1,
		"a: web:v1 # {\"$imagepolicy\": \"ns:one\"}\nb: job:v1 # {\"$imagepolicy\": \"ns:two\"}\n");
	check_setters("a: web:v1 # {\"$imagepolicy\": \"nocolon\"}\nb: x # {\"$imagepolicy\n", "web:v2", 0,
		      "a: web:v1 # {\"$imagepolicy\": \"nocolon\"}\nb: x # {\"$imagepolicy\n");
	check_setters("t: y # {\"$imagepolicy\": \"ns:web:tag\"}\n", "web@" DIGEST, 0, NULL);
	check_setters("t: &x y # {\"$imagepolicy\": \"ns:web:tag\"}\n", "web:v2", 0, NULL);
}

static void containers_of_manifests_are_set(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	static const char before[] =
		"kind: Pod\nspec:\n  initContainers: [{image: 'web:v1'}]\n  containers:\n  - image: r.io/web # c\n"
		"  - image: job:v1\n---\nkind: X\nspec: {image: web:v1}\n";
	static const char after[] =
		"kind: Pod\nspec:\n  initContainers: [{image: 'm.io/w:v2'}]\n  containers:\n  - image: m.io/w:v2 # c\n"
		"  - image: job:v1\n---\nkind: X\nspec: {image: web:v1}\n";
	struct error err = ERROR_INIT;
	struct edit *e;
	size_t n = 0;
	struct image_change c = change_of(&a, "web=m.io/w:v2");
	assert_int_equal(edit_open(&a, "k", str_of(before), &e, &err), 0);
	assert_int_equal(images_in_manifest(e, &c, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_true(str_is(edit_text(e), after));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_come_apart),
		cmocka_unit_test(what_is_no_reference_is_refused),
		cmocka_unit_test(names_are_full_or_the_last_part),
		cmocka_unit_test(entries_of_a_kustomization_are_set),
		cmocka_unit_test(setter_comments_are_followed),
		cmocka_unit_test(containers_of_manifests_are_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
