/* value_source.c - see value_source.h. */
#include "cmd/value_source.h"

int value_source_get(struct cluster *c, struct arena *a, const char *namespace,
		     const struct value_source *source, struct substitute_values *out, struct error *err)
{
	const char *kind = source->secret ? "Secret" : "ConfigMap";
	struct kube_request request = {
		.verb = KUBE_GET,
		.group = STR(""),
		.version = STR("v1"),
		.kind = str_of(kind),
		.namespace = str_of(namespace),
		.name = str_of(source->name),
	};
	struct reply reply;
	cluster_call(c, a, &request, &reply);
	if (reply.code == 404 && source->optional)
		return 0;
	if (reply.result != KUBE_OK)
		return cluster_error(err, &reply, "%s %s/%s (substituteFrom)", kind, namespace, source->name);
	return substitute_add_object(out, reply.body, arena_printf(a, "%s %s", kind, source->name),
				     source->secret, err);
}

int environment_source_get(struct cluster *c, struct arena *a, const char *namespace,
			   const struct environments_source *source, struct substitute_values *out,
			   struct error *err)
{
	const struct value_source same = { .secret = source->kind == ENVIRONMENTS_SECRET,
					   .name = (char *)source->name,
					   .optional = source->optional };
	return value_source_get(c, a, namespace, &same, out, err);
}
