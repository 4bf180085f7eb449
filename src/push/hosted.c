/*
 * hosted.c - repositories on disk. A bare repository needs a few directories, HEAD and config; made by hand
 * it costs no child, and no template of the machine gets into it.
 */
#include "push/hosted.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "doc/json.h"
#include "io/file.h"
#include "push/access.h"
#include "push/home_record.h"
#include "repo/files.h"
#include "repo/refs.h"

#define CONFIG_MAX (64u << 10)
#define KEYS_MAX (64u << 20) /* bytes of keys.json */
#define HEAD_MAX 4096u
#define REFS_DEPTH_MAX 16u /* of folders in a branch's name; deeper ones are not looked at here */

char *hosted_git_dir(struct arena *a, const char *home, const char *key)
{
	return arena_printf(a, "%s/repos/%s.git", home, key);
}

/* ---- the home ---- */

static int write_hook(struct arena *a, const char *home, const char *name, const char *program,
		      const char *command, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = push_path(a, home, "hooks", name, NULL);
	buf_adds(&text, "#!/bin/sh\nexec '");
	for (const char *c = program; *c; c++)
		buf_printf(&text, *c == '\'' ? "'\\''" : "%c", *c);
	buf_printf(&text, "' %s \"$@\"\n", command);
	if (push_replace(path, buf_str(&text), err) < 0)
		return -1;
	return chmod(path, 0700) < 0 ? error_set(err, "%s: %s", path, strerror(errno)) : 0;
}

int hosted_home_prepare(const char *home, const char *program, struct error *err)
{
	static const char *const parts[] = { "repos",  "hooks",	  "pushes", "targets",
					     "builds", "changed", "ssh",    "mirrors" };
	cleanup_arena struct arena a = ARENA_INIT;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (push_make_dirs(push_path(&a, home, parts[i], NULL), err) < 0)
			return -1;
	if (chmod(home, 0700) < 0)
		return error_set(err, "%s: %s", home, strerror(errno));
	if (write_hook(&a, home, "pre-receive", program, "push-receive", err) < 0)
		return -1;
	return write_hook(&a, home, "post-receive", program, "push-received", err);
}

/* ---- one repository ---- */

/*
 * Objects and refs are synced before a push is answered. Nothing is packed, pruned or fetched by itself: the
 * service does that when the repository is at rest. Files larger than bigFileThreshold are never held in
 * memory whole. fsck: what old, harmless histories have is let through; all else is refused.
 */
static void add_config(struct buf *out, const char *home, const struct hosted_repo *repo, uint64_t used)
{
	uint64_t left = repo->max_bytes > used ? repo->max_bytes - used : 0;
	if (left < HOSTED_SIZE_LEAST)
		left = HOSTED_SIZE_LEAST;
	buf_adds(out, "# Written by capstan; changes are lost.\n"
		      "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
		      "\tlogAllRefUpdates = true\n\tfsync = committed,loose-object\n"
		      "\tbigFileThreshold = 16m\n\thooksPath = \"");
	for (const char *c = home; *c; c++)
		buf_printf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	buf_adds(out, "/hooks\"\n");
	buf_printf(out,
		   "[receive]\n\tfsckObjects = true\n\tmaxInputSize = %llu\n\tautogc = false\n"
		   "\tdenyDeleteCurrent = refuse\n\tshallowUpdate = false\n\tadvertisePushOptions = false\n"
		   "\tdenyNonFastForwards = false\n",
		   (unsigned long long)left);
	buf_adds(out, "[receive \"fsck\"]\n\tzeroPaddedFilemode = ignore\n\tbadTimezone = ignore\n"
		      "\tmissingSpaceBeforeDate = ignore\n\tmissingEmail = ignore\n"
		      "[transfer]\n\thideRefs = refs/capstan\n"
		      "[uploadpack]\n\tallowFilter = true\n"
		      "[uploadarchive]\n\tallowUnreachable = false\n"
		      "[http]\n\tgetanyfile = false\n\tuploadpack = true\n\treceivepack = true\n"
		      "[gc]\n\tauto = 0\n\tautoDetach = false\n"
		      "[maintenance]\n\tauto = false\n"
		      "[pack]\n\tthreads = 1\n\twindowMemory = 64m\n\tdeltaCacheSize = 32m\n");
}

static bool file_is(const char *path, struct str text)
{
	cleanup_buf struct buf now = BUF_INIT;
	return file_read(path, text.n, &now, NULL) == 0 && str_eq(buf_str(&now), text);
}

