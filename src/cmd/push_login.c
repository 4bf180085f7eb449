/* push_login.c - see push_login.h. */
#include "cmd/push_login.h"

#include "cmd/apps.h"
#include "cmd/deploy_repo.h"
#include "operator/credentials.h"
#include "operator/spec.h"

bool push_login_same(const char *url, const char *other)
{
	cleanup_arena struct arena a = ARENA_INIT;
	return strcmp(deploy_repo_identity(&a, url), deploy_repo_identity(&a, other)) == 0;
}

struct found {
	const char *url, *secret; /* NULL: none */
};

/* An entry {url, secretRef: {name}}; the very same text goes before one that only means the same. */
static bool take(struct arena *a, const struct node *entry, const char *url, struct found *out)
{
	const char *its = apps_text(a, node_get(entry, "url"));
	const char *secret = apps_text(a, node_at(entry, "secretRef.name"));
	if (!*its || !push_login_same(its, url) || (out->url && strcmp(its, url) != 0))
		return false;
	*out = (struct found){ its, *secret ? secret : NULL };
	return true;
}

static struct kube_request get_request(const char *group, const char *version, const char *kind,
				       const char *namespace, const char *name)
{
	return (struct kube_request){
		.verb = KUBE_GET,
		.group = str_of(group),
		.version = str_of(version),
		.kind = str_of(kind),
		.namespace = str_of(namespace),
		.name = str_of(name),
	};
}

/* 0, 1: there is none. */
static int find_url(struct cluster *c, struct arena *a, const char *namespace, const char *name,
		    const char *url, struct found *out, struct error *err)
{
	struct node *repos;
	if (apps_list_kind(c, a, "Repo", namespace, &repos, err) != 0)
		return -1;
	*out = (struct found){ 0 };
	for (size_t i = 0; i < node_count(repos); i++) {
		const struct node *repo = node_item(repos, i);
		const struct node *list = node_at(repo, "spec.hosted.deliver");
		if (!str_is(node_text(node_at(repo, "metadata.name")), name))
			continue;
		for (size_t k = 0; k < node_count(list); k++)
			take(a, node_item(list, k), url, out);
	}
	if (out->url)
		return 0;
	for (size_t i = 0; i < node_count(repos); i++)
		take(a, node_at(node_item(repos, i), "spec"), url, out);
	return out->url ? 0 : 1;
}

static int read_secret(struct cluster *c, struct arena *a, const char *namespace, const char *name,
		       struct config_login *out, struct error *err)
{
	struct reply reply;
	struct kube_request request = get_request("", "v1", "Secret", namespace, name);
	cluster_call(c, a, &request, &reply);
	if (reply.result != KUBE_OK)
		return cluster_error(err, &reply, "Secret %s/%s", namespace, name);
	const struct node *data = node_get(reply.body, "data");
	credentials_read(a, data, &out->credentials);
	struct str forge = str_trim(credentials_key(a, data, "forge"));
	out->forge = forge.n ? arena_strndup(a, forge.p, forge.n) : NULL;
	return 0;
}

int push_login_find(struct cluster *c, struct arena *a, const char *namespace, const char *name,
		    const char *url, struct config_login *out, struct error *err)
{
	struct found found;
	char shown[256];
	*out = (struct config_login){ 0 };
	int rc = find_url(c, a, namespace, name, url, &found, err);
	remote_redact(url, shown, sizeof(shown));
	if (rc > 0)
		return error_set(err,
				 "no object of namespace %s names the configuration repository %s: add it to "
				 "spec.hosted.deliver of Repo %s, or make the Repo that Apps follow it by",
				 namespace, shown, name);
	if (rc < 0)
		return -1;
	out->url = found.url;
	return found.secret ? read_secret(c, a, namespace, found.secret, out, err) : 0;
}
