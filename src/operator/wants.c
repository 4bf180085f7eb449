/* wants.c - see wants.h. */
#include "operator/wants.h"

enum { RETRY_BASE_MS = 2000 };

void wants_clear(struct wants *w)
{
	for (size_t i = 0; i < w->list.n; i++)
		free(w->list.at[i].error);
	vec_release(&w->list);
}

const struct want *wants_find(const struct wants *w, const char *sha)
{
	for (size_t i = 0; i < w->list.n; i++)
		if (strcmp(w->list.at[i].revision.sha, sha) == 0)
			return &w->list.at[i];
	return NULL;
}

const char *wants_error(const struct wants *w)
{
	for (size_t i = 0; i < w->list.n; i++)
		if (w->list.at[i].error)
			return w->list.at[i].error;
	return NULL;
}

void wants_add(struct wants *w, const struct resolved *revision)
{
	struct want want = { .revision = *revision };
	if (w->list.n < WANTS_MAX && !wants_find(w, revision->sha))
		vec_push(&w->list, want);
}

/* --- the fetch --- */

static void fetch_next(struct wants *w);

static void on_one(void *ctx, bool changed, const char *error)
{
	struct wants *w = ctx;
	w->brought |= changed && !error;
	w->list.at[w->at++].error = error ? mem_strdup(error) : NULL;
	fetch_next(w);
}

static void fetch_next(struct wants *w)
{
	if (w->at < w->list.n)
		remote_fetch(w->remote, &w->list.at[w->at].revision, 1, on_one, w);
	else
		w->done(w->ctx);
}

static void on_all(void *ctx, bool changed, const char *error)
{
	struct wants *w = ctx;
	w->brought = changed && !error;
	w->at = error && w->list.n > 1 ? 0 : w->list.n;
	if (error && w->list.n == 1)
		w->list.at[0].error = mem_strdup(error);
	fetch_next(w);
}

void wants_fetch(struct wants *w, struct repo_remote *remote, wants_done_fn *done, void *ctx)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct resolved *all = arena_array(&a, struct resolved, w->list.n + 1);
	for (size_t i = 0; i < w->list.n; i++)
		all[i] = w->list.at[i].revision;
	w->remote = remote;
	w->done = done;
	w->ctx = ctx;
	remote_fetch(remote, all, w->list.n, on_all, w);
}

int64_t wants_pause_ms(int64_t interval_ms, unsigned failures, uint32_t random)
{
	int64_t retry = RETRY_BASE_MS;
	for (unsigned i = 1; i < failures && retry < interval_ms; i++)
		retry *= 2;
	if (failures && retry < interval_ms)
		return retry;
	return interval_ms + random % (uint32_t)(interval_ms / 10 + 1);
}
