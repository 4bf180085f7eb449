/*
 * lazy.h - shared libraries that are opened when one of their functions is first called.
 *
 * libcurl, libgit2, libmicrohttpd and libcrypto bring forty libraries with them; a program that links them
 * pays 5 ms and 6 MiB at each start, also to render a directory or to print its version. The build makes a
 * small stub of each of their functions that we call (base/lazy_stubs.py): the stub jumps through a table
 * that is filled, all at once and then for ever read-only, at the first call of any of them.
 *
 * A library that is missing ends the program with a word on stderr and exit status 2. Where the stubs are not
 * known for the processor, the libraries are linked as usual (src/meson.build).
 */
#pragma once

#include <pthread.h>
#include <stddef.h>

struct lazy_library {
	pthread_once_t *once;
	const char *file;	  /* "libcurl.so.4" */
	const char *const *names; /* of its functions */
	void **table;		  /* their addresses; pages of its own */
	size_t n;
};

/* For the stubs: fills the table of a library; on any thread. */
void lazy_load(const struct lazy_library *library);
