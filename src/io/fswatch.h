/*
 * fswatch.h - tells what changes in directories (inotify on the loop). Subdirectories are watched one by one.
 */
#pragma once

#include "io/loop.h"

struct fswatch;

/*
 * label: of the directory something happened in. name: of the entry that was written, made, removed, renamed
 * or got other permissions; NULL: the directory itself went away or was moved, and is not watched any more.
 * label NULL: events were lost, look at everything.
 */
typedef void fswatch_fn(void *arg, const char *label, const char *name);

struct fswatch *fswatch_new(struct loop *loop, fswatch_fn *fn, void *arg, struct error *err);
void fswatch_free(struct fswatch *w); /* NULL is fine; not from inside fn */

#define FSWATCH_MISSING 1 /* no directory is there */

/* Watches one directory; the same one again is free. 0, FSWATCH_MISSING, or -1: the system has no watch left.
 */
int fswatch_add(struct fswatch *w, const char *path, const char *label, struct error *err);
