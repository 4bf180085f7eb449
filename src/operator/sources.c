/*
 * sources.c - Repo objects: one mirror each, polled by ls-remote, fetched for all of its apps at once.
 *
 * A cycle is: secret (when named) -> poll -> resolve what the apps want -> fetch what is missing (wants.h) ->
 * tell the apps. A notification during a cycle makes another one follow at once. A cycle that fails backs
 * off, never beyond the interval.
 */
#include "operator/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "doc/json.h"
#include "operator/credentials.h"
#include "operator/rendered.h"
#include "operator/wants.h"
#include "repo/files.h"
#include "repo/publish.h"
#include "repo/remote.h"
#include "repo/tree.h"

enum {
	SECRET_TIMEOUT_MS = 15000,
	STATUS_TIMEOUT_MS = 30000,
};

/* Views of the commits that Apps look at: a thousand Apps mostly look at one. */
enum { VIEWS_KEPT = 4 };

struct view_slot {
	char sha[SHA_HEX_MAX + 1];
	struct repo_view *view; /* or NULL */
};

struct source {
	struct operator* operator;
	char *key;
	struct arena spec_arena;
	struct repo_spec spec;
	char *error;	     /* of the last cycle, or of the spec; NULL: none */
	char *resolve_error; /* of the last source_resolve() */
	struct repo_remote *remote;
	struct loop_timer *timer;
	VEC(struct managed *) apps;
	struct wants wants; /* of the last cycle */
	uint64_t cycle;	    /* number of the one under way, or of the last one */
	bool busy, again, polled, listed, spec_bad;
	/* Why a cycle is asked for: to look at the remote, or for a commit that an App names by its SHA
	 * alone: that is fetched without a look. */
	bool look_due, commit_due;
	bool looked;	    /* the cycle under way, or the last one, did */
	int64_t look_at_ms; /* when the next look is due by the interval */
	unsigned failures;
	struct kube_call *secret_call;
	struct hash secret_hash;
	struct arena secret_arena;		/* of credentials */
	struct remote_credentials *credentials; /* or NULL */
	struct publisher *publisher;		/* of hydrated apps; made when one commits */
	char memo_revision[256]; /* the last revision that was resolved: apps mostly want the same */
	struct resolved memo;
	struct hash memo_refs;
	struct view_slot views[VIEWS_KEPT];
	size_t view_next;
	struct hash status_hash;
	bool status_known, status_in_flight, gone;
	int64_t fetched_wall_ms, ready_since_ms;
	bool was_ready;
	struct hook *hook;
	char pushed[CLOCK_RFC3339_MAX]; /* of a hosted repository: when somebody pushed last, "" */
};

static void cycle(void *arg);

/* --- status --- */

static void add_condition(struct buf *b, struct source *s, bool ready)
{
	if (ready != s->was_ready || !s->ready_since_ms)
		s->ready_since_ms = clock_wall_ms();
	s->was_ready = ready;
	char since[CLOCK_RFC3339_MAX];
	clock_format(s->ready_since_ms, false, since);
	buf_printf(
		b,
		"\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\",\"observedGeneration\":%lld,\"lastTransitionTime\":\"%s\",\"reason\":\"%s\",\"message\":",
		ready ? "True" : "False", (long long)s->spec.generation, since,
		ready	      ? "Succeeded"
		: s->spec_bad ? "InvalidSpec"
			      : "FetchFailed");
	json_write_string(b, str_of(s->error ? s->error : "the remote was read"));
	buf_adds(b, "}");
	hook_condition(s->hook, s->spec.generation, b);
	buf_adds(b, "]");
}

static void write_status(struct source *s);

static void on_status(void *arg, const struct kube_response *response)
{
	struct source *s = arg;
	s->status_in_flight = false;
	if (s->gone)
		source_free(s);
	else if (response->result != KUBE_OK)
		s->status_known = false; /* written again with the next cycle */
	else
		source_touch(s);
}

