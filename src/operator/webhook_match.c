/* webhook_match.c - whom an event concerns; see webhook.h. In doubt it concerns: a look costs one ls-remote.
 */
#include <strings.h>

#include "operator/webhook.h"
#include "repo/semver.h"

#define SHA_DIGITS_MIN 7 /* as in repo/refs.h */

/* --- repositories --- */

struct place {
	struct str host, path; /* neither user nor port; no '/' at the ends of path, no ".git" */
};

static bool split(const char *url, struct place *out)
{
	struct str rest = str_of(url);
	char *scheme = memmem(rest.p, rest.n, "://", 3);
	if (!scheme)
		return false; /* scp-like, or a path */
	rest = str_from(rest, (size_t)(scheme - rest.p) + 3);
	out->host = str_cut(rest, '/', &out->path);
	size_t at = str_find(out->host, '@', 0);
	while (at != SIZE_MAX) {
		out->host = str_from(out->host, at + 1);
		at = str_find(out->host, '@', 0);
	}
	/* An IPv6 address has colons in its brackets. */
	size_t colon =
		str_find(out->host, ':', str_starts(out->host, STR("[")) ? str_find(out->host, ']', 0) : 0);
	if (colon != SIZE_MAX)
		out->host.n = colon;
	while (out->path.n && out->path.p[0] == '/')
		out->path = str_from(out->path, 1);
	while (out->path.n && out->path.p[out->path.n - 1] == '/')
		out->path.n--;
	if (str_ends(out->path, STR(".git")))
		out->path.n -= 4;
	return out->host.n > 0;
}

static bool same(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

bool webhook_is_of(const struct webhook_event *event, const char *url)
{
	struct place mine, its;
	bool known = false;
	if (!split(url, &mine) || str_find(mine.path, '%', 0) != SIZE_MAX)
		return true;
	for (size_t i = 0; i < event->n_urls; i++) {
		if (!split(event->urls[i], &its) || !same(its.host, mine.host))
			continue;
		if (same(its.path, mine.path) || str_find(its.path, '%', 0) != SIZE_MAX)
			return true;
		known = true;
	}
	return !known;
}

/* --- revisions --- */

static bool is_sha_prefix(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return s.n >= SHA_DIGITS_MIN;
}

/* What a revision asks for, read once for all refs of an event. */
struct wish {
	struct str revision, range;
	bool head, commit, is_range;
};

static bool ref_fits(const struct webhook_event *event, const struct wish *wish, struct str ref)
{
	struct semver version;
	bool branch = str_starts(ref, STR("refs/heads/")), tag = str_starts(ref, STR("refs/tags/"));
	if (wish->head)
		return event->default_branch ? str_is(ref, event->default_branch) : branch;
	if (str_eq(ref, wish->revision) || (branch && str_eq(str_from(ref, 11), wish->revision)) ||
	    (tag && str_eq(str_from(ref, 10), wish->revision)))
		return true;
	return wish->is_range && tag && semver_parse(str_from(ref, 10), &version) &&
	       semver_matches(wish->range, &version);
}

bool webhook_moves(const struct webhook_event *event, const char *revision, const char *sha)
{
	struct wish wish = { .revision = str_of(revision && *revision ? revision : "HEAD") };
	if (event->any_ref)
		return true;
	wish.head = str_is(wish.revision, "HEAD");
	wish.range = str_starts(wish.revision, STR("semver:")) ? str_from(wish.revision, 7) : wish.revision;
	wish.is_range = semver_is_range(wish.range);
	/* A commit that is here stays what it is; one that is not may just have been pushed, to any branch.
	 */
	if (is_sha_prefix(wish.revision) && event->n_refs && !(sha && str_starts(str_of(sha), wish.revision)))
		return true;
	for (size_t i = 0; i < event->n_refs; i++)
		if (ref_fits(event, &wish, str_of(event->refs[i])))
			return true;
	return false;
}
