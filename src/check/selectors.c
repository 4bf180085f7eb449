/* selectors.c - selectors of workloads, Services, PodDisruptionBudgets and NetworkPolicies, and named ports.
 */
#include "check/objects.h"

#define SELECTED_MAX 16u /* pods of a Service whose ports are looked at */

/* --- a workload and its own template --- */

static void own_template(const struct pods *p)
{
	const struct subject *s = p->s;
	const struct node *selector = node_at(s->object->root, "spec.selector");
	bool plain = str_is(s->object->kind, "ReplicationController");
	const struct node *labels = plain ? selector : node_get(selector, "matchLabels");
	const struct node *expressions = plain ? NULL : node_get(selector, "matchExpressions");
	/* The controller gives a Job its own, and a Pod has none. */
	if (!selector || selector->type != NODE_MAP || str_is(s->object->kind, "Job") ||
	    (!node_count(labels) && !node_count(expressions)))
		return;
	for (size_t i = 0; labels && labels->type == NODE_MAP && i < labels->map.n; i++) {
		const struct node_pair *pair = &labels->map.pairs[i];
		const struct node *has = node_get_str(p->labels, pair->key);
		if (has && str_eq(node_text(has), node_text(pair->value)))
			continue;
		find_at(s, RULE_SELECTOR_MISMATCH, place_of_pair(s, labels, i),
			plain ? "spec.selector" : "spec.selector.matchLabels",
			"the template has %s label `%.*s`: the API server refuses that",
			has ? "another value of the" : "no", STR_ARG(shown(pair->key)));
	}
	if (expressions && !labels_match(p->labels, NULL, expressions))
		find_at(s, RULE_SELECTOR_MISMATCH, place_of_key(s, selector, "matchExpressions"),
			"spec.selector.matchExpressions",
			"the labels of the template do not match: the API server refuses that");
}

/* --- objects that select pods of others --- */

static void select_pods(struct objects *o, const struct subject *s, const char *path,
			const struct node *labels, const struct node *expressions)
{
	const struct pods *one;
	struct str namespace = subject_namespace(s);
	if (!node_count(labels) && !node_count(expressions))
		return;
	if (objects_select(o, namespace, labels, expressions, &one, 1) || o->steps >= OBJECTS_STEPS_MAX)
		return;
	/* Where this environment has no pods at all, somebody else's are meant. */
	bool any = objects_has_pods(o, namespace);
	enum check_severity severity = any ? check_rules[RULE_SELECTOR_MATCHES_NOTHING].severity : CHECK_NOTE;
	find_with(s, RULE_SELECTOR_MATCHES_NOTHING, severity, place_of_node(s, labels ? labels : expressions),
		  path,
		  any ? "no pod template in namespace %.*s has these labels"
		      : "there are no pods in namespace %.*s here that it could match",
		  STR_ARG(namespace));
}

static void select_by(struct objects *o, const struct subject *s, const char *path)
{
	const struct node *selector = node_at(s->object->root, path);
	select_pods(o, s, path, node_get(selector, "matchLabels"), node_get(selector, "matchExpressions"));
}

void selectors_check(struct objects *o)
{
	for (size_t i = 0; i < o->pods.n; i++)
		own_template(&o->pods.at[i]);
	for (size_t i = 0; i < o->env->n; i++) {
		const struct subject *s = &o->subjects[i];
		const struct render_object *object = s->object;
		if (object->group.n == 0 && str_is(object->kind, "Service"))
			select_pods(o, s, "spec.selector", node_at(object->root, "spec.selector"), NULL);
		else if (str_is(object->group, "policy") && str_is(object->kind, "PodDisruptionBudget"))
			select_by(o, s, "spec.selector");
		else if (str_is(object->group, "networking.k8s.io") && str_is(object->kind, "NetworkPolicy"))
			select_by(o, s, "spec.podSelector");
	}
}

/* --- ports by name --- */

/* In doubt, when nobody counts any more, it does. */
static bool container_opens(struct objects *o, const struct node *container, struct str port)
{
	const struct node *ports = node_get(container, "ports");
	for (size_t i = 0; ports && ports->type == NODE_SEQ && i < ports->seq.n; i++)
		if (!objects_step(o) || str_eq(node_text(node_get(ports->seq.items[i], "name")), port))
			return true;
	return false;
}

static bool pod_opens(struct objects *o, const struct pods *p, struct str port)
{
	for (size_t k = 0; k < CONTAINER_LISTS; k++) {
		const struct node *list = node_get(p->spec, container_lists[k]);
		for (size_t i = 0; list && list->type == NODE_SEQ && i < list->seq.n; i++)
			if (container_opens(o, list->seq.items[i], port))
				return true;
	}
	return false;
}

