/* bases.c - see bases.h. */
#include "cmd/bases.h"

#include <stdio.h>

#include "cmd/session.h"

enum {
	FETCH_TIMEOUT_MS = 120000, /* of one repository */
	WAIT_MS = 300000,	   /* of all that one round needs */
	FRESH_MS = 60000,	   /* how long the commit of a branch or tag counts as known */
};
#define FETCH_MAX_BYTES (1ull << 30)

static void on_warning(void *ctx, const char *text)
{
	fprintf(stderr, "capstan: warning: %s\n", text);
}

static int open_cache(struct bases *b, struct error *err)
{
	struct remote_cache_options options = {
		.dir = arena_printf(&b->arena, "%s/bases", session_cache_dir(&b->arena)),
		.timeout_ms = FETCH_TIMEOUT_MS,
		.wait_ms = WAIT_MS,
		.max_bytes = FETCH_MAX_BYTES,
		.fresh_ms = FRESH_MS,
		.refresh = b->refresh,
		.offline = b->offline,
		.user_environment = true,
		.warn = on_warning,
	};
	b->cache = remote_cache_new(&options, err);
	return b->cache ? 0 : -1;
}

void bases_release(struct bases *b)
{
	tree_remotes_free(b->trees);
	remote_cache_free(b->cache);
	arena_release(&b->arena);
	b->trees = NULL;
	b->cache = NULL;
}

int bases_find(struct bases *b, const char *url, const char *ref, bool submodules, struct render_tree *out,
	       struct error *err)
{
	/* The first time it is just noted that there are any: most renders have none. */
	return b->trees ? tree_remotes_find(b->trees, url, ref, submodules, out, err) : 1;
}

static int fetch(struct bases *b, struct error *err)
{
	size_t n = 0;
	if (!b->cache && open_cache(b, err) < 0)
		return -1;
	const struct remote_want *wants = b->trees ? tree_remotes_missing(b->trees, &n) : NULL;
	int rc = n ? remote_cache_wait(b->cache, wants, n, err) : 0;
	tree_remotes_free(b->trees);
	b->trees = tree_remotes_new(b->cache, NULL);
	return rc;
}

int bases_round(struct bases *b, unsigned round, struct error *err)
{
	if (round > BASES_ROUNDS_MAX)
		return error_set(err, "bases in other repositories are nested too deep");
	return round > 0 ? fetch(b, err) : 0;
}
