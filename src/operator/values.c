/*
 * values.c - see values.h. A watch is shared by all Apps that name its object; it ends with the last of them.
 * What an object held stays known while its watch fails: a server that is away takes no values away.
 */
#include "operator/values.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"
#include "doc/json.h"
#include "operator/credentials.h"

enum {
	READ_EVERY_MS = 30000, /* while it cannot be watched */
	READ_TIMEOUT_MS = 15000,
};

enum state {
	VALUES_UNKNOWN,
	VALUES_MISSING,
	VALUES_THERE,
};

struct watched {
	struct values *owner;
	char *key; /* "Secret NAMESPACE/NAME", also for people */
	bool secret;
	struct kube_watch *watch;
	enum state state;
	bool listed;		/* seen in the list under way */
	char *failing;		/* what the watch says while it cannot be kept; NULL: it can */
	struct kube_call *call; /* a read by name, while the watch fails */
	struct loop_timer *timer;
	char *namespace, *name;
	struct arena scratch, arena;
	struct node *object; /* a map with `data`, in arena */
	struct hash hash;
	VEC(struct values_use *) uses;
};

struct use_of {
	struct watched *of;
	bool optional;
};

struct values_use {
	void *user;
	VEC(struct use_of) list;
	bool full; /* VALUES_MAX was reached */
};

struct values {
	struct loop *loop;
	struct kube_client *client;
	void (*changed)(void *ctx, void *user);
	void *ctx;
	struct map watched; /* by key */
};

struct values *values_new(struct loop *loop, struct kube_client *client,
			  void (*changed)(void *ctx, void *user), void *ctx)
{
	struct values *v = mem_alloc(sizeof(*v));
	v->loop = loop;
	v->client = client;
	v->changed = changed;
	v->ctx = ctx;
	return v;
}

static void watched_free(struct watched *w)
{
	kube_watch_stop(w->watch);
	if (w->call)
		kube_cancel(w->call);
	loop_timer_free(w->timer);
	free(w->namespace);
	free(w->name);
	map_del(&w->owner->watched, str_of(w->key));
	arena_release(&w->arena);
	vec_release(&w->uses);
	free(w->failing);
	free(w->key);
	free(w);
}

void values_free(struct values *v)
{
	struct map_entry *e;
	if (!v)
		return;
	for (size_t i = 0; (e = map_next(&v->watched, &i));)
		watched_free(e->value);
	map_release(&v->watched);
	free(v);
}

/* --- events --- */

static void tell(struct watched *w)
{
	for (size_t i = 0; i < w->uses.n; i++)
		w->owner->changed(w->owner->ctx, w->uses.at[i]->user);
}

static void set_missing(struct watched *w)
{
	if (w->state == VALUES_MISSING)
		return;
	w->state = VALUES_MISSING;
	arena_release(&w->arena);
	w->object = NULL;
	w->hash = (struct hash){ { 0 } };
	tell(w);
}

/* Labels, status and the like change without the values: that is no news. */
static void set_object(struct watched *w, const struct node *object)
{
	const struct node *data = node_get(object, "data");
	struct hash hash = data ? json_hash(data) : hash_of(STR("no data"));
	if (w->state == VALUES_THERE && hash_eq(hash, w->hash))
		return;
	arena_release(&w->arena);
	w->object = node_map(&w->arena);
	if (data)
		node_set(&w->arena, w->object, STR("data"), node_clone(&w->arena, data));
	w->hash = hash;
	w->state = VALUES_THERE;
	tell(w);
}

static void set_failing(struct watched *w, const char *message)
{
	free(w->failing);
	w->failing = mem_strdup(message);
	if (w->state == VALUES_UNKNOWN)
		tell(w);
}

/* --- reads by name, for accounts that may get an object and not watch it --- */

static void on_read(void *arg, const struct kube_response *response)
{
	struct watched *w = arg;
	w->call = NULL;
	if (!w->failing)
		return; /* the watch goes again, and knows better */
	if (response->result == KUBE_OK)
		set_object(w, response->body);
	else if (response->code == 404)
		set_missing(w);
	else
		set_failing(w, arena_str(&w->scratch, response->message).p);
	arena_release(&w->scratch);
	loop_timer_set(w->timer, READ_EVERY_MS);
}

static void read_by_name(void *arg)
{
	struct watched *w = arg;
	if (w->call || !w->failing)
		return;
	struct kube_request request = {
		.verb = KUBE_GET,
		.group = STR(""),
		.version = STR("v1"),
		.kind = w->secret ? STR("Secret") : STR("ConfigMap"),
		.namespace = str_of(w->namespace),
		.name = str_of(w->name),
		.timeout_ms = READ_TIMEOUT_MS,
	};
	w->call = kube_send(w->owner->client, &request, on_read, w);
}

static void on_event(void *arg, const struct kube_watch_event *event)
{
	struct watched *w = arg;
	switch (event->type) {
	case WATCH_LIST_BEGIN:
		w->listed = false;
		break;
	case WATCH_OBJECT:
		w->listed = true;
		set_object(w, event->object);
		break;
	case WATCH_DELETED:
		set_missing(w);
		break;
	case WATCH_LIST_END:
		free(w->failing);
		w->failing = NULL;
		if (!w->listed)
			set_missing(w);
		break;
	case WATCH_NO_KIND:
		break; /* both kinds are built in */
	case WATCH_FAILING:
		if (!w->failing)
			loop_timer_set(w->timer, 0);
		free(w->failing);
		w->failing = mem_strdup(event->message);
		break;
	}
}

/* --- uses --- */

