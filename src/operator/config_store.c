/* config_store.c - see config_store.h. Reads go up from the first ConfigMap, writes go down to it, one after
 * the other. */
#include "operator/config_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/vec.h"
#include "doc/json.h"
#include "operator/spec.h"

enum {
	CHUNK_MAX = 256 * 1024, /* bytes aimed at for one ConfigMap; buckets differ, and etcd takes 1.5 MiB */
	CHUNKS_MAX = 256,
	STORE_TIMEOUT_MS = 30000,
};

#define STORE_MANAGER "capstan-inventory"

struct chunk {
	struct hash written; /* of the text the server has; zero: not known */
	char *text;	     /* to be written */
};

struct config_store {
	struct kube_client *client;
	char *namespace, *name;
	struct kube_call *call;
	VEC(struct chunk) chunks; /* as many as there are in the cluster, or are to be */
	size_t at;		  /* being read or written */
	bool exists;		  /* the first one is there */
	config_read_fn *read_done;
	config_written_fn *write_done;
	void *ctx;
	struct arena arena; /* of a read */
	VEC(struct inventory_entry) entries;
};

struct config_store *config_store_new(struct kube_client *client, const char *namespace, const char *name)
{
	struct config_store *s = mem_alloc(sizeof(*s));
	s->client = client;
	s->namespace = mem_strdup(namespace);
	s->name = mem_strdup(name);
	return s;
}

void config_store_free(struct config_store *s)
{
	if (!s)
		return;
	if (s->call)
		kube_cancel(s->call);
	for (size_t i = 0; i < s->chunks.n; i++)
		free(s->chunks.at[i].text);
	vec_release(&s->chunks);
	vec_release(&s->entries);
	arena_release(&s->arena);
	free(s->namespace);
	free(s->name);
	free(s);
}

bool config_store_busy(const struct config_store *s)
{
	return s->read_done || s->write_done;
}

static void send(struct config_store *s, enum kube_verb verb, struct str body, kube_done_fn *done)
{
	char name[320], number[32] = "";
	if (s->at)
		snprintf(number, sizeof(number), ".part-%zu", s->at);
	snprintf(name, sizeof(name), "capstan-inventory-%s%s", s->name, number);
	bool writes = verb == KUBE_APPLY;
	struct kube_request request = {
		.verb = verb,
		.version = STR("v1"),
		.kind = STR("ConfigMap"),
		.namespace = str_of(s->namespace),
		.name = str_of(name),
		.body = body,
		.field_manager = writes ? STORE_MANAGER : NULL,
		.force = writes,
		.priority = KUBE_PRIORITY_HIGH,
		.timeout_ms = STORE_TIMEOUT_MS,
	};
	s->call = kube_send(s->client, &request, done, s);
}

/* --- reading --- */

static int by_key(const void *a, const void *b)
{
	const struct inventory_entry *x = a, *y = b;
	return str_cmp(x->key, y->key);
}

static void read_end(struct config_store *s, const char *failure)
{
	config_read_fn *done = s->read_done;
	struct inventory all = { 0 };
	s->read_done = NULL;
	if (s->entries.n)
		qsort(s->entries.at, s->entries.n, sizeof(*s->entries.at), by_key);
	/* While the number of ConfigMaps grew a key may have been left in two of them. */
	for (size_t i = 0; i < s->entries.n; i++)
		if (i == 0 || !str_eq(s->entries.at[i].key, s->entries.at[all.n - 1].key))
			s->entries.at[all.n++] = s->entries.at[i];
	all.entries = s->entries.at;
	done(s->ctx, failure ? NULL : &all, failure);
	/* The caller may not free the store from inside done. */
	vec_release(&s->entries);
	arena_release(&s->arena);
}

static int add_chunk(struct config_store *s, const struct node *object, struct error *err)
{
	struct inventory one;
	struct str label = node_text(node_get_str(node_at(object, "metadata.labels"), STR(LABEL_INVENTORY)));
	if (!str_is(label, s->name))
		return error_set(
			err,
			"ConfigMap %s/%.*s is not the inventory of %s: it has no label " LABEL_INVENTORY
			"=%s",
			s->namespace, STR_ARG(node_text(node_at(object, "metadata.name"))), s->name, s->name);
	struct str text = node_text(node_at(object, "data.inventory"));
	if (inventory_read(&s->arena, text, &one, err) < 0)
		return error_wrap(err, "ConfigMap %s/%.*s", s->namespace,
				  STR_ARG(node_text(node_at(object, "metadata.name"))));
	s->chunks.at[s->at].written = hash_of(text);
	for (size_t i = 0; i < one.n; i++)
		vec_push(&s->entries, one.entries[i]);
	return 0;
}

static size_t chunks_of(const struct node *first)
{
	int64_t n = 1;
	str_int64(node_text(node_get_str(node_at(first, "metadata.annotations"), STR(ANNOTATION_CHUNKS))),
		  &n);
	return n < 1 || n > CHUNKS_MAX ? 1 : (size_t)n;
}

static void on_read(void *arg, const struct kube_response *response)
{
	struct config_store *s = arg;
	struct error err = ERROR_INIT;
	s->call = NULL;
	if (response->result != KUBE_OK && response->code != 404) {
		read_end(s, arena_strndup(&s->arena, response->message.p, response->message.n));
		return;
	}
	bool there = response->result == KUBE_OK;
	if (s->at == 0) {
		s->exists = there;
		while (there && s->chunks.n < chunks_of(response->body))
			vec_push(&s->chunks, (struct chunk){ .text = NULL });
	}
	if (there && add_chunk(s, response->body, &err) < 0) {
		read_end(s, err.text);
		return;
	}
	if (++s->at < s->chunks.n)
		send(s, KUBE_GET, STR(""), on_read);
	else
		read_end(s, NULL);
}

