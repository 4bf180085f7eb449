/*
 * tree.c - libgit2 reads; a walk that trusts no name.
 *
 * A git_repository is used by one thread at a time: handles are taken from a small store and put back, so
 * that a thousand apps of one repository open it a few times, not a thousand.
 */
#include "repo/tree.h"

#include <git2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/vec.h"

enum { HANDLES_MAX = 32 };

struct handle {
	char *mirror;
	git_repository *repository;
};

static struct {
	pthread_mutex_t lock;
	bool started;
	struct handle idle[HANDLES_MAX];
	size_t n;
} store = { .lock = PTHREAD_MUTEX_INITIALIZER };

#define cleanup_tree cleanup(free_tree)

static void free_tree(git_tree **t)
{
	git_tree_free(*t);
}

/* --- handles --- */

static void start_library(void)
{
	if (store.started)
		return;
	store.started = true;
	git_libgit2_init();
	/* Objects are read once; a cache of them would only be memory. */
	git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0);
	git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, (size_t)(64u << 20));
	git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, (size_t)(1u << 20));
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA; level <= GIT_CONFIG_LEVEL_GLOBAL; level++)
		git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
}

static const char *git_problem(void)
{
	const git_error *e = git_error_last();
	return e && e->message ? e->message : "unknown error";
}

static git_repository *handle_take(const char *mirror, struct error *err)
{
	git_repository *repository = NULL;
	pthread_mutex_lock(&store.lock);
	start_library();
	for (size_t i = 0; i < store.n && !repository; i++) {
		if (strcmp(store.idle[i].mirror, mirror) != 0)
			continue;
		repository = store.idle[i].repository;
		free(store.idle[i].mirror);
		store.idle[i] = store.idle[--store.n];
	}
	pthread_mutex_unlock(&store.lock);
	if (!repository && git_repository_open_bare(&repository, mirror) < 0) {
		error_set(err, "mirror %s: %s", mirror, git_problem());
		return NULL;
	}
	return repository;
}

static void handle_give(const char *mirror, git_repository *repository)
{
	pthread_mutex_lock(&store.lock);
	if (store.n < HANDLES_MAX) {
		store.idle[store.n++] = (struct handle){ mem_strdup(mirror), repository };
		repository = NULL;
	}
	pthread_mutex_unlock(&store.lock);
	git_repository_free(repository);
}

void repo_tree_forget(const char *mirror)
{
	pthread_mutex_lock(&store.lock);
	for (size_t i = store.n; i-- > 0;) {
		if (strcmp(store.idle[i].mirror, mirror) != 0)
			continue;
		git_repository_free(store.idle[i].repository);
		free(store.idle[i].mirror);
		store.idle[i] = store.idle[--store.n];
	}
	pthread_mutex_unlock(&store.lock);
}

/* --- looking up --- */

static int root_tree(git_repository *repository, const char *sha, git_tree **out, struct error *err)
{
	git_oid oid;
	git_object *commit = NULL;
	if (git_oid_fromstr(&oid, sha) < 0 ||
	    git_object_lookup(&commit, repository, &oid, GIT_OBJECT_ANY) < 0)
		return error_set(err, "commit %s: %s", sha, git_problem());
	int rc = git_object_peel((git_object **)out, commit, GIT_OBJECT_TREE);
	git_object_free(commit);
	return rc < 0 ? error_set(err, "commit %s: %s", sha, git_problem()) : 0;
}

bool repo_tree_has(const char *mirror, const char *sha)
{
	git_repository *repository = handle_take(mirror, NULL);
	git_tree *root = NULL;
	if (!repository)
		return false;
	bool has = root_tree(repository, sha, &root, NULL) == 0;
	git_tree_free(root);
	handle_give(mirror, repository);
	return has;
}

char *repo_tree_subject(const char *mirror, const char *sha, struct arena *a)
{
	git_repository *repository = handle_take(mirror, NULL);
	git_oid oid;
	git_commit *commit = NULL;
	char *subject = NULL;
	if (!repository)
		return NULL;
	if (git_oid_fromstr(&oid, sha) == 0 && git_commit_lookup(&commit, repository, &oid) == 0 &&
	    git_commit_summary(commit))
		subject = arena_strdup(a, git_commit_summary(commit));
	git_commit_free(commit);
	handle_give(mirror, repository);
	return subject;
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

/* --- the walk --- */

struct walk {
	git_repository *repository;
	git_tree *root;
	repo_filter_fn *filter;
	struct arena *a;
	VEC(struct repo_file) files;
	struct repo_files *out;
	size_t total;
	bool stop; /* a cap was passed: said once */
	struct repo_problem problems[TREE_PROBLEMS_MAX];
};

static void problem(struct walk *w, const char *path, const char *text)
{
	if (w->out->n_problems < TREE_PROBLEMS_MAX)
		w->problems[w->out->n_problems++] = (struct repo_problem){ path, text };
}

static void halt(struct walk *w, const char *path, const char *text)
{
	if (!w->stop)
		problem(w, path, text);
	w->stop = true;
}

/* What a name in a tree may be: never a way out, never something that looks like another name on a terminal.
 */
static bool is_safe_name(const char *name)
{
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcasecmp(name, ".git") == 0 ||
	    strlen(name) > 255)
		return false;
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '/' || *c == '\\')
			return false;
	return str_utf8(str_of(name));
}

