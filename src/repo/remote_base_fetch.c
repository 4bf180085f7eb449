/*
 * remote_base_fetch.c - brings what is wanted of one repository:
 *
 *   lock the mirror against other processes -> clean it up, now and then -> list the refs (not for commits
 * alone) -> fetch one after the other -> keep each commit by a ref of its own -> write down what refs stand
 * for -> unlock
 *
 * Every step is a turn of the timer, so that a remote is never freed inside of its own call. One ref that
 * cannot be had does not hold up the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "repo/objects.h"
#include "repo/remote_base_internal.h"
#include "repo/tree.h"

#define KEPT OBJECTS_REFS "commits/" /* remote_fetch() puts commits there, too */

enum { LOCK_EVERY_MS = 50, LISTS_MAX = 3 };

static void step(void *arg);

static void start_next(struct remote_cache *c)
{
	while (c->queue.n && c->running < REMOTE_BASE_AT_ONCE) {
		struct base *b = c->queue.at[0];
		vec_remove(&c->queue, 0);
		c->running++;
		b->phase = BASE_LOCKING;
		b->lock_until = clock_mono_ms() + c->options.timeout_ms;
		if (!b->timer)
			b->timer = loop_timer_new(c->loop, step, b);
		loop_timer_set(b->timer, 0);
	}
}

void base_start(struct base *b)
{
	if (b->phase != BASE_IDLE)
		return;
	b->phase = BASE_QUEUED;
	vec_push(&b->cache->queue, b);
	start_next(b->cache);
}

/* --- how a ref ends --- */

/* What is used in its place; with the lock. */
static void add_warning(struct buf *text, const struct base_ref *r)
{
	long long age = (clock_wall_ms() - r->checked_ms) / 60000;
	buf_printf(text, "%s; %s is used as it was %lld %s ago (%.12s)", r->error,
		   *r->ref ? r->ref : "its default branch", age < 120 ? age : age / 60,
		   age < 120 ? "min" : "h", r->sha);
}

static void failed(struct base *b, struct base_ref *r, const char *error)
{
	const struct remote_cache_options *o = &b->cache->options;
	cleanup_buf struct buf warning = BUF_INIT;
	pthread_mutex_lock(&b->cache->lock);
	bool news = !r->error || strcmp(r->error, error) != 0;
	free(r->error);
	r->error = mem_strdup(error);
	r->failed_at = clock_mono_ms();
	if (news && !o->refresh && base_ref_here(b, r))
		add_warning(&warning, r);
	base_ref_done(b, r);
	pthread_mutex_unlock(&b->cache->lock);
	if (warning.n && o->warn)
		o->warn(o->ctx, warning.p);
}

static void succeeded(struct base *b, struct base_ref *r, const char *sha, int64_t checked_ms)
{
	pthread_mutex_lock(&b->cache->lock);
	b->changed |= r->sha[0] && strcmp(r->sha, sha) != 0;
	if (sha != r->sha)
		snprintf(r->sha, sizeof(r->sha), "%s", sha);
	r->checked_ms = checked_ms;
	r->asked = true;
	free(r->error);
	r->error = NULL;
	base_ref_done(b, r);
	pthread_mutex_unlock(&b->cache->lock);
}

/* It stays where it is as long as it is wanted, and only the loop's thread ends that. */
static struct base_ref *next_wanted(const struct base *b)
{
	struct base_ref *found = NULL;
	pthread_mutex_lock(&b->cache->lock);
	for (size_t i = 0; i < b->refs.n && !found; i++)
		found = b->refs.at[i]->wanted ? b->refs.at[i] : NULL;
	pthread_mutex_unlock(&b->cache->lock);
	return found;
}

static void fail_all(struct base *b, const char *error)
{
	struct base_ref *r;
	while ((r = next_wanted(b)))
		failed(b, r, error);
}

/* --- the end --- */

static bool is_kept(const struct base *b, const char *sha)
{
	for (size_t i = 0; i < b->refs.n; i++)
		if (strcmp(b->refs.at[i]->sha, sha) == 0)
			return true;
	return false;
}

