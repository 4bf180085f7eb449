/*
 * image_rules.c - ImageRule objects: what comes of the watch, and their status; see image_parts.h.
 *
 * The status is written when it says something new, and not while a commit is under way that will change it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/json.h"
#include "operator/image_parts.h"

enum { STATUS_TIMEOUT_MS = 30000, MESSAGE_MAX = 4000 };

static const char *const reasons[IMAGE_REASONS] = {
	[IMAGE_PENDING] = "Pending",
	[IMAGE_SUCCEEDED] = "Succeeded",
	[IMAGE_SUSPENDED] = "Suspended",
	[IMAGE_INVALID] = "InvalidSpec",
	[IMAGE_SCAN_FAILED] = "ScanFailed",
	[IMAGE_POLICY_FAILED] = "PolicyFailed",
	[IMAGE_UPDATE_FAILED] = "UpdateFailed",
};

/* --- status --- */

static enum image_reason verdict(const struct image_rule *r, const char **message)
{
	*message = "";
	if (r->spec_error) {
		*message = r->spec_error;
		return IMAGE_INVALID;
	}
	if (r->spec.suspend)
		return IMAGE_SUSPENDED;
	if (r->scan_error) {
		*message = r->scan_error;
		return r->scan_reason;
	}
	if (r->update_error) {
		*message = r->update_error;
		return IMAGE_UPDATE_FAILED;
	}
	return r->tag[0] ? IMAGE_SUCCEEDED : IMAGE_PENDING;
}

static struct hash news_of(const struct image_rule *r, int64_t generation, struct str reason,
			   struct str message, struct str latest)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text, "%lld %.*s %.*s %s %zu %.*s", (long long)generation, STR_ARG(reason),
		   STR_ARG(latest), r->commit, r->n_tags, STR_ARG(message));
	hook_news(r->hook, &text);
	return hash_of(buf_str(&text));
}

static struct str latest_of(struct arena *a, const struct image_rule *r)
{
	struct image_change change;
	if (!r->tag[0])
		return STR("");
	image_rule_change(a, &r->spec, str_of(r->tag), str_of(r->digest), &change);
	return change.text;
}

static void free_rule(struct image_rule *r);

static void on_status(void *arg, const struct kube_response *response)
{
	struct image_rule *r = arg;
	r->status_in_flight = false;
	if (r->gone) {
		free_rule(r);
		return;
	}
	if (response->result != KUBE_OK) {
		r->status_known = false; /* with the next scan */
		return;
	}
	image_rule_status(r); /* what was new meanwhile */
}

static void add_condition(struct buf *b, struct image_rule *r, enum image_reason reason, const char *message)
{
	char since[CLOCK_RFC3339_MAX];
	bool ready = reason == IMAGE_SUCCEEDED || reason == IMAGE_SUSPENDED;
	if (ready != r->was_ready || !r->ready_since_ms)
		r->ready_since_ms = clock_wall_ms();
	r->was_ready = ready;
	clock_format(r->ready_since_ms, false, since);
	buf_printf(b,
		   "\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\",\"observedGeneration\":%lld,"
		   "\"lastTransitionTime\":\"%s\",\"reason\":\"%s\",\"message\":",
		   ready		     ? "True"
		   : reason == IMAGE_PENDING ? "Unknown"
					     : "False",
		   (long long)r->spec.generation, since, reasons[reason]);
	json_write_string(b, str_of(*message			? message
				    : reason == IMAGE_SUSPENDED ? "it is suspended"
				    : r->spec.repo		? "the branch names the latest image"
								: "the latest image is known"));
	buf_addc(b, '}');
	hook_condition(r->hook, r->spec.generation, b);
	buf_addc(b, ']');
}

static void add_latest(struct buf *b, const struct image_rule *r, struct str latest)
{
	buf_adds(b, ",\"latest\":");
	if (!latest.n) {
		buf_adds(b, "null");
		return;
	}
	buf_adds(b, "{\"image\":");
	json_write_string(b, latest);
	buf_adds(b, ",\"tag\":");
	json_write_string(b, str_of(r->tag));
	buf_adds(b, ",\"digest\":");
	if (r->digest[0])
		json_write_string(b, str_of(r->digest));
	else
		buf_adds(b, "null");
	buf_adds(b, "}");
}

