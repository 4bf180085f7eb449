/*
 * view.h - what is known of one cluster: a small record for each object that carries our label or that an app
 * claims.
 *
 * Fed by watches (or a simulated server); shared by all apps of the cluster. It decides who owns what: a key
 * is claimed by at most one driver, so two apps never fight over one object. Live objects themselves are
 * never kept.
 */
#pragma once

#include "base/map.h"
#include "deploy/cluster/live.h"

struct cluster_driver;
struct watched_kind;

struct record {
	struct str key; /* points into the map's own copy */
	struct watched_kind *kind;
	struct cluster_driver *claimed; /* the driver that manages it, or NULL */
	char *message;			/* of its health, owned, or NULL */
	const char *owner; /* "NAMESPACE/NAME" of its owner labels, interned, or NULL: not seen or no label */
	struct hash live;  /* hash over our fields; zero: none */
	uint64_t resource_version;
	char uid[37];
	uint8_t health; /* enum health */
	bool seen;	/* it exists, as far as watches and answers told */
	bool deleting, prune_disabled;
	bool listed; /* seen in the list under way */
};

struct view {
	int64_t now; /* monotonic ms; its owner refreshes it before it feeds the view or hands an answer to a
			driver */
	struct map records;  /* key -> struct record */
	struct map kinds;    /* "group/Kind" -> struct watched_kind */
	struct map interned; /* owners ("NAMESPACE/NAME") and API versions: few texts, many users */
};

void view_init(struct view *v);
void view_release(struct view *v);

struct record *view_find(struct view *v, struct str key); /* NULL: nothing known */
/* Claims a key for a driver; returns the record. *other is the driver that has it already, else NULL (then it
 * is ours). */
struct record *view_claim(struct view *v, struct str key, struct cluster_driver *d,
			  struct cluster_driver **other);
void view_unclaim(struct view *v, struct record *r); /* may free the record */

/* Feeding: what a watch or an answer showed. Older resourceVersions than the known one are ignored: returns
 * false then. */
bool view_live(struct view *v, const struct live *live);
void view_gone(struct view *v, struct str key, uint64_t resource_version); /* 0: unconditionally */
void view_list_begin(struct view *v, struct str group, struct str kind);
/* Sweeps what was not seen; now in sync. What an answer showed later than the list, at `resource_version` (0:
 * not known), stays; what is swept stays gone for answers older than it. */
void view_list_end(struct view *v, struct str group, struct str kind, uint64_t resource_version);
/* Its watch fails, and why; told to those who wait for it. It goes with the next view_list_end(). */
void view_failing(struct view *v, struct str group, struct str kind, const char *why);
const char *view_failure(struct view *v, struct str group, struct str kind); /* NULL: none */
void view_no_kind(struct view *v, struct str group, struct str kind); /* not served: nothing of it exists */

/* d is told once (cluster_driver_kind_synced) when this kind comes in sync; a driver that goes away must
 * withdraw. */
void view_wait(struct view *v, struct str group, struct str kind, struct cluster_driver *d);
void view_withdraw(struct view *v, struct cluster_driver *d);
const char *view_intern(struct view *v, struct str text); /* lives as long as the view */

/* Whether absence of a record means absence in the cluster. */
bool view_synced(struct view *v, struct str group, struct str kind);