/* Each commit that a ref stands for is kept by its SHA; nothing else is. */
static void keep_commits(struct base *b)
{
	struct objects o;
	git_reference_iterator *all = NULL;
	git_reference *ref;
	if (objects_open(&o, b->mirror, NULL) < 0)
		return;
	for (size_t i = 0; i < b->refs.n; i++)
		if (b->refs.at[i]->sha[0])
			objects_keep(&o, KEPT, b->refs.at[i]->sha, NULL);
	if (git_reference_iterator_glob_new(&all, o.repository, KEPT "*") == 0) {
		while (git_reference_next(&ref, all) == 0) {
			if (!is_kept(b, git_reference_name(ref) + strlen(KEPT)))
				git_reference_delete(ref);
			git_reference_free(ref);
		}
		git_reference_iterator_free(all);
	}
	objects_close(&o);
}

static void close_work(struct base *b)
{
	remote_free(b->remote);
	b->remote = NULL;
	if (b->lock >= 0)
		close(b->lock);
	b->lock = -1;
	free(b->answer);
	free(b->list_error);
	b->answer = b->list_error = NULL;
	b->at = NULL;
	b->listed = false;
	b->lists = 0;
}

static void write_down(struct base *b)
{
	pthread_mutex_lock(&b->cache->lock);
	keep_commits(b);
	base_state_save(b, NULL); /* what is not written down is asked for again */
	pthread_mutex_unlock(&b->cache->lock);
}

static void finish(struct base *b)
{
	struct remote_cache *c = b->cache;
	bool changed = b->changed;
	if (b->remote)
		write_down(b);
	close_work(b);
	b->changed = false;
	b->phase = BASE_IDLE;
	c->running--;
	if (next_wanted(b)) /* somebody came meanwhile */
		base_start(b);
	start_next(c);
	if (changed && c->options.changed)
		c->options.changed(c->options.ctx);
}

void base_cancel(struct base *b, const char *why)
{
	struct remote_cache *c = b->cache;
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text, "%s: %s", b->shown, why);
	loop_timer_free(b->timer);
	b->timer = NULL;
	for (size_t i = 0; b->phase == BASE_QUEUED && i < c->queue.n; i++) {
		if (c->queue.at[i] == b) {
			vec_remove(&c->queue, i);
			break;
		}
	}
	c->running -= b->phase == BASE_LOCKING || b->phase == BASE_WORKING;
	b->phase = BASE_IDLE;
	close_work(b);
	fail_all(b, text.p);
}

/* --- one after the other --- */

static void on_answer(void *ctx, bool changed, const char *error)
{
	struct base *b = ctx;
	free(b->answer);
	b->answer = error ? mem_strdup(error) : NULL;
	loop_timer_set(b->timer, 0);
}

static void on_cleaned(void *ctx, bool changed, const char *error)
{
	on_answer(ctx, changed, NULL);
}

/* As git reads a name that is fetched (gitrevisions(7)): refs/NAME, then the tag, then the branch. */
static int resolve_name(const struct refs *refs, const char *ref, struct resolved *out)
{
	static const char *const before[] = { "refs/", "refs/tags/", "refs/heads/" };
	char name[REVISION_MAX + 16];
	bool whole = strcmp(ref, "HEAD") == 0 || strncmp(ref, "refs/", 5) == 0;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", whole ? "" : before[i], ref);
		if (refs_resolve(refs, name, out, NULL) == 0 && strcmp(out->ref, name) == 0)
			return 0;
	}
	/* The beginning of a SHA; a range of versions, which a revision may be elsewhere, is none. */
	return refs_resolve(refs, ref, out, NULL) == 0 && strncmp(out->sha, ref, strlen(ref)) == 0 ? 0 : -1;
}

static int resolve(struct base *b, const char *ref, struct resolved *out, struct error *err)
{
	*out = (struct resolved){ 0 };
	if (base_ref_is_sha(ref)) {
		snprintf(out->sha, sizeof(out->sha), "%s", ref);
		return 0;
	}
	if (b->list_error)
		return error_set(err, "%s", b->list_error);
	if (!*ref && refs_resolve(remote_refs(b->remote), "HEAD", out, err) < 0)
		return error_wrap(err, "%s", b->shown);
	if (!*ref || resolve_name(remote_refs(b->remote), ref, out) == 0)
		return 0;
	return error_set(
		err,
		"%s: no branch or tag is named %s; was it deleted, or misspelt? (a commit needs its full SHA)",
		b->shown, ref);
}

