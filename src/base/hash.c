/* hash.c - OpenSSL for what is stored, xxhash for tables. */
#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct hash hash_of(struct str data)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)data.p, data.n, digest);
	struct hash h;
	memcpy(h.bytes, digest, sizeof(h.bytes));
	return h;
}

struct hash hash_parts(const struct str *parts, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		abort();
	for (size_t i = 0; i < n; i++) {
		uint64_t length = parts[i].n;
		EVP_DigestUpdate(ctx, &length, sizeof(length));
		EVP_DigestUpdate(ctx, parts[i].p, parts[i].n);
	}
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	struct hash h;
	memcpy(h.bytes, digest, sizeof(h.bytes));
	return h;
}

bool hash_eq(struct hash a, struct hash b)
{
	return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

bool hash_is_zero(struct hash h)
{
	return hash_eq(h, (struct hash){ { 0 } });
}

void hash_hex(struct hash h, char out[HASH_HEX_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < sizeof(h.bytes); i++) {
		out[2 * i] = digits[h.bytes[i] >> 4];
		out[2 * i + 1] = digits[h.bytes[i] & 15];
	}
	out[HASH_HEX_LEN] = '\0';
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hash_from_hex(struct str hex, struct hash *out)
{
	if (hex.n != HASH_HEX_LEN)
		return false;
	struct hash h;
	for (size_t i = 0; i < sizeof(h.bytes); i++) {
		int high = nibble(hex.p[2 * i]), low = nibble(hex.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		h.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*out = h;
	return true;
}

uint64_t hash_fast(struct str data)
{
	static uint64_t seed;
	/* main() calls this once before any thread starts. */
	static bool seeded;
	if (!seeded) {
		if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
			abort();
		seeded = true;
	}
	return XXH3_64bits_withSeed(data.p, data.n, seed);
}
