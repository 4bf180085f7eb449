/* resident.c - madvise(2) MADV_DONTNEED over mappings that are known to hold no page of our own. */
#include "io/resident.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/str.h"
#include "base/vec.h"

struct range {
	void *at;
	size_t n;
};

struct resident {
	VEC(struct range) ranges;
};

/* "7f00-7f10 r-xp 00001000 08:01 1234    /usr/lib/libc.so.6": a file's, private, not writable. */
static bool is_droppable(const char *line, struct range *out)
{
	unsigned long from, to;
	char perms[5], path[2];
	if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %1s", &from, &to, perms, path) != 4)
		return false;
	*out = (struct range){ (void *)from, to - from };
	return perms[1] == '-' && perms[3] == 'p' && path[0] == '/';
}

struct resident *resident_new(void)
{
	struct resident *r = mem_alloc(sizeof(*r));
	FILE *smaps = fopen("/proc/self/smaps", "re");
	struct range range = { 0 };
	bool droppable = false;
	char line[4096];
	unsigned long kib;
	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "Anonymous: %lu kB", &kib) == 1) {
			/* Relocated pages are ours although they are read-only now: they would be lost. */
			if (droppable && kib == 0)
				vec_push(&r->ranges, range);
			droppable = false;
		} else if (line[0] < 'A' || line[0] > 'Z') {
			droppable = is_droppable(line, &range);
		}
	}
	if (smaps)
		fclose(smaps);
	return r;
}

void resident_trim(const struct resident *r)
{
	malloc_trim(0);
	for (size_t i = 0; i < r->ranges.n; i++)
		madvise(r->ranges.at[i].at, r->ranges.at[i].n, MADV_DONTNEED);
}

void resident_free(struct resident *r)
{
	if (!r)
		return;
	vec_release(&r->ranges);
	free(r);
}