static void write_status(struct source *s)
{
	char head[HASH_HEX_LEN + 1] = "";
	const struct refs *refs = s->remote ? remote_refs(s->remote) : NULL;
	if (refs && refs->n)
		hash_hex(refs->hash, head);
	cleanup_buf struct buf news = BUF_INIT;
	buf_printf(&news, "%lld %s %s", (long long)s->spec.generation, head, s->error ? s->error : "");
	hook_news(s->hook, &news);
	struct hash hash = hash_of(buf_str(&news));
	if (s->status_in_flight || (s->status_known && hash_eq(hash, s->status_hash)))
		return;
	s->status_known = true;
	s->status_hash = hash;
	cleanup_buf struct buf body = BUF_INIT;
	buf_printf(&body, "{\"status\":{\"observedGeneration\":%lld,", (long long)s->spec.generation);
	add_condition(&body, s, !s->error);
	if (*head)
		buf_printf(&body, ",\"head\":\"%s\",\"refs\":%zu", head, refs->n);
	if (s->fetched_wall_ms) {
		char at[CLOCK_RFC3339_MAX];
		clock_format(s->fetched_wall_ms, false, at);
		buf_printf(&body, ",\"lastFetched\":\"%s\"", at);
	}
	buf_adds(&body, ",\"message\":");
	json_write_string(&body, str_of(s->error ? s->error : ""));
	buf_adds(&body, "}}");
	struct kube_request request = {
		.verb = KUBE_MERGE_PATCH,
		.group = STR(CAPSTAN_GROUP),
		.version = STR(CAPSTAN_VERSION_NAME),
		.kind = STR("Repo"),
		.namespace = str_of(s->spec.namespace),
		.name = str_of(s->spec.name),
		.subresource = "status",
		.body = buf_str(&body),
		.field_manager = "capstan-status",
		.priority = KUBE_PRIORITY_LOW,
		.timeout_ms = STATUS_TIMEOUT_MS,
	};
	s->status_in_flight = true;
	kube_send(s->operator->client, &request, on_status, s);
}

/* --- the cycle --- */

static void tell_apps(struct source *s)
{
	for (size_t i = 0; i < s->apps.n; i++)
		managed_wanted(s->apps.at[i]);
}

static void set_error(struct source *s, const char *error)
{
	if (error && (!s->error || strcmp(error, s->error) != 0))
		log_warn("repo", "repo", s->key, "error", error, NULL);
	char *copy = error ? mem_strdup(error) : NULL;
	free(s->error);
	s->error = copy;
}

static void close_views(struct source *s);

static void end_cycle(struct source *s, const char *error)
{
	if (error)
		close_views(s); /* the mirror may have been made anew */
	set_error(s, error);
	s->busy = false;
	s->failures = error ? s->failures + 1 : 0;
	tell_apps(s);
	image_rules_told(s->operator, s, s->spec.namespace, s->spec.name);
	write_status(s);
	if (s->looked || error)
		s->look_at_ms = clock_mono_ms() + wants_pause_ms(s->spec.interval_ms, s->failures,
								 random_next(&s->operator->random_state));
	loop_timer_set_at(s->timer, s->again ? 0 : s->look_at_ms);
	s->again = false;
}

static bool resolve(struct source *s, const char *revision, struct resolved *out, struct error *err)
{
	const struct refs *refs = remote_refs(s->remote);
	if (strcmp(revision, s->memo_revision) == 0 && hash_eq(refs->hash, s->memo_refs)) {
		*out = s->memo;
		return true;
	}
	if (refs_resolve(refs, revision, out, err) < 0)
		return false;
	snprintf(s->memo_revision, sizeof(s->memo_revision), "%s", revision);
	s->memo = *out;
	s->memo_refs = refs->hash;
	return true;
}

static void on_fetched(void *ctx)
{
	struct source *s = ctx;
	if (s->wants.brought)
		s->fetched_wall_ms = clock_wall_ms();
	end_cycle(s, wants_error(&s->wants));
}

static void fetch_wanted(struct source *s)
{
	struct resolved revision;
	wants_clear(&s->wants);
	for (size_t i = 0; i < s->apps.n; i++) {
		const struct app_spec *spec = &s->apps.at[i]->spec;
		/* What there is not the app hears from source_resolve(). */
		if (resolve(s, spec->revision, &revision, NULL))
			wants_add(&s->wants, &revision);
		if (spec->hydrate.branch && resolve(s, spec->hydrate.branch, &revision, NULL))
			wants_add(&s->wants, &revision);
	}
	wants_fetch(&s->wants, s->remote, on_fetched, s);
}

