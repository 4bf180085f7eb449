/* arena.c - a list of chunks, bumped; chunks double up to a cap so that small arenas stay small. */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	CHUNK_FIRST = 1024,
	CHUNK_MAX = 256 * 1024,
	ALIGN = 16,
};

struct arena_chunk {
	struct arena_chunk *next;
	size_t cap, used;
	_Alignas(ALIGN) char data[];
};

static struct arena_chunk *grow(struct arena *a, size_t size)
{
	size_t cap = a->head ? a->head->cap * 2 : CHUNK_FIRST;
	if (cap > CHUNK_MAX)
		cap = CHUNK_MAX;
	if (cap < size)
		cap = size;
	struct arena_chunk *chunk = mem_alloc(sizeof(*chunk) + cap);
	chunk->cap = cap;
	chunk->next = a->head;
	a->head = chunk;
	return chunk;
}

void *arena_alloc(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 4)
		abort();
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct arena_chunk *chunk = a->head;
	if (!chunk || chunk->cap - chunk->used < size)
		chunk = grow(a, size);
	void *p = chunk->data + chunk->used;
	chunk->used += size;
	a->used += size;
	return p;
}

void arena_release(struct arena *a)
{
	struct arena_chunk *next;
	for (struct arena_chunk *chunk = a->head; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	*a = (struct arena)ARENA_INIT;
}

char *arena_strndup(struct arena *a, const char *p, size_t n)
{
	char *copy = arena_alloc(a, n + 1);
	if (n)
		memcpy(copy, p, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

struct str arena_str(struct arena *a, struct str s)
{
	return (struct str){ arena_strndup(a, s.p, s.n), s.n };
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		abort();
	char *text = arena_alloc(a, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return text;
}
