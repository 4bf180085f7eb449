/*
 * watch.c - from what inotify says to what must be looked at.
 *
 * Events of files that are not ours wake nobody. A burst of events is one look, DEBOUNCE_MS after the first.
 */
#include "deploy/directory/internal.h"

enum { DEBOUNCE_MS = 5 };

/* --- watching --- */

static void clear_set(struct map *set)
{
	map_release(set);
	*set = (struct map)MAP_INIT;
}

static void add_to_set(struct directory *d, struct map *set, struct str key)
{
	if (!map_get(set, key))
		map_put(set, key, d);
}

static void watch_one(struct directory *d, struct str dir)
{
	if (map_get(&d->watched, dir))
		return;
	map_put(&d->watched, dir, d);
	cleanup_buf struct buf path = BUF_INIT, label = BUF_INIT;
	buf_printf(&path, "%s/%.*s", d->paths.root, STR_ARG(dir));
	buf_add_str(&label, dir);
	buf_addc(&label, '\0');
	int rc = d->watch ? fswatch_add(d->watch, path.p, label.p, NULL) : -1;
	/* A subdirectory that is not there is told by its parent; the root has none that is watched. */
	if (rc < 0 || (rc == FSWATCH_MISSING && dir.n == 0))
		d->polling = true;
}

/* Watches every directory on the way to a file of ours. */
void directory_watch_all(struct directory *d)
{
	clear_set(&d->watched);
	d->polling = false;
	watch_one(d, STR(""));
	for (size_t i = 0; i < d->ledger.entries.n; i++) {
		struct str path = str_of(d->ledger.entries.at[i]->path);
		if (str_is(path, "./"))
			continue;
		for (size_t slash = str_find(path, '/', 0); slash != SIZE_MAX;
		     slash = str_find(path, '/', slash + 1))
			watch_one(d, (struct str){ path.p, slash });
	}
}

static void look_soon(struct directory *d)
{
	if (!loop_timer_armed(d->debounce))
		loop_timer_set(d->debounce, DEBOUNCE_MS);
}

static void debounced(void *arg)
{
	struct directory *d = arg;
	d->look_due = true;
	directory_pump(d);
}

/* Where watches cannot be had: now and then. */
static void poll_came(void *arg)
{
	struct directory *d = arg;
	d->look_due = d->look_at_all = true;
	directory_pump(d);
}

static void changed(void *arg, const char *label, const char *name)
{
	struct directory *d = arg;
	if (!label || !name) {
		d->look_at_all = true;
		look_soon(d);
		return;
	}
	cleanup_buf struct buf path = BUF_INIT;
	if (strcmp(name, ".") == 0)
		buf_adds(&path, label);
	else
		buf_printf(&path, "%s%s%s", label, label[0] ? "/" : "", name);
	struct str s = buf_str(&path);
	if (map_get(&d->ledger.by_path, s))
		add_to_set(d, &d->dirty, s);
	else if (s.n > 0 && map_get(&d->watched, s))
		d->look_at_all = true; /* a directory came, went, or is another one now */
	else
		return; /* not ours */
	look_soon(d);
}

void directory_mark(struct directory *d, struct ledger *l)
{
	for (size_t i = 0; i < l->entries.n; i++) {
		struct entry *e = l->entries.at[i];
		e->look = d->look_at_all || map_get(&d->dirty, str_of(e->path));
	}
	clear_set(&d->dirty);
	d->look_due = d->look_at_all = false;
}

void directory_watch_looked(struct directory *d)
{
	if (d->polling)
		loop_timer_set(d->poll, DIRECTORY_POLL_MS);
	else
		loop_timer_clear(d->poll);
}

int directory_watch_init(struct directory *d, struct error *err)
{
	d->debounce = loop_timer_new(d->loop, debounced, d);
	d->poll = loop_timer_new(d->loop, poll_came, d);
	d->watch = fswatch_new(d->loop, changed, d, err);
	return d->watch ? 0 : -1;
}

void directory_watch_release(struct directory *d)
{
	fswatch_free(d->watch);
	loop_timer_free(d->debounce);
	loop_timer_free(d->poll);
	d->watch = NULL;
	d->debounce = d->poll = NULL;
}
