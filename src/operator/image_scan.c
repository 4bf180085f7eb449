/*
 * image_scan.c - what the registry has, by the rules of image_parts.h: Secret (when named) -> tags -> times
 * (by a policy of time) -> digest (when wanted) -> latest.
 *
 * Of an image without news that is one conditional request. Whatever fails leaves the latest image as it was.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "doc/json.h"
#include "operator/credentials.h"
#include "operator/image_parts.h"
#include "operator/wants.h"

enum { SECRET_TIMEOUT_MS = 15000, RETRY_AFTER_MAX_MS = 600000, WAIT_MS = 50, LOOKS = 4, LOOK_MS = 250 };
#define SCANS_MAX 16u /* at a time: a thousand rules are no attack on a registry */

/* --- the end --- */

static void set_text(char **to, const char *text)
{
	char *copy = text && *text ? mem_strdup(text) : NULL;
	free(*to);
	*to = copy;
}

static void release_scan(struct image_rule *r)
{
	arena_release(&r->scan_arena);
	r->candidates = NULL;
	r->n_candidates = r->n_timed = 0;
}

static void end(struct image_rule *r, enum image_reason reason, const char *error)
{
	if (error && (!r->scan_error || strcmp(error, r->scan_error) != 0))
		log_warn("image rule", "rule", r->key, "error", error, NULL);
	set_text(&r->scan_error, error);
	r->scan_reason = reason;
	r->busy = false;
	r->operator->image_busy--;
	/* A policy that takes nothing is no reason to ask more often. */
	r->failures = reason == IMAGE_SCAN_FAILED ? r->failures + 1 : 0;
	if (error)
		set_text(&r->etag, NULL);
	release_scan(r);
	int64_t in =
		wants_pause_ms(r->spec.interval_ms, r->failures, random_next(&r->operator->random_state));
	if (error && r->retry_after_ms > in)
		in = r->retry_after_ms < RETRY_AFTER_MAX_MS ? r->retry_after_ms : RETRY_AFTER_MAX_MS;
	r->retry_after_ms = -1;
	if (r->expected[0] && r->looks && in > LOOK_MS << (LOOKS - r->looks)) {
		in = LOOK_MS << (LOOKS - r->looks);
		r->looks--;
	}
	loop_timer_set(r->timer, r->again ? 0 : in);
	r->again = false;
	if (error)
		image_rule_status(r);
	else
		image_commit_want(r);
}

static void failed(struct image_rule *r, const struct registry_answer *answer)
{
	r->retry_after_ms = answer->retry_after_ms;
	end(r, IMAGE_SCAN_FAILED, answer->error);
}

/* The image is another, or the same with another digest. */
static void take(struct image_rule *r, const char *digest)
{
	if (strcmp(r->tag, r->next_tag) != 0 || strcmp(r->digest, digest) != 0)
		log_info("latest image", "rule", r->key, "tag", r->next_tag, "digest",
			 *digest ? digest : NULL, NULL);
	memmove(r->tag, r->next_tag, sizeof(r->tag));
	memmove(r->digest, digest, strlen(digest) + 1);
	end(r, IMAGE_SUCCEEDED, NULL);
}

/* --- the digest --- */

static void on_digest(void *ctx, const struct registry_answer *answer)
{
	struct image_rule *r = ctx;
	r->call = NULL;
	if (answer->result != REGISTRY_OK)
		failed(r, answer);
	else
		take(r, answer->digest);
}

static void on_head(void *ctx, const struct registry_answer *answer)
{
	struct image_rule *r = ctx;
	r->call = NULL;
	if (answer->result != REGISTRY_OK)
		failed(r, answer);
	else if (strcmp(answer->digest, r->digest) == 0)
		take(r, r->digest);
	else /* a digest that is written to git has to be proven */
		r->call = registry_resolve(r->registry, r->spec.place.path, r->next_tag, on_digest, r);
}

static void find_digest(struct image_rule *r)
{
	bool known = strcmp(r->tag, r->next_tag) == 0 && r->digest[0];
	const char *path = r->spec.place.path;
	if (r->spec.digest == IMAGE_DIGEST_NONE)
		take(r, "");
	else if (known && r->spec.digest == IMAGE_DIGEST_PIN)
		take(r, r->digest);
	else if (known)
		r->call = registry_head(r->registry, path, r->next_tag, on_head, r);
	else
		r->call = registry_resolve(r->registry, path, r->next_tag, on_digest, r);
}

/* --- the policy --- */

