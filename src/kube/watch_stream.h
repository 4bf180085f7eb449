/*
 * watch_stream.h - cutting the bytes of lists and watches into objects. Pure: no I/O.
 *
 * A watch is one JSON object a line. A list is one JSON object whose items are cut out one by one as they
 * arrive, so that a page of 500 objects never is in memory as a whole; what is left of it (the
 * envelope: kind, metadata, "items":[]) is parsed at the end.
 */
#pragma once

#include "base/error.h"
#include "doc/node.h"

#define WATCH_EVENT_MAX (16u << 20)   /* bytes of one event or item */
#define WATCH_ENVELOPE_MAX (1u << 20) /* bytes of a list without its items */

/* Gets each piece; it lives during the call. Returns false to stop at once. */
typedef bool watch_piece_fn(void *arg, struct str piece);

enum watch_fed {
	WATCH_FED,     /* all taken; more may come */
	WATCH_STOPPED, /* the piece function said stop; the struct is not touched after that */
	WATCH_TOO_BIG, /* a piece is over its cap */
};

struct watch_lines {
	struct buf partial;
};

void watch_lines_release(struct watch_lines *l);
enum watch_fed watch_lines_feed(struct watch_lines *l, struct str chunk, watch_piece_fn *fn, void *arg);

struct watch_list {
	struct buf envelope, partial;
	unsigned depth; /* of open braces and brackets */
	bool in_string, escaped, in_items, in_item;
	bool key_is_items; /* the last key of the outermost object is "items" */
	size_t string_at;  /* where in the envelope the last string at depth 1 began */
};

void watch_list_release(struct watch_list *l); /* as new again */
enum watch_fed watch_list_feed(struct watch_list *l, struct str chunk, watch_piece_fn *fn, void *arg);
/* Parses the envelope into a. */
int watch_list_end(struct watch_list *l, struct arena *a, struct node **envelope, struct error *err);

enum watch_stream_type {
	WATCH_STREAM_CHANGED, /* ADDED, MODIFIED */
	WATCH_STREAM_DELETED,
	WATCH_STREAM_BOOKMARK,
	WATCH_STREAM_ERROR, /* object is a Status */
};

int watch_event_read(struct arena *a, struct str line, enum watch_stream_type *type, struct node **object,
		     struct error *err);
