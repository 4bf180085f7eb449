/*
 * web.h - what the two web servers have in common: that of the operator (serve.c) and of a plain machine
 * (plain_serve.c). Metric names are documented in docs/reference/metrics.md.
 */
#pragma once

#include "io/httpd.h"

void web_text(struct httpd_reply *reply, int status, const char *text);
/* Begins a reply in the Prometheus text format. */
void web_metrics(struct httpd_reply *reply);
void web_metric(struct buf *out, const char *name, const char *type, const char *help, double value);
/* capstan_apps; counts by enum app_ready. */
void web_metric_apps(struct buf *out, const size_t counts[3]);
void web_metric_cpu(struct buf *out); /* process_cpu_seconds_total */

/* Who serves: everything beyond the routes that both have. */
struct web_site {
	void (*metrics)(void *ctx, struct httpd_reply *reply);
	/* Looks at a Repo now. false: there is no such Repo. name: NAMESPACE/NAME, or NAME. */
	bool (*notify)(void *ctx, const char *name);
	/* Takes POST /webhook/NAMESPACE/NAME; NULL: there is no such route. */
	void (*webhook)(void *ctx, const char *name, const struct httpd_request *request,
			struct httpd_reply *reply);
};

/* /healthz, /readyz, /metrics, /notify and /webhook. A standby is ready, too: it takes over when it must. */
void web_serve(const struct web_site *site, void *ctx, bool stopping, const struct httpd_request *request,
	       struct httpd_reply *reply);
