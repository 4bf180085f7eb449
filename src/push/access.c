/* access.c - see access.h. */
#include "push/access.h"

#include <stdio.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/hex.h"

#define GLOB_MAX 250

/* ---- public keys ---- */

static const char *const key_types[] = {
	"ssh-ed25519",
	"ssh-rsa",
	"ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384",
	"ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com",
	"sk-ecdsa-sha2-nistp256@openssh.com",
};

static bool is_key_type(struct str type)
{
	for (size_t i = 0; i < sizeof(key_types) / sizeof(*key_types); i++)
		if (str_is(type, key_types[i]))
			return true;
	return false;
}

/* Bytes of base64 with padding, 0 when it is none. out has room for text.n bytes. */
static size_t decode(struct str text, unsigned char *out)
{
	size_t padding = 0;
	while (padding < 2 && padding < text.n && text.p[text.n - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < text.n - padding; i++) {
		char c = text.p[i];
		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/'))
			return 0;
	}
	if (text.n == 0 || text.n % 4 != 0)
		return 0;
	int n = EVP_DecodeBlock(out, (const unsigned char *)text.p, (int)text.n);
	return n < 0 ? 0 : (size_t)n - padding;
}

/* RFC 4253, 6.6: a key begins with its type as a string; nothing that differs from the word before it. */
static bool blob_is_of(const unsigned char *blob, size_t n, struct str type)
{
	if (n < 4 + type.n)
		return false;
	size_t length = (size_t)blob[0] << 24 | (size_t)blob[1] << 16 | (size_t)blob[2] << 8 | blob[3];
	return length == type.n && memcmp(blob + 4, type.p, type.n) == 0 && n > 4 + type.n;
}

static char *fingerprint(struct arena *a, const unsigned char *blob, size_t n)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char text[4 * ((sizeof(digest) + 2) / 3) + 1];
	SHA256(blob, n, digest);
	int length = EVP_EncodeBlock((unsigned char *)text, digest, sizeof(digest));
	while (length > 0 && text[length - 1] == '=')
		length--;
	return arena_printf(a, "SHA256:%.*s", length, text);
}

int access_key_read(struct arena *a, struct str line, struct access_key *out, struct error *err)
{
	struct str rest;
	line = str_trim(line);
	if (line.n > ACCESS_KEY_MAX)
		return error_set(err, "the key is longer than %u bytes", ACCESS_KEY_MAX);
	if (memmem(line.p, line.n, "PRIVATE KEY", 11))
		return error_set(err,
				 "this is a private key; the public one is in the file that ends in .pub");
	for (size_t i = 0; i < line.n; i++)
		if ((unsigned char)line.p[i] < ' ' || line.p[i] == 0x7f)
			return error_set(err, "one key is one line: it has a control character");
	struct str type = str_cut(line, ' ', &rest);
	if (!is_key_type(type))
		return error_set(
			err,
			"\"%.*s...\" is no public key that is taken: write \"ssh-ed25519 AAAA...\", without options",
			(int)(type.n > 40 ? 40 : type.n), type.p);
	struct str body = str_cut(str_trim(rest), ' ', &rest);
	unsigned char *blob = arena_alloc(a, body.n + 4);
	size_t n = decode(body, blob);
	if (!blob_is_of(blob, n, type))
		return error_set(err, "the %.*s key is damaged: copy the whole line of the .pub file",
				 STR_ARG(type));
	rest = str_trim(rest);
	out->key = arena_printf(a, "%.*s %.*s", STR_ARG(type), STR_ARG(body));
	out->comment = arena_strndup(a, rest.p ? rest.p : "", rest.n);
	out->fingerprint = fingerprint(a, blob, n);
	return 0;
}

/* ---- tokens ---- */

void access_token_sha256(struct str token, char out[ACCESS_TOKEN_HEX + 1])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)token.p, token.n, digest);
	hex_write(digest, sizeof(digest), out);
}

bool access_sha256_ok(struct str hex)
{
	return hex.n == ACCESS_TOKEN_HEX && hex_is(hex);
}

/* ---- who ---- */