static int write_if_other(const char *path, struct str text, struct error *err)
{
	return file_is(path, text) ? 0 : push_replace(path, text, err);
}

static int make(struct arena *a, const char *dir, const char *branch, struct error *err)
{
	static const char *const parts[] = { "objects/pack", "objects/info", "refs/heads", "refs/tags",
					     "info" };
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (push_make_dirs(push_path(a, dir, parts[i], NULL), err) < 0)
			return -1;
	/* Last: without HEAD it is no repository, and is made anew. */
	const char *head = arena_printf(a, "ref: refs/heads/%s\n", branch ? branch : HOSTED_BRANCH_DEFAULT);
	return push_replace(push_path(a, dir, "HEAD", NULL), str_of(head), err);
}

static int write_record(struct arena *a, const char *home, const struct hosted_repo *repo, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = arena_printf(a, "%s/repos/%s/%s.json", home, repo->namespace, repo->name);
	json_write_pretty(&text, hosted_record(a, repo));
	return file_is(path, buf_str(&text)) ? 0 : hosted_write(home, repo, err);
}

int hosted_update(const char *home, const struct hosted_repo *repo, const char *branch, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf config = BUF_INIT;
	if (!hosted_name_ok(str_of(repo->namespace)) || !hosted_name_ok(str_of(repo->name)))
		return error_set(err, "%s/%s: such a name cannot be hosted", repo->namespace, repo->name);
	const char *key = arena_printf(&a, "%s/%s", repo->namespace, repo->name);
	const char *dir = hosted_git_dir(&a, home, key);
	if (access(push_path(&a, dir, "HEAD", NULL), F_OK) < 0 && make(&a, dir, branch, err) < 0)
		return -1;
	add_config(&config, home, repo, files_size(dir));
	if (write_if_other(push_path(&a, dir, "config", NULL), buf_str(&config), err) < 0)
		return -1;
	return write_record(&a, home, repo, err);
}

int hosted_delete(const char *home, const char *key, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str name, namespace = str_cut(str_of(key), '/', &name);
	if (!hosted_name_ok(namespace) || !hosted_name_ok(name))
		return error_set(err, "\"%s\" is no NAMESPACE/NAME", key);
	const char *record = arena_printf(&a, "%s/repos/%s.json", home, key);
	if (unlink(record) < 0 && errno != ENOENT)
		return error_set(err, "%s: %s", record, strerror(errno));
	const char *dir = hosted_git_dir(&a, home, key), *gone;
	if (push_make_dirs(push_path(&a, home, "deleted", NULL), err) < 0)
		return -1;
	if (access(dir, F_OK) < 0)
		return 0;
	int64_t since = clock_wall_ms() / 1000;
	do /* one of the same second stays, too */
		gone = arena_printf(&a, "%s/deleted/%.*s_%.*s.%lld.git", home, STR_ARG(namespace),
				    STR_ARG(name), (long long)since++);
	while (access(gone, F_OK) == 0);
	if (rename(dir, gone) < 0)
		return error_set(err, "%s: %s", gone, strerror(errno));
	return 0;
}

/* ---- what is left behind ---- */

#define ANY_AGE INT32_MIN /* of sweep() */

typedef bool leftover_fn(const char *name);

static bool is_lock(const char *name)
{
	return str_ends(str_of(name), STR(".lock"));
}

static bool is_temporary(const char *name)
{
	return strncmp(name, "tmp_", 4) == 0;
}

/* Removes entries below dir that are left over and old; depth: how many levels of directories are looked at.
 */
static void sweep(struct arena *a, const char *dir, leftover_fn *left, int64_t old_s, unsigned depth)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		struct stat st;
		if (e->d_name[0] == '.')
			continue;
		const char *path = push_path(a, dir, e->d_name, NULL);
		if (lstat(path, &st) < 0)
			continue;
		if (left(e->d_name) && st.st_mtime < clock_wall_ms() / 1000 - old_s)
			files_remove(path);
		else if (S_ISDIR(st.st_mode) && depth > 1)
			sweep(a, path, left, old_s, depth - 1);
	}
	if (d)
		closedir(d);
}