static void on_polled(void *ctx, bool changed, const char *error)
{
	struct source *s = ctx;
	if (error) {
		end_cycle(s, error);
		return;
	}
	s->polled = true;
	fetch_wanted(s);
}

/* --- secrets --- */

static struct remote_options options_of(const struct source *s, const char *mirror)
{
	return (struct remote_options){
		.url = s->spec.url,
		.mirror = mirror,
		.timeout_ms = s->spec.timeout_ms,
		.max_bytes = s->spec.max_bytes,
		.submodules = s->spec.submodules,
		.user_environment = s->operator->options->user_environment && !s->spec.secret,
		.credentials = s->credentials,
	};
}

struct publisher *source_publisher(struct source *s)
{
	cleanup_buf struct buf mirror = BUF_INIT;
	if (s->publisher || !s->remote)
		return s->publisher;
	buf_printf(&mirror, "%s/%s_%s.publish.git", s->operator->options->cache_dir, s->spec.namespace,
		   s->spec.name);
	struct remote_options options = options_of(s, mirror.p);
	options.submodules = false;
	s->publisher = publisher_new(s->operator->loop, &options);
	return s->publisher;
}

/* What commits by it begins anew with the next one. */
static void close_publisher(struct source *s)
{
	for (size_t i = 0; s->publisher && i < s->apps.n; i++)
		hydration_cancel(s->apps.at[i]);
	if (s->publisher)
		image_commits_cancel(s->operator, s->key);
	publisher_free(s->publisher);
	s->publisher = NULL;
}

static void open_remote(struct source *s)
{
	struct error err = ERROR_INIT;
	cleanup_buf struct buf mirror = BUF_INIT;
	buf_printf(&mirror, "%s/%s_%s.git", s->operator->options->cache_dir, s->spec.namespace, s->spec.name);
	struct remote_options options = options_of(s, mirror.p);
	close_publisher(s);
	close_views(s);
	remote_free(s->remote);
	s->remote = remote_new(s->operator->loop, &options, &err);
	if (!s->remote)
		end_cycle(s, err.text);
}

static void poll(struct source *s)
{
	if (s->remote)
		remote_poll(s->remote, on_polled, s);
}

static void on_secret(void *arg, const struct kube_response *response)
{
	struct source *s = arg;
	s->secret_call = NULL;
	if (response->result != KUBE_OK) {
		cleanup_buf struct buf text = BUF_INIT;
		buf_printf(&text, "Secret %s (spec.secretRef): %.*s", s->spec.secret,
			   STR_ARG(response->message));
		end_cycle(s, text.p);
		return;
	}
	const struct node *data = node_get(response->body, "data");
	struct hash hash = data ? json_hash(data) : (struct hash){ { 0 } };
	if (!s->remote || !hash_eq(hash, s->secret_hash)) {
		close_publisher(s);
		arena_release(&s->secret_arena);
		s->credentials = arena_new(&s->secret_arena, struct remote_credentials);
		credentials_read(&s->secret_arena, node_clone(&s->secret_arena, data), s->credentials);
		s->secret_hash = hash;
		open_remote(s);
	}
	poll(s);
}

static void cycle(void *arg)
{
	struct source *s = arg;
	if (s->busy || s->spec.suspend || s->spec_bad || !s->spec.url)
		return;
	/* Once the next look is due by its time, it is one anyway. */
	s->looked = !s->commit_due || s->look_due || !s->polled || s->error || !s->remote ||
		    clock_mono_ms() >= s->look_at_ms;
	s->look_due = s->commit_due = false;
	s->busy = true;
	s->cycle++;
	if (!s->looked) {
		fetch_wanted(s);
		return;
	}
	if (!s->spec.secret) {
		if (!s->remote)
			open_remote(s);
		poll(s);
		return;
	}
	struct kube_request request = {
		.verb = KUBE_GET,
		.group = STR(""),
		.version = STR("v1"),
		.kind = STR("Secret"),
		.namespace = str_of(s->spec.namespace),
		.name = str_of(s->spec.secret),
		.priority = KUBE_PRIORITY_HIGH,
		.timeout_ms = SECRET_TIMEOUT_MS,
	};
	s->secret_call = kube_send(s->operator->client, &request, on_secret, s);
}

