/* credentials.c - see credentials.h. Nothing here ever puts a secret into an error. */
#include "registry/credentials.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "doc/json.h"

#define AUTH_MAX 8192u /* bytes of an `auth`, and of what is in it */
#define HELPER_NAME_MAX 64u

static const char *const cloud_helpers[] = { "ecr-login", "gcr", "gcloud", "acr-env", "acr-linux" };

bool registry_is_cloud_helper(struct str name)
{
	for (size_t i = 0; i < sizeof(cloud_helpers) / sizeof(*cloud_helpers); i++)
		if (str_is(name, cloud_helpers[i]))
			return true;
	return false;
}

static struct str without_port(const char *host)
{
	return str_cut(str_of(host), ':', &(struct str){ 0 });
}

const char *registry_cloud_helper(const char *host)
{
	struct str name = without_port(host);
	bool aws = str_ends(name, STR(".amazonaws.com")) || str_ends(name, STR(".amazonaws.com.cn"));
	if ((aws && memmem(name.p, name.n, ".dkr.ecr", 8)) || str_is(name, "public.ecr.aws"))
		return "ecr-login";
	if (str_is(name, "gcr.io") || str_ends(name, STR(".gcr.io")) || str_ends(name, STR(".pkg.dev")))
		return "gcr";
	if (str_ends(name, STR(".azurecr.io")) || str_ends(name, STR(".azurecr.cn")) ||
	    str_ends(name, STR(".azurecr.us")))
		return "acr-env";
	return NULL;
}

/* --- entries --- */

/* A key of `auths`: "https://index.docker.io/v1/", "registry.example.com", "registry.example.com/team". */
static struct str plain_key(struct str key)
{
	static const char *const heads[] = { "https://", "http://" };
	static const char *const tails[] = { "/v1/", "/v2/", "/v1", "/v2", "/" };
	for (size_t i = 0; i < 2; i++)
		if (str_starts(key, str_of(heads[i])))
			key = str_from(key, strlen(heads[i]));
	for (size_t i = 0; i < 5; i++) {
		if (str_ends(key, str_of(tails[i]))) {
			key.n -= strlen(tails[i]);
			break;
		}
	}
	return key;
}

static bool is_hub(struct str host)
{
	return str_is(host, "docker.io") || str_is(host, "index.docker.io") ||
	       str_is(host, "registry-1.docker.io");
}

/* 0: the key is not for the place; else the better the longer. */
static size_t fits(struct str key, const struct registry_place *place)
{
	struct str path, host = str_cut(plain_key(key), '/', &path), want = str_of(place->path);
	if (!str_is(host, place->name) && !(is_hub(host) && str_is(STR("docker.io"), place->name)))
		return 0;
	if (path.n && !(str_starts(want, path) && (want.n == path.n || want.p[path.n] == '/')))
		return 0;
	return 1 + path.n;
}

static const struct node *best_entry(const struct node *map, const struct registry_place *place)
{
	const struct node *best = NULL;
	size_t weight = 0;
	for (size_t i = 0; map && map->type == NODE_MAP && i < map->map.n; i++) {
		size_t w = fits(map->map.pairs[i].key, place);
		if (w > weight) {
			weight = w;
			best = map->map.pairs[i].value;
		}
	}
	return best;
}

static bool is_text(struct str s)
{
	return s.n > 0 && s.n <= AUTH_MAX && !memchr(s.p, '\0', s.n);
}

static const char *text_of(struct arena *a, const struct node *map, const char *key)
{
	struct str text = node_text(node_get(map, key));
	return is_text(text) ? arena_strndup(a, text.p, text.n) : NULL;
}

/* "user:password" in base64. */
static int decode_auth(struct arena *a, struct str auth, struct registry_login *out, struct error *err)
{
	unsigned char plain[AUTH_MAX];
	auth = str_trim(auth);
	int n = auth.n && auth.n <= AUTH_MAX && auth.n % 4 == 0
			? EVP_DecodeBlock(plain, (const unsigned char *)auth.p, (int)auth.n)
			: -1;
	for (size_t i = 0; n > 0 && i < 2 && auth.p[auth.n - 1 - i] == '='; i++)
		n--;
	struct str password, all = { (const char *)plain, n > 0 ? (size_t)n : 0 };
	struct str user = str_cut(all, ':', &password);
	bool good = is_text(user) && user.n < all.n && !memchr(all.p, '\0', all.n);
	if (good) {
		out->username = arena_strndup(a, user.p, user.n);
		out->password = arena_strndup(a, password.p, password.n);
	}
	OPENSSL_cleanse(plain, sizeof(plain));
	return good ? 0 : error_set(err, "its `auth` is not USER:PASSWORD in base64");
}

