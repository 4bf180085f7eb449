/* copy.c - what a client and its calls keep: everything they are given may go away. */
#include "kube/client_parts.h"

static struct str copy_str(struct arena *a, struct str s)
{
	return s.n ? arena_str(a, s) : (struct str){ "", 0 };
}

static const char *copy(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

static const char *const *copy_words(struct arena *a, const char *const *from)
{
	size_t n = 0;
	while (from && from[n])
		n++;
	const char **to = arena_array(a, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		to[i] = arena_strdup(a, from[i]);
	return to;
}

static struct kube_exec_plugin *copy_exec(struct arena *a, const struct kube_exec_plugin *from)
{
	if (!from)
		return NULL;
	struct kube_exec_plugin *to = arena_new(a, struct kube_exec_plugin);
	*to = *from;
	to->command = copy(a, from->command);
	to->api_version = copy(a, from->api_version);
	to->install_hint = copy(a, from->install_hint);
	to->args = copy_words(a, from->args);
	to->env = copy_words(a, from->env);
	return to;
}

void kube_config_copy(struct arena *a, const struct kube_config *from, struct kube_config *to)
{
	*to = *from;
	to->server = copy(a, from->server);
	to->namespace = copy(a, from->namespace);
	to->context = copy(a, from->context);
	to->ca_pem = copy_str(a, from->ca_pem);
	to->cert_pem = copy_str(a, from->cert_pem);
	to->key_pem = copy_str(a, from->key_pem);
	to->token = copy(a, from->token);
	to->token_file = copy(a, from->token_file);
	to->username = copy(a, from->username);
	to->password = copy(a, from->password);
	to->impersonate = copy(a, from->impersonate);
	to->tls_server_name = copy(a, from->tls_server_name);
	to->proxy_url = copy(a, from->proxy_url);
	to->exec = copy_exec(a, from->exec);
}

void kube_request_copy(struct arena *a, const struct kube_request *from, struct kube_request *to)
{
	*to = *from;
	to->group = copy_str(a, from->group);
	to->version = copy_str(a, from->version);
	to->kind = copy_str(a, from->kind);
	to->namespace = copy_str(a, from->namespace);
	to->name = copy_str(a, from->name);
	to->body = copy_str(a, from->body);
	to->subresource = copy(a, from->subresource);
	to->query = copy(a, from->query);
	to->field_manager = copy(a, from->field_manager);
	to->field_validation = copy(a, from->field_validation);
	to->label_selector = copy(a, from->label_selector);
	to->field_selector = copy(a, from->field_selector);
	to->limit_continue = copy(a, from->limit_continue);
	to->resource_version = copy(a, from->resource_version);
	to->impersonate_user = copy(a, from->impersonate_user);
}
