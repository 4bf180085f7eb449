/*
 * remote_base.c - the table of a cache: what is known of each repository and ref. See remote_base.h.
 *
 * Renders on workers look into it while the loop's thread brings what is missing: one lock guards the table,
 * and is never held while somebody is called. Repositories and refs stay where they are once made; a ref is
 * only dropped when nobody wants it.
 */
#include "repo/remote_base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "repo/files.h"
#include "repo/remote_allow.h"
#include "repo/remote_base_internal.h"
#include "repo/tree.h"

struct remote_round {
	size_t pending;
	remote_cache_done_fn *done;
	void *ctx;
};

static const struct remote_hints command_hints = {
	.size = "is it meant to be a base? (?submodules=false leaves out its submodules)",
	.timeout = "(`git ls-remote` of it tells more)",
	.login =
		"log in with git's own means (a credential helper, an ssh key): `git ls-remote` of it must work",
	.moved = "write that address (often the same with .git at its end)",
};

/* --- refs --- */

bool base_ref_is_sha(const char *ref)
{
	size_t n = strlen(ref);
	return (n == 40 || n == SHA_HEX_MAX) && strspn(ref, "0123456789abcdef") == n;
}

static struct base_ref *find_ref(const struct base *b, const char *ref)
{
	for (size_t i = 0; i < b->refs.n; i++)
		if (strcmp(b->refs.at[i]->ref, ref) == 0)
			return b->refs.at[i];
	return NULL;
}

static void ref_free(struct base_ref *r)
{
	vec_release(&r->waiting);
	free(r->error);
	free(r);
}

/* The one that was used longest ago and that nobody waits for, or SIZE_MAX. */
static size_t oldest(const struct base *b)
{
	size_t found = SIZE_MAX;
	for (size_t i = 0; i < b->refs.n; i++)
		if (!b->refs.at[i]->wanted &&
		    (found == SIZE_MAX || b->refs.at[i]->used_ms < b->refs.at[found]->used_ms))
			found = i;
	return found;
}

struct base_ref *base_ref_get(struct base *b, const char *ref, struct error *err)
{
	struct base_ref *r = find_ref(b, ref);
	if (r)
		return r;
	if (b->refs.n >= REMOTE_BASE_REFS_MAX) {
		size_t i = oldest(b);
		if (i == SIZE_MAX) {
			error_set(err, "%s: more than %d of its branches and tags are wanted at once",
				  b->shown, REMOTE_BASE_REFS_MAX);
			return NULL;
		}
		ref_free(b->refs.at[i]);
		vec_remove(&b->refs, i);
	}
	r = mem_alloc(sizeof(*r));
	snprintf(r->ref, sizeof(r->ref), "%s", ref);
	if (base_ref_is_sha(ref))
		snprintf(r->sha, sizeof(r->sha), "%s", ref);
	vec_push(&b->refs, r);
	return r;
}

bool base_ref_here(const struct base *b, const struct base_ref *r)
{
	return r->sha[0] && repo_tree_has(b->mirror, r->sha);
}

bool base_ref_fresh(const struct base *b, const struct base_ref *r)
{
	const struct remote_cache *c = b->cache;
	int64_t now = clock_wall_ms(), since = c->options.refresh ? c->started_ms : 0;
	if (base_ref_is_sha(r->ref) || (r->asked && c->options.poll_ms == 0))
		return true;
	/* A clock that was set back is not believed. */
	return r->checked_ms > since && r->checked_ms <= now + c->options.fresh_ms &&
	       now - r->checked_ms < c->options.fresh_ms;
}

/* --- repositories --- */

static struct str base_key(struct buf *key, const char *url, bool submodules)
{
	buf_printf(key, "%c%s", submodules ? 's' : '-', url);
	return buf_str(key);
}

