/*
 * tree.c - a walk that trusts no name and always ends.
 *
 * A small tree can unfold into more files than there are atoms (ten entries that are all the same subtree,
 * ten deep; or links to a directory of links): the number of entries looked at is capped, not only the files
 * found.
 */
#include "repo/tree.h"

#include <stdlib.h>

#include "base/vec.h"
#include "repo/name.h"
#include "repo/objects.h"
#include "repo/place.h"

enum { SCAN_MAX = 50000 }; /* entries looked at for links before a hash */

struct walk {
	struct objects objects;
	repo_filter_fn *filter;
	struct arena *a;
	VEC(struct repo_file) files;
	struct repo_files *out;
	struct buf path; /* of the entry that is looked at, as it is called */
	size_t total;
	unsigned visits;
	bool stop;    /* a cap was passed: said once */
	bool damaged; /* an object is missing that the commit has */
	struct repo_problem problems[TREE_PROBLEMS_MAX];
};

/* Where a directory really lies: links in it are relative to this. */
struct spot {
	git_tree *root;
	struct buf at;
};

static void problem(struct walk *w, const char *text)
{
	if (w->out->n_problems < TREE_PROBLEMS_MAX)
		w->problems[w->out->n_problems++] =
			(struct repo_problem){ name_printable(w->a, buf_str(&w->path)), text };
}

static void halt(struct walk *w, const char *text)
{
	if (!w->stop)
		problem(w, text);
	w->stop = true;
}

static void unreadable(struct walk *w, const char *what)
{
	w->damaged = true;
	problem(w, arena_printf(w->a, "%s cannot be read: %s", what, objects_failure()));
}

static size_t push(struct buf *path, const char *name)
{
	size_t before = path->n;
	if (before)
		buf_addc(path, '/');
	buf_adds(path, name);
	return before;
}

static void pop(struct buf *path, size_t before)
{
	path->n = before;
	path->p[before] = '\0';
}

static struct str last_name(const struct buf *path)
{
	const char *slash = path->n ? strrchr(path->p, '/') : NULL;
	return slash ? str_of(slash + 1) : buf_str(path);
}

static void add_blob(struct walk *w, const git_oid *oid, uint32_t mode)
{
	struct str data;
	size_t size;
	if (w->filter && !w->filter(last_name(&w->path)))
		return;
	if (w->files.n >= TREE_FILES_MAX) {
		halt(w, "more than 100000 files are below the path; choose a smaller one");
		return;
	}
	size_t left = TREE_TOTAL_MAX - w->total;
	int rc = objects_blob(&w->objects, oid, left < TREE_FILE_MAX ? left : TREE_FILE_MAX, w->a, &data,
			      &size);
	if (rc < 0) {
		unreadable(w, "the file");
	} else if (size > TREE_FILE_MAX) {
		problem(w, arena_printf(w->a, "is %zu MiB large; at most %u MiB are read", size >> 20,
					TREE_FILE_MAX >> 20));
	} else if (rc == OBJECTS_TOO_LARGE) {
		halt(w, "more than 256 MiB of files are below the path; choose a smaller one");
	} else {
		struct repo_file file = { arena_strndup(w->a, w->path.p, w->path.n), data,
					  mode & 0111 ? 0755 : 0644 };
		w->total += data.n;
		vec_push(&w->files, file);
	}
}

static void walk_tree(struct walk *w, const git_oid *oid, struct spot *spot, unsigned depth, unsigned links);

/* Whether a directory holds the spot, so that walking it would come back here. */
static bool holds(const struct place *place, const struct spot *spot)
{
	return place->mode == GIT_FILEMODE_TREE &&
	       git_oid_equal(git_tree_id(place->root), git_tree_id(spot->root)) &&
	       str_starts(buf_str(&spot->at), buf_str(&place->at)) &&
	       (!place->at.n || spot->at.n == place->at.n || spot->at.p[place->at.n] == '/');
}

static void walk_place(struct walk *w, struct place *place, const struct spot *spot, unsigned depth,
		       unsigned links)
{
	if (holds(place, spot)) {
		problem(w, "is a symbolic link to a directory that it lies in; links may not go in circles");
	} else if (place->mode == GIT_FILEMODE_TREE) {
		struct spot there = { place->root, place->at };
		walk_tree(w, &place->oid, &there, depth, links);
		place->at = there.at;
	} else {
		add_blob(w, &place->oid, place->mode);
	}
}

