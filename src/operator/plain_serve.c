/*
 * plain_serve.c - /healthz, /readyz, /metrics and /notify of a plain machine: the operator's, without what is
 * the cluster's.
 */
#include "operator/plain_parts.h"
#include "operator/web.h"

static size_t count_apps(struct plain *p, size_t counts[3])
{
	struct map_entry *e;
	size_t files = 0;
	for (size_t i = 0; (e = map_next(&p->apps, &i));) {
		struct plain_app *m = e->value;
		struct app_verdict v = { .ready = APP_NOT_READY };
		if (m->started) {
			app_verdict(&m->app, &v);
			files += m->app.driver->ops->summary(m->app.driver)->items;
		}
		counts[v.ready]++;
	}
	return files;
}

static void serve_metrics(void *ctx, struct httpd_reply *reply)
{
	struct plain *p = ctx;
	struct buf *out = &reply->body;
	size_t counts[3] = { 0 };
	size_t files = count_apps(p, counts);
	web_metrics(reply);
	web_metric_apps(out, counts);
	web_metric(out, "capstan_repos", "gauge", "Repo objects.", (double)p->sources.n);
	web_metric(out, "capstan_files", "gauge", "Files that Apps have and git asks for.", (double)files);
	web_metric(out, "capstan_reconciles_total", "counter", "Attempts that were started.",
		   (double)p->attempts);
	web_metric(out, "capstan_renders_total", "counter", "Renders that ended.", (double)p->renders);
	web_metric_cpu(out);
}

static bool notify(void *ctx, const char *name)
{
	struct plain *p = ctx;
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%s%s", strchr(name, '/') ? "" : "default/", name);
	struct plain_source *source = map_get(&p->sources, buf_str(&key));
	if (source)
		plain_source_notify(source);
	return source != NULL;
}

void plain_serve(void *ctx, const struct httpd_request *request, struct httpd_reply *reply)
{
	static const struct web_site site = { .metrics = serve_metrics, .notify = notify };
	web_serve(&site, ctx, ((struct plain *)ctx)->stopping, request, reply);
}