/* Whoever logs in by a token says so by this name. */
static void settle(struct registry_login *out)
{
	if (out->username && strcmp(out->username, "<token>") == 0) {
		out->identity_token = out->password;
		out->username = out->password = NULL;
	}
}

static int read_entry(struct arena *a, const struct node *entry, struct registry_login *out,
		      struct error *err)
{
	struct str auth = node_text(node_get(entry, "auth"));
	out->identity_token = text_of(a, entry, "identitytoken");
	if (out->identity_token)
		return 0;
	out->bearer = text_of(a, entry, "registrytoken");
	if (out->bearer)
		return 0;
	if (auth.n)
		return decode_auth(a, auth, out, err);
	out->username = text_of(a, entry, "username");
	out->password = text_of(a, entry, "password");
	return out->username && out->password ? 0 : 1;
}

/* --- helpers --- */

static int use_helper(struct arena *a, struct str name, bool any, struct registry_login *out,
		      struct error *err)
{
	bool clean = name.n > 0 && name.n <= HELPER_NAME_MAX;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		clean = clean && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
				  c == '_');
	}
	if (!clean || name.p[0] == '.')
		return error_set(err, "it names a credential helper with odd letters");
	if (!any && !registry_is_cloud_helper(name))
		return error_set(
			err,
			"it names the credential helper %.*s, which is none of ecr-login, gcr, gcloud, "
			"acr-env and acr-linux; put the credentials themselves into `auths`",
			STR_ARG(name));
	out->helper = arena_strndup(a, name.p, name.n);
	return 0;
}

int registry_login_read(struct arena *a, struct str config, const struct registry_place *place,
			bool any_helper, struct registry_login *out, struct error *err)
{
	cleanup_arena struct arena scratch = ARENA_INIT;
	struct node *root;
	*out = (struct registry_login){ 0 };
	if (config.n > REGISTRY_CONFIG_MAX)
		return error_set(err, "it is larger than %u bytes", REGISTRY_CONFIG_MAX);
	/* The parser's words could quote what is a secret. */
	if (json_parse(&scratch, config, false, &root, NULL) < 0 || root->type != NODE_MAP)
		return error_set(err, "it is no JSON object");
	const struct node *helper = best_entry(node_get(root, "credHelpers"), place);
	if (helper)
		return use_helper(a, node_text(helper), any_helper, out, err);
	const struct node *entry = best_entry(node_get(root, "auths"), place);
	int rc = entry ? read_entry(a, entry, out, err) : 1;
	if (rc == 0)
		settle(out);
	struct str store = node_text(node_get(root, "credsStore"));
	return rc == 1 && store.n && any_helper ? use_helper(a, store, true, out, err) : rc;
}

int registry_helper_read(struct arena *a, struct str answer, struct registry_login *out, struct error *err)
{
	cleanup_arena struct arena scratch = ARENA_INIT;
	struct node *root;
	*out = (struct registry_login){ 0 };
	if (json_parse(&scratch, answer, false, &root, NULL) < 0 || root->type != NODE_MAP)
		return error_set(err, "what it printed is no JSON object");
	out->username = text_of(a, root, "Username");
	out->password = text_of(a, root, "Secret");
	if (!out->username || !out->password)
		return error_set(err, "it printed no Username and Secret");
	settle(out);
	return 0;
}

const char *registry_basic(struct arena *a, const struct registry_login *login)
{
	char *plain = arena_printf(a, "%s:%s", login->username, login->password);
	size_t n = strlen(plain);
	unsigned char *encoded = arena_alloc(a, (n + 2) / 3 * 4 + 1);
	EVP_EncodeBlock(encoded, (const unsigned char *)plain, (int)n);
	return arena_printf(a, "Basic %s", (const char *)encoded);
}
