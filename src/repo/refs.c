/* refs.c - see refs.h. */
#include "repo/refs.h"

#include <stdio.h>
#include <stdlib.h>

#include "repo/semver.h"

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return true;
}

static bool is_sha(struct str s)
{
	return (s.n == 40 || s.n == 64) && is_hex(s);
}

/* git-check-ref-format(1), and nothing that could be an option or hide in a terminal. */
static bool is_ref_name(struct str name)
{
	if (!name.p || !name.n || name.n > REVISION_MAX || name.p[0] == '-' || name.p[0] == '/' ||
	    name.p[name.n - 1] == '/' || str_ends(name, STR(".lock")) || memmem(name.p, name.n, "..", 2) ||
	    memmem(name.p, name.n, "//", 2) || memmem(name.p, name.n, "@{", 2))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == 0x7f || strchr("~^:?*[\\", name.p[i]))
			return false;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct ref *)a)->name, ((const struct ref *)b)->name);
}

static struct ref *find(const struct refs *r, struct str name)
{
	struct ref wanted = { .name = name };
	return r->n ? bsearch(&wanted, r->refs, r->n, sizeof(*r->refs), by_name) : NULL;
}

static int parse_lines(struct str text, struct refs *out, struct error *err)
{
	for (size_t number = 1; text.n; number++) {
		struct str name, line = str_cut(text, '\n', &text), sha = str_cut(line, '\t', &name);
		if (!line.n)
			continue;
		if (!is_sha(sha) || !name.n)
			return error_set(err, "ls-remote, line %zu: is no ref", number);
		bool peeled = str_ends(name, STR("^{}"));
		if (peeled) {
			/* Comes right after its tag: the commit is what counts. */
			name.n -= 3;
			if (out->n && str_eq(out->refs[out->n - 1].name, name))
				out->refs[out->n - 1].sha = arena_str(&out->arena, sha);
			continue;
		}
		if (is_ref_name(name))
			out->refs[out->n++] =
				(struct ref){ arena_str(&out->arena, name), arena_str(&out->arena, sha) };
	}
	return 0;
}

int refs_parse(struct str text, struct refs *out, struct error *err)
{
	*out = (struct refs){ 0 };
	size_t lines = 1;
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	if (lines > REFS_MAX)
		return error_set(err, "the remote has more than %d refs", REFS_MAX);
	out->refs = arena_array(&out->arena, struct ref, lines);
	if (parse_lines(text, out, err) < 0) {
		refs_release(out);
		return -1;
	}
	qsort(out->refs, out->n, sizeof(*out->refs), by_name);
	out->hash = hash_of(text);
	return 0;
}

void refs_release(struct refs *r)
{
	arena_release(&r->arena);
	*r = (struct refs){ 0 };
}

static void take(struct resolved *out, const struct ref *ref, struct str shown)
{
	snprintf(out->sha, sizeof(out->sha), "%.*s", STR_ARG(ref->sha));
	snprintf(out->ref, sizeof(out->ref), "%.*s", STR_ARG(ref->name));
	snprintf(out->display, sizeof(out->display), "%.*s@%s:%.*s", (int)(shown.n > 60 ? 60 : shown.n),
		 shown.p, ref->sha.n == 64 ? "sha256" : "sha1", STR_ARG(ref->sha));
}

static bool take_named(const struct refs *r, const char *prefix, struct str revision, struct resolved *out)
{
	char name[300];
	snprintf(name, sizeof(name), "%s%.*s", prefix, (int)(revision.n > 255 ? 255 : revision.n),
		 revision.p);
	const struct ref *ref = find(r, str_of(name));
	if (ref)
		take(out, ref, revision);
	return ref != NULL;
}

static bool take_head(const struct refs *r, struct resolved *out)
{
	const struct ref *head = find(r, STR("HEAD"));
	if (head)
		take(out, head, STR("HEAD"));
	return head != NULL;
}

/* 1: it is one; 0: it is none; -1: it is the beginning of several. */
static int take_sha(const struct refs *r, struct str revision, struct resolved *out, struct error *err)
{
	if (revision.n < 7 || revision.n > SHA_HEX_MAX || !is_hex(revision))
		return 0;
	if (is_sha(revision)) {
		snprintf(out->sha, sizeof(out->sha), "%.*s", STR_ARG(revision));
		out->ref[0] = '\0';
		snprintf(out->display, sizeof(out->display), "%s:%.*s", revision.n == 64 ? "sha256" : "sha1",
			 STR_ARG(revision));
		return 1;
	}
	const struct ref *match = NULL;
	for (size_t i = 0; i < r->n; i++) {
		if (!str_starts(r->refs[i].sha, revision))
			continue;
		if (match && !str_eq(match->sha, r->refs[i].sha))
			return error_set(
				err,
				"%.*s is the beginning of several commits' SHAs (%.12s, %.12s): write more of it",
				STR_ARG(revision), match->sha.p, r->refs[i].sha.p);
		match = &r->refs[i];
	}
	if (match)
		take(out, match, revision);
	return match != NULL;
}

static bool take_range(const struct refs *r, struct str range, struct resolved *out)
{
	cleanup_free struct str *tags = mem_alloc((r->n + 1) * sizeof(*tags));
	for (size_t i = 0; i < r->n; i++)
		tags[i] = str_starts(r->refs[i].name, STR("refs/tags/")) ? str_from(r->refs[i].name, 10)
									 : STR("");
	size_t best = semver_best(range, tags, r->n);
	if (best != SIZE_MAX)
		take(out, &r->refs[best], tags[best]);
	return best != SIZE_MAX;
}

static int resolve_range(const struct refs *r, struct str range, struct resolved *out, struct error *err)
{
	if (!semver_is_range(range))
		return error_set(err, "%.*s is no version range; write for example semver:>=1.2.0 <2.0.0",
				 STR_ARG(range));
	if (take_range(r, range, out))
		return 0;
	return error_set(err, "no tag matches the version range %.*s", STR_ARG(range));
}

int refs_resolve(const struct refs *r, const char *revision, struct resolved *out, struct error *err)
{
	struct str rev = str_of(revision && *revision ? revision : "HEAD");
	*out = (struct resolved){ 0 };
	if (rev.n > REVISION_MAX)
		return error_set(err, "the revision is longer than %d bytes", REVISION_MAX);
	if (str_is(rev, "HEAD")) {
		if (take_head(r, out))
			return 0;
		return error_set(
			err,
			"the remote has no default branch (is it empty?); push a commit, or name a branch");
	}
	if (str_starts(rev, STR("semver:")))
		return resolve_range(r, str_from(rev, 7), out, err);
	if ((str_starts(rev, STR("refs/")) && take_named(r, "", rev, out)) ||
	    take_named(r, "refs/heads/", rev, out) || take_named(r, "refs/tags/", rev, out))
		return 0;
	int sha = take_sha(r, rev, out, err);
	if (sha != 0)
		return sha < 0 ? -1 : 0;
	if (semver_is_range(rev)) {
		if (take_range(r, rev, out))
			return 0;
		return error_set(
			err,
			"no branch, tag or commit is named %.*s, and no tag matches it as a version range",
			STR_ARG(rev));
	}
	return error_set(
		err,
		"no branch or tag is named %.*s; was it deleted, or misspelt? (a commit needs its full SHA)",
		STR_ARG(rev));
}
