/*
 * claim.c - the file of a target names its push; whether that still counts is asked of the push's record and
 * its lock. A short lock keeps two claimers of one target apart; it is one of a few, so that no file has to
 * be made and removed for each target.
 */
#include "push/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "io/file.h"
#include "push/home.h"
#include "push/home_record.h"

enum {
	CLAIM_FILE_MAX = 8192, /* bytes: an id, and the key for people */
	LOCK_TRIES = 500,      /* of 10 ms: whoever has it only reads and writes small files */
	LOCK_PAUSE_NS = 10000000,
};

struct target {
	struct arena a;
	const char *home, *key, *path;
	int lock;
};

static void target_close(struct target *t)
{
	if (t->lock >= 0)
		close(t->lock);
	arena_release(&t->a);
}

static int lock_stripe(const char *path, int *out, struct error *err)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	*out = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*out < 0)
		return error_set(err, "%s: %s", path, strerror(errno));
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (fcntl(*out, F_OFD_SETLK, &all) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return error_set(err, "%s: %s", path, strerror(errno));
		nanosleep(&pause, NULL);
	}
	return error_set(err, "%s: another process has it for seconds: is one stopped?", path);
}

static int target_open(struct target *t, const char *home, const char *key, struct error *err)
{
	char hex[HASH_HEX_LEN + 1];
	*t = (struct target){ .home = home, .key = key, .lock = -1 };
	hash_hex(hash_of(str_of(key)), hex);
	t->path = push_path(&t->a, home, "targets", hex, NULL);
	if (push_make_dirs(push_path(&t->a, home, "targets", NULL), err) < 0)
		return -1;
	/* 16 locks: by the first digit. */
	return lock_stripe(push_path(&t->a, home, "targets", arena_printf(&t->a, "lock-%c", hex[0]), NULL),
			   &t->lock, err);
}

/* Who the file names; 1: nobody. */
static int read_owner(struct target *t, char owner[JOURNAL_ID_MAX + 1], struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error why = ERROR_INIT;
	struct str rest;
	owner[0] = '\0';
	int rc = file_read(t->path, CLAIM_FILE_MAX, &text, &why);
	if (rc > 0)
		return 1;
	if (rc < 0)
		return error_set(err, "%s", why.text);
	struct str id = str_cut(buf_str(&text), '\n', &rest);
	if (!journal_id_ok(id))
		return error_set(err, "%s is damaged: remove it once no push to %.200s is under way", t->path,
				 t->key);
	memcpy(owner, id.p, id.n);
	owner[id.n] = '\0';
	return 0;
}

static int take(struct target *t, const char *id, enum claim_answer *answer, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text, "%s\n%.*s\n", id, (int)strnlen(t->key, JOURNAL_TEXT_MAX), t->key);
	*answer = CLAIM_OURS;
	return push_replace(t->path, buf_str(&text), err);
}

/* What the record of another push says about its claim. */
static int judge(struct target *t, const char *id, const char *by, const char *owner,
		 enum claim_answer *answer, struct error *err)
{
	struct journal_record record;
	/* First the lock: what a record says once its process is gone is final. */
	bool running = journal_running(t->home, owner);
	int rc = journal_read(&t->a, t->home, owner, &record, err);
	if (rc < 0)
		return error_wrap(err, "%.200s belongs to push %s, whose record cannot be read", t->key,
				  owner);
	bool finished = rc > 0 || journal_finished(&record);
	if (finished && !running)
		return take(t, id, answer, err);
	if (!running) {
		/* Between the hook's end and post-receive nobody has the lock, and git moves the refs. */
		bool git = record.state == PIPE_ACCEPT && journal_receiver_alive(&record);
		*answer = git ? CLAIM_TAKEN : CLAIM_LEFT;
		return 0;
	}
	*answer = !finished && strcmp(owner, id) > 0 ? CLAIM_NEWER : CLAIM_TAKEN;
	if (!by || *answer == CLAIM_NEWER || finished || record.state >= PIPE_ACCEPT)
		return 0;
	return journal_preempt(t->home, owner, by, err);
}

int claim_try(const char *home, const char *key, const char *id, const char *by, enum claim_answer *answer,
	      char owner[JOURNAL_ID_MAX + 1], struct error *err)
{
	cleanup(target_close) struct target t;
	int rc = target_open(&t, home, key, err);
	if (rc == 0)
		rc = read_owner(&t, owner, err);
	if (rc < 0)
		return error_wrap(err, "claim %.200s", key);
	if (rc > 0) {
		rc = take(&t, id, answer, err);
	} else if (strcmp(owner, id) == 0) {
		*answer = CLAIM_OURS;
	} else {
		rc = judge(&t, id, by, owner, answer, err);
	}
	if (rc < 0)
		return error_wrap(err, "claim %.200s", key);
	if (*answer == CLAIM_OURS)
		snprintf(owner, JOURNAL_ID_MAX + 1, "%s", id);
	return 0;
}

void claim_release(const char *home, const char *key, const char *id)
{
	cleanup(target_close) struct target t;
	char owner[JOURNAL_ID_MAX + 1];
	if (target_open(&t, home, key, NULL) == 0 && read_owner(&t, owner, NULL) == 0 &&
	    strcmp(owner, id) == 0)
		unlink(t.path);
}