void hosted_clean(const char *home, const char *key)
{
	enum { DAY_S = 24 * 3600 };
	cleanup_arena struct arena a = ARENA_INIT;
	const char *dir = hosted_git_dir(&a, home, key);
	sweep(&a, dir, is_lock, HOSTED_LOCK_OLD_S, 1);
	sweep(&a, push_path(&a, dir, "refs", NULL), is_lock, HOSTED_LOCK_OLD_S, REFS_DEPTH_MAX);
	sweep(&a, push_path(&a, dir, "objects", NULL), is_temporary, DAY_S, 2);
}

/* "NS_NAME.SECONDS.git" */
static bool is_past(const char *name)
{
	struct str rest = str_of(name);
	int64_t since;
	if (!str_ends(rest, STR(".git")))
		return false;
	rest.n -= 4;
	const char *dot = memrchr(rest.p, '.', rest.n);
	return dot && str_int64(str_from(rest, (size_t)(dot - rest.p) + 1), &since) &&
	       since < clock_wall_ms() / 1000 - HOSTED_DELETED_S;
}

void hosted_purge(const char *home)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *const *keys;
	size_t n;
	sweep(&a, push_path(&a, home, "deleted", NULL), is_past, ANY_AGE, 1);
	if (hosted_list(&a, home, &keys, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		hosted_clean(home, keys[i]);
}

/* ---- all of them ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int hosted_list(struct arena *a, const char *home, const char *const **out, size_t *n, struct error *err)
{
	VEC(const char *) keys = { 0 };
	const char *root = push_path(a, home, "repos", NULL);
	DIR *namespaces = opendir(root);
	if (!namespaces)
		return error_set(err, "%s: %s", root, strerror(errno));
	for (struct dirent *ns; (ns = readdir(namespaces));) {
		DIR *names = hosted_name_ok(str_of(ns->d_name))
				     ? opendir(push_path(a, root, ns->d_name, NULL))
				     : NULL;
		for (struct dirent *e; names && (e = readdir(names));) {
			struct str name = str_of(e->d_name);
			if (!str_ends(name, STR(".json")))
				continue;
			name.n -= 5;
			if (hosted_name_ok(name))
				vec_push(&keys, arena_printf(a, "%s/%.*s", ns->d_name, STR_ARG(name)));
		}
		if (names)
			closedir(names);
	}
	closedir(namespaces);
	const char **copy = arena_array(a, const char *, keys.n);
	if (keys.n) {
		memcpy(copy, keys.at, keys.n * sizeof(*copy));
		qsort(copy, keys.n, sizeof(*copy), by_text);
	}
	*out = copy;
	*n = keys.n;
	vec_release(&keys);
	return 0;
}

int hosted_keys_write(const char *home, const struct hosted_repo *const *repos, size_t n, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct node *root = node_map(&a);
	struct map seen = MAP_INIT;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < repos[i]->n_keys; k++) {
			const struct hosted_key *key = &repos[i]->keys[k];
			struct access_key read;
			if (!key->key || !access_may_read(key) ||
			    access_key_read(&a, str_of(key->key), &read, NULL) < 0)
				continue;
			struct node *line = node_string(&a, str_of(read.key));
			if (!map_put(&seen, str_of(read.fingerprint), line))
				node_add(&a, root, str_of(read.fingerprint), line);
		}
	}
	map_release(&seen);
	json_write_pretty(&text, root);
	return write_if_other(push_path(&a, home, "keys.json", NULL), buf_str(&text), err);
}

const char *hosted_key_line(struct arena *a, const char *home, const char *fingerprint, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = push_path(a, home, "keys.json", NULL);
	struct node *root;
	if (file_read(path, KEYS_MAX, &text, err) != 0)
		return NULL;
	if (json_parse(a, buf_str(&text), true, &root, err) < 0)
		return error_wrap(err, "%s", path), NULL;
	return record_text(root, fingerprint);
}

/* ---- after a push ---- */

static size_t count_files(const char *dir, const char *suffix)
{
	size_t n = 0;
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.' && str_ends(str_of(e->d_name), str_of(suffix));
	if (d)
		closedir(d);
	return n;
}

void hosted_look(const char *home, const char *key, struct hosted_state *out)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *dir = hosted_git_dir(&a, home, key);
	out->bytes = files_size(dir);
	out->packs = count_files(push_path(&a, dir, "objects", "pack", NULL), ".pack");
	/* Names of objects are spread evenly over 256 directories. */
	out->loose = 256 * count_files(push_path(&a, dir, "objects", "17", NULL), "");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_refs(struct arena *a, const char *dir, unsigned depth, struct buf *out)
{
	struct dirent **entries = NULL;
	int n = depth ? scandir(dir, &entries, NULL, by_name) : 0;
	for (int i = 0; i < n; i++) {
		struct stat st;
		const char *path = push_path(a, dir, entries[i]->d_name, NULL);
		if (entries[i]->d_name[0] != '.' && lstat(path, &st) == 0 && out->n < REFS_TEXT_MAX) {
			if (S_ISDIR(st.st_mode))
				add_refs(a, path, depth - 1, out);
			else if (S_ISREG(st.st_mode) && !is_lock(entries[i]->d_name)) {
				buf_printf(out, "%s ", path);
				file_read(path, HEAD_MAX, out, NULL);
			}
		}
		free(entries[i]);
	}
	free(entries);
}

struct hash hosted_refs(const char *home, const char *key)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	const char *dir = hosted_git_dir(&a, home, key);
	file_read(push_path(&a, dir, "packed-refs", NULL), REFS_TEXT_MAX, &text, NULL);
	add_refs(&a, push_path(&a, dir, "refs", NULL), REFS_DEPTH_MAX, &text);
	return hash_of(buf_str(&text));
}

