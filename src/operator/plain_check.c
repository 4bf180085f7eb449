/*
 * plain_check.c - what the schema of the custom resources says, for files that pass no API server: a field
 * that is misspelt or of the wrong type is refused, because reading on would take its default for what was
 * meant.
 */
#include "operator/plain_parts.h"

#include <stdio.h>

struct field {
	const char *path;
	enum node_type type;
};

static const struct field app_fields[] = {
	{ "spec", NODE_MAP },
	{ "spec.source", NODE_MAP },
	{ "spec.source.repo", NODE_STRING },
	{ "spec.source.revision", NODE_STRING },
	{ "spec.source.path", NODE_STRING },
	{ "spec.render", NODE_MAP },
	{ "spec.render.type", NODE_STRING },
	{ "spec.target", NODE_MAP },
	{ "spec.target.namespace", NODE_STRING },
	{ "spec.target.directory", NODE_STRING },
	{ "spec.target.command", NODE_SEQ },
	{ "spec.sync", NODE_MAP },
	{ "spec.sync.auto", NODE_BOOL },
	{ "spec.sync.selfHeal", NODE_BOOL },
	{ "spec.sync.prune", NODE_BOOL },
	{ "spec.sync.wait", NODE_BOOL },
	{ "spec.sync.force", NODE_BOOL },
	{ "spec.sync.allowEmpty", NODE_BOOL },
	{ "spec.sync.timeout", NODE_STRING },
	{ "spec.sync.retry", NODE_MAP },
	{ "spec.sync.retry.backoff", NODE_STRING },
	{ "spec.sync.retry.maxBackoff", NODE_STRING },
	{ "spec.serviceAccountName", NODE_STRING },
	{ "spec.suspend", NODE_BOOL },
	{ "spec.deletionPolicy", NODE_STRING },
	{ NULL, NODE_NULL },
};

static const struct field repo_fields[] = {
	{ "spec", NODE_MAP },
	{ "spec.url", NODE_STRING },
	{ "spec.interval", NODE_STRING },
	{ "spec.timeout", NODE_STRING },
	{ "spec.secretRef", NODE_MAP },
	{ "spec.secretRef.name", NODE_STRING },
	{ "spec.webhook", NODE_MAP },
	{ "spec.webhook.type", NODE_STRING },
	{ "spec.webhook.secretRef", NODE_MAP },
	{ "spec.webhook.secretRef.name", NODE_STRING },
	{ "spec.submodules", NODE_BOOL },
	{ "spec.maxSize", NODE_STRING },
	{ "spec.suspend", NODE_BOOL },
	{ NULL, NODE_NULL },
};

static const char *type_name(enum node_type type)
{
	static const char *const names[] = {
		[NODE_NULL] = "nothing",
		[NODE_BOOL] = "true or false, without quotes",
		[NODE_INT] = "a whole number",
		[NODE_FLOAT] = "a number",
		[NODE_STRING] = "a string; put it in quotes",
		[NODE_MAP] = "a map",
		[NODE_SEQ] = "a list of strings",
	};
	return names[type];
}

static int check_strings(const char *path, const struct node *list, struct error *err)
{
	for (size_t i = 0; i < node_count(list); i++) {
		struct str text = node_text(node_item(list, i));
		if (text.n == 0 && i == 0)
			return error_set(err, "%s: its first item must be the program", path);
		if (!node_is_string(node_item(list, i)))
			return error_set(err, "%s: item %zu must be %s", path, i + 1, type_name(NODE_STRING));
		if (memchr(text.p, '\0', text.n))
			return error_set(err, "%s: item %zu holds a NUL byte", path, i + 1);
	}
	return 0;
}

static int check_map(const struct field *fields, const char *path, const struct node *map, struct error *err);

static int check_value(const struct field *fields, const char *path, const struct node *value,
		       struct error *err)
{
	const struct field *f = fields;
	while (f->path && strcmp(f->path, path) != 0)
		f++;
	if (!f->path)
		return error_set(err, "%s: there is no such field", path);
	if (value->type == NODE_NULL)
		return 0;
	/* A quantity may be written as a number. */
	if (value->type == NODE_INT && strcmp(path, "spec.maxSize") == 0)
		return 0;
	if (value->type != f->type)
		return error_set(err, "%s: must be %s", path, type_name(f->type));
	if (value->type == NODE_STRING && memchr(node_text(value).p, '\0', node_text(value).n))
		return error_set(err, "%s: holds a NUL byte", path);
	if (value->type == NODE_SEQ)
		return check_strings(path, value, err);
	return value->type == NODE_MAP ? check_map(fields, path, value, err) : 0;
}