/* With the lock. */
static struct base *base_get(struct remote_cache *c, const char *url, bool submodules, struct error *err)
{
	char hex[HASH_HEX_LEN + 1], shown[400];
	cleanup_buf struct buf key = BUF_INIT, path = BUF_INIT;
	struct base *b = map_get(&c->bases, base_key(&key, url, submodules));
	if (b)
		return b;
	if (c->bases.n >= REMOTE_BASES_MAX) {
		error_set(err, "more than %d repositories are read as remote bases", REMOTE_BASES_MAX);
		return NULL;
	}
	b = mem_alloc(sizeof(*b));
	b->cache = c;
	b->url = mem_strdup(url);
	b->submodules = submodules;
	b->lock = -1;
	remote_redact(url, shown, sizeof(shown));
	b->shown = mem_strdup(shown);
	hash_hex(hash_of(buf_str(&key)), hex);
	buf_printf(&path, "%s/%s", c->dir, hex);
	b->stem = mem_strdup(path.p);
	buf_adds(&path, ".git");
	b->mirror = mem_strdup(path.p);
	map_put(&c->bases, buf_str(&key), b);
	base_state_load(b);
	return b;
}

static void base_free(struct base *b)
{
	for (size_t i = 0; i < b->refs.n; i++)
		ref_free(b->refs.at[i]);
	vec_release(&b->refs);
	free(b->answer);
	free(b->mirror);
	free(b->stem);
	free(b->shown);
	free(b->url);
	free(b);
}

/* --- which may be read --- */

int remote_cache_allows(void *cache, const char *url, struct error *err)
{
	const struct remote_cache *c = cache;
	char shown[400];
	for (size_t i = 0; i < c->options.n_allowed; i++)
		if (remote_allow_matches(c->allowed[i], url))
			return 0;
	if (!c->options.allowed)
		return 0;
	remote_redact(url, shown, sizeof(shown));
	return error_set(
		err,
		"%s: remote bases are read only from where the installation allows it; copy it into the repository, or have the operator run with --allow-remote-base PREFIX, where PREFIX is for example the url up to its owner",
		shown);
}

static int check_ref(const char *ref, struct error *err)
{
	size_t n = strlen(ref);
	bool good = n <= REVISION_MAX && ref[0] != '-';
	for (size_t i = 0; i < n && good; i++)
		good = (unsigned char)ref[i] > ' ' && ref[i] != 0x7f;
	if (good)
		return 0;
	return error_set(err,
			 "the ref is no name of a branch, tag or commit (longer than %d, or with spaces)",
			 REVISION_MAX);
}

static int check(struct remote_cache *c, const char *url, const char *ref, struct error *err)
{
	char shown[400];
	remote_redact(url, shown, sizeof(shown));
	if (remote_check_url(url, err) < 0 || check_ref(ref, err) < 0)
		return error_wrap(err, "%s", shown);
	return remote_cache_allows(c, url, err);
}

/* --- looking --- */

static bool may_try_again(const struct remote_cache *c, const struct base_ref *r)
{
	return c->options.retry_ms > 0 && clock_mono_ms() - r->failed_at >= c->options.retry_ms;
}

static int not_cached(const struct base *b, const struct base_ref *r, struct error *err)
{
	return error_set(err, "%s: %s%sis not in the cache, and nothing is fetched with --offline", b->shown,
			 r->ref, *r->ref ? " " : "");
}

/* With the lock. */
static int find(struct base *b, struct base_ref *r, struct remote_base *out, struct error *err)
{
	const struct remote_cache_options *o = &b->cache->options;
	r->used_ms = clock_wall_ms();
	bool here = base_ref_here(b, r);
	bool use = here && (base_ref_fresh(b, r) || o->offline || (r->error && !o->refresh));
	if (use) {
		out->mirror = b->mirror;
		snprintf(out->sha, sizeof(out->sha), "%s", r->sha);
	}
	if (use)
		return 0;
	if (r->error && !may_try_again(b->cache, r))
		return error_set(err, "%s", r->error);
	return o->offline ? not_cached(b, r, err) : 1;
}

int remote_cache_find(struct remote_cache *c, const char *url, const char *ref, bool submodules,
		      struct remote_base *out, struct error *err)
{
	*out = (struct remote_base){ 0 };
	if (check(c, url, ref, err) < 0)
		return -1;
	pthread_mutex_lock(&c->lock);
	struct base *b = base_get(c, url, submodules, err);
	struct base_ref *r = b ? base_ref_get(b, ref, err) : NULL;
	int rc = r ? find(b, r, out, err) : -1;
	pthread_mutex_unlock(&c->lock);
	return rc;
}

