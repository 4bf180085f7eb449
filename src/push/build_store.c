/* build_store.c - see build_store.h. */
#include "push/build_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/vec.h"
#include "push/box.h"
#include "repo/files.h"

#define REMOVE_TIMEOUT_MS 600000
#define WORK "work-"
#define TRASH "trash-"
#define LOCK_TURN_MS 50

/* As root, what a box writes belongs to the box's root; else its root is ourselves. */
static int give_to_box(const char *path)
{
	return geteuid() == 0 && chown(path, BOX_IDS_FIRST, BOX_IDS_FIRST) < 0 ? -1 : 0;
}

static int make_dir(const char *path, bool for_box, struct error *err)
{
	if ((mkdir(path, 0700) < 0 && errno != EEXIST) || (for_box && give_to_box(path) < 0))
		return error_set(err, "%s: %s", path, strerror(errno));
	return 0;
}

static void ignore_line(void *ctx, const char *line)
{
}

/* Files of the box's other accounts are not ours to remove where we are not root: a box does it. */
static void remove_by_box(const char *home, const char *path)
{
	static const char *const argv[] = { "/bin/rm", "-rf", "/trash/it", NULL };
	static const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct box_result result;
	const char *parent = arena_printf(&a, "%s/builds/" TRASH "box-%d", home, (int)getpid());
	const char *inside = arena_printf(&a, "%s/it", parent);
	struct box_bind bind = { parent, "/trash", true };
	struct box box = { .argv = argv,
			   .env = env,
			   .binds = &bind,
			   .n_binds = 1,
			   .timeout_ms = REMOVE_TIMEOUT_MS,
			   .pids_max = BOX_PIDS };
	if (mkdir(parent, 0700) < 0 || rename(path, inside) < 0)
		return;
	(void)box_run(&box, ignore_line, NULL, NULL, 0, &result, &err);
	files_remove(parent);
}

static void remove_dir(const char *home, const char *path)
{
	files_remove(path);
	if (access(path, F_OK) == 0)
		remove_by_box(home, path);
}

/* --- a store --- */