static int check_map(const struct field *fields, const char *path, const struct node *map, struct error *err)
{
	for (size_t i = 0; i < map->map.n; i++) {
		char field[256];
		int n = snprintf(field, sizeof(field), "%s.%.*s", path, STR_ARG(map->map.pairs[i].key));
		if (n >= (int)sizeof(field))
			return error_set(err, "%.200s...: there is no such field", field);
		if (check_value(fields, field, map->map.pairs[i].value, err) < 0)
			return -1;
	}
	return 0;
}

/* As Kubernetes names objects: it goes into file names. */
static int check_name(const char *field, const struct node *value, bool needed, struct error *err)
{
	struct str name = node_text(value);
	if (!value && !needed)
		return 0;
	if (!name.n)
		return error_set(err, "%s: is missing", field);
	bool ok = name.n <= 63;
	for (size_t i = 0; i < name.n && ok; i++) {
		char c = name.p[i];
		bool inner = i > 0 && i + 1 < name.n;
		ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (inner && (c == '-' || c == '.'));
	}
	return ok ? 0
		  : error_set(
			    err,
			    "%s: \"%.*s\" is no name: up to 63 small letters, digits, '-' and '.', ends without",
			    field, STR_ARG(name));
}

int plain_check_fields(enum plain_kind kind, const struct node *object, struct error *err)
{
	static const char *const top[] = { "apiVersion", "kind", "metadata", "spec", "status" };
	for (size_t i = 0; i < object->map.n; i++) {
		bool known = false;
		for (size_t k = 0; k < sizeof(top) / sizeof(top[0]); k++)
			known = known || str_is(object->map.pairs[i].key, top[k]);
		if (!known)
			return error_set(err, "%.*s: there is no such field",
					 STR_ARG(object->map.pairs[i].key));
	}
	if (check_name("metadata.name", node_at(object, "metadata.name"), true, err) < 0 ||
	    check_name("metadata.namespace", node_at(object, "metadata.namespace"), false, err) < 0)
		return -1;
	const struct node *spec = node_get(object, "spec");
	if (!spec || spec->type == NODE_NULL)
		return error_set(err, "spec: is missing");
	return check_value(kind == PLAIN_APP ? app_fields : repo_fields, "spec", spec, err);
}

static bool holds_parent(const char *path)
{
	struct str rest = str_of(path);
	while (rest.n)
		if (str_is(str_cut(rest, '/', &rest), ".."))
			return true;
	return false;
}

int plain_check_app(const struct app_spec *spec, struct error *err)
{
	if (spec->target_namespace)
		return error_set(
			err,
			"spec.target.namespace: there is no cluster here; set spec.target.directory, or give this App "
			"to the operator of a cluster");
	if (spec->service_account)
		return error_set(err, "spec.serviceAccountName: there is no cluster here; remove it");
	if (spec->directory[0] != '/' || !spec->directory[1] || holds_parent(spec->directory))
		return error_set(
			err, "spec.target.directory: \"%s\" must be an absolute path without '..', and not /",
			spec->directory);
	if (spec->config.timeout_ms < 1000)
		return error_set(err, "spec.sync.timeout: must be at least 1s");
	if (spec->config.retry_base_ms < 100 || spec->config.retry_max_ms < spec->config.retry_base_ms)
		return error_set(
			err,
			"spec.sync.retry: backoff must be at least 100ms, and maxBackoff not less than backoff");
	return 0;
}

int plain_check_repo(const struct repo_spec *spec, struct error *err)
{
	struct error url = ERROR_INIT;
	if (spec->hosted)
		return error_set(err, "spec.hosted: needs a cluster and its push service; give url");
	if (spec->secret)
		return error_set(
			err,
			"spec.secretRef: there are no Secrets here; git uses the ssh keys and credential helpers of the "
			"user that runs Capstan");
	if (spec->webhook_secret)
		return error_set(
			err,
			"spec.webhook: is for the operator of a cluster, as there are no Secrets here; remove it, and "
			"let the host POST to /notify?repo=NAMESPACE/NAME, which believes nothing and just looks");
	if (spec->interval_ms < 1000)
		return error_set(err, "spec.interval: must be at least 1s");
	if (remote_check_url(spec->url, &url) < 0)
		return error_set(err, "spec.url: %s", url.text);
	return 0;
}
