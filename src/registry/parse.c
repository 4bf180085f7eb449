/* parse.c - bodies and digests; see parse.h. */
#include "registry/parse.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "doc/json.h"
#include "render/images.h"

enum { ERROR_SHOWN = 200 };

int registry_place_read(struct arena *a, struct str image, struct registry_place *out, struct error *err)
{
	struct image_ref ref;
	if (image_ref_read(image, &ref, err) < 0)
		return -1;
	if (ref.tag.n || ref.digest.n)
		return error_set(err, "%.*s: write the image without tag and digest", STR_ARG(image));
	struct str path, first = str_cut(ref.name, '/', &path);
	bool host = path.n && (memchr(first.p, '.', first.n) || memchr(first.p, ':', first.n) ||
			       str_is(first, "localhost"));
	if (!host)
		path = ref.name;
	bool hub = !host || str_is(first, "docker.io") || str_is(first, "index.docker.io");
	bool official = hub && !memchr(path.p, '/', path.n);
	*out = (struct registry_place){
		.host = hub ? "registry-1.docker.io" : arena_strndup(a, first.p, first.n),
		.path = arena_printf(a, "%s%.*s", official ? "library/" : "", STR_ARG(path)),
	};
	out->name = hub ? "docker.io" : out->host;
	return strlen(out->host) <= REGISTRY_HOST_MAX
		       ? 0
		       : error_set(err, "the name of the registry is too long");
}

static int read_object(struct arena *a, struct str body, const char *what, struct node **out,
		       struct error *err)
{
	if (json_parse(a, body, false, out, err) < 0)
		return error_wrap(err, "%s is no JSON", what);
	return (*out)->type == NODE_MAP ? 0 : error_set(err, "%s is no JSON object", what);
}

/* Goes into a header: nothing in it may end that. */
static bool is_token(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
			return false;
	return text.n > 0 && text.n <= REGISTRY_TOKEN_MAX;
}

int registry_token_read(struct arena *a, struct str body, struct registry_token *out, struct error *err)
{
	struct node *root;
	if (read_object(a, body, "the token's answer", &root, err) < 0)
		return -1;
	struct str token = node_text(node_get(root, "token"));
	if (!token.n)
		token = node_text(node_get(root, "access_token"));
	if (!is_token(token))
		return error_set(err, "the token's answer has no token of 1 to %u printable bytes",
				 REGISTRY_TOKEN_MAX);
	out->token = arena_strndup(a, token.p, token.n);
	if (!node_int(node_get(root, "expires_in"), &out->ttl_s) || out->ttl_s < 0)
		out->ttl_s = REGISTRY_TOKEN_TTL_S;
	return 0;
}

bool registry_is_tag(struct str s)
{
	if (!s.n || s.n > REGISTRY_TAG_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			    c == '_';
		if (!word && (i == 0 || (c != '.' && c != '-')))
			return false;
	}
	return true;
}

int registry_tags_read(struct arena *a, struct str body, struct registry_tags *out, struct error *err)
{
	cleanup_arena struct arena scratch = ARENA_INIT;
	struct node *root;
	if (read_object(&scratch, body, "the list of tags", &root, err) < 0)
		return -1;
	const struct node *tags = node_get(root, "tags");
	/* A repository without tags has null there, or nothing. */
	if (tags && tags->type != NODE_SEQ && tags->type != NODE_NULL)
		return error_set(err, "the list of tags has something else in `tags`");
	for (size_t i = 0; i < node_count(tags); i++) {
		struct str tag = node_text(node_item(tags, i));
		if (!registry_is_tag(tag))
			return error_set(err, "the list of tags has an entry that is no tag");
		if (out->n == REGISTRY_TAGS_MAX)
			return error_set(err, "the repository has more than %u tags (REGISTRY_TAGS_MAX)",
					 REGISTRY_TAGS_MAX);
		if (out->n == out->cap) {
			size_t cap = out->cap ? out->cap * 2 : 64;
			struct str *at = arena_array(a, struct str, cap);
			if (out->n)
				memcpy(at, out->at, out->n * sizeof(*at));
			out->at = at;
			out->cap = cap;
		}
		out->at[out->n++] = arena_str(a, tag);
	}
	return 0;
}

/* Attestations and the like have platform unknown/unknown. */
static bool runs(const struct node *entry)
{
	struct str os = node_text(node_at(entry, "platform.os"));
	return !os.n || !str_is(os, "unknown");
}

