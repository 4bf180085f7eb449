/*
 * webhook.c - signatures, and what was seen already; see webhook.h.
 *
 * GitHub, Gitea, Bitbucket and the generic form sign the body by HMAC-SHA256; GitLab and Azure DevOps send
 * the secret itself, and so do registries that cannot sign; two of them can only put it into the URL. Secrets
 * are compared by their digests, so that the time tells nothing of their length.
 */
#include "operator/webhook.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <strings.h>

#include "base/hex.h"

static const char *const names[WEBHOOK_TYPES] = {
	[WEBHOOK_GITHUB] = "github",
	[WEBHOOK_GITLAB] = "gitlab",
	[WEBHOOK_GITEA] = "gitea",
	[WEBHOOK_BITBUCKET] = "bitbucket",
	[WEBHOOK_AZURE] = "azure",
	[WEBHOOK_GENERIC] = "generic",
	[WEBHOOK_DISTRIBUTION] = "distribution",
	[WEBHOOK_HARBOR] = "harbor",
	[WEBHOOK_DOCKERHUB] = "dockerhub",
	[WEBHOOK_GHCR] = "ghcr",
	[WEBHOOK_QUAY] = "quay",
};

const char *webhook_type_name(enum webhook_type type)
{
	return names[type];
}

bool webhook_type_parse(struct str name, enum webhook_type *out)
{
	for (int i = 0; i < WEBHOOK_TYPES; i++) {
		if (str_is(name, names[i])) {
			*out = (enum webhook_type)i;
			return true;
		}
	}
	return false;
}

bool webhook_of_git(enum webhook_type type)
{
	return type <= WEBHOOK_GENERIC;
}

bool webhook_of_registry(enum webhook_type type)
{
	return type >= WEBHOOK_GENERIC && type < WEBHOOK_TYPES;
}

/* --- signatures --- */

