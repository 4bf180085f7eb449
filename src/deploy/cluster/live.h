/*
 * live.h - what one live object says: whose it is, its hash over the fields we own, its health. Pure.
 *
 * Live objects are read once from an answer or a watch event and never kept.
 */
#pragma once

#include "base/hash.h"
#include "doc/node.h"
#include "deploy/key.h"

/* Flux' kstatus words. */
enum health {
	HEALTH_UNKNOWN,	    /* not seen yet */
	HEALTH_CURRENT,	    /* as far as it should be */
	HEALTH_PROGRESSING, /* on its way */
	HEALTH_FAILED,	    /* will not get there by itself */
	HEALTH_TERMINATING, /* has a deletionTimestamp */
	HEALTH_MISSING,	    /* not in the cluster */
};
const char *health_name(enum health h); /* "Unknown", "Current", "Progressing", ... */

#define HEALTH_MESSAGE_MAX 160

struct health_result {
	enum health health;
	char message[HEALTH_MESSAGE_MAX]; /* for people: "2 of 3 replicas available"; "" when current */
	int64_t recheck_s; /* > 0: ask again in so many seconds (Unschedulable for more than 15 s fails); else
			      0 */
};

/* kstatus rules of apply-semantics.md ("Wait"), in its order. now_wall_s: seconds since 1970, for the 15 s
 * rule. */
void health_of(const struct node *object, int64_t now_wall_s, struct health_result *out);
/* The same for an object that does not say its kind, as the items of a server's list do not. */
void health_of_kind(struct str group, struct str kind, const struct node *object, int64_t now_wall_s,
		    struct health_result *out);

/*
 * The live hash: the object projected onto the fields that `manager` owns by Apply (metadata.managedFields,
 * fieldsV1, structured-merge-diff's path elements f: k: v: i:), hashed over path and value. Zero when the
 * manager owns nothing. Our own owner labels count as fields like any other. Cost is linear in the projected
 * part.
 */
struct hash fields_hash(const struct node *object, const char *manager);

/* Whether kubectl or another client-side tool (kubectl*, before-first-apply, and extra prefixes) owns fields
 * that must move to us. */
bool takeover_needed(const struct node *object);
/*
 * The JSON patch (RFC 6902 text in *out) that renames those managers' entries into ours (merging with our
 * Apply entry by union of fieldsV1) and drops kubectl.kubernetes.io/last-applied-configuration, with a
 * resourceVersion test; after it an ordinary apply removes the fields that git no longer has. Source:
 * client-go csaupgrade's behaviour.
 */
void takeover_patch(struct arena *a, const struct node *object, struct buf *out);

struct live {
	struct str key; /* from the caller's arena */
	struct str version;
	struct str uid;
	uint64_t resource_version; /* decimal, comparable within one server (KEP-5504); 0: none */
	int64_t generation;
	struct str owner_app, owner_namespace; /* owner labels; empty: none */
	struct hash hash;		       /* fields_hash for FIELD_MANAGER */
	struct health_result health;
	bool prune_disabled; /* annotation on the live object */
	bool deleting;
};

/* kind and apiVersion are read from the object; fallback_* are used when it has none (items of a list).
 * False: no usable identity. */
bool live_read(struct arena *a, const struct node *object, struct str fallback_group,
	       struct str fallback_kind, int64_t now_wall_s, struct live *out);
