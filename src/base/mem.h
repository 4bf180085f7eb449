/*
 * mem.h - allocation that cannot return NULL, and cleanup attributes.
 *
 * Out of memory aborts: every buffer filled from outside has a named cap, so running
 * out means the machine is out, and the next start converges (crash-only).
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *mem_realloc(void *p, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));
/* n bytes, NUL bytes among them too, and a NUL behind. */
char *mem_strndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));

/* `cleanup(fn) T x` calls fn(&x) when x leaves its scope. */
#define cleanup(fn) __attribute__((cleanup(fn)))
#define cleanup_free cleanup(mem_cleanup_free)
#define cleanup_fd cleanup(mem_cleanup_fd)

static inline void mem_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void mem_cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Hands a pointer over: yields its value and leaves NULL behind, so that a cleanup finds nothing. */
#define hand_over(p)                       \
	({                                 \
		__auto_type handed_ = (p); \
		(p) = NULL;                \
		handed_;                   \
	})
