/*
 * image_commit.c - the latest images in git: one commit for all rules of a branch that have news within
 * GATHER_MS, on top of what is there (repo/publish.h), by the rules of image_edit.h.
 *
 *   wanted -> waiting -> committing -> written
 *                ^           |
 *                +-- pause --+ the push failed
 *
 * What cannot be written for one rule is told in its condition and holds up no other; it is tried again when
 * the branch moves. A commit that others forestall is made again on top by the publisher. What is written
 * already is looked at again when the branch moves, so that a new setter comment, or a commit that takes an
 * update back, gets the latest image.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "operator/image_parts.h"

enum {
	GATHER_MS = 300,
	GATHER_MAX_MS = 2000,
	PUSH_TIMEOUT_MS = 120000,
	RETRY_BASE_MS = 2000,
	RETRY_MAX_MS = 180000,
	NAMES_SHOWN = 60,
	LATE = 6, /* looks for a Repo, until it is told that there is none */
};

/* A commit under way. A worker may read it after its branch is gone. */
struct image_job {
	struct image_branch *branch; /* NULL: nobody waits for it any more */
	struct arena arena;
	struct commit_spec spec;
	struct image_edit edit;
	struct image_rule **rules; /* by item; NULL: it went away */
	struct hash *changes;
	char *branch_name;
};

struct image_branch {
	struct operator* operator;
	char *key; /* "NAMESPACE/REPO BRANCH" */
	VEC(struct image_rule *) waiting;
	struct loop_timer *timer;
	int64_t first_ms; /* when the first of waiting came */
	struct image_job *job;
	struct publish *publish;
	unsigned failures;
};

static void set_text(char **to, const char *text)
{
	char *copy = text && *text ? mem_strdup(text) : NULL;
	free(*to);
	*to = copy;
}

/* --- branches --- */

static void on_timer(void *arg);

static struct image_branch *branch_of(struct image_rule *r)
{
	struct operator* op = r->operator;
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%s/%s %s", r->spec.namespace, r->spec.repo, r->spec.branch);
	struct image_branch *b = map_get(&op->image_branches, buf_str(&key));
	if (b)
		return b;
	b = mem_alloc(sizeof(*b));
	b->operator= op;
	b->key = mem_strdup(key.p);
	b->timer = loop_timer_new(op->loop, on_timer, b);
	map_put(&op->image_branches, buf_str(&key), b);
	return b;
}

static void job_free(void *ctx)
{
	struct image_job *job = ctx;
	arena_release(&job->edit.arena);
	arena_release(&job->arena);
	free(job);
}

/* The commit that is under way, if there is one, is not waited for; its rules wait again. */
static void cancel(struct image_branch *b)
{
	struct image_job *job = b->job;
	if (!job)
		return;
	b->job = NULL;
	job->branch = NULL;
	for (size_t i = 0; i < job->edit.n; i++)
		if (job->rules[i])
			vec_push(&b->waiting, job->rules[i]);
	publish_cancel(b->publish, job_free);
	b->publish = NULL;
	loop_timer_set(b->timer, GATHER_MS);
}

static void branch_free(struct image_branch *b)
{
	map_del(&b->operator->image_branches, str_of(b->key));
	loop_timer_free(b->timer);
	vec_release(&b->waiting);
	free(b->key);
	free(b);
}

static void free_if_idle(struct image_branch *b)
{
	if (!b->job && !b->waiting.n)
		branch_free(b);
}

/* --- the message --- */

static const char *subject_of(struct arena *a, const struct image_rule *r, const struct image_change *c,
			      size_t n)
{
	if (n > 1)
		return arena_printf(a, "update %zu images", n);
	if (r->spec.message)
		return r->spec.message;
	return arena_printf(a, "update %.*s to %.*s", STR_ARG(c->name),
			    STR_ARG(c->image.tag.n ? c->image.tag : c->image.digest));
}

static void fill_message(struct image_job *job)
{
	struct arena *a = &job->arena;
	size_t n = job->edit.n;
	struct commit_trailer *trailers = arena_array(a, struct commit_trailer, n);
	cleanup_buf struct buf body = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		const struct image_change *c = job->edit.items[i].images;
		trailers[i] = (struct commit_trailer){
			"Capstan-Image", arena_printf(a, "%s=%.*s", job->rules[i]->key, STR_ARG(c->text))
		};
		if (n > 1 && i < NAMES_SHOWN)
			buf_printf(&body, "%.*s\n", STR_ARG(c->text));
	}
	job->spec.subject = subject_of(a, job->rules[0], job->edit.items[0].images, n);
	job->spec.body = body.n ? arena_strndup(a, body.p, body.n) : NULL;
	job->spec.trailers = trailers;
	job->spec.n_trailers = n;
	job->spec.when_ms = clock_wall_ms();
	job->spec.author = job->rules[0]->spec.author ? arena_strdup(a, job->rules[0]->spec.author) : NULL;
	job->spec.email = job->rules[0]->spec.email ? arena_strdup(a, job->rules[0]->spec.email) : NULL;
}