uint64_t source_next_cycle(const struct source *s)
{
	return s->cycle + 1;
}

bool source_passed(const struct source *s, uint64_t cycle)
{
	return s->spec.suspend || s->spec_bad || s->cycle > cycle || (s->cycle == cycle && !s->busy);
}

static void ask_cycle(struct source *s)
{
	if (s->busy)
		s->again = true;
	else if (!s->spec.suspend)
		loop_timer_set(s->timer, 0);
}

void source_notify(struct source *s)
{
	s->look_due = true;
	ask_cycle(s);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Hundreds of Apps mostly follow one branch: it is asked about once. */
bool source_concerns(const struct source *s, const struct webhook_event *event)
{
	const char *last = NULL, *last_sha = NULL;
	if (s->spec.suspend || !s->spec.url || !webhook_is_of(event, s->spec.url))
		return false;
	if ((s->error || !s->polled) && s->apps.n)
		return true;
	for (size_t i = 0; i < s->apps.n; i++) {
		const struct managed *m = s->apps.at[i];
		const char *revision = m->spec.revision, *hydrated = m->spec.hydrate.branch;
		if (hydrated && webhook_moves(event, hydrated, NULL))
			return true;
		if (last && strcmp(last, revision) == 0 && same_text(last_sha, m->sha))
			continue;
		if (webhook_moves(event, revision, m->sha))
			return true;
		last = revision;
		last_sha = m->sha;
	}
	return false;
}

/* Before the first look is through there is nothing to say. */
void source_touch(struct source *s)
{
	if (!s->gone && (s->polled || s->error))
		write_status(s);
}

bool source_failing(const struct source *s)
{
	return s->error != NULL;
}

struct hook *source_hook(const struct source *s)
{
	return s->spec_bad ? NULL : s->hook;
}

/* --- apps --- */

struct source *source_find(struct operator* op, const char *namespace, const char *name)
{
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%s/%s", namespace, name);
	return map_get(&op->sources, buf_str(&key));
}

void source_subscribe(struct source *s, struct managed *m)
{
	vec_push(&s->apps, m);
}

void source_unsubscribe(struct source *s, struct managed *m)
{
	for (size_t i = 0; i < s->apps.n; i++) {
		if (s->apps.at[i] == m) {
			vec_remove(&s->apps, i);
			return;
		}
	}
}

const char *source_mirror(const struct source *s)
{
	return s->remote ? remote_mirror(s->remote) : NULL;
}

const char *source_branch(struct source *s, const char *branch)
{
	cleanup_buf struct buf ref = BUF_INIT;
	buf_printf(&ref, "refs/heads/%s", branch);
	const struct refs *refs = s->remote && s->polled ? remote_refs(s->remote) : NULL;
	for (size_t i = 0; refs && i < refs->n; i++)
		if (str_eq(refs->refs[i].name, buf_str(&ref)))
			return refs->refs[i].sha.p;
	return NULL;
}

static bool say_error(struct source *s, struct source_answer *out, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool say_error(struct source *s, struct source_answer *out, const char *fmt, ...)
{
	cleanup_buf struct buf text = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	free(s->resolve_error);
	s->resolve_error = mem_strdup(text.p);
	out->error = s->resolve_error;
	return true;
}

static void close_views(struct source *s)
{
	for (size_t i = 0; i < VIEWS_KEPT; i++) {
		repo_view_close(s->views[i].view);
		s->views[i].view = NULL;
	}
}

/* NULL: the commit is not there. */
static struct repo_view *view_of(struct source *s, const char *sha, struct error *err)
{
	for (size_t i = 0; i < VIEWS_KEPT; i++)
		if (s->views[i].view && strcmp(s->views[i].sha, sha) == 0)
			return s->views[i].view;
	struct repo_view *view = repo_view_open(source_mirror(s), sha, err);
	if (!view)
		return NULL;
	struct view_slot *slot = &s->views[s->view_next++ % VIEWS_KEPT];
	repo_view_close(slot->view);
	slot->view = view;
	snprintf(slot->sha, sizeof(slot->sha), "%s", sha);
	return view;
}

static bool has_path(struct repo_view *view, const char *wanted, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct view_entry entry = { .kind = VIEW_NONE };
	const char *path = wanted ? rendered_path(&a, wanted) : "";
	return *path == '\0' || (repo_view_find(view, &a, path, &entry, err) == 0 && entry.kind != VIEW_NONE);
}

bool source_resolve(struct source *s, const struct source_ask *ask, struct source_answer *out)
{
	struct error err = ERROR_INIT;
	struct resolved resolved;
	*out = (struct source_answer){ 0 };
	if (s->spec_bad || (!s->polled && s->error))
		return say_error(s, out, "Repo %s: %s", s->spec.name, s->error ? s->error : "is refused");
	if (!s->polled)
		return false;
	if (!resolve(s, ask->revision, &resolved, &err))
		return say_error(s, out, "Repo %s: %s", s->spec.name, err.text);
	out->view = view_of(s, resolved.sha, &err);
	if (!out->view) {
		/* Not fetched yet. A cycle that ended with an error says why; otherwise one is due. */
		const struct want *want = wants_find(&s->wants, resolved.sha);
		if (s->error && !s->busy)
			return say_error(s, out, "Repo %s: %s", s->spec.name,
					 want && want->error ? want->error : s->error);
		/* A full SHA is what it is, whatever the refs say. */
		if (resolved.ref[0])
			s->look_due = true;
		else
			s->commit_due = true;
		ask_cycle(s);
		return false;
	}
	if (!has_path(out->view, ask->path, &err))
		return say_error(s, out, "%s: there is no path %s; correct spec.source.path, or commit it",
				 resolved.display, ask->path);
	snprintf(out->display, sizeof(out->display), "%s", resolved.display);
	s->memo = resolved;
	out->sha = s->memo.sha;
	return true;
}

/* --- objects --- */

static struct source *source_new(struct operator* op, struct str key)
{
	struct source *s = mem_alloc(sizeof(*s));
	s->operator= op;
	s->key = mem_strndup(key.p, key.n);
	s->timer = loop_timer_new(op->loop, cycle, s);
	map_put(&op->sources, key, s);
	return s;
}

/* Apps that came before their Repo find it now. */
static void adopt_apps(struct operator* op, struct source *s)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&op->apps, &i));) {
		struct managed *m = e->value;
		if (!m->ready || m->source || strcmp(m->spec.repo, s->spec.name) != 0 ||
		    strcmp(m->spec.namespace, s->spec.namespace) != 0)
			continue;
		m->source = s;
		source_subscribe(s, m);
	}
}

