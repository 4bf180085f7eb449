/*
 * scope.h - whether a kind is namespaced, for workers: filled on the loop from discovery, read under a lock.
 */
#pragma once

#include <pthread.h>

#include "base/map.h"
#include "base/vec.h"
#include "kube/client.h"

struct scope_cache {
	pthread_mutex_t lock;
	struct map kinds; /* "group/Kind" -> (void *)1 cluster-scoped, (void *)2 namespaced */
};

/* Kinds a worker asked for in vain; one per job. */
struct scope_misses {
	struct scope_cache *cache;
	VEC(char *) kinds; /* "group/Kind", owned */
};

void scope_cache_init(struct scope_cache *c);
void scope_cache_release(struct scope_cache *c);
/* For prepare_options.scope, ctx: struct scope_misses. On a worker. */
int scope_lookup(void *misses, struct str group, struct str kind);
/* On the loop: takes what discovery knows of the missed kinds into the cache; true when at least one was
 * found. */
bool scope_learn(struct scope_misses *misses, struct kube_client *client);
void scope_misses_release(struct scope_misses *misses);
