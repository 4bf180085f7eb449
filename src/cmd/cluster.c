/* cluster.c - see cluster.h. Requests are asynchronous underneath; a command without live output waits for
 * each. */
#include "cmd/cluster.h"

#include <stdio.h>

#include "base/clock.h"
#include "cmd/session.h"
#include "kube/discovery.h"

int cluster_open(struct cluster *c, const struct cli *cli, int64_t otherwise_ms, struct error *err)
{
	*c = (struct cluster){ .cli = cli, .deadline = INT64_MAX };
	int64_t timeout = cli->common.timeout_ms > 0 ? cli->common.timeout_ms : otherwise_ms;
	if (timeout > 0)
		c->deadline = clock_mono_ms() + timeout;
	if (session_config(cli, &c->arena, &c->config, err) < 0)
		return -1;
	c->namespace = session_namespace(cli, &c->config);
	c->loop = loop_new();
	c->client = kube_client_new(c->loop, &c->config, err);
	return c->client ? 0 : -1;
}

void cluster_close(struct cluster *c)
{
	if (c->client)
		kube_client_free(c->client);
	loop_free(c->loop);
	arena_release(&c->arena);
	*c = (struct cluster){ 0 };
}

int64_t cluster_left_ms(const struct cluster *c)
{
	if (c->deadline == INT64_MAX)
		return INT64_MAX;
	int64_t left = c->deadline - clock_mono_ms();
	return left > 0 ? left : 0;
}

/* --- one request --- */

struct waiting {
	struct cluster *cluster;
	struct arena *a;
	struct reply *out;
	bool answered;
};

static void on_answer(void *arg, const struct kube_response *response)
{
	struct waiting *w = arg;
	*w->out = (struct reply){
		.result = response->result,
		.code = response->code,
		.reason = arena_str(w->a, response->reason).p,
		.message = arena_str(w->a, response->message).p,
		.body = response->body ? node_clone(w->a, response->body) : NULL,
		.text = arena_str(w->a, response->text),
	};
	w->answered = true;
	loop_stop(w->cluster->loop);
}

void cluster_call(struct cluster *c, struct arena *a, const struct kube_request *request, struct reply *out)
{
	struct waiting w = { c, a, out, false };
	struct kube_request bounded = *request;
	if (bounded.timeout_ms <= 0) {
		int64_t left = cluster_left_ms(c);
		bounded.timeout_ms = left < CLUSTER_CALL_TIMEOUT_MS ? left + 1 : CLUSTER_CALL_TIMEOUT_MS;
	}
	kube_send(c->client, &bounded, on_answer, &w);
	while (!w.answered)
		loop_run(c->loop);
}

/* --- discovery, pauses --- */

struct discovering {
	struct cluster *cluster;
	struct error *err;
	int failed;
	bool done;
};

static void on_discovered(void *arg, int failed, const struct error *err)
{
	struct discovering *d = arg;
	d->done = true;
	d->failed = failed;
	if (failed)
		error_set(d->err, "%s",
			  err && err->text[0] ? err->text : "the cluster does not say which kinds it has");
	loop_stop(d->cluster->loop);
}

int cluster_discover(struct cluster *c, struct error *err)
{
	struct discovering d = { .cluster = c, .err = err };
	kube_discovery_refresh(c->client, on_discovered, &d);
	while (!d.done)
		loop_run(c->loop);
	return d.failed ? error_wrap(err, "cluster %s", c->config.server) : 0;
}

static void on_pause(void *arg)
{
	loop_stop(arg);
}

void cluster_pause(struct cluster *c, int64_t ms)
{
	struct loop_timer *timer = loop_timer_new(c->loop, on_pause, c->loop);
	loop_timer_set(timer, ms);
	loop_run(c->loop);
	loop_timer_free(timer);
}

/* --- words --- */

int cluster_error(struct error *err, const struct reply *reply, const char *what, ...)
{
	va_list ap;
	va_start(ap, what);
	char subject[512];
	vsnprintf(subject, sizeof(subject), what, ap);
	va_end(ap);
	if (reply->result == KUBE_LOST)
		return error_set(err, "%s: the cluster cannot be reached: %s", subject, reply->message);
	if (reply->result == KUBE_TIMEOUT)
		return error_set(err, "%s: no answer in time: %s", subject, reply->message);
	return error_set(err, "%s: %s", subject, reply->message[0] ? reply->message : reply->reason);
}
