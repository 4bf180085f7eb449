/*
 * Webhooks: events as each host sends them (tests/golden/webhooks), signed here; forged, truncated, giant and
 * replayed ones; and whom an event concerns.
 */
#include "unit/cmocka_all.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "io/httpd.h"
#include "operator/webhook.h"

#define SECRET "It's a Secret to Everybody"

/* --- requests --- */

enum { HEADERS_MAX = 16, GIT_TYPES = WEBHOOK_GENERIC + 1 /* registries: webhook_registry.c */ };

struct request {
	struct arena a;
	struct {
		const char *name, *value;
	} headers[HEADERS_MAX];
	size_t n;
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

static void set(struct request *r, const char *name, const char *value)
{
	size_t i = 0;
	while (i < r->n && strcasecmp(r->headers[i].name, name) != 0)
		i++;
	assert_true(i < HEADERS_MAX);
	r->headers[i].name = name;
	r->headers[i].value = value;
	r->n = i == r->n ? r->n + 1 : r->n;
}

static void init(struct request *r, struct str body)
{
	*r = (struct request){ .body = body };
	r->getter = (struct webhook_headers){ get, r, NULL };
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
	init(r, (struct str){ 0 });
	r->body = slurp(&r->a, name, "json");
	struct str rest = slurp(&r->a, name, "headers");
	while (rest.n) {
		struct str value, line = str_cut(rest, '\n', &rest), key = str_cut(line, ':', &value);
		set(r, arena_strndup(&r->a, key.p, key.n), arena_str(&r->a, str_trim(value)).p);
	}
}

static char *hmac_hex(struct arena *a, const char *prefix, struct str body, struct str secret)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct buf hex = BUF_INIT;
	HMAC(EVP_sha256(), secret.p, (int)secret.n, (const unsigned char *)body.p, body.n, digest, &n);
	buf_adds(&hex, prefix);
	for (unsigned i = 0; i < n; i++)
		buf_printf(&hex, "%02x", digest[i]);
	char *out = arena_strdup(a, hex.p);
	buf_release(&hex);
	return out;
}

static char *basic(struct arena *a, const char *pair)
{
	unsigned char *text = arena_alloc(a, strlen(pair) * 2 + 8);
	EVP_EncodeBlock(text, (const unsigned char *)pair, (int)strlen(pair));
	return arena_printf(a, "Basic %s", text);
}

static const char *const signature_header[WEBHOOK_TYPES] = {
	[WEBHOOK_GITHUB] = "X-Hub-Signature-256", [WEBHOOK_GITLAB] = "X-Gitlab-Token",
	[WEBHOOK_GITEA] = "X-Gitea-Signature",	  [WEBHOOK_BITBUCKET] = "X-Hub-Signature",
	[WEBHOOK_AZURE] = "Authorization",	  [WEBHOOK_GENERIC] = "X-Capstan-Signature",
};

static void sign(struct request *r, enum webhook_type type, const char *secret)
{
	const char *value;
	if (type == WEBHOOK_GITLAB)
		value = arena_strdup(&r->a, secret);
	else if (type == WEBHOOK_AZURE)
		value = basic(&r->a, arena_printf(&r->a, "anybody:%s", secret));
	else
		value = hmac_hex(&r->a, type == WEBHOOK_GITEA ? "" : "sha256=", r->body, str_of(secret));
	set(r, signature_header[type], value);
}

static int verify(struct request *r, enum webhook_type type, const char *secret)
{
	struct error err = ERROR_INIT;
	int rc = webhook_verify(type, &r->getter, r->body, str_of(secret), &err);
	assert_true(rc == 0 || (rc == -1 && err.text[0]));
	/* Neither the secret nor the right signature is in the reason. */
	if (*secret)
		assert_null(strstr(err.text, secret));
	assert_null(strstr(err.text, hmac_hex(&r->a, "", r->body, str_of(secret))));
	return rc;
}

static int parse(struct request *r, enum webhook_type type, struct webhook_event *out, struct error *err)
{
	return webhook_parse(&r->a, type, &r->getter, r->body, out, err);
}

/* --- what hosts send --- */

struct recorded {
	const char *name;
	enum webhook_type type;
	enum webhook_kind kind;
	const char *delivery, *refs, *default_branch, *url; /* refs: joined by blanks; url: one of them */
};

