/*
 * box.h - what a program that builds images gets: namespaces of its own, a root directory of its own, limits.
 *
 * Builders mount, become other accounts and make namespaces, so io/confine.h is not for them. A box is: a
 * user namespace in which the builder is root over accounts that own nothing outside; mount, pid, ipc and uts
 * namespaces; a network namespace unless the machine's network is asked for; a root in memory with the
 * system's programs (/usr), read-only, and what is bound or written into it. A keeper is its first process:
 * it reaps, looks at memory, processes and what was written ten times a second, and its end is the end of all
 * of them. It ends with the process that asked for the box, however that one ends.
 *
 * box_run() is the outside. The inside is the hidden command `push-box` of this program: box_inside().
 */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#define BOX_COMMAND "push-box"
#define BOX_SPEC_MAX (8u << 20)	   /* bytes of a spec as it is handed over */
#define BOX_PIDS 512u		   /* processes and threads when nothing is said */
#define BOX_LINE_MAX 500u	   /* bytes of one line of output; the rest is dropped */
#define BOX_OUTPUT_MAX (16u << 20) /* bytes of output that are handed on; the rest is dropped */
#define BOX_IDS_FIRST                                                                        \
	1879048192u /* as root: accounts of boxes, outside of those of people and of systemd \
		     */
#define BOX_IDS 65536u

struct box_bind {
	const char *from, *to; /* a directory or file of this machine; where in the box */
	bool write;
};

/* A small file in the box, in memory alone. */
struct box_file {
	const char *path;
	struct str data;
};

enum box_network {
	BOX_NO_NETWORK,
	BOX_EGRESS,  /* none but the proxy of egress.h, and variables that name it */
	BOX_MACHINE, /* the machine's */
};

struct box {
	const char *const *argv; /* absolute argv[0], as the box sees it; ended by NULL */
	const char *const *env;	 /* ended by NULL; nothing of ours */
	const char *dir;	 /* working directory in the box */
	const struct box_bind *binds;
	size_t n_binds;
	const struct box_file *files;
	size_t n_files;
	const char
		*overlay; /* a bound directory: where overlay mounts do not work, STORAGE_DRIVER=vfs is set */
	enum box_network network;
	const char *const *allowed; /* BOX_EGRESS: more hosts, "host:port"; ended by NULL, or NULL */
	int64_t timeout_ms;
	uint64_t memory_bytes, disk_bytes; /* disk: what it may write */
	int64_t cpus_milli;		   /* 0: all */
	uint32_t pids_max;
};

enum box_end {
	BOX_EXITED,
	BOX_TIMED_OUT,
	BOX_CANCELLED,
	BOX_OVER_MEMORY,
	BOX_OVER_DISK,
	BOX_OVER_PIDS,
	BOX_DISK_FULL, /* what is left on the disk beneath it is kept for others */
	BOX_KILLED,    /* from outside, or by the kernel for want of memory */
};

struct box_result {
	enum box_end end;
	int exit_code;
	int64_t took_ms;
	uint64_t memory_peak, written; /* as the keeper saw them last */
};

/* One line of output, without control characters; from the thread that runs the box. */
typedef void box_line_fn(void *ctx, const char *line);

/*
 * Runs it. Blocking. 0: it ran, and result says how that ended; -1: it could not be set up. *cancel and
 * deadline_ms (monotonic) end it soon; NULL, 0: none.
 */
int box_run(const struct box *box, box_line_fn *line, void *ctx, const atomic_bool *cancel,
	    int64_t deadline_ms, struct box_result *result, struct error *err);

/* "took longer than 30m", and what to do about it; for all ends but BOX_EXITED. */
const char *box_end_text(struct arena *a, const struct box *box, const struct box_result *result);

/* Text fit to be shown: no control characters, no escape sequences, well-formed UTF-8. */
void box_clean_line(struct str text, struct buf *out);

/* The command: reads the spec from fd 3. Does not return but with an exit status. */
int box_inside(int control);
