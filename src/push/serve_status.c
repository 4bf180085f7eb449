/*
 * serve_status.c - what people and the operator are told: status.hosted and status.fetch of a Repo (its
 * conditions are the operator's), status of a Remote, and the Repo that a Remote has.
 */
#include <stdio.h>

#include "base/log.h"
#include "doc/json.h"
#include "operator/spec.h"
#include "push/gitkube.h"
#include "push/serve_parts.h"

enum { TIMEOUT_MS = 30000, MESSAGE_MAX = 2000 };

static void set_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	node_set(a, map, str_of(key), node_string(a, str_of(text)));
}

static const char *address(struct arena *a, const char *base, const struct served *s)
{
	return base ? arena_printf(a, "%s/%s.git", base, s->key) : "";
}

/* --- a Repo --- */

static const char *trouble(struct arena *a, const struct served *s)
{
	const char *text = s->repo.error		     ? s->repo.error
			   : s->of_remote && s->remote.error ? s->remote.error
			   : s->error			     ? s->error
			   : s->secret_error		     ? s->secret_error
			   : s->mirror_error		     ? s->mirror_error
							     : "";
	return arena_printf(a, "%.*s", MESSAGE_MAX, text);
}

static struct node *repo_status(struct arena *a, const struct served *s)
{
	const struct serve *serve = s->serve;
	struct node *status = node_map(a), *hosted = node_map(a), *fetch = node_map(a), *ref = node_map(a);
	set_text(a, hosted, "ssh", address(a, serve->ssh_base, s));
	set_text(a, hosted, "http", address(a, serve->http_base, s));
	set_text(a, hosted, "hostKey", serve->host_key && serve->ssh_base ? serve->host_key : "");
	node_set(a, hosted, STR("bytes"), node_int_new(a, (int64_t)s->state.bytes));
	set_text(a, hosted, "message", trouble(a, s));
	node_set(a, status, STR("hosted"), hosted);
	if (!s->recorded || !serve->fetch_base || !s->token_sha256[0])
		return status;
	set_text(a, fetch, "url", address(a, serve->fetch_base, s));
	set_text(a, ref, "name", served_secret_name(a, s));
	node_set(a, fetch, STR("secretRef"), ref);
	if (s->pushed[0])
		set_text(a, fetch, "pushed", s->pushed);
	node_set(a, status, STR("fetch"), fetch);
	return status;
}

static bool has_all(const struct node *is, const struct node *wanted)
{
	for (size_t i = 0; i < wanted->map.n; i++)
		if (!node_equal(node_get_str(is, wanted->map.pairs[i].key), wanted->map.pairs[i].value))
			return false;
	return true;
}

static void on_status(void *arg, const struct kube_response *response)
{
	struct served *s = arg;
	s->status_call = NULL;
	if (response->result != KUBE_OK && response->code != 404)
		log_warn("status of a Repo cannot be written", "repo", s->key, "error",
			 response->message.n ? response->message.p : "", NULL);
}

static void tell_repo(struct served *s)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf body = BUF_INIT;
	struct node *status = repo_status(&a, s), *root = node_map(&a);
	if (s->status_call || has_all(s->repo.status, status))
		return;
	node_set(&a, root, STR("status"), status);
	json_write(&body, root);
	struct kube_request request = {
		.verb = KUBE_MERGE_PATCH,
		.group = STR(CAPSTAN_GROUP),
		.version = STR(CAPSTAN_VERSION_NAME),
		.kind = STR("Repo"),
		.namespace = str_of(s->namespace),
		.name = str_of(s->name),
		.subresource = "status",
		.body = buf_str(&body),
		.field_manager = "capstan-push",
		.priority = KUBE_PRIORITY_LOW,
		.timeout_ms = TIMEOUT_MS,
	};
	s->status_call = kube_send(s->serve->client, &request, on_status, s);
}

/* --- a Remote --- */

static void on_remote_status(void *arg, const struct kube_response *response)
{
	struct served *s = arg;
	s->remote_status_call = NULL;
	if (response->result != KUBE_OK && response->code != 404)
		log_warn("status of a Remote cannot be written", "remote", s->key, "error",
			 response->message.n ? response->message.p : "", NULL);
}

static void tell_remote(struct served *s)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf body = BUF_INIT;
	struct node *status = node_map(&a), *root = node_map(&a);
	const char *why =
		s->remote.error ? s->remote.error
		: s->other_repo ? "there is a Repo of this name that is not for it: remove it, or rename one"
				: trouble(&a, s);
	bool served = s->recorded && !s->other_repo && !s->remote.error;
	const char *base = s->serve->ssh_base ? s->serve->ssh_base : s->serve->http_base;
	set_text(&a, status, "remoteUrl", served ? address(&a, base, s) : "");
	set_text(&a, status, "remoteUrlDesc", why);
	if (s->remote_status_call || has_all(s->remote.status, status))
		return;
	node_set(&a, root, STR("status"), status);
	json_write(&body, root);
	struct kube_request request = {
		.verb = KUBE_MERGE_PATCH,
		.group = STR(GITKUBE_GROUP),
		.version = STR(GITKUBE_VERSION),
		.kind = STR("Remote"),
		.namespace = str_of(s->namespace),
		.name = str_of(s->name),
		.body = buf_str(&body),
		.field_manager = "capstan-push",
		.priority = KUBE_PRIORITY_LOW,
		.timeout_ms = TIMEOUT_MS,
	};
	s->remote_status_call = kube_send(s->serve->client, &request, on_remote_status, s);
}

static void on_created(void *arg, const struct kube_response *response)
{
	struct served *s = arg;
	s->create_call = NULL;
	if (response->result != KUBE_OK && response->code != 409)
		log_warn("the Repo of a Remote cannot be made", "remote", s->key, "error",
			 response->message.n ? response->message.p : "", NULL);
}

static void create_repo(struct served *s)
{
	cleanup_arena struct arena a = ARENA_INIT;
	if (s->create_call)
		return;
	const char *body = arena_printf(
		&a,
		"{\"apiVersion\":\"%s/%s\",\"kind\":\"Repo\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\",\"labels\":{\"%s\":\"gitkube\"},"
		"\"ownerReferences\":[{\"apiVersion\":\"%s/%s\",\"kind\":\"Remote\",\"name\":\"%s\",\"uid\":\"%s\"}]},\"spec\":{\"hosted\":{}}}",
		CAPSTAN_GROUP, CAPSTAN_VERSION_NAME, s->name, s->namespace, LABEL_REMOTE, GITKUBE_GROUP,
		GITKUBE_VERSION, s->name, s->remote.uid);
	struct kube_request request = {
		.verb = KUBE_CREATE,
		.group = STR(CAPSTAN_GROUP),
		.version = STR(CAPSTAN_VERSION_NAME),
		.kind = STR("Repo"),
		.namespace = str_of(s->namespace),
		.name = str_of(s->name),
		.body = str_of(body),
		.field_manager = "capstan-push",
		.priority = KUBE_PRIORITY_NORMAL,
		.timeout_ms = TIMEOUT_MS,
	};
	s->create_call = kube_send(s->serve->client, &request, on_created, s);
}

void served_tell(struct served *s)
{
	if (s->repo.there)
		tell_repo(s);
	if (!s->remote.there)
		return;
	if (!s->repo.there && !s->other_repo && !s->remote.error)
		create_repo(s);
	tell_remote(s);
}
