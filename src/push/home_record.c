/* home_record.c - see home_record.h. What is absent in a record has the zero value of its struct. */
#include "push/home_record.h"

#include <stdio.h>

#include "doc/json.h"
#include "io/file.h"

#define CONTAINERS_MAX 1000u /* of one Remote */
#define BUILD_ARGS_MAX 1000u /* of one container */

static const char *const rights[] = {
	[HOSTED_NONE] = "none",
	[HOSTED_READ] = "read",
	[HOSTED_PUSH_BRANCHES] = "push-branches",
	[HOSTED_PUSH] = "push",
};

const char *hosted_right_name(enum hosted_right right)
{
	return rights[right];
}

bool hosted_right_parse(struct str name, enum hosted_right *out)
{
	for (size_t i = 0; i < sizeof(rights) / sizeof(*rights); i++) {
		if (str_is(name, rights[i])) {
			*out = (enum hosted_right)i;
			return true;
		}
	}
	return false;
}

/* ---- words ---- */

const char *record_text(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);
	return node_is_string(n) ? n->text.p : NULL;
}

void record_set_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	if (text)
		node_set(a, map, str_of(key), node_string(a, str_of(text)));
}

void record_set_flag(struct arena *a, struct node *map, const char *key, bool flag)
{
	if (flag)
		node_set(a, map, str_of(key), node_bool_new(a, true));
}

int record_texts(struct arena *a, const struct node *map, const char *key, size_t max,
		 const char *const **out, size_t *n, struct error *err)
{
	const struct node *list = node_get(map, key);
	size_t count = list && list->type == NODE_SEQ ? node_count(list) : 0;
	if (count > max)
		return error_set(err, "%s: %zu entries are more than %zu", key, count, max);
	const char **texts = arena_array(a, const char *, count);
	for (size_t i = 0; i < count; i++) {
		const struct node *item = node_item(list, i);
		if (!node_is_string(item))
			return error_set(err, "%s[%zu] is no text", key, i);
		texts[i] = item->text.p;
	}
	*out = texts;
	*n = count;
	return 0;
}

void record_set_texts(struct arena *a, struct node *map, const char *key, const char *const *texts, size_t n)
{
	if (n == 0)
		return;
	struct node *list = node_seq(a);
	for (size_t i = 0; i < n; i++)
		node_push(a, list, node_string(a, str_of(texts[i])));
	node_set(a, map, str_of(key), list);
}

/* ---- keys ---- */

static struct node *write_key(struct arena *a, const struct hosted_key *key)
{
	struct node *n = node_map(a);
	record_set_text(a, n, "who", key->who);
	record_set_text(a, n, "key", key->key);
	record_set_text(a, n, "tokenSHA256", key->token_sha256);
	record_set_text(a, n, "right", hosted_right_name(key->right));
	record_set_texts(a, n, "branches", key->branches, key->n_branches);
	return n;
}

static int read_key(struct arena *a, const struct node *n, struct hosted_key *out, struct error *err)
{
	out->who = record_text(n, "who");
	out->key = record_text(n, "key");
	out->token_sha256 = record_text(n, "tokenSHA256");
	if (!out->who || !out->key == !out->token_sha256)
		return error_set(err, "it needs who, and either key or tokenSHA256");
	if (!hosted_right_parse(node_text(node_get(n, "right")), &out->right))
		return error_set(err, "right \"%.*s\" is not known",
				 STR_ARG(node_text(node_get(n, "right"))));
	return record_texts(a, n, "branches", HOSTED_BRANCHES_MAX, &out->branches, &out->n_branches, err);
}

static int read_keys(struct arena *a, const struct node *root, struct hosted_repo *out, struct error *err)
{
	const struct node *list = node_get(root, "keys");
	size_t n = node_count(list);
	if (n > HOSTED_KEYS_MAX)
		return error_set(err, "keys: %zu are more than %u", n, HOSTED_KEYS_MAX);
	struct hosted_key *keys = arena_array(a, struct hosted_key, n);
	for (size_t i = 0; i < n; i++)
		if (read_key(a, node_item(list, i), &keys[i], err) < 0)
			return error_wrap(err, "keys[%zu]", i);
	out->keys = keys;
	out->n_keys = n;
	return 0;
}

/* ---- containers ---- */

static struct node *write_container(struct arena *a, const struct hosted_container *c)
{
	struct node *n = node_map(a);
	record_set_text(a, n, "deployment", c->deployment);
	record_set_text(a, n, "container", c->container);
	record_set_text(a, n, "path", c->path);
	record_set_text(a, n, "dockerfile", c->dockerfile);
	record_set_texts(a, n, "buildArgs", c->build_args, c->n_build_args);
	record_set_flag(a, n, "noCache", c->no_cache);
	return n;
}

static int read_container(struct arena *a, const struct node *n, struct hosted_container *out,
			  struct error *err)
{
	out->deployment = record_text(n, "deployment");
	out->container = record_text(n, "container");
	out->path = record_text(n, "path");
	out->dockerfile = record_text(n, "dockerfile");
	out->no_cache = node_bool(node_get(n, "noCache"), false);
	if (!out->deployment || !out->container)
		return error_set(err, "it needs deployment and container");
	return record_texts(a, n, "buildArgs", BUILD_ARGS_MAX, &out->build_args, &out->n_build_args, err);
}