static void write_status(struct image_rule *r, enum image_reason reason, const char *message,
			 struct str latest)
{
	cleanup_buf struct buf body = BUF_INIT;
	buf_printf(&body, "{\"status\":{\"observedGeneration\":%lld,", (long long)r->spec.generation);
	add_condition(&body, r, reason, message);
	add_latest(&body, r, latest);
	buf_printf(&body, ",\"tags\":%zu", r->n_tags);
	if (r->scanned_wall_ms) {
		char at[CLOCK_RFC3339_MAX];
		clock_format(r->scanned_wall_ms, false, at);
		buf_printf(&body, ",\"lastScan\":\"%s\"", at);
	}
	if (r->commit[0])
		buf_printf(&body, ",\"lastCommit\":\"%s\"", r->commit);
	buf_adds(&body, ",\"message\":");
	json_write_string(&body, str_of(message));
	buf_adds(&body, "}}");
	struct kube_request request = {
		.verb = KUBE_MERGE_PATCH,
		.group = STR(CAPSTAN_GROUP),
		.version = STR(CAPSTAN_VERSION_NAME),
		.kind = STR("ImageRule"),
		.namespace = str_of(r->spec.namespace),
		.name = str_of(r->spec.name),
		.subresource = "status",
		.body = buf_str(&body),
		.field_manager = "capstan-status",
		.priority = KUBE_PRIORITY_LOW,
		.timeout_ms = STATUS_TIMEOUT_MS,
	};
	r->status_in_flight = true;
	kube_send(r->operator->client, &request, on_status, r);
}

void image_rule_status(struct image_rule *r)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *text;
	enum image_reason reason = verdict(r, &text);
	bool settled = reason != IMAGE_SUCCEEDED || !r->waiting;
	if (r->status_in_flight || r->gone || !settled || reason == IMAGE_PENDING)
		return;
	const char *message = arena_strndup(&a, text, strnlen(text, MESSAGE_MAX));
	struct str latest = latest_of(&a, r);
	struct hash hash = news_of(r, r->spec.generation, str_of(reasons[reason]), str_of(message), latest);
	if (r->status_known && hash_eq(hash, r->status_hash))
		return;
	r->status_known = true;
	r->status_hash = hash;
	write_status(r, reason, message, latest);
}

/* --- objects --- */

static void copy_text(const struct node *from, const char *key, char *to, size_t size)
{
	struct str text = node_text(node_get(from, key));
	snprintf(to, size, "%.*s", STR_ARG(text));
}

/* What was found and done before this process began; the image must still be the same one. */
static void restore(struct image_rule *r, const struct node *object)
{
	const struct node *status = node_get(object, "status"), *latest = node_get(status, "latest");
	const struct node *ready = node_item(node_get(status, "conditions"), 0);
	struct str image = node_text(node_get(latest, "image")), spec = str_of(r->spec.image);
	int64_t observed = -1, tags = 0;
	node_int(node_get(status, "observedGeneration"), &observed);
	if (observed < 0 || !ready)
		return; /* nothing, or the definition's default */
	r->was_ready = str_is(node_text(node_get(ready, "status")), "True");
	clock_parse(node_text(node_get(ready, "lastTransitionTime")), &r->ready_since_ms);
	clock_parse(node_text(node_get(status, "lastScan")), &r->scanned_wall_ms);
	node_int(node_get(status, "tags"), &tags);
	copy_text(status, "lastCommit", r->commit, sizeof(r->commit));
	r->n_tags = tags > 0 ? (size_t)tags : 0;
	if (spec.n && str_starts(image, spec) && image.n > spec.n && image.p[spec.n] == ':') {
		copy_text(latest, "tag", r->tag, sizeof(r->tag));
		copy_text(latest, "digest", r->digest, sizeof(r->digest));
	}
	hook_restore(r->hook, node_get(status, "conditions"));
	r->status_hash = news_of(r, observed, node_text(node_get(ready, "reason")),
				 node_text(node_get(status, "message")), image);
	r->status_known = true;
}

static struct image_rule *new_rule(struct operator* op, struct str key)
{
	struct image_rule *r = mem_alloc(sizeof(*r));
	r->operator= op;
	r->key = mem_strndup(key.p, key.n);
	r->timer = loop_timer_new(op->loop, image_scan, r);
	r->retry_after_ms = -1;
	map_put(&op->image_rules, key, r);
	return r;
}

static void free_rule(struct image_rule *r)
{
	image_scan_stop(r);
	image_commit_forget(r);
	hook_free(r->operator, r->hook);
	r->hook = NULL;
	loop_timer_free(r->timer);
	r->timer = NULL;
	r->gone = true;
	if (r->status_in_flight)
		return;
	arena_release(&r->spec_arena);
	free(r->spec_error);
	free(r->scan_error);
	free(r->update_error);
	free(r->key);
	free(r);
}

static void forget_latest(struct image_rule *r)
{
	r->tag[0] = r->digest[0] = '\0';
	r->n_tags = 0;
}

/* A new spec: all that was seen under the old one is looked at again. */
static void respec(struct image_rule *r, const struct node *object)
{
	struct error err = ERROR_INIT;
	struct hash before = r->spec.name ? image_rule_source_hash(&r->spec) : (struct hash){ { 0 } };
	image_scan_stop(r);
	image_commit_forget(r);
	arena_release(&r->spec_arena);
	free(r->spec_error);
	free(r->update_error);
	free(r->scan_error);
	r->spec_error = r->update_error = r->scan_error = NULL;
	r->checked[0] = '\0';
	r->failures = 0;
	if (image_rule_read(&r->spec_arena, object, &r->spec, &err) < 0)
		r->spec_error = mem_strdup(err.text);
	if (!hash_is_zero(before) && !hash_eq(before, image_rule_source_hash(&r->spec)))
		forget_latest(r);
	struct hook_want hook = { "rule", r->spec.namespace, r->spec.name, r->spec.webhook_secret,
				  r->spec.webhook_type };
	r->hook = hook_update(r->operator, r->hook, &hook);
}

