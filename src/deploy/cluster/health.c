/*
 * health.c - kstatus: how far one object is. The order of the checks is part of the contract
 * (apply-semantics: Wait): deletion, observedGeneration, Reconciling, Stalled, then the kind's own rule, then
 * a Ready condition where there is one.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "deploy/cluster/health_rules.h"

/* Conditions and runtimes send any text: what people see is one line, and what is cut is cut between
 * characters. */
static void tidy(char *message, size_t wanted)
{
	static const char more[] = "...";
	size_t n = strlen(message);
	if (wanted >= HEALTH_MESSAGE_MAX) {
		n = HEALTH_MESSAGE_MAX - sizeof(more);
		while (n && ((unsigned char)message[n] & 0xc0) == 0x80)
			n--;
		memcpy(message + n, more, sizeof(more));
	}
	for (char *c = message; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
}

void health_set(struct health_result *out, enum health health, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	out->health = health;
	int wanted = vsnprintf(out->message, sizeof(out->message), fmt, ap);
	va_end(ap);
	tidy(out->message, wanted < 0 ? 0 : (size_t)wanted);
}

int64_t health_int(const struct node *object, const char *path, int64_t otherwise)
{
	int64_t value;
	return node_int(node_at(object, path), &value) ? value : otherwise;
}

const struct node *health_condition(const struct node *object, const char *type)
{
	const struct node *list = node_at(object, "status.conditions");
	for (size_t i = 0; i < node_count(list); i++)
		if (str_is(node_text(node_get(node_item(list, i), "type")), type))
			return node_item(list, i);
	return NULL;
}

bool health_condition_is(const struct node *object, const char *type, const char *status)
{
	return str_is(node_text(node_get(health_condition(object, type), "status")), status);
}

void health_from_condition(struct health_result *out, enum health health, const struct node *condition)
{
	struct str reason = node_text(node_get(condition, "reason"));
	struct str message = node_text(node_get(condition, "message"));
	health_set(out, health, "%.*s%s%.*s", STR_ARG(reason), reason.n && message.n ? ": " : "",
		   STR_ARG(message));
}

/* Conditions that every controller may set. True: decided. */
static bool generic(const struct node *object, struct health_result *out)
{
	int64_t generation = health_int(object, "metadata.generation", 0);
	int64_t observed = health_int(object, "status.observedGeneration", generation);
	if (observed != generation) {
		health_set(out, HEALTH_PROGRESSING, "its controller has not seen generation %lld yet",
			   (long long)generation);
		return true;
	}
	if (health_condition_is(object, "Reconciling", "True")) {
		health_from_condition(out, HEALTH_PROGRESSING, health_condition(object, "Reconciling"));
		return true;
	}
	if (health_condition_is(object, "Stalled", "True")) {
		health_from_condition(out, HEALTH_FAILED, health_condition(object, "Stalled"));
		return true;
	}
	return false;
}

static void by_ready_condition(const struct node *object, struct health_result *out)
{
	const struct node *ready = health_condition(object, "Ready");
	if (!ready || health_condition_is(object, "Ready", "True"))
		health_set(out, HEALTH_CURRENT, "%s", "");
	else
		health_from_condition(out, HEALTH_PROGRESSING, ready);
}

/* What a registry says, or does not, is not whether the App of a rule runs. */
static bool is_apart(struct str group, struct str kind)
{
	return str_is(group, "capstan.dev") && str_is(kind, "ImageRule");
}

void health_of_kind(struct str group, struct str kind, const struct node *object, int64_t now_wall_s,
		    struct health_result *out)
{
	*out = (struct health_result){ 0 };
	if (node_text(node_at(object, "metadata.deletionTimestamp")).n) {
		health_set(out, HEALTH_TERMINATING, "is being deleted");
		const struct node *finalizers = node_at(object, "metadata.finalizers");
		if (node_count(finalizers))
			health_set(out, HEALTH_TERMINATING, "is being deleted; waits for finalizer %.*s",
				   STR_ARG(node_text(node_item(finalizers, 0))));
		return;
	}
	if (is_apart(group, kind)) {
		health_set(out, HEALTH_CURRENT, "%s", "");
		return;
	}
	if (generic(object, out))
		return;
	health_rule *rule = health_rule_of(group, kind);
	if (rule)
		rule(object, now_wall_s, out);
	else
		by_ready_condition(object, out);
}

void health_of(const struct node *object, int64_t now_wall_s, struct health_result *out)
{
	struct str rest, api_version = node_text(node_get(object, "apiVersion"));
	bool core = str_find(api_version, '/', 0) == SIZE_MAX;
	struct str group = core ? STR("") : str_cut(api_version, '/', &rest);
	health_of_kind(group, node_text(node_get(object, "kind")), object, now_wall_s, out);
}