static int read_containers(struct arena *a, const struct node *root, struct hosted_repo *out,
			   struct error *err)
{
	const struct node *list = node_get(root, "containers");
	size_t n = node_count(list);
	if (n > CONTAINERS_MAX)
		return error_set(err, "containers: %zu are more than %u", n, CONTAINERS_MAX);
	struct hosted_container *containers = arena_array(a, struct hosted_container, n);
	for (size_t i = 0; i < n; i++)
		if (read_container(a, node_item(list, i), &containers[i], err) < 0)
			return error_wrap(err, "containers[%zu]", i);
	out->containers = containers;
	out->n_containers = n;
	return 0;
}

/* ---- the whole ---- */

static struct node *write_registry(struct arena *a, const struct hosted_registry *registry)
{
	struct node *n = node_map(a);
	record_set_text(a, n, "url", registry->url);
	record_set_text(a, n, "username", registry->username);
	record_set_text(a, n, "password", registry->password);
	record_set_flag(a, n, "insecure", registry->insecure);
	return n;
}

struct node *hosted_record(struct arena *a, const struct hosted_repo *repo)
{
	struct node *root = node_map(a), *keys = node_seq(a), *containers = node_seq(a);
	for (size_t i = 0; i < repo->n_keys; i++)
		node_push(a, keys, write_key(a, &repo->keys[i]));
	for (size_t i = 0; i < repo->n_containers; i++)
		node_push(a, containers, write_container(a, &repo->containers[i]));
	record_set_text(a, root, "namespace", repo->namespace);
	record_set_text(a, root, "name", repo->name);
	record_set_flag(a, root, "remote", repo->remote);
	node_set(a, root, STR("keys"), keys);
	record_set_texts(a, root, "protectedBranches", repo->protected, repo->n_protected);
	node_set(a, root, STR("maxBytes"), node_int_new(a, (int64_t)repo->max_bytes));
	record_set_text(a, root, "mirrorURL", repo->mirror_url);
	if (repo->registry.url)
		node_set(a, root, STR("registry"), write_registry(a, &repo->registry));
	record_set_text(a, root, "serviceAccountName", repo->service_account);
	record_set_text(a, root, "buildSecret", repo->build_secret);
	record_set_text(a, root, "manifests", repo->manifests);
	if (repo->n_containers)
		node_set(a, root, STR("containers"), containers);
	return root;
}

int hosted_record_read(struct arena *a, const struct node *root, struct hosted_repo *out, struct error *err)
{
	const struct node *registry = node_get(root, "registry");
	int64_t max_bytes = 0;
	*out = (struct hosted_repo){
		.namespace = record_text(root, "namespace"),
		.name = record_text(root, "name"),
		.remote = node_bool(node_get(root, "remote"), false),
		.mirror_url = record_text(root, "mirrorURL"),
		.registry = {
			.url = record_text(registry, "url"),
			.username = record_text(registry, "username"),
			.password = record_text(registry, "password"),
			.insecure = node_bool(node_get(registry, "insecure"), false),
		},
		.service_account = record_text(root, "serviceAccountName"),
		.build_secret = record_text(root, "buildSecret"),
		.manifests = record_text(root, "manifests"),
	};
	if (!out->namespace || !out->name || !hosted_name_ok(str_of(out->namespace)) ||
	    !hosted_name_ok(str_of(out->name)))
		return error_set(err, "namespace and name are not those of an object");
	if (!node_int(node_get(root, "maxBytes"), &max_bytes) || max_bytes < 0)
		return error_set(err, "maxBytes is no number of bytes");
	out->max_bytes = (uint64_t)max_bytes;
	if (read_keys(a, root, out, err) < 0 || read_containers(a, root, out, err) < 0)
		return -1;
	return record_texts(a, root, "protectedBranches", HOSTED_BRANCHES_MAX, &out->protected,
			    &out->n_protected, err);
}

int hosted_read(struct arena *a, const char *home, const char *key, struct hosted_repo *out,
		struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct error missing = ERROR_INIT;
	struct str name, namespace = str_cut(str_of(key), '/', &name);
	struct node *root;
	if (!hosted_name_ok(namespace) || !hosted_name_ok(name))
		return 1;
	const char *path = push_path(a, home, "repos", arena_printf(a, "%s.json", key), NULL);
	int rc = file_read(path, RECORD_MAX, &text, &missing);
	if (rc != 0)
		return rc > 0 ? 1 : error_set(err, "%s", missing.text);
	if (json_parse(a, buf_str(&text), true, &root, err) < 0 || hosted_record_read(a, root, out, err) < 0)
		return error_wrap(err, "%s", path);
	if (!str_is(namespace, out->namespace) || !str_is(name, out->name))
		return error_set(err, "%s: it is of %s/%s", path, out->namespace, out->name);
	return 0;
}

int hosted_write(const char *home, const struct hosted_repo *repo, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	if (!hosted_name_ok(str_of(repo->namespace)) || !hosted_name_ok(str_of(repo->name)))
		return error_set(err, "%s/%s: such a name cannot be hosted", repo->namespace, repo->name);
	if (push_make_dirs(push_path(&a, home, "repos", repo->namespace, NULL), err) < 0)
		return -1;
	json_write_pretty(&text, hosted_record(&a, repo));
	const char *file = arena_printf(&a, "%s.json", repo->name);
	return push_replace(push_path(&a, home, "repos", repo->namespace, file, NULL), buf_str(&text), err);
}
