/*
 * serve_repo.c - one repository: from its objects to HOME/repos, and what follows a push.
 *
 * served_apply() is level-based: it makes things as the objects say, as far as what it needs is known, and is
 * called again whenever something of that changes. A record that was good stays while a new spec is refused.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/json.h"
#include "push/access.h"
#include "push/serve_parts.h"

enum {
	PACK_AFTER_MS = 10000, /* a repository was left alone for so long */
	PACK_EVERY_MS =
		3600000, /* objects that no branch has stay loose for weeks, and are no reason to try again */
	PACK_TIMEOUT_MS = 3600000,
	MIRROR_RETRY_MS = 15000,
	MIRROR_RETRY_MAX_MS = 900000,
};

static void set_error(char **at, const char *error)
{
	char *copy = error && *error ? mem_strdup(error) : NULL;
	free(*at);
	*at = copy;
}

/* ---- logins ---- */

static struct values_use *use(struct served *s, struct values_use *old, const char *name)
{
	if (name)
		return values_use_secret(s->serve->values, old, s->namespace, name, s);
	values_use_free(s->serve->values, old);
	return NULL;
}

/* The key's text, NULL when it is not there. *waits: it is not known yet. */
static const char *secret_text(const struct values_use *use, struct arena *a, const char *key, bool *waits,
			       struct error *err)
{
	struct str text;
	int rc = values_key(use, a, key, &text, err);
	*waits = *waits || rc > 0;
	return rc == 0 ? arena_strndup(a, text.p, text.n) : NULL;
}

static int fill_registry(struct served *s, struct arena *a, const struct hosted_spec *spec,
			 struct hosted_registry *out, bool *waits, struct error *err)
{
	struct error missing = ERROR_INIT;
	if (!out->url || !spec->registry_secret)
		return 0;
	const char *key = spec->registry_key ? spec->registry_key : ".dockerconfigjson";
	const char *config = secret_text(s->registry, a, key, waits, &missing);
	if (*waits)
		return 0;
	if (config && registry_login(a, str_of(config), out, err) < 0)
		return error_wrap(err, "Secret %s, key %s", spec->registry_secret, key);
	if (config)
		return 0;
	if (!spec->registry_key) {
		out->username = secret_text(s->registry, a, "username", waits, NULL);
		out->password = secret_text(s->registry, a, "password", waits, NULL);
	}
	if ((out->username && out->password) || spec->registry_optional)
		return 0;
	return error_set(err, "Secret %s (registry): %s", spec->registry_secret, missing.text);
}

/* ---- the mirror ---- */

static void mirror_begin(struct served *s);

static void on_mirrored(void *ctx, const char *error)
{
	struct served *s = ctx;
	if (error)
		log_warn("mirror", "repo", s->key, "error", error, NULL);
	set_error(&s->mirror_error, error);
	s->mirror_failures = error ? s->mirror_failures + 1 : 0;
	if (s->mirror_due) {
		mirror_begin(s);
	} else if (error) {
		int64_t in = MIRROR_RETRY_MS *
			     (INT64_C(1) << (s->mirror_failures < 7 ? s->mirror_failures - 1 : 6));
		s->mirror_due = true;
		loop_timer_set(s->timer, in < MIRROR_RETRY_MAX_MS ? in : MIRROR_RETRY_MAX_MS);
	}
	served_tell(s);
}

static void mirror_begin(struct served *s)
{
	s->mirror_due = s->mirror && mirror_busy(s->mirror);
	/* git has nothing to say to a remote when there is no ref. */
	if (s->mirror && !s->mirror_due && !hash_eq(s->refs, hash_of(STR(""))))
		mirror_push(s->mirror, on_mirrored, s);
}