static void stop_work(struct source *s)
{
	if (s->secret_call)
		kube_cancel(s->secret_call);
	s->secret_call = NULL;
	close_views(s);
	close_publisher(s);
	remote_free(s->remote);
	s->remote = NULL;
	arena_release(&s->secret_arena);
	s->credentials = NULL;
	s->busy = s->again = false;
}

static void restore_status(struct source *s, const struct node *object)
{
	const struct node *status = node_get(object, "status");
	const struct node *ready = node_item(node_get(status, "conditions"), 0);
	int64_t observed = 0;
	node_int(node_get(status, "observedGeneration"), &observed);
	if (!ready || observed < 0)
		return; /* nothing, or the definition's default */
	s->was_ready = str_is(node_text(node_get(ready, "status")), "True");
	clock_parse(node_text(node_get(ready, "lastTransitionTime")), &s->ready_since_ms);
	struct str head = node_text(node_get(status, "head")),
		   message = node_text(node_get(status, "message"));
	cleanup_buf struct buf news = BUF_INIT;
	buf_printf(&news, "%lld %.*s %.*s", (long long)observed, STR_ARG(head), STR_ARG(message));
	hook_restore(s->hook, node_get(status, "conditions"));
	hook_news(s->hook, &news);
	s->status_hash = hash_of(buf_str(&news));
	s->status_known = true;
}

