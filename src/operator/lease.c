/*
 * lease.c - one request under way at a time: read, then create or update with the read resourceVersion.
 */
#include "operator/lease.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "doc/json.h"

enum { REQUEST_TIMEOUT_MS = 4000, RELEASE_TIMEOUT_MS = 2000 };

struct lease {
	struct loop *loop;
	struct kube_client *client;
	char *namespace, *name, *identity;
	struct lease_callbacks callbacks;
	void *ctx;
	struct loop_timer *timer;
	struct kube_call *call;
	bool held, releasing;
	int64_t confirmed_at; /* sending time of the last write the server confirmed */
	int64_t sent_at;
	/* The holder as last read, and since when it looks like this on our clock. */
	char *seen_record;
	int64_t seen_since;
	int64_t transitions;
};

static struct kube_request base_request(struct lease *l, enum kube_verb verb)
{
	return (struct kube_request){
		.verb = verb,
		.group = STR("coordination.k8s.io"),
		.version = STR("v1"),
		.kind = STR("Lease"),
		.namespace = str_of(l->namespace),
		.name = str_of(l->name),
		.priority = KUBE_PRIORITY_LEASE,
		.timeout_ms = REQUEST_TIMEOUT_MS,
	};
}

static void lose(struct lease *l, const char *why)
{
	l->held = false;
	l->callbacks.lost(l->ctx, why);
}

/* What is left of `ms` before a holder must have renewed. */
static int64_t in_time(const struct lease *l, int64_t ms)
{
	int64_t left = l->confirmed_at + LEASE_RENEW_DEADLINE_MS - clock_mono_ms();
	return l->held && left < ms ? left : ms;
}

static void again(struct lease *l)
{
	/* Jitter keeps two candidates from trying in step. */
	int64_t wait = in_time(l, LEASE_RETRY_MS + clock_mono_ms() % 300);
	if (wait <= 0)
		lose(l, "the lease could not be renewed in time");
	else
		loop_timer_set(l->timer, wait);
}

static void on_written(void *arg, const struct kube_response *response)
{
	struct lease *l = arg;
	l->call = NULL;
	if (l->releasing) {
		l->callbacks.released(l->ctx);
		return;
	}
	if (response->result == KUBE_OK) {
		l->confirmed_at = l->sent_at;
		/* A process that was stopped for long may be woken by other things than our timer. */
		kube_client_writes_until(l->client, l->sent_at + LEASE_RENEW_DEADLINE_MS);
		if (!l->held) {
			l->held = true;
			l->callbacks.won(l->ctx);
		}
	} else if (response->result == KUBE_STATUS && response->code == 403) {
		log_error("leader election is refused", "error", response->message.p, NULL);
	}
	again(l);
}