bool remote_cache_current(void *cache, const char *url, const char *ref, bool submodules, char *sha)
{
	struct remote_cache *c = cache;
	cleanup_buf struct buf key = BUF_INIT;
	pthread_mutex_lock(&c->lock);
	struct base *b = map_get(&c->bases, base_key(&key, url, submodules));
	struct base_ref *r = b ? find_ref(b, ref) : NULL;
	if (r) {
		r->used_ms = clock_wall_ms();
		snprintf(sha, SHA_HEX_MAX + 1, "%s", r->sha);
	}
	bool known = r && r->sha[0];
	pthread_mutex_unlock(&c->lock);
	return known;
}

/* --- rounds --- */

static void tell_done(void *arg)
{
	struct remote_cache *c = arg;
	for (size_t i = 0; i < c->rounds.n;) {
		struct remote_round *round = c->rounds.at[i];
		if (round->pending) {
			i++;
			continue;
		}
		remote_cache_done_fn *done = round->done;
		void *ctx = round->ctx;
		vec_remove(&c->rounds, i);
		free(round);
		done(ctx);
		i = 0; /* it may have begun others */
	}
}

void base_ref_done(struct base *b, struct base_ref *r)
{
	r->wanted = r->again = false;
	for (size_t i = 0; i < r->waiting.n; i++)
		r->waiting.at[i]->pending--;
	vec_release(&r->waiting);
	loop_timer_set(b->cache->done_timer, 0);
}

/* NULL: it cannot be wanted, and find() says why. */
static struct base *want(struct remote_cache *c, const struct remote_want *w, struct remote_round *round)
{
	if (c->options.offline || check(c, w->url, w->ref, NULL) < 0)
		return NULL;
	pthread_mutex_lock(&c->lock);
	struct base *b = base_get(c, w->url, w->submodules, NULL);
	struct base_ref *r = b ? base_ref_get(b, w->ref, NULL) : NULL;
	if (r) {
		r->wanted = true;
		vec_push(&r->waiting, round);
		round->pending++;
	}
	pthread_mutex_unlock(&c->lock);
	return r ? b : NULL;
}

void remote_cache_fetch(struct remote_cache *c, const struct remote_want *wants, size_t n,
			remote_cache_done_fn *done, void *ctx)
{
	struct remote_round *round = mem_alloc(sizeof(*round));
	*round = (struct remote_round){ .done = done, .ctx = ctx };
	vec_push(&c->rounds, round);
	for (size_t i = 0; i < n; i++) {
		struct base *b = want(c, &wants[i], round);
		if (b)
			base_start(b);
	}
	loop_timer_set(c->done_timer, 0);
}

static void on_waited(void *arg)
{
	struct remote_cache *c = arg;
	c->waiting = false;
	loop_stop(c->loop);
}

/* Those for which it holds; the table may grow while they are dealt with. */
static void collect(struct remote_cache *c, bool (*holds)(struct base *b), base_list *out)
{
	struct map_entry *e;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; (e = map_next(&c->bases, &i));)
		if (holds(e->value))
			vec_push(out, e->value);
	pthread_mutex_unlock(&c->lock);
}

static bool is_busy(struct base *b)
{
	return b->phase != BASE_IDLE;
}

static void on_too_long(void *arg)
{
	struct remote_cache *c = arg;
	cleanup_buf struct buf why = BUF_INIT;
	base_list busy = { 0 };
	buf_printf(&why, "all remote bases together took longer than %lld s",
		   (long long)c->options.wait_ms / 1000);
	collect(c, is_busy, &busy);
	for (size_t i = 0; i < busy.n; i++)
		base_cancel(busy.at[i], why.p);
	vec_release(&busy);
}

