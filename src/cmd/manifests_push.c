/* manifests_push.c - see manifests_push.h. */
#include "cmd/manifests_push.h"

#include <string.h>

#define SSH_SERVICE "capstan-push-ssh"
#define SSH_PORT 22

bool push_manifests_has(const char *path)
{
	return strstr(path, "/push") || strcmp(path, "crds/remotes.yaml") == 0;
}

const char *push_manifests_namespace(struct arena *a, const struct manifest_options *options)
{
	return options->namespace ? arena_printf(a, "%s-push", options->namespace) : PUSH_NAMESPACE_DEFAULT;
}

const char *push_manifests_ssh_url(struct arena *a, const struct manifest_options *options)
{
	const struct push_manifest_options *p = &options->push;
	long long port = p->port ? p->port : SSH_PORT;
	const char *host =
		p->host ? p->host
			: arena_printf(a, "%s.%s.svc", SSH_SERVICE, push_manifests_namespace(a, options));
	return port == SSH_PORT ? arena_printf(a, "ssh://git@%s", host)
				: arena_printf(a, "ssh://git@%s:%lld", host, port);
}

/* --- one kind each --- */

static void set_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	if (map && text)
		node_set(a, map, str_of(key), node_string(a, str_of(text)));
}

static void adapt_claim(struct arena *a, struct node *root, const struct push_manifest_options *p)
{
	struct node *spec = node_get(root, "spec");
	set_text(a, spec, "storageClassName", p->storage_class);
	set_text(a, node_at(root, "spec.resources.requests"), "storage", p->storage);
}

static void adapt_service(struct arena *a, struct node *root, const struct push_manifest_options *p)
{
	struct node *port = node_item(node_at(root, "spec.ports"), 0);
	if (!str_is(node_text(node_at(root, "metadata.name")), SSH_SERVICE))
		return;
	set_text(a, node_get(root, "spec"), "type", p->expose);
	if (!p->port || !port)
		return;
	bool node_port = p->expose && strcmp(p->expose, "NodePort") == 0;
	node_set(a, port, str_of(node_port ? "nodePort" : "port"), node_int_new(a, p->port));
}

/* Without builds it is as restricted as the operator. */
static void restrict_pod(struct arena *a, struct node *root)
{
	struct node *spec = node_at(root, "spec.template.spec");
	struct node *container = node_item(node_get(spec, "containers"), 0);
	struct node *security = node_get(container, "securityContext");
	node_del(spec, STR("hostUsers"));
	node_del(node_get(spec, "securityContext"), STR("appArmorProfile"));
	set_text(a, node_at(spec, "securityContext.seccompProfile"), "type", "RuntimeDefault");
	node_set(a, security, STR("allowPrivilegeEscalation"), node_bool_new(a, false));
	node_del(security, STR("procMount"));
	node_del(node_get(security, "capabilities"), STR("add"));
	set_text(a, node_at(container, "resources.limits"), "memory", "512Mi");
}

static void adapt_namespace(struct arena *a, struct node *root)
{
	set_text(a, node_at(root, "metadata.labels"), "pod-security.kubernetes.io/enforce", "restricted");
}

static void replace_arguments(struct arena *a, struct node *root, const struct manifest_options *options)
{
	const struct push_manifest_options *p = &options->push;
	const char *base = arena_printf(a, "http://%s.%s.svc/git", push_manifests_namespace(a, options),
					push_manifests_namespace(a, options));
	struct node *container = node_item(node_at(root, "spec.template.spec.containers"), 0);
	struct node *list = node_get(container, "args");
	const char *const pairs[][2] = {
		{ "@SSH_URL@", arena_printf(a, "--ssh-url=%s", push_manifests_ssh_url(a, options)) },
		{ "@HTTP_URL@", arena_printf(a, "--http-url=%s", p->http_url ? p->http_url : base) },
		{ "@FETCH_URL@", arena_printf(a, "--fetch-url=%s", base) },
	};
	for (size_t i = 0; i < node_count(list); i++)
		for (size_t k = 0; k < sizeof(pairs) / sizeof(pairs[0]); k++)
			if (str_is(list->seq.items[i]->text, pairs[k][0]))
				list->seq.items[i] = node_string(a, str_of(pairs[k][1]));
}

void push_manifests_adapt(struct arena *a, struct node *root, const struct manifest_options *options)
{
	const struct push_manifest_options *p = &options->push;
	struct str kind = node_text(node_get(root, "kind"));
	if (str_is(kind, "PersistentVolumeClaim"))
		adapt_claim(a, root, p);
	else if (str_is(kind, "Service"))
		adapt_service(a, root, p);
	else if (str_is(kind, "Namespace") && p->no_builds)
		adapt_namespace(a, root);
	if (!str_is(kind, "Deployment"))
		return;
	replace_arguments(a, root, options);
	if (p->no_builds)
		restrict_pod(a, root);
}
