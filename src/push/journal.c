/*
 * journal.c - directories of pushes. One is made aside and renamed, so that whoever sees it sees a record in
 * it and a lock that is held; the record is replaced whole. The lock is one of an open file description
 * (fcntl): it goes with the process, and it can be looked at without taking it, even for a moment.
 */
#include "push/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/vec.h"
#include "io/file.h"
#include "push/home.h"
#include "push/home_record.h"
#include "repo/files.h"

enum {
	TRIES = 8,	  /* ids that are taken already */
	TIME_LEN = 18,	  /* "20261128-150405123" */
	REPO_LEN = 6,	  /* digits of the repository's hash */
	LEFT_MS = 600000, /* what was begun and never became a push goes after this */
};

struct journal {
	char *home, *dir;
	char id[JOURNAL_ID_MAX + 1];
	int lock;
	int log; /* -1: cannot be opened; nothing is kept */
	_Atomic(size_t) logged;
	bool kept; /* a power cut leaves the push: its directory and its mark are synced */
};

/* ---- names ---- */

static void repo_mark(const char *repo, char out[REPO_LEN + 1])
{
	char hex[HASH_HEX_LEN + 1];
	hash_hex(hash_of(str_of(repo)), hex);
	memcpy(out, hex, REPO_LEN);
	out[REPO_LEN] = '\0';
}

static void make_id(const char *repo, int64_t now_ms, char out[JOURNAL_ID_MAX + 1])
{
	char mark[REPO_LEN + 1];
	unsigned short chance = 0;
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	repo_mark(repo, mark);
	if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
		chance = (unsigned short)getpid();
	char day[32];
	strftime(day, sizeof(day), "%Y%m%d-%H%M%S", &tm);
	snprintf(out, JOURNAL_ID_MAX + 1, "%.15s%03d-%s-%04x", day, (int)(now_ms % 1000), mark, chance);
}

/* Whether an id is of that repository, as far as the id tells. */
static bool id_may_be_of(const char *id, const char *mark)
{
	return strlen(id) > TIME_LEN + 1 && strncmp(id + TIME_LEN + 1, mark, REPO_LEN) == 0;
}

static char *open_mark(struct arena *a, const char *home, const char *id)
{
	return push_path(a, home, "pushes", "open", id, NULL);
}

/* ---- locks ---- */

static bool lock_fd(int fd)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fcntl(fd, F_OFD_SETLK, &all) == 0;
}

static bool locked_by_another(int fd)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fcntl(fd, F_OFD_GETLK, &all) == 0 && all.l_type != F_UNLCK;
}

bool journal_running(const char *home, const char *id)
{
	cleanup_arena struct arena a = ARENA_INIT;
	if (!journal_id_ok(str_of(id)))
		return false;
	cleanup_fd int fd = open(push_path(&a, home, "pushes", id, "lock", NULL), O_RDWR | O_CLOEXEC);
	return fd >= 0 && locked_by_another(fd);
}

/* ---- one push ---- */

static struct journal *journal_new(const char *home, const char *id, const char *dir, int lock)
{
	struct journal *j = mem_alloc(sizeof(*j));
	cleanup_buf struct buf log = BUF_INIT;
	struct stat st;
	j->home = mem_strdup(home);
	j->dir = mem_strdup(dir);
	snprintf(j->id, sizeof(j->id), "%s", id);
	j->lock = lock;
	buf_printf(&log, "%s/log", dir);
	j->log = open(log.p, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (j->log >= 0 && fstat(j->log, &st) == 0)
		j->logged = (size_t)st.st_size;
	return j;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->log >= 0)
		close(j->log);
	close(j->lock);
	free(j->home);
	free(j->dir);
	free(j);
}

const char *journal_dir(const struct journal *j)
{
	return j->dir;
}

static int save_in(const char *dir, const struct journal_record *record, enum push_durable durable,
		   struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct journal_record back;
	journal_record_write(&text, record);
	/* One that nobody could read would never end. */
	if (journal_record_read(&a, buf_str(&text), record->id, &back, err) < 0)
		return error_wrap(err, "the record of push %s is not written", record->id);
	return push_write(push_path(&a, dir, "record.json", NULL), buf_str(&text), durable, err);
}

static int sync_dir(const char *path, struct error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && fsync(fd) == 0 ? 0 : error_set(err, "%s: %s", path, strerror(errno));
}

/*
 * What promises rest on has to outlive a power cut; before DELIVER a push may as well be gone, for nothing
 * outside has changed. DONE and WATCH that are lost are found out again.
 */
