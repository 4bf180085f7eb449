/*
 * rng.h - the one source of chance: SplitMix64 (Steele, Lea, Flood 2014). The same seed gives the same
 * history.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 <= result < n; n > 0. */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)(((rng_next(r) >> 32) * (uint64_t)n) >> 32);
}

static inline int64_t rng_range(struct rng *r, int64_t low, int64_t high)
{
	return low + (int64_t)(rng_next(r) % (uint64_t)(high - low + 1));
}

static inline bool rng_chance(struct rng *r, uint32_t permille)
{
	return rng_below(r, 1000) < permille;
}

/* A stream of its own, so that what one part draws does not move what another gets. */
static inline struct rng rng_fork(uint64_t seed, uint64_t stream)
{
	struct rng r = { seed * 0xd1342543de82ef95u + stream * 0x2545f4914f6cdd1du };
	rng_next(&r);
	return r;
}