static void seen(struct operator* op, struct str key, const struct node *object)
{
	struct image_rule *r = map_get(&op->image_rules, key);
	int64_t generation = 0;
	node_int(node_at(object, "metadata.generation"), &generation);
	bool is_new = !r;
	if (r && generation == r->spec.generation) {
		r->listed = true;
		return;
	}
	r = r ? r : new_rule(op, key);
	r->listed = true;
	respec(r, object);
	if (is_new)
		restore(r, object);
	if (r->spec_error || r->spec.suspend) {
		loop_timer_clear(r->timer);
		image_rule_status(r);
	} else {
		loop_timer_set(r->timer, 0);
	}
}

static void vanished(struct operator* op, struct str key)
{
	struct image_rule *r = map_del(&op->image_rules, key);
	if (r)
		free_rule(r);
}

void image_rules_list_begin(struct operator* op)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&op->image_rules, &i));)
		((struct image_rule *)e->value)->listed = false;
}

void image_rules_list_end(struct operator* op)
{
	struct map_entry *e;
	VEC(char *) gone = { 0 };
	for (size_t i = 0; (e = map_next(&op->image_rules, &i));) {
		struct image_rule *r = e->value;
		if (!r->listed)
			vec_push(&gone, mem_strdup(r->key));
	}
	for (size_t i = 0; i < gone.n; i++) {
		vanished(op, str_of(gone.at[i]));
		free(gone.at[i]);
	}
	vec_release(&gone);
	op->rules_listed = true;
}

void image_rules_event(struct operator* op, const struct kube_watch_event *event)
{
	const struct node *metadata = node_get(event->object, "metadata");
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%.*s/%.*s", STR_ARG(node_text(node_get(metadata, "namespace"))),
		   STR_ARG(node_text(node_get(metadata, "name"))));
	if (event->type == WATCH_DELETED)
		vanished(op, buf_str(&key));
	else
		seen(op, buf_str(&key), event->object);
}

void image_rules_free(struct operator* op)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&op->image_rules, &i));) {
		struct image_rule *r = e->value;
		r->status_in_flight = false; /* the client is gone: no answer will come */
		free_rule(r);
	}
	map_release(&op->image_rules);
	image_commits_free(op);
}

/* --- events of others --- */

void image_rules_told(struct operator* op, struct source *s, const char *namespace, const char *name)
{
	struct map_entry *e;
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%s/%s", namespace ? namespace : "", name ? name : "");
	for (size_t i = 0; (e = map_next(&op->image_rules, &i));) {
		struct image_rule *r = e->value;
		if (r->spec_error || !r->spec.repo || !r->tag[0] || !name ||
		    strcmp(r->spec.repo, name) != 0 || strcmp(r->spec.namespace, namespace) != 0)
			continue;
		const char *sha = source_branch(s, r->spec.branch);
		if (!sha || strcmp(sha, r->checked) == 0)
			continue;
		r->checked[0] = '\0';
		image_commit_want(r);
	}
	image_commits_told(op, key.p);
}

size_t image_rules_notify(struct operator* op, const char *namespace, const struct webhook_event *event)
{
	struct map_entry *e;
	size_t woken = 0;
	for (size_t i = 0; (e = map_next(&op->image_rules, &i));) {
		struct image_rule *r = e->value;
		if (r->spec_error || r->spec.suspend || strcmp(r->spec.namespace, namespace) != 0 ||
		    !webhook_names_image(event, r->spec.place.path))
			continue;
		/* A tag that was pushed again is another image. */
		for (size_t k = 0; k < event->n_images; k++) {
			const struct webhook_image *image = &event->images[k];
			if (!image->tag || strcmp(image->path, r->spec.place.path) != 0)
				continue;
			free(map_del(&r->times, str_of(image->tag)));
			image_scan_expect(r, image->tag);
		}
		if (r->spec.policy.kind == IMAGE_POLICY_TIME)
			image_scan_forget(r);
		image_scan(r);
		woken++;
	}
	return woken;
}

void image_rules_touch(struct operator* op, const struct hook *hook)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&op->image_rules, &i));) {
		struct image_rule *r = e->value;
		if (r->hook == hook)
			image_rule_status(r);
	}
}

struct hook *image_rules_hook(struct operator* op, const char *key)
{
	struct image_rule *r = map_get(&op->image_rules, str_of(key));
	return r && !r->spec_error ? r->hook : NULL;
}
