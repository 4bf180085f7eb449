/* sync_show.c - see sync_show.h. Every call looks at everything; progress.c tells apart what is new. */
#include "cmd/sync_show.h"

#include <stdio.h>
#include <string.h>

#include "deploy/key.h"

static void place_of(struct arena *a, const struct problem *p, const char **out)
{
	if (p->file && p->file[0])
		*out = p->line ? arena_printf(a, "%s:%u", p->file, p->line) : p->file;
}

/* --- of this process --- */

struct walk {
	struct sync_show *show;
	const struct standalone *s;
	const struct app *app;
	const struct problem *problems;
	size_t n_problems;
};

static const struct problem *error_of(const struct walk *w, struct str key)
{
	for (size_t i = 0; i < w->n_problems; i++)
		if (!w->problems[i].warning && str_is(key, w->problems[i].key))
			return &w->problems[i];
	return NULL;
}

static enum progress_state state_of_deed(enum deed deed)
{
	static const enum progress_state states[] = {
		[DEED_NOTHING] = PROGRESS_UNCHANGED,
		[DEED_CREATED] = PROGRESS_CREATED,
		[DEED_UPDATED] = PROGRESS_UPDATED,
		[DEED_PRUNED] = PROGRESS_PRUNED,
	};
	return states[deed];
}

/* Applied: done when healthy, or at once when nobody waits for that. */
static enum progress_state state_of_synced(const struct walk *w, const struct driver_item *item,
					   enum deed deed)
{
	bool settled = w->app->phase != APP_RENDERING && w->app->phase != APP_APPLYING;
	if (deed == DEED_NOTHING && !settled)
		return PROGRESS_PENDING; /* not compared yet */
	if (!w->show->wait || strcmp(item->health, "Current") == 0)
		return state_of_deed(deed);
	return w->show->over ? PROGRESS_FAILED : PROGRESS_WAITING;
}

static void show_item(void *arg, const struct driver_item *item)
{
	struct walk *w = arg;
	cleanup_arena struct arena a = ARENA_INIT;
	enum deed deed = local_port_deed(standalone_port(w->s), item->key);
	const struct problem *error = error_of(w, item->key);
	const char *place = "", *message = "";
	enum progress_state state = deed == DEED_NOTHING ? PROGRESS_PENDING : PROGRESS_APPLYING;
	if (item->sync == ITEM_PRUNING && strcmp(item->health, "Missing") == 0)
		return; /* gone: show_deeds() */
	if (item->sync == ITEM_PRUNING && deed != DEED_PRUNED && !error)
		return; /* kept */
	if (item->sync == ITEM_SYNCED) {
		state = state_of_synced(w, item, deed);
		message = state == PROGRESS_WAITING || state == PROGRESS_FAILED ? item->message : "";
		if (state == PROGRESS_FAILED && !message[0])
			message = item->health;
	}
	if (item->sync == ITEM_PRUNING && w->show->over)
		state = PROGRESS_WAITING;
	if (error) {
		state = PROGRESS_FAILED;
		message = error->text;
		place_of(&a, error, &place);
	}
	progress_object(w->show->progress, key_display(&a, item->key), place, state, message);
}

static void show_pruned(const struct walk *w)
{
	const struct local_port *port = standalone_port(w->s);
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&port->deeds, &i));) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct str key = { e->key, e->key_n };
		const struct record *r = view_find(&port->base.link->view, key);
		if (local_port_deed(port, key) == DEED_PRUNED && (!r || !r->seen) && !error_of(w, key))
			progress_object(w->show->progress, key_display(&a, key), "", PROGRESS_PRUNED, "");
	}
}

