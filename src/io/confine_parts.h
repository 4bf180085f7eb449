/*
 * confine_parts.h - what the files of confine share; confine.c explains the whole. Internal to io/confine*.c
 * and their tests.
 *
 * Functions under "child" run between clone and exec in a copy of a process that may have threads: they may
 * only make system calls and touch memory that is there already (no allocation, no locks, no stdio).
 */
#pragma once

#include <linux/filter.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/arena.h"
#include "io/confine.h"

/* How much of the namespaces is used; the next is tried when one cannot be had. */
enum confine_level {
	CONFINE_LEVEL_ROOT,   /* all namespaces and a root of its own */
	CONFINE_LEVEL_SPACES, /* all namespaces, but nothing can be mounted */
	CONFINE_LEVEL_BARE,   /* none */
	CONFINE_LEVELS,
};

/* As root we lend a program one of these accounts, which systemd, too, keeps free of people. */
#define CONFINE_ACCOUNT_FIRST 61184u
#define CONFINE_ACCOUNT_LAST 65519u

/* A path of this machine that the program may see. */
struct confine_show {
	enum {
		SHOW_DIR,
		SHOW_FILE,
		SHOW_DEVICE,
		SHOW_LINK, /* text: where it leads */
		SHOW_TEXT, /* in a root of its own: a file with that text; else the machine's */
	} kind;
	const char *path; /* absolute */
	const char *text;
	int fd; /* the child's, while it builds the root; -1: it could not be opened */
};

/* Everything that the child reads, made ready before it is there. */
struct confine_job {
	const struct confine_spec *spec; /* defaults filled in */
	struct confine_show *show;
	size_t n_show;
	const char *program; /* for execve(): absolute, or relative to the working directory */
	uint64_t tree_bytes; /* of files, counted in whole pages; stdin too */
	uint64_t entries_max;
	long ticks; /* of the processor clock in a second */
	int landlock;
	bool probe; /* set up all and run nothing */

	/* of one attempt */
	enum confine_level level;
	const char *base; /* where "tree", "home" and "tmp" are, as the program sees it */
	const char *cwd;
	char *const *env;
	bool switch_account;
	uid_t uid;	   /* as the child names it; the group has the same number */
	bool root_outside; /* its account is root outside: no limit of processes binds it */
	uint64_t nproc;	   /* where the search for a limit of processes begins */
	bool nproc_search; /* others have processes of the same account, which count too */
	bool memory_group, pids_group;
	pid_t caller;
	int control, out, err; /* its ends */
};

/* What the child says, one datagram each. The parent answers READY with GO. */
struct confine_note {
	enum {
		NOTE_READY,
		NOTE_GO,      /* a: the child's pid as the parent sees it */
		NOTE_HELD,    /* a: layer; b: detail (version of Landlock) */
		NOTE_MISSING, /* a: layer; b: errno */
		NOTE_FAILED,  /* a: stage; b: errno; x: index */
		NOTE_REFUSED, /* policy */
		NOTE_STARTED, /* a: the program's pid as the child sees it */
		NOTE_LIMIT,   /* a: enum confine_end */
		NOTE_SEEN,    /* a: disk full; b: processes were at their cap; x: peak of memory */
		NOTE_EXIT,    /* a: status as of wait */
		NOTE_OVER,    /* all its processes are gone */
	} kind;
	int32_t a, b, unused; /* no gap: all of it is sent */
	uint64_t x;
};

enum confine_stage {
	STAGE_ACCOUNT, /* this and the next: another attempt may do better */
	STAGE_ROOT,
	STAGE_FILES, /* x: index of the file, or n_files */
	STAGE_STDIN,
	STAGE_FORK,
	STAGE_DIR,
	STAGE_EXEC,
	STAGES,
};

/* confine_plan.c: parent. -1: the spec cannot be run. */
int confine_plan(struct arena *a, const struct confine_spec *spec, struct confine_job *job,
		 struct error *err);
/* What depends on where the tree lies. */
void confine_plan_base(struct arena *a, struct confine_job *job, const char *base);

/* confine_child.c: child. The process that sets all up, holds the program and is the end of it. */
_Noreturn void confine_child(struct confine_job *job);
void confine_say(const struct confine_job *job, int kind, int a, int b, uint64_t x);
void confine_say_layer(const struct confine_job *job, enum confine_layer layer, int error);
_Noreturn void confine_fail(const struct confine_job *job, enum confine_stage stage, uint64_t index);