static char *printable(struct arena *a, const char *path)
{
	char *copy = arena_strdup(a, path);
	for (char *c = copy; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return copy;
}

static char *join(struct arena *a, const char *dir, const char *name)
{
	return *dir ? arena_printf(a, "%s/%s", dir, name) : arena_strdup(a, name);
}

static void add_blob(struct walk *w, const git_oid *oid, char *path, uint32_t mode)
{
	git_blob *blob = NULL;
	if (w->files.n >= TREE_FILES_MAX) {
		halt(w, path, "more than 100000 files are below the path; choose a smaller one");
		return;
	}
	if (git_blob_lookup(&blob, w->repository, oid) < 0) {
		problem(w, path, arena_printf(w->a, "cannot be read: %s", git_problem()));
		return;
	}
	size_t n = (size_t)git_blob_rawsize(blob);
	if (n > TREE_FILE_MAX) {
		problem(w, path,
			arena_printf(w->a, "is %zu MiB large; at most %u MiB are read", n >> 20,
				     TREE_FILE_MAX >> 20));
	} else if (w->total + n > TREE_TOTAL_MAX) {
		halt(w, path, "more than 256 MiB of files are below the path; choose a smaller one");
	} else {
		w->total += n;
		struct repo_file file = { path,
					  { arena_strndup(w->a, git_blob_rawcontent(blob), n), n },
					  mode & 0111 ? 0755 : 0644 };
		vec_push(&w->files, file);
	}
	git_blob_free(blob);
}

static void walk_tree(struct walk *w, git_tree *tree, const char *dir, unsigned depth, unsigned links);

/* The place a link at dir points to, as a path from the root; NULL: outside. */
static char *link_target(struct arena *a, const char *dir, struct str target)
{
	cleanup_buf struct buf path = BUF_INIT;
	if (!target.n || target.n > 4096 || target.p[0] == '/' || memchr(target.p, '\0', target.n))
		return NULL;
	buf_adds(&path, dir);
	while (target.n) {
		struct str segment = str_cut(target, '/', &target);
		if (!segment.n || str_is(segment, "."))
			continue;
		if (str_is(segment, "..")) {
			if (!path.n)
				return NULL;
			char *slash = strrchr(path.p, '/');
			path.n = slash ? (size_t)(slash - path.p) : 0;
			path.p[path.n] = '\0';
			continue;
		}
		buf_adds(&path, path.n ? "/" : "");
		buf_add_str(&path, segment);
	}
	return arena_strndup(a, path.p ? path.p : "", path.n);
}

static void walk_entry(struct walk *w, const git_tree_entry *e, const char *dir, char *path, unsigned depth,
		       unsigned links);

static void walk_link(struct walk *w, const git_tree_entry *e, const char *dir, char *path, unsigned depth,
		      unsigned links)
{
	git_blob *blob = NULL;
	if (links >= TREE_LINKS_MAX) {
		problem(w, path, "is a symbolic link to a link to a link ...; links may not go in circles");
		return;
	}
	if (git_blob_lookup(&blob, w->repository, git_tree_entry_id(e)) < 0) {
		problem(w, path, "is a symbolic link that cannot be read");
		return;
	}
	struct str text = { git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob) };
	char *target = link_target(w->a, dir, text);
	git_blob_free(blob);
	git_tree_entry *to = NULL;
	if (!target || !*target)
		problem(w, path, "is a symbolic link that leaves the repository; it is not followed");
	else if (git_tree_entry_bypath(&to, w->root, target) < 0)
		problem(w, path, "is a symbolic link to something that is not there");
	else {
		const char *slash = strrchr(target, '/');
		char *parent = slash ? arena_strndup(w->a, target, (size_t)(slash - target))
				     : arena_strdup(w->a, "");
		walk_entry(w, to, parent, path, depth, links + 1);
	}
	git_tree_entry_free(to);
}

