/*
 * vec.h - a growing array of any type.
 *
 *     VEC(struct item) items = { 0 };
 *     vec_push(&items, item);
 *     for (size_t i = 0; i < items.n; i++) use(items.at[i]);
 *     vec_release(&items);
 *
 * Elements move when it grows: do not keep pointers to them across a push.
 */
#pragma once

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

#define VEC(T)                 \
	struct {               \
		T *at;         \
		size_t n, cap; \
	}

#define vec_reserve(v, want)                                                         \
	do {                                                                         \
		if ((v)->cap < (size_t)(want)) {                                     \
			size_t cap_ = (v)->cap ? (v)->cap * 2 : 4;                   \
			(v)->cap = cap_ < (size_t)(want) ? (size_t)(want) : cap_;    \
			(v)->at = mem_realloc((v)->at, (v)->cap * sizeof(*(v)->at)); \
		}                                                                    \
	} while (0)

#define vec_push(v, x)                      \
	do {                                \
		vec_reserve(v, (v)->n + 1); \
		(v)->at[(v)->n++] = (x);    \
	} while (0)

/* Takes element i out and keeps the order of the rest. */
#define vec_remove(v, i)                                                                        \
	do {                                                                                    \
		memmove((v)->at + (i), (v)->at + (i) + 1, ((v)->n - (i)-1) * sizeof(*(v)->at)); \
		(v)->n--;                                                                       \
	} while (0)

#define vec_release(v)                 \
	do {                           \
		free((v)->at);         \
		(v)->at = NULL;        \
		(v)->n = (v)->cap = 0; \
	} while (0)
