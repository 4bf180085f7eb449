/*
 * hosted_spec.c - see hosted_spec.h. The API server checked the object against deploy/crds/repos.yaml; what
 * only we know is checked here, and defaults are those of that file.
 */
#include "push/hosted_spec.h"

#include <openssl/evp.h>

#include "doc/json.h"
#include "push/access.h"
#include "push/hosted.h"
#include "repo/remote.h"

static const char *text_at(struct arena *a, const struct node *map, const char *key)
{
	struct str text = node_text(node_at(map, key));
	return text.n ? arena_strndup(a, text.p, text.n) : NULL;
}

bool hosted_size(struct str text, uint64_t *out)
{
	static const struct {
		const char *suffix;
		uint64_t factor;
	} units[] = { { "Ki", 1ull << 10 }, { "Mi", 1ull << 20 },   { "Gi", 1ull << 30 },
		      { "Ti", 1ull << 40 }, { "k", 1000 },	    { "M", 1000000 },
		      { "G", 1000000000 },  { "T", 1000000000000 }, { "", 1 } };
	int64_t value;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (!str_ends(text, str_of(units[i].suffix)))
			continue;
		struct str digits = { text.p, text.n - strlen(units[i].suffix) };
		if (!str_int64(digits, &value) || value <= 0 ||
		    (uint64_t)value > (uint64_t)INT64_MAX / units[i].factor)
			continue;
		*out = (uint64_t)value * units[i].factor;
		return true;
	}
	return false;
}

static int read_globs(struct arena *a, const struct node *list, const char *const **out, size_t *n,
		      struct error *err)
{
	size_t count = node_count(list);
	if (count > HOSTED_BRANCHES_MAX)
		return error_set(err, "%zu globs are more than %u", count, HOSTED_BRANCHES_MAX);
	const char **globs = arena_array(a, const char *, count);
	for (size_t i = 0; i < count; i++) {
		struct str glob = node_text(node_item(list, i));
		if (!access_glob_ok(glob))
			return error_set(err, "[%zu]: \"%.*s\" is no glob of branches", i,
					 (int)(glob.n > 60 ? 60 : glob.n), glob.p);
		globs[i] = arena_strndup(a, glob.p, glob.n);
	}
	*out = globs;
	*n = count;
	return 0;
}

static int read_right(struct arena *a, const struct node *n, struct hosted_key *out, struct error *err)
{
	struct str right = node_text(node_get(n, "right"));
	if (read_globs(a, node_get(n, "branches"), &out->branches, &out->n_branches, err) < 0)
		return error_wrap(err, "branches");
	if (right.n == 0 || str_is(right, "push"))
		out->right = out->n_branches ? HOSTED_PUSH_BRANCHES : HOSTED_PUSH;
	else if (str_is(right, "read"))
		out->right = HOSTED_READ;
	else
		return error_set(err, "right: \"%.*s\" must be read or push", STR_ARG(right));
	return 0;
}

static int read_key(struct arena *a, const struct node *n, struct hosted_key *out, struct error *err)
{
	struct access_key key;
	if (access_key_read(a, node_text(node_get(n, "key")), &key, err) < 0)
		return error_wrap(err, "key");
	out->key = key.key;
	return 0;
}

static int read_token(struct arena *a, const struct node *n, struct hosted_key *out, struct error *err)
{
	out->token_sha256 = text_at(a, n, "sha256");
	out->who = arena_printf(a, "%s (token)", out->who); /* a key may have the same name */
	if (!out->token_sha256 || !access_sha256_ok(str_of(out->token_sha256)))
		return error_set(err, "sha256: it must be 64 digits of 0-9 and a-f");
	return 0;
}

/* spec.hosted.keys or .tokens, behind what is there. */
static int read_keys(struct arena *a, const struct node *list, struct hosted_key *keys, size_t *n,
		     int (*read)(struct arena *, const struct node *, struct hosted_key *, struct error *),
		     struct error *err)
{
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *item = node_item(list, i);
		struct hosted_key *key = &keys[*n];
		key->who = text_at(a, item, "name");
		if (!key->who)
			return error_set(err, "[%zu].name: is missing", i);
		const char *name = key->who;
		if (read(a, item, key, err) < 0 || read_right(a, item, key, err) < 0)
			return error_wrap(err, "[%zu] (%s)", i, name);
		++*n;
	}
	return 0;
}

static int read_people(struct arena *a, const struct node *hosted, struct hosted_repo *out, struct error *err)
{
	const struct node *keys = node_get(hosted, "keys"), *tokens = node_get(hosted, "tokens");
	size_t n = node_count(keys) + node_count(tokens);
	if (n >= HOSTED_KEYS_MAX)
		return error_set(err, "spec.hosted: %zu keys and tokens are more than %u", n,
				 HOSTED_KEYS_MAX - 1);
	struct hosted_key *all = arena_array(a, struct hosted_key, n);
	out->keys = all;
	if (read_keys(a, keys, all, &out->n_keys, read_key, err) < 0)
		return error_wrap(err, "spec.hosted.keys");
	if (read_keys(a, tokens, all, &out->n_keys, read_token, err) < 0)
		return error_wrap(err, "spec.hosted.tokens");
	return 0;
}

