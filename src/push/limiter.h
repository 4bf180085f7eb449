/* limiter.h - failed logins, counted by who tries and where. Pure: time is handed in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMITER_ENTRIES 1024u  /* who and where; of more, those that are quiet the longest are forgotten */
#define LIMITER_FAILURES 10u   /* in a row */
#define LIMITER_REFILL_MS 6000 /* then one in so long */

struct limiter_entry {
	uint64_t key;  /* 0: free */
	int64_t at_ms; /* of the last failure */
	unsigned failures;
};

struct limiter {
	struct limiter_entry entries[LIMITER_ENTRIES];
};

uint64_t limiter_key(const char *who, const char *where);
/* Whether there were too many: nothing that is tried now is looked at. */
bool limiter_reached(const struct limiter *l, uint64_t key, int64_t now_ms);
void limiter_failed(struct limiter *l, uint64_t key, int64_t now_ms);
