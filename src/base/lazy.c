/* lazy.c - see lazy.h. */
#include "base/lazy.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* pthread_once() takes no argument: one thread at a time loads, and tells its callback what. */
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static const struct lazy_library *wanted;

static void give_up(const struct lazy_library *l, const char *why)
{
	fprintf(stderr, "capstan: the library %s cannot be loaded: %s; install it, or build capstan anew\n",
		l->file, why);
	_exit(2);
}

static void load(void)
{
	const struct lazy_library *l = wanted;
	void *handle = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		give_up(l, dlerror());
	for (size_t i = 0; i < l->n; i++) {
		void *function = dlsym(handle, l->names[i]);
		if (!function)
			give_up(l, dlerror());
		__atomic_store_n(&l->table[i], function, __ATOMIC_RELEASE);
	}
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = l->n * sizeof(void *);
	if (mprotect(l->table, (bytes + page - 1) / page * page, PROT_READ) != 0)
		give_up(l, "its table cannot be protected");
}

void lazy_load(const struct lazy_library *library)
{
	pthread_mutex_lock(&loading);
	wanted = library;
	pthread_once(library->once, load);
	pthread_mutex_unlock(&loading);
}