/* --- a commit --- */

static bool nothing_goes(const char *path)
{
	return false;
}

static void change_of(struct arena *a, const struct image_rule *r, struct image_change *out)
{
	image_rule_change(a, &r->spec, str_of(r->tag), str_of(r->digest), out);
}

/* Of all that decides what is written where. */
static struct hash change_hash(const struct image_rule *r)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct image_change change;
	change_of(&a, r, &change);
	struct str parts[] = { change.text,
			       str_of(r->spec.repo),
			       str_of(r->spec.branch),
			       str_of(r->spec.environment),
			       str_of(r->spec.path),
			       str_of(r->spec.policy_name) };
	return hash_parts(parts, sizeof(parts) / sizeof(*parts));
}

static void add_item(struct image_job *job, struct image_rule *r)
{
	struct arena *a = &job->arena;
	struct image_change *change = arena_new(a, struct image_change);
	change_of(a, r, change);
	size_t i = job->edit.n++;
	job->rules[i] = r;
	job->changes[i] = change_hash(r);
	job->edit.items[i] = (struct image_item){
		.environment = r->spec.environment ? arena_strdup(a, r->spec.environment) : NULL,
		.path = arena_strdup(a, r->spec.path),
		.policy = arena_strdup(a, r->spec.policy_name),
		.images = change,
		.n_images = 1,
		.option = "image",
	};
}

static struct image_job *make_job(struct image_branch *b)
{
	struct image_job *job = mem_alloc(sizeof(*job));
	size_t n = b->waiting.n < IMAGE_ITEMS_MAX ? b->waiting.n : IMAGE_ITEMS_MAX;
	job->branch = b;
	job->edit.each_alone = true;
	job->edit.items = arena_array(&job->arena, struct image_item, n);
	job->rules = arena_array(&job->arena, struct image_rule *, n);
	job->changes = arena_array(&job->arena, struct hash, n);
	for (size_t i = 0; i < n; i++)
		add_item(job, b->waiting.at[i]);
	job->branch_name = arena_strdup(&job->arena, b->waiting.at[0]->spec.branch);
	for (size_t i = 0; i < n; i++)
		vec_remove(&b->waiting, 0);
	job->spec.dir = "";
	job->spec.goes = nothing_goes;
	job->spec.may_be_empty = true;
	job->spec.edit = image_edit;
	job->spec.edit_ctx = &job->edit;
	fill_message(job);
	return job;
}

/* One rule after a commit that worked as a whole. */
static void settle(struct image_rule *r, const struct image_item *item, struct hash change,
		   const struct publish_result *result)
{
	const char *error = item->error.text[0] ? item->error.text : NULL;
	bool news = !hash_eq(change, r->written);
	if (error && (!r->update_error || strcmp(error, r->update_error) != 0))
		log_warn("image not written", "rule", r->key, "error", error, NULL);
	set_text(&r->update_error, error);
	r->waiting = NULL;
	snprintf(r->checked, sizeof(r->checked), "%s", result->sha);
	if (error)
		r->refused = change;
	else {
		r->written = change;
		if (result->changed || news || !r->commit[0])
			snprintf(r->commit, sizeof(r->commit), "%s", result->sha);
	}
	image_rule_status(r);
	/* It went on meanwhile. */
	if (r->tag[0] && !hash_eq(change_hash(r), change))
		image_commit_want(r);
}

static void wait_again(struct image_branch *b, struct image_rule *r, const char *error)
{
	set_text(&r->update_error, error);
	vec_push(&b->waiting, r);
	image_rule_status(r);
}

static void pause_after_failure(struct image_branch *b, const char *error)
{
	int64_t pause = RETRY_BASE_MS;
	b->failures++;
	for (unsigned i = 1; i < b->failures && pause < RETRY_MAX_MS; i++)
		pause *= 2;
	log_warn("images not committed", "branch", b->key, "error", error, NULL);
	loop_timer_set(b->timer, pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS);
}

static void on_published(void *ctx, const struct publish_result *result)
{
	struct image_job *job = ctx;
	struct image_branch *b = job->branch;
	struct operator* op = b->operator;
	struct source *source = NULL;
	b->job = NULL;
	b->publish = NULL;
	if (result->error) {
		for (size_t i = 0; i < job->edit.n; i++)
			if (job->rules[i])
				wait_again(b, job->rules[i], result->error);
		pause_after_failure(b, result->error);
		job_free(job);
		free_if_idle(b);
		return;
	}
	b->failures = 0;
	op->image_commits += result->changed;
	if (result->changed)
		log_info("images committed", "branch", b->key, "commit", result->sha, NULL);
	for (size_t i = 0; i < job->edit.n; i++) {
		struct image_rule *r = job->rules[i];
		if (!r)
			continue;
		source = source_find(op, r->spec.namespace, r->spec.repo);
		settle(r, &job->edit.items[i], job->changes[i], result);
	}
	job_free(job);
	if (result->changed && source)
		source_notify(source); /* the branch has moved */
	if (b->waiting.n)
		loop_timer_set(b->timer, GATHER_MS);
	free_if_idle(b);
}

