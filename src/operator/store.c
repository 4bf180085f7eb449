/*
 * store.c - where an App's inventory lives: small ones in the App itself, large ones in ConfigMaps beside it.
 *
 * Small: the keys that may exist are in the annotation ANNOTATION_INVENTORY (written, with the finalizer,
 * before anything is created: one request), the hashes in status.inventory. Large: chunks in ConfigMaps
 * "capstan-app-inventory-APP.part-N", written before creation too, and again (only those that differ) when
 * hashes changed.
 */
#include "operator/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "deploy/cluster/prepare.h"
#include "doc/json.h"

enum {
	SMALL_MAX = 48 * 1024,	/* bytes of inventory text that an App may carry */
	CHUNK_MAX = 512 * 1024, /* bytes of one ConfigMap's data; etcd takes 1.5 MiB */
	PERSIST_TIMEOUT_MS = 30000,
	READ_AGAIN_MS = 2000,
};

/* One persist under way: so many chunk writes, then the App's own patch. */
struct persist_call {
	struct managed *m; /* NULL: cut loose */
	struct cluster_driver *driver;
	uint64_t token;
	size_t open; /* chunk writes under way */
	bool answer; /* the driver waits for it */
	char *failure;
};

static char *inventory_text(struct managed *m, struct arena *a, bool keys_only)
{
	struct inventory inv;
	cluster_driver_inventory(managed_driver(m), a, &inv);
	for (size_t i = 0; keys_only && i < inv.n; i++)
		inv.entries[i].desired = inv.entries[i].live = (struct hash){ { 0 } };
	cleanup_buf struct buf text = BUF_INIT;
	inventory_write(&text, &inv);
	return arena_strndup(a, text.p, text.n);
}

char *store_status_text(struct managed *m, struct arena *a)
{
	if (m->chunks || m->app.phase == APP_REMOVED)
		return NULL;
	char *text = inventory_text(m, a, false);
	/* The annotation's keys are the smaller half of it; what fits there but not here goes to chunks next
	 * time. */
	return strlen(text) <= 2 * SMALL_MAX ? text : NULL;
}

/* --- the App's own patch --- */

static void add_finalizers(struct buf *body, const struct managed *m, bool ours)
{
	buf_adds(body, "\"finalizers\":[");
	bool first = true;
	for (char **f = m->spec.finalizers; f && *f; f++) {
		if (strcmp(*f, FINALIZER) == 0)
			continue;
		buf_adds(body, first ? "" : ",");
		json_write_string(body, str_of(*f));
		first = false;
	}
	if (ours) {
		buf_adds(body, first ? "" : ",");
		json_write_string(body, STR(FINALIZER));
	}
	buf_addc(body, ']');
}

static struct kube_request app_patch(const struct managed *m, struct str body)
{
	return (struct kube_request){
		.verb = KUBE_MERGE_PATCH,
		.group = STR(CAPSTAN_GROUP),
		.version = STR(CAPSTAN_VERSION_NAME),
		.kind = STR("App"),
		.namespace = str_of(m->spec.namespace),
		.name = str_of(m->spec.name),
		.body = body,
		.field_manager = "capstan-inventory",
		.priority = KUBE_PRIORITY_HIGH,
		.timeout_ms = PERSIST_TIMEOUT_MS,
	};
}

static void call_end(struct persist_call *call)
{
	struct managed *m = call->m;
	if (m) {
		m->persist = NULL;
		link_tick(&m->operator->link);
		if (call->answer)
			cluster_driver_persisted(call->driver, call->token, call->failure);
		else if (call->failure)
			log_warn("inventory not written", "app", m->key, "error", call->failure, NULL);
	}
	free(call->failure);
	free(call);
}

static void note_failure(struct persist_call *call, const struct kube_response *response)
{
	if (response->result != KUBE_OK && !call->failure)
		call->failure = mem_strndup(response->message.p, response->message.n);
}

