/*
 * view.c - see view.h.
 *
 * A directory is kept under the path it was asked by. What lies in it is one look into its tree; only links
 * and submodules go the long way (place.h). Handles may be older than a clean-up of the mirror: what is not
 * found is asked once more of a new handle, and only then the mirror counts as damaged.
 */
#include "repo/view.h"

#include <stdlib.h>

#include "base/map.h"
#include "repo/name.h"
#include "repo/objects.h"
#include "repo/place.h"
#include "repo/tree.h"

enum { DAMAGED = 2, PARTS_MAX = 256 };

/* A directory that was read. */
struct view_dir {
	git_tree *tree;
	git_tree *root; /* of the repository or submodule it lies in */
	char *at;	/* where from there */
	char *inside;	/* where that root lies in the view; "": it is the view's own */
	unsigned links; /* followed on the way */
};

/* What a look found. */
struct spot {
	struct place place; /* empty for VIEW_NONE */
	enum view_kind kind;
	bool links;
};

struct repo_view {
	char *mirror, *sha;
	struct objects objects;
	git_tree *root;
	struct map dirs; /* path as asked -> struct view_dir */
	size_t entries, loads;
};

/* --- what is kept --- */

static void dir_free(struct view_dir *d)
{
	git_tree_free(d->tree);
	git_tree_free(d->root);
	free(d->at);
	free(d->inside);
	free(d);
}

static void forget_dirs(struct repo_view *v)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&v->dirs, &i));)
		dir_free(e->value);
	map_release(&v->dirs);
	v->entries = 0;
}

static char *joined(const char *a, const char *b)
{
	cleanup_buf struct buf out = BUF_INIT;
	buf_printf(&out, "%s%s%s", a, *a && *b ? "/" : "", b);
	return hand_over(out.p);
}

static void spot_release(struct spot *s)
{
	place_release(&s->place);
}

/* Keeps a directory; takes what spot holds. DAMAGED: it cannot be read. */
static int keep_dir(struct repo_view *v, struct str path, struct spot *s, unsigned links,
		    struct view_dir **out)
{
	git_tree *tree = NULL;
	if (git_tree_lookup(&tree, v->objects.repository, &s->place.oid) < 0)
		return DAMAGED;
	struct view_dir *d = mem_alloc(sizeof(*d));
	d->tree = tree;
	d->root = hand_over(s->place.root);
	d->at = mem_strdup(buf_str(&s->place.at).p);
	d->inside = mem_strdup(buf_str(&s->place.inside).p);
	d->links = links;
	v->loads++;
	v->entries += git_tree_entrycount(tree);
	map_put(&v->dirs, path, d);
	*out = d;
	return 0;
}

/* --- looking --- */

static int say_place(int rc, const char *path, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *shown = name_printable(&a, str_of(path));
	switch (rc) {
	case PLACE_OUTSIDE:
		return error_set(err, "%s: is a symbolic link that leaves the repository; it is not followed",
				 shown);
	case PLACE_CIRCLE:
		return error_set(
			err, "%s: is a symbolic link to a link to a link ...; links may not go in circles",
			shown);
	default:
		return error_set(
			err,
			"%s: is in a submodule that was not fetched; set spec.submodules of the Repo (submodules=true in the url of a remote base), or vendor it",
			shown);
	}
}

/* A link or a submodule: the long way. */
static int look_far(struct repo_view *v, const struct view_dir *d, const char *name, const char *path,
		    struct spot *out, struct error *err)
{
	int rc = place_find(&v->objects, d->root, d->at, str_of(name), &out->place);
	out->links |= out->place.links > 0;
	if (rc == PLACE_MISSING) {
		place_release(&out->place);
		return 0;
	}
	if (rc != 0)
		return rc == PLACE_DAMAGED ? DAMAGED : say_place(rc, path, err);
	out->kind = out->place.mode == GIT_FILEMODE_TREE ? VIEW_DIR : VIEW_FILE;
	cleanup_free char *inside = joined(d->inside, buf_str(&out->place.inside).p);
	buf_clear(&out->place.inside);
	buf_adds(&out->place.inside, inside);
	return 0;
}

/* What name is in d. path: the whole of it, for messages. */
static int look(struct repo_view *v, const struct view_dir *d, const char *name, const char *path,
		struct spot *out, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const git_tree_entry *e = git_tree_entry_byname(d->tree, name);
	*out = (struct spot){ .links = d->links > 0 };
	if (!e)
		return 0;
	if (!name_is_safe(str_of(name)))
		return error_set(
			err,
			"%s: has a name that is not allowed (.git, .., control or invisible characters, backslashes)",
			name_printable(&a, str_of(path)));
	git_filemode_t mode = git_tree_entry_filemode(e);
	if (mode == GIT_FILEMODE_LINK || mode == GIT_FILEMODE_COMMIT) {
		out->links |= mode == GIT_FILEMODE_LINK;
		return look_far(v, d, name, path, out, err);
	}
	if (mode != GIT_FILEMODE_TREE && mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE)
		return error_set(err, "%s: is of a kind that git does not know",
				 name_printable(&a, str_of(path)));
	if (git_tree_dup(&out->place.root, d->root) < 0)
		return DAMAGED;
	out->kind = mode == GIT_FILEMODE_TREE ? VIEW_DIR : VIEW_FILE;
	out->place.oid = *git_tree_entry_id(e);
	out->place.mode = mode;
	cleanup_free char *at = joined(d->at, name);
	buf_adds(&out->place.at, at);
	buf_adds(&out->place.inside, d->inside);
	return 0;
}

