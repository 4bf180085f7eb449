/*
 * place.c - see place.h.
 *
 * Segment by segment, as a file system does it: `at` never holds a link, so ".." means the real parent. A
 * link's text is put before what is left of the path.
 */
#include "repo/place.h"

#include "repo/tree.h"

enum { LINK_TEXT_MAX = 4096, PATH_TEXT_MAX = 64 * 1024 };

struct search {
	struct objects *o;
	struct place *out;
	struct arena arena;
	struct str rest;
	bool looked; /* oid and mode are those of `at` */
};

static void drop_last(struct buf *path)
{
	size_t n = path->n;
	while (n > 0 && path->p[n - 1] != '/')
		n--;
	path->n = n > 0 ? n - 1 : 0;
	if (path->p)
		path->p[path->n] = '\0';
}

static void add_segment(struct buf *path, struct str segment)
{
	if (path->n)
		buf_addc(path, '/');
	buf_add_str(path, segment);
}

static int follow_link(struct search *s, const git_oid *oid)
{
	struct str text = STR("");
	size_t size;
	if (++s->out->links > TREE_LINKS_MAX)
		return PLACE_CIRCLE;
	int rc = objects_blob(s->o, oid, LINK_TEXT_MAX, &s->arena, &text, &size);
	if (rc != 0)
		return rc < 0 ? PLACE_DAMAGED : PLACE_OUTSIDE;
	if (!text.n || text.p[0] == '/' || memchr(text.p, '\0', text.n))
		return PLACE_OUTSIDE;
	char *joined = arena_printf(&s->arena, "%.*s/%.*s", STR_ARG(text), STR_ARG(s->rest));
	s->rest = str_of(joined);
	return s->rest.n > PATH_TEXT_MAX ? PLACE_OUTSIDE : 0;
}

static int enter_module(struct search *s, const git_oid *commit)
{
	git_tree *root = NULL;
	if (objects_module(s->o, commit, &root) != 0)
		return PLACE_SUBMODULE;
	git_tree_free(s->out->root);
	s->out->root = root;
	add_segment(&s->out->inside, buf_str(&s->out->at));
	buf_clear(&s->out->at);
	s->out->oid = *git_tree_id(root);
	s->out->mode = GIT_FILEMODE_TREE;
	return 0;
}

/* What lies at `at` becomes where we are. */
static int look(struct search *s)
{
	git_tree_entry *e = NULL;
	struct place *out = s->out;
	s->looked = true;
	if (!out->at.n) {
		out->oid = *git_tree_id(out->root);
		out->mode = GIT_FILEMODE_TREE;
		return 0;
	}
	int rc = git_tree_entry_bypath(&e, out->root, out->at.p);
	if (rc < 0) /* "not found" is also said of a directory whose object is gone */
		return rc == GIT_ENOTFOUND && git_error_last() && git_error_last()->klass == GIT_ERROR_TREE
			       ? PLACE_MISSING
			       : PLACE_DAMAGED;
	out->oid = *git_tree_entry_id(e);
	out->mode = git_tree_entry_filemode(e);
	git_tree_entry_free(e);
	return 0;
}

/* One segment further. dir is a directory, so `at` is one whenever a segment follows. */
static int step(struct search *s, struct str segment)
{
	struct place *out = s->out;
	if (!segment.n || str_is(segment, "."))
		return 0;
	if (out->mode != GIT_FILEMODE_TREE)
		return PLACE_MISSING; /* below a file there is nothing */
	if (str_is(segment, "..")) {
		if (!out->at.n)
			return PLACE_OUTSIDE;
		drop_last(&out->at);
		return look(s);
	}
	add_segment(&out->at, segment);
	int rc = look(s);
	if (rc == 0 && out->mode == GIT_FILEMODE_COMMIT)
		return enter_module(s, &out->oid);
	if (rc != 0 || out->mode != GIT_FILEMODE_LINK)
		return rc;
	git_oid link = out->oid;
	drop_last(&out->at);
	out->mode = GIT_FILEMODE_TREE; /* the directory that the link lies in */
	s->looked = false;
	return follow_link(s, &link);
}

/* Most paths have no link, no submodule and no ".." in them: one look is enough. */
static bool find_plain(struct search *s)
{
	struct place *out = s->out;
	if (memmem(s->rest.p, s->rest.n, "..", 2) || memmem(s->rest.p, s->rest.n, "./", 2) || !s->rest.n ||
	    memmem(s->rest.p, s->rest.n, "//", 2) || s->rest.p[0] == '/' || s->rest.p[s->rest.n - 1] == '/')
		return false;
	size_t before = out->at.n;
	add_segment(&out->at, s->rest);
	if (look(s) == 0 && (out->mode == GIT_FILEMODE_TREE || out->mode == GIT_FILEMODE_BLOB ||
			     out->mode == GIT_FILEMODE_BLOB_EXECUTABLE))
		return true;
	out->at.n = before;
	out->at.p[before] = '\0';
	out->mode = GIT_FILEMODE_TREE;
	return false;
}

int place_find(struct objects *o, git_tree *root, const char *dir, struct str target, struct place *out)
{
	struct search s = { .o = o, .out = out, .rest = target };
	*out = (struct place){ .mode = GIT_FILEMODE_TREE };
	if (git_tree_dup(&out->root, root) < 0)
		return PLACE_DAMAGED;
	buf_adds(&out->at, dir);
	int rc = 0;
	if (!find_plain(&s)) {
		s.looked = false;
		while (rc == 0 && s.rest.n)
			rc = step(&s, str_cut(s.rest, '/', &s.rest));
	}
	if (rc == 0 && !s.looked) /* nothing was left to read, or a link's text ended in "." */
		rc = look(&s);
	arena_release(&s.arena);
	return rc;
}

void place_release(struct place *p)
{
	git_tree_free(p->root);
	buf_release(&p->at);
	buf_release(&p->inside);
	*p = (struct place){ 0 };
}