static const struct recorded recorded[] = {
	{ "github-push", WEBHOOK_GITHUB, WEBHOOK_PUSH, "72d3162e-cc78-11e3-81ab-4c9367dc0958",
	  "refs/heads/main", "refs/heads/main", "https://github.com/example/cfg.git" },
	{ "github-tag", WEBHOOK_GITHUB, WEBHOOK_PUSH, "0b989ba4-242f-11e5-81e1-c7b6966d2516",
	  "refs/tags/v1.4.0", "refs/heads/main", "git@github.com:example/cfg.git" },
	{ "github-ping", WEBHOOK_GITHUB, WEBHOOK_PING, "31f4a5c0-242f-11e5-8f5e-1fd0d1b7bb41", "", NULL,
	  NULL },
	{ "github-issues", WEBHOOK_GITHUB, WEBHOOK_OTHER, "4f9dd1c6-242f-11e5-9c2c-8f1d0a1fbb32", "", NULL,
	  NULL },
	{ "gitlab-push", WEBHOOK_GITLAB, WEBHOOK_PUSH, "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
	  "refs/heads/main", "refs/heads/main", "https://gitlab.example.com/team/cfg.git" },
	{ "gitlab-tag", WEBHOOK_GITLAB, WEBHOOK_PUSH, "9b1d2c7e-9b0c-4f8e-b5a3-0a7ef7c7a8b1",
	  "refs/tags/v1.4.0", "refs/heads/main", "https://gitlab.example.com/team/cfg" },
	{ "gitlab-system", WEBHOOK_GITLAB, WEBHOOK_PUSH, "1c7e4d8a-5d3e-4f57-8f3c-0d1f3a0a9f0e",
	  "refs/heads/main", "refs/heads/main", "git@gitlab.example.com:team/cfg.git" },
	{ "gitlab-issue", WEBHOOK_GITLAB, WEBHOOK_OTHER, "7f3c1c41-7aa0-4d34-9a3f-8e0c0bb0c6a5", "", NULL,
	  NULL },
	{ "gitea-push", WEBHOOK_GITEA, WEBHOOK_PUSH, "f6266f16-1bf3-46a5-9ea4-602e06ead473",
	  "refs/heads/main", "refs/heads/main", "ssh://git@git.example.com:2222/team/cfg.git" },
	{ "forgejo-push", WEBHOOK_GITEA, WEBHOOK_PUSH, "0d2f3b38-4b0b-4a5f-9e8b-0f3b8a6e2b77",
	  "refs/tags/v2.0.0-rc.1", "refs/heads/trunk", "https://codeberg.example.org/team/cfg.git" },
	{ "gitea-release", WEBHOOK_GITEA, WEBHOOK_OTHER, "0e9f4f57-5c1f-44e4-9b8a-2f0f7f6b8e21", "", NULL,
	  NULL },
	{ "bitbucket-cloud-push", WEBHOOK_BITBUCKET, WEBHOOK_PUSH, "5d5b3c3a-2e9a-4a8c-8a54-3b0b6d5c7f0e",
	  "refs/heads/main refs/tags/v1.4.0 refs/heads/feature/gone", NULL,
	  "https://bitbucket.org/team/cfg" },
	{ "bitbucket-server-push", WEBHOOK_BITBUCKET, WEBHOOK_PUSH, "6b5ed9c4-6a6e-4d3c-8d8a-6a4a6b8c6f11",
	  "refs/heads/main", NULL, "ssh://git@bitbucket.example.com:7999/team/cfg.git" },
	{ "bitbucket-server-ping", WEBHOOK_BITBUCKET, WEBHOOK_PING, "88a6f6c6-1d1f-4c8b-9f5a-5b6c8d7e9f00",
	  "", NULL, NULL },
	{ "azure-push", WEBHOOK_AZURE, WEBHOOK_PUSH, "03c164c2-8912-4d5e-8009-3707d5f83734/3",
	  "refs/heads/main", "refs/heads/main", "https://dev.azure.com/example/team/_git/cfg" },
	{ "azure-workitem", WEBHOOK_AZURE, WEBHOOK_OTHER, "d2d46fb1-dba5-403c-9373-427583f19e8c/4", "", NULL,
	  NULL },
	{ "generic-push", WEBHOOK_GENERIC, WEBHOOK_PUSH, "build-1234", "refs/heads/main refs/tags/v1.4.0",
	  NULL, "https://git.example.com/team/cfg.git" },
	{ "generic-any", WEBHOOK_GENERIC, WEBHOOK_PUSH, "build-1235", "", NULL, NULL },
};

