/*
 * plain_parts.h - the structs of plain.h's machinery, for the files plain_*.c only.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "io/fswatch.h"
#include "io/httpd.h"
#include "operator/plain.h"
#include "operator/spec.h"
#include "operator/wants.h"
#include "repo/remote.h"

/* --- plain_file.c, plain_check.c --- */

enum plain_kind { PLAIN_REPO, PLAIN_APP };

struct plain_entry {
	enum plain_kind kind;
	const char *key; /* "NAMESPACE/NAME" */
	uint32_t line;
	struct hash hash; /* of all it says */
	const struct node *object;
};

struct plain_problem {
	uint32_t line;
	const char *text;
	enum plain_kind kind; /* with a key */
	const char *key;      /* of the entry that it is about, or "" */
};

struct plain_file {
	struct arena arena;
	struct hash hash; /* of the text */
	VEC(struct plain_entry) entries;
	VEC(struct plain_problem) problems;
	bool whole; /* every document could be told: what is not in it is not there */
};

/* -1: it cannot be read at all. Bad documents are problems, the others entries. */
int plain_file_read(const char *path, struct plain_file *out, struct error *err);
void plain_file_release(struct plain_file *f);

/* What the API server of a cluster would check: fields that are known, of the right type. err begins with the
 * field. */
int plain_check_fields(enum plain_kind kind, const struct node *object, struct error *err);
/* What makes no sense without a cluster. */
int plain_check_app(const struct app_spec *spec, struct error *err);
int plain_check_repo(const struct repo_spec *spec, struct error *err);

/* --- plain.c --- */

struct plain_app;
struct plain_source;

/* Who looks on: the log of a daemon (plain_log.c), or a sync (plain_sync.c). */
struct plain_observer {
	void (*publish)(struct plain_app *m);
	void (*refused)(struct plain_app *m, const char *why); /* its driver cannot be made */
};

struct plain {
	const struct plain_options *options;
	const struct plain_observer *observer;
	void *observer_ctx;
	bool once; /* a sync: one attempt each */
	struct loop *loop;
	int lock;
	char *mirrors;	    /* directory of this state directory's mirrors */
	struct map apps;    /* "NAMESPACE/NAME" -> struct plain_app */
	struct map sources; /* "NAMESPACE/NAME" -> struct plain_source */
	struct hash file_hash;
	struct httpd *web;
	struct fswatch *watch;
	char *real_file; /* where the links of the file's path lead to; NULL: not known */
	struct loop_timer *reread_timer;
	bool stopping;
	uint32_t random_state;
	uint64_t attempts, renders; /* for /metrics */
};

/* Takes the state directory for this process and makes the loop; plain_close() undoes what was done, also
 * after -1. */
int plain_open(struct plain *p, const struct plain_options *options, struct error *err);
void plain_close(struct plain *p);
uint32_t plain_random(struct plain *p);
/* Takes over what the file says now. */
void plain_take(struct plain *p, const struct plain_file *file);

/* --- plain_watch.c --- */

/* Calls reread(p) soon after the file changed. */
void plain_watch_start(struct plain *p, loop_fn *reread);
void plain_watch_again(struct plain *p); /* after each read: its directory may be another one */
void plain_watch_stop(struct plain *p);

/* --- plain_source.c --- */

struct plain_source {
	struct plain *plain;
	char *key;
	struct arena arena;
	struct repo_spec spec;
	struct hash hash;
	struct repo_remote *remote;
	struct loop_timer *timer;
	char *error;	    /* of the last poll; NULL: none */
	struct wants wants; /* what the last fetch was asked for */
	bool busy, again, polled, listed;
	unsigned failures;
};

void plain_source_seen(struct plain *p, const struct plain_entry *entry);
void plain_source_free(struct plain_source *s);
void plain_source_notify(struct plain_source *s); /* look at the remote now */
/*
 * What the source has for one App: 0 and out, 1 nothing is known yet, -1 and err. May begin a cycle for what
 * was never asked for.
 */
int plain_source_resolve(struct plain_source *s, const char *revision, struct resolved *out,
			 struct error *err);

/* --- plain_app.c, plain_render.c --- */

struct plain_job;

struct plain_app {
	struct plain *plain;
	char *key;
	struct arena arena;
	struct app_spec spec;
	uint32_t line;
	struct hash hash;
	struct plain_source *source; /* or NULL: there is no such Repo */
	struct app app;
	bool started;	 /* app and its driver exist */
	bool restarting; /* waits for the end of what is under way, to start anew */
	bool listed;
	struct loop_timer *timer;
	/* What wanted stands for, until the next revision is found: heals read it, whatever became of spec
	 * and Repo. */
	char *mirror, *path; /* NULL: nothing yet */
	struct resolved revision;
	struct hash tree;
	struct plain_job *job;
	uint64_t job_ticket;

	/* plain_log.c */
	uint64_t told_attempt;	  /* whose outcome was told */
	struct hash told_failure; /* what it said; zero: none */
	struct hash told_applied; /* input that was last told to be applied */
	char *told_source;	  /* error of the source; NULL: none */
	bool told_drift;

	/* plain_sync.c */
	bool over;
};

void plain_app_seen(struct plain *p, const struct plain_entry *entry);
void plain_app_free(struct plain_app *m);
void plain_app_bind(struct plain_app *m);   /* finds its Repo again */
void plain_app_wanted(struct plain_app *m); /* its source has news, or its spec changed */

/* Reads sha's files on a worker; ends in app_rendered(). A newer one takes the place of an older. */
void plain_job_start(struct plain_app *m, uint64_t ticket);
void plain_job_forget(struct plain_job *job);

/* --- plain_log.c, plain_serve.c --- */

extern const struct plain_observer plain_log;
void plain_serve(void *plain, const struct httpd_request *request, struct httpd_reply *reply);
