/*
 * plain_serve.c - /healthz, /readyz, /metrics and /notify of a plain machine: the operator's, without what is
 * the cluster's.
 */
#include "operator/plain_parts.h"

#include <sys/resource.h>

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

static void serve_metrics(struct plain *p, struct httpd_reply *reply)
{
	struct buf *out = &reply->body;
	size_t counts[3] = { 0 };
	size_t files = count_apps(p, counts);
	reply->status = 200;
	reply->content_type = "text/plain; version=0.0.4";
	buf_adds(out, "# HELP capstan_apps Apps by their Ready condition.\n# TYPE capstan_apps gauge\n");
	buf_printf(
		out,
		"capstan_apps{ready=\"true\"} %zu\ncapstan_apps{ready=\"false\"} %zu\ncapstan_apps{ready=\"unknown\"} %zu\n",
		counts[APP_READY], counts[APP_NOT_READY], counts[APP_IN_PROGRESS]);
	metric(out, "capstan_repos", "gauge", "Repo objects.", (double)p->sources.n);
	metric(out, "capstan_files", "gauge", "Files that Apps have and git asks for.", (double)files);
	metric(out, "capstan_reconciles_total", "counter", "Attempts that were started.",
	       (double)p->attempts);
	metric(out, "capstan_renders_total", "counter", "Renders that ended.", (double)p->renders);
	metric(out, "process_cpu_seconds_total", "counter", "CPU time of this process.", cpu_seconds());
}

static void serve_notify(struct plain *p, const struct httpd_request *request, struct httpd_reply *reply)
{
	const char *name = request->query(request, "repo");
	if (strcmp(request->method, "POST") != 0) {
		text_reply(reply, 405, "send POST\n");
		return;
	}
	if (!name) {
		text_reply(reply, 400, "the query needs repo=NAME or repo=NAMESPACE/NAME\n");
		return;
	}
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%s%s", strchr(name, '/') ? "" : "default/", name);
	struct plain_source *source = map_get(&p->sources, buf_str(&key));
	if (!source) {
		text_reply(reply, 404, "there is no such Repo\n");
		return;
	}
	plain_source_notify(source);
	text_reply(reply, 202, "ok\n");
}

void plain_serve(void *ctx, const struct httpd_request *request, struct httpd_reply *reply)
{
	struct plain *p = ctx;
	if (strcmp(request->path, "/healthz") == 0)
		text_reply(reply, 200, "ok\n");
	else if (strcmp(request->path, "/readyz") == 0)
		text_reply(reply, p->stopping ? 503 : 200, p->stopping ? "stopping\n" : "ok\n");
	else if (strcmp(request->path, "/metrics") == 0)
		serve_metrics(p, reply);
	else if (strcmp(request->path, "/notify") == 0)
		serve_notify(p, request, reply);
	else
		text_reply(reply, 404, "there is /healthz, /readyz, /metrics and /notify\n");
}