static void note_pushed(struct source *s, const struct repo_spec *spec)
{
	snprintf(s->pushed, sizeof(s->pushed), "%s", spec->pushed ? spec->pushed : "");
}

/* A hosted repository whose service said nothing new but, perhaps, that somebody pushed. */
static bool same_hosted(struct source *s, const struct node *object)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_spec now;
	if (!s->spec.hosted)
		return true;
	if (repo_spec_read(&a, object, &now, NULL) < 0 || !same_text(now.url, s->spec.url) ||
	    !same_text(now.secret, s->spec.secret) ||
	    (!now.url && !same_text(now.hosted_trouble, s->spec.hosted_trouble)))
		return false;
	if (strcmp(now.pushed ? now.pushed : "", s->pushed) != 0) {
		note_pushed(s, &now);
		source_notify(s);
	}
	return true;
}

/* Of the spec, and of a hosted repository for which there is no address yet. */
static bool check_spec(struct source *s, struct error *err)
{
	if (s->spec.url)
		return remote_check_url(s->spec.url, err) == 0;
	error_set(err, "spec.hosted: %s",
		  s->spec.hosted_trouble
			  ? s->spec.hosted_trouble
			  : "the push service has not served it yet; is `capstan serve` running?");
	return false;
}

static void seen(struct operator* op, struct str key, const struct node *object)
{
	struct source *s = map_get(&op->sources, key);
	int64_t generation = 0;
	node_int(node_at(object, "metadata.generation"), &generation);
	bool is_new = !s;
	if (s && generation == s->spec.generation && same_hosted(s, object)) {
		s->listed = true;
		return;
	}
	s = s ? s : source_new(op, key);
	s->listed = true;
	stop_work(s);
	arena_release(&s->spec_arena);
	struct error err = ERROR_INIT;
	s->spec_bad = repo_spec_read(&s->spec_arena, object, &s->spec, &err) < 0 || !check_spec(s, &err);
	note_pushed(s, &s->spec);
	s->polled = false;
	struct hook_want hook = { "repo", s->spec.namespace, s->spec.name, s->spec.webhook_secret,
				  s->spec.webhook_type };
	s->hook = hook_update(op, s->hook, &hook);
	if (is_new) {
		restore_status(s, object);
		adopt_apps(op, s);
	}
	if (s->spec_bad) {
		end_cycle(s, err.text);
		loop_timer_clear(s->timer);
	} else {
		loop_timer_set(s->timer, 0);
	}
}

static void vanished(struct operator* op, struct str key)
{
	struct source *s = map_del(&op->sources, key);
	if (!s)
		return;
	while (s->apps.n) {
		struct managed *m = s->apps.at[--s->apps.n];
		m->source = NULL;
		managed_wanted(m);
	}
	source_free(s);
}

void sources_list_begin(struct operator* op)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&op->sources, &i));)
		((struct source *)e->value)->listed = false;
}

void sources_list_end(struct operator* op)
{
	struct map_entry *e;
	VEC(char *) gone = { 0 };
	for (size_t i = 0; (e = map_next(&op->sources, &i));) {
		struct source *s = e->value;
		if (!s->listed)
			vec_push(&gone, s->key);
	}
	for (size_t i = 0; i < gone.n; i++) {
		cleanup_free char *key = mem_strdup(gone.at[i]);
		vanished(op, str_of(key));
	}
	vec_release(&gone);
	op->repos_listed = true;
	/* Only now is it sure which apps have no Repo. */
	for (size_t i = 0; (e = map_next(&op->apps, &i));)
		if (!((struct managed *)e->value)->source)
			managed_wanted(e->value);
}

void sources_event(struct operator* op, const struct kube_watch_event *event)
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

void source_free(struct source *s)
{
	stop_work(s);
	hook_free(s->operator, s->hook);
	s->hook = NULL;
	loop_timer_free(s->timer);
	s->timer = NULL;
	s->gone = true;
	if (s->status_in_flight)
		return;
	vec_release(&s->apps);
	wants_clear(&s->wants);
	arena_release(&s->spec_arena);
	free(s->error);
	free(s->resolve_error);
	free(s->key);
	free(s);
}
