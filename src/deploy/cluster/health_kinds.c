/* health_kinds.c - the other built-in kinds, and the table of all rules. */
#include "deploy/cluster/health_rules.h"

static void current(struct health_result *out)
{
	health_set(out, HEALTH_CURRENT, "%s", "");
}

static void claim(const struct node *o, int64_t now, struct health_result *out)
{
	struct str phase = node_text(node_at(o, "status.phase"));
	if (str_is(phase, "Bound"))
		current(out);
	else if (str_is(phase, "Lost"))
		health_set(out, HEALTH_FAILED, "its volume is lost");
	else
		health_set(out, HEALTH_PROGRESSING, "not bound: %.*s",
			   STR_ARG(phase.n ? phase : STR("Pending")));
}

static void volume(const struct node *o, int64_t now, struct health_result *out)
{
	struct str phase = node_text(node_at(o, "status.phase"));
	if (str_is(phase, "Failed"))
		health_set(out, HEALTH_FAILED, "%.*s", STR_ARG(node_text(node_at(o, "status.message"))));
	else if (str_is(phase, "Pending"))
		health_set(out, HEALTH_PROGRESSING, "pending");
	else
		current(out);
}

static void definition(const struct node *o, int64_t now, struct health_result *out)
{
	if (health_condition_is(o, "NamesAccepted", "False"))
		health_from_condition(out, HEALTH_FAILED, health_condition(o, "NamesAccepted"));
	else if (health_condition_is(o, "Established", "True"))
		current(out);
	else
		health_set(out, HEALTH_PROGRESSING, "not established yet");
}

static void namespace(const struct node *o, int64_t now, struct health_result *out)
{
	if (str_is(node_text(node_at(o, "status.phase")), "Terminating"))
		health_set(out, HEALTH_TERMINATING, "is being deleted");
	else
		current(out);
}

static void service(const struct node *o, int64_t now, struct health_result *out)
{
	if (str_is(node_text(node_at(o, "spec.type")), "LoadBalancer") &&
	    !node_count(node_at(o, "status.loadBalancer.ingress")))
		health_set(out, HEALTH_PROGRESSING, "no load balancer address yet");
	else
		current(out);
}

static void api_service(const struct node *o, int64_t now, struct health_result *out)
{
	if (health_condition_is(o, "Available", "True"))
		current(out);
	else
		health_from_condition(out, HEALTH_PROGRESSING, health_condition(o, "Available"));
}

static void autoscaler(const struct node *o, int64_t now, struct health_result *out)
{
	if (health_condition_is(o, "AbleToScale", "False"))
		health_from_condition(out, HEALTH_FAILED, health_condition(o, "AbleToScale"));
	else if (health_condition_is(o, "ScalingActive", "False") &&
		 !str_is(node_text(node_get(health_condition(o, "ScalingActive"), "reason")),
			 "ScalingDisabled"))
		health_from_condition(out, HEALTH_PROGRESSING, health_condition(o, "ScalingActive"));
	else
		current(out);
}

static void disruption_budget(const struct node *o, int64_t now, struct health_result *out)
{
	if (health_int(o, "status.observedGeneration", 0) == 0)
		health_set(out, HEALTH_PROGRESSING, "its controller has not seen it yet");
	else
		current(out);
}

static void always_current(const struct node *o, int64_t now, struct health_result *out)
{
	current(out);
}

static const struct {
	const char *group, *kind;
	health_rule *rule;
} rules[] = {
	{ "apps", "Deployment", health_deployment },
	{ "apps", "StatefulSet", health_stateful_set },
	{ "apps", "DaemonSet", health_daemon_set },
	{ "apps", "ReplicaSet", health_replica_set },
	{ "", "ReplicationController", health_replication_controller },
	{ "", "Pod", health_pod },
	{ "batch", "Job", health_job },
	{ "batch", "CronJob", always_current },
	{ "", "PersistentVolumeClaim", claim },
	{ "", "PersistentVolume", volume },
	{ "", "Namespace", namespace },
	{ "", "Service", service },
	{ "apiextensions.k8s.io", "CustomResourceDefinition", definition },
	{ "apiregistration.k8s.io", "APIService", api_service },
	{ "autoscaling", "HorizontalPodAutoscaler", autoscaler },
	{ "policy", "PodDisruptionBudget", disruption_budget },
	{ "networking.k8s.io", "Ingress", always_current },
};

health_rule *health_rule_of(struct str group, struct str kind)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (str_is(kind, rules[i].kind) && str_is(group, rules[i].group))
			return rules[i].rule;
	return NULL;
}
