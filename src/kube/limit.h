/*
 * limit.h - how many requests may be at the server at once; pure: time is handed in.
 *
 * Additive growth, multiplicative back-off. A throttled answer halves the limit, at most once per round trip.
 * Latency alone is a poor sign: on a saturated server it grows with our own concurrency while nothing is
 * wrong. So what is compared is latency divided by concurrency (the time the server needs per request): only
 * when that is KUBE_LIMIT_WORSE times its best of the last minutes, and requests are slow in absolute terms,
 * the server is taken to be in trouble.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define KUBE_LIMIT_START 64
#define KUBE_LIMIT_MIN 2
#define KUBE_LIMIT_MAX 96
#define KUBE_LIMIT_LATENCY_MIN 8 /* latency never takes it below this; only the server's own word does */
#define KUBE_LIMIT_WORSE 3
#define KUBE_LIMIT_SLOW_MS 300	    /* a mean latency under this is never trouble */
#define KUBE_LIMIT_FAST_MS 100	    /* above KUBE_LIMIT_START it grows only while answers are this fast */
#define KUBE_LIMIT_MEMORY_MS 300000 /* how long the best is remembered, at least */

enum kube_limit_outcome {
	KUBE_LIMIT_OK,
	KUBE_LIMIT_THROTTLED, /* 429, or 503/500 with Retry-After */
	KUBE_LIMIT_FAILED,    /* no answer: says nothing about load */
};

struct kube_limit {
	double limit;
	int64_t cut_at; /* requests that began before this know nothing of the last cut */
	/* the window being filled */
	int64_t window_start;
	uint32_t samples;
	double latency_sum, load_sum;
	bool full; /* the limit was reached in it */
	/* best time per request in this bucket of time and in the one before */
	int64_t bucket_start;
	double best, best_before; /* 0: none */
};

void kube_limit_init(struct kube_limit *l);
int kube_limit_value(const struct kube_limit *l);
/* A request that began at start_ms with `load` requests in flight (itself too) has ended now. */
void kube_limit_sample(struct kube_limit *l, int64_t now_ms, int64_t start_ms, int load,
		       enum kube_limit_outcome outcome);
