/*
 * hooks.c - POST /webhook/NAMESPACE/NAME: events of a Repo's git host, or of an ImageRule's registry, by the
 * rules of webhook.h. Where both have that name and a webhook, it is the Repo's.
 *
 * The signature is checked first, over the bytes as they came; only then are they read. An event only ever
 * makes the Repo look at its own remote, or rules of the namespace at their registries: what it says of
 * commits and tags is never believed. Who cannot sign learns
 * nothing; who can is told in words what came of it, for the host's list of deliveries.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/json.h"
#include "operator/internal.h"
#include "operator/web.h"

#define KEY_TOKEN "token" /* of the Secret, docs/reference/secrets.md */

enum { TOKEN_SHORT = 16 }; /* bytes; what has fewer could be guessed */

/* What the status of a Repo or an ImageRule says of its webhook; reason "": nothing yet. */
struct hook_state {
	bool good;
	char reason[32];
	char message[300];
	int64_t since_ms;
};

struct hook {
	struct operator* operator;
	char *key; /* NAMESPACE/NAME, for the log */
	char *namespace;
	const char *object;
	enum webhook_type type;
	struct values_use *secret;
	struct webhook_ring taken;
	struct webhook_limit limit;
	struct hook_state state;
	bool changed;	 /* the state did, and nobody was told */
	bool complained; /* that the Secret cannot be had */
};

struct hook *hook_update(struct operator* op, struct hook *old, const struct hook_want *want)
{
	if (!want->secret) {
		hook_free(op, old);
		return NULL;
	}
	struct hook *hook = old ? old : mem_alloc(sizeof(*hook));
	if (!old) {
		cleanup_buf struct buf key = BUF_INIT;
		buf_printf(&key, "%s/%s", want->namespace, want->name);
		hook->operator= op;
		hook->key = mem_strdup(key.p);
		hook->namespace = mem_strdup(want->namespace);
	}
	hook->object = want->object;
	hook->type = want->type;
	hook->complained = false;
	hook->secret = values_use_secret(op->hook_values, hook->secret, want->namespace, want->secret, hook);
	return hook;
}

void hook_free(struct operator* op, struct hook *hook)
{
	if (!hook)
		return;
	values_use_free(op->hook_values, hook->secret);
	webhook_ring_release(&hook->taken);
	free(hook->key);
	free(hook->namespace);
	free(hook);
}

/* An editor, and `kubectl create secret --from-file` after it, ends a file with a new line. */
static struct str without_line_end(struct str token)
{
	while (token.n && (token.p[token.n - 1] == '\n' || token.p[token.n - 1] == '\r'))
		token.n--;
	return token;
}

static void set_state(struct hook *hook, bool good, const char *reason, const char *message)
{
	struct hook_state *state = &hook->state;
	if (strcmp(state->reason, reason) == 0 &&
	    strncmp(state->message, message, sizeof(state->message) - 1) == 0)
		return;
	if (!state->since_ms || good != state->good)
		state->since_ms = clock_wall_ms();
	state->good = good;
	snprintf(state->reason, sizeof(state->reason), "%s", reason);
	snprintf(state->message, sizeof(state->message), "%s", message);
	hook->changed = true;
}

/* As values_key(); says in the log, once, why events cannot be taken. */
static int token_of(struct hook *hook, struct arena *a, struct str *out)
{
	struct error err = ERROR_INIT;
	int rc = values_key(hook->secret, a, KEY_TOKEN, out, &err);
	if (rc == 0)
		*out = without_line_end(*out);
	if (rc == 0 && out->n == 0)
		rc = error_set(&err, "key " KEY_TOKEN " is empty");
	if (rc < 0 && !hook->complained)
		log_warn("webhook: its Secret cannot be used", hook->object, hook->key, "error", err.text,
			 NULL);
	hook->complained = rc < 0;
	if (rc < 0)
		set_state(hook, false, "SecretMissing", err.text);
	else if (rc == 0 && out->n < TOKEN_SHORT)
		set_state(hook, true, "SecretShort",
			  "the secret has fewer than 16 bytes and could be guessed; `openssl rand -hex 32` "
			  "makes a good one");
	else if (rc == 0)
		set_state(hook, true, "SecretRead", "events that are signed with the secret are taken");
	return rc;
}