static void service_ports(struct objects *o, const struct subject *s)
{
	const struct node *ports = node_at(s->object->root, "spec.ports");
	const struct node *selector = node_at(s->object->root, "spec.selector");
	const struct pods *pods[SELECTED_MAX];
	if (!node_count(selector))
		return;
	size_t n = objects_select(o, subject_namespace(s), selector, NULL, pods, SELECTED_MAX);
	for (size_t i = 0; n && ports && ports->type == NODE_SEQ && i < ports->seq.n; i++) {
		const struct node *target = node_get(ports->seq.items[i], "targetPort");
		bool opened = !node_is_string(target);
		for (size_t k = 0; k < n && !opened; k++)
			opened = pod_opens(o, pods[k], target->text);
		if (!opened)
			find_at(s, RULE_UNKNOWN_PORT, place_of_node(s, target),
				arena_printf(&o->a, "spec.ports[%zu].targetPort", i),
				"no container of %s has a port named `%.*s`", subject_label(pods[0]->s),
				STR_ARG(shown(target->text)));
	}
}

static bool service_has(struct objects *o, const struct node *service, const struct node *port)
{
	const struct node *ports = node_at(service, "spec.ports");
	const struct node *name = node_get(port, "name"), *number = node_get(port, "number");
	for (size_t i = 0; ports && ports->type == NODE_SEQ && i < ports->seq.n; i++) {
		const struct node *one = ports->seq.items[i];
		if (!objects_step(o))
			return true;
		if (name ? str_eq(node_text(node_get(one, "name")), node_text(name))
			 : node_equal(node_get(one, "port"), number))
			return true;
	}
	return false;
}

static void ingress_port(struct objects *o, const struct subject *s, const struct node *service,
			 const char *path)
{
	struct str name = node_text(node_get(service, "name"));
	const struct node *port = node_get(service, "port");
	const struct subject *there = objects_get(o, "Service", subject_namespace(s), name);
	if (!there || there->object->group.n || !node_count(port) ||
	    service_has(o, there->object->root, port))
		return;
	const struct node *which = port->map.pairs[0].value;
	struct str text = which->type >= NODE_INT && which->type <= NODE_STRING ? which->text : STR("");
	find_at(s, RULE_UNKNOWN_PORT, place_of_node(s, which), path, "Service %.*s has no port `%.*s`",
		STR_ARG(name), STR_ARG(shown(text)));
}

static void ingress_ports(struct objects *o, const struct subject *s)
{
	const struct node *rules = node_at(s->object->root, "spec.rules");
	ingress_port(o, s, node_at(s->object->root, "spec.defaultBackend.service"),
		     "spec.defaultBackend.service.port");
	for (size_t i = 0; rules && rules->type == NODE_SEQ && i < rules->seq.n; i++) {
		const struct node *paths = node_at(rules->seq.items[i], "http.paths");
		for (size_t k = 0; paths && paths->type == NODE_SEQ && k < paths->seq.n; k++)
			ingress_port(
				o, s, node_at(paths->seq.items[k], "backend.service"),
				arena_printf(&o->a, "spec.rules[%zu].http.paths[%zu].backend.service.port", i,
					     k));
	}
}

static void probe_port(struct objects *o, const struct pods *p, const struct node *container,
		       const char *probe, const char *path)
{
	static const char *const actions[] = { "httpGet", "tcpSocket" };
	for (size_t k = 0; k < 2; k++) {
		const struct node *port = node_get(node_get(node_at(container, probe), actions[k]), "port");
		/* A number in quotes is a number to the kubelet. */
		if (!node_is_string(port) || port->text.n == 0 ||
		    (port->text.p[0] >= '0' && port->text.p[0] <= '9') ||
		    container_opens(o, container, port->text))
			continue;
		find_at(p->s, RULE_UNKNOWN_PORT, place_of_node(p->s, port),
			arena_printf(&o->a, "%s.%s.%s.port", path, probe, actions[k]),
			"the container has no port named `%.*s`", STR_ARG(shown(port->text)));
	}
}

static void probe_ports(struct objects *o, const struct pods *p)
{
	static const char *const probes[] = { "livenessProbe", "readinessProbe", "startupProbe",
					      "lifecycle.preStop", "lifecycle.postStart" };
	for (size_t k = 0; k < CONTAINER_LISTS; k++) {
		const struct node *list = node_get(p->spec, container_lists[k]);
		for (size_t i = 0; list && list->type == NODE_SEQ && i < list->seq.n; i++) {
			const char *path = arena_printf(&o->a, "%s.%s[%zu]", p->path, container_lists[k], i);
			for (size_t n = 0; n < sizeof(probes) / sizeof(probes[0]); n++)
				probe_port(o, p, list->seq.items[i], probes[n], path);
		}
	}
}

void ports_check(struct objects *o)
{
	for (size_t i = 0; i < o->env->n; i++) {
		const struct subject *s = &o->subjects[i];
		if (str_is(s->object->kind, "Service") && s->object->group.n == 0)
			service_ports(o, s);
		else if (str_is(s->object->kind, "Ingress") && str_is(s->object->group, "networking.k8s.io"))
			ingress_ports(o, s);
	}
	for (size_t i = 0; i < o->pods.n; i++)
		probe_ports(o, &o->pods.at[i]);
}