/* The root itself, from which everything is looked at. */
static int root_dir(struct repo_view *v, struct view_dir **out)
{
	struct spot s = { .kind = VIEW_DIR };
	if (git_tree_dup(&s.place.root, v->root) < 0)
		return DAMAGED;
	s.place.oid = *git_tree_id(v->root);
	buf_adds(&s.place.at, "");
	buf_adds(&s.place.inside, "");
	int rc = keep_dir(v, STR(""), &s, 0, out);
	spot_release(&s);
	return rc;
}

/* The directory at the first n bytes of path. 1: there is none. */
static int directory(struct repo_view *v, const char *path, size_t n, struct view_dir **out,
		     struct error *err)
{
	struct str key = { path, n };
	struct view_dir *parent;
	struct spot s;
	if ((*out = map_get(&v->dirs, key)))
		return 0;
	if (n == 0)
		return root_dir(v, out);
	const char *slash = memrchr(path, '/', n);
	int rc = directory(v, path, slash ? (size_t)(slash - path) : 0, &parent, err);
	if (rc != 0)
		return rc;
	cleanup_free char *whole = mem_strndup(path, n);
	rc = look(v, parent, slash ? whole + (slash - path) + 1 : whole, whole, &s, err);
	if (rc == 0)
		rc = s.kind == VIEW_DIR ? keep_dir(v, key, &s, parent->links + s.links, out) : 1;
	spot_release(&s);
	return rc;
}

static int locate(struct repo_view *v, const char *path, struct spot *out, struct error *err)
{
	struct view_dir *d;
	const char *slash = strrchr(path, '/');
	*out = (struct spot){ 0 };
	int rc = directory(v, path, slash ? (size_t)(slash - path) : 0, &d, err);
	if (rc != 0)
		return rc == 1 ? 0 : rc; /* below nothing, or below a file, there is nothing */
	if (*path)
		return look(v, d, slash ? slash + 1 : path, path, out, err);
	if (git_tree_dup(&out->place.root, v->root) < 0)
		return DAMAGED;
	out->kind = VIEW_DIR;
	out->place.oid = *git_tree_id(v->root);
	return 0;
}

/* --- opening, and opening again --- */

static void close_objects(struct repo_view *v)
{
	forget_dirs(v);
	git_tree_free(v->root);
	v->root = NULL;
	if (v->objects.repository)
		objects_close(&v->objects);
}

static int open_objects(struct repo_view *v, struct error *err)
{
	if (objects_open(&v->objects, v->mirror, err) < 0)
		return -1;
	if (objects_root(&v->objects, v->sha, &v->root, err) == 0)
		return 0;
	objects_close(&v->objects);
	return -1;
}

struct repo_view *repo_view_open(const char *mirror, const char *sha, struct error *err)
{
	struct repo_view *v = mem_alloc(sizeof(*v));
	v->mirror = mem_strdup(mirror);
	v->sha = mem_strdup(sha);
	if (open_objects(v, err) == 0)
		return v;
	repo_view_close(v);
	return NULL;
}

void repo_view_close(struct repo_view *v)
{
	if (!v)
		return;
	close_objects(v);
	free(v->mirror);
	free(v->sha);
	free(v);
}

bool repo_view_submodules(const struct repo_view *v)
{
	return v->objects.submodules;
}

size_t repo_view_loads(const struct repo_view *v)
{
	return v->loads;
}

/* The handle may be older than the last clean-up. */
static int reopen(struct repo_view *v, struct error *err)
{
	close_objects(v);
	objects_forget(v->mirror);
	return open_objects(v, err);
}

static int damaged(struct repo_view *v, const char *path, struct error *err)
{
	error_set(err, "commit %s: objects are missing in the mirror: %s: %s", v->sha, path,
		  objects_failure());
	objects_mark_damaged(v->mirror, v->sha);
	return -1;
}

static int check_path(struct repo_view *v, const char *path, struct error *err)
{
	struct str rest = str_of(path), part;
	size_t parts = 0;
	if (rest.n > VIEW_PATH_MAX)
		return error_set(err, "%.200s...: the path is longer than %d bytes", path, VIEW_PATH_MAX);
	bool clean = !rest.n || rest.p[rest.n - 1] != '/';
	while (rest.n) {
		part = str_cut(rest, '/', &rest);
		clean = clean && part.n && !str_is(part, ".") && !str_is(part, "..");
		parts++;
	}
	if (!clean)
		return error_set(err, "%s: is no clean path of a repository", path);
	if (parts > PARTS_MAX)
		return error_set(err, "%.200s...: directories are nested more than %d deep", path, PARTS_MAX);
	if (!v->objects.repository)
		return open_objects(v, err); /* it could not be opened again before */
	if (v->entries > VIEW_ENTRIES_MAX)
		forget_dirs(v);
	return 0;
}