/* Writes the lease with us (or, on release, nobody) as its holder. */
static void write_lease(struct lease *l, struct str resource_version, const char *acquired)
{
	char now[CLOCK_RFC3339_MAX];
	clock_format(clock_wall_ms(), true, now);
	cleanup_buf struct buf body = BUF_INIT;
	buf_adds(&body,
		 "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":");
	json_write_string(&body, str_of(l->name));
	buf_adds(&body, ",\"namespace\":");
	json_write_string(&body, str_of(l->namespace));
	if (resource_version.n) {
		buf_adds(&body, ",\"resourceVersion\":");
		json_write_string(&body, resource_version);
	}
	buf_adds(&body, "},\"spec\":{\"holderIdentity\":");
	json_write_string(&body, str_of(l->releasing ? "" : l->identity));
	buf_printf(
		&body,
		",\"leaseDurationSeconds\":%d,\"acquireTime\":\"%s\",\"renewTime\":\"%s\",\"leaseTransitions\":%lld}}",
		l->releasing ? 1 : LEASE_DURATION_MS / 1000, acquired ? acquired : now, now,
		(long long)l->transitions);
	struct kube_request request = base_request(l, resource_version.n ? KUBE_UPDATE : KUBE_CREATE);
	request.body = buf_str(&body);
	request.timeout_ms = in_time(l, l->releasing ? RELEASE_TIMEOUT_MS : REQUEST_TIMEOUT_MS);
	if (request.timeout_ms < 1)
		request.timeout_ms = 1;
	l->sent_at = clock_mono_ms();
	l->call = kube_send(l->client, &request, on_written, l);
}

/* Whether somebody else holds it and still may believe so. */
static bool taken(struct lease *l, const struct node *spec, struct str holder)
{
	if (!holder.n || str_is(holder, l->identity))
		return false;
	cleanup_buf struct buf record = BUF_INIT;
	json_write_sorted(&record, spec);
	if (!l->seen_record || strcmp(l->seen_record, record.p) != 0) {
		free(l->seen_record);
		l->seen_record = mem_strdup(record.p);
		l->seen_since = clock_mono_ms();
	}
	int64_t seconds = LEASE_DURATION_MS / 1000;
	node_int(node_get(spec, "leaseDurationSeconds"), &seconds);
	return clock_mono_ms() - l->seen_since < seconds * 1000;
}

static void on_read(void *arg, const struct kube_response *response)
{
	struct lease *l = arg;
	l->call = NULL;
	if (response->result == KUBE_STATUS && response->code == 404 && !l->releasing) {
		write_lease(l, STR(""), NULL);
		return;
	}
	if (response->result != KUBE_OK) {
		if (l->releasing)
			l->callbacks.released(l->ctx);
		else
			again(l);
		return;
	}
	const struct node *spec = node_get(response->body, "spec");
	struct str holder = node_text(node_get(spec, "holderIdentity"));
	bool ours = str_is(holder, l->identity);
	if (l->held && !ours) {
		lose(l, "another process holds the lease");
		return;
	}
	if (l->releasing && !ours) {
		l->callbacks.released(l->ctx);
		return;
	}
	if (taken(l, spec, holder) || in_time(l, 1) <= 0) {
		again(l);
		return;
	}
	l->transitions = 0;
	node_int(node_get(spec, "leaseTransitions"), &l->transitions);
	l->transitions += !ours;
	struct str acquired = node_text(node_get(spec, "acquireTime"));
	cleanup_free char *since = ours && acquired.n ? mem_strndup(acquired.p, acquired.n) : NULL;
	write_lease(l, node_text(node_at(response->body, "metadata.resourceVersion")), since);
}

static void try_now(void *arg)
{
	struct lease *l = arg;
	if (l->call)
		return;
	struct kube_request request = base_request(l, KUBE_GET);
	request.timeout_ms = in_time(l, REQUEST_TIMEOUT_MS);
	if (request.timeout_ms <= 0) {
		again(l);
		return;
	}
	l->call = kube_send(l->client, &request, on_read, l);
}

struct lease *lease_new(struct loop *loop, struct kube_client *client, const char *namespace,
			const char *name, const char *identity, const struct lease_callbacks *callbacks,
			void *ctx)
{
	struct lease *l = mem_alloc(sizeof(*l));
	l->loop = loop;
	l->client = client;
	l->namespace = mem_strdup(namespace);
	l->name = mem_strdup(name);
	l->identity = mem_strdup(identity);
	l->callbacks = *callbacks;
	l->ctx = ctx;
	l->timer = loop_timer_new(loop, try_now, l);
	loop_timer_set(l->timer, 0);
	return l;
}

bool lease_held(const struct lease *l)
{
	return l->held;
}

void lease_release(struct lease *l)
{
	bool held = l->held;
	l->held = false;
	l->releasing = true;
	loop_timer_clear(l->timer);
	if (l->call)
		kube_cancel(l->call);
	l->call = NULL;
	if (held)
		try_now(l);
	else
		l->callbacks.released(l->ctx);
}

void lease_free(struct lease *l)
{
	if (!l)
		return;
	if (l->call)
		kube_cancel(l->call);
	loop_timer_free(l->timer);
	free(l->namespace);
	free(l->name);
	free(l->identity);
	free(l->seen_record);
	free(l);
}
