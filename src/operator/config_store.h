/*
 * config_store.h - the inventory of an app that has no App object: ConfigMaps "capstan-inventory-NAME" in its
 * namespace.
 *
 * A large inventory is spread over 2^k ConfigMaps, by the hash of the key: the first without a number, the
 * others with
 * ".part-1", ".part-2", ... Their number only grows, and they are written from the last to the first, which
 * holds the number; so a key never vanishes from what a reader sees, wherever a writer is killed.
 */
#pragma once

#include "deploy/inventory.h"
#include "kube/client.h"

#define LABEL_INVENTORY "capstan.dev/inventory" /* on each ConfigMap: NAME */

struct config_store;

struct config_store *config_store_new(struct kube_client *client, const char *namespace, const char *name);
void config_store_free(struct config_store *s); /* what is under way is given up; NULL is fine */

/* inventory: NULL when it cannot be read, then failure says why. Valid during the call. */
typedef void config_read_fn(void *ctx, const struct inventory *inventory, const char *failure);
typedef void config_written_fn(void *ctx, const char *failure); /* NULL: it is durable */

/* One call at a time. done never from inside. */
void config_store_read(struct config_store *s, config_read_fn *done, void *ctx);
/* Only what differs is written. An empty inventory removes the ConfigMap. The first read comes before. */
void config_store_write(struct config_store *s, const struct inventory *inventory, config_written_fn *done,
			void *ctx);
bool config_store_busy(const struct config_store *s);
