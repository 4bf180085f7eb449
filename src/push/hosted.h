/*
 * hosted.h - the repositories under HOME/repos, and what every git process on them is told.
 *
 * A repository's config file is ours alone, written anew from its record: what a push may do is decided there
 * and nowhere in the repository's own content. Hooks are those of HOME/hooks.
 */
#pragma once

#include "base/hash.h"
#include "base/map.h"
#include "base/vec.h"
#include "push/home.h"

#define HOSTED_BRANCH_DEFAULT "main"
#define HOSTED_PACKS_MAX 12u /* packs beyond which a repository is packed anew */
#define HOSTED_DELETED_S (INT64_C(7) * 24 * 3600)
#define HOSTED_LOOSE_MAX 2000u /* loose objects, estimated */
#define HOSTED_SIZE_LEAST                                                                 \
	65536u /* a push may bring so much in any case: or nothing could ever be repaired \
		*/

/* HOME with its directories, and HOME/hooks with scripts that run `program push-receive` and `push-received`.
 */
int hosted_home_prepare(const char *home, const char *program, struct error *err);

/*
 * Makes the repository when it is not there, and writes its record and its config when they differ. branch:
 * what HEAD points to in a new one.
 */
int hosted_update(const char *home, const struct hosted_repo *repo, const char *branch, struct error *err);
/*
 * Takes away what a killed git left: locks of refs, which are held for moments, after LOCK_OLD_S; received
 * objects that never became any repository's after a day. A push that outlived the service keeps its own.
 */
#define HOSTED_LOCK_OLD_S 20
void hosted_clean(const char *home, const char *key);
/* Nobody gets in any more; the repository is in HOME/deleted/NS_NAME.SECONDS.git until hosted_purge(). */
int hosted_delete(const char *home, const char *key, struct error *err);
/* What was deleted HOSTED_DELETED_S ago goes for good, and what killed processes left behind in repositories.
 */
void hosted_purge(const char *home);
char *hosted_git_dir(struct arena *a, const char *home, const char *key); /* HOME/repos/NS/NAME.git */

/* "NS/NAME" of every record there is, sorted; memory from a. */
int hosted_list(struct arena *a, const char *home, const char *const **out, size_t *n, struct error *err);

/* HOME/keys.json: every ssh key that has a right to some repository. */
int hosted_keys_write(const char *home, const struct hosted_repo *const *repos, size_t n, struct error *err);
/* The key's line for a fingerprint, NULL: there is none, or the file cannot be read (err). */
const char *hosted_key_line(struct arena *a, const char *home, const char *fingerprint, struct error *err);

/* After a push: what is there now. */
struct hosted_state {
	uint64_t bytes;
	size_t packs, loose; /* loose: an estimate, as git's own gc makes it */
};
void hosted_look(const char *home, const char *key, struct hosted_state *out);
struct hash hosted_refs(const char *home, const char *key); /* of all refs and where they point */
bool hosted_wants_packing(const struct hosted_state *state);
/* When HEAD names a branch that is not there and there is one branch only, HEAD is made to name that. */
void hosted_settle_head(const char *home, const char *key);

/*
 * Who pushes tells the service by a file in HOME/changed; the service takes the files and looks after these
 * repositories. Both never fail: what is lost is looked after with the next push.
 */
void hosted_mark_changed(const char *home, const char *key);
/* Keys of what changed since the last call, taken away; memory from a. */
size_t hosted_take_changed(struct arena *a, const char *home, const char *const **out);

/* The token by which the operator reads a repository; made by the service, and no key of the object. */
#define HOSTED_OPERATOR "capstan (the operator)"
bool hosted_key_is_operators(const struct hosted_key *key);

/* One git process for somebody. */
struct hosted_session {
	const char *home, *key; /* NS/NAME */
	const char *who;
	size_t index;	  /* of the key in the record */
	bool by_operator; /* reads what is pushed, but not accepted yet */
};

/* The environment of such a process, "K=V", ended by NULL; nothing of ours but PATH and the like. extra: more
 * of them, ended by NULL, or NULL itself. */
const char **hosted_environment(struct arena *a, const struct hosted_session *session,
				const char *const *extra);