static void choose(struct image_rule *r)
{
	struct error err = ERROR_INIT;
	size_t chosen;
	if (image_policy_choose(&r->spec.policy, r->candidates, r->n_candidates, &chosen, &err) < 0) {
		end(r, IMAGE_POLICY_FAILED, err.text);
		return;
	}
	struct str tag = r->candidates[chosen].tag;
	memcpy(r->next_tag, tag.p, tag.n);
	r->next_tag[tag.n] = '\0';
	find_digest(r);
}

static void forget_times(struct map *times)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(times, &i));)
		free(e->value);
	map_release(times);
}

/* Tags that are gone are forgotten. */
static void keep_times(struct image_rule *r)
{
	struct map kept = MAP_INIT;
	for (size_t i = 0; i < r->n_candidates; i++) {
		int64_t *time = mem_alloc(sizeof(*time));
		*time = r->candidates[i].created_ms;
		free(map_put(&kept, r->candidates[i].tag, time));
	}
	forget_times(&r->times);
	r->times = kept;
}

static void find_times(struct image_rule *r);

static void on_time(void *ctx, const struct registry_answer *answer)
{
	struct image_rule *r = ctx;
	r->call = NULL;
	if (answer->result != REGISTRY_OK) {
		failed(r, answer);
		return;
	}
	r->candidates[r->n_timed++].created_ms = answer->created_ms;
	find_times(r);
}

static void find_times(struct image_rule *r)
{
	for (; r->n_timed < r->n_candidates; r->n_timed++) {
		struct image_candidate *c = &r->candidates[r->n_timed];
		const int64_t *known = map_get(&r->times, c->tag);
		if (!known) {
			r->call = registry_created(r->registry, r->spec.place.path, c->tag.p, on_time, r);
			return;
		}
		c->created_ms = *known;
	}
	keep_times(r);
	choose(r);
}

static void find_latest(struct image_rule *r, const struct str *tags, size_t n)
{
	struct error err = ERROR_INIT;
	struct str *copy = arena_array(&r->scan_arena, struct str, n + 1);
	for (size_t i = 0; i < n; i++)
		copy[i] = arena_str(&r->scan_arena, tags[i]);
	if (image_policy_filter(&r->scan_arena, &r->spec.policy, copy, n, &r->candidates, &r->n_candidates,
				&err) < 0) {
		end(r, IMAGE_POLICY_FAILED, err.text);
	} else if (r->spec.policy.kind != IMAGE_POLICY_TIME) {
		choose(r);
	} else if (r->n_candidates > IMAGE_POLICY_TIMES_MAX) {
		error_set(
			&err,
			"%zu tags pass the filter, and a policy of time looks into at most %u images; narrow "
			"spec.filter",
			r->n_candidates, IMAGE_POLICY_TIMES_MAX);
		end(r, IMAGE_POLICY_FAILED, err.text);
	} else {
		find_times(r);
	}
}

/* --- the tags --- */

static struct hash hash_of_tags(const struct str *tags, size_t n)
{
	return n ? hash_parts(tags, n) : hash_of(STR("no tags"));
}

/* The same list as last time, when the policy took something: it takes the same. */
static void unchanged(struct image_rule *r)
{
	memcpy(r->next_tag, r->tag, sizeof(r->next_tag));
	find_digest(r);
}

static bool has_tag(const struct str *tags, size_t n, const char *tag)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(tags[i], tag))
			return true;
	return false;
}

static void on_tags(void *ctx, const struct registry_answer *answer)
{
	struct image_rule *r = ctx;
	r->call = NULL;
	if (answer->result == REGISTRY_UNCHANGED) {
		unchanged(r);
		return;
	}
	if (answer->result != REGISTRY_OK) {
		failed(r, answer);
		return;
	}
	if (r->expected[0] && has_tag(answer->tags, answer->n_tags, r->expected))
		r->expected[0] = '\0';
	struct hash hash = hash_of_tags(answer->tags, answer->n_tags);
	bool same = hash_eq(hash, r->tags_hash) && r->tag[0] && !r->scan_error;
	if (!hash_eq(hash, r->tags_hash))
		r->scanned_wall_ms = clock_wall_ms();
	r->tags_hash = hash;
	r->n_tags = answer->n_tags;
	set_text(&r->etag, answer->etag);
	if (same)
		unchanged(r);
	else
		find_latest(r, answer->tags, answer->n_tags);
}

static void ask(struct image_rule *r)
{
	r->call = registry_tags(r->registry, r->spec.place.path, r->etag, on_tags, r);
}

/* --- the registry --- */