static struct watched *watch_one(struct values *v, const char *namespace, const struct value_source *source)
{
	cleanup_buf struct buf key = BUF_INIT, field = BUF_INIT;
	const char *kind = source->secret ? "Secret" : "ConfigMap";
	buf_printf(&key, "%s %s/%s", kind, namespace, source->name);
	struct watched *w = map_get(&v->watched, buf_str(&key));
	if (w || v->watched.n >= VALUES_MAX)
		return w;
	w = mem_alloc(sizeof(*w));
	w->owner = v;
	w->key = mem_strdup(key.p);
	w->secret = source->secret;
	w->namespace = mem_strdup(namespace);
	w->name = mem_strdup(source->name);
	w->timer = loop_timer_new(v->loop, read_by_name, w);
	map_put(&v->watched, buf_str(&key), w);
	buf_printf(&field, "metadata.name=%s", source->name);
	struct kube_watch_spec spec = {
		.group = STR(""),
		.version = STR("v1"),
		.kind = str_of(kind),
		.namespace = str_of(namespace),
		.field_selector = field.p,
	};
	w->watch = kube_watch_start(v->client, &spec, on_event, w);
	return w;
}

void values_use_free(struct values *v, struct values_use *use)
{
	if (!use)
		return;
	for (size_t i = 0; i < use->list.n; i++) {
		struct watched *w = use->list.at[i].of;
		for (size_t k = 0; k < w->uses.n; k++) {
			if (w->uses.at[k] == use) {
				vec_remove(&w->uses, k);
				break;
			}
		}
		if (w->uses.n == 0)
			watched_free(w);
	}
	vec_release(&use->list);
	free(use);
}

struct values_use *values_use(struct values *v, struct values_use *old, const char *namespace,
			      const struct render_spec *spec, void *user)
{
	struct values_use *use = NULL;
	if (spec->n_from) {
		use = mem_alloc(sizeof(*use));
		use->user = user;
	}
	for (size_t i = 0; i < spec->n_from; i++) {
		struct watched *w = watch_one(v, namespace, &spec->from[i]);
		if (!w) {
			use->full = true;
			continue;
		}
		struct use_of of = { w, spec->from[i].optional };
		vec_push(&use->list, of);
		vec_push(&w->uses, use);
	}
	/* Last, so that a watch that goes on being used goes on. */
	values_use_free(v, old);
	return use;
}

struct values_use *values_use_secret(struct values *v, struct values_use *old, const char *namespace,
				     const char *name, void *user)
{
	cleanup_free char *copy = mem_strdup(name);
	struct value_source source = { .secret = true, .name = copy };
	struct render_spec spec = { .from = &source, .n_from = 1 };
	return values_use(v, old, namespace, &spec, user);
}

int values_key(const struct values_use *use, struct arena *a, const char *key, struct str *out,
	       struct error *err)
{
	if (use->full)
		return error_set(err, "more than %u Secrets are used (VALUES_MAX)", VALUES_MAX);
	const struct watched *w = use->list.at[0].of;
	if (w->state == VALUES_MISSING)
		return error_set(err, "%s is not there; create it with key %s", w->key, key);
	if (w->state == VALUES_UNKNOWN && w->failing)
		return error_set(err, "%s cannot be read: %s", w->key, w->failing);
	if (w->state == VALUES_UNKNOWN)
		return 1;
	*out = credentials_key(a, node_get(w->object, "data"), key);
	return out->n ? 0 : error_set(err, "%s has nothing at key %s", w->key, key);
}

int values_state(const struct values_use *use, struct error *err)
{
	int state = 0;
	if (use && use->full)
		return error_set(err, "more than %u ConfigMaps and Secrets are used for values (VALUES_MAX)",
				 VALUES_MAX);
	for (size_t i = 0; use && i < use->list.n; i++) {
		const struct watched *w = use->list.at[i].of;
		if (w->state == VALUES_MISSING && !use->list.at[i].optional)
			return error_set(
				err,
				"%s (spec.render.substituteFrom) is not there; create it, or say optional: true",
				w->key);
		if (w->state == VALUES_UNKNOWN && w->failing)
			return error_set(err, "%s (spec.render.substituteFrom) cannot be read: %s", w->key,
					 w->failing);
		if (w->state == VALUES_UNKNOWN)
			state = 1;
	}
	return state;
}

struct hash values_hash(const struct values_use *use)
{
	cleanup_buf struct buf all = BUF_INIT;
	char hex[HASH_HEX_LEN + 1];
	for (size_t i = 0; use && i < use->list.n; i++) {
		hash_hex(use->list.at[i].of->hash, hex);
		buf_printf(&all, "%s %s\n", use->list.at[i].of->key, hex);
	}
	return hash_of(buf_str(&all));
}

static int add_inline(const struct render_spec *spec, struct substitute_values *out, struct error *err)
{
	int rc = 0;
	for (size_t i = 0; spec->substitute && i < spec->substitute->map.n; i++) {
		const struct node_pair *pair = &spec->substitute->map.pairs[i];
		struct error one = ERROR_INIT;
		if (substitute_add(out, arena_str(out->a, pair->key),
				   arena_str(out->a, node_text(pair->value)), "spec.render.substitute", false,
				   &one) < 0)
			rc = error_set(err, "%s", one.text);
	}
	return rc;
}

int values_add(const struct values_use *use, const struct render_spec *spec, struct substitute_values *out,
	       struct error *err)
{
	int rc = 0;
	for (size_t i = 0; use && i < use->list.n; i++) {
		const struct watched *w = use->list.at[i].of;
		struct error one = ERROR_INIT;
		if (w->state != VALUES_THERE)
			continue;
		if (substitute_add_object(out, node_clone(out->a, w->object), arena_strdup(out->a, w->key),
					  w->secret, &one) < 0)
			rc = error_set(err, "%s", one.text);
	}
	return add_inline(spec, out, err) < 0 ? -1 : rc;
}
