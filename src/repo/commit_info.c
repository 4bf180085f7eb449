/* commit_info.c - see commit_info.h. What people wrote is made printable: it goes to terminals and JSON. */
#include "repo/commit_info.h"

#include "repo/name.h"
#include "repo/objects.h"
#include "repo/tree.h"

/* At most max bytes, without cutting a UTF-8 character in two. */
static struct str at_most(const char *text, size_t max)
{
	struct str s = str_of(text);
	if (s.n <= max)
		return s;
	for (s.n = max; s.n && ((unsigned char)text[s.n] & 0xc0) == 0x80;)
		s.n--;
	return s;
}

static const char *printable_lines(struct arena *a, const char *text)
{
	struct str s = at_most(text, COMMIT_MESSAGE_MAX);
	char *copy = name_printable(a, s);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\n')
			copy[i] = '\n';
	return copy;
}

static const char *printable(struct arena *a, const char *text)
{
	return name_printable(a, at_most(text ? text : "", 256));
}

int commit_info_read(const char *mirror, const char *sha, struct arena *a, struct commit_info *out,
		     struct error *err)
{
	struct objects o;
	git_oid oid;
	git_commit *commit = NULL;
	*out = (struct commit_info){ "", "", "", "", 0, 0 };
	if (objects_open(&o, mirror, err) < 0)
		return -1;
	if (git_oid_fromstr(&oid, sha) < 0 || git_commit_lookup(&commit, o.repository, &oid) < 0) {
		objects_close(&o);
		return error_set(err, "commit %s: %s", sha, objects_failure());
	}
	const git_signature *author = git_commit_author(commit);
	out->subject = printable(a, git_commit_summary(commit));
	out->message = printable_lines(a, git_commit_message(commit));
	out->author = printable(a, author->name);
	out->email = printable(a, author->email);
	out->author_ms = author->when.time * 1000;
	out->commit_ms = git_commit_time(commit) * 1000;
	git_commit_free(commit);
	objects_close(&o);
	return 0;
}

char *repo_tree_subject(const char *mirror, const char *sha, struct arena *a)
{
	struct commit_info info;
	return commit_info_read(mirror, sha, a, &info, NULL) < 0 || !*info.subject
		       ? NULL
		       : arena_strdup(a, info.subject);
}