static void on_app_patched(void *arg, const struct kube_response *response)
{
	struct persist_call *call = arg;
	note_failure(call, response);
	call_end(call);
}

static void patch_app(struct persist_call *call, const char *keys)
{
	struct managed *m = call->m;
	cleanup_buf struct buf body = BUF_INIT;
	buf_adds(&body, "{\"metadata\":{\"uid\":");
	json_write_string(&body, str_of(m->spec.uid));
	buf_addc(&body, ',');
	add_finalizers(&body, m, true);
	buf_adds(&body, ",\"annotations\":{\"" ANNOTATION_INVENTORY "\":");
	if (m->chunks)
		buf_printf(&body, "null,\"" ANNOTATION_CHUNKS "\":\"%zu\"", m->chunks);
	else
		json_write_string(&body, str_of(keys));
	buf_adds(&body, "}}}");
	struct kube_request request = app_patch(m, buf_str(&body));
	kube_send(m->operator->client, &request, on_app_patched, call);
}

/* --- chunks --- */

static void chunk_name(const struct managed *m, size_t i, char out[300])
{
	snprintf(out, 300, "capstan-app-inventory-%s.part-%zu", m->spec.name, i);
}

static void on_chunk(void *arg, const struct kube_response *response)
{
	struct persist_call *call = arg;
	note_failure(call, response);
	if (--call->open)
		return;
	if (!call->m || call->failure || !call->answer)
		call_end(call);
	else
		patch_app(call, NULL);
}

static void write_chunk(struct persist_call *call, size_t i, struct str text)
{
	struct managed *m = call->m;
	char name[300];
	chunk_name(m, i, name);
	cleanup_buf struct buf body = BUF_INIT;
	buf_printf(
		&body,
		"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\",",
		name, m->spec.namespace);
	/* Owned by the App, so that the garbage collector removes it after the finalizer let the App go. */
	buf_printf(
		&body,
		"\"ownerReferences\":[{\"apiVersion\":\"capstan.dev/v1alpha1\",\"kind\":\"App\",\"name\":\"%s\",\"uid\":\"%s\"}]},",
		m->spec.name, m->spec.uid);
	buf_adds(&body, "\"data\":{\"inventory\":");
	json_write_string(&body, text);
	buf_adds(&body, "}}");
	struct kube_request request = {
		.verb = KUBE_APPLY,
		.group = STR(""),
		.version = STR("v1"),
		.kind = STR("ConfigMap"),
		.namespace = str_of(m->spec.namespace),
		.name = str_of(name),
		.body = buf_str(&body),
		.field_manager = "capstan-inventory",
		.force = true,
		.priority = KUBE_PRIORITY_HIGH,
		.timeout_ms = PERSIST_TIMEOUT_MS,
	};
	call->open++;
	kube_send(m->operator->client, &request, on_chunk, call);
}

/* Writes the chunks that differ from what was written; returns how many. */
static size_t write_chunks(struct persist_call *call, struct arena *a, const char *text)
{
	struct managed *m = call->m;
	struct str *chunks;
	size_t n, written = 0;
	inventory_chunks(a, str_of(text), CHUNK_MAX, &chunks, &n);
	/* Never fewer: an emptied chunk is written empty, so that a reader that counts the old number finds
	 * no stale keys. */
	size_t total = n > m->chunks ? n : m->chunks;
	for (size_t i = 0; i < total; i++) {
		struct str chunk = i < n ? chunks[i] : STR("capstan-inventory/1\n");
		struct hash hash = hash_of(chunk);
		while (m->chunk_hashes.n <= i)
			vec_push(&m->chunk_hashes, (struct hash){ { 0 } });
		if (hash_eq(m->chunk_hashes.at[i], hash))
			continue;
		m->chunk_hashes.at[i] = hash;
		write_chunk(call, i, chunk);
		written++;
	}
	m->chunks = total;
	return written;
}

static struct persist_call *call_new(struct managed *m)
{
	struct persist_call *call = mem_alloc(sizeof(*call));
	call->m = m;
	m->persist = call;
	m->operator->persists++;
	return call;
}

