/* request.c - a request as method, URL and headers. */
#include <stdio.h>

#include "kube/client_parts.h"

static const struct {
	const char *method, *content_type;
	bool named;
} verbs[] = {
	[KUBE_GET] = { "GET", NULL, true },
	[KUBE_LIST] = { "GET", NULL, false },
	[KUBE_CREATE] = { "POST", "application/json", false },
	[KUBE_UPDATE] = { "PUT", "application/json", true },
	/* JSON is YAML, and the server parses it faster. */
	[KUBE_APPLY] = { "PATCH", "application/apply-patch+yaml", true },
	[KUBE_MERGE_PATCH] = { "PATCH", "application/merge-patch+json", true },
	[KUBE_JSON_PATCH] = { "PATCH", "application/json-patch+json", true },
	[KUBE_DELETE] = { "DELETE", "application/json", true },
};

/* RFC 3986 unreserved characters stay. */
void kube_add_escaped(struct buf *b, const char *p, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    (c && strchr("-._~", c))) {
			buf_addc(b, (char)c);
		} else {
			char coded[3] = { '%', hex[c >> 4], hex[c & 15] };
			buf_add(b, coded, 3);
		}
	}
}

void kube_add_path(struct buf *b, const struct kube_resource *r, struct str namespace)
{
	if (r->group.n) {
		buf_adds(b, "/apis/");
		kube_add_escaped(b, r->group.p, r->group.n);
	} else {
		buf_adds(b, "/api");
	}
	buf_addc(b, '/');
	kube_add_escaped(b, r->version.p, r->version.n);
	if (r->namespaced && namespace.n) {
		buf_adds(b, "/namespaces/");
		kube_add_escaped(b, namespace.p, namespace.n);
	}
	buf_addc(b, '/');
	kube_add_escaped(b, r->plural.p, r->plural.n);
}

static void add_query(struct buf *b, char *mark, const char *key, const char *value)
{
	if (!value)
		return;
	buf_addc(b, *mark);
	*mark = '&';
	buf_adds(b, key);
	buf_addc(b, '=');
	kube_add_escaped(b, value, strlen(value));
}

static void add_queries(struct buf *b, const struct kube_request *r)
{
	char mark = '?', limit[16];
	bool read = r->verb == KUBE_GET || r->verb == KUBE_LIST;
	add_query(b, &mark, "fieldManager", read || r->verb == KUBE_DELETE ? NULL : r->field_manager);
	if (r->verb == KUBE_APPLY)
		add_query(b, &mark, "force", r->force ? "true" : "false");
	if (!read && r->dry_run)
		add_query(b, &mark, "dryRun", "All");
	if (!read && r->verb != KUBE_DELETE)
		add_query(b, &mark, "fieldValidation", r->field_validation ? r->field_validation : "Warn");
	if (r->verb == KUBE_LIST) {
		add_query(b, &mark, "labelSelector", r->label_selector);
		add_query(b, &mark, "fieldSelector", r->field_selector);
		snprintf(limit, sizeof(limit), "%d", r->limit);
		add_query(b, &mark, "limit", r->limit > 0 ? limit : NULL);
		add_query(b, &mark, "continue", r->limit_continue);
	}
	if (read)
		add_query(b, &mark, "resourceVersion", r->resource_version);
	if (r->verb == KUBE_GET && r->query) {
		buf_addc(b, mark);
		buf_adds(b, r->query);
	}
}

static void add_header(struct kube_wire *w, const char *name, const char *value)
{
	if (value)
		w->headers[w->n_headers++] = (struct http_header){ name, value };
}

static void add_common(struct kube_wire *w, const struct kube_client *c, const char *accept, const char *as)
{
	add_header(w, "Accept", accept ? accept : "application/json");
	add_header(w, "User-Agent", "capstan/" CAPSTAN_VERSION);
	add_header(w, "Authorization", kube_auth_header(c->auth));
	add_header(w, "Impersonate-User", as ? as : c->config.impersonate);
}

void kube_wire_of(struct kube_wire *w, const struct kube_client *client, const struct kube_request *r,
		  const struct kube_resource *resource)
{
	w->method = verbs[r->verb].method;
	buf_adds(&w->url, client->config.server);
	kube_add_path(&w->url, resource, r->namespace);
	if (verbs[r->verb].named) {
		buf_addc(&w->url, '/');
		kube_add_escaped(&w->url, r->name.p, r->name.n);
	}
	if (r->subresource) {
		buf_addc(&w->url, '/');
		kube_add_escaped(&w->url, r->subresource, strlen(r->subresource));
	}
	add_queries(&w->url, r);
	add_common(w, client, r->query ? "application/json, */*" : NULL, r->impersonate_user);
	if (r->body.n)
		add_header(w, "Content-Type", verbs[r->verb].content_type);
}

void kube_wire_raw(struct kube_wire *w, const struct kube_client *client, const struct kube_raw *raw)
{
	w->method = "GET";
	buf_adds(&w->url, client->config.server);
	buf_adds(&w->url, raw->path);
	add_common(w, client, raw->accept, NULL);
}