static bool read_digest(struct str hex, unsigned char out[SHA256_DIGEST_LENGTH])
{
	if (hex.n != 2 * SHA256_DIGEST_LENGTH)
		return false;
	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
		int high = hex_value(hex.p[2 * i]), low = hex_value(hex.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* header: the first of these that the request has; prefix: what must be before the digits, or "". */
static int check_hmac(const struct webhook_headers *headers, const char *const *header, const char *prefix,
		      struct str body, struct str secret, struct error *err)
{
	unsigned char given[SHA256_DIGEST_LENGTH], right[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	const char *value = NULL, *name = header[0];
	for (size_t i = 0; header[i] && !value; i++) {
		value = headers->get(headers->ctx, header[i]);
		name = value ? header[i] : name;
	}
	if (!value)
		return error_set(err, "it has no header %s: is the secret set at the host?", name);
	struct str text = str_of(value);
	if (!str_starts(text, str_of(prefix)) || !read_digest(str_from(text, strlen(prefix)), given))
		return error_set(err, "its header %s is not \"%s\" and 64 hexadecimal digits", name, prefix);
	if (!HMAC(EVP_sha256(), secret.p, (int)secret.n, (const unsigned char *)body.p, body.n, right, &n) ||
	    n != sizeof(given))
		return error_set(err, "the signature cannot be computed");
	if (CRYPTO_memcmp(given, right, sizeof(given)) != 0)
		return error_set(err,
				 "its signature is another: is the secret at the host that of key token?");
	return 0;
}

static int check_token(struct str given, struct str secret, struct error *err)
{
	unsigned char a[SHA256_DIGEST_LENGTH], b[SHA256_DIGEST_LENGTH];
	if (given.n > WEBHOOK_TOKEN_MAX)
		return error_set(err, "its token is longer than %d bytes", WEBHOOK_TOKEN_MAX);
	SHA256((const unsigned char *)given.p, given.n, a);
	SHA256((const unsigned char *)secret.p, secret.n, b);
	if (CRYPTO_memcmp(a, b, sizeof(a)) != 0)
		return error_set(err, "its token is another: is the secret at the host that of key token?");
	return 0;
}

static int check_gitlab(const struct webhook_headers *headers, struct str secret, struct error *err)
{
	const char *token = headers->get(headers->ctx, "X-Gitlab-Token");
	if (!token)
		return error_set(err,
				 "it has no header X-Gitlab-Token: is the secret token set at the host?");
	return check_token(str_of(token), secret, err);
}

/* RFC 7617: the name is whatever one likes, the password is the secret, and may hold colons. */
static int check_basic(const struct webhook_headers *headers, struct str secret, struct error *err)
{
	unsigned char plain[WEBHOOK_TOKEN_MAX];
	const char *value = headers->get(headers->ctx, "Authorization");
	if (!value || strncasecmp(value, "Basic ", 6) != 0)
		return error_set(
			err, "it has no basic authentication: are a name and the password set at the host?");
	struct str encoded = str_trim(str_of(value + 6));
	if (encoded.n == 0 || encoded.n % 4 != 0 || encoded.n / 4 * 3 > sizeof(plain))
		return error_set(err, "its header Authorization is no base64 of a sane length");
	int n = EVP_DecodeBlock(plain, (const unsigned char *)encoded.p, (int)encoded.n);
	for (size_t i = 0; i < 2 && encoded.p[encoded.n - 1 - i] == '='; i++)
		n--;
	if (n < 0)
		return error_set(err, "its header Authorization is no base64");
	struct str password, all = { (const char *)plain, (size_t)n };
	str_cut(all, ':', &password);
	int rc = check_token(password, secret, err);
	OPENSSL_cleanse(plain, sizeof(plain));
	return rc;
}

/* "Bearer TOKEN", basic authentication, or the token alone: registries send the header as they were given it.
 */
static int check_authorization(const struct webhook_headers *headers, struct str secret, struct error *err)
{
	const char *value = headers->get(headers->ctx, "Authorization");
	if (!value)
		return error_set(err, "it has no header Authorization: is it set at the registry?");
	if (strncasecmp(value, "Basic ", 6) == 0)
		return check_basic(headers, secret, err);
	struct str token = str_of(value);
	if (strncasecmp(value, "Bearer ", 7) == 0)
		token = str_from(token, 7);
	return check_token(str_trim(token), secret, err);
}

static int check_query(const struct webhook_headers *headers, struct str secret, struct error *err)
{
	const char *token = headers->query ? headers->query(headers->ctx, "token") : NULL;
	if (!token)
		return error_set(err, "its URL has no ?token=: add the secret to the URL at the registry");
	return check_token(str_of(token), secret, err);
}

int webhook_verify(enum webhook_type type, const struct webhook_headers *headers, struct str body,
		   struct str secret, struct error *err)
{
	static const char *const github[] = { "X-Hub-Signature-256", NULL };
	static const char *const gitea[] = { "X-Gitea-Signature", "X-Forgejo-Signature", NULL };
	static const char *const bitbucket[] = { "X-Hub-Signature", NULL };
	static const char *const generic[] = { "X-Capstan-Signature", NULL };
	/* With an empty key anybody could sign. */
	if (secret.n == 0 || secret.n > WEBHOOK_TOKEN_MAX)
		return error_set(err, "the secret must have 1 to %d bytes", WEBHOOK_TOKEN_MAX);
	switch (type) {
	case WEBHOOK_GITHUB:
	case WEBHOOK_GHCR:
		return check_hmac(headers, github, "sha256=", body, secret, err);
	case WEBHOOK_GITEA:
		return check_hmac(headers, gitea, "", body, secret, err);
	case WEBHOOK_BITBUCKET:
		return check_hmac(headers, bitbucket, "sha256=", body, secret, err);
	case WEBHOOK_GENERIC:
		return check_hmac(headers, generic, "sha256=", body, secret, err);
	case WEBHOOK_GITLAB:
		return check_gitlab(headers, secret, err);
	case WEBHOOK_AZURE:
		return check_basic(headers, secret, err);
	case WEBHOOK_DISTRIBUTION:
	case WEBHOOK_HARBOR:
		return check_authorization(headers, secret, err);
	case WEBHOOK_DOCKERHUB:
	case WEBHOOK_QUAY:
		return check_query(headers, secret, err);
	case WEBHOOK_TYPES:
		break;
	}
	return error_set(err, "there is no such type of webhook");
}

/* --- events that were taken --- */

bool webhook_signs_body(enum webhook_type type)
{
	return type == WEBHOOK_GITHUB || type == WEBHOOK_GITEA || type == WEBHOOK_BITBUCKET ||
	       type == WEBHOOK_GENERIC || type == WEBHOOK_GHCR;
}

struct webhook_mark webhook_mark_of(enum webhook_type type, const struct webhook_event *event,
				    struct str body, int64_t now_ms)
{
	struct webhook_mark mark = { .at_ms = now_ms };
	if (type == WEBHOOK_QUAY)
		return mark;
	if (event->delivery.n)
		mark.delivery = hash_of(event->delivery);
	if (webhook_signs_body(type) || !event->delivery.n)
		mark.content = hash_of(body);
	return mark;
}

static bool same(struct hash a, struct hash b)
{
	return !hash_is_zero(a) && hash_eq(a, b);
}

bool webhook_ring_has(const struct webhook_ring *ring, const struct webhook_mark *mark)
{
	for (size_t i = 0; i < ring->marks.n; i++) {
		const struct webhook_mark *known = &ring->marks.at[i];
		if (mark->at_ms - known->at_ms < WEBHOOK_RING_WINDOW_MS &&
		    (same(known->delivery, mark->delivery) || same(known->content, mark->content)))
			return true;
	}
	return false;
}

void webhook_ring_add(struct webhook_ring *ring, const struct webhook_mark *mark)
{
	if (ring->marks.n < WEBHOOK_RING_MAX) {
		vec_push(&ring->marks, *mark);
		return;
	}
	ring->marks.at[ring->next] = *mark;
	ring->next = (ring->next + 1) % WEBHOOK_RING_MAX;
}

void webhook_ring_release(struct webhook_ring *ring)
{
	vec_release(&ring->marks);
	ring->next = 0;
}

/* --- bad signatures --- */

static void refill(struct webhook_limit *limit, int64_t now_ms)
{
	int64_t forgiven = (now_ms - limit->since_ms) / WEBHOOK_BAD_REFILL_MS;
	if (forgiven <= 0)
		return;
	limit->bad = forgiven < limit->bad ? limit->bad - (unsigned)forgiven : 0;
	limit->since_ms += forgiven * WEBHOOK_BAD_REFILL_MS;
}

bool webhook_limit_reached(struct webhook_limit *limit, int64_t now_ms)
{
	refill(limit, now_ms);
	return limit->bad >= WEBHOOK_BAD_MAX;
}

void webhook_limit_bad(struct webhook_limit *limit, int64_t now_ms)
{
	refill(limit, now_ms);
	if (limit->bad == 0)
		limit->since_ms = now_ms;
	limit->bad++;
}
