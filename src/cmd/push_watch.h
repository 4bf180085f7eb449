/*
 * push_watch.h - an App is looked at until it is as it should be; what happens to its objects is told on the
 * way. One watch, nothing is polled.
 */
#pragma once

#include "cmd/push_steps.h"

#define PUSH_WATCH_QUIET_MS 700	 /* before the first line about objects: most are through by then */
#define PUSH_WATCH_EVERY_MS 1000 /* between two looks at what is to be told */
#define PUSH_WATCH_LINES 14u	 /* lines about objects that get on; then one every PUSH_WATCH_SLOW_MS */
#define PUSH_WATCH_SLOW_MS 15000

/* Until it runs what it ran before the push, healthy or not. */
enum step_outcome push_watch_restored(struct push_run *run, struct push_target *t, struct error *err);
/* Until it is not there any more, and its objects neither. */
enum step_outcome push_watch_gone(struct push_run *run, struct push_target *t, struct error *err);
