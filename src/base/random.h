/*
 * random.h - numbers for jitter: quick, with a state of the caller's own, and good for nothing secret.
 */
#pragma once

#include <stdint.h>

/* xorshift32 (Marsaglia 2003). *state must not be 0, and never becomes it. */
static inline uint32_t random_next(uint32_t *state)
{
	uint32_t x = *state;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}