/* dir is where e really lies (links are relative to it), path is what it is called. */
static void walk_entry(struct walk *w, const git_tree_entry *e, const char *dir, char *path, unsigned depth,
		       unsigned links)
{
	git_filemode_t mode = git_tree_entry_filemode(e);
	git_tree *below = NULL;
	switch (mode) {
	case GIT_FILEMODE_TREE:
		if (depth >= TREE_DEPTH_MAX)
			problem(w, path, "directories are nested more than 64 deep");
		else if (git_tree_lookup(&below, w->repository, git_tree_entry_id(e)) < 0)
			problem(w, path, "is a directory that cannot be read");
		else
			walk_tree(w, below, path, depth + 1, links);
		git_tree_free(below);
		break;
	case GIT_FILEMODE_LINK:
		walk_link(w, e, dir, path, depth, links);
		break;
	case GIT_FILEMODE_COMMIT:
		problem(w, path, "is a submodule; set spec.submodules of the Repo, or vendor it");
		break;
	case GIT_FILEMODE_BLOB:
	case GIT_FILEMODE_BLOB_EXECUTABLE:
		if (!w->filter || w->filter(str_of(git_tree_entry_name(e))) || links)
			add_blob(w, git_tree_entry_id(e), path, mode);
		break;
	default:
		problem(w, path, "is of a kind that git does not know");
	}
}

static void walk_tree(struct walk *w, git_tree *tree, const char *dir, unsigned depth, unsigned links)
{
	size_t n = git_tree_entrycount(tree);
	for (size_t i = 0; i < n && !w->stop; i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i);
		const char *name = git_tree_entry_name(e);
		char *path = join(w->a, dir, name);
		if (!is_safe_name(name))
			problem(w, printable(w->a, path),
				"has a name that is not allowed (.git, .., control characters, backslashes)");
		else
			walk_entry(w, e, dir, path, depth, links);
	}
}

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

static int read_below(struct walk *w, const char *path)
{
	git_tree_entry *e = NULL;
	char *clean = clean_path(w->a, path);
	if (!*clean) {
		walk_tree(w, w->root, "", 0, 0);
		return 0;
	}
	if (git_tree_entry_bypath(&e, w->root, clean) < 0)
		return 1;
	const char *slash = strrchr(clean, '/');
	char *parent = slash ? arena_strndup(w->a, clean, (size_t)(slash - clean)) : arena_strdup(w->a, "");
	walk_entry(w, e, parent, clean, 0, 0);
	git_tree_entry_free(e);
	return 0;
}

int repo_tree_read(const char *mirror, const char *sha, const char *path, repo_filter_fn *filter,
		   struct arena *a, struct repo_files *out, struct error *err)
{
	*out = (struct repo_files){ 0 };
	struct walk *w = mem_alloc(sizeof(*w));
	*w = (struct walk){ .filter = filter, .a = a, .out = out };
	w->repository = handle_take(mirror, err);
	if (!w->repository) {
		free(w);
		return -1;
	}
	int rc = root_tree(w->repository, sha, &w->root, err);
	if (rc == 0)
		rc = read_below(w, path);
	hand_out(w);
	git_tree_free(w->root);
	handle_give(mirror, w->repository);
	free(w);
	return rc;
}

/* --- hashes --- */

/* Whether a link is anywhere below: then what is read may lie outside of the path. */
static bool has_links(git_repository *repository, git_tree *tree, unsigned depth)
{
	bool found = false;
	for (size_t i = 0; i < git_tree_entrycount(tree) && !found && depth < TREE_DEPTH_MAX; i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i);
		git_tree *below = NULL;
		found = git_tree_entry_filemode(e) == GIT_FILEMODE_LINK;
		if (git_tree_entry_filemode(e) == GIT_FILEMODE_TREE &&
		    git_tree_lookup(&below, repository, git_tree_entry_id(e)) == 0)
			found = has_links(repository, below, depth + 1);
		git_tree_free(below);
	}
	return found;
}

static int hash_at(git_repository *repository, git_tree *root, const char *path, struct hash *out)
{
	cleanup_arena struct arena a = ARENA_INIT;
	char *clean = clean_path(&a, path);
	git_tree_entry *e = NULL;
	cleanup_tree git_tree *below = NULL;
	if (*clean && git_tree_entry_bypath(&e, root, clean) < 0)
		return 1;
	const git_oid *oid = e ? git_tree_entry_id(e) : git_tree_id(root);
	bool links = e && git_tree_entry_filemode(e) == GIT_FILEMODE_LINK;
	if (e && git_tree_entry_filemode(e) == GIT_FILEMODE_TREE &&
	    git_tree_lookup(&below, repository, oid) == 0)
		links = has_links(repository, below, 0);
	struct str parts[] = { { (const char *)oid->id, sizeof(oid->id) },
			       { (const char *)git_tree_id(root)->id, sizeof(oid->id) } };
	*out = hash_parts(parts, links ? 2 : 1);
	git_tree_entry_free(e);
	return 0;
}

int repo_tree_hash(const char *mirror, const char *sha, const char *path, struct hash *out, struct error *err)
{
	git_repository *repository = handle_take(mirror, err);
	cleanup_tree git_tree *root = NULL;
	if (!repository)
		return -1;
	int rc = root_tree(repository, sha, &root, err);
	if (rc == 0)
		rc = hash_at(repository, root, path, out);
	handle_give(mirror, repository);
	return rc;
}
