/*
 * watch.c - lists and watches of one process: a list is a picture of one moment delivered later; changes
 * follow in order, late, sometimes twice. A cut stream catches up or lists again.
 */
#include "operator.h"

#include "deploy/cluster/prepare.h"

struct delivery {
	uint64_t epoch;
	size_t stream;
	uint64_t rv;
	struct version *v; /* NULL: gone */
	char *key;
	bool end_of_cut;
	VEC(struct version *) list;
	bool is_list;
};

static void delivery_drop(void *arg)
{
	struct delivery *d = arg;
	version_unref(d->v);
	for (size_t i = 0; i < d->list.n; i++)
		version_unref(d->list.at[i]);
	vec_release(&d->list);
	free(d->key);
	free(d);
}

static bool labelled(const struct version *v)
{
	return v && node_get(node_at(v->root, "metadata.labels"), LABEL_APP);
}

static void feed(struct process *p, const struct stream *s, const struct version *v)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct live live;
	if (!live_read(&a, v->root, str_of(s->group), str_of(s->kind), 0, &live))
		return;
	if (p->world->variant == VARIANT_IGNORE_OWNER)
		live.owner_app = live.owner_namespace = (struct str){ "", 0 };
	const struct record *r = view_find(&p->view, live.key);
	if (p->world->variant == VARIANT_ALL_OURS && r && r->claimed) {
		live.owner_namespace = STR(GIT_APP_NAMESPACE);
		live.owner_app = str_of(strchr(cluster_driver_owner(r->claimed), '/') + 1);
	}
	view_live(&p->view, &live);
}

static void list_later(struct process *p, size_t index, int64_t delay);

static void deliver(struct world *w, void *arg)
{
	struct delivery *d = arg;
	struct process *p = w->process;
	if (!p || p->epoch != d->epoch) {
		delivery_drop(d);
		return;
	}
	struct stream *s = p->streams.at[d->stream];
	bool drops = (w->variant == VARIANT_DROP_DRIFT && d->v && !d->is_list) ||
		     (w->variant == VARIANT_DROP_DELETES && !d->v && !d->is_list);
	if (d->is_list) {
		world_trace(w, "watch %s: list of %zu%s", s->name, d->list.n,
			    s->no_kind ? " (no such kind)" : "");
		if (s->no_kind) {
			view_no_kind(&p->view, str_of(s->group), str_of(s->kind));
		} else {
			view_list_begin(&p->view, str_of(s->group), str_of(s->kind));
			for (size_t i = 0; i < d->list.n; i++)
				feed(p, s, d->list.at[i]);
			view_list_end(&p->view, str_of(s->group), str_of(s->kind), d->rv);
		}
	} else if (d->end_of_cut) {
		if (s->stale)
			list_later(p, d->stream, 0);
		s->stale = false;
	} else if (!drops) {
		world_trace(w, "watch %s: %s %s at %llu", s->name, d->key, d->v ? "is" : "gone",
			    (unsigned long long)d->rv);
		if (d->v)
			feed(p, s, d->v);
		else
			view_gone(&p->view, str_of(d->key), d->rv);
	}
	delivery_drop(d);
}

static struct delivery *delivery_new(struct process *p, size_t index)
{
	struct delivery *d = mem_alloc(sizeof(*d));
	d->epoch = p->epoch;
	d->stream = index;
	return d;
}

/* Takes the picture now, delivers it later. */
static void take_list(struct world *w, void *arg)
{
	struct delivery *d = arg;
	struct process *p = w->process;
	if (!p || p->epoch != d->epoch) {
		delivery_drop(d);
		return;
	}
	if (w->now < w->server_down_until) {
		queue_add(&w->queue, w->now + rng_range(&w->rng, 50, 2000), take_list, d, delivery_drop);
		return;
	}
	struct stream *s = p->streams.at[d->stream];
	bool namespaced;
	s->no_kind = !server_kind(&w->server, str_of(s->group), str_of(s->kind), &namespaced);
	s->running = !s->no_kind;
	d->is_list = true;
	d->rv = w->server.rv;
	for (size_t i = 0; i < w->server.objects.n && !s->no_kind; i++) {
		struct object *o = w->server.objects.at[i];
		if (strcmp(o->kind, s->name) == 0 && labelled(o->v))
			vec_push(&d->list, version_ref(o->v));
	}
	int64_t at = w->now + rng_range(&w->rng, 1, 60);
	s->last_at = s->last_at > at ? s->last_at : at;
	queue_add(&w->queue, s->last_at, deliver, d, delivery_drop);
}

