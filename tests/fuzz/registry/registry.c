/*
 * What a registry may say: the first line says what it is, the rest is that. What is read is bounded and
 * clean, links stay at home, and what a policy takes is one of the tags.
 */
#include <stdlib.h>
#include <string.h>

#include "registry/credentials.h"
#include "registry/image_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_clean(const char *text)
{
	check(strlen(text) <= REGISTRY_URL_MAX);
	for (const char *c = text; *c; c++)
		check((unsigned char)*c >= ' ' && *c != 0x7f);
}

static void headers(struct arena *a, struct str text)
{
	static const char base[] = "https://registry.example.com/v2/app/tags/list";
	struct registry_challenge c;
	struct error err = ERROR_INIT;
	const char *url;
	if (registry_challenge_read(a, text, &c) == 0) {
		check_clean(c.realm);
		check_clean(c.service);
		check_clean(c.scope);
	}
	if (registry_link_next(a, text, base, &url, &err) == 0 && url) {
		check_clean(url);
		check(registry_same_origin(base, url));
	}
	if (registry_resolve_url(a, base, text, &url, &err) == 0)
		check_clean(url);
}

static void bodies(struct arena *a, struct str text)
{
	struct registry_tags tags = { 0 };
	struct registry_manifest m;
	struct registry_token token;
	struct error err = ERROR_INIT;
	int64_t created;
	if (registry_tags_read(a, text, &tags, &err) == 0)
		for (size_t i = 0; i < tags.n; i++)
			check(registry_is_tag(tags.at[i]));
	if (registry_manifest_read(a, text, &m, &err) == 0)
		check(registry_is_digest(str_of(m.config ? m.config : m.child)));
	if (registry_token_read(a, text, &token, &err) == 0)
		for (const char *c = token.token; *c; c++)
			check(*c > ' ' && *c < 0x7f);
	registry_created_read(text, &created, &err);
	check_clean(registry_error_read(a, text));
}

static void credentials(struct arena *a, struct str text)
{
	struct registry_place place = { "registry.example.com", "registry.example.com", "team/app" };
	struct registry_login login;
	struct error err = ERROR_INIT;
	if (registry_login_read(a, text, &place, false, &login, &err) == 0 && login.helper)
		check(registry_is_cloud_helper(str_of(login.helper)));
	registry_helper_read(a, text, &login, &err);
}

static void reference(struct arena *a, struct str text)
{
	struct registry_place place;
	struct error err = ERROR_INIT;
	if (registry_place_read(a, text, &place, &err) == 0) {
		check_clean(place.host);
		check(!strstr(place.path, "..") && place.path[0] != '/');
	}
}

/* Lines: kind and order, range, filter, extract, exclude; then tags. */
static void policy(struct arena *a, struct str text)
{
	struct str part[5], tags[32];
	struct error err = ERROR_INIT;
	struct image_candidate *candidates;
	size_t n = 0, n_candidates, chosen;
	for (size_t i = 0; i < 5; i++)
		part[i] = str_cut(text, '\n', &text);
	for (; text.n && n < 32; n++)
		tags[n] = str_cut(text, '\n', &text);
	struct image_policy p = {
		.kind = (enum image_policy_kind)(part[0].n ? (unsigned char)part[0].p[0] % 4 : 0),
		.lowest = part[0].n > 1,
		.range = part[1],
		.filter = part[2],
		.extract = part[3],
		.exclude = part[4],
	};
	if (image_policy_check(&p, &err) < 0 ||
	    image_policy_filter(a, &p, tags, n, &candidates, &n_candidates, &err) < 0)
		return;
	check(n_candidates <= n);
	if (image_policy_choose(&p, candidates, n_candidates, &chosen, &err) == 0)
		check(chosen < n_candidates);
	else
		check(err.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str rest, what = str_cut((struct str){ (const char *)data, size }, '\n', &rest);
	if (str_is(what, "header"))
		headers(&a, rest);
	else if (str_is(what, "body"))
		bodies(&a, rest);
	else if (str_is(what, "credentials"))
		credentials(&a, rest);
	else if (str_is(what, "policy"))
		policy(&a, rest);
	else
		reference(&a, rest);
	return 0;
}