static enum push_durable durable_of(const struct journal *j, const struct journal_record *record)
{
	switch (record->state) {
	case PIPE_DELIVER:
	case PIPE_ACCEPT:
	case PIPE_UNDO:
		return PUSH_DURABLE;
	case PIPE_REFUSED:
		return j->kept ? PUSH_DURABLE : PUSH_VISIBLE;
	default:
		return j->kept ? PUSH_WHOLE : PUSH_VISIBLE;
	}
}

/* The push itself, and that it is open: names in directories that are synced when it first matters. */
static int keep(struct journal *j, struct arena *a, struct error *err)
{
	if (sync_dir(push_path(a, j->home, "pushes", "open", NULL), err) < 0 ||
	    sync_dir(push_path(a, j->home, "pushes", NULL), err) < 0)
		return -1;
	j->kept = true;
	return 0;
}

int journal_save(struct journal *j, const struct journal_record *record, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	enum push_durable durable = durable_of(j, record);
	if (durable == PUSH_DURABLE && !j->kept && keep(j, &a, err) < 0)
		return -1;
	return save_in(j->dir, record, durable, err);
}

/* The mark that the push is open comes before the push: one too many is found out, one too few is not. */
static int put_in_place(struct arena *a, const char *home, const char *aside, const char *id,
			struct error *err)
{
	const char *mark = open_mark(a, home, id), *dir = push_path(a, home, "pushes", id, NULL);
	if (push_write(mark, STR(""), PUSH_VISIBLE, err) < 0)
		return -1;
	if (rename(aside, dir) == 0)
		return 0;
	if (errno == EEXIST || errno == ENOTEMPTY)
		return 1;
	return error_set(err, "%s: %s", dir, strerror(errno));
}

