/*
 * confine.h - runs one program on a copy of some files, so that it can hurt nobody: it sees its own
 * directory and the system's programs, has no network, and ends at its deadline with all it started.
 *
 * Blocking: for worker threads. Any number of threads may run programs at the same time. Nothing is left
 * behind, whatever the program does; confine_sweep() takes away what a killed process of ours left.
 *
 * What holds depends on the machine: each layer that does not is told in struct confine_report, and
 * CONFINE_REQUIRE refuses to run the program when too few hold. docs/reference/exec.md has the list.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* What counts when the spec has 0 there. */
#define CONFINE_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define CONFINE_TIMEOUT_MS 60000
#define CONFINE_MEMORY_BYTES (1ull << 30)
#define CONFINE_DISK_BYTES (256ull << 20)
#define CONFINE_PIDS 256u
#define CONFINE_OUTPUT_MAX (64u << 20)
#define CONFINE_STDERR_MAX (64u << 10)

/* Caps of a spec; each breach is an error that names it. */
#define CONFINE_FILES_MAX 200000u
#define CONFINE_TREE_MAX (1ull << 30) /* bytes of all files */
#define CONFINE_PATH_MAX 3072u	      /* a path in the tree: with what is in front of it, Linux takes 4095 */
#define CONFINE_DEPTH_MAX 128u	      /* directories in directories, the program's own too */

struct confine_file {
	const char *path; /* relative to the tree's root; no empty, "." or ".." parts */
	struct str data;
	bool executable;
};

enum confine_policy {
	CONFINE_REQUIRE,  /* refused unless a private root, pid and network namespaces hold, or Landlock and
			     the filter of system calls */
	CONFINE_TOLERATE, /* runs with what there is */
};

struct confine_spec {
	/* argv[0] is a name of our PATH, an absolute path, or, with a '/' in it, a path from dir. */
	const char *const *argv;
	const char *const *env; /* NULL-terminated "K=V", or NULL; over PATH, HOME, LANG and TMPDIR */
	const struct confine_file *files;
	size_t n_files;
	const char *dir;	 /* where in the tree it runs; "" or NULL: the root */
	struct str input;	 /* its stdin */
	const char *const *show; /* more paths of this machine that it may read; NULL-terminated, or NULL */
	const char *scratch; /* where a directory may be made when none in memory can; NULL: TMPDIR, /tmp */
	int64_t timeout_ms;
	int64_t cpu_ms; /* processor time of all its processes; 0: four times timeout_ms */
	uint64_t memory_bytes, disk_bytes;
	uint32_t pids_max;
	size_t output_max, stderr_max; /* stdout over its cap ends the program; of stderr the tail is kept */
	enum confine_policy policy;
	const atomic_bool *cancel; /* set by another thread: it is ended soon; NULL: never */
	unsigned without;	   /* for tests: layers (1 << CONFINE_...) that are not even tried */
};

enum confine_layer {
	CONFINE_ROOT,	     /* a root directory of its own, in a mount namespace */
	CONFINE_PID,	     /* pid namespace: it sees no other process, and its end is everybody's */
	CONFINE_NETWORK,     /* network namespace with nothing in it */
	CONFINE_IPC,	     /* ipc and uts namespaces */
	CONFINE_ACCOUNT,     /* it is neither root nor, where we are root, our account */
	CONFINE_LANDLOCK,    /* the kernel's Landlock on top */
	CONFINE_FILTER,	     /* dangerous system calls are denied */
	CONFINE_PRIVILEGES,  /* no capabilities, no new privileges */
	CONFINE_SIGNALS,     /* it cannot signal processes that are not its own */
	CONFINE_DISK,	     /* its directory is a file system in memory of limited size */
	CONFINE_MEMORY,	     /* a cgroup caps the memory of all its processes together */
	CONFINE_PIDS_CAPPED, /* the kernel caps the number of its processes */
	CONFINE_WATCH,	     /* memory, processor time, processes and disk use are watched from outside */
	CONFINE_LAYERS,
};

struct confine_report {
	uint32_t held;		 /* 1 << layer */
	int why[CONFINE_LAYERS]; /* errno of what is missing; 0: not known */
	int landlock;		 /* version of its interface; 0: none */
};

enum confine_end {
	CONFINE_EXITED,	  /* exit_code */
	CONFINE_SIGNALED, /* signal */
	CONFINE_TIMED_OUT,
	CONFINE_OVER_OUTPUT,
	CONFINE_OVER_MEMORY,
	CONFINE_OVER_CPU,
	CONFINE_OVER_DISK,
	CONFINE_OVER_PIDS,
	CONFINE_CANCELLED,
	CONFINE_LOST, /* the process that held it was killed from outside */
};

struct confine_result {
	enum confine_end end;
	int exit_code, signal;
	bool disk_full;	    /* at its end, or seen by the watch */
	bool pids_reached;  /* as many processes as it may have were seen */
	struct buf out;	    /* stdout, whole unless CONFINE_OVER_OUTPUT */
	struct buf err;	    /* the tail of stderr */
	uint64_t err_total; /* bytes of stderr, the dropped ones too */
	int64_t wall_ms, cpu_ms;
	uint64_t memory_peak; /* seen by the watch; 0: too short to be seen */
	struct confine_report report;
};

/*
 * 0: the program ran; confine_verdict() says whether that ended well. -1: it did not run (not found, refused
 * by policy, a cap of the spec, no memory for a process). result is to be released in both cases.
 */
int confine_run(const struct confine_spec *spec, struct confine_result *result, struct error *err);
void confine_result_release(struct confine_result *result);

/* 0: it exited with 0. -1: what ended it, and what to do; without its stderr. */
int confine_verdict(const struct confine_spec *spec, const struct confine_result *result, struct error *err);

/* Which layers hold on this machine: all is set up as for a program, and none is run. */
int confine_probe(const char *scratch, struct confine_report *out, struct error *err);

/* "user, mount, pid ... ; no cgroup for memory (Read-only file system): ..." for logs and status. */
void confine_report_text(const struct confine_report *report, struct buf *out);
const char *confine_layer_name(enum confine_layer layer);
/* Whether CONFINE_REQUIRE would run a program with this. */
bool confine_report_suffices(const struct confine_report *report);

/*
 * Where argv0 is found: NULL, or its path in out. A name is looked up in our PATH; a path with '/' that is
 * not absolute is the tree's, and is not found here.
 */
const char *confine_find_program(const char *argv0, struct buf *out);

/* Removes the directories that killed processes of ours left in scratch (NULL: TMPDIR, /tmp). */
void confine_sweep(const char *scratch);