void store_persist(void *managed, struct cluster_driver *d, uint64_t token)
{
	struct managed *m = managed;
	cleanup_arena struct arena a = ARENA_INIT;
	if (m->persist)
		m->persist->m =
			NULL; /* an update under way: the new one writes all that differs, on top of it */
	struct persist_call *call = call_new(m);
	call->driver = d;
	call->token = token;
	call->answer = true;
	char *keys = inventory_text(m, &a, true);
	if (!m->chunks && strlen(keys) <= SMALL_MAX) {
		patch_app(call, keys);
		return;
	}
	/* A failed write leaves its hash behind; forget them, so that the next persist writes everything. */
	vec_release(&m->chunk_hashes);
	write_chunks(call, &a, inventory_text(m, &a, false));
}

void store_update(struct managed *m)
{
	if (!m->ready || !m->chunks || m->persist || m->app.phase != APP_IDLE)
		return;
	struct cluster_driver *d = managed_driver(m);
	if (cluster_driver_inventory_serial(d) == m->stored_serial)
		return;
	m->stored_serial = cluster_driver_inventory_serial(d);
	cleanup_arena struct arena a = ARENA_INIT;
	struct persist_call *call = call_new(m);
	if (!write_chunks(call, &a, inventory_text(m, &a, false)))
		call_end(call);
}

/* --- the end of an App --- */

static void on_released(void *arg, const struct kube_response *response)
{
	/* Gone, or another process was faster; a lost answer comes again with the object's next event. */
	if (response->result != KUBE_OK && response->code != 404)
		log_warn("finalizer not removed", "error", response->message.p, NULL);
}

void store_remove_finalizer(struct managed *m)
{
	cleanup_buf struct buf body = BUF_INIT;
	buf_adds(&body, "{\"metadata\":{\"uid\":");
	json_write_string(&body, str_of(m->spec.uid));
	buf_addc(&body, ',');
	add_finalizers(&body, m, false);
	buf_adds(&body, "}}");
	struct kube_request request = app_patch(m, buf_str(&body));
	kube_send(m->operator->client, &request, on_released, m->operator);
}

void store_release(struct managed *m)
{
	if (m->persist)
		m->persist->m = NULL;
	vec_release(&m->chunk_hashes);
}

/* --- reading it back --- */

/* Keys of the annotation, with the hashes that the status has for them. */
static void merge(struct arena *a, struct inventory *keys, const struct inventory *hashes)
{
	size_t j = 0;
	for (size_t i = 0; i < keys->n; i++) {
		while (j < hashes->n && str_cmp(hashes->entries[j].key, keys->entries[i].key) < 0)
			j++;
		if (j < hashes->n && str_eq(hashes->entries[j].key, keys->entries[i].key))
			keys->entries[i] = hashes->entries[j];
	}
}

static void read_text(struct managed *m, struct arena *a, struct str text, struct inventory *out)
{
	struct error err = ERROR_INIT;
	*out = (struct inventory){ 0 };
	if (text.n && inventory_read(a, text, out, &err) < 0) {
		log_error("stored inventory cannot be read; nothing that only it knew will be pruned", "app",
			  m->key, "error", err.text, NULL);
		*out = (struct inventory){ 0 };
	}
}

struct chunk_read {
	struct managed *m;
	size_t index;
	struct loop_timer *timer; /* a read that failed waits; NULL: none did */
};

static void read_free(struct chunk_read *read)
{
	loop_timer_free(read->timer);
	free(read);
}

static void append(struct arena *a, struct inventory *to, const struct inventory *from)
{
	struct inventory_entry *all = arena_array(a, struct inventory_entry, to->n + from->n + 1);
	if (to->n)
		memcpy(all, to->entries, to->n * sizeof(*all));
	if (from->n)
		memcpy(all + to->n, from->entries, from->n * sizeof(*all));
	to->entries = all;
	to->n += from->n;
}

