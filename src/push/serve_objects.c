/*
 * serve_objects.c - Repos with spec.hosted and Remotes, as the API server has them. A Remote has a Repo of
 * its name, made by serve_status.c, so that Apps and the operator find it; the Remote says what is in it.
 */
#include "push/serve_parts.h"

#include "base/log.h"
#include "doc/json.h"
#include "operator/spec.h"
#include "push/gitkube.h"

struct served *served_find(struct serve *serve, struct str key)
{
	return map_get(&serve->served, key);
}

static struct served *served_new(struct serve *serve, struct str key)
{
	struct served *s = mem_alloc(sizeof(*s));
	struct str name, namespace = str_cut(key, '/', &name);
	s->serve = serve;
	s->key = mem_strndup(key.p, key.n);
	s->namespace = mem_strndup(namespace.p, namespace.n);
	s->name = mem_strndup(name.p, name.n);
	map_put(&serve->served, key, s);
	return s;
}

static void forget_object(struct served_object *o)
{
	arena_release(&o->arena);
	free(o->error);
	*o = (struct served_object){ 0 };
}

void served_free(struct served *s)
{
	if (s->secret_call)
		kube_cancel(s->secret_call);
	if (s->status_call)
		kube_cancel(s->status_call);
	if (s->remote_status_call)
		kube_cancel(s->remote_status_call);
	if (s->create_call)
		kube_cancel(s->create_call);
	served_release(s);
	forget_object(&s->repo);
	forget_object(&s->remote);
	free(s->secret_error);
	free(s->key);
	free(s->namespace);
	free(s->name);
	free(s);
}

static struct str key_of(struct buf *out, const struct node *object)
{
	const struct node *metadata = node_get(object, "metadata");
	buf_printf(out, "%.*s/%.*s", STR_ARG(node_text(node_get(metadata, "namespace"))),
		   STR_ARG(node_text(node_get(metadata, "name"))));
	return buf_str(out);
}

typedef int read_fn(struct arena *a, const struct node *object, struct hosted_spec *out, struct error *err);

/* Whether there is anything new in it for us. */
static bool take(struct served_object *o, const struct node *object, read_fn *read)
{
	cleanup_arena struct arena scratch = ARENA_INIT;
	struct error err = ERROR_INIT;
	const struct node *status = node_get(object, "status");
	struct node *seen = node_map(&scratch);
	static const char *const parts[] = { "hosted", "fetch", "remoteUrl", "remoteUrlDesc" };
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (node_get(status, parts[i]))
			node_set(&scratch, seen, str_of(parts[i]), node_get(status, parts[i]));
	struct node *all = node_map(&scratch), *none = node_map(&scratch);
	struct node *spec = node_get(object, "spec"), *uid = node_at(object, "metadata.uid"),
		    *labels = node_at(object, "metadata.labels");
	node_set(&scratch, all, STR("spec"), spec ? spec : none);
	node_set(&scratch, all, STR("uid"), uid ? uid : none);
	node_set(&scratch, all, STR("labels"), labels ? labels : none);
	node_set(&scratch, all, STR("status"), seen);
	struct hash hash = json_hash(all);
	bool same = o->there && hash_eq(hash, o->hash);
	o->listed = true;
	if (same)
		return false;
	forget_object(o);
	o->there = o->listed = true;
	o->hash = hash;
	o->status = node_clone(&o->arena, seen);
	struct str id = node_text(uid);
	o->uid = arena_strndup(&o->arena, id.n ? id.p : "", id.n);
	if (read(&o->arena, object, &o->spec, &err) < 0)
		o->error = mem_strdup(err.text);
	return true;
}

static void gone_if_nothing(struct served *s)
{
	if (s->repo.there || s->remote.there)
		return;
	map_del(&s->serve->served, str_of(s->key));
	served_free(s);
}

/* --- Repos --- */

static void repo_vanished(struct served *s)
{
	forget_object(&s->repo);
	s->token_sha256[0] = '\0';
	if (s->remote.there && s->of_remote) {
		served_apply(s); /* somebody took it away: it is made again, and the repository stays */
		return;
	}
	served_retire(s);
	if (s->remote.there) {
		s->other_repo = false;
		served_apply(s);
	}
	gone_if_nothing(s);
}

static void repo_seen(struct serve *serve, const struct node *object)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct str key = key_of(&text, object);
	struct served *s = served_find(serve, key);
	const struct node *hosted = node_at(object, "spec.hosted");
	bool of_remote = node_text(node_get(node_at(object, "metadata.labels"), LABEL_REMOTE)).n > 0;
	if (!hosted || hosted->type != NODE_MAP) {
		/* It has a url. */
		if (s && s->repo.there)
			repo_vanished(s);
		s = served_find(serve, key);
		if (s) {
			s->other_repo = true;
			served_apply(s);
		}
		return;
	}
	s = s ? s : served_new(serve, key);
	s->of_remote = of_remote;
	s->other_repo = !of_remote;
	if (take(&s->repo, object, hosted_spec_read))
		served_apply(s);
}

