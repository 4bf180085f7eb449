/*
 * desired.h - what git asks for: the hand-over from render to a driver. Immutable once made; counted
 * references.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/hash.h"

/* A problem with a place, for people: "422 spec.replicas: must be >= 0" at shop/api.yaml:14. */
struct problem {
	const char *key;  /* the item's key, or "" when it concerns none */
	const char *file; /* or "" */
	uint32_t line;	  /* 0: none */
	const char *text;
	bool warning;
};

enum desired_flag {
	DESIRED_PRUNE_DISABLED = 1 << 0, /* annotation capstan.dev/prune: disabled */
	DESIRED_FORCE = 1 << 1,		 /* annotation capstan.dev/force: enabled */
	DESIRED_IGNORE =
		1 << 2, /* annotation capstan.dev/reconcile: disabled: create it never, touch it never */
};

struct desired_item {
	struct str key;	    /* see key.h */
	struct str version; /* cluster: API version without group */
	struct str payload; /* cluster: canonical JSON to apply; directory: the file's bytes */
	struct hash hash;   /* of payload and whatever else decides whether it must be applied again */
	const char *file;   /* place in git */
	uint32_t line;
	struct str places; /* of fields that come from elsewhere; see places.h */
	uint32_t mode;	   /* directory: permission bits */
	uint16_t stage;	   /* stages are applied one after the other */
	uint16_t rank;	   /* order inside a stage */
	unsigned flags;	   /* enum desired_flag */
};

/* Made on a worker, then read only. Items are sorted by (stage, rank, key) and unique by key. */
struct desired {
	unsigned refs;
	struct arena arena;
	struct desired_item *items;
	size_t n;
	uint32_t *by_key;	  /* indices of items sorted by key: see desired_seal() */
	struct problem *problems; /* of the render: errors and warnings */
	size_t n_problems, n_errors;
};

struct desired *desired_new(void); /* one reference */
struct desired *desired_ref(struct desired *d);
void desired_unref(struct desired *d); /* NULL is fine */
/* Sorts items by (stage, rank, key) and indexes them; the maker's last act. Keys are unique. */
void desired_seal(struct desired *d);
const struct desired_item *desired_find(const struct desired *d, struct str key); /* NULL: not in it */
