/*
 * serve.c - /healthz, /readyz, /metrics and /notify. Metric names are documented in
 * docs/reference/metrics.md.
 */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "operator/internal.h"

static void text_reply(struct httpd_reply *reply, int status, const char *text)
{
	reply->status = status;
	reply->content_type = "text/plain; charset=utf-8";
	buf_adds(&reply->body, text);
}

static void metric(struct buf *out, const char *name, const char *type, const char *help, double value)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, value);
}

static double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void count_apps(struct operator* op, size_t counts[3])
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&op->apps, &i));) {
		struct managed *m = e->value;
		struct app_verdict v = { .ready = APP_NOT_READY };
		if (m->ready && !m->spec_error)
			app_verdict(&m->app, &v);
		counts[v.ready]++;
	}
}

static void serve_metrics(struct operator* op, struct httpd_reply *reply)
{
	struct buf *out = &reply->body;
	struct kube_stats kube = kube_client_stats(op->client);
	size_t counts[3] = { 0 };
	count_apps(op, counts);
	reply->status = 200;
	reply->content_type = "text/plain; version=0.0.4";
	buf_adds(out, "# HELP capstan_apps Apps by their Ready condition.\n# TYPE capstan_apps gauge\n");
	buf_printf(
		out,
		"capstan_apps{ready=\"true\"} %zu\ncapstan_apps{ready=\"false\"} %zu\ncapstan_apps{ready=\"unknown\"} %zu\n",
		counts[APP_READY], counts[APP_NOT_READY], counts[APP_IN_PROGRESS]);
	metric(out, "capstan_repos", "gauge", "Repo objects.", (double)op->sources.n);
	metric(out, "capstan_objects", "gauge", "Live objects with an owner label or claimed by an App.",
	       (double)op->link.view.records.n);
	metric(out, "capstan_watches", "gauge", "Kinds that are watched.", (double)link_kinds(&op->link));
	metric(out, "capstan_watch_events_total", "counter", "Watch events of managed kinds.",
	       (double)op->link.events);
	metric(out, "capstan_reconciles_total", "counter", "Attempts that were started.",
	       (double)op->reconciles);
	metric(out, "capstan_renders_total", "counter", "Renders that ended.", (double)op->renders);
	metric(out, "capstan_status_writes_total", "counter", "Status patches sent.",
	       (double)op->status_writes);
	metric(out, "capstan_inventory_writes_total", "counter", "Inventory writes sent.",
	       (double)op->persists);
	metric(out, "capstan_api_requests_total", "counter", "Requests to the API server.",
	       (double)kube.requests);
	metric(out, "capstan_api_writes_total", "counter", "Requests that write, leader election aside.",
	       (double)kube.writes);
	metric(out, "capstan_api_retries_total", "counter", "Requests sent again after a refusal.",
	       (double)kube.retries);
	metric(out, "capstan_api_throttled_total", "counter", "Answers 429.", (double)kube.throttled);
	metric(out, "capstan_api_lost_total", "counter", "Requests without a complete answer.",
	       (double)kube.lost);
	metric(out, "capstan_api_in_flight", "gauge", "Requests under way.", kube.in_flight);
	metric(out, "capstan_api_queued", "gauge", "Requests that wait for a place.", kube.queued);
	metric(out, "capstan_api_limit", "gauge", "Requests that may be under way at once.", kube.limit);
	metric(out, "capstan_leader", "gauge", "1 while this process acts.",
	       !op->lease || lease_held(op->lease));
	metric(out, "process_cpu_seconds_total", "counter", "CPU time of this process.", cpu_seconds());
}

static void serve_notify(struct operator* op, const struct httpd_request *request, struct httpd_reply *reply)
{
	const char *name = request->query(request, "repo");
	if (strcmp(request->method, "POST") != 0) {
		text_reply(reply, 405, "send POST\n");
		return;
	}
	if (!name) {
		text_reply(reply, 400, "the query needs repo=NAMESPACE/NAME\n");
		return;
	}
	struct source *source = map_get(&op->sources, str_of(name));
	if (!source) {
		text_reply(reply, 404, "there is no such Repo\n");
		return;
	}
	source_notify(source);
	text_reply(reply, 202, "ok\n");
}

void serve_request(void *ctx, const struct httpd_request *request, struct httpd_reply *reply)
{
	struct operator* op = ctx;
	if (strcmp(request->path, "/healthz") == 0)
		text_reply(reply, 200, "ok\n");
	else if (strcmp(request->path, "/readyz") == 0)
		/* A standby is ready: it takes over when it must. */
		text_reply(reply, op->stopping ? 503 : 200, op->stopping ? "stopping\n" : "ok\n");
	else if (strcmp(request->path, "/metrics") == 0)
		serve_metrics(op, reply);
	else if (strcmp(request->path, "/notify") == 0)
		serve_notify(op, request, reply);
	else
		text_reply(reply, 404, "there is /healthz, /readyz, /metrics and /notify\n");
}