#define N_RECORDED (sizeof(recorded) / sizeof(recorded[0]))

static void check_recorded(const struct recorded *want)
{
	struct request r;
	struct webhook_event event;
	struct error err = ERROR_INIT;
	load(&r, want->name);
	if (parse(&r, want->type, &event, &err) < 0)
		fail_msg("%s: %s", want->name, err.text);
	assert_int_equal(event.kind, want->kind);
	assert_string_equal(arena_str(&r.a, event.delivery).p, want->delivery);
	cleanup_buf struct buf refs = BUF_INIT;
	for (size_t i = 0; i < event.n_refs; i++)
		buf_printf(&refs, "%s%s", i ? " " : "", event.refs[i]);
	assert_string_equal(refs.n ? refs.p : "", want->refs);
	if (want->default_branch)
		assert_string_equal(event.default_branch, want->default_branch);
	else
		assert_null(event.default_branch);
	bool found = !want->url;
	for (size_t i = 0; i < event.n_urls; i++)
		found = found || strcmp(event.urls[i], want->url) == 0;
	assert_true(found);
	assert_int_equal(event.any_ref, strcmp(want->name, "generic-any") == 0);
	arena_release(&r.a);
}

static void every_host_is_understood(void **state)
{
	for (size_t i = 0; i < N_RECORDED; i++)
		check_recorded(&recorded[i]);
}

static void types_have_names(void **state)
{
	enum webhook_type type;
	for (int i = 0; i < WEBHOOK_TYPES; i++) {
		assert_true(webhook_type_parse(str_of(webhook_type_name((enum webhook_type)i)), &type));
		assert_int_equal(type, i);
	}
	assert_false(webhook_type_parse(STR("GitHub"), &type));
	assert_false(webhook_type_parse(STR(""), &type));
}

/* --- signatures --- */

/* The vector of GitHub's documentation. */
static void a_signature_is_as_documented(void **state)
{
	struct request r;
	init(&r, STR("Hello, World!"));
	set(&r, "X-Hub-Signature-256",
	    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
	assert_int_equal(verify(&r, WEBHOOK_GITHUB, SECRET), 0);
	assert_int_equal(verify(&r, WEBHOOK_GITHUB, "another secret"), -1);
	r.body = STR("Hello, World?");
	assert_int_equal(verify(&r, WEBHOOK_GITHUB, SECRET), -1);
	arena_release(&r.a);
}

static void what_is_signed_is_let_in(void **state)
{
	for (size_t i = 0; i < N_RECORDED; i++) {
		struct request r;
		load(&r, recorded[i].name);
		assert_int_equal(verify(&r, recorded[i].type, SECRET), -1);
		sign(&r, recorded[i].type, SECRET);
		assert_int_equal(verify(&r, recorded[i].type, SECRET), 0);
		arena_release(&r.a);
	}
}

static void forgeries_are_refused(void **state)
{
	static const char *const values[] = {
		"",
		"sha256=",
		"sha256",
		"sha1=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e177",
		"sha256=g57107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
		"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e18",
		"757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e18",
		"Basic ",
		"Basic ====",
		"Basic A===",
		"Basic !!!!",
		"Basic YWJj",
		"Bearer YWJj",
		SECRET " ",
		"It's",
	};
	for (int type = 0; type < GIT_TYPES; type++) {
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			struct request r;
			init(&r, STR("Hello, World!"));
			set(&r, signature_header[type], values[i]);
			assert_int_equal(verify(&r, (enum webhook_type)type, SECRET), -1);
			arena_release(&r.a);
		}
	}
}

/* A header of another host, however right, lets nobody in. */
static void each_host_has_its_own_header(void **state)
{
	for (int signer = 0; signer < GIT_TYPES; signer++) {
		for (int type = 0; type < GIT_TYPES; type++) {
			struct request r;
			init(&r, STR("{}"));
			sign(&r, (enum webhook_type)signer, SECRET);
			assert_int_equal(verify(&r, (enum webhook_type)type, SECRET),
					 signer == type ? 0 : -1);
			arena_release(&r.a);
		}
	}
}

