/*
 * Webhooks of registries: events with the fields that each documents (tests/golden/webhooks), let in by what
 * each can send for a secret.
 */
#include "../cmocka_all.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <strings.h>

#include "operator/webhook.h"

#define SECRET "It's a Secret to Everybody"

/* --- requests --- */

enum { HEADERS_MAX = 16 };

struct request {
	struct arena a;
	struct {
		const char *name, *value;
	} headers[HEADERS_MAX];
	size_t n;
	const char *token; /* ?token= */
	struct str body;
	struct webhook_headers getter;
};

static const char *get(const void *ctx, const char *name)
{
	const struct request *r = ctx;
	for (size_t i = 0; i < r->n; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

static const char *query(const void *ctx, const char *name)
{
	return strcmp(name, "token") == 0 ? ((const struct request *)ctx)->token : NULL;
}

static void set(struct request *r, const char *name, const char *value)
{
	assert_true(r->n < HEADERS_MAX);
	r->headers[r->n].name = name;
	r->headers[r->n++].value = value;
}

static struct str slurp(struct arena *a, const char *name, const char *suffix)
{
	char *path = arena_printf(a, "%s/webhooks/%s.%s", GOLDEN_DIR, name, suffix);
	FILE *file = fopen(path, "rb");
	if (!file)
		fail_msg("%s cannot be opened", path);
	char *text = arena_alloc(a, 65536);
	size_t n = fread(text, 1, 65535, file);
	fclose(file);
	return (struct str){ text, n };
}

static void load(struct request *r, const char *name)
{
	*r = (struct request){ 0 };
	r->getter = (struct webhook_headers){ get, r, query };
	r->body = slurp(&r->a, name, "json");
	struct str rest = slurp(&r->a, name, "headers");
	while (rest.n) {
		struct str value, line = str_cut(rest, '\n', &rest), key = str_cut(line, ':', &value);
		set(r, arena_strndup(&r->a, key.p, key.n), arena_str(&r->a, str_trim(value)).p);
	}
}

static const char *hmac_hex(struct arena *a, struct str body, const char *secret)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char *out = arena_alloc(a, 80), *at = out + sprintf(out, "sha256=");
	HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body.p, body.n, digest, &n);
	for (unsigned i = 0; i < n; i++)
		at += sprintf(at, "%02x", digest[i]);
	return out;
}

static void sign(struct request *r, enum webhook_type type, const char *secret)
{
	if (type == WEBHOOK_GHCR)
		set(r, "X-Hub-Signature-256", hmac_hex(&r->a, r->body, secret));
	else if (type == WEBHOOK_GENERIC)
		set(r, "X-Capstan-Signature", hmac_hex(&r->a, r->body, secret));
	else if (type == WEBHOOK_DISTRIBUTION)
		set(r, "Authorization", arena_printf(&r->a, "Bearer %s", secret));
	else if (type == WEBHOOK_HARBOR)
		set(r, "Authorization", arena_strdup(&r->a, secret));
	else
		r->token = arena_strdup(&r->a, secret);
}

/* --- what registries send --- */

static const struct recorded {
	const char *name;
	enum webhook_type type;
	enum webhook_kind kind;
	const char *delivery;
	size_t images;
} recorded[] = {
	{ "distribution-push", WEBHOOK_DISTRIBUTION, WEBHOOK_PUSH, "asdf-asdf-asdf-asdf-0", 1 },
	{ "distribution-pull", WEBHOOK_DISTRIBUTION, WEBHOOK_OTHER, "asdf-asdf-asdf-asdf-2", 0 },
	{ "harbor-push", WEBHOOK_HARBOR, WEBHOOK_PUSH, "", 1 },
	{ "harbor-cloudevents", WEBHOOK_HARBOR, WEBHOOK_PUSH, "4b2f89a6-548d-4c12-9993-a1f5790b97d2", 1 },
	{ "harbor-scan", WEBHOOK_HARBOR, WEBHOOK_OTHER, "", 0 },
	{ "dockerhub-push", WEBHOOK_DOCKERHUB, WEBHOOK_PUSH, "", 1 },
	{ "ghcr-package", WEBHOOK_GHCR, WEBHOOK_PUSH, "8d3162e7-cc78-11e3-81ab-4c9367dc0959", 1 },
	{ "ghcr-registry-package", WEBHOOK_GHCR, WEBHOOK_PUSH, "9d3162e7-cc78-11e3-81ab-4c9367dc0960", 1 },
	{ "ghcr-npm", WEBHOOK_GHCR, WEBHOOK_OTHER, "ad3162e7-cc78-11e3-81ab-4c9367dc0961", 0 },
	{ "ghcr-ping", WEBHOOK_GHCR, WEBHOOK_PING, "bd3162e7-cc78-11e3-81ab-4c9367dc0962", 0 },
	{ "quay-push", WEBHOOK_QUAY, WEBHOOK_PUSH, "", 2 },
	{ "quay-scan", WEBHOOK_QUAY, WEBHOOK_OTHER, "", 0 },
	{ "generic-image", WEBHOOK_GENERIC, WEBHOOK_PUSH, "build-1236", 1 },
};

