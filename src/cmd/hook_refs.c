/* hook_refs.c - see hook_refs.h. */
#include "cmd/hook_refs.h"

#include "base/vec.h"

enum { SHA1_DIGITS = 40, SHA256_DIGITS = 64 };

static bool is_sha(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr("0123456789abcdef", s.p[i]))
			return false;
	return s.n == SHA1_DIGITS || s.n == SHA256_DIGITS;
}

/* "" when it is all zeros. */
static const char *kept_sha(struct arena *a, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '0')
			return arena_strndup(a, s.p, s.n);
	return "";
}

/* The last word of line, which loses it. What is in front may hold spaces: "HEAD^{/fix it}". */
static struct str last_word(struct str *line)
{
	size_t at = line->n;
	while (at > 0 && line->p[at - 1] != ' ')
		at--;
	struct str word = str_from(*line, at);
	line->n = at > 0 ? at - 1 : 0;
	return word;
}

static bool read_line(struct arena *a, struct str line, struct hook_ref *out)
{
	struct str old = last_word(&line), remote = last_word(&line), sha = last_word(&line);
	if (!is_sha(old) || !is_sha(sha) || remote.n == 0 || line.n == 0 || memchr(remote.p, '\0', remote.n))
		return false;
	*out = (struct hook_ref){
		.local = arena_strndup(a, line.p, line.n),
		.sha = kept_sha(a, sha),
		.remote = arena_strndup(a, remote.p, remote.n),
		.old = kept_sha(a, old),
	};
	return true;
}

int hook_refs_read(struct arena *a, struct str text, struct hook_ref **out, size_t *n, struct error *err)
{
	VEC(struct hook_ref) list = { 0 };
	int rc = 0;
	for (size_t number = 1; text.n && rc == 0; number++) {
		struct hook_ref ref;
		struct str line = str_cut(text, '\n', &text);
		if (line.n == 0)
			continue;
		if (list.n >= HOOK_REFS_MAX)
			rc = error_set(err, "more than %u refs are pushed (HOOK_REFS_MAX)", HOOK_REFS_MAX);
		else if (!read_line(a, line, &ref))
			rc = error_set(err,
				       "line %zu of the input is none of git's: it is of the form LOCAL-REF "
				       "LOCAL-SHA REMOTE-REF REMOTE-SHA",
				       number);
		else
			vec_push(&list, ref);
	}
	*n = list.n;
	*out = arena_array(a, struct hook_ref, list.n + 1);
	if (list.n)
		memcpy(*out, list.at, list.n * sizeof(*list.at));
	vec_release(&list);
	return rc;
}

const char *hook_ref_branch(const struct hook_ref *ref)
{
	return strncmp(ref->remote, "refs/heads/", 11) == 0 && ref->remote[11] ? ref->remote + 11 : NULL;
}