static void an_empty_secret_lets_nobody_in(void **state)
{
	for (int type = 0; type < GIT_TYPES; type++) {
		struct request r;
		init(&r, STR("{}"));
		sign(&r, (enum webhook_type)type, "");
		assert_int_equal(verify(&r, (enum webhook_type)type, ""), -1);
		arena_release(&r.a);
	}
}

static void details_of_signatures(void **state)
{
	struct request r;
	init(&r, STR("{}"));
	char *hex = hmac_hex(&r.a, "", r.body, STR(SECRET));
	set(&r, "X-Forgejo-Signature", hex);
	assert_int_equal(verify(&r, WEBHOOK_GITEA, SECRET), 0);
	for (char *c = hex; *c; c++)
		*c = (char)(*c >= 'a' ? *c - 32 : *c);
	assert_int_equal(verify(&r, WEBHOOK_GITEA, SECRET), 0);
	set(&r, "Authorization", basic(&r.a, "me:with:colons"));
	assert_int_equal(verify(&r, WEBHOOK_AZURE, "with:colons"), 0);
	assert_int_equal(verify(&r, WEBHOOK_AZURE, "colons"), -1);
	set(&r, "Authorization", basic(&r.a, ":bare"));
	assert_int_equal(verify(&r, WEBHOOK_AZURE, "bare"), 0);
	set(&r, "Authorization", basic(&r.a, "no colon"));
	assert_int_equal(verify(&r, WEBHOOK_AZURE, "no colon"), -1);
	char *huge = arena_alloc(&r.a, 3 * WEBHOOK_TOKEN_MAX);
	memset(huge, 'a', 3 * WEBHOOK_TOKEN_MAX - 1);
	set(&r, "X-Gitlab-Token", huge);
	assert_int_equal(verify(&r, WEBHOOK_GITLAB, SECRET), -1);
	set(&r, "Authorization", arena_printf(&r.a, "Basic %s", huge));
	assert_int_equal(verify(&r, WEBHOOK_AZURE, SECRET), -1);
	arena_release(&r.a);
}

/* --- bodies that are none --- */

static void truncated_bodies_are_refused_in_words(void **state)
{
	for (size_t i = 0; i < N_RECORDED; i++) {
		struct request r;
		load(&r, recorded[i].name);
		size_t whole = r.body.n;
		while (whole && r.body.p[whole - 1] == '\n')
			whole--;
		for (size_t n = 0; n < whole; n += 7) {
			struct webhook_event event;
			struct error err = ERROR_INIT;
			r.body.n = n;
			assert_int_equal(parse(&r, recorded[i].type, &event, &err), -1);
			assert_non_null(strstr(err.text, "JSON"));
		}
		arena_release(&r.a);
	}
}

static void what_a_push_must_have_is_named(void **state)
{
	static const struct {
		enum webhook_type type;
		const char *event, *body, *words;
	} cases[] = {
		{ WEBHOOK_GITHUB, "push", "{}", "no ref" },
		{ WEBHOOK_GITHUB, "push", "{\"ref\":{}}", "no ref" },
		{ WEBHOOK_GITHUB, "push", "[]", "no JSON object" },
		{ WEBHOOK_GITHUB, "push", "payload=%7B%7D", "application/json" },
		{ WEBHOOK_GITEA, "push", "{\"ref\":null}", "no ref" },
		{ WEBHOOK_GITLAB, "", "{\"object_kind\":\"push\"}", "no ref" },
		{ WEBHOOK_BITBUCKET, "repo:push", "{\"push\":[]}", "no push.changes" },
		{ WEBHOOK_BITBUCKET, "repo:refs_changed", "{\"changes\":{}}", "no changes" },
		{ WEBHOOK_AZURE, "", "{\"eventType\":\"git.push\"}", "no resource.refUpdates" },
		{ WEBHOOK_GENERIC, "", "{\"ref\":\"main\"}", "full names" },
		{ WEBHOOK_GENERIC, "", "{\"refs\":[\"refs/heads/a\",1]}", "full names" },
		{ WEBHOOK_GENERIC, "", "{\"refs\":\"refs/heads/a\"}", "full names" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct request r;
		struct webhook_event event;
		struct error err = ERROR_INIT;
		init(&r, str_of(cases[i].body));
		set(&r, "X-GitHub-Event", cases[i].event);
		set(&r, "X-Gitea-Event", cases[i].event);
		set(&r, "X-Event-Key", cases[i].event);
		assert_int_equal(parse(&r, cases[i].type, &event, &err), -1);
		if (!strstr(err.text, cases[i].words))
			fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].body, err.text, cases[i].words);
		arena_release(&r.a);
	}
}