static const char *child_of(struct arena *a, const struct node *manifests)
{
	struct str found = { 0 };
	for (size_t i = 0; i < node_count(manifests) && i < REGISTRY_MANIFESTS_MAX; i++) {
		const struct node *entry = node_item(manifests, i);
		struct str digest = node_text(node_get(entry, "digest"));
		bool best = str_is(node_text(node_at(entry, "platform.os")), "linux") &&
			    str_is(node_text(node_at(entry, "platform.architecture")), "amd64");
		if (!registry_is_digest(digest) || !runs(entry))
			continue;
		if (best || !found.n)
			found = digest;
		if (best)
			break;
	}
	return found.n ? arena_strndup(a, found.p, found.n) : NULL;
}

int registry_manifest_read(struct arena *a, struct str body, struct registry_manifest *out, struct error *err)
{
	struct node *root;
	*out = (struct registry_manifest){ 0 };
	if (read_object(a, body, "the manifest", &root, err) < 0)
		return -1;
	const struct node *manifests = node_get(root, "manifests");
	if (manifests && manifests->type == NODE_SEQ) {
		out->child = child_of(a, manifests);
		return out->child ? 0 : error_set(err, "the index names no image that runs");
	}
	struct str config = node_text(node_at(root, "config.digest"));
	if (!registry_is_digest(config))
		return error_set(err, "the manifest names no configuration by a sha256 digest");
	out->config = arena_strndup(a, config.p, config.n);
	return 0;
}

/* RFC 3339 with any fraction and offset, such as 2026-01-02T03:04:05.123456789+01:00. */
static bool parse_time(struct str text, int64_t *out)
{
	char plain[] = "0000-00-00T00:00:00Z";
	size_t base = sizeof(plain) - 2;
	if (text.n <= base || text.n > 64)
		return false;
	memcpy(plain, text.p, base);
	if (!clock_parse(str_of(plain), out))
		return false;
	struct str rest = str_from(text, base);
	int64_t scale = 100;
	if (rest.p[0] == '.') {
		for (rest = str_from(rest, 1); rest.n && rest.p[0] >= '0' && rest.p[0] <= '9';
		     rest = str_from(rest, 1)) {
			*out += (rest.p[0] - '0') * scale;
			scale /= 10;
		}
	}
	if (str_is(rest, "Z") || str_is(rest, "z"))
		return true;
	int64_t hours, minutes;
	if (rest.n != 6 || (rest.p[0] != '+' && rest.p[0] != '-') || rest.p[3] != ':' || rest.p[1] < '0' ||
	    rest.p[1] > '2' || rest.p[4] < '0' || rest.p[4] > '5' ||
	    !str_int64((struct str){ rest.p + 1, 2 }, &hours) ||
	    !str_int64((struct str){ rest.p + 4, 2 }, &minutes))
		return false;
	*out -= (rest.p[0] == '-' ? -1 : 1) * (hours * 60 + minutes) * 60000;
	return true;
}

int registry_created_read(struct str body, int64_t *out, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct node *root;
	if (read_object(&a, body, "the image's configuration", &root, err) < 0)
		return -1;
	if (!parse_time(node_text(node_get(root, "created")), out))
		return error_set(err, "the image's configuration has no time in `created`");
	return 0;
}

const char *registry_error_read(struct arena *a, struct str body)
{
	cleanup_arena struct arena scratch = ARENA_INIT;
	struct node *root;
	if (read_object(&scratch, body, "", &root, NULL) < 0)
		return "";
	const struct node *first = node_item(node_get(root, "errors"), 0);
	struct str text = node_text(node_get(first, "message"));
	if (!text.n)
		text = node_text(node_get(first, "code"));
	if (!text.n)
		text = node_text(node_get(root, "details"));
	if (text.n > ERROR_SHOWN)
		text.n = ERROR_SHOWN;
	/* A cut may have hit the middle of a character. */
	while (text.n && !str_utf8(text))
		text.n--;
	char *line = arena_strndup(a, text.p ? text.p : "", text.n);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	return line;
}

bool registry_is_digest(struct str text)
{
	return text.n == REGISTRY_DIGEST_LEN && str_starts(text, STR("sha256:")) && hex_is(str_from(text, 7));
}

void registry_digest(struct str body, char out[REGISTRY_DIGEST_LEN + 1])
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)body.p, body.n, sum);
	memcpy(out, "sha256:", 7);
	hex_write(sum, sizeof(sum), out + 7);
}
