/* hash.c - OpenSSL and libmd for what is stored, xxhash for tables. */
#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sha2.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hex.h"

/* Opening libcrypto takes some milliseconds, in which libmd has hashed this much: a command that hashes
 * little never opens it. What is larger is hashed by the processor's own instructions, which only libcrypto
 * uses. */
enum { LIBMD_MAX = 256 << 10 };

static void sha256(struct str data, unsigned char digest[SHA256_DIGEST_LENGTH])
{
	if (data.n > LIBMD_MAX) {
		SHA256((const unsigned char *)data.p, data.n, digest);
		return;
	}
	SHA2_CTX ctx;
	SHA256Init(&ctx);
	SHA256Update(&ctx, (const uint8_t *)data.p, data.n);
	SHA256Final(digest, &ctx);
}

struct hash hash_of(struct str data)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	sha256(data, digest);
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
	hex_write(h.bytes, sizeof(h.bytes), out);
}

bool hash_from_hex(struct str hex, struct hash *out)
{
	if (hex.n != HASH_HEX_LEN)
		return false;
	struct hash h;
	for (size_t i = 0; i < sizeof(h.bytes); i++) {
		int high = hex_lower(hex.p[2 * i]), low = hex_lower(hex.p[2 * i + 1]);
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