static void list_later(struct process *p, size_t index, int64_t delay)
{
	struct stream *s = p->streams.at[index];
	s->running = false;
	queue_add(&p->world->queue, p->world->now + delay, take_list, delivery_new(p, index), delivery_drop);
}

void watch_want(struct process *p, struct str group, struct str kind)
{
	cleanup_buf struct buf name = BUF_INIT;
	buf_printf(&name, "%.*s/%.*s", STR_ARG(group), STR_ARG(kind));
	for (size_t i = 0; i < p->streams.n; i++)
		if (strcmp(p->streams.at[i]->name, name.p) == 0)
			return;
	struct stream *s = mem_alloc(sizeof(*s));
	s->group = mem_strndup(group.p ? group.p : "", group.n);
	s->kind = mem_strndup(kind.p, kind.n);
	s->name = mem_strdup(name.p);
	vec_push(&p->streams, s);
	list_later(p, p->streams.n - 1, rng_range(&p->world->rng, 1, 40));
}

void watch_cut(struct process *p, struct rng *rng, int64_t until)
{
	for (size_t i = 0; i < p->streams.n; i++) {
		struct stream *s = p->streams.at[i];
		if (rng_chance(rng, 300) || s->cut_until > p->world->now)
			continue;
		s->cut_until = until;
		s->stale = rng_chance(rng, 500);
		struct delivery *d = delivery_new(p, i);
		d->end_of_cut = true;
		queue_add(&p->world->queue, until, deliver, d, delivery_drop);
	}
}

static void pass_on(struct process *p, size_t index, const char *key, struct version *v, uint64_t rv)
{
	struct world *w = p->world;
	struct stream *s = p->streams.at[index];
	bool cut = s->cut_until > w->now;
	if (cut && s->stale)
		return; /* history is compacted before it comes back */
	bool late = fault_strikes(&w->faults, &w->rng, FAULT_WATCH, w->faults.only_app) && !w->calm;
	int64_t at = (cut ? s->cut_until : w->now) + rng_range(&w->rng, 1, late ? 3000 : 15);
	s->last_at = s->last_at > at ? s->last_at : at;
	for (int copies = late && rng_chance(&w->rng, 300) ? 2 : 1; copies; copies--) {
		struct delivery *d = delivery_new(p, index);
		d->key = mem_strdup(key);
		d->rv = rv;
		d->v = v ? version_ref(v) : NULL;
		queue_add(&w->queue, s->last_at + (copies - 1) * 200, deliver, d, delivery_drop);
	}
}

/* A kind comes or goes with its CRD: watches of unknown kinds look again. */
static void kinds_changed(struct process *p)
{
	for (size_t i = 0; i < p->streams.n; i++) {
		struct stream *s = p->streams.at[i];
		bool namespaced;
		bool served = server_kind(&p->world->server, str_of(s->group), str_of(s->kind), &namespaced);
		if (served == s->no_kind)
			list_later(p, i, rng_range(&p->world->rng, 20, 1500));
	}
}

void watch_changed(struct world *w, const char *kind, const char *key, struct version *before,
		   struct version *after, uint64_t rv)
{
	world_trace(w, "server: %s %s at %llu", key,
		    !before ? "created"
		    : after ? "changed"
			    : "gone",
		    (unsigned long long)rv);
	struct process *p = w->process;
	if (!p)
		return;
	for (size_t i = 0; i < p->streams.n; i++) {
		struct stream *s = p->streams.at[i];
		if (!s->running || strcmp(s->name, kind) != 0)
			continue;
		if (labelled(after))
			pass_on(p, i, key, after, rv);
		else if (labelled(before))
			pass_on(p, i, key, NULL, rv);
	}
	if (strcmp(kind, "apiextensions.k8s.io/CustomResourceDefinition") == 0)
		kinds_changed(p);
}

void watch_release(struct process *p)
{
	for (size_t i = 0; i < p->streams.n; i++) {
		struct stream *s = p->streams.at[i];
		free(s->group);
		free(s->kind);
		free(s->name);
		free(s);
	}
	vec_release(&p->streams);
}