void config_store_read(struct config_store *s, config_read_fn *done, void *ctx)
{
	s->read_done = done;
	s->ctx = ctx;
	s->at = 0;
	if (!s->chunks.n)
		vec_push(&s->chunks, (struct chunk){ .text = NULL });
	send(s, KUBE_GET, STR(""), on_read);
}

/* --- writing --- */

static void write_end(struct config_store *s, const char *failure)
{
	config_written_fn *done = s->write_done;
	s->write_done = NULL;
	done(s->ctx, failure);
}

static void write_next(struct config_store *s);

static void on_written(void *arg, const struct kube_response *response)
{
	struct config_store *s = arg;
	struct chunk *chunk = &s->chunks.at[s->at];
	s->call = NULL;
	if (response->result != KUBE_OK) {
		cleanup_free char *failure = mem_strndup(response->message.p, response->message.n);
		chunk->written = (struct hash){ { 0 } };
		write_end(s, failure);
		return;
	}
	chunk->written = hash_of(str_of(chunk->text));
	s->exists = true;
	write_next(s);
}

static void write_chunk(struct config_store *s, struct str text)
{
	cleanup_buf struct buf body = BUF_INIT;
	char number[32] = "";
	if (s->at)
		snprintf(number, sizeof(number), ".part-%zu", s->at);
	buf_printf(
		&body,
		"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"capstan-inventory-%s%s\","
		"\"namespace\":\"%s\",\"labels\":{\"" LABEL_INVENTORY "\":\"%s\"}",
		s->name, number, s->namespace, s->name);
	if (s->at == 0)
		buf_printf(&body, ",\"annotations\":{\"" ANNOTATION_CHUNKS "\":\"%zu\"}", s->chunks.n);
	buf_adds(&body, "},\"data\":{\"inventory\":");
	json_write_string(&body, text);
	buf_adds(&body, "}}");
	send(s, KUBE_APPLY, buf_str(&body), on_written);
}

/* The next one below that differs; the end when there is none. */
static void write_next(struct config_store *s)
{
	while (s->at > 0) {
		struct chunk *chunk = &s->chunks.at[--s->at];
		struct str text = str_of(chunk->text);
		if (hash_eq(hash_of(text), chunk->written) && (s->at || s->exists))
			continue;
		write_chunk(s, text);
		return;
	}
	write_end(s, NULL);
}

static void on_removed(void *arg, const struct kube_response *response)
{
	struct config_store *s = arg;
	s->call = NULL;
	bool gone = response->result == KUBE_OK || response->code == 404;
	s->chunks.at[0].written = (struct hash){ { 0 } };
	s->exists = !gone;
	cleanup_free char *failure = gone ? NULL : mem_strndup(response->message.p, response->message.n);
	write_end(s, failure);
}

static void nothing_to_do(struct config_store *s)
{
	/* done never comes from inside: a read of what is not there costs little and happens hardly ever. */
	send(s, KUBE_GET, STR(""), on_removed);
}

static size_t bucket_of(const struct config_store *s, struct str key)
{
	struct hash h = hash_of(key);
	return ((size_t)h.bytes[0] | (size_t)h.bytes[1] << 8) & (s->chunks.n - 1);
}

/* Texts of all chunks. Entries are in the order of their keys, and so they are in each chunk. */
static void fill_chunks(struct config_store *s, const struct inventory *inventory)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct inventory part = { .entries = arena_array(&a, struct inventory_entry, inventory->n + 1) };
	for (size_t c = 0; c < s->chunks.n; c++) {
		cleanup_buf struct buf text = BUF_INIT;
		part.n = 0;
		for (size_t i = 0; i < inventory->n; i++)
			if (bucket_of(s, inventory->entries[i].key) == c)
				part.entries[part.n++] = inventory->entries[i];
		inventory_write(&text, &part);
		free(s->chunks.at[c].text);
		s->chunks.at[c].text = mem_strndup(text.p, text.n);
	}
}

void config_store_write(struct config_store *s, const struct inventory *inventory, config_written_fn *done,
			void *ctx)
{
	s->write_done = done;
	s->ctx = ctx;
	if (!s->chunks.n)
		vec_push(&s->chunks, (struct chunk){ .text = NULL });
	if (inventory->n == 0 && s->chunks.n == 1) {
		s->at = 0;
		if (s->exists)
			send(s, KUBE_DELETE, STR(""), on_removed);
		else
			nothing_to_do(s);
		return;
	}
	cleanup_buf struct buf whole = BUF_INIT;
	inventory_write(&whole, inventory);
	while (s->chunks.n < CHUNKS_MAX && whole.n / s->chunks.n > CHUNK_MAX) {
		size_t doubled = s->chunks.n * 2;
		while (s->chunks.n < doubled)
			vec_push(&s->chunks, (struct chunk){ .text = NULL });
		/* The first one holds the number: it must be written whatever else it says. */
		s->chunks.at[0].written = (struct hash){ { 0 } };
	}
	fill_chunks(s, inventory);
	s->at = s->chunks.n;
	write_next(s);
}