/* -1: somebody has it, or errno. */
static int take_lock(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static char *path_in(const struct build_store *s, const char *name)
{
	cleanup_buf struct buf path = BUF_INIT;
	buf_printf(&path, "%s/%s", s->dir, name);
	return mem_strndup(path.p, path.n);
}

/* Names of gitkube's builds have a slash in them. */
static const char *dir_name(struct arena *a, const char *build)
{
	char hex[HASH_HEX_LEN + 1];
	if (hosted_name_ok(str_of(build)))
		return build;
	hash_hex(hash_of(str_of(build)), hex);
	return arena_printf(a, "%s", hex);
}

static int make_dirs(struct build_store *s, const char *home, const struct hosted_repo *repo,
		     const char *build, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *path = push_path(&a, home, "builds", NULL);
	const char *parts[] = { repo->namespace, repo->name, dir_name(&a, build) };
	if (!hosted_name_ok(str_of(repo->namespace)) || !hosted_name_ok(str_of(repo->name)))
		return error_set(err, "%s/%s: is no name of a repository", repo->namespace, repo->name);
	if (make_dir(path, false, err) < 0)
		return -1;
	for (size_t i = 0; i < 3; i++) {
		path = push_path(&a, path, parts[i], NULL);
		if (make_dir(path, false, err) < 0)
			return -1;
	}
	s->dir = mem_strdup(path);
	return make_dir(push_path(&a, path, "store", NULL), true, err);
}

static int wait_for_lock(struct build_store *s, const atomic_bool *stop, int64_t deadline_ms,
			 struct error *err)
{
	cleanup_free char *lock = path_in(s, "lock");
	while ((s->lock = take_lock(lock)) < 0) {
		if (errno != EWOULDBLOCK)
			return error_set(err, "%s: %s", lock, strerror(errno));
		if (atomic_load(stop) || (deadline_ms && clock_mono_ms() > deadline_ms))
			return error_set(err, "another push builds the image, and time is over");
		s->waited = true;
		(void)poll(NULL, 0, LOCK_TURN_MS);
	}
	return 0;
}

/* With the lock held: all of them are a dead process's. */
static bool remove_works(const char *home, const char *dir)
{
	bool found = false;
	DIR *d = opendir(dir);
	if (!d)
		return false;
	for (struct dirent *e; (e = readdir(d));) {
		cleanup_buf struct buf path = BUF_INIT;
		if (strncmp(e->d_name, WORK, strlen(WORK)) != 0)
			continue;
		buf_printf(&path, "%s/%s", dir, e->d_name);
		remove_dir(home, path.p);
		found = true;
	}
	closedir(d);
	return found;
}

int build_store_open(struct build_store *s, const char *home, const struct hosted_repo *repo,
		     const char *build, const atomic_bool *stop, int64_t deadline_ms, struct error *err)
{
	*s = (struct build_store){ .home = home, .lock = -1 };
	if (make_dirs(s, home, repo, build, err) < 0 || wait_for_lock(s, stop, deadline_ms, err) < 0)
		return -1;
	(void)futimens(s->lock, NULL); /* when it was used last */
	if (remove_works(home, s->dir))
		build_store_mark(s);
	cleanup_free char *unclean = path_in(s, "unclean");
	s->unclean = access(unclean, F_OK) == 0;
	/* It may have gone between our making it and our having the lock. */
	cleanup_free char *store = path_in(s, "store");
	return make_dir(store, true, err);
}

void build_store_cleaned(struct build_store *s)
{
	cleanup_free char *unclean = path_in(s, "unclean");
	(void)unlink(unclean);
	s->unclean = false;
}

void build_store_mark(struct build_store *s)
{
	cleanup_free char *unclean = path_in(s, "unclean");
	int fd = open(unclean, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

void build_store_close(struct build_store *s)
{
	if (s->lock >= 0)
		close(s->lock);
	free(s->dir);
	*s = (struct build_store){ .lock = -1 };
}

/* --- working directories --- */

int build_work_make(struct build_store *s, struct build_work *w, struct error *err)
{
	static const char *const parts[] = { "context", "out", "tmp" };
	cleanup_free char *template = path_in(s, WORK "XXXXXX");
	cleanup_buf struct buf path = BUF_INIT;
	*w = (struct build_work){ 0 };
	if (!mkdtemp(template))
		return error_set(err, "%s: %s", template, strerror(errno));
	w->dir = hand_over(template);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		buf_clear(&path);
		buf_printf(&path, "%s/%s", w->dir, parts[i]);
		if (make_dir(path.p, i >= 1, err) < 0)
			return -1;
		/* Other accounts of the box read the context, and write to /tmp. */
		(void)chmod(path.p, i == 2 ? 01777 : 0755);
	}
	return 0;
}

void build_work_remove(struct build_store *s, struct build_work *w)
{
	if (w->dir)
		remove_dir(s->home, w->dir);
	free(w->dir);
	*w = (struct build_work){ 0 };
}

/* --- all of them --- */

struct kept {
	char *dir;
	struct timespec used;
	uint64_t bytes;
};

struct sweep {
	const char *home;
	struct arena a;
	VEC(struct kept) list;
	uint64_t bytes, removed;
	size_t n_trash;
};

typedef void dir_fn(struct sweep *s, const char *path);

static void each_dir(struct sweep *s, const char *dir, dir_fn *fn)
{
	DIR *d = opendir(dir);
	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			fn(s, arena_printf(&s->a, "%s/%s", dir, e->d_name));
	closedir(d);
}

static void take_store(struct sweep *s, const char *path)
{
	struct stat st;
	struct kept kept = { .dir = arena_strdup(&s->a, path) };
	const char *lock = arena_printf(&s->a, "%s/lock", path);
	if (stat(lock, &st) < 0)
		return;
	cleanup_fd int fd = take_lock(lock);
	struct build_store store = { .dir = kept.dir };
	if (fd >= 0 && remove_works(s->home, path))
		build_store_mark(&store);
	kept.used = st.st_mtim;
	kept.bytes = files_size(path);
	s->bytes += kept.bytes;
	vec_push(&s->list, kept);
}

static void take_repository(struct sweep *s, const char *path)
{
	each_dir(s, path, take_store);
}

static void take_namespace(struct sweep *s, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	if (strncmp(name, TRASH, strlen(TRASH)) == 0)
		remove_dir(s->home, path);
	else
		each_dir(s, path, take_repository);
}

static int by_use(const void *x, const void *y)
{
	const struct kept *a = x, *b = y;
	if (a->used.tv_sec != b->used.tv_sec)
		return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
	return a->used.tv_nsec < b->used.tv_nsec ? -1 : a->used.tv_nsec > b->used.tv_nsec;
}

static void remove_store(struct sweep *s, const struct kept *kept)
{
	const char *lock = arena_printf(&s->a, "%s/lock", kept->dir);
	const char *store = arena_printf(&s->a, "%s/store", kept->dir);
	const char *trash = arena_printf(&s->a, "%s/builds/" TRASH "%lld-%d-%zu", s->home,
					 (long long)clock_wall_ms(), (int)getpid(), s->n_trash++);
	cleanup_fd int fd = take_lock(lock);
	if (fd < 0 || rename(store, trash) < 0)
		return;
	remove_dir(s->home, trash);
	s->bytes -= kept->bytes;
	s->removed += kept->bytes;
}

int build_store_sweep(const char *home, uint64_t max_bytes, uint64_t *removed, struct error *err)
{
	struct sweep s = { .home = home };
	each_dir(&s, push_path(&s.a, home, "builds", NULL), take_namespace);
	if (s.list.n)
		qsort(s.list.at, s.list.n, sizeof(*s.list.at), by_use);
	for (size_t i = 0; i < s.list.n && s.bytes > max_bytes; i++)
		remove_store(&s, &s.list.at[i]);
	*removed = s.removed;
	vec_release(&s.list);
	arena_release(&s.a);
	return 0;
}