static void walk_link(struct walk *w, const git_tree_entry *e, struct spot *spot, unsigned depth,
		      unsigned links)
{
	struct place place = { 0 };
	/* By the link's own name: place_find() reads its text. */
	int rc = PLACE_CIRCLE;
	if (links < TREE_LINKS_MAX)
		rc = place_find(&w->objects, spot->root, buf_str(&spot->at).p, str_of(git_tree_entry_name(e)),
				&place);
	switch (rc) {
	case 0:
		walk_place(w, &place, spot, depth, links + 1);
		break;
	case PLACE_MISSING:
		problem(w, "is a symbolic link to something that is not there");
		break;
	case PLACE_OUTSIDE:
		problem(w, "is a symbolic link that leaves the repository; it is not followed");
		break;
	case PLACE_CIRCLE:
		problem(w, "is a symbolic link to a link to a link ...; links may not go in circles");
		break;
	case PLACE_SUBMODULE:
		problem(w,
			"is a symbolic link into a submodule; set spec.submodules of the Repo, or vendor it");
		break;
	default:
		unreadable(w, "the symbolic link");
	}
	place_release(&place);
}

static void walk_module(struct walk *w, const git_oid *commit, unsigned depth, unsigned links)
{
	struct spot inside = { 0 };
	if (objects_module(&w->objects, commit, &inside.root) == 0)
		walk_tree(w, git_tree_id(inside.root), &inside, depth, links);
	else if (w->objects.submodules)
		problem(w, "is a submodule that .gitmodules has no usable url for");
	else
		problem(w, "is a submodule; set spec.submodules of the Repo, or vendor it");
	git_tree_free(inside.root);
	buf_release(&inside.at);
}

static void walk_entry(struct walk *w, const git_tree_entry *e, struct spot *spot, unsigned depth,
		       unsigned links)
{
	git_filemode_t mode = git_tree_entry_filemode(e);
	size_t before;
	switch (mode) {
	case GIT_FILEMODE_TREE:
		before = push(&spot->at, git_tree_entry_name(e));
		walk_tree(w, git_tree_entry_id(e), spot, depth + 1, links);
		pop(&spot->at, before);
		break;
	case GIT_FILEMODE_LINK:
		walk_link(w, e, spot, depth + 1, links);
		break;
	case GIT_FILEMODE_COMMIT:
		walk_module(w, git_tree_entry_id(e), depth + 1, links);
		break;
	case GIT_FILEMODE_BLOB:
	case GIT_FILEMODE_BLOB_EXECUTABLE:
		add_blob(w, git_tree_entry_id(e), mode);
		break;
	default:
		problem(w, "is of a kind that git does not know");
	}
}

static void walk_tree(struct walk *w, const git_oid *oid, struct spot *spot, unsigned depth, unsigned links)
{
	cleanup_tree git_tree *tree = NULL;
	if (depth > TREE_DEPTH_MAX) {
		problem(w, "directories are nested more than 64 deep");
		return;
	}
	if (git_tree_lookup(&tree, w->objects.repository, oid) < 0) {
		unreadable(w, "the directory");
		return;
	}
	size_t n = git_tree_entrycount(tree);
	for (size_t i = 0; i < n && !w->stop; i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i);
		size_t before = push(&w->path, git_tree_entry_name(e));
		if (++w->visits > TREE_VISITS_MAX)
			halt(w,
			     "more than 400000 entries are below the path (links and directories count too); choose a smaller one");
		else if (!name_is_safe(str_of(git_tree_entry_name(e))))
			problem(w,
				"has a name that is not allowed (.git, .., control or invisible characters, backslashes)");
		else
			walk_entry(w, e, spot, depth, links);
		pop(&w->path, before);
	}
}

/* --- reading --- */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct repo_file *)a)->path, ((const struct repo_file *)b)->path);
}

static void hand_out(struct walk *w)
{
	struct repo_files *out = w->out;
	if (w->files.n)
		qsort(w->files.at, w->files.n, sizeof(*w->files.at), by_path);
	out->n = w->files.n;
	out->files = arena_array(w->a, struct repo_file, w->files.n + 1);
	if (w->files.n)
		memcpy(out->files, w->files.at, w->files.n * sizeof(*w->files.at));
	out->problems = arena_array(w->a, struct repo_problem, out->n_problems + 1);
	memcpy(out->problems, w->problems, out->n_problems * sizeof(*w->problems));
	vec_release(&w->files);
}

/* "./a//b/" -> "a/b"; "" is the root. */
static char *clean_path(struct arena *a, const char *path)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct str rest = str_of(path);
	while (rest.n) {
		struct str segment = str_cut(rest, '/', &rest);
		if (!segment.n || str_is(segment, "."))
			continue;
		buf_adds(&out, out.n ? "/" : "");
		buf_add_str(&out, segment);
	}
	return arena_strndup(a, out.p ? out.p : "", out.n);
}

/* place_find() for a path that a person wrote: what is outside or in no submodule of ours is "not there". */
static int find(struct objects *o, git_tree *root, const char *path, struct place *out, struct error *err)
{
	int rc = place_find(o, root, "", str_of(path), out);
	if (rc == PLACE_DAMAGED)
		return error_set(err, "path %s: %s", path, objects_failure());
	if (rc == PLACE_SUBMODULE)
		return error_set(err, "path %s: is in a submodule; set spec.submodules of the Repo", path);
	return rc == 0 ? 0 : 1;
}

