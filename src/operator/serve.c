/*
 * serve.c - /healthz, /readyz, /metrics, /notify and /webhook (hooks.c). Metric names are documented in
 * docs/reference/metrics.md.
 */
#include "operator/internal.h"
#include "operator/web.h"

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

static void metric_webhooks(const struct operator* op, struct buf *out)
{
	buf_adds(out, "# HELP capstan_webhooks_total Webhook events by what came of them.\n"
		      "# TYPE capstan_webhooks_total counter\n");
	for (int i = 0; i < HOOK_RESULTS; i++)
		buf_printf(out, "capstan_webhooks_total{result=\"%s\"} %llu\n",
			   hook_result_name((enum hook_result)i), (unsigned long long)op->hooks[i]);
}

static void serve_metrics(void *ctx, struct httpd_reply *reply)
{
	struct operator* op = ctx;
	struct buf *out = &reply->body;
	struct kube_stats kube = kube_client_stats(op->client);
	size_t counts[3] = { 0 };
	count_apps(op, counts);
	web_metrics(reply);
	web_metric_apps(out, counts);
	web_metric(out, "capstan_repos", "gauge", "Repo objects.", (double)op->sources.n);
	web_metric(out, "capstan_objects", "gauge", "Live objects with an owner label or claimed by an App.",
		   (double)op->link.view.records.n);
	web_metric(out, "capstan_watches", "gauge", "Kinds that are watched.", (double)link_kinds(&op->link));
	web_metric(out, "capstan_watch_events_total", "counter", "Watch events of managed kinds.",
		   (double)op->link.events);
	web_metric(out, "capstan_reconciles_total", "counter", "Attempts that were started.",
		   (double)op->reconciles);
	web_metric(out, "capstan_renders_total", "counter", "Renders that ended.", (double)op->renders);
	web_metric(out, "capstan_status_writes_total", "counter", "Status patches sent.",
		   (double)op->status_writes);
	web_metric(out, "capstan_inventory_writes_total", "counter", "Inventory writes sent.",
		   (double)op->persists);
	web_metric(out, "capstan_api_requests_total", "counter", "Requests to the API server.",
		   (double)kube.requests);
	web_metric(out, "capstan_api_writes_total", "counter", "Requests that write, leader election aside.",
		   (double)kube.writes);
	web_metric(out, "capstan_api_retries_total", "counter", "Requests sent again after a refusal.",
		   (double)kube.retries);
	web_metric(out, "capstan_api_throttled_total", "counter", "Answers 429.", (double)kube.throttled);
	web_metric(out, "capstan_api_lost_total", "counter", "Requests without a complete answer.",
		   (double)kube.lost);
	web_metric(out, "capstan_api_in_flight", "gauge", "Requests under way.", kube.in_flight);
	web_metric(out, "capstan_api_queued", "gauge", "Requests that wait for a place.", kube.queued);
	web_metric(out, "capstan_api_limit", "gauge", "Requests that may be under way at once.", kube.limit);
	web_metric(out, "capstan_leader", "gauge", "1 while this process acts.",
		   !op->lease || lease_held(op->lease));
	web_metric(out, "capstan_image_rules", "gauge", "ImageRule objects.", (double)op->image_rules.n);
	web_metric(out, "capstan_image_scans_total", "counter", "Looks at registries.",
		   (double)op->image_scans);
	web_metric(out, "capstan_image_commits_total", "counter", "Commits of new images.",
		   (double)op->image_commits);
	metric_webhooks(op, out);
	web_metric_cpu(out);
}

static bool notify(void *ctx, const char *name)
{
	struct source *source = map_get(&((struct operator*)ctx)->sources, str_of(name));
	if (source)
		source_notify(source);
	return source != NULL;
}

void serve_request(void *ctx, const struct httpd_request *request, struct httpd_reply *reply)
{
	static const struct web_site site = { .metrics = serve_metrics,
					      .notify = notify,
					      .webhook = hooks_serve };
	web_serve(&site, ctx, ((struct operator*)ctx)->stopping, request, reply);
}