static void giant_bodies_are_bounded(void **state)
{
	struct request r;
	struct webhook_event event;
	struct error err = ERROR_INIT;
	cleanup_buf struct buf body = BUF_INIT;
	buf_adds(&body, "{\"delivery\":\"d\",\"refs\":[\"refs/heads/x\"");
	while (body.n < HTTPD_BODY_MAX - 64)
		buf_adds(&body, ",\"refs/heads/x\"");
	buf_adds(&body, "]}");
	init(&r, buf_str(&body));
	assert_int_equal(parse(&r, WEBHOOK_GENERIC, &event, &err), 0);
	assert_int_equal(event.n_refs, WEBHOOK_REFS_MAX);
	assert_true(event.any_ref);
	arena_release(&r.a);

	buf_clear(&body);
	for (size_t i = 0; i < HTTPD_BODY_MAX; i++)
		buf_addc(&body, '[');
	init(&r, buf_str(&body));
	assert_int_equal(parse(&r, WEBHOOK_GENERIC, &event, &err), -1);
	arena_release(&r.a);

	/* A name that no revision can be is not kept, nor one that would garble a terminal. */
	buf_clear(&body);
	buf_adds(&body, "{\"refs\":[\"refs/heads/");
	for (size_t i = 0; i < 5000; i++)
		buf_addc(&body, 'x');
	buf_adds(&body, "\",\"refs/heads/\\u001b[2J\",\"refs/heads/a\\u0000b\",\"refs/heads/ok\"]}");
	init(&r, buf_str(&body));
	assert_int_equal(parse(&r, WEBHOOK_GENERIC, &event, &err), 0);
	assert_int_equal(event.n_refs, 1);
	assert_string_equal(event.refs[0], "refs/heads/ok");
	arena_release(&r.a);
}

/* A body of the host's own form with far more refs, and nothing but such, than one event has. */
static void fill_giant(struct buf *body, const char *head, const char *entry, const char *tail)
{
	buf_clear(body);
	buf_adds(body, head);
	buf_adds(body, entry);
	while (body->n < HTTPD_BODY_MAX - 400) {
		buf_addc(body, ',');
		buf_adds(body, entry);
	}
	buf_adds(body, tail);
}

