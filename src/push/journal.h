/*
 * journal.h - the record of one push on disk (HOME/pushes/ID): what it is, how far it got, and how to undo
 * it.
 *
 *     record.json  this struct, replaced whole and synced before anything outside is changed
 *     log          what the pusher was told, line by line
 *     lock         held (fcntl(2), an open file description's) by the process that runs the machine; free:
 *                  that process is dead
 *     preempt      written by a newer push that wants the targets; the text tells who
 *
 * HOME/pushes/open/ID is there as long as the record is not finished, or unclean, or not tidied up: what a
 * service has to look at, however many pushes there were.
 *
 * An ID is the time, a hash of the repository and chance: "20261128-150405123-a1b2c3-4d5e". Sorted as text
 * the older push comes first.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "push/machine.h"
#include "repo/refs.h"

#define JOURNAL_ID_MAX 40
#define JOURNAL_REFS_MAX 1000u	       /* refs of one push; more are refused */
#define JOURNAL_TARGETS_MAX 100u       /* environments of one push */
#define JOURNAL_KEPT 200u	       /* finished pushes of one repository that are kept for push-status */
#define JOURNAL_RECORD_MAX (64u << 20) /* bytes of record.json; App specs in it are the large part */
#define JOURNAL_TEXT_MAX 4096u	       /* bytes of one name, URL or reason in it */
#define JOURNAL_BEFORE_MAX (3u << 20)  /* of one App's spec: more than the API server keeps */
#define JOURNAL_LOG_MAX (4u << 20)     /* of a push's log; what is more is not kept */
#define JOURNAL_BY_MAX 200u	       /* of who asks to give way */

struct journal_ref {
	const char *name;				 /* "refs/heads/main" */
	char old[SHA_HEX_MAX + 1], new[SHA_HEX_MAX + 1]; /* "": not there, goes */
};

enum journal_kind {
	JOURNAL_DIRECT, /* an App of the pushed commit */
	JOURNAL_CONFIG, /* a commit in the configuration repository */
};

/* One environment that the push deploys. */
struct journal_target {
	const char *environment;
	enum journal_kind kind;
	const char *key; /* what is claimed: "app NS/NAME", or "config URL PATH" */
	/* direct: */
	const char *namespace, *app;
	const char *before; /* JSON of the App's spec before; NULL: there was none, or it is not known yet */
	bool known;	    /* `before` is what was there */
	/* config: */
	const char *url, *branch, *path;
	char parent[SHA_HEX_MAX + 1], commit[SHA_HEX_MAX + 1]; /* "": not pushed (that we know) */
	int64_t timeout_ms;
	bool keep;
};

struct journal_record {
	char id[JOURNAL_ID_MAX + 1];
	const char *repo; /* NS/NAME */
	const char *who;
	int64_t began_ms, ended_ms; /* wall clock */
	enum push_state state;
	bool unclean;
	const char *reason; /* why it was refused; NULL */
	const struct journal_ref *refs;
	size_t n_refs;
	struct journal_target *targets;
	size_t n_targets;
	int64_t receiver_pid, receiver_start; /* git-receive-pack: start is field 22 of /proc/PID/stat */
};

struct journal; /* one that this process has open and locked */

bool journal_id_ok(struct str id); /* nothing else becomes a path */

/* Makes HOME/pushes/ID and locks it; the id, and began_ms when that is 0, are written into record. */
struct journal *journal_create(const char *home, struct journal_record *record, struct error *err);
/* Locks one that is there. NULL, err empty: somebody has it; NULL with err: it cannot be read. */
struct journal *journal_take(const char *home, const char *id, struct arena *a, struct journal_record *out,
			     struct error *err);
const char *journal_dir(const struct journal *j);
/* -1: the record on disk is the one before, or (the directory could not be synced) perhaps this one. */
int journal_save(struct journal *j, const struct journal_record *record, struct error *err);
/* From any thread; control characters become spaces. */
void journal_log(struct journal *j, struct str line);
void journal_close(struct journal *j); /* the lock goes; the record stays. NULL: nothing */
/* Of a finished push, closed: takes tree.git away, and old finished pushes of the repository beyond
 * JOURNAL_KEPT. One thread at a time. */
void journal_tidy(const char *home, const struct journal_record *record);

/* 1: there is no such push. out is untouched unless 0 is returned; id may be out->id, here and above. */
int journal_read(struct arena *a, const char *home, const char *id, struct journal_record *out,
		 struct error *err);
/* All records of a repository (NULL: of all), newest first. Unreadable ones are passed over and counted. */
int journal_list(struct arena *a, const char *home, const char *repo, struct journal_record **out, size_t *n,
		 size_t *unreadable, struct error *err);
/* The same of those that are not finished, or unclean: cheap, however many there were. Those that were killed
 * between their end and journal_tidy() are tidied up. */
int journal_unfinished(struct arena *a, const char *home, const char *repo, struct journal_record **out,
		       size_t *n, size_t *unreadable, struct error *err);
bool journal_finished(const struct journal_record *record);	  /* DONE or REFUSED, clean or not */
bool journal_running(const char *home, const char *id);		  /* its lock is held */
bool journal_receiver_alive(const struct journal_record *record); /* git may still move the refs */
int64_t journal_process_start(int64_t pid);			  /* for receiver_start; -1: there is none */
/* Asks the process that runs ID to give way; by: for people. The first who asks is kept. */
int journal_preempt(const char *home, const char *id, const char *by, struct error *err);
/* Whether somebody asked; by into a. */
const char *journal_preempted(struct arena *a, const struct journal *j);

/* record.json itself. Pure. */
void journal_record_write(struct buf *out, const struct journal_record *record);
/* id: of the directory; the record must be of that. err names the key that is wrong. */
int journal_record_read(struct arena *a, struct str text, const char *id, struct journal_record *out,
			struct error *err);