static void open_mirror(struct served *s, const struct hosted_spec *spec)
{
	static const char *const keys[] = { "username",	   "password", "bearerToken", "identity",
					    "known_hosts", "ca.crt",   "tls.crt",     "tls.key" };
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT, state = ERROR_INIT;
	bool waits = false;
	const char *texts[8] = { NULL };
	struct str parts[9] = { [8] = str_of(spec->repo.mirror_url ? spec->repo.mirror_url : "") };
	for (size_t i = 0; i < 8; i++) {
		texts[i] =
			s->mirror_secret ? secret_text(s->mirror_secret, &a, keys[i], &waits, &state) : NULL;
		parts[i] = str_of(texts[i] ? texts[i] : "");
	}
	struct hash hash = hash_parts(parts, 9);
	if (waits || (s->mirror && hash_eq(hash, s->mirror_hash)))
		return;
	mirror_free(s->mirror);
	s->mirror = NULL;
	s->mirror_hash = hash;
	set_error(&s->mirror_error, NULL);
	if (!spec->repo.mirror_url)
		return;
	struct remote_credentials c = { parts[0], parts[1], parts[2], parts[3],
					parts[4], parts[5], parts[6], parts[7] };
	s->mirror = mirror_new(s->serve->loop, s->serve->home, s->key, spec->repo.mirror_url,
			       s->mirror_secret ? &c : NULL, &err);
	if (!s->mirror)
		set_error(&s->mirror_error, err.text);
	else
		mirror_begin(s);
}

/* ---- packing ---- */

static void on_packed(void *arg, const struct process_result *result)
{
	struct served *s = arg;
	s->packing = NULL;
	if (result->exit_code != 0)
		log_warn("git gc", "repo", s->key, "error", result->err.n ? result->err.p : "no end in time",
			 NULL);
	hosted_look(s->serve->home, s->key, &s->state);
	s->refs = hosted_refs(s->serve->home, s->key); /* in another form */
	served_apply(s);
}

static bool wants_packing(const struct served *s)
{
	return !s->packing && hosted_wants_packing(&s->state) &&
	       (!s->packed_ms || loop_now(s->serve->loop) - s->packed_ms >= PACK_EVERY_MS);
}

static void pack(struct served *s)
{
	static const char *const argv[] = { "git", "--git-dir=.", "gc", "--quiet", NULL };
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct hosted_session session = { .home = s->serve->home, .key = s->key, .who = "capstan" };
	struct process_spec spec = {
		.argv = argv,
		.env = hosted_environment(&a, &session, NULL),
		.dir = hosted_git_dir(&a, s->serve->home, s->key),
		.output_max = 65536,
		.stderr_max = 1024,
		.timeout_ms = PACK_TIMEOUT_MS,
	};
	s->packed_ms = loop_now(s->serve->loop);
	s->packing = process_start(s->serve->loop, &spec, on_packed, s, &err);
	if (!s->packing)
		log_warn("git gc", "repo", s->key, "error", err.text, NULL);
}

static void on_timer(void *arg)
{
	struct served *s = arg;
	if (s->mirror_due)
		mirror_begin(s);
	if (wants_packing(s))
		pack(s);
}

/* ---- the record ---- */

static const struct hosted_spec *spec_of(const struct served *s)
{
	return s->of_remote ? &s->remote.spec : &s->repo.spec;
}

/* The object's people, and the operator. */
static void add_operator(struct arena *a, const struct served *s, struct hosted_repo *repo)
{
	struct hosted_key *keys = arena_array(a, struct hosted_key, repo->n_keys + 1);
	if (repo->n_keys)
		memcpy(keys, repo->keys, repo->n_keys * sizeof(*keys));
	if (s->token_sha256[0])
		keys[repo->n_keys++] = (struct hosted_key){
			.who = HOSTED_OPERATOR,
			.token_sha256 = arena_strdup(a, s->token_sha256),
			.right = HOSTED_READ,
		};
	repo->keys = keys;
}

static void keep_record(struct served *s, const struct hosted_repo *repo)
{
	cleanup_arena struct arena a = ARENA_INIT;
	arena_release(&s->record_arena);
	hosted_record_read(&s->record_arena, node_clone(&s->record_arena, hosted_record(&a, repo)),
			   &s->record, NULL);
	s->recorded = true;
}