static void giants_of_each_host_are_bounded(void **state)
{
	static const struct {
		enum webhook_type type;
		const char *header, *event, *head, *entry, *tail;
		bool refs; /* the entries are refs, and too many */
	} cases[] = {
		{ WEBHOOK_GITHUB, "X-GitHub-Event", "push", "{\"ref\":\"refs/heads/main\",\"commits\":[",
		  "{\"id\":\"0123\",\"added\":[\"a\"]}", "]}", false },
		{ WEBHOOK_GITEA, "X-Gitea-Event", "push", "{\"ref\":\"refs/heads/main\",\"commits\":[",
		  "{\"id\":\"0123\",\"added\":[\"a\"]}", "]}", false },
		{ WEBHOOK_GITLAB, "X-Gitlab-Event", "Push Hook",
		  "{\"object_kind\":\"push\",\"ref\":\"refs/heads/main\",\"commits\":[", "{\"id\":\"0123\"}",
		  "]}", false },
		{ WEBHOOK_BITBUCKET, "X-Event-Key", "repo:push", "{\"push\":{\"changes\":[",
		  "{\"new\":{\"type\":\"branch\",\"name\":\"main\"}}", "]}}", true },
		{ WEBHOOK_BITBUCKET, "X-Event-Key", "repo:refs_changed", "{\"changes\":[",
		  "{\"ref\":{\"id\":\"refs/heads/main\"}}", "]}", true },
		{ WEBHOOK_AZURE, "X-None", "", "{\"eventType\":\"git.push\",\"resource\":{\"refUpdates\":[",
		  "{\"name\":\"refs/heads/main\"}", "]}}", true },
	};
	cleanup_buf struct buf body = BUF_INIT;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct request r;
		struct webhook_event event;
		struct error err = ERROR_INIT;
		fill_giant(&body, cases[i].head, cases[i].entry, cases[i].tail);
		init(&r, buf_str(&body));
		set(&r, cases[i].header, cases[i].event);
		sign(&r, cases[i].type, SECRET);
		assert_int_equal(verify(&r, cases[i].type, SECRET), 0);
		assert_int_equal(parse(&r, cases[i].type, &event, &err), 0);
		assert_int_equal(event.kind, WEBHOOK_PUSH);
		assert_int_equal(event.n_refs, cases[i].refs ? WEBHOOK_REFS_MAX : 1);
		assert_true(event.any_ref == cases[i].refs);
		/* Cut off anywhere it is refused, and never half of it taken. */
		r.body.n /= 2;
		assert_int_equal(verify(&r, cases[i].type, SECRET),
				 webhook_signs_body(cases[i].type) ? -1 : 0);
		assert_int_equal(parse(&r, cases[i].type, &event, &err), -1);
		arena_release(&r.a);
	}
}

/* --- replays --- */

/* What each host really sent, twice. */
static void a_recorded_push_counts_once(void **state)
{
	for (size_t i = 0; i < N_RECORDED; i++) {
		struct request r;
		struct webhook_event event;
		struct error err = ERROR_INIT;
		struct webhook_ring ring = { 0 };
		if (recorded[i].kind != WEBHOOK_PUSH || recorded[i].type == WEBHOOK_QUAY)
			continue;
		load(&r, recorded[i].name);
		assert_int_equal(parse(&r, recorded[i].type, &event, &err), 0);
		struct webhook_mark one = webhook_mark_of(recorded[i].type, &event, r.body, 0);
		assert_false(webhook_ring_has(&ring, &one));
		webhook_ring_add(&ring, &one);
		assert_true(webhook_ring_has(&ring, &one));
		/* Under another name it is a replay where the body is signed, and else another event. */
		event.delivery = STR("another name");
		struct webhook_mark two = webhook_mark_of(recorded[i].type, &event, r.body, 0);
		assert_true(webhook_ring_has(&ring, &two) == webhook_signs_body(recorded[i].type));
		webhook_ring_release(&ring);
		arena_release(&r.a);
	}
}

static struct webhook_mark mark(enum webhook_type type, const char *delivery, const char *body, int64_t now)
{
	struct webhook_event event = { .delivery = str_of(delivery) };
	return webhook_mark_of(type, &event, str_of(body), now);
}

static bool seen(const struct webhook_ring *ring, enum webhook_type type, const char *delivery,
		 const char *body, int64_t now)
{
	struct webhook_mark m = mark(type, delivery, body, now);
	return webhook_ring_has(ring, &m);
}

static void replays_are_known(void **state)
{
	struct webhook_ring ring = { 0 };
	struct webhook_mark one = mark(WEBHOOK_GITHUB, "one", "{1}", 1000);
	assert_false(webhook_ring_has(&ring, &one));
	webhook_ring_add(&ring, &one);
	assert_true(seen(&ring, WEBHOOK_GITHUB, "one", "{1}", 1000));
	assert_true(seen(&ring, WEBHOOK_GITHUB, "one", "{2}", 1000));
	/* The name is not signed: a replay under another one is a replay. */
	assert_true(seen(&ring, WEBHOOK_GITHUB, "two", "{1}", 1000));
	assert_true(seen(&ring, WEBHOOK_GITHUB, NULL, "{1}", 1000));
	assert_false(seen(&ring, WEBHOOK_GITHUB, "two", "{2}", 1000));
	assert_false(seen(&ring, WEBHOOK_GITHUB, NULL, "{2}", 1000));
	assert_true(seen(&ring, WEBHOOK_GITHUB, "one", "{1}", 1000 + WEBHOOK_RING_WINDOW_MS - 1));
	assert_false(seen(&ring, WEBHOOK_GITHUB, "one", "{1}", 1000 + WEBHOOK_RING_WINDOW_MS));
	webhook_ring_release(&ring);

	/* Where the secret itself is sent, a name of its own makes an event another one; with none the body
	 * counts. */
	struct webhook_mark two = mark(WEBHOOK_GITLAB, "one", "{1}", 0),
			    bare = mark(WEBHOOK_GITLAB, "", "{3}", 0);
	webhook_ring_add(&ring, &two);
	webhook_ring_add(&ring, &bare);
	assert_true(seen(&ring, WEBHOOK_GITLAB, "one", "{1}", 0));
	assert_false(seen(&ring, WEBHOOK_GITLAB, "two", "{1}", 0));
	assert_true(seen(&ring, WEBHOOK_GITLAB, "", "{3}", 0));
	webhook_ring_release(&ring);
}

