/*
 * sync_show.h - the live lines of `capstan sync`, from the state machine of an app in this process or from an
 * App's status.
 */
#pragma once

#include "cmd/progress.h"
#include "doc/node.h"
#include "operator/standalone.h"

struct sync_show {
	struct progress *progress;
	bool wait;	 /* an object is done when it is healthy, not only applied */
	bool over;	 /* no more will come: what is not healthy has failed */
	size_t notes;	 /* problems without an object that were told */
	struct map seen; /* App: objects that were not in order at some time; values unused */
};

void sync_show_app(struct sync_show *show, const struct standalone *s); /* of this process */
void sync_show_status(struct sync_show *show, const struct node *app);	/* an App object */
void sync_show_release(struct sync_show *show);
