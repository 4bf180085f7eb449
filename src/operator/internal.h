/*
 * internal.h - the operator's own structs, for files of this folder only.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "deploy/app.h"
#include "io/httpd.h"
#include "kube/watch.h"
#include "operator/lease.h"
#include "operator/exec_render.h"
#include "operator/link.h"
#include "operator/operator.h"
#include "operator/scope.h"
#include "operator/spec.h"
#include "operator/values.h"
#include "repo/reads.h"
#include "repo/remote_base.h"

struct managed;
struct source;
struct hook;

enum hook_result {
	HOOK_TAKEN,
	HOOK_IGNORED,
	HOOK_REPLAYED,
	HOOK_UNREADABLE,
	HOOK_UNAUTHORIZED,
	HOOK_LIMITED,
	HOOK_UNREADY,
	HOOK_UNKNOWN,
	HOOK_RESULTS
};

struct operator
{
	struct loop *loop;
	const struct operator_options *options;
	struct kube_client *client;
	struct link link;
	struct lease *lease;
	struct httpd *web;
	struct kube_watch *app_watch, *repo_watch, *image_watch;
	struct map apps;	   /* "NAMESPACE/NAME" -> struct managed */
	struct map sources;	   /* "NAMESPACE/NAME" -> struct source */
	struct map image_rules;	   /* "NAMESPACE/NAME" -> struct image_rule */
	struct map image_branches; /* image_commit.c */
	struct http_client *registries;
	uint64_t image_scans, image_commits; /* counters for /metrics */
	unsigned image_busy;		     /* scans under way */
	struct scope_cache scopes;
	struct values *values;
	struct exec_render exec;    /* programs that Apps may run */
	char *exec_dir;		    /* of their outputs */
	struct values *hook_values; /* Secrets of webhooks */
	uint64_t hooks[HOOK_RESULTS];
	struct remote_cache *remotes;	   /* bases in other repositories; NULL: none may be read */
	struct base_logins *base_logins;   /* what these are asked for with */
	VEC(struct managed *) start_queue; /* attempts that wait for a slot; see slots.c */
	size_t slots_taken, slots_lent;
	struct loop_timer *slot_timer;
	VEC(struct managed *) status_queue; /* apps whose status may differ from what was written */
	size_t status_in_flight;
	struct loop_timer *stop_timer, *quiet_timer;
	bool repos_listed, rules_listed;
	bool stopping;
	struct error failure; /* why operator_run() ends with -1 */
	bool failed;
	uint64_t renders, status_writes, persists, reconciles; /* counters for /metrics */
	struct resident *resident;
	uint64_t activity; /* events and attempts up to the last look */
	bool trimmed;	   /* memory was given back since the last of them */
	uint32_t random_state;
};

/* One App object. */
struct managed {
	struct operator* operator;
	char *key; /* "NAMESPACE/NAME" */
	struct app app;
	struct link_port port;
	struct arena spec_arena;
	struct app_spec spec;
	char *spec_error;      /* the object cannot be understood; NULL: it can */
	struct source *source; /* or NULL: the Repo is not there */
	struct loop_timer *timer;
	char *sha;		/* commit that wanted stands for */
	struct render_job *job; /* under way */
	struct reads reads;	/* what the last render looked at; packed is NULL: not known */
	struct values_use *values;
	/* What its environment in capstan.yaml takes variables from, as the last render found it. */
	struct render_spec environment;
	struct arena environment_arena;
	struct values_use *environment_values;
	struct hydration *hydration; /* with spec.hydrate */
	uint64_t job_ticket;
	bool slot, slot_lent; /* slots.c: has one; has one that no longer counts */
	bool start_queued;
	int64_t slot_since;
	bool ready;		   /* app and driver exist */
	bool gone;		   /* the object is gone: freed when nothing is under way */
	bool listed;		   /* seen in the list under way */
	int restoring;		   /* inventory chunks still to be read */
	struct node *first_object; /* while restoring */
	struct arena restore_arena;

	int64_t settled_generation; /* of the spec whose revision has been looked up: what the state is about
				     */

	/* status.c */
	bool status_queued, status_in_flight, status_known;
	struct loop_timer *status_timer;
	int64_t status_due;	 /* when it fires, while it is armed */
	struct hash status_hash; /* of what the server has, volatile fields left out */
	char ready_status[8];	 /* of the Ready condition as last written */
	int64_t ready_since_ms, reconciling_since_ms,
		stalled_since_ms; /* wall clock, for lastTransitionTime */
	bool was_reconciling, was_stalled;
	char *handled_sync; /* value of ANNOTATION_SYNC that was acted on */
	bool sync_due;	    /* it has a newer one, which waits for cycle sync_cycle of the source */
	uint64_t sync_token, sync_cycle; /* hash of that value */

	/* store.c */
	struct persist_call *persist;
	size_t chunks; /* ConfigMaps the inventory is in; 0: it is in the App */
	VEC(struct hash) chunk_hashes;
	uint64_t stored_serial;
};

/* managed.c */
void managed_event(struct operator* op, const struct kube_watch_event *event);
void managed_list_begin(struct operator* op);
void managed_list_end(struct operator* op);
void managed_free(struct managed *m);
void managed_environment(struct managed *m, const struct render_spec *sources); /* from now on; copied */
void managed_values_changed(void *operator, void * managed);			/* for values_new() */
void managed_wanted(struct managed *m); /* its source has news, or its spec changed */
/* A render tells what it looked at, and the hash of that at its commit; takes `reads` over. */
void managed_reads_known(struct managed *m, uint64_t ticket, struct reads *reads, struct hash hash);
struct cluster_driver *managed_driver(struct managed *m);
void managed_start(struct managed *m, const struct node *object, const struct inventory *inventory);

