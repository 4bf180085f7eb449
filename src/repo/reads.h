/*
 * reads.h - what a render looked at in a commit, and a hash of what it saw: the same hash at another commit
 * means that the same render there would see the same, so that nobody has to render again to know.
 *
 * While it renders, paths are noted, found ones and ones that are not there; then they are packed into a
 * struct reads, a few hundred bytes that are kept an app. Its hash depends on the set of paths and on what is
 * there, not on the order they were noted in, and is the same in every process.
 *
 * A hash at another commit costs one look a directory when none of them changed (a thousand apps with ten
 * paths each: some milliseconds), and one look a path when one did.
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "repo/view.h"

#define READS_PACKED_MAX 4096 /* bytes; over it whole directories are watched in place of their files */
#define READS_NOTES_MAX 50000 /* over it the whole repository is watched */

/* --- while rendering --- */

struct reads_note {
	char kind;
	bool links;
	const char *path;
};

struct reads_notes {
	struct arena arena;
	struct map seen;
	VEC(struct reads_note) list;
	bool everything; /* more than READS_NOTES_MAX */
};

void reads_notes_release(struct reads_notes *n);
/* That path was looked at, and what the view said: whether it is a file and which one, a directory (not what
 * is in it), or nothing. */
void reads_note_path(struct reads_notes *n, const char *path, const struct view_entry *e);
/* That a directory was listed: all that is below it counts, what links in it point to does not. */
void reads_note_dir(struct reads_notes *n, const char *path, bool links);
/* That another repository was read: its commit counts. How many are noted is the caller's to bound. */
void reads_note_remote(struct reads_notes *n, const char *url, const char *ref, bool submodules);

/* --- kept --- */

struct reads {
	char *packed; /* NULL: nothing is known; owned */
	uint32_t size;
	bool links;	  /* what was seen may lie outside of the directories: any change is looked into */
	struct hash near; /* of the directories, when hash was taken */
	struct hash hash; /* zero: not taken yet */
};

void reads_pack(const struct reads_notes *n, struct reads *out); /* what was in out is freed */
void reads_release(struct reads *r);
size_t reads_count(const struct reads *r);

/* The commit that url at ref stands for now, into sha (SHA_HEX_MAX + 1 bytes); false: nobody knows. */
typedef bool reads_remote_fn(void *ctx, const char *url, const char *ref, bool submodules, char *sha);

/*
 * The hash at v's commit. remote may be NULL: then other repositories count by name alone. r remembers it, so
 * that the next one is cheap.
 */
struct hash reads_hash(struct reads *r, struct repo_view *v, reads_remote_fn *remote, void *ctx);

/* Calls fn with each path; kind: 'p' a path, 'd' that it is a directory, 't' all below it, 'r' a repository
 * ("URL\nREF\n0|1"). */
typedef void reads_each_fn(void *ctx, char kind, const char *path);
void reads_each(const struct reads *r, reads_each_fn *fn, void *ctx);

/*
 * As text, a line each ("t apps/web", "r URL REF 0"), for whoever keeps it longer than a process; and back.
 * false: a path cannot be a line (then nobody need keep it: a render finds it out anew), or the text is none
 * of these. What comes back hashes to the same, unless links were followed: then one render more is made.
 */
bool reads_write(const struct reads *r, struct buf *out);
bool reads_read(struct str text, struct reads *out);
