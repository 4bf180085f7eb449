/* health_workloads.c - what runs pods. Field names are those of k8s.io/api apps/v1, batch/v1 and core/v1. */
#include "base/clock.h"
#include "deploy/cluster/health_rules.h"

enum { UNSCHEDULABLE_S = 15 };

static void current(struct health_result *out)
{
	health_set(out, HEALTH_CURRENT, "%s", "");
}

static void short_of(struct health_result *out, int64_t have, int64_t want, const char *what)
{
	health_set(out, HEALTH_PROGRESSING, "%lld of %lld replicas %s", (long long)have, (long long)want,
		   what);
}

void health_deployment(const struct node *o, int64_t now, struct health_result *out)
{
	const struct node *progressing = health_condition(o, "Progressing");
	if (str_is(node_text(node_get(progressing, "reason")), "ProgressDeadlineExceeded")) {
		health_from_condition(out, HEALTH_FAILED, progressing);
		return;
	}
	int64_t want = health_int(o, "spec.replicas", 1), replicas = health_int(o, "status.replicas", 0);
	int64_t updated = health_int(o, "status.updatedReplicas", 0),
		ready = health_int(o, "status.readyReplicas", 0);
	int64_t available = health_int(o, "status.availableReplicas", 0);
	if (!node_get(o, "status") || health_int(o, "status.observedGeneration", 0) == 0)
		health_set(out, HEALTH_PROGRESSING, "its controller has not seen it yet");
	else if (replicas < want)
		short_of(out, replicas, want, "created");
	else if (updated < want)
		short_of(out, updated, want, "updated");
	else if (replicas > updated)
		health_set(out, HEALTH_PROGRESSING, "%lld old replicas pending termination",
			   (long long)(replicas - updated));
	else if (available < updated)
		short_of(out, available, updated, "available");
	else if (ready < want)
		short_of(out, ready, want, "ready");
	else if (!health_condition_is(o, "Available", "True"))
		health_set(out, HEALTH_PROGRESSING, "not yet available");
	else
		current(out);
}

static void rolled_partition(const struct node *o, int64_t want, int64_t partition, struct health_result *out)
{
	int64_t updated = health_int(o, "status.updatedReplicas", 0);
	if (updated < want - partition)
		short_of(out, updated, want - partition, "updated (partitioned)");
	else
		current(out);
}

void health_stateful_set(const struct node *o, int64_t now, struct health_result *out)
{
	int64_t want = health_int(o, "spec.replicas", 1), ready = health_int(o, "status.readyReplicas", 0);
	int64_t replicas = health_int(o, "status.replicas", 0),
		at = health_int(o, "status.currentReplicas", 0);
	int64_t partition = health_int(o, "spec.updateStrategy.rollingUpdate.partition", 0);
	struct str now_at = node_text(node_at(o, "status.currentRevision"));
	struct str next = node_text(node_at(o, "status.updateRevision"));
	if (str_is(node_text(node_at(o, "spec.updateStrategy.type")), "OnDelete"))
		current(out);
	else if (health_int(o, "status.observedGeneration", 0) == 0)
		health_set(out, HEALTH_PROGRESSING, "its controller has not seen it yet");
	else if (replicas < want)
		short_of(out, replicas, want, "created");
	else if (ready < want)
		short_of(out, ready, want, "ready");
	else if (replicas > want)
		health_set(out, HEALTH_PROGRESSING, "%lld replicas pending termination",
			   (long long)(replicas - want));
	else if (partition > 0)
		rolled_partition(o, want, partition, out);
	else if (at < want)
		short_of(out, at, want, "at the current revision");
	else if (!str_eq(now_at, next))
		health_set(out, HEALTH_PROGRESSING, "rolling out revision %.*s", STR_ARG(next));
	else
		current(out);
}

void health_daemon_set(const struct node *o, int64_t now, struct health_result *out)
{
	int64_t want = health_int(o, "status.desiredNumberScheduled", -1);
	int64_t scheduled = health_int(o, "status.currentNumberScheduled", 0);
	int64_t updated = health_int(o, "status.updatedNumberScheduled", 0);
	int64_t available = health_int(o, "status.numberAvailable", 0),
		ready = health_int(o, "status.numberReady", 0);
	if (want < 0 || health_int(o, "status.observedGeneration", 0) == 0)
		health_set(out, HEALTH_PROGRESSING, "its controller has not seen it yet");
	else if (scheduled < want)
		health_set(out, HEALTH_PROGRESSING, "%lld of %lld pods scheduled", (long long)scheduled,
			   (long long)want);
	else if (updated < want && !str_is(node_text(node_at(o, "spec.updateStrategy.type")), "OnDelete"))
		health_set(out, HEALTH_PROGRESSING, "%lld of %lld pods updated", (long long)updated,
			   (long long)want);
	else if (available < want)
		health_set(out, HEALTH_PROGRESSING, "%lld of %lld pods available", (long long)available,
			   (long long)want);
	else if (ready < want)
		health_set(out, HEALTH_PROGRESSING, "%lld of %lld pods ready", (long long)ready,
			   (long long)want);
	else
		current(out);
}