int remote_cache_wait(struct remote_cache *c, const struct remote_want *wants, size_t n, struct error *err)
{
	c->waiting = true;
	loop_timer_set(c->wait_timer, c->options.wait_ms);
	remote_cache_fetch(c, wants, n, on_waited, c);
	while (c->waiting)
		loop_run(c->loop);
	bool over = !loop_timer_armed(c->wait_timer);
	loop_timer_clear(c->wait_timer);
	return over ? error_set(err, "all remote bases together took longer than %lld s",
				(long long)c->options.wait_ms / 1000)
		    : 0;
}

/* --- polls --- */

/* Wants what was used lately once more. With the lock. */
static bool want_again(struct base *b)
{
	int64_t now = clock_wall_ms();
	bool any = false;
	for (size_t i = 0; i < b->refs.n; i++) {
		struct base_ref *r = b->refs.at[i];
		if (base_ref_is_sha(r->ref) || now - r->used_ms > 2 * b->cache->options.poll_ms)
			continue;
		r->wanted = r->again = any = true;
	}
	return any;
}

static void on_poll(void *arg)
{
	struct remote_cache *c = arg;
	base_list due = { 0 };
	collect(c, want_again, &due);
	for (size_t i = 0; i < due.n; i++)
		base_start(due.at[i]);
	vec_release(&due);
	loop_timer_set(c->poll_timer, c->options.poll_ms);
}

/* --- making --- */

/* Nobody else may put mirrors there. */
static int make_dir(const char *dir, struct error *err)
{
	struct stat st;
	cleanup_free char *parent = mem_strdup(dir);
	char *slash = strrchr(parent, '/');
	if (slash && slash != parent) {
		*slash = '\0';
		if (files_make_dirs(parent, err) < 0)
			return -1;
	}
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return error_set(err, "%s: %s", dir, strerror(errno));
	if (lstat(dir, &st) < 0)
		return error_set(err, "%s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
		return error_set(
			err, "%s: must be a directory of one's own that nobody else may write to; remove it",
			dir);
	return 0;
}

struct remote_cache *remote_cache_new(const struct remote_cache_options *options, struct error *err)
{
	if (options->dir[0] != '/') {
		error_set(err, "%s: the directory of a cache is named by its absolute path", options->dir);
		return NULL;
	}
	if (make_dir(options->dir, err) < 0)
		return NULL;
	struct remote_cache *c = mem_alloc(sizeof(*c));
	c->options = *options;
	c->dir = mem_strdup(options->dir);
	if (!c->options.hints)
		c->options.hints = &command_hints;
	c->allowed = mem_alloc((options->n_allowed + 1) * sizeof(*c->allowed));
	for (size_t i = 0; i < options->n_allowed; i++)
		c->allowed[i] = mem_strdup(options->allowed[i]);
	c->own_loop = !options->loop;
	c->loop = options->loop ? options->loop : loop_new();
	pthread_mutex_init(&c->lock, NULL);
	c->started_ms = clock_wall_ms();
	c->done_timer = loop_timer_new(c->loop, tell_done, c);
	c->wait_timer = loop_timer_new(c->loop, on_too_long, c);
	c->poll_timer = loop_timer_new(c->loop, on_poll, c);
	if (options->poll_ms > 0)
		loop_timer_set(c->poll_timer, options->poll_ms);
	return c;
}

void remote_cache_free(struct remote_cache *c)
{
	struct map_entry *e;
	if (!c)
		return;
	c->options.warn = NULL; /* nobody asked for what ends now */
	for (size_t i = 0; (e = map_next(&c->bases, &i));)
		base_cancel(e->value, "");
	for (size_t i = 0; (e = map_next(&c->bases, &i));)
		base_free(e->value);
	map_release(&c->bases);
	vec_release(&c->queue);
	for (size_t i = 0; i < c->rounds.n; i++)
		free(c->rounds.at[i]);
	vec_release(&c->rounds);
	loop_timer_free(c->done_timer);
	loop_timer_free(c->wait_timer);
	loop_timer_free(c->poll_timer);
	if (c->own_loop)
		loop_free(c->loop);
	pthread_mutex_destroy(&c->lock);
	for (size_t i = 0; i < c->options.n_allowed; i++)
		free(c->allowed[i]);
	free(c->allowed);
	free(c->dir);
	free(c);
}