bool hosted_wants_packing(const struct hosted_state *state)
{
	return state->packs > HOSTED_PACKS_MAX || state->loose > HOSTED_LOOSE_MAX;
}

/* The one branch below dir, as "name" or "folder/name"; NULL: there is none, or more than one. */
static const char *only_branch(struct arena *a, const char *dir, const char *prefix, unsigned depth,
			       bool *more)
{
	const char *found = NULL;
	DIR *d = depth ? opendir(dir) : NULL;
	for (struct dirent *e; d && !*more && (e = readdir(d));) {
		if (e->d_name[0] == '.' || str_ends(str_of(e->d_name), STR(".lock")))
			continue;
		struct stat st;
		const char *path = push_path(a, dir, e->d_name, NULL);
		const char *name = arena_printf(a, "%s%s", prefix, e->d_name);
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			name = only_branch(a, path, arena_printf(a, "%s/", name), depth - 1, more);
		*more = *more || (name && found);
		found = name ? name : found;
	}
	if (d)
		closedir(d);
	return *more ? NULL : found;
}

void hosted_settle_head(const char *home, const char *key)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf head = BUF_INIT;
	bool more = false;
	const char *dir = hosted_git_dir(&a, home, key), *path = push_path(&a, dir, "HEAD", NULL);
	/* Of packed branches one was HEAD's once. */
	if (access(push_path(&a, dir, "packed-refs", NULL), F_OK) == 0 ||
	    file_read(path, HEAD_MAX, &head, NULL) != 0 ||
	    !str_starts(buf_str(&head), STR("ref: refs/heads/")))
		return;
	struct str named = str_trim(str_from(buf_str(&head), 5));
	if (access(push_path(&a, dir, arena_str(&a, named).p, NULL), F_OK) == 0)
		return;
	const char *only =
		only_branch(&a, push_path(&a, dir, "refs", "heads", NULL), "", REFS_DEPTH_MAX, &more);
	if (only)
		push_replace(path, str_of(arena_printf(&a, "ref: refs/heads/%s\n", only)), NULL);
}

/* The name of its file: neither a namespace nor a name has an underscore. */
void hosted_mark_changed(const char *home, const char *key)
{
	cleanup_arena struct arena a = ARENA_INIT;
	char *name = arena_strdup(&a, key), *slash = strchr(name, '/');
	if (!slash)
		return;
	*slash = '_';
	int fd = open(push_path(&a, home, "changed", name, NULL), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

size_t hosted_take_changed(struct arena *a, const char *home, const char *const **out)
{
	VEC(const char *) keys = { 0 };
	const char *dir = push_path(a, home, "changed", NULL);
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		char *key = arena_strdup(a, e->d_name), *bar = strchr(key, '_');
		if (e->d_name[0] == '.')
			continue;
		unlink(push_path(a, dir, e->d_name, NULL));
		if (!bar)
			continue;
		*bar = '/';
		vec_push(&keys, key);
	}
	if (d)
		closedir(d);
	const char **copy = arena_array(a, const char *, keys.n);
	if (keys.n)
		memcpy(copy, keys.at, keys.n * sizeof(*copy));
	*out = copy;
	size_t n = keys.n;
	vec_release(&keys);
	return n;
}
