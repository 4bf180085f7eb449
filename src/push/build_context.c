/*
 * build_context.c - a walk over a git tree, once to list and hash it (only where .dockerignore is there: else
 * the tree's own id tells all), once to write it. Directories are entered by openat() alone, so that no link
 * in the tree is ever followed.
 */
#include "push/build_context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "repo/objects.h"

#define TIME_FIRST 1000000000 /* 2001-09-09: all times of files are in the four years from there */
#define TIME_SPAN (1u << 27)
#define LINK_MAX 4095u

struct walk {
	struct objects *objects;
	const struct build_context *c;
	struct error *err;
	struct buf path; /* from the context */
	size_t files;
	uint64_t bytes, max_bytes;
	unsigned depth;
	VEC(struct str) * list; /* listing: "MODE ID PATH" of each file; NULL: writing */
	struct arena *a;
};

typedef int entry_fn(struct walk *w, int dir, const char *name, const git_tree_entry *entry);

static int complain(struct walk *w, const char *what)
{
	return error_set(w->err, "%s%s%s: %s", strcmp(w->c->path, ".") ? w->c->path : "",
			 strcmp(w->c->path, ".") ? "/" : "", w->path.n ? w->path.p : "", what);
}

static bool bad_name(const char *name)
{
	return !*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	       strcasecmp(name, ".git") == 0;
}

/* --- one file --- */

static int read_blob(struct walk *w, const git_oid *id, git_odb_object **out)
{
	size_t size;
	git_object_t type;
	if (git_odb_read_header(&size, &type, w->objects->odb, id) < 0)
		return complain(w, objects_failure());
	if (size > CONTEXT_FILE_MAX)
		return complain(w, "is larger than 512 MiB (CONTEXT_FILE_MAX)");
	w->bytes += size;
	if (w->bytes > CONTEXT_BYTES_MAX)
		return complain(w, "with it the context is larger than 4 GiB (CONTEXT_BYTES_MAX)");
	if (w->bytes > w->max_bytes)
		return complain(w, "with it the context is larger than the build may write (`disk`)");
	return git_odb_read(out, w->objects->odb, id) < 0 ? complain(w, objects_failure()) : 0;
}

/* Whether a link of a directory so deep in the context leads out of it, as it is written. */
static bool leads_out(struct str target, const char *path)
{
	long depth = 0;
	for (; *path; path++)
		depth += *path == '/';
	if (target.n == 0 || target.p[0] == '/' || memchr(target.p, '\0', target.n))
		return true;
	while (target.n) {
		struct str part = str_cut(target, '/', &target);
		if (part.n == 0 || str_is(part, "."))
			continue;
		depth += str_is(part, "..") ? -1 : 1;
		if (depth < 0)
			return true;
	}
	return false;
}

static int write_link(struct walk *w, int dir, const char *name, struct str target)
{
	char text[LINK_MAX + 1];
	if (target.n > LINK_MAX || leads_out(target, w->path.p))
		return complain(
			w,
			"is a link that leads out of the context; take it away, or let .dockerignore name it");
	memcpy(text, target.p, target.n);
	text[target.n] = '\0';
	return symlinkat(text, dir, name) < 0 ? complain(w, strerror(errno)) : 0;
}

static int write_all(int fd, struct str data)
{
	while (data.n) {
		ssize_t n = write(fd, data.p, data.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data = str_from(data, (size_t)n);
	}
	return 0;
}

static struct timespec time_of(const git_oid *id)
{
	uint32_t bits =
		(uint32_t)id->id[0] << 24 | (uint32_t)id->id[1] << 16 | (uint32_t)id->id[2] << 8 | id->id[3];
	return (struct timespec){ .tv_sec = TIME_FIRST + bits % TIME_SPAN };
}

static int write_file(struct walk *w, int dir, const char *name, struct str data, bool executable,
		      const git_oid *id)
{
	struct timespec times[2] = { time_of(id), time_of(id) };
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				   executable ? 0755 : 0644);
	if (fd < 0 || write_all(fd, data) < 0 || fchmod(fd, executable ? 0755 : 0644) < 0 ||
	    futimens(fd, times) < 0)
		return complain(w, strerror(errno));
	return 0;
}

