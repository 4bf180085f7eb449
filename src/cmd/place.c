/* place.c - see place.h. */
#include "cmd/place.h"

#include <string.h>
#include <sys/stat.h>

#include "cmd/apps.h"

bool place_is_dir(const char *operand, bool app)
{
	struct stat st;
	if (app)
		return false;
	if (strchr(operand, '/') || strcmp(operand, ".") == 0 || strcmp(operand, "..") == 0)
		return true;
	return stat(operand, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Those who may not read namespaces learn from the first write whether theirs is there. */
static int check_namespace(struct cluster *c, struct arena *a, struct error *err)
{
	struct reply reply;
	struct kube_request request = {
		.verb = KUBE_GET, .version = STR("v1"), .kind = STR("Namespace"), .name = str_of(c->namespace)
	};
	cluster_call(c, a, &request, &reply);
	if (reply.result == KUBE_OK && node_text(node_at(reply.body, "metadata.deletionTimestamp")).n)
		return error_set(err, "namespace %s is being deleted; nothing can be created in it",
				 c->namespace);
	if (reply.code == 404)
		return error_set(
			err,
			"there is no namespace %s, where the inventory is to be kept; create it first: "
			"kubectl create namespace %s",
			c->namespace, c->namespace);
	if (reply.result != KUBE_OK && reply.code != 403)
		return cluster_error(err, &reply, "namespace %s", c->namespace);
	return 0;
}

int place_check(struct cluster *c, const char *name, const char *operand, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct reply reply;
	if (check_namespace(c, &a, err) < 0)
		return -1;
	struct kube_request request = apps_request(KUBE_GET, c->namespace, name);
	cluster_call(c, &a, &request, &reply);
	if (reply.result == KUBE_OK)
		return error_set(
			err,
			"%s is a directory, and there is an App %s in namespace %s, too: both would own the same "
			"objects; for the App give --app, for the directory another --name",
			operand, name, c->namespace);
	return 0;
}
