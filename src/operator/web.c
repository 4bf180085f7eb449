/* web.c - see web.h. */
#include "operator/web.h"

#include <string.h>
#include <sys/resource.h>

#include "deploy/app.h"

void web_text(struct httpd_reply *reply, int status, const char *text)
{
	reply->status = status;
	reply->content_type = "text/plain; charset=utf-8";
	buf_adds(&reply->body, text);
}

void web_metrics(struct httpd_reply *reply)
{
	reply->status = 200;
	reply->content_type = "text/plain; version=0.0.4";
}

void web_metric(struct buf *out, const char *name, const char *type, const char *help, double value)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, value);
}

void web_metric_apps(struct buf *out, const size_t counts[3])
{
	buf_printf(out,
		   "# HELP capstan_apps Apps by their Ready condition.\n# TYPE capstan_apps gauge\n"
		   "capstan_apps{ready=\"true\"} %zu\ncapstan_apps{ready=\"false\"} %zu\n"
		   "capstan_apps{ready=\"unknown\"} %zu\n",
		   counts[APP_READY], counts[APP_NOT_READY], counts[APP_IN_PROGRESS]);
}

void web_metric_cpu(struct buf *out)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	web_metric(out, "process_cpu_seconds_total", "counter", "CPU time of this process.", seconds);
}

static void serve_notify(const struct web_site *site, void *ctx, const struct httpd_request *request,
			 struct httpd_reply *reply)
{
	const char *name = request->query(request, "repo");
	if (strcmp(request->method, "POST") != 0)
		web_text(reply, 405, "send POST\n");
	else if (!name)
		web_text(reply, 400, "the query needs repo=NAMESPACE/NAME\n");
	else if (!site->notify(ctx, name))
		web_text(reply, 404, "there is no such Repo\n");
	else
		web_text(reply, 202, "ok\n");
}

#define WEBHOOK_PATH "/webhook/"

static void serve_webhook(const struct web_site *site, void *ctx, const struct httpd_request *request,
			  struct httpd_reply *reply)
{
	if (strcmp(request->method, "POST") != 0)
		web_text(reply, 405, "send POST\n");
	else
		site->webhook(ctx, request->path + sizeof(WEBHOOK_PATH) - 1, request, reply);
}

void web_serve(const struct web_site *site, void *ctx, bool stopping, const struct httpd_request *request,
	       struct httpd_reply *reply)
{
	if (strcmp(request->path, "/healthz") == 0)
		web_text(reply, 200, "ok\n");
	else if (strcmp(request->path, "/readyz") == 0)
		web_text(reply, stopping ? 503 : 200, stopping ? "stopping\n" : "ok\n");
	else if (strcmp(request->path, "/metrics") == 0)
		site->metrics(ctx, reply);
	else if (strcmp(request->path, "/notify") == 0)
		serve_notify(site, ctx, request, reply);
	else if (site->webhook && strncmp(request->path, WEBHOOK_PATH, sizeof(WEBHOOK_PATH) - 1) == 0)
		serve_webhook(site, ctx, request, reply);
	else
		web_text(reply, 404, "there is /healthz, /readyz, /metrics and /notify\n");
}
