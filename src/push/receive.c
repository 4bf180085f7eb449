/* receive.c - see receive.h. */
#include "push/receive.h"

#include <stdio.h>

#define APP_NAME_MAX 63u /* it is the value of a label on every object */

static bool is_sha(struct str s)
{
	if (s.n != 40 && s.n != 64)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return true;
}

static bool is_zero(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '0')
			return false;
	return true;
}

/* git has looked at it already; what is refused here could hide in a terminal, or is no name to be shown. */
static bool is_name(struct str s)
{
	if (!str_starts(s, STR("refs/")) || s.n > REVISION_MAX || memmem(s.p, s.n, "..", 2))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return str_utf8(s);
}

static int read_line(struct arena *a, struct str line, struct journal_ref *out, struct error *err)
{
	struct str rest, name, old = str_cut(line, ' ', &rest), new = str_cut(rest, ' ', &name);
	if (!is_sha(old) || !is_sha(new) || !is_name(name))
		return error_set(err, "a ref of the push cannot be read: it is no name of a ref");
	out->name = arena_strndup(a, name.p, name.n);
	snprintf(out->old, sizeof(out->old), "%.*s", is_zero(old) ? 0 : (int)old.n, old.p);
	snprintf(out->new, sizeof(out->new), "%.*s", is_zero(new) ? 0 : (int)new.n, new.p);
	return 0;
}

int receive_read(struct arena *a, struct str text, struct journal_ref **refs, size_t *n, struct error *err)
{
	size_t lines = 0;
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	if (lines > JOURNAL_REFS_MAX || text.n > RECEIVE_TEXT_MAX)
		return error_set(err,
				 "the push has more than %u refs (JOURNAL_REFS_MAX); push fewer at a time",
				 JOURNAL_REFS_MAX);
	*refs = arena_array(a, struct journal_ref, lines + 2);
	*n = 0;
	while (text.n) {
		struct str line = str_cut(text, '\n', &text);
		if (line.n && read_line(a, line, &(*refs)[(*n)++], err) < 0)
			return -1;
	}
	return 0;
}

const char *receive_branch(const struct journal_ref *ref)
{
	struct str name = str_of(ref->name);
	return str_starts(name, STR("refs/heads/")) ? ref->name + 11 : NULL;
}

/* --- what a branch deploys --- */

static int fill(struct arena *a, const struct hosted_repo *repo, const struct environments *all,
		const struct environment *e, struct receive_target *out, struct error *err)
{
	const struct environments_deliver *deliver = e->deliver ? e->deliver : all->deliver;
	*out = (struct receive_target){
		.environment = e,
		.deliver = deliver && deliver->config ? deliver : NULL,
		.namespace = e->namespace ? e->namespace : repo->namespace,
		.app = all->n > 1 ? arena_printf(a, "%s-%s", repo->name, e->name) : repo->name,
	};
	if (!out->deliver && strlen(out->app) > APP_NAME_MAX)
		return error_set(err,
				 "%s:%u: environment %s would be App %s, whose name is longer than %u "
				 "letters; give the repository or the environment a shorter name",
				 ENVIRONMENTS_FILE, e->line, e->name, out->app, APP_NAME_MAX);
	return 0;
}

int receive_targets(struct arena *a, const struct hosted_repo *repo, const struct environments *all,
		    const char *branch, struct receive_target **out, size_t *n, struct error *err)
{
	*n = 0;
	*out = arena_array(a, struct receive_target, all->n + 1);
	for (size_t i = 0; i < all->n; i++) {
		const struct environment *e = &all->list[i];
		if (!e->branch || strcmp(e->branch, branch) != 0)
			continue;
		if (*n == JOURNAL_TARGETS_MAX)
			return error_set(err,
					 "%s: branch %s deploys more than %u environments "
					 "(JOURNAL_TARGETS_MAX)",
					 ENVIRONMENTS_FILE, branch, JOURNAL_TARGETS_MAX);
		if (fill(a, repo, all, e, &(*out)[(*n)++], err) < 0)
			return -1;
	}
	return 0;
}