#define N_RECORDED (sizeof(recorded) / sizeof(*recorded))

static void every_registry_is_understood(void **unused)
{
	for (size_t i = 0; i < N_RECORDED; i++) {
		const struct recorded *want = &recorded[i];
		struct request r;
		struct webhook_event event;
		struct error err = ERROR_INIT;
		load(&r, want->name);
		if (webhook_parse(&r.a, want->type, &r.getter, r.body, &event, &err) < 0)
			fail_msg("%s: %s", want->name, err.text);
		if (event.kind != want->kind || event.n_images != want->images)
			fail_msg("%s: kind %d, %zu images", want->name, event.kind, event.n_images);
		assert_string_equal(arena_str(&r.a, event.delivery).p, want->delivery);
		assert_int_equal(webhook_names_image(&event, "team/web"), want->images > 0);
		assert_false(webhook_names_image(&event, "team/webs"));
		if (want->images)
			assert_string_equal(event.images[want->images - 1].tag, "v1.4.0");
		arena_release(&r.a);
	}
}

static void only_who_knows_the_secret_is_let_in(void **unused)
{
	static const char *const wrong[] = { "", "another", SECRET " x", "It's" };
	for (size_t i = 0; i < N_RECORDED; i++) {
		struct request r;
		struct error err = ERROR_INIT;
		enum webhook_type type = recorded[i].type;
		load(&r, recorded[i].name);
		assert_true(webhook_of_registry(type));
		assert_int_equal(webhook_of_git(type), type == WEBHOOK_GENERIC);
		assert_int_equal(webhook_verify(type, &r.getter, r.body, STR(SECRET), &err), -1);
		size_t n = r.n;
		for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
			r.n = n;
			sign(&r, type, wrong[k]);
			assert_int_equal(webhook_verify(type, &r.getter, r.body, STR(SECRET), &err), -1);
			assert_null(strstr(err.text, SECRET));
		}
		r.n = n;
		sign(&r, type, SECRET);
		assert_int_equal(webhook_verify(type, &r.getter, r.body, STR(SECRET), &err), 0);
		assert_int_equal(webhook_verify(type, &r.getter, r.body, STR(""), &err), -1);
		arena_release(&r.a);
	}
}

/* A header that a registry was given may also be basic authentication. */
static void headers_as_registries_are_given_them(void **unused)
{
	static const char *const values[] = { "Bearer secret", "bearer secret", "secret",
					      "Basic YW55Ym9keTpzZWNyZXQ=" };
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct request r;
		load(&r, "harbor-push");
		set(&r, "Authorization", values[i]);
		assert_int_equal(webhook_verify(WEBHOOK_HARBOR, &r.getter, r.body, STR("secret"), NULL), 0);
		assert_int_equal(webhook_verify(WEBHOOK_DOCKERHUB, &r.getter, r.body, STR("secret"), NULL),
				 -1);
		arena_release(&r.a);
	}
}

static void truncated_bodies_are_refused(void **unused)
{
	for (size_t i = 0; i < N_RECORDED; i++) {
		struct request r;
		load(&r, recorded[i].name);
		size_t whole = r.body.n - 1;
		for (size_t n = 0; n < whole; n += 11) {
			struct webhook_event event;
			struct error err = ERROR_INIT;
			r.body.n = n;
			assert_int_equal(
				webhook_parse(&r.a, recorded[i].type, &r.getter, r.body, &event, &err), -1);
			assert_non_null(strstr(err.text, "JSON"));
		}
		arena_release(&r.a);
	}
}

static void replays_are_known(void **unused)
{
	for (size_t i = 0; i < N_RECORDED; i++) {
		struct request r;
		struct webhook_event event;
		struct webhook_ring ring = { 0 };
		load(&r, recorded[i].name);
		assert_int_equal(webhook_parse(&r.a, recorded[i].type, &r.getter, r.body, &event, NULL), 0);
		struct webhook_mark mark = webhook_mark_of(recorded[i].type, &event, r.body, 0);
		webhook_ring_add(&ring, &mark);
		/* Quay says the same of every push of a tag. */
		assert_int_equal(webhook_ring_has(&ring, &mark), recorded[i].type != WEBHOOK_QUAY);
		webhook_ring_release(&ring);
		arena_release(&r.a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_registry_is_understood),
		cmocka_unit_test(only_who_knows_the_secret_is_let_in),
		cmocka_unit_test(headers_as_registries_are_given_them),
		cmocka_unit_test(truncated_bodies_are_refused),
		cmocka_unit_test(replays_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