static void the_ring_is_bounded(void **state)
{
	struct webhook_ring ring = { 0 };
	char name[32];
	for (int i = 0; i < 3 * WEBHOOK_RING_MAX; i++) {
		snprintf(name, sizeof(name), "%d", i);
		struct webhook_mark m = mark(WEBHOOK_GITHUB, name, name, 0);
		assert_false(webhook_ring_has(&ring, &m));
		webhook_ring_add(&ring, &m);
	}
	assert_int_equal(ring.marks.n, WEBHOOK_RING_MAX);
	for (int i = 0; i < 3 * WEBHOOK_RING_MAX; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(seen(&ring, WEBHOOK_GITHUB, name, name, 0), i >= 2 * WEBHOOK_RING_MAX);
	}
	webhook_ring_release(&ring);
}

static void bad_signatures_are_limited(void **state)
{
	struct webhook_limit limit = { 0 };
	int64_t now = 5000;
	for (int i = 0; i < WEBHOOK_BAD_MAX; i++) {
		assert_false(webhook_limit_reached(&limit, now));
		webhook_limit_bad(&limit, now);
	}
	assert_true(webhook_limit_reached(&limit, now));
	assert_true(webhook_limit_reached(&limit, now + WEBHOOK_BAD_REFILL_MS - 1));
	assert_false(webhook_limit_reached(&limit, now + WEBHOOK_BAD_REFILL_MS));
	webhook_limit_bad(&limit, now + WEBHOOK_BAD_REFILL_MS);
	assert_true(webhook_limit_reached(&limit, now + WEBHOOK_BAD_REFILL_MS));
	assert_false(webhook_limit_reached(&limit, now + 1000 * WEBHOOK_BAD_REFILL_MS));
	assert_int_equal(limit.bad, 0);
}

/* --- whom it concerns --- */