/* --- what callers ask --- */

static void fill(struct arena *a, const char *path, const struct spot *s, struct view_entry *out)
{
	*out = (struct view_entry){ .kind = s->kind, .links = s->links, .real = path };
	if (s->kind == VIEW_NONE)
		return;
	memcpy(out->id, s->place.oid.id, sizeof(out->id));
	if (s->kind == VIEW_FILE)
		out->mode = s->place.mode & 0111 ? 0755 : 0644;
	if (!s->links)
		return;
	cleanup_free char *real = joined(buf_str(&s->place.inside).p, buf_str(&s->place.at).p);
	out->real = arena_strdup(a, real);
}

int repo_view_find(struct repo_view *v, struct arena *a, const char *path, struct view_entry *out,
		   struct error *err)
{
	struct spot s;
	*out = (struct view_entry){ .real = path };
	if (check_path(v, path, err) < 0)
		return -1;
	int rc = locate(v, path, &s, err);
	if (rc == DAMAGED) {
		spot_release(&s);
		if (reopen(v, err) < 0)
			return -1;
		rc = locate(v, path, &s, err);
	}
	if (rc == 0)
		fill(a, path, &s, out);
	else
		out->links = true; /* whatever is wrong may lie elsewhere */
	spot_release(&s);
	return rc == DAMAGED ? damaged(v, path, err) : rc;
}

static int read_blob(struct repo_view *v, struct arena *a, const char *path, struct str *out,
		     struct error *err)
{
	struct spot s;
	size_t size;
	int rc = locate(v, path, &s, err);
	if (rc == 0 && s.kind != VIEW_FILE)
		rc = error_set(
			err,
			s.kind == VIEW_DIR ? "%s: is a directory, not a file" : "%s: there is no such file",
			path);
	if (rc == 0) {
		rc = objects_blob(&v->objects, &s.place.oid, TREE_FILE_MAX, a, out, &size);
		rc = rc < 0 ? DAMAGED : rc;
	}
	spot_release(&s);
	if (rc == OBJECTS_TOO_LARGE)
		return error_set(err, "%s: is %zu MiB large; at most %u MiB are read", path, size >> 20,
				 TREE_FILE_MAX >> 20);
	return rc;
}

int repo_view_read(struct repo_view *v, struct arena *a, const char *path, struct str *out, struct error *err)
{
	if (check_path(v, path, err) < 0)
		return -1;
	int rc = read_blob(v, a, path, out, err);
	if (rc == DAMAGED && reopen(v, err) < 0)
		return -1;
	if (rc == DAMAGED)
		rc = read_blob(v, a, path, out, err);
	return rc == DAMAGED ? damaged(v, path, err) : rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int copy_names(struct arena *a, const git_tree *tree, const char *path, const char ***names, size_t *n,
		      struct error *err)
{
	size_t count = git_tree_entrycount(tree);
	if (count > TREE_FILES_MAX)
		return error_set(err, "%s: more than %u files are in the directory", *path ? path : ".",
				 TREE_FILES_MAX);
	const char **all = arena_array(a, const char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		const char *name = git_tree_entry_name(git_tree_entry_byindex(tree, i));
		if (!name_is_safe(str_of(name)))
			return error_set(
				err,
				"%s%s%s: has a name that is not allowed (.git, .., control or invisible characters, backslashes)",
				path, *path ? "/" : "", name_printable(a, str_of(name)));
		all[i] = arena_strdup(a, name);
	}
	/* git sorts a directory as if its name ended in "/". */
	qsort(all, count, sizeof(*all), by_name);
	*names = all;
	*n = count;
	return 0;
}

static int list_once(struct repo_view *v, struct arena *a, const char *path, const char ***names, size_t *n,
		     struct error *err)
{
	struct view_dir *d;
	int rc = directory(v, path, strlen(path), &d, err);
	if (rc == 1)
		return error_set(err, "%s: there is no such directory", path);
	return rc == 0 ? copy_names(a, d->tree, path, names, n, err) : rc;
}

int repo_view_list(struct repo_view *v, struct arena *a, const char *path, const char ***names, size_t *n,
		   struct error *err)
{
	if (check_path(v, path, err) < 0)
		return -1;
	int rc = list_once(v, a, path, names, n, err);
	if (rc == DAMAGED && reopen(v, err) < 0)
		return -1;
	if (rc == DAMAGED)
		rc = list_once(v, a, path, names, n, err);
	return rc == DAMAGED ? damaged(v, path, err) : rc;
}