/* confine_root.c: child. -1: errno says why. */
void confine_open_shown(struct confine_job *job);	     /* while the account may still open everything */
int confine_enter_root(struct confine_job *job, bool *proc); /* proc: there is a /proc of its own */
int confine_write_files(const struct confine_job *job, uint64_t *index);
int confine_open_stdin(const struct confine_job *job);

/* confine_program.c: child. Becomes the program. held: layers that hold so far; grouped: as in the filter. */
_Noreturn void confine_program(const struct confine_job *job, uint32_t held, bool grouped, int in,
			       pid_t keeper);

void confine_drop_bounding(void); /* no program gives capabilities any more */

/* confine_watch.c: child. */
struct confine_watch {
	int proc;	/* open directory, or -1 */
	pid_t session;	/* only processes of it are the program's; 0: all but the keeper are */
	pid_t keeper;	/* as /proc names it */
	unsigned turns; /* looks taken so far */
	unsigned over;	/* looks in a row that were over the cap of memory */
	uint64_t memory_peak;
	bool disk_full, pids_reached;
};
/* Takes a look: CONFINE_EXITED when all is within its caps, or what is not. last: the program has ended. */
enum confine_end confine_look(struct confine_watch *w, const struct confine_job *job, bool last);

/* Stops all that descends from the keeper, then kills it; as it alone reaps orphans, their numbers are still
 * theirs. */
void confine_kill_family(const struct confine_watch *w);

/* confine_landlock.c: child. Version of the interface (0: none); -1: errno. */
int confine_landlock_version(void);
int confine_landlock_apply(const struct confine_job *job);

/* confine_filter.c: child. The program of the filter: how many instructions, at most CONFINE_FILTER_MAX. */
#define CONFINE_FILTER_MAX 512
struct confine_filter {
	bool strict;	   /* no root of its own: what that would cover is denied, too */
	bool grouped;	   /* its processes are known by their session, which they may not leave */
	bool free_signals; /* nothing else keeps it from signalling others */
	pid_t spare[2];	   /* processes that it may not signal then */
	struct sock_filter code[CONFINE_FILTER_MAX];
	unsigned short n;
};
void confine_filter_make(struct confine_filter *f);
int confine_filter_apply(struct confine_filter *f);

/* confine_cgroup.c: parent. A group for one run beneath the one that we are in, or beside it. */
struct confine_group {
	char path[4096]; /* "": there is none */
	bool pids;	 /* it caps processes, too */
};
/* mount: where cgroup v2 is mounted; self: our /proc/self/cgroup. 1: there is no such group; errno says why.
 */
int confine_group_make(struct confine_group *g, const char *mount, const char *self, uint64_t memory,
		       unsigned pids);
int confine_group_add(const struct confine_group *g, pid_t pid);
bool confine_group_out_of_memory(const struct confine_group *g); /* something was killed for it */
void confine_group_remove(struct confine_group *g);

/* confine_scratch.c: parent. A directory of ours, held by a lock until scratch_end(). */
struct confine_scratch {
	char *path; /* NULL: none */
	int fd;
};
/* 1: it cannot be given to owner. */
int confine_scratch_make(struct confine_scratch *s, const char *parent, uid_t owner, struct error *err);
void confine_scratch_end(struct confine_scratch *s);

/* One attempt to run a program. Parent. */
struct confine_attempt {
	struct confine_job *job;
	struct confine_result *result;
	struct confine_group group;
	pid_t pid, program;
	int control, out, err; /* our ends; -1: closed */
	uid_t outside;	       /* the program's account as we see it */
	bool exited, limited, over, refused, killed, started;
	int failed; /* enum confine_stage, or -1 */
	struct confine_note failure;
	int64_t deadline, force_at;
};

/* confine_attend.c: parent. */
void confine_attend(struct confine_attempt *r); /* until the keeper is gone, or nothing can end it */
void confine_settle(struct confine_attempt *r); /* then: reaped, output read to its end, and what ended it */
int confine_reap(struct confine_attempt *r, struct rusage *usage); /* usage may be NULL */
void confine_close(int *fd);					   /* -1 is fine, and left behind */
