/*
 * arena.h - memory that lives and dies together: one arena per render, reconcile or request.
 *
 * Memory is zeroed, 16-byte aligned, and freed only by arena_release(). Pointers stay
 * valid until then. An arena is used by one thread at a time.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/str.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *head; /* newest chunk first */
	size_t used;		  /* bytes handed out, for caps and metrics */
};

#define ARENA_INIT \
	{          \
		0  \
	}
#define cleanup_arena cleanup(arena_release)

void arena_release(struct arena *a); /* frees all; the arena may be used again */

void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));
char *arena_strndup(struct arena *a, const char *p, size_t n) __attribute__((returns_nonnull));
char *arena_strdup(struct arena *a, const char *s) __attribute__((returns_nonnull));
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0), nonnull));
/* A NUL-terminated copy of s. */
struct str arena_str(struct arena *a, struct str s);

#define arena_new(a, T) ((T *)arena_alloc((a), sizeof(T)))
#define arena_array(a, T, n) ((T *)arena_alloc((a), sizeof(T) * (size_t)(n)))