static void only_what_is_followed_moves(void **state)
{
	static const char sha[] = "0123456789abcdef0123456789abcdef01234567";
	static const struct {
		const char *ref, *revision, *sha, *default_branch;
		bool moves;
	} cases[] = {
		{ "refs/heads/main", "main", NULL, NULL, true },
		{ "refs/heads/other", "main", NULL, NULL, false },
		{ "refs/heads/main2", "main", NULL, NULL, false },
		{ "refs/tags/main", "main", NULL, NULL, true },
		{ "refs/heads/main", "refs/heads/main", NULL, NULL, true },
		{ "refs/tags/main", "refs/heads/main", NULL, NULL, false },
		{ "refs/heads/feature/x", "feature/x", NULL, NULL, true },
		{ "refs/heads/x", "feature/x", NULL, NULL, false },
		{ "refs/pull/1/head", "refs/pull/1/head", NULL, NULL, true },
		{ "refs/heads/main", "HEAD", NULL, "refs/heads/main", true },
		{ "refs/heads/main", "", NULL, "refs/heads/trunk", false },
		{ "refs/heads/main", "", NULL, NULL, true }, /* it may be the default branch */
		{ "refs/tags/v1", "HEAD", NULL, NULL, false },
		{ "refs/tags/v1.4.0", ">=1.2.0 <2.0.0", NULL, NULL, true },
		{ "refs/tags/v2.0.0", ">=1.2.0 <2.0.0", NULL, NULL, false },
		{ "refs/tags/latest", ">=1.2.0 <2.0.0", NULL, NULL, false },
		{ "refs/heads/v1.4.0", "semver:1.x", NULL, NULL, false },
		{ "refs/tags/v1.4.0", "semver:1.x", NULL, NULL, true },
		{ "refs/heads/1.x", "1.x", NULL, NULL, true },
		{ "refs/heads/main", sha, sha, NULL, false }, /* it is here, and never changes */
		{ "refs/heads/main", sha, NULL, NULL, true }, /* it may have come with this push */
		{ "refs/heads/main", "0123456", sha, NULL, false },
		{ "refs/heads/main", "89abcde", sha, NULL, true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *ref = cases[i].ref;
		struct webhook_event event = { .refs = &ref,
					       .n_refs = 1,
					       .default_branch = cases[i].default_branch };
		if (webhook_moves(&event, cases[i].revision, cases[i].sha) != cases[i].moves)
			fail_msg("%s and %s", ref, cases[i].revision);
		event.any_ref = true;
		assert_true(webhook_moves(&event, cases[i].revision, cases[i].sha));
	}
	struct webhook_event none = { 0 };
	assert_false(webhook_moves(&none, "main", NULL));
}

static void only_surely_another_repository_is_passed_over(void **state)
{
	static const struct {
		const char *event, *url;
		bool mine;
	} cases[] = {
		{ "https://git.example.com/team/cfg.git", "https://git.example.com/team/cfg", true },
		{ "https://git.example.com/team/cfg", "ssh://git@GIT.example.com:2222/team/cfg.git/", true },
		{ "https://org@git.example.com/Team/Cfg.git", "https://git.example.com/team/cfg.git", true },
		{ "https://git.example.com/team/web.git", "https://git.example.com/team/cfg.git", false },
		{ "https://git.example.com/other/cfg.git", "https://git.example.com/team/cfg.git", false },
		{ "https://git.example.com/team/web.git", "http://gitea.git.svc:3000/team/cfg.git", true },
		{ "git@git.example.com:team/web.git", "https://git.example.com/team/cfg.git", true },
		{ "https://git.example.com/a%20b/cfg", "https://git.example.com/a b/cfg", true },
		{ "https://git.example.com/team/web.git", "file:///srv/cfg.git", true },
		{ "https://[2001:db8::1]:3000/team/web", "ssh://git@[2001:db8::1]/team/cfg", false },
		{ "https://[2001:db8::2]:3000/team/web", "ssh://git@[2001:db8::1]/team/cfg", true },
		{ "://", "https://git.example.com/team/cfg.git", true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct webhook_event event = { .urls = (const char *[]){ cases[i].event }, .n_urls = 1 };
		if (webhook_is_of(&event, cases[i].url) != cases[i].mine)
			fail_msg("%s and %s", cases[i].event, cases[i].url);
	}
	const char *both[] = { "https://git.example.com/scm/team/cfg.git",
			       "ssh://git@git.example.com:7999/team/cfg.git" };
	struct webhook_event event = { .urls = both, .n_urls = 2 };
	assert_true(webhook_is_of(&event, "ssh://git@git.example.com:7999/team/cfg.git"));
	event.n_urls = 0;
	assert_true(webhook_is_of(&event, "https://git.example.com/team/cfg.git"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_have_names),
		cmocka_unit_test(every_host_is_understood),
		cmocka_unit_test(a_signature_is_as_documented),
		cmocka_unit_test(what_is_signed_is_let_in),
		cmocka_unit_test(forgeries_are_refused),
		cmocka_unit_test(each_host_has_its_own_header),
		cmocka_unit_test(an_empty_secret_lets_nobody_in),
		cmocka_unit_test(details_of_signatures),
		cmocka_unit_test(truncated_bodies_are_refused_in_words),
		cmocka_unit_test(what_a_push_must_have_is_named),
		cmocka_unit_test(giant_bodies_are_bounded),
		cmocka_unit_test(giants_of_each_host_are_bounded),
		cmocka_unit_test(a_recorded_push_counts_once),
		cmocka_unit_test(replays_are_known),
		cmocka_unit_test(the_ring_is_bounded),
		cmocka_unit_test(bad_signatures_are_limited),
		cmocka_unit_test(only_what_is_followed_moves),
		cmocka_unit_test(only_surely_another_repository_is_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