static int read_mirror(struct arena *a, const struct node *hosted, struct hosted_spec *out, struct error *err)
{
	out->repo.mirror_url = text_at(a, hosted, "mirror.url");
	out->mirror_secret = text_at(a, hosted, "mirror.secretRef.name");
	if (!out->repo.mirror_url)
		return 0;
	if (remote_check_url(out->repo.mirror_url, err) < 0)
		return error_wrap(err, "spec.hosted.mirror.url");
	if (out->mirror_secret && strncmp(out->repo.mirror_url, "http://", 7) == 0)
		return error_set(
			err,
			"spec.hosted.mirror.url: http:// would send the credentials in clear: use https://");
	return 0;
}

static int read_protected(struct arena *a, const struct node *hosted, struct hosted_spec *out,
			  struct error *err)
{
	const struct node *list = node_get(hosted, "protectedBranches");
	if (read_globs(a, list, &out->repo.protected, &out->repo.n_protected, err) < 0)
		return error_wrap(err, "spec.hosted.protectedBranches");
	if (!list) {
		const char **usual = arena_array(a, const char *, 1);
		usual[0] = out->branch;
		out->repo.protected = usual;
		out->repo.n_protected = 1;
	}
	return 0;
}

int hosted_spec_read(struct arena *a, const struct node *object, struct hosted_spec *out, struct error *err)
{
	const struct node *hosted = node_at(object, "spec.hosted");
	*out = (struct hosted_spec){
		.repo = {
			.namespace = text_at(a, object, "metadata.namespace"),
			.name = text_at(a, object, "metadata.name"),
			.max_bytes = HOSTED_SIZE_DEFAULT,
			.registry = {
				.url = text_at(a, hosted, "registry.url"),
				.insecure = node_bool(node_at(hosted, "registry.insecure"), false),
			},
			.service_account = text_at(a, hosted, "serviceAccountName"),
			.build_secret = text_at(a, hosted, "buildSecretRef.name"),
		},
		.branch = text_at(a, hosted, "defaultBranch"),
		.registry_secret = text_at(a, hosted, "registry.secretRef.name"),
		.operator_right = str_is(node_text(node_get(hosted, "operatorRight")), "push") ? HOSTED_PUSH
											       : HOSTED_READ,
	};
	struct str size = node_text(node_get(hosted, "maxSize"));
	if (!out->branch)
		out->branch = HOSTED_BRANCH_DEFAULT;
	if (!out->repo.namespace || !out->repo.name || !hosted_name_ok(str_of(out->repo.namespace)) ||
	    !hosted_name_ok(str_of(out->repo.name)))
		return error_set(err, "metadata: such a name cannot be hosted");
	if (size.n && !hosted_size(size, &out->repo.max_bytes))
		return error_set(err,
				 "spec.hosted.maxSize: \"%.*s\" is no size; write for example 500Mi or 2Gi",
				 STR_ARG(size));
	if (read_people(a, hosted, &out->repo, err) < 0 || read_protected(a, hosted, out, err) < 0)
		return -1;
	return read_mirror(a, hosted, out, err);
}

/* ---- logins ---- */

static struct str host_of(struct str url)
{
	const char *scheme = memmem(url.p, url.n, "://", 3);
	struct str rest, from = scheme ? str_from(url, (size_t)(scheme - url.p) + 3) : url;
	struct str host = str_cut(from, '/', &rest);
	/* What docker calls its hub. */
	if (str_is(host, "index.docker.io") || str_is(host, "registry-1.docker.io"))
		return STR("docker.io");
	return host;
}

static const struct node *entry_for(const struct node *auths, struct str host)
{
	for (size_t i = 0; auths && auths->type == NODE_MAP && i < auths->map.n; i++)
		if (str_eq(host_of(auths->map.pairs[i].key), host))
			return auths->map.pairs[i].value;
	return node_count(auths) == 1 && auths->type == NODE_MAP ? auths->map.pairs[0].value : NULL;
}

/* "auth": base64 of "user:password". */
static bool decode_auth(struct arena *a, struct str auth, const char **username, const char **password)
{
	struct str rest;
	size_t padding = 0;
	while (padding < 2 && padding < auth.n && auth.p[auth.n - 1 - padding] == '=')
		padding++;
	unsigned char *text = arena_alloc(a, auth.n + 4);
	int n = auth.n % 4 ? -1 : EVP_DecodeBlock(text, (const unsigned char *)auth.p, (int)auth.n);
	if (n <= 0 || (size_t)n <= padding)
		return false;
	struct str user = str_cut((struct str){ (char *)text, (size_t)n - padding }, ':', &rest);
	*username = arena_strndup(a, user.p, user.n);
	*password = arena_strndup(a, rest.p ? rest.p : "", rest.n);
	return user.n && rest.n;
}

int registry_login(struct arena *a, struct str config, struct hosted_registry *out, struct error *err)
{
	struct node *root;
	if (json_parse(a, config, false, &root, err) < 0)
		return error_wrap(err, "it is no docker config");
	struct str host = host_of(str_of(out->url));
	const struct node *entry = entry_for(node_get(root, "auths"), host);
	if (!entry)
		return error_set(err, "it has no login for %.*s", STR_ARG(host));
	out->username = text_at(a, entry, "username");
	out->password = text_at(a, entry, "password");
	if ((!out->username || !out->password) &&
	    !decode_auth(a, node_text(node_get(entry, "auth")), &out->username, &out->password))
		return error_set(err, "its login for %.*s has no user name and password", STR_ARG(host));
	return 0;
}
