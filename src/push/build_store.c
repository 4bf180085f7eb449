/* build_store.c - see build_store.h. */
#include "push/build_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/vec.h"
#include "push/box.h"
#include "repo/files.h"

#define REMOVE_TIMEOUT_MS 600000
#define WORK "work-"
#define FRESH "new-" /* a working directory whose lock is not held yet */
#define TRASH "trash-"
#define FRESH_S 600 /* a fresh one that is older is a dead process's */

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

/* --- directories of the dead --- */

/* -1: somebody has it. */
static int take_lock(const char *path, int how)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && flock(fd, how) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool is_dead(const char *dir, const char *name)
{
	cleanup_buf struct buf path = BUF_INIT;
	struct stat st;
	if (strncmp(name, FRESH, strlen(FRESH)) == 0)
		return stat(dir, &st) == 0 && time(NULL) - st.st_mtime > FRESH_S;
	if (strncmp(name, WORK, strlen(WORK)) != 0)
		return false;
	buf_printf(&path, "%s/lock", dir);
	cleanup_fd int fd = take_lock(path.p, LOCK_EX | LOCK_NB);
	return fd >= 0;
}

/* Of one repository; true: there were some. */
static bool remove_dead(const char *home, const char *dir)
{
	bool found = false;
	DIR *d = opendir(dir);
	if (!d)
		return false;
	for (struct dirent *e; (e = readdir(d));) {
		cleanup_buf struct buf path = BUF_INIT;
		buf_printf(&path, "%s/%s", dir, e->d_name);
		if (!is_dead(path.p, e->d_name))
			continue;
		found = true;
		remove_dir(home, path.p);
	}
	closedir(d);
	return found;
}

/* --- a store --- */

static char *path_in(const struct build_store *s, const char *name)
{
	cleanup_buf struct buf path = BUF_INIT;
	buf_printf(&path, "%s/%s", s->dir, name);
	return mem_strndup(path.p, path.n);
}

static int make_dirs(struct build_store *s, const char *home, const struct hosted_repo *repo,
		     struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *builds = push_path(&a, home, "builds", NULL);
	const char *parent = push_path(&a, home, "builds", repo->namespace, NULL);
	const char *dir = push_path(&a, parent, repo->name, NULL);
	s->dir = mem_strdup(dir);
	if (!hosted_name_ok(str_of(repo->namespace)) || !hosted_name_ok(str_of(repo->name)))
		return error_set(err, "%s/%s: is no name of a repository", repo->namespace, repo->name);
	if (make_dir(builds, false, err) < 0 || make_dir(parent, false, err) < 0 ||
	    make_dir(dir, false, err) < 0 || make_dir(push_path(&a, dir, "store", NULL), true, err) < 0)
		return -1;
	return 0;
}

/* Who comes first after a builder was killed has the store alone, and cleans it. */
static void find_unclean(struct build_store *s)
{
	cleanup_free char *lock = path_in(s, "lock"), *unclean = path_in(s, "unclean");
	if (access(unclean, F_OK) < 0)
		return;
	int fd = take_lock(lock, LOCK_EX | LOCK_NB);
	if (fd < 0)
		return;
	s->lock = fd;
	s->unclean = true;
}

int build_store_open(struct build_store *s, const char *home, const struct hosted_repo *repo,
		     struct error *err)
{
	*s = (struct build_store){ .home = home, .lock = -1 };
	if (make_dirs(s, home, repo, err) < 0)
		return -1;
	if (remove_dead(home, s->dir))
		build_store_mark(s);
	find_unclean(s);
	cleanup_free char *lock = path_in(s, "lock");
	if (s->lock < 0)
		s->lock = take_lock(lock, LOCK_SH);
	if (s->lock < 0)
		return error_set(err, "%s: %s", lock, strerror(errno));
	(void)futimens(s->lock, NULL); /* when it was used last */
	return 0;
}

void build_store_cleaned(struct build_store *s)
{
	cleanup_free char *unclean = path_in(s, "unclean");
	(void)unlink(unclean);
	(void)flock(s->lock, LOCK_SH);
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
	cleanup_free char *fresh = path_in(s, FRESH "XXXXXX");
	cleanup_buf struct buf path = BUF_INIT;
	*w = (struct build_work){ .lock = -1 };
	if (!mkdtemp(fresh))
		return error_set(err, "%s: %s", fresh, strerror(errno));
	buf_printf(&path, "%s/lock", fresh);
	w->lock = take_lock(path.p, LOCK_EX | LOCK_NB);
	buf_clear(&path);
	buf_printf(&path, "%s/" WORK "%s", s->dir, strrchr(fresh, '-') + 1);
	if (w->lock < 0 || rename(fresh, path.p) < 0) {
		int why = errno;
		files_remove(fresh);
		return error_set(err, "%s: %s", path.p, strerror(why));
	}
	w->dir = mem_strndup(path.p, path.n);
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
	if (w->lock >= 0)
		close(w->lock);
	free(w->dir);
	*w = (struct build_work){ .lock = -1 };
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
	if (remove_dead(s->home, path)) {
		struct build_store store = { .dir = kept.dir };
		build_store_mark(&store);
	}
	if (stat(lock, &st) < 0)
		return;
	kept.used = st.st_mtim;
	kept.bytes = files_size(path);
	s->bytes += kept.bytes;
	vec_push(&s->list, kept);
}

static void take_namespace(struct sweep *s, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	if (strncmp(name, TRASH, strlen(TRASH)) == 0)
		remove_dir(s->home, path);
	else
		each_dir(s, path, take_store);
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
	const char *trash = arena_printf(&s->a, "%s/builds/" TRASH "%lld-%d", s->home,
					 (long long)clock_wall_ms(), (int)getpid());
	cleanup_fd int fd = take_lock(lock, LOCK_EX | LOCK_NB);
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
