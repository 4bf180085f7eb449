/*
 * plain_watch.c - when the file is to be read again: something happened to its name, in the directory that
 * holds it or in the one that a link of that name leads to. Where no watch can be had it is read now and
 * then.
 */
#include "operator/plain_parts.h"

#include <stdio.h>

enum {
	SETTLE_MS = 100, /* editors write in more than one step */
	POLL_MS = 5000,
};

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* 0 when its directory is watched. */
static int watch_path(struct plain *p, const char *path)
{
	const char *name = name_of(path);
	cleanup_free char *dir = mem_strndup(path, (size_t)(name - path));
	return fswatch_add(p->watch, *dir ? dir : ".", "", NULL);
}

void plain_watch_again(struct plain *p)
{
	free(p->real_file);
	p->real_file = realpath(p->options->file, NULL);
	int rc = p->watch ? watch_path(p, p->options->file) : -1;
	if (rc == 0 && p->real_file)
		rc = watch_path(p, p->real_file);
	if (rc != 0)
		loop_timer_set(p->reread_timer, POLL_MS);
}

static void changed(void *arg, const char *label, const char *name)
{
	struct plain *p = arg;
	bool ours = !label || !name || strcmp(name, name_of(p->options->file)) == 0 ||
		    (p->real_file && strcmp(name, name_of(p->real_file)) == 0);
	if (ours)
		loop_timer_set(p->reread_timer, SETTLE_MS);
}

void plain_watch_start(struct plain *p, loop_fn *reread)
{
	p->reread_timer = loop_timer_new(p->loop, reread, p);
	p->watch = fswatch_new(p->loop, changed, p, NULL);
	plain_watch_again(p);
}

void plain_watch_stop(struct plain *p)
{
	fswatch_free(p->watch);
	loop_timer_free(p->reread_timer);
	free(p->real_file);
}
