/*
 * queue.h - virtual time: what happens when. Events at the same millisecond happen in the order they were
 * planned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;

typedef void event_fn(struct world *w, void *arg);

struct event {
	int64_t at;
	uint64_t order;
	event_fn *fn;
	void *arg;	      /* owned by the event until fn runs */
	void (*drop)(void *); /* frees arg when the event never runs; NULL: nothing to free */
};

struct queue {
	struct event *heap;
	size_t n, cap;
	uint64_t planned;
};

void queue_release(struct queue *q);
void queue_add(struct queue *q, int64_t at, event_fn *fn, void *arg, void (*drop)(void *));
bool queue_next(struct queue *q, struct event *out); /* false: empty */
