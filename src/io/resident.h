/*
 * resident.h - gives back the memory that only a start or a burst needed.
 *
 * Start and symbol lookup touch megabytes of the shared libraries' pages that are never needed again. They
 * are clean pages of files: dropped, each comes back by a minor fault from the page cache when it is used.
 * With them goes what malloc keeps of freed memory.
 */
#pragma once

struct resident;

/* Looks at /proc/self/smaps for what may be dropped: private read-only mappings of files that nothing has
 * written to. To be called before other threads load libraries. Never NULL; where /proc cannot be read,
 * only malloc's share is given back. */
struct resident *resident_new(void);
void resident_trim(const struct resident *r); /* some hundred microseconds */
void resident_free(struct resident *r);	      /* NULL is fine */
