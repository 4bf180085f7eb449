/*
 * progress.h - what `capstan sync` shows while it works.
 *
 * On a terminal: one line per object that is not done, redrawn in place and never more than the screen holds,
 * above a line of counts; what is done, and every error, scrolls by once. Elsewhere: one plain line for each
 * change of state.
 */
#pragma once

#include "cmd/style.h"

enum progress_state {
	PROGRESS_PENDING,
	PROGRESS_APPLYING,
	PROGRESS_WAITING, /* applied, not healthy yet */
	PROGRESS_CREATED, /* from here on: done */
	PROGRESS_UPDATED,
	PROGRESS_UNCHANGED,
	PROGRESS_PRUNED,
	PROGRESS_FAILED,
};

struct progress;

/* out must outlive it. */
struct progress *progress_new(FILE *out, const struct style *style);
void progress_free(struct progress *p); /* takes the live lines away; NULL is fine */

/*
 * object: "Deployment web/api"; place: "shop/api.yaml:14" or ""; message: "2 of 3 replicas available" or "".
 * The same state and message again is free. Texts are copied.
 */
void progress_object(struct progress *p, const char *object, const char *place, enum progress_state state,
		     const char *message);
void progress_note(struct progress *p, const char *text); /* a line of its own above the live lines */
/* Draws what changed; call it a few times a second. now_ms turns the spinner and prints how long it takes. */
void progress_draw(struct progress *p, int64_t now_ms);
/* The last lines: counts and time. Returns how many objects failed. */
size_t progress_finish(struct progress *p, int64_t now_ms);