void hooks_changed(void *ctx, void *user)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct operator* op = ctx;
	struct hook *hook = user;
	struct str token;
	token_of(hook, &a, &token);
	struct source *source = hook->changed ? map_get(&op->sources, str_of(hook->key)) : NULL;
	bool changed = hook->changed;
	hook->changed = false;
	if (source && source_hook(source) == hook)
		source_touch(source);
	else if (changed)
		image_rules_touch(op, hook);
}

/* --- in the status of its object --- */

void hook_condition(const struct hook *hook, int64_t generation, struct buf *out)
{
	char since[CLOCK_RFC3339_MAX];
	if (!hook || !hook->state.reason[0])
		return;
	clock_format(hook->state.since_ms, false, since);
	buf_printf(out,
		   ",{\"type\":\"Webhook\",\"status\":\"%s\",\"observedGeneration\":%lld,"
		   "\"lastTransitionTime\":\"%s\",\"reason\":\"%s\",\"message\":",
		   hook->state.good ? "True" : "False", (long long)generation, since, hook->state.reason);
	json_write_string(out, str_of(hook->state.message));
	buf_addc(out, '}');
}

void hook_news(const struct hook *hook, struct buf *out)
{
	if (hook && hook->state.reason[0])
		buf_printf(out, " %s %s", hook->state.reason, hook->state.message);
}

void hook_restore(struct hook *hook, const struct node *conditions)
{
	for (size_t i = 0; hook && i < node_count(conditions); i++) {
		const struct node *c = node_item(conditions, i);
		struct hook_state *state = &hook->state;
		if (!str_is(node_text(node_get(c, "type")), "Webhook"))
			continue;
		state->good = str_is(node_text(node_get(c, "status")), "True");
		snprintf(state->reason, sizeof(state->reason), "%.*s",
			 STR_ARG(node_text(node_get(c, "reason"))));
		snprintf(state->message, sizeof(state->message), "%.*s",
			 STR_ARG(node_text(node_get(c, "message"))));
		clock_parse(node_text(node_get(c, "lastTransitionTime")), &state->since_ms);
	}
}

/* --- answers --- */

static const struct {
	const char *name; /* in the metric */
	int status;
} results[HOOK_RESULTS] = {
	[HOOK_TAKEN] = { "taken", 202 },
	[HOOK_IGNORED] = { "ignored", 202 },
	[HOOK_REPLAYED] = { "replayed", 409 },
	[HOOK_UNREADABLE] = { "unreadable", 400 },
	[HOOK_UNAUTHORIZED] = { "unauthorized", 401 },
	[HOOK_LIMITED] = { "limited", 429 },
	[HOOK_UNREADY] = { "unready", 503 },
	[HOOK_UNKNOWN] = { "unknown", 404 },
};

static void answer(struct operator* op, enum hook_result result, struct httpd_reply *reply, const char *text)
{
	op->hooks[result]++;
	web_text(reply, results[result].status, text);
}

const char *hook_result_name(enum hook_result result)
{
	return results[result].name;
}

/* --- events --- */

static const char *header_of(const void *ctx, const char *name)
{
	const struct httpd_request *request = ctx;
	return request->header(request, name);
}

static const char *query_of(const void *ctx, const char *name)
{
	const struct httpd_request *request = ctx;
	return request->query(request, name);
}

static void look_at_remote(struct operator* op, struct source *source, const struct webhook_event *event,
			   struct httpd_reply *reply)
{
	if (!source_concerns(source, event)) {
		answer(op, HOOK_IGNORED, reply,
		       "nothing is fetched: no App follows what was pushed, or the Repo is suspended\n");
		return;
	}
	source_notify(source);
	answer(op, HOOK_TAKEN, reply, "the Repo is fetched now\n");
}