/* sources.c */
void sources_event(struct operator* op, const struct kube_watch_event *event);
void sources_list_begin(struct operator* op);
void sources_list_end(struct operator* op);
void source_free(struct source *s);
struct source *source_find(struct operator* op, const char *namespace, const char *name);
void source_subscribe(struct source *s, struct managed *m);
void source_unsubscribe(struct source *s, struct managed *m);
/* What the source has for one app; NULL sha: nothing yet. error: it cannot be had (""/NULL: no error). */
struct source_answer {
	const char *sha;
	char display[APP_REVISION_MAX];
	struct repo_view *view; /* of that commit; the source's */
	const char *error;
};
struct source_ask {
	const char *revision;
	const char *path; /* that must be there; NULL: none need be */
};
bool source_resolve(struct source *s, const struct source_ask *ask, struct source_answer *out);
struct publisher *source_publisher(struct source *s);	    /* NULL: its remote is not open */
uint64_t source_next_cycle(const struct source *s);	    /* the first one that begins after now */
bool source_passed(const struct source *s, uint64_t cycle); /* it has ended, or none will come */
void source_notify(struct source *s);			    /* look at the remote now */
struct hook *source_hook(const struct source *s);	    /* NULL: it has no webhook */
void source_touch(struct source *s);			    /* its status has news */
bool source_failing(const struct source *s);		    /* the last look at the remote did not work */
/* Whether a look at the remote may bring any App something, after this event. */
bool source_concerns(const struct source *s, const struct webhook_event *event);
const char *source_mirror(const struct source *s); /* NULL: its remote is not open */
/* The newest commit of a branch, as last looked at; NULL: not known, or there is none. */
const char *source_branch(struct source *s, const char *branch);

/* slots.c */
void slot_wait(struct managed *m, uint64_t ticket); /* job_start() now, or when there is a slot */
void slot_check(struct managed *m);		    /* after every step of the app's machine */
void slot_release(struct managed *m);		    /* the app goes away */

/* jobs.c */
struct render_job;
void job_start(struct managed *m, uint64_t ticket);
void job_forget(struct render_job *job);	 /* its managed is going away */
void job_values_changed(struct render_job *job); /* of its managed's environment */

/* hydration.c */
/* Renders and commits what is due; true: something is under way. */
bool hydration_step(struct managed *m);
const char *hydration_error(const struct managed *m); /* why the last attempt did not work, or NULL */
void hydration_restore(struct managed *m, const struct node *status);
void hydration_status(const struct managed *m, struct arena *a, struct node *status);
void hydration_cancel(struct managed *m); /* what is under way; it begins anew with the next step */
void hydration_free(struct managed *m);
/* What is rendered; that is deployed, too, unless it goes to a branch first. */
struct source_ask managed_source_ask(const struct managed *m);
/* Of all that reads says a render reads, at answer; before the first render every commit is another. */
struct hash managed_files_hash(const struct managed *m, struct reads *reads,
			       const struct source_answer *answer);
struct hash managed_input(const struct managed *m, struct hash files); /* of a render by the spec */

/* status.c */
void status_defer(struct managed *m); /* it waits for a slot now: news can wait, too */
void status_touch(struct managed *m);
void status_restore(struct managed *m, const struct node *object);
void status_release(struct managed *m);

/* store.c */
/* Reads the inventory of an App; calls managed_start() now or when its chunks were read. */
void store_restore(struct managed *m, const struct node *object);
void store_persist(void *managed, struct cluster_driver *d, uint64_t token);
/* After the state changed: chunks that differ are written. Small inventories travel in the status. */
void store_update(struct managed *m);
void store_remove_finalizer(struct managed *m);
void store_release(struct managed *m);
/* The text for status.inventory, or NULL when chunks hold it. */
char *store_status_text(struct managed *m, struct arena *a);

/* image_rules.c */
void image_rules_event(struct operator* op, const struct kube_watch_event *event);
void image_rules_list_begin(struct operator* op);
void image_rules_list_end(struct operator* op);
void image_rules_free(struct operator* op);
/* A Repo was looked at. */
void image_rules_told(struct operator* op, struct source *s, const char *namespace, const char *name);
/* Those of the namespace that watch an image of the event look at the registry now; how many do. */
size_t image_rules_notify(struct operator* op, const char *namespace, const struct webhook_event *event);
/* NULL: there is no such rule, or it has no webhook. */
void image_rules_touch(struct operator* op, const struct hook *hook); /* its state has changed */
struct hook *image_rules_hook(struct operator* op, const char *key);

/* image_commit.c */
void image_commits_cancel(struct operator* op, const char *source_key); /* its publisher goes away */

/* hooks.c */
/* What an object says of its webhook; secret NULL: it has none. */
struct hook_want {
	const char *object; /* "repo" or "rule", in the log */
	const char *namespace, *name, *secret;
	enum webhook_type type;
};
/* Begins, changes or ends a webhook; old and the answer may be NULL. */
struct hook *hook_update(struct operator* op, struct hook *old, const struct hook_want *want);
void hook_free(struct operator* op, struct hook *hook);
/* Of a Repo's status: condition Webhook, with a comma before it; what of it is news; and as it was written.
 * hook may be NULL. */
void hook_condition(const struct hook *hook, int64_t generation, struct buf *out);
void hook_news(const struct hook *hook, struct buf *out);
void hook_restore(struct hook *hook, const struct node *conditions);
void hooks_changed(void *op, void *hook); /* for values_new() */
void hooks_serve(void *op, const char *name, const struct httpd_request *request, struct httpd_reply *reply);
const char *hook_result_name(enum hook_result result); /* in the metric */

/* serve.c */
void serve_request(void *op, const struct httpd_request *request, struct httpd_reply *reply);
