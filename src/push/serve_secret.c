/*
 * serve_secret.c - the token by which the operator reads a hosted repository: made here, kept in a Secret of
 * the Repo's namespace (status.fetch.secretRef), known to us by its hash.
 */
#include <stdio.h>
#include <sys/random.h>

#include "base/log.h"
#include "doc/json.h"
#include "operator/credentials.h"
#include "operator/spec.h"
#include "push/access.h"
#include "push/serve_parts.h"

#include <openssl/evp.h>

enum { TIMEOUT_MS = 20000, TOKEN_BYTES = 32 };

#define PREFIX "capstan-fetch-"

/* Names of Secrets are as long as those of Repos, so that a long one is cut and told apart by its hash. */
const char *served_secret_name(struct arena *a, const struct served *s)
{
	char hex[HASH_HEX_LEN + 1];
	if (strlen(s->name) + sizeof(PREFIX) - 1 <= HOSTED_NAME_MAX)
		return arena_printf(a, PREFIX "%s", s->name);
	hash_hex(hash_of(str_of(s->name)), hex);
	return arena_printf(a, PREFIX "%.150s-%s", s->name, hex);
}

static struct kube_request request_for(struct arena *a, const struct served *s, enum kube_verb verb)
{
	return (struct kube_request){
		.verb = verb,
		.group = STR(""),
		.version = STR("v1"),
		.kind = STR("Secret"),
		.namespace = str_of(s->namespace),
		.name = str_of(served_secret_name(a, s)),
		.field_manager = "capstan-push",
		.priority = KUBE_PRIORITY_NORMAL,
		.timeout_ms = TIMEOUT_MS,
	};
}

static void settle(struct served *s, const char *error)
{
	if (error && (!s->secret_error || strcmp(error, s->secret_error) != 0))
		log_warn("the operator's token cannot be had", "repo", s->key, "error", error, NULL);
	char *copy = error ? mem_strdup(error) : NULL;
	free(s->secret_error);
	s->secret_error = copy;
	served_apply(s);
}

static void fail(struct served *s, const struct kube_response *response)
{
	cleanup_arena struct arena a = ARENA_INIT;
	settle(s, arena_printf(&a, "Secret %s, for the operator's token: %.*s", served_secret_name(&a, s),
			       STR_ARG(response->message)));
}

/* 256 bits in letters that need no quoting anywhere. */
static bool make_token(char out[4 * TOKEN_BYTES / 3 + 4])
{
	unsigned char bytes[TOKEN_BYTES];
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return false;
	int n = EVP_EncodeBlock((unsigned char *)out, bytes, sizeof(bytes));
	for (int i = 0; i < n; i++)
		out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
	while (n > 0 && out[n - 1] == '=')
		out[--n] = '\0';
	return true;
}

static void set_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	node_set(a, map, str_of(key), node_string(a, str_of(text)));
}

static struct node *secret_of(struct arena *a, const struct served *s, const char *token)
{
	struct node *root = node_map(a), *metadata = node_map(a), *data = node_map(a), *owners = node_seq(a),
		    *owner = node_map(a), *labels = node_map(a);
	set_text(a, owner, "apiVersion", CAPSTAN_GROUP "/" CAPSTAN_VERSION_NAME);
	set_text(a, owner, "kind", "Repo");
	set_text(a, owner, "name", s->name);
	set_text(a, owner, "uid", s->repo.uid);
	node_push(a, owners, owner);
	set_text(a, labels, "app.kubernetes.io/part-of", "capstan");
	set_text(a, metadata, "name", served_secret_name(a, s));
	set_text(a, metadata, "namespace", s->namespace);
	node_set(a, metadata, STR("labels"), labels);
	node_set(a, metadata, STR("ownerReferences"), owners);
	set_text(a, data, "username", "operator");
	set_text(a, data, "password", token);
	set_text(a, root, "apiVersion", "v1");
	set_text(a, root, "kind", "Secret");
	set_text(a, root, "type", FETCH_SECRET_TYPE);
	node_set(a, root, STR("metadata"), metadata);
	node_set(a, root, STR("stringData"), data);
	return root;
}

static void on_created(void *arg, const struct kube_response *response);
static void on_got(void *arg, const struct kube_response *response);
static void on_adopted(void *arg, const struct kube_response *response);

static void get(struct served *s)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct kube_request request = request_for(&a, s, KUBE_GET);
	s->secret_call = kube_send(s->serve->client, &request, on_got, s);
}

static void create(struct served *s)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf body = BUF_INIT;
	char token[4 * TOKEN_BYTES / 3 + 4];
	if (!make_token(token)) {
		settle(s, "there are no random numbers");
		return;
	}
	json_write(&body, secret_of(&a, s, token));
	struct kube_request request = request_for(&a, s, KUBE_CREATE);
	request.body = buf_str(&body);
	s->secret_call = kube_send(s->serve->client, &request, on_created, s);
	explicit_bzero(token, sizeof(token));
}

static void on_created(void *arg, const struct kube_response *response)
{
	struct served *s = arg;
	s->secret_call = NULL;
	if (response->result == KUBE_OK || response->code == 409)
		get(s);
	else
		fail(s, response);
}

/* One that an object of before had: it would be removed with that. */
static void adopt(struct served *s)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf body = BUF_INIT;
	struct node *root = node_map(&a), *metadata = node_map(&a);
	node_set(&a, metadata, STR("ownerReferences"),
		 node_at(secret_of(&a, s, ""), "metadata.ownerReferences"));
	node_set(&a, root, STR("metadata"), metadata);
	json_write(&body, root);
	struct kube_request request = request_for(&a, s, KUBE_MERGE_PATCH);
	request.body = buf_str(&body);
	s->secret_call = kube_send(s->serve->client, &request, on_adopted, s);
}

static void on_adopted(void *arg, const struct kube_response *response)
{
	struct served *s = arg;
	s->secret_call = NULL;
	if (response->result == KUBE_OK || response->code == 404)
		get(s);
	else
		fail(s, response);
}

static void on_got(void *arg, const struct kube_response *response)
{
	struct served *s = arg;
	cleanup_arena struct arena a = ARENA_INIT;
	s->secret_call = NULL;
	if (response->code == 404) {
		create(s);
		return;
	}
	if (response->result != KUBE_OK) {
		fail(s, response);
		return;
	}
	struct str token = credentials_key(&a, node_get(response->body, "data"), "password");
	if (!str_is(node_text(node_get(response->body, "type")), FETCH_SECRET_TYPE) ||
	    token.n < TOKEN_BYTES) {
		settle(s, arena_printf(&a, "Secret %s is somebody else's: remove it, or rename it",
				       served_secret_name(&a, s)));
		return;
	}
	const struct node *owner = node_item(node_at(response->body, "metadata.ownerReferences"), 0);
	if (!str_is(node_text(node_get(owner, "uid")), s->repo.uid ? s->repo.uid : "")) {
		adopt(s);
		return;
	}
	access_token_sha256(token, s->token_sha256);
	settle(s, NULL);
}

bool served_token(struct served *s)
{
	if (s->token_sha256[0] || s->secret_error)
		return true;
	if (!s->secret_call)
		get(s);
	return false;
}
