/*
 * hash.h - digests that are stored (SHA-256, cut to 128 bits) and hashes that are not (XXH3).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* The first 128 bits of a SHA-256: git content is hostile, so stored hashes resist collisions. */
struct hash {
	uint8_t bytes[16];
};

#define HASH_HEX_LEN 32

struct hash hash_of(struct str data);
/* Hash of a sequence: each part is preceded by its length, so ("a","bc") differs from ("ab","c"). */
struct hash hash_parts(const struct str *parts, size_t n);
bool hash_eq(struct hash a, struct hash b);
bool hash_is_zero(struct hash h); /* zero stands for "not known" */
void hash_hex(struct hash h, char out[HASH_HEX_LEN + 1]);
bool hash_from_hex(struct str hex, struct hash *out);

/* Not stable across processes (seeded at start); for tables only. */
uint64_t hash_fast(struct str data);