static int put_blob(struct walk *w, int dir, const char *name, const git_tree_entry *entry)
{
	git_odb_object *object = NULL;
	const git_oid *id = git_tree_entry_id(entry);
	if (read_blob(w, id, &object) < 0)
		return -1;
	struct str data = { git_odb_object_data(object), git_odb_object_size(object) };
	git_filemode_t mode = git_tree_entry_filemode(entry);
	int rc = mode == GIT_FILEMODE_LINK
			 ? write_link(w, dir, name, data)
			 : write_file(w, dir, name, data, mode == GIT_FILEMODE_BLOB_EXECUTABLE, id);
	git_odb_object_free(object);
	return rc;
}

static int list_blob(struct walk *w, int dir, const char *name, const git_tree_entry *entry)
{
	char id[GIT_OID_HEXSZ + 1];
	git_oid_tostr(id, sizeof(id), git_tree_entry_id(entry));
	vec_push(w->list, str_of(arena_printf(w->a, "%o %s %s", (unsigned)git_tree_entry_filemode(entry), id,
					      w->path.p)));
	return 0;
}

/* --- the walk --- */

static int walk_tree(struct walk *w, const git_tree *tree, int dir, entry_fn *each);

static int walk_below(struct walk *w, const git_oid *id, int dir, const char *name, entry_fn *each)
{
	git_tree *below = NULL;
	cleanup_fd int fd = -1;
	if (w->depth + 1 > CONTEXT_DEPTH_MAX)
		return complain(w, "is more than 64 directories deep (CONTEXT_DEPTH_MAX)");
	if (!w->list) {
		if (mkdirat(dir, name, 0755) < 0)
			return complain(w, strerror(errno));
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return complain(w, strerror(errno));
	}
	int rc = 0;
	if (id && git_tree_lookup(&below, w->objects->repository, id) < 0)
		rc = complain(w, objects_failure());
	w->depth++;
	if (rc == 0 && below)
		rc = walk_tree(w, below, fd, each);
	w->depth--;
	git_tree_free(below);
	if (rc == 0 && fd >= 0) {
		struct timespec times[2] = { { .tv_sec = TIME_FIRST }, { .tv_sec = TIME_FIRST } };
		(void)futimens(fd, times);
	}
	return rc;
}

static int walk_entry(struct walk *w, int dir, const git_tree_entry *entry, entry_fn *each)
{
	const char *name = git_tree_entry_name(entry);
	if (bad_name(name))
		return complain(w, "has a name that is never checked out");
	if (w->path.n > CONTEXT_PATH_MAX)
		return complain(w, "the path is longer than 3072 bytes (CONTEXT_PATH_MAX)");
	if (++w->files > CONTEXT_FILES_MAX)
		return complain(w, "with it the context has more than 200,000 files (CONTEXT_FILES_MAX)");
	switch (git_tree_entry_filemode(entry)) {
	case GIT_FILEMODE_TREE:
		if (dockerignore_drops_all(&w->c->ignore, w->path.p))
			return 0;
		return walk_below(w, git_tree_entry_id(entry), dir, name, each);
	case GIT_FILEMODE_COMMIT: /* a submodule */
		return dockerignore_drops(&w->c->ignore, w->path.p) ? 0
								    : walk_below(w, NULL, dir, name, each);
	default:
		return dockerignore_drops(&w->c->ignore, w->path.p) ? 0 : each(w, dir, name, entry);
	}
}

static int walk_tree(struct walk *w, const git_tree *tree, int dir, entry_fn *each)
{
	int rc = 0;
	size_t before = w->path.n;
	for (size_t i = 0; rc == 0 && i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		if (before)
			buf_addc(&w->path, '/');
		buf_adds(&w->path, git_tree_entry_name(entry));
		rc = walk_entry(w, dir, entry, each);
		if (rc == 0) {
			w->path.n = before;
			w->path.p[before] = '\0';
		}
	}
	return rc;
}

/* --- open --- */

static int context_tree(struct objects *o, const struct build_context *c, git_tree **out, struct error *err)
{
	git_oid id;
	git_tree *root = NULL;
	git_tree_entry *entry = NULL;
	if (git_oid_fromstr(&id, c->commit) < 0 || objects_commit_tree(o, &id, &root, err) < 0)
		return -1;
	if (strcmp(c->path, ".") == 0) {
		*out = root;
		return 0;
	}
	int rc = 0;
	if (git_tree_entry_bypath(&entry, root, c->path) < 0 || git_tree_entry_type(entry) != GIT_OBJECT_TREE)
		rc = error_set(err, "context %s: there is no such directory in the commit", c->path);
	else if (git_tree_lookup(out, o->repository, git_tree_entry_id(entry)) < 0)
		rc = error_set(err, "context %s: %s", c->path, objects_failure());
	git_tree_entry_free(entry);
	git_tree_free(root);
	return rc;
}