/* The Repo is not there, or its remote is not open: its first cycle tells us when it is. */
static void wait_for_source(struct image_branch *b, bool found, const char *name)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text,
		   found ? "Repo %s cannot be used; its own conditions say why"
			 : "there is no Repo %s (spec.update.repo)",
		   name);
	/* It may just be late. */
	bool tell = b->operator->repos_listed &&(!found || b->failures >= LATE);
	for (size_t i = 0; i < b->waiting.n && tell; i++) {
		set_text(&b->waiting.at[i]->update_error, text.p);
		image_rule_status(b->waiting.at[i]);
	}
	b->failures++;
	loop_timer_set(b->timer, b->failures < LATE ? RETRY_BASE_MS / 4 : RETRY_BASE_MS * 5);
}

static void begin(struct image_branch *b, struct publisher *publisher)
{
	struct image_job *job = make_job(b);
	b->publish =
		publisher_push(publisher, job->branch_name, &job->spec, PUSH_TIMEOUT_MS, on_published, job);
	if (b->publish) {
		b->job = job;
		return;
	}
	for (size_t i = 0; i < job->edit.n; i++)
		wait_again(b, job->rules[i], "too many commits wait for this Repo");
	job_free(job);
	pause_after_failure(b, "too many commits wait for this Repo");
}

static void on_timer(void *arg)
{
	struct image_branch *b = arg;
	if (b->job)
		return;
	if (!b->waiting.n) {
		branch_free(b);
		return;
	}
	const struct image_rule_spec *spec = &b->waiting.at[0]->spec;
	struct source *source = source_find(b->operator, spec->namespace, spec->repo);
	struct publisher *publisher = source ? source_publisher(source) : NULL;
	if (publisher)
		begin(b, publisher);
	else
		wait_for_source(b, source != NULL, spec->repo);
}

/* --- rules --- */

static bool is_written(const struct image_rule *r)
{
	return r->checked[0] && !r->update_error && hash_eq(change_hash(r), r->written);
}

void image_commit_want(struct image_rule *r)
{
	if (!r->spec.repo || !r->tag[0] || r->spec.suspend || is_written(r)) {
		if (!r->waiting)
			image_rule_status(r);
		return;
	}
	/* What could not be written is not tried again before something is different. */
	if (r->waiting || (r->update_error && r->checked[0] && hash_eq(change_hash(r), r->refused))) {
		image_rule_status(r);
		return;
	}
	struct image_branch *b = branch_of(r);
	int64_t now = loop_now(b->operator->loop);
	if (!b->waiting.n)
		b->first_ms = now;
	r->waiting = b;
	vec_push(&b->waiting, r);
	if (b->job || b->failures)
		return;
	int64_t left = b->first_ms + GATHER_MAX_MS - now;
	loop_timer_set(b->timer, left < GATHER_MS ? (left > 0 ? left : 0) : GATHER_MS);
}

void image_commit_forget(struct image_rule *r)
{
	struct image_branch *b = r->waiting;
	r->waiting = NULL;
	if (!b)
		return;
	for (size_t i = 0; i < b->waiting.n; i++) {
		if (b->waiting.at[i] == r) {
			vec_remove(&b->waiting, i);
			break;
		}
	}
	for (size_t i = 0; b->job && i < b->job->edit.n; i++)
		if (b->job->rules[i] == r)
			b->job->rules[i] = NULL;
	free_if_idle(b);
}

void image_commits_told(struct operator* op, const char *source_key)
{
	struct map_entry *e;
	size_t n = strlen(source_key);
	for (size_t i = 0; (e = map_next(&op->image_branches, &i));) {
		struct image_branch *b = e->value;
		if (strncmp(b->key, source_key, n) == 0 && b->key[n] == ' ' && !b->job && b->waiting.n &&
		    b->failures) {
			b->failures = 0;
			loop_timer_set(b->timer, GATHER_MS);
		}
	}
}

void image_commits_cancel(struct operator* op, const char *source_key)
{
	struct map_entry *e;
	size_t n = strlen(source_key);
	for (size_t i = 0; (e = map_next(&op->image_branches, &i));) {
		struct image_branch *b = e->value;
		if (strncmp(b->key, source_key, n) == 0 && b->key[n] == ' ')
			cancel(b);
	}
}

void image_commits_free(struct operator* op)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&op->image_branches, &i));) {
		struct image_branch *b = e->value;
		cancel(b);
		loop_timer_free(b->timer);
		vec_release(&b->waiting);
		free(b->key);
		free(b);
	}
	map_release(&op->image_branches);
}