static void chunks_done(struct managed *m)
{
	struct inventory all = { 0 };
	const struct node *texts = node_get(m->first_object, "chunks");
	for (size_t i = 0; i < node_count(texts); i++) {
		struct inventory one;
		read_text(m, &m->restore_arena, node_text(node_item(texts, i)), &one);
		append(&m->restore_arena, &all, &one);
	}
	managed_start(m, node_get(m->first_object, "object"), &all);
	arena_release(&m->restore_arena);
	m->first_object = NULL;
}

static void send_read(struct chunk_read *read);

static void read_again(void *arg)
{
	struct chunk_read *read = arg;
	struct managed *m = read->m;
	if (!m->gone) {
		send_read(read);
		return;
	}
	read_free(read);
	if (!--m->restoring)
		managed_free(m);
}

static void on_chunk_read(void *arg, const struct kube_response *response)
{
	struct chunk_read *read = arg;
	struct managed *m = read->m;
	size_t index = read->index;
	if (!m->gone && response->result != KUBE_OK && response->code != 404) {
		/* Without its inventory an app must not start: it would forget what it owns. */
		log_warn("inventory not read, trying again", "app", m->key, "error", response->message.p,
			 NULL);
		if (!read->timer)
			read->timer = loop_timer_new(m->operator->loop, read_again, read);
		loop_timer_set(read->timer, READ_AGAIN_MS);
		return;
	}
	read_free(read);
	m->restoring--;
	if (m->gone) {
		if (!m->restoring)
			managed_free(m);
		return;
	}
	struct str text = node_text(node_at(response->body, "data.inventory"));
	struct node *texts = node_get(m->first_object, "chunks");
	*node_item(texts, index) = *node_string(&m->restore_arena, arena_str(&m->restore_arena, text));
	if (!m->restoring)
		chunks_done(m);
}

static void send_read(struct chunk_read *read)
{
	struct managed *m = read->m;
	char name[300];
	chunk_name(m, read->index, name);
	struct kube_request request = {
		.verb = KUBE_GET,
		.group = STR(""),
		.version = STR("v1"),
		.kind = STR("ConfigMap"),
		.namespace = str_of(m->spec.namespace),
		.name = str_of(name),
		.priority = KUBE_PRIORITY_HIGH,
		.timeout_ms = PERSIST_TIMEOUT_MS,
	};
	kube_send(m->operator->client, &request, on_chunk_read, read);
}

static void read_chunk(struct managed *m, size_t i)
{
	struct chunk_read *read = mem_alloc(sizeof(*read));
	*read = (struct chunk_read){ .m = m, .index = i };
	m->restoring++;
	send_read(read);
}

void store_restore(struct managed *m, const struct node *object)
{
	const struct node *annotations = node_at(object, "metadata.annotations");
	int64_t chunks = 0;
	str_int64(node_text(node_get(annotations, ANNOTATION_CHUNKS)), &chunks);
	if (chunks > 0 && chunks <= INVENTORY_CHUNKS_MAX) {
		struct arena *a = &m->restore_arena;
		m->chunks = (size_t)chunks;
		m->first_object = node_map(a);
		node_set(a, m->first_object, STR("object"), node_clone(a, object));
		struct node *texts = node_seq(a);
		node_set(a, m->first_object, STR("chunks"), texts);
		for (int64_t i = 0; i < chunks; i++)
			node_push(a, texts, node_string(a, STR("")));
		for (int64_t i = 0; i < chunks; i++)
			read_chunk(m, (size_t)i);
		return;
	}
	cleanup_arena struct arena a = ARENA_INIT;
	struct inventory keys, hashes;
	read_text(m, &a, node_text(node_get(annotations, ANNOTATION_INVENTORY)), &keys);
	read_text(m, &a, node_text(node_at(object, "status.inventory")), &hashes);
	merge(&a, &keys, &hashes);
	managed_start(m, object, &keys);
}