static void each(struct serve *serve, void (*fn)(struct served *s))
{
	struct map_entry *e;
	VEC(char *) keys = { 0 };
	for (size_t i = 0; (e = map_next(&serve->served, &i));)
		vec_push(&keys, mem_strdup(e->key));
	for (size_t i = 0; i < keys.n; i++) {
		struct served *s = served_find(serve, str_of(keys.at[i]));
		if (s)
			fn(s);
		free(keys.at[i]);
	}
	vec_release(&keys);
}

static void unlist_repo(struct served *s)
{
	s->repo.listed = false;
}

static void sweep_repo(struct served *s)
{
	if (s->repo.there && !s->repo.listed)
		repo_vanished(s);
}

/* Records whose objects went while nobody looked. */
static void retire_strangers(struct serve *serve)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	const char *const *keys;
	size_t n = 0;
	if (hosted_list(&a, serve->home, &keys, &n, &err) < 0)
		log_warn("repositories cannot be listed", "error", err.text, NULL);
	for (size_t i = 0; i < n; i++) {
		struct served *s = served_find(serve, str_of(keys[i]));
		struct str rest, namespace = str_cut(str_of(keys[i]), '/', &rest);
		const char *only = serve->options->namespace;
		if ((s && s->repo.there) || (only && !str_is(namespace, only)))
			continue;
		log_info("repository retired: its object is gone", "repo", keys[i], NULL);
		if (hosted_delete(serve->home, keys[i], &err) < 0)
			log_warn("repository cannot be retired", "error", err.text, NULL);
	}
}

static void on_repo(void *arg, const struct kube_watch_event *event)
{
	struct serve *serve = arg;
	cleanup_buf struct buf key = BUF_INIT;
	struct served *s;
	switch (event->type) {
	case WATCH_LIST_BEGIN:
		each(serve, unlist_repo);
		break;
	case WATCH_OBJECT:
		repo_seen(serve, event->object);
		break;
	case WATCH_DELETED:
		s = served_find(serve, key_of(&key, event->object));
		if (s && s->repo.there) {
			repo_vanished(s);
		} else if (s && s->other_repo) {
			s->other_repo = false;
			served_apply(s);
		}
		break;
	case WATCH_LIST_END:
		each(serve, sweep_repo);
		if (!serve->repos_listed)
			retire_strangers(serve);
		serve->repos_listed = true;
		loop_timer_set(serve->keys_timer, 0);
		break;
	case WATCH_NO_KIND:
		log_warn("the cluster has no kind Repo; run `capstan install`", NULL);
		break;
	case WATCH_FAILING:
		log_warn("watch of Repo fails, trying on", "error", event->message, NULL);
		break;
	}
}

/* --- Remotes --- */

static void remote_vanished(struct served *s)
{
	forget_object(&s->remote);
	served_apply(s);
	gone_if_nothing(s);
}

static void remote_seen(struct serve *serve, const struct node *object)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct str key = key_of(&text, object);
	struct served *s = served_find(serve, key);
	s = s ? s : served_new(serve, key);
	if (take(&s->remote, object, gitkube_read))
		served_apply(s);
}

static void unlist_remote(struct served *s)
{
	s->remote.listed = false;
}

static void sweep_remote(struct served *s)
{
	if (s->remote.there && !s->remote.listed)
		remote_vanished(s);
}

static void on_remote(void *arg, const struct kube_watch_event *event)
{
	struct serve *serve = arg;
	cleanup_buf struct buf key = BUF_INIT;
	struct served *s;
	switch (event->type) {
	case WATCH_LIST_BEGIN:
		each(serve, unlist_remote);
		break;
	case WATCH_OBJECT:
		remote_seen(serve, event->object);
		break;
	case WATCH_DELETED:
		s = served_find(serve, key_of(&key, event->object));
		if (s && s->remote.there)
			remote_vanished(s);
		break;
	case WATCH_LIST_END:
		each(serve, sweep_remote);
		break;
	case WATCH_NO_KIND:
		break; /* most clusters never had Gitkube */
	case WATCH_FAILING:
		log_warn("watch of Remote fails, trying on", "error", event->message, NULL);
		break;
	}
}

void serve_watch(struct serve *serve)
{
	const char *namespace = serve->options->namespace ? serve->options->namespace : "";
	struct kube_watch_spec repos = { .group = STR(CAPSTAN_GROUP),
					 .version = STR(CAPSTAN_VERSION_NAME),
					 .kind = STR("Repo"),
					 .namespace = str_of(namespace) };
	struct kube_watch_spec remotes = { .group = STR(GITKUBE_GROUP),
					   .version = STR(GITKUBE_VERSION),
					   .kind = STR("Remote"),
					   .namespace = str_of(namespace) };
	serve->repo_watch = kube_watch_start(serve->client, &repos, on_repo, serve);
	serve->remote_watch = kube_watch_start(serve->client, &remotes, on_remote, serve);
}
