/* scope.c - see scope.h. */
#include "operator/scope.h"

#include <stdio.h>

#include "kube/discovery.h"

enum { MISSES_MAX = 64 };

static char cluster_scoped, namespaced; /* their addresses are the values */

void scope_cache_init(struct scope_cache *c)
{
	*c = (struct scope_cache){ 0 };
	pthread_mutex_init(&c->lock, NULL);
}

void scope_cache_release(struct scope_cache *c)
{
	map_release(&c->kinds);
	pthread_mutex_destroy(&c->lock);
}

int scope_lookup(void *ctx, struct str group, struct str kind)
{
	struct scope_misses *misses = ctx;
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%.*s/%.*s", STR_ARG(group), STR_ARG(kind));
	pthread_mutex_lock(&misses->cache->lock);
	void *known = map_get(&misses->cache->kinds, buf_str(&key));
	pthread_mutex_unlock(&misses->cache->lock);
	if (known)
		return known == &namespaced;
	if (misses->kinds.n < MISSES_MAX)
		vec_push(&misses->kinds, mem_strdup(key.p));
	return -1;
}

bool scope_learn(struct scope_misses *misses, struct kube_client *client)
{
	bool found = false;
	for (size_t i = 0; i < misses->kinds.n; i++) {
		struct str kind, group = str_cut(str_of(misses->kinds.at[i]), '/', &kind);
		const struct kube_resource *resource = kube_discovery_find(client, group, STR(""), kind);
		if (!resource)
			continue;
		found = true;
		pthread_mutex_lock(&misses->cache->lock);
		map_put(&misses->cache->kinds, str_of(misses->kinds.at[i]),
			resource->namespaced ? &namespaced : &cluster_scoped);
		pthread_mutex_unlock(&misses->cache->lock);
	}
	return found;
}

void scope_misses_release(struct scope_misses *misses)
{
	for (size_t i = 0; i < misses->kinds.n; i++)
		free(misses->kinds.at[i]);
	vec_release(&misses->kinds);
}