static struct http_client *shared_http(struct operator* op, struct error *err)
{
	struct http_client_options options = { 0 };
	if (!op->registries)
		op->registries = http_client_new(op->loop, &options, err);
	return op->registries;
}

/* data: of the Secret, or NULL. */
static int open_registry(struct image_rule *r, const struct node *data, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct registry_options options = { .place = &r->spec.place, .insecure = r->spec.insecure };
	struct str config = credentials_key(&a, data, ".dockerconfigjson");
	struct str user = credentials_key(&a, data, "username"),
		   password = credentials_key(&a, data, "password");
	options.ca_pem = credentials_key(&a, data, "ca.crt");
	options.login.helper = r->spec.helper;
	if (config.n) {
		int rc = registry_login_read(&a, config, &r->spec.place, false, &options.login, err);
		if (rc < 0)
			return error_wrap(err, "Secret %s (spec.secretRef), .dockerconfigjson",
					  r->spec.secret);
		if (rc > 0 && !user.n)
			return error_set(
				err, "Secret %s (spec.secretRef): its .dockerconfigjson has nothing for %s",
				r->spec.secret, r->spec.place.name);
	}
	if (user.n && !options.login.username) {
		options.login.username = arena_str(&a, user).p;
		options.login.password = arena_str(&a, password).p;
	}
	if (!options.ca_pem.n)
		options.http = shared_http(r->operator, err);
	if (!options.ca_pem.n && !options.http)
		return -1;
	registry_free(r->registry);
	r->registry = registry_new(r->operator->loop, &options, err);
	return r->registry ? 0 : -1;
}

static void on_secret(void *arg, const struct kube_response *response)
{
	struct image_rule *r = arg;
	struct error err = ERROR_INIT;
	r->secret_call = NULL;
	if (response->result != KUBE_OK) {
		error_set(&err, "Secret %s (spec.secretRef): %.*s", r->spec.secret,
			  STR_ARG(response->message));
		end(r, IMAGE_SCAN_FAILED, err.text);
		return;
	}
	const struct node *data = node_get(response->body, "data");
	struct hash hash = data ? json_hash(data) : hash_of(STR(""));
	if ((!r->registry || !hash_eq(hash, r->secret_hash)) && open_registry(r, data, &err) < 0) {
		end(r, IMAGE_SCAN_FAILED, err.text);
		return;
	}
	r->secret_hash = hash;
	ask(r);
}

static void read_secret(struct image_rule *r)
{
	struct kube_request request = {
		.verb = KUBE_GET,
		.group = STR(""),
		.version = STR("v1"),
		.kind = STR("Secret"),
		.namespace = str_of(r->spec.namespace),
		.name = str_of(r->spec.secret),
		.priority = KUBE_PRIORITY_HIGH,
		.timeout_ms = SECRET_TIMEOUT_MS,
	};
	r->secret_call = kube_send(r->operator->client, &request, on_secret, r);
}

void image_scan(void *rule)
{
	struct image_rule *r = rule;
	struct error err = ERROR_INIT;
	if (r->spec_error || r->spec.suspend)
		return;
	if (r->busy) {
		r->again = true;
		return;
	}
	if (r->operator->image_busy >= SCANS_MAX) {
		loop_timer_set(r->timer, WAIT_MS + random_next(&r->operator->random_state) % WAIT_MS);
		return;
	}
	r->busy = true;
	r->operator->image_busy++;
	r->operator->image_scans++;
	if (r->spec.secret)
		read_secret(r);
	else if (!r->registry && open_registry(r, NULL, &err) < 0)
		end(r, IMAGE_SCAN_FAILED, err.text);
	else
		ask(r);
}

/* docker-registry tells of a push a moment before the tag is there. */
void image_scan_expect(struct image_rule *r, const char *tag)
{
	size_t n = strnlen(tag, REGISTRY_TAG_MAX);
	memcpy(r->expected, tag, n);
	r->expected[n] = '\0';
	r->looks = LOOKS;
}

void image_scan_forget(struct image_rule *r)
{
	set_text(&r->etag, NULL);
	r->tags_hash = (struct hash){ { 0 } };
}

void image_scan_stop(struct image_rule *r)
{
	if (r->secret_call)
		kube_cancel(r->secret_call);
	r->secret_call = NULL;
	registry_free(r->registry);
	r->registry = NULL;
	r->call = NULL;
	r->operator->image_busy -= r->busy;
	r->busy = r->again = false;
	r->retry_after_ms = -1;
	image_scan_forget(r);
	forget_times(&r->times);
	release_scan(r);
}