/* A file of the context. 1: there is none. */
static int read_text(struct objects *o, const git_tree *tree, const char *path, size_t max, struct arena *a,
		     struct str *out, const char *shown, struct error *err)
{
	git_tree_entry *entry = NULL;
	size_t size;
	if (git_tree_entry_bypath(&entry, tree, path) < 0)
		return 1;
	int rc = 1;
	git_filemode_t mode = git_tree_entry_filemode(entry);
	if (mode == GIT_FILEMODE_LINK)
		rc = error_set(err, "%s: is a link; write the path of the file that it leads to", shown);
	else if (mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE)
		rc = objects_blob(o, git_tree_entry_id(entry), max, a, out, &size);
	git_tree_entry_free(entry);
	if (rc == OBJECTS_TOO_LARGE && mode != GIT_FILEMODE_TREE && mode != GIT_FILEMODE_COMMIT)
		return error_set(err, "%s: is larger than %zu KiB", shown, max >> 10);
	return rc;
}

static const char *join(struct arena *a, const char *dir, const char *name)
{
	return strcmp(dir, ".") == 0 ? name : arena_printf(a, "%s/%s", dir, name);
}

/* DOCKERFILE.dockerignore goes before .dockerignore, as Docker has it. */
static int read_ignore(struct arena *a, struct objects *o, const git_tree *tree, const char *dockerfile,
		       struct build_context *c, struct error *err)
{
	struct str text = { 0 };
	const char *name = arena_printf(a, "%s.dockerignore", dockerfile);
	int rc = read_text(o, tree, name, DOCKERIGNORE_MAX, a, &text, join(a, c->path, name), err);
	if (rc == 1) {
		name = ".dockerignore";
		rc = read_text(o, tree, name, DOCKERIGNORE_MAX, a, &text, join(a, c->path, name), err);
	}
	if (rc)
		return rc < 0 ? -1 : 0;
	return dockerignore_read(a, join(a, c->path, name), text, &c->ignore, err);
}

static int hash_tree(struct objects *o, const git_tree *tree, struct build_context *c, struct error *err)
{
	char id[GIT_OID_HEXSZ + 1];
	cleanup_arena struct arena a = ARENA_INIT;
	VEC(struct str) list = { 0 };
	int rc = 0;
	if (c->ignore.n) {
		struct walk w = { .objects = o, .c = c, .err = err, .list = (void *)&list, .a = &a };
		rc = walk_tree(&w, tree, -1, list_blob);
		buf_release(&w.path);
	} else {
		git_oid_tostr(id, sizeof(id), git_tree_id(tree));
		vec_push(&list, str_of(id));
	}
	c->hash = hash_parts(list.at, list.n);
	vec_release(&list);
	return rc;
}

int build_context_open(struct arena *a, const char *git_dir, const char *commit, const char *path,
		       const char *dockerfile, struct build_context *out, struct error *err)
{
	struct objects o;
	git_tree *tree = NULL;
	*out = (struct build_context){ .git_dir = git_dir, .commit = commit, .path = path };
	if (objects_open(&o, git_dir, err) < 0)
		return -1;
	int rc = context_tree(&o, out, &tree, err);
	if (rc == 0 && dockerfile) {
		out->dockerfile = join(a, path, dockerfile);
		rc = read_text(&o, tree, dockerfile, 1u << 20, a, &out->text, out->dockerfile, err);
		if (rc == 1)
			rc = error_set(err, "%s: there is no such file in the commit", out->dockerfile);
		if (rc == 0)
			rc = read_ignore(a, &o, tree, dockerfile, out, err);
	}
	if (rc == 0)
		rc = hash_tree(&o, tree, out, err);
	git_tree_free(tree);
	objects_close(&o);
	return rc;
}

int build_context_write(const struct build_context *c, const char *dir, uint64_t max_bytes, struct error *err)
{
	struct objects o;
	git_tree *tree = NULL;
	cleanup_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, "%s: %s", dir, strerror(errno));
	if (objects_open(&o, c->git_dir, err) < 0)
		return -1;
	struct walk w = { .objects = &o, .c = c, .err = err, .max_bytes = max_bytes };
	int rc = context_tree(&o, c, &tree, err);
	if (rc == 0)
		rc = walk_tree(&w, tree, fd, put_blob);
	buf_release(&w.path);
	git_tree_free(tree);
	objects_close(&o);
	return rc;
}