static int read_below(struct walk *w, const char *sha, const char *path, struct error *err)
{
	cleanup_tree git_tree *root = NULL;
	struct place place = { 0 };
	if (objects_root(&w->objects, sha, &root, err) < 0)
		return -1;
	char *clean = clean_path(w->a, path);
	int rc = find(&w->objects, root, clean, &place, err);
	buf_adds(&w->path, clean);
	struct spot spot = { place.root, place.at };
	if (rc == 0 && place.mode == GIT_FILEMODE_TREE)
		walk_tree(w, &place.oid, &spot, 0, 0);
	else if (rc == 0)
		add_blob(w, &place.oid, place.mode);
	w->damaged = w->damaged || (rc < 0 && git_error_last() && git_error_last()->klass == GIT_ERROR_ODB);
	place.at = spot.at;
	place_release(&place);
	return rc;
}

static int read_once(struct walk *w, const char *mirror, const char *sha, const char *path, struct error *err)
{
	if (objects_open(&w->objects, mirror, err) < 0)
		return -1;
	git_error_clear();
	int rc = read_below(w, sha, path, err);
	objects_close(&w->objects);
	if (rc == 0 && w->damaged)
		rc = error_set(err, "commit %s: objects are missing in the mirror: %s: %s", sha,
			       w->problems[0].path, w->problems[0].text);
	hand_out(w);
	buf_release(&w->path);
	return rc;
}

int repo_tree_read(const char *mirror, const char *sha, const char *path, repo_filter_fn *filter,
		   struct arena *a, struct repo_files *out, struct error *err)
{
	struct walk *w = mem_alloc(sizeof(*w));
	int rc = -1;
	/* A handle may be older than the last clean-up: what it does not find is asked of a new one. */
	for (unsigned attempt = 0; attempt < 2; attempt++) {
		*out = (struct repo_files){ 0 };
		*w = (struct walk){ .filter = filter, .a = a, .out = out };
		rc = read_once(w, mirror, sha, path, err);
		if (!w->damaged)
			break;
		objects_forget(mirror);
	}
	if (w->damaged)
		objects_mark_damaged(mirror, sha);
	free(w);
	return rc;
}

bool repo_tree_has(const char *mirror, const char *sha)
{
	struct objects o;
	cleanup_tree git_tree *root = NULL;
	if (objects_open(&o, mirror, NULL) < 0)
		return false;
	bool has = objects_root(&o, sha, &root, NULL) == 0;
	objects_close(&o);
	return has;
}

void repo_tree_forget(const char *mirror)
{
	objects_forget(mirror);
}

/* --- hashes --- */

/* Whether a link is anywhere below: then what is read may lie outside of the path. When in doubt, yes. */
static bool has_links(struct objects *o, const git_oid *oid, unsigned depth, unsigned *visits)
{
	cleanup_tree git_tree *tree = NULL;
	if (depth > TREE_DEPTH_MAX || git_tree_lookup(&tree, o->repository, oid) < 0)
		return true;
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i);
		git_filemode_t mode = git_tree_entry_filemode(e);
		if (++*visits > SCAN_MAX || mode == GIT_FILEMODE_LINK ||
		    (mode == GIT_FILEMODE_TREE && has_links(o, git_tree_entry_id(e), depth + 1, visits)))
			return true;
	}
	return false;
}

static int hash_at(struct objects *o, git_tree *root, const char *path, struct hash *out, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct place place;
	unsigned visits = 0;
	int rc = find(o, root, clean_path(&a, path), &place, err);
	if (rc == 0) {
		bool links = place.links > 0;
		if (!links && place.mode == GIT_FILEMODE_TREE && place.at.n)
			links = has_links(o, &place.oid, 0, &visits);
		struct str parts[3] = { { (const char *)place.oid.id, sizeof(place.oid.id) } };
		size_t n = 1;
		if (links)
			parts[n++] =
				(struct str){ (const char *)git_tree_id(root)->id, sizeof(place.oid.id) };
		if (o->submodules)
			parts[n++] = STR("submodules");
		*out = hash_parts(parts, n);
	}
	place_release(&place);
	return rc;
}

int repo_tree_hash(const char *mirror, const char *sha, const char *path, struct hash *out, struct error *err)
{
	struct objects o;
	cleanup_tree git_tree *root = NULL;
	if (objects_open(&o, mirror, err) < 0)
		return -1;
	int rc = objects_root(&o, sha, &root, err);
	if (rc == 0)
		rc = hash_at(&o, root, path, out, err);
	objects_close(&o);
	return rc;
}