static void replicas_rule(const struct node *o, struct health_result *out)
{
	int64_t want = health_int(o, "spec.replicas", 1), replicas = health_int(o, "status.replicas", 0);
	int64_t labeled = health_int(o, "status.fullyLabeledReplicas", 0);
	int64_t available = health_int(o, "status.availableReplicas", 0),
		ready = health_int(o, "status.readyReplicas", 0);
	if (health_condition_is(o, "ReplicaFailure", "True"))
		health_from_condition(out, HEALTH_PROGRESSING, health_condition(o, "ReplicaFailure"));
	else if (health_int(o, "status.observedGeneration", 0) == 0)
		health_set(out, HEALTH_PROGRESSING, "its controller has not seen it yet");
	else if (labeled < want)
		short_of(out, labeled, want, "labelled");
	else if (available < want)
		short_of(out, available, want, "available");
	else if (ready < want)
		short_of(out, ready, want, "ready");
	else if (replicas > want)
		health_set(out, HEALTH_PROGRESSING, "%lld replicas pending termination",
			   (long long)(replicas - want));
	else
		current(out);
}

void health_replica_set(const struct node *o, int64_t now, struct health_result *out)
{
	replicas_rule(o, out);
}

void health_replication_controller(const struct node *o, int64_t now, struct health_result *out)
{
	replicas_rule(o, out);
}

/* The container that keeps the pod from being ready, with the runtime's own reason. True: it was found. */
static bool blame_container(const struct node *o, const char *path, struct health_result *out)
{
	const struct node *list = node_at(o, path);
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *c = node_item(list, i), *waiting = node_at(c, "state.waiting");
		struct str reason = node_text(node_get(waiting, "reason"));
		struct str name = node_text(node_get(c, "name")),
			   message = node_text(node_get(waiting, "message"));
		if (!reason.n || str_is(reason, "ContainerCreating") || str_is(reason, "PodInitializing"))
			continue;
		health_set(out, str_is(reason, "CrashLoopBackOff") ? HEALTH_FAILED : HEALTH_PROGRESSING,
			   "container %.*s: %.*s%s%.*s", STR_ARG(name), STR_ARG(reason),
			   message.n ? ": " : "", STR_ARG(message));
		return true;
	}
	return false;
}

static void pending_pod(const struct node *o, int64_t now, struct health_result *out)
{
	const struct node *scheduled = health_condition(o, "PodScheduled");
	if (blame_container(o, "status.initContainerStatuses", out) ||
	    blame_container(o, "status.containerStatuses", out))
		return;
	if (!health_condition_is(o, "PodScheduled", "False") ||
	    !str_is(node_text(node_get(scheduled, "reason")), "Unschedulable")) {
		health_set(out, HEALTH_PROGRESSING, "pending");
		return;
	}
	int64_t since_ms = now * 1000;
	clock_parse(node_text(node_get(scheduled, "lastTransitionTime")), &since_ms);
	int64_t age = now - since_ms / 1000;
	age = age < 0 ? 0 : age; /* the clocks of servers differ */
	health_from_condition(out, age > UNSCHEDULABLE_S ? HEALTH_FAILED : HEALTH_PROGRESSING, scheduled);
	out->recheck_s = age > UNSCHEDULABLE_S ? 0 : UNSCHEDULABLE_S + 1 - age;
}

void health_pod(const struct node *o, int64_t now, struct health_result *out)
{
	struct str phase = node_text(node_at(o, "status.phase"));
	if (str_is(phase, "Succeeded")) {
		current(out);
	} else if (str_is(phase, "Failed")) {
		/* kstatus: over, so nothing more is to come; a Job's pods end like this. */
		health_set(out, HEALTH_CURRENT, "failed: %.*s",
			   STR_ARG(node_text(node_at(o, "status.message"))));
	} else if (str_is(phase, "Running")) {
		if (health_condition_is(o, "Ready", "True"))
			current(out);
		else if (!blame_container(o, "status.initContainerStatuses",
					  out) && /* sidecars go on beside the others */
			 !blame_container(o, "status.containerStatuses", out))
			health_set(out, HEALTH_PROGRESSING, "running, not ready yet");
	} else {
		pending_pod(o, now, out);
	}
}

void health_job(const struct node *o, int64_t now, struct health_result *out)
{
	const struct node *failed = health_condition(o, "Failed");
	if (health_condition_is(o, "Failed", "True"))
		health_from_condition(out, HEALTH_FAILED, failed);
	else if (health_condition_is(o, "Complete", "True"))
		current(out);
	else if (health_condition_is(o, "Suspended", "True") || node_bool(node_at(o, "spec.suspend"), false))
		health_set(out, HEALTH_CURRENT, "suspended");
	else
		health_set(out, HEALTH_PROGRESSING, "%lld active, %lld succeeded, %lld failed pods",
			   (long long)health_int(o, "status.active", 0),
			   (long long)health_int(o, "status.succeeded", 0),
			   (long long)health_int(o, "status.failed", 0));
}