/* Problems of whole files, of objects that never became items, and warnings. */
static void show_notes(struct sync_show *show, const struct app *app)
{
	for (; show->over && show->notes < app->n_problems; show->notes++) {
		cleanup_arena struct arena a = ARENA_INIT;
		const struct problem *p = &app->problems[show->notes];
		const char *place = "";
		place_of(&a, p, &place);
		const char *key = p->key[0] ? key_display(&a, str_of(p->key)) : "";
		if (p->warning)
			progress_note(show->progress,
				      arena_printf(&a, "%s%swarning: %s%s%s", place, *place ? ": " : "", key,
						   *key ? ": " : "", p->text));
		else
			progress_object(show->progress,
					*key	 ? key
					: *place ? place
						 : "render",
					*key ? place : "", PROGRESS_FAILED, p->text);
	}
}

void sync_show_app(struct sync_show *show, const struct standalone *s)
{
	const struct app *app = standalone_app(s);
	if (!app || app->attempts == 0 || app->phase == APP_RENDERING)
		return;
	struct walk w = { .show = show, .s = s, .app = app };
	w.problems = app->driver->ops->problems(app->driver, &w.n_problems);
	app->driver->ops->each_item(app->driver, show_item, &w);
	show_pruned(&w);
	show_notes(show, app);
}

/* --- of an operator --- */

static const char *error_text(struct arena *a, const struct node *app, const char *object, const char **place)
{
	const struct node *list = node_at(app, "status.errors");
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *e = node_item(list, i);
		int64_t line = 0;
		if (!str_is(node_text(node_get(e, "object")), object))
			continue;
		node_int(node_get(e, "line"), &line);
		struct str file = node_text(node_get(e, "file"));
		if (file.n)
			*place = arena_printf(a, line ? "%.*s:%lld" : "%.*s", STR_ARG(file), (long long)line);
		return arena_str(a, node_text(node_get(e, "message"))).p;
	}
	return NULL;
}

static void show_object(struct sync_show *show, const struct node *app, const struct node *o)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str kind = node_text(node_get(o, "kind")), namespace = node_text(node_get(o, "namespace"));
	struct str name = node_text(node_get(o, "name")), message = node_text(node_get(o, "message"));
	char *text = arena_printf(&a, "%.*s %.*s%s%.*s", STR_ARG(kind), STR_ARG(namespace),
				  namespace.n ? "/" : "", STR_ARG(name));
	const char *place = "", *error = error_text(&a, app, text, &place);
	bool synced = str_is(node_text(node_get(o, "sync")), "Synced");
	bool current = str_is(node_text(node_get(o, "health")), "Current");
	bool seen = map_get(&show->seen, str_of(text));
	enum progress_state state = PROGRESS_APPLYING;
	if (error)
		state = PROGRESS_FAILED;
	else if (synced && (current || !show->wait))
		state = seen ? PROGRESS_UPDATED : PROGRESS_UNCHANGED;
	else if (synced)
		state = show->over ? PROGRESS_FAILED : PROGRESS_WAITING;
	if (!(synced && current) && !seen)
		map_put(&show->seen, str_of(text), show);
	/* That an object is as it was is known only at the end. */
	if (state != PROGRESS_UNCHANGED || show->over)
		progress_object(show->progress, text, place, state,
				error ? error
				: state >= PROGRESS_CREATED && state != PROGRESS_FAILED
					? ""
					: arena_str(&a, message).p);
}

void sync_show_status(struct sync_show *show, const struct node *app)
{
	const struct node *objects = node_at(app, "status.objects"), *errors = node_at(app, "status.errors");
	for (size_t i = 0; i < node_count(objects); i++)
		show_object(show, app, node_item(objects, i));
	for (size_t i = 0; show->over && i < node_count(errors); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		const char *place = "";
		struct str object = node_text(node_get(node_item(errors, i), "object"));
		const char *name = arena_str(&a, object).p;
		const char *text = error_text(&a, app, name, &place);
		progress_object(show->progress,
				object.n ? name
				: *place ? place
					 : "render",
				object.n ? place : "", PROGRESS_FAILED, text);
	}
}

void sync_show_release(struct sync_show *show)
{
	progress_free(show->progress);
	map_release(&show->seen);
	*show = (struct sync_show){ 0 };
}