size_t access_by_fingerprint(const struct hosted_repo *repo, const char *wanted)
{
	for (size_t i = 0; i < repo->n_keys; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct access_key key;
		if (repo->keys[i].key && access_key_read(&a, str_of(repo->keys[i].key), &key, NULL) == 0 &&
		    strcmp(key.fingerprint, wanted) == 0)
			return i;
	}
	return ACCESS_NONE;
}

size_t access_by_token(const struct hosted_repo *repo, struct str token)
{
	char hex[ACCESS_TOKEN_HEX + 1];
	size_t found = ACCESS_NONE;
	if (token.n == 0 || token.n > ACCESS_TOKEN_MAX)
		return ACCESS_NONE;
	access_token_sha256(token, hex);
	for (size_t i = 0; i < repo->n_keys; i++) {
		const char *known = repo->keys[i].token_sha256;
		if (known && access_sha256_ok(str_of(known)) &&
		    CRYPTO_memcmp(known, hex, ACCESS_TOKEN_HEX) == 0 && found == ACCESS_NONE)
			found = i;
	}
	return found;
}

bool access_may_read(const struct hosted_key *key)
{
	return key->right >= HOSTED_READ;
}

bool access_may_push(const struct hosted_key *key)
{
	return key->right >= HOSTED_PUSH_BRANCHES;
}

/* ---- refs ---- */

struct star {
	const char *glob, *text; /* where to go on when what follows does not fit; NULL: none */
};

/* Only the last star of each sort gives up letters, so the work is bounded by the product of the lengths. */
static bool fits(const char *glob, const char *text)
{
	struct star one = { 0 }, two = { 0 };
	while (*text) {
		if (glob[0] == '*' && glob[1] == '*') {
			two = (struct star){ glob += 2, text };
			one.glob = NULL;
		} else if (*glob == '*') {
			one = (struct star){ ++glob, text };
		} else if (*glob && (*glob == *text || (*glob == '?' && *text != '/'))) {
			glob++;
			text++;
		} else if (one.glob && *one.text != '/') {
			glob = one.glob;
			text = ++one.text;
		} else if (two.glob) {
			glob = two.glob;
			text = ++two.text;
			one.glob = NULL;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}

bool access_glob(const char *glob, const char *branch)
{
	return strlen(glob) <= GLOB_MAX && fits(glob, branch);
}

bool access_glob_ok(struct str glob)
{
	for (size_t i = 0; i < glob.n; i++)
		if ((unsigned char)glob.p[i] <= ' ' || glob.p[i] == 0x7f)
			return false;
	return glob.n > 0 && glob.n <= GLOB_MAX;
}

/* A glob that begins with refs/ is for any ref, others for branches. */
static bool any_fits(const char *const *globs, size_t n, const char *ref)
{
	const char *branch = strncmp(ref, "refs/heads/", 11) == 0 ? ref + 11 : NULL;
	for (size_t i = 0; i < n; i++) {
		if (strncmp(globs[i], "refs/", 5) == 0 ? access_glob(globs[i], ref)
						       : branch && access_glob(globs[i], branch))
			return true;
	}
	return false;
}

static bool is_pushable(const char *ref)
{
	return strncmp(ref, "refs/heads/", 11) == 0 || strncmp(ref, "refs/tags/", 10) == 0 ||
	       strncmp(ref, "refs/notes/", 11) == 0;
}

int access_check_ref(const struct hosted_repo *repo, const struct hosted_key *key, const char *ref,
		     enum access_change change, struct error *err)
{
	const char *shown = strncmp(ref, "refs/heads/", 11) == 0 ? ref + 11 : ref;
	if (!access_may_push(key))
		return error_set(err, "%s may only read %s/%s", key->who, repo->namespace, repo->name);
	if (!is_pushable(ref))
		return error_set(err, "%s: only branches, tags and notes can be pushed", ref);
	if (key->right == HOSTED_PUSH_BRANCHES && !any_fits(key->branches, key->n_branches, ref))
		return error_set(err, "%s may not push to %s: its key is for other branches", key->who,
				 shown);
	if ((change == ACCESS_FORCE || change == ACCESS_DELETE) &&
	    any_fits(repo->protected, repo->n_protected, ref))
		return error_set(err, "%s is protected: it can be neither %s", shown,
				 change == ACCESS_DELETE ? "deleted nor forced" : "forced nor deleted");
	return 0;
}