/* After a fetch of b->at. A branch may have moved between list and fetch. */
static void take_fetched(struct base *b)
{
	struct base_ref *r = b->at;
	cleanup_buf struct buf text = BUF_INIT;
	b->at = NULL;
	if (b->answer) {
		failed(b, r, b->answer);
	} else if (repo_tree_has(b->mirror, b->asked.sha)) {
		b->fetches++;
		succeeded(b, r, b->asked.sha, clock_wall_ms());
	} else if (b->asked.ref[0] && b->lists < LISTS_MAX) {
		b->listed = false;
	} else {
		buf_printf(&text, "%s: %s was fetched and is not there (is it a commit?)", b->shown,
			   *r->ref ? r->ref : "the default branch");
		failed(b, r, text.p);
	}
}

static void list(struct base *b)
{
	b->lists++;
	b->listed = true;
	free(b->list_error);
	b->list_error = NULL;
	b->at = NULL;
	remote_poll(b->remote, on_answer, b);
}

/* The next that is wanted: listed, fetched, or done with at once. */
static void go_on(struct base *b)
{
	struct base_ref *r;
	while ((r = next_wanted(b))) {
		struct error err = ERROR_INIT;
		if (!r->again && base_ref_fresh(b, r) && base_ref_here(b, r)) {
			succeeded(b, r, r->sha, r->checked_ms); /* another process has brought it */
			continue;
		}
		if (!base_ref_is_sha(r->ref) && !b->listed) {
			list(b);
			return;
		}
		if (resolve(b, r->ref, &b->asked, &err) < 0) {
			failed(b, r, err.text);
		} else if (repo_tree_has(b->mirror, b->asked.sha)) {
			succeeded(b, r, b->asked.sha, clock_wall_ms());
		} else {
			b->at = r;
			remote_fetch(b->remote, &b->asked, 1, on_answer, b);
			return;
		}
	}
	finish(b);
}

static void work(struct base *b)
{
	if (b->at)
		take_fetched(b);
	else if (b->answer)
		b->list_error = hand_over(b->answer);
	free(b->answer);
	b->answer = NULL;
	go_on(b);
}

/* --- the beginning --- */

static int open_remote(struct base *b, struct error *err)
{
	const struct remote_cache_options *o = &b->cache->options;
	struct remote_options options = {
		.url = b->url,
		.mirror = b->mirror,
		.timeout_ms = o->timeout_ms,
		.max_bytes = o->max_bytes,
		.submodules = b->submodules,
		.user_environment = o->user_environment,
		.credentials = o->credentials ? o->credentials(o->ctx, b->url) : NULL,
		.hints = o->hints,
		.check = remote_cache_allows,
		.check_ctx = b->cache,
	};
	b->remote = remote_new(b->cache->loop, &options, err);
	return b->remote ? 0 : error_wrap(err, "%s", b->shown);
}

/* 1: another process has it. */
static int take_lock(struct base *b, struct error *err)
{
	cleanup_buf struct buf path = BUF_INIT;
	buf_printf(&path, "%s.lock", b->stem);
	if (b->lock < 0)
		b->lock = open(path.p, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (b->lock < 0)
		return error_set(err, "%s: %s", path.p, strerror(errno));
	if (flock(b->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (clock_mono_ms() < b->lock_until)
		return 1;
	return error_set(err, "%s: another process has been fetching it for %lld s", b->shown,
			 (long long)b->cache->options.timeout_ms / 1000);
}

static void step(void *arg)
{
	struct base *b = arg;
	struct error err = ERROR_INIT;
	if (b->phase == BASE_WORKING) {
		work(b);
		return;
	}
	int rc = take_lock(b, &err);
	if (rc == 1) {
		loop_timer_set(b->timer, LOCK_EVERY_MS);
		return;
	}
	if (rc == 0)
		rc = open_remote(b, &err);
	if (rc < 0) {
		fail_all(b, err.text);
		finish(b);
		return;
	}
	pthread_mutex_lock(&b->cache->lock);
	base_state_load(b); /* what another process has found out meanwhile */
	pthread_mutex_unlock(&b->cache->lock);
	b->phase = BASE_WORKING;
	if (b->fetches < REMOTE_GC_AFTER) {
		go_on(b);
		return;
	}
	b->fetches = 0; /* before it: a clean-up that is killed is not begun again each time */
	write_down(b);
	remote_clean_up(b->remote, on_cleaned, b);
}