static void write_record(struct served *s, const struct hosted_spec *spec)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct hosted_repo repo = spec->repo;
	bool waits = false;
	int rc = fill_registry(s, &a, spec, &repo.registry, &waits, &err);
	if (waits)
		return;
	set_error(&s->error, rc < 0 ? err.text : NULL);
	add_operator(&a, s, &repo);
	if (hosted_update(s->serve->home, &repo, spec->branch, &err) < 0) {
		log_error("repository cannot be kept", "repo", s->key, "error", err.text, NULL);
		set_error(&s->error, err.text);
		return;
	}
	if (!s->recorded) {
		hosted_clean(s->serve->home, s->key);
		hosted_look(s->serve->home, s->key, &s->state);
		s->refs = hosted_refs(s->serve->home, s->key);
		log_info("repository served", "repo", s->key, NULL);
		if (wants_packing(s))
			loop_timer_set(s->timer, PACK_AFTER_MS);
	}
	keep_record(s, &repo);
	loop_timer_set(s->serve->keys_timer, 0);
}

static void restore_pushed(struct served *s)
{
	struct str pushed = node_text(node_at(s->repo.status, "fetch.pushed"));
	if (!s->pushed[0] && pushed.n < sizeof(s->pushed))
		snprintf(s->pushed, sizeof(s->pushed), "%.*s", STR_ARG(pushed));
}

void served_apply(struct served *s)
{
	const struct hosted_spec *spec = spec_of(s);
	const struct served_object *from = s->of_remote ? &s->remote : &s->repo;
	if (s->serve->stopping)
		return;
	if (!s->timer)
		s->timer = loop_timer_new(s->serve->loop, on_timer, s);
	if (s->repo.there && from->there && !from->error && served_token(s)) {
		restore_pushed(s);
		s->registry = use(s, s->registry, spec->repo.registry.url ? spec->registry_secret : NULL);
		s->mirror_secret = use(s, s->mirror_secret, spec->mirror_secret);
		write_record(s, spec);
		if (s->recorded)
			open_mirror(s, spec);
	}
	/* Before the token is known there is nothing that would not have to be told again. */
	if (!s->secret_call)
		served_tell(s);
}

void served_retire(struct served *s)
{
	struct error err = ERROR_INIT;
	served_release(s);
	if (hosted_delete(s->serve->home, s->key, &err) < 0)
		log_warn("repository cannot be retired", "repo", s->key, "error", err.text, NULL);
	else
		log_info("repository retired: its object is gone", "repo", s->key, NULL);
	loop_timer_set(s->serve->keys_timer, 0);
}

void served_changed(struct served *s)
{
	if (!s->recorded)
		return;
	s->serve->pushes++;
	struct hash refs = hosted_refs(s->serve->home, s->key);
	bool accepted = !hash_eq(refs, s->refs);
	s->refs = refs;
	hosted_look(s->serve->home, s->key, &s->state);
	if (accepted) {
		clock_format(clock_wall_ms(), false, s->pushed);
		hosted_settle_head(s->serve->home, s->key);
	}
	served_apply(s); /* what a push may bring has changed, and status.fetch.pushed */
	if (accepted)
		mirror_begin(s);
	if (wants_packing(s))
		loop_timer_set(s->timer, PACK_AFTER_MS);
}

void served_release(struct served *s)
{
	struct values *values = s->serve->values;
	process_cancel(s->packing);
	mirror_free(s->mirror);
	values_use_free(values, s->registry);
	values_use_free(values, s->mirror_secret);
	loop_timer_free(s->timer);
	arena_release(&s->record_arena);
	set_error(&s->error, NULL);
	set_error(&s->mirror_error, NULL);
	s->packing = NULL;
	s->mirror = NULL;
	s->registry = s->mirror_secret = NULL;
	s->timer = NULL;
	s->recorded = s->mirror_due = false;
	s->record = (struct hosted_repo){ 0 };
	s->pushed[0] = '\0';
	s->state = (struct hosted_state){ 0 };
}

void serve_write_keys(void *arg)
{
	struct serve *serve = arg;
	struct error err = ERROR_INIT;
	struct map_entry *e;
	VEC(const struct hosted_repo *) repos = { 0 };
	/* Until all are known, those of before stay. */
	if (!serve->repos_listed)
		return;
	for (size_t i = 0; (e = map_next(&serve->served, &i));) {
		const struct served *s = e->value;
		if (s->recorded)
			vec_push(&repos, &s->record);
	}
	if (hosted_keys_write(serve->home, repos.at, repos.n, &err) < 0)
		log_error("keys cannot be written", "error", err.text, NULL);
	vec_release(&repos);
}
