/* mem.c - see mem.h for why running out of memory aborts. */
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static void *or_abort(void *p)
{
	if (p)
		return p;
	fputs("capstan: out of memory\n", stderr);
	abort();
}

void *mem_alloc(size_t size)
{
	return or_abort(calloc(1, size ? size : 1));
}

void *mem_realloc(void *p, size_t size)
{
	return or_abort(realloc(p, size ? size : 1));
}

char *mem_strdup(const char *s)
{
	return or_abort(strdup(s));
}

char *mem_strndup(const char *s, size_t n)
{
	char *copy = mem_alloc(n + 1);
	if (n)
		memcpy(copy, s, n);
	return copy;
}
