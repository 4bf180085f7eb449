/*
 * tree.c - see tree.h. A quarantine has the shape of objects/: two-letter directories of loose objects, and
 * pack/. A pack counts once its .idx is there, so that is linked last.
 */
#include "push/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "io/file.h"
#include "repo/objects.h"

#define TREE_HEAD_MAX 4096u

/* --- links --- */

struct linking {
	size_t n;
	bool index; /* the second pass: .idx files alone */
};

static bool is_index(const char *name)
{
	return str_ends(str_of(name), STR(".idx"));
}

/* Temporary files of a git that still writes have names that no object has. */
static bool is_wanted(const char *name)
{
	return name[0] != '.' && strncmp(name, "tmp_", 4) != 0;
}

static int link_dir(int from, int to, const char *shown, struct linking *l, struct error *err)
{
	cleanup_fd int copy = dup(from);
	DIR *dir = fdopendir(copy);
	if (!dir)
		return error_set(err, "%s: %s", shown, strerror(errno));
	copy = -1; /* the DIR's now */
	rewinddir(dir);
	int rc = 0;
	for (struct dirent *e; rc == 0 && (e = readdir(dir));) {
		if (!is_wanted(e->d_name) || is_index(e->d_name) != l->index)
			continue;
		struct stat st;
		if (fstatat(from, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		if (++l->n > TREE_LINKS_MAX_FILES)
			rc = error_set(err, "%s: more than %u files (TREE_LINKS_MAX_FILES)", shown,
				       TREE_LINKS_MAX_FILES);
		else if (linkat(from, e->d_name, to, e->d_name, 0) < 0 && errno != EEXIST)
			rc = error_set(err, "%s/%s: %s", shown, e->d_name, strerror(errno));
	}
	closedir(dir);
	return rc;
}

static bool is_part(const char *name)
{
	return strcmp(name, "pack") == 0 || (strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2);
}

static int open_dir_at(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int link_part(int from, int to, const char *name, struct linking *l, struct error *err)
{
	if (mkdirat(to, name, 0700) < 0 && errno != EEXIST)
		return error_set(err, "objects/%s: %s", name, strerror(errno));
	cleanup_fd int source = open_dir_at(from, name);
	cleanup_fd int target = open_dir_at(to, name);
	if (source < 0 || target < 0)
		return error_set(err, "objects/%s: %s", name, strerror(errno));
	l->index = false;
	if (link_dir(source, target, name, l, err) < 0)
		return -1;
	l->index = true;
	return link_dir(source, target, name, l, err);
}

/* All of one directory of objects into another one. 0 also when there is none to read. */
static int link_objects(const char *from, const char *to, struct error *err)
{
	struct linking l = { 0 };
	cleanup_fd int target = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int source = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source < 0 && errno == ENOENT)
		return 0;
	DIR *dir = source < 0 ? NULL : fdopendir(dup(source));
	if (!dir || target < 0) {
		if (dir)
			closedir(dir);
		return error_set(err, "%s: %s", target < 0 ? to : from, strerror(errno));
	}
	int rc = 0;
	for (struct dirent *e; rc == 0 && (e = readdir(dir));)
		if (is_part(e->d_name))
			rc = link_part(source, target, e->d_name, &l, err);
	closedir(dir);
	return rc;
}

/* --- the repository --- */

static int make_dir(const char *path, struct error *err)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? error_set(err, "%s: %s", path, strerror(errno)) : 0;
}

static int make_file(struct arena *a, const char *dir, const char *name, const char *text, struct error *err)
{
	const char *path = arena_printf(a, "%s/%s", dir, name);
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t n = strlen(text);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		return error_set(err, "%s: %s", path, strerror(errno));
	return 0;
}

int push_tree_make(const char *git_dir, const char *quarantine, const char *hosted, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	static const char *const dirs[] = { "",		"/refs",	 "/refs/heads",
					    "/objects", "/objects/info", "/objects/pack" };
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (make_dir(arena_printf(&a, "%s%s", git_dir, dirs[i]), err) < 0)
			return -1;
	if (make_file(&a, git_dir, "HEAD", "ref: refs/heads/none\n", err) < 0 ||
	    make_file(&a, git_dir, "config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n", err) <
		    0 ||
	    make_file(&a, git_dir, "objects/info/alternates", arena_printf(&a, "%s/objects\n", hosted), err) <
		    0)
		return -1;
	return quarantine ? link_objects(quarantine, arena_printf(&a, "%s/objects", git_dir), err) : 0;
}

/* Without fsync: git's own refs are what a push is, and they move after this is complete. */
int push_tree_bring(const char *git_dir, const char *hosted, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	return link_objects(arena_printf(&a, "%s/objects", git_dir), arena_printf(&a, "%s/objects", hosted),
			    err);
}

/* --- what is in it --- */

struct looking {
	git_odb *own, *all;
	struct error *err;
};

static int look(const git_oid *id, void *ctx)
{
	struct looking *l = ctx;
	size_t size;
	git_object_t type;
	if (git_odb_read_header(&size, &type, l->all, id) < 0)
		return error_set(l->err, "object %s of the push cannot be read: %s", git_oid_tostr_s(id),
				 objects_failure());
	unsigned long long cap = type == GIT_OBJECT_BLOB ? TREE_OBJECT_BYTES_MAX : TREE_META_BYTES_MAX;
	if (size > cap)
		return error_set(l->err,
				 "object %s of the push (a %s) has %zu MiB, and more than %llu are not taken",
				 git_oid_tostr_s(id), git_object_type2string(type), size >> 20, cap >> 20);
	return 0;
}

/* The objects of a directory alone, without its alternates: what the push brings. */
static int open_own(git_odb **out, const char *objects)
{
	git_odb_backend *packs, *loose;
	if (git_odb_new(out) < 0 || git_odb_backend_pack(&packs, objects) < 0 ||
	    git_odb_add_backend(*out, packs, 2) < 0 ||
	    git_odb_backend_loose(&loose, objects, -1, 0, 0, 0) < 0 ||
	    git_odb_add_backend(*out, loose, 1) < 0)
		return -1;
	return 0;
}

int push_tree_check(const char *git_dir, struct error *err)
{
	struct objects o;
	cleanup_arena struct arena a = ARENA_INIT;
	if (objects_open(&o, git_dir, err) < 0)
		return -1;
	struct looking l = { .all = o.odb, .err = err };
	int rc = open_own(&l.own, arena_printf(&a, "%s/objects", git_dir));
	if (rc < 0)
		error_set(err, "%s: %s", git_dir, objects_failure());
	else
		rc = git_odb_foreach(l.own, look, &l) ? -1 : 0;
	if (rc < 0 && err && !err->text[0])
		error_set(err, "the objects of the push cannot be read: %s", objects_failure());
	git_odb_free(l.own);
	objects_close(&o);
	return rc;
}

/* --- commits --- */

static int peel(struct objects *o, const char *sha, git_oid *out, struct error *err)
{
	git_object *object = NULL, *commit = NULL;
	git_oid oid;
	if (strlen(sha) != GIT_OID_HEXSZ || git_oid_fromstr(&oid, sha) < 0)
		return error_set(err, "%s: repositories with SHA-256 are not hosted, only those with SHA-1",
				 sha);
	if (git_object_lookup(&object, o->repository, &oid, GIT_OBJECT_ANY) < 0)
		return error_set(err, "%s: %s", sha, objects_failure());
	int rc = git_object_peel(&commit, object, GIT_OBJECT_COMMIT) < 0 ? 1 : 0;
	if (rc == 0)
		*out = *git_object_id(commit);
	git_object_free(commit);
	git_object_free(object);
	return rc;
}

int push_tree_commit(const char *git_dir, const char *sha, char *out, struct error *err)
{
	struct objects o;
	git_oid oid;
	if (objects_open(&o, git_dir, err) < 0)
		return -1;
	int rc = peel(&o, sha, &oid, err);
	if (rc == 0)
		git_oid_tostr(out, GIT_OID_HEXSZ + 1, &oid);
	objects_close(&o);
	return rc;
}

int push_tree_forward(const char *git_dir, const char *older, const char *newer, struct error *err)
{
	struct objects o;
	git_oid from, to;
	if (strcmp(older, newer) == 0)
		return 0;
	if (objects_open(&o, git_dir, err) < 0)
		return -1;
	int rc = peel(&o, older, &from, err);
	if (rc == 0)
		rc = peel(&o, newer, &to, err);
	if (rc == 0) {
		int is = git_graph_descendant_of(o.repository, &to, &from);
		rc = is < 0 ? error_set(err, "%s: %s", newer, objects_failure()) : !is;
	}
	objects_close(&o);
	return rc;
}

void push_tree_ref(const char *git_dir, const char *ref, char *out)
{
	struct objects o;
	git_oid oid;
	out[0] = '\0';
	if (objects_open(&o, git_dir, NULL) < 0)
		return;
	/* Not peeled: a tag object is what the ref is at. */
	if (git_reference_name_to_id(&oid, o.repository, ref) == 0)
		git_oid_tostr(out, GIT_OID_HEXSZ + 1, &oid);
	objects_close(&o);
}

int push_tree_tips(struct arena *a, const char *git_dir, const char *const **out, size_t *n,
		   struct error *err)
{
	struct objects o;
	git_reference_iterator *refs = NULL;
	git_reference *ref = NULL;
	const char **list = arena_array(a, const char *, TREE_TIPS_MAX);
	*out = list;
	*n = 0;
	if (objects_open(&o, git_dir, err) < 0)
		return -1;
	int rc = git_reference_iterator_glob_new(&refs, o.repository, "refs/heads/*");
	while (rc == 0 && *n < TREE_TIPS_MAX && git_reference_next(&ref, refs) == 0) {
		git_oid oid;
		if (git_reference_name_to_id(&oid, o.repository, git_reference_name(ref)) == 0)
			list[(*n)++] = arena_strdup(a, git_oid_tostr_s(&oid));
		git_reference_free(ref);
	}
	if (rc < 0)
		error_set(err, "%s: %s", git_dir, objects_failure());
	git_reference_iterator_free(refs);
	objects_close(&o);
	return rc < 0 ? -1 : 0;
}

bool push_tree_is_head(const char *git_dir, const char *ref)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	if (file_read(arena_printf(&a, "%s/HEAD", git_dir), TREE_HEAD_MAX, &text, NULL) != 0)
		return false;
	struct str line = str_trim(buf_str(&text));
	return str_starts(line, STR("ref: ")) && str_is(str_from(line, 5), ref);
}