static void look_at_registry(struct operator* op, const struct hook *hook, const struct webhook_event *event,
			     struct httpd_reply *reply)
{
	if (image_rules_notify(op, hook->namespace, event))
		answer(op, HOOK_TAKEN, reply, "the registry is asked now\n");
	else
		answer(op, HOOK_IGNORED, reply,
		       "nothing is asked: no ImageRule of the namespace watches that image\n");
}

/* Who sends the secret itself could send anything: the same again is the host's second try, and a host that
 * is refused often enough ends a webhook. */
static void taken_already(struct operator* op, enum webhook_type type, struct httpd_reply *reply)
{
	bool signs = webhook_signs_body(type);
	answer(op, signs ? HOOK_REPLAYED : HOOK_IGNORED, reply, "this event was taken already\n");
}

/* What was verified. source NULL: it is an ImageRule's. */
static void take(struct operator* op, struct hook *hook, struct source *source,
		 const struct webhook_headers *headers, struct str body, struct httpd_reply *reply)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct webhook_event event;
	struct error err = ERROR_INIT;
	if (webhook_parse(&a, hook->type, headers, body, &event, &err) < 0) {
		answer(op, HOOK_UNREADABLE, reply, arena_printf(&a, "%s\n", err.text));
		return;
	}
	if (event.kind != WEBHOOK_PUSH) {
		answer(op, HOOK_IGNORED, reply,
		       event.kind == WEBHOOK_PING ? "well received\n" : "such an event moves nothing\n");
		return;
	}
	struct webhook_mark mark = webhook_mark_of(hook->type, &event, body, loop_now(op->loop));
	if (webhook_ring_has(&hook->taken, &mark) && !(source && source_failing(source))) {
		taken_already(op, hook->type, reply);
		return;
	}
	webhook_ring_add(&hook->taken, &mark);
	if (source)
		look_at_remote(op, source, &event, reply);
	else
		look_at_registry(op, hook, &event, reply);
}

/* Only bad ones are limited: whoever floods a Repo with them must not shut out its host. What the limit saves
 * is the log. */
static void refuse(struct hook *hook, int64_t now, const char *why, struct httpd_reply *reply)
{
	if (webhook_limit_reached(&hook->limit, now)) {
		answer(hook->operator, HOOK_LIMITED, reply, "too many bad signatures: try again later\n");
		return;
	}
	webhook_limit_bad(&hook->limit, now);
	log_warn("webhook: refused", hook->object, hook->key, "reason", why, NULL);
	answer(hook->operator, HOOK_UNAUTHORIZED, reply, "not authorized\n");
}

void hooks_serve(void *ctx, const char *name, const struct httpd_request *request, struct httpd_reply *reply)
{
	struct operator* op = ctx;
	cleanup_arena struct arena a = ARENA_INIT;
	struct webhook_headers headers = { header_of, request, query_of };
	struct error err = ERROR_INIT;
	struct str token;
	int64_t now = loop_now(op->loop);
	struct source *source = map_get(&op->sources, str_of(name));
	struct hook *hook = source ? source_hook(source) : NULL;
	if (!hook) {
		source = NULL;
		hook = image_rules_hook(op, name);
	}
	if (!hook && (!op->repos_listed || !op->rules_listed || op->stopping)) {
		answer(op, HOOK_UNREADY, reply, "not ready, or another replica leads: try again\n");
	} else if (!hook) {
		answer(op, HOOK_UNKNOWN, reply, "there is no such Repo or ImageRule with spec.webhook\n");
	} else if (token_of(hook, &a, &token) != 0) {
		answer(op, HOOK_UNREADY, reply, "not ready: try again\n");
	} else if (webhook_verify(hook->type, &headers, request->body, token, &err) < 0) {
		refuse(hook, now, err.text, reply);
	} else {
		take(op, hook, source, &headers, request->body, reply);
	}
}
