/* answer.c - an HTTP answer read as Kubernetes means it: an object, a Status, or a proxy's own words. */
#include "doc/json.h"
#include "kube/client_parts.h"

enum { FOREIGN_TEXT_MAX = 300 };

/*
 * Warning: 299 - "text": the quoted text, with its escapes undone (RFC 7234, 5.5).
 */
static struct str warning_text(struct arena *a, struct str value)
{
	size_t open = str_find(value, '"', 0);
	if (open == SIZE_MAX)
		return arena_str(a, value);
	char *text = arena_alloc(a, value.n + 1);
	size_t n = 0;
	for (size_t i = open + 1; i < value.n && value.p[i] != '"'; i++) {
		if (value.p[i] == '\\' && i + 1 < value.n)
			i++;
		text[n++] = value.p[i];
	}
	return (struct str){ text, n };
}

static void read_warnings(struct arena *a, const struct http_response *http, struct kube_response *out)
{
	if (http->n_warnings == 0)
		return;
	out->warnings = arena_array(a, struct str, http->n_warnings);
	out->n_warnings = http->n_warnings;
	for (size_t i = 0; i < http->n_warnings; i++)
		out->warnings[i] = warning_text(a, http->warnings[i]);
}

/* Not from the API server: a proxy or load balancer speaks. Its first line is all that may help. */
static struct str foreign_text(struct arena *a, const struct http_response *http)
{
	struct str rest, line = str_trim(str_cut(str_trim(http->body), '\n', &rest));
	if (line.n > FOREIGN_TEXT_MAX)
		line.n = FOREIGN_TEXT_MAX;
	if (line.n == 0 || !str_utf8(line) || line.p[0] == '<')
		return str_of(arena_printf(a, "HTTP %d with no message", http->status));
	return str_of(arena_printf(a, "HTTP %d: %.*s", http->status, STR_ARG(line)));
}

static void read_status(struct arena *a, const struct http_response *http, struct kube_response *out)
{
	out->result = KUBE_STATUS;
	if (!str_is(node_text(node_get(out->body, "kind")), "Status")) {
		out->message = foreign_text(a, http);
		return;
	}
	out->reason = node_text(node_get(out->body, "reason"));
	out->message = node_text(node_get(out->body, "message"));
	if (out->message.n == 0)
		out->message = str_of(arena_printf(a, "HTTP %d", http->status));
}

void kube_answer_read(struct arena *a, const struct http_response *http, struct kube_response *out)
{
	struct error err = ERROR_INIT;
	*out = (struct kube_response){ .arena = a,
				       .code = http->status,
				       .retry_after_ms = http->retry_after_ms };
	if (http->status == 0) {
		out->result = KUBE_LOST;
		out->message = str_of(arena_strdup(a, http->failure));
		return;
	}
	read_warnings(a, http, out);
	bool json = str_starts(http->content_type, STR("application/json"));
	int rc = http->body.n && json ? json_parse(a, http->body, false, &out->body, &err) : 0;
	bool good = http->status >= 200 && http->status < 300;
	if (good && str_starts(http->content_type, STR("text/plain")))
		out->text = arena_str(a, http->body);
	if (!good) {
		read_status(a, http, out);
	} else if (rc < 0) {
		out->result = KUBE_LOST;
		out->message = str_of(arena_printf(a, "unreadable answer: %s", err.text));
	} else {
		out->result = KUBE_OK;
	}
}