/* The directory aside with its lock; -1: err. */
static int make_aside(const char *dir, struct error *err)
{
	cleanup_buf struct buf lock = BUF_INIT;
	buf_printf(&lock, "%s/lock", dir);
	int fd = open(lock.p, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 && lock_fd(fd))
		return fd;
	error_set(err, "%s: %s", lock.p, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* 1: the id is taken. */
static int create(struct arena *a, const char *home, char *aside, struct journal_record *record,
		  struct journal **out, struct error *err)
{
	make_id(record->repo, clock_wall_ms(), record->id);
	int lock = make_aside(aside, err);
	if (lock < 0)
		return -1;
	int rc = save_in(aside, record, PUSH_VISIBLE, err);
	if (rc == 0)
		rc = put_in_place(a, home, aside, record->id, err);
	if (rc == 0)
		*out = journal_new(home, record->id, push_path(a, home, "pushes", record->id, NULL), lock);
	else
		close(lock);
	return rc;
}

struct journal *journal_create(const char *home, struct journal_record *record, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal *j = NULL;
	if (record->began_ms == 0)
		record->began_ms = clock_wall_ms();
	if (push_make_dirs(push_path(&a, home, "pushes", "open", NULL), err) < 0)
		return NULL;
	for (int i = 0; i < TRIES; i++) {
		char *aside = push_path(&a, home, "pushes", "new-XXXXXX", NULL);
		if (!mkdtemp(aside)) { /* mode 0700 */
			error_set(err, "%s: %s", aside, strerror(errno));
			return NULL;
		}
		int rc = create(&a, home, aside, record, &j, err);
		if (rc == 0)
			return j;
		files_remove(aside);
		if (rc < 0) {
			unlink(open_mark(&a, home, record->id));
			return NULL;
		}
	}
	error_set(err, "%s/pushes: no free id for a push of %s", home, record->repo);
	return NULL;
}

struct journal *journal_take(const char *home, const char *id, struct arena *a, struct journal_record *out,
			     struct error *err)
{
	if (!journal_id_ok(str_of(id))) {
		error_set(err, "\"%.60s\" is no push", id);
		return NULL;
	}
	const char *dir = push_path(a, home, "pushes", id, NULL), *path = push_path(a, dir, "lock", NULL);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat held, named;
	if (fd < 0) {
		error_set(err, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (!lock_fd(fd)) {
		close(fd);
		return NULL;
	}
	/* It may have been taken away meanwhile, as one of the old ones. */
	if (fstat(fd, &held) < 0 || stat(path, &named) < 0 || held.st_ino != named.st_ino) {
		close(fd);
		error_set(err, "push %s is not there any more", id);
		return NULL;
	}
	int rc = journal_read(a, home, id, out, err);
	if (rc != 0) {
		close(fd);
		if (rc > 0)
			error_set(err, "push %s has no record", id);
		return NULL;
	}
	struct journal *j = journal_new(home, id, dir, fd);
	j->kept = out->state >= PIPE_DELIVER;
	return j;
}

void journal_log(struct journal *j, struct str line)
{
	size_t n = line.n < ERROR_TEXT_MAX * 4 ? line.n : ERROR_TEXT_MAX * 4;
	if (j->log < 0 || atomic_fetch_add(&j->logged, n + 1) + n + 1 > JOURNAL_LOG_MAX)
		return;
	cleanup_free char *text = mem_strndup(line.p, n);
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			text[i] = ' ';
	text[n] = '\n';
	/* One write: lines of several threads do not mix. What a full disk does not take is only a log. */
	if (write(j->log, text, n + 1) < 0)
		errno = 0;
}

/* ---- reading ---- */

int journal_read(struct arena *a, const char *home, const char *id, struct journal_record *out,
		 struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	if (!journal_id_ok(str_of(id)))
		return error_set(err, "\"%.60s\" is no push", id);
	const char *path = push_path(a, home, "pushes", id, "record.json", NULL);
	struct error missing = ERROR_INIT;
	int rc = file_read(path, JOURNAL_RECORD_MAX, &text, &missing);
	if (rc > 0)
		return 1;
	if (rc < 0)
		return error_set(err, "%s", missing.text);
	/* Written, and lost in a power cut before it was worth a sync: as if it had never been. */
	if (text.n == 0 || text.p[0] == '\0')
		return 1;
	if (journal_record_read(a, buf_str(&text), id, out, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	return -strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct ids {
	VEC(const char *) at;
};

static void ids_release(struct ids *ids)
{
	vec_release(&ids->at);
}

/* Names in a directory that are ids, newest first; mark: of the repository, NULL: all. */
static int list_ids(struct arena *a, const char *dir, const char *mark, struct ids *out, struct error *err)
{
	DIR *d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : error_set(err, "%s: %s", dir, strerror(errno));
	for (const struct dirent *e; (e = readdir(d));)
		if (journal_id_ok(str_of(e->d_name)) && (!mark || id_may_be_of(e->d_name, mark)))
			vec_push(&out->at, arena_strdup(a, e->d_name));
	closedir(d);
	if (out->at.n)
		qsort(out->at.at, out->at.n, sizeof(*out->at.at), newest_first);
	return 0;
}

static bool read_listed(struct arena *a, const char *home, const char *id, struct journal_record *out,
			size_t *unreadable)
{
	int rc = journal_read(a, home, id, out, NULL);
	*unreadable += rc < 0;
	return rc == 0;
}

int journal_list(struct arena *a, const char *home, const char *repo, struct journal_record **out, size_t *n,
		 size_t *unreadable, struct error *err)
{
	char mark[REPO_LEN + 1];
	cleanup(ids_release) struct ids ids = { 0 };
	*n = *unreadable = 0;
	if (repo)
		repo_mark(repo, mark);
	if (list_ids(a, push_path(a, home, "pushes", NULL), repo ? mark : NULL, &ids, err) < 0)
		return -1;
	*out = arena_array(a, struct journal_record, ids.at.n);
	for (size_t i = 0; i < ids.at.n; i++)
		if (read_listed(a, home, ids.at.at[i], &(*out)[*n], unreadable) &&
		    (!repo || strcmp((*out)[*n].repo, repo) == 0))
			(*n)++;
	return 0;
}

/* A mark whose push is finished, but not tidied up, was never made, or went with a power cut. */
static void remove_mark(struct arena *a, const char *home, const char *id, bool finished)
{
	const char *mark = open_mark(a, home, id);
	struct stat st;
	if (journal_running(home, id))
		return;
	if (!finished && (stat(mark, &st) < 0 || clock_wall_ms() - (int64_t)st.st_mtime * 1000 < LEFT_MS))
		return;
	files_remove(push_path(a, home, "pushes", id, finished ? "tree.git" : NULL, NULL));
	unlink(mark);
}

int journal_unfinished(struct arena *a, const char *home, const char *repo, struct journal_record **out,
		       size_t *n, size_t *unreadable, struct error *err)
{
	cleanup(ids_release) struct ids ids = { 0 };
	*n = *unreadable = 0;
	if (list_ids(a, push_path(a, home, "pushes", "open", NULL), NULL, &ids, err) < 0)
		return -1;
	*out = arena_array(a, struct journal_record, ids.at.n);
	for (size_t i = 0; i < ids.at.n; i++) {
		struct journal_record *r = &(*out)[*n];
		int rc = journal_read(a, home, ids.at.at[i], r, NULL);
		*unreadable += rc < 0;
		if (rc > 0 || (rc == 0 && journal_finished(r) && !r->unclean))
			remove_mark(a, home, ids.at.at[i], rc == 0);
		else if (rc == 0 && (!repo || strcmp(r->repo, repo) == 0))
			(*n)++;
	}
	return 0;
}

/* ---- git's process ---- */

int64_t journal_process_start(int64_t pid)
{
	char path[64];
	cleanup_buf struct buf text = BUF_INIT;
	snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	if (pid <= 0 || file_read(path, 4096, &text, NULL) != 0)
		return -1;
	/* "PID (NAME) STATE ...": the name may hold blanks and brackets; the start is field 22, proc(5). */
	const char *at = strrchr(text.p, ')');
	if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
		return -1;
	at += 2;
	for (int field = 3; field < 22; field++) {
		at = strchr(at, ' ');
		if (!at)
			return -1;
		at++;
	}
	int64_t start;
	struct str rest;
	return str_int64(str_cut(str_of(at), ' ', &rest), &start) ? start : -1;
}

bool journal_receiver_alive(const struct journal_record *record)
{
	return record->receiver_pid > 0 && record->receiver_start >= 0 &&
	       journal_process_start(record->receiver_pid) == record->receiver_start;
}

/* ---- asking to give way ---- */

int journal_preempt(const char *home, const char *id, const char *by, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	if (!journal_id_ok(str_of(id)))
		return error_set(err, "\"%.60s\" is no push", id);
	const char *path = push_path(&a, home, "pushes", id, "preempt", NULL);
	if (access(path, F_OK) == 0)
		return 0;
	return push_replace(path, (struct str){ by, strnlen(by, JOURNAL_BY_MAX) }, err);
}

const char *journal_preempted(struct arena *a, const struct journal *j)
{
	cleanup_buf struct buf text = BUF_INIT;
	if (file_read(push_path(a, j->dir, "preempt", NULL), JOURNAL_TEXT_MAX, &text, NULL) != 0)
		return NULL;
	char *by = arena_strndup(a, text.p ? text.p : "", text.n < JOURNAL_BY_MAX ? text.n : JOURNAL_BY_MAX);
	for (char *c = by; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	return by;
}

/* ---- tidying ---- */

/* Renamed first: no reader finds half of it. Nobody has it locked, or we do not touch it. */
static void remove_push(struct arena *a, const char *home, const char *id)
{
	struct journal_record record;
	struct journal *j = journal_take(home, id, a, &record, NULL);
	if (!j)
		return;
	const char *aside = push_path(a, home, "pushes", arena_printf(a, "old-%s", id), NULL);
	if (journal_finished(&record) && !record.unclean && rename(j->dir, aside) == 0)
		files_remove(aside);
	journal_close(j);
}

/* What killed processes left half made or half removed. */
static void remove_leftovers(struct arena *a, const char *pushes)
{
	DIR *d = opendir(pushes);
	if (!d)
		return;
	for (const struct dirent *e; (e = readdir(d));) {
		struct str name = str_of(e->d_name);
		struct stat st;
		const char *path = push_path(a, pushes, e->d_name, NULL);
		if ((str_starts(name, STR("new-")) || str_starts(name, STR("old-"))) &&
		    lstat(path, &st) == 0 && clock_wall_ms() - (int64_t)st.st_mtime * 1000 > LEFT_MS)
			files_remove(path);
	}
	closedir(d);
}

void journal_tidy(const char *home, const struct journal_record *record)
{
	cleanup_arena struct arena a = ARENA_INIT;
	char mark[REPO_LEN + 1];
	cleanup(ids_release) struct ids ids = { 0 };
	const char *pushes = push_path(&a, home, "pushes", NULL);
	if (!journal_id_ok(str_of(record->id)))
		return;
	files_remove(push_path(&a, pushes, record->id, "tree.git", NULL));
	if (journal_finished(record) && !record->unclean)
		unlink(open_mark(&a, home, record->id));
	repo_mark(record->repo, mark);
	if (list_ids(&a, pushes, mark, &ids, NULL) < 0)
		return;
	for (size_t i = JOURNAL_KEPT; i < ids.at.n; i++)
		remove_push(&a, home, ids.at.at[i]);
	if (ids.at.n > JOURNAL_KEPT)
		remove_leftovers(&a, pushes);
}
