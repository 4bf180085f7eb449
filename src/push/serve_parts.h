/* serve_parts.h - structs of the push service, for files serve*.c only. */
#pragma once

#include "base/map.h"
#include "io/fswatch.h"
#include "io/httpd.h"
#include "io/process.h"
#include "kube/watch.h"
#include "operator/values.h"
#include "push/git_http.h"
#include "push/home_record.h"
#include "push/hosted.h"
#include "push/hosted_spec.h"
#include "push/mirror.h"
#include "push/serve.h"
#include "push/supervise.h"

#define LABEL_REMOTE "capstan.dev/remote" /* on a Repo: it was made for the Remote of its name */
#define FETCH_SECRET_TYPE "capstan.dev/fetch"

struct serve {
	const struct serve_options *options;
	const char *home;
	struct loop *loop;
	struct kube_client *client;
	struct values *values;
	struct kube_watch *repo_watch, *remote_watch;
	struct map served; /* "NAMESPACE/NAME" -> struct served */
	bool repos_listed;
	struct httpd *web;
	struct git_http *git;
	struct supervised *sshd, *operator;
	struct fswatch *files;
	struct loop_timer *changed_timer, *keys_timer, *recover_timer, *hour_timer, *stop_timer;
	struct process *recover, *cleaning;
	unsigned hours;
	bool recovered; /* once, at the start */
	unsigned recover_failures;
	struct arena arena;			       /* of the texts below */
	const char *ssh_base, *http_base, *fetch_base; /* addresses without NS/NAME.git; NULL: none */
	const char *host_key;
	uint64_t pushes;
	bool stopping, stop_again;
	int64_t stop_at_ms;
};

/* One object as it was last seen. */
struct served_object {
	bool there, listed;
	struct arena arena;
	struct hash hash; /* of what we read of it */
	struct hosted_spec spec;
	char *error; /* what is wrong with it; NULL: nothing */
	const struct node *status;
	const char *uid;
};

/* One repository. */
struct served {
	struct serve *serve;
	char *key, *namespace, *name;
	struct served_object repo, remote;
	bool of_remote;	 /* the Repo is labelled so */
	bool other_repo; /* of a Remote: a Repo of that name is there, and not for it */
	bool gone;
	struct values_use *registry, *mirror_secret;
	struct loop_timer *timer; /* packing, retries */
	/* serve_secret.c */
	struct kube_call *secret_call;
	char token_sha256[65]; /* "": not known */
	char *secret_error;
	/* serve_repo.c */
	struct arena record_arena;
	struct hosted_repo record;
	bool recorded;
	char *error; /* why it is not as it should be; NULL */
	struct hosted_state state;
	char pushed[32]; /* RFC 3339, ""; when a push was last accepted */
	struct hash refs;
	struct process *packing;
	int64_t packed_ms; /* monotonic, when it was last packed; 0: never */
	struct mirror *mirror;
	struct hash mirror_hash;
	char *mirror_error;
	bool mirror_due;
	unsigned mirror_failures;
	/* serve_status.c */
	struct kube_call *status_call, *remote_status_call, *create_call;
};

/* serve_objects.c */
void serve_watch(struct serve *serve);
struct served *served_find(struct serve *serve, struct str key);
void served_free(struct served *s);

/* serve_repo.c */
void served_apply(struct served *s);   /* the record, the repository and status as the objects say */
void served_retire(struct served *s);  /* its objects are gone */
void served_changed(struct served *s); /* somebody pushed */
void served_release(struct served *s); /* what serve_repo.c keeps */
void serve_write_keys(void *serve);    /* keys.json, soon */

/* serve_secret.c: whether the operator's token is known, or cannot be had (s->secret_error); else
 * served_apply() is called when it is. */
bool served_token(struct served *s);
const char *served_secret_name(struct arena *a, const struct served *s);

/* serve_status.c */
void served_tell(struct served *s); /* writes what is not there yet */
