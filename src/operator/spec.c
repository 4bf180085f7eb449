/* spec.c - see spec.h; every refusal names the field. */
#include "operator/spec_parts.h"

#include <stdio.h>

#include "base/clock.h"

static char *text_at(struct arena *a, const struct node *root, const char *path, const char *otherwise)
{
	struct str text = node_text(node_at(root, path));
	if (text.n)
		return arena_strndup(a, text.p, text.n);
	return otherwise ? arena_strdup(a, otherwise) : NULL;
}

int spec_duration(const struct node *root, const char *path, int64_t otherwise, int64_t *out,
		  struct error *err)
{
	const struct node *n = node_at(root, path);
	*out = otherwise;
	if (!n || n->type == NODE_NULL)
		return 0;
	if (!node_is_string(n) || !clock_parse_duration(node_text(n), out) || *out <= 0)
		return error_set(err, "%s: \"%.*s\" is no duration; write for example 30s, 5m or 1h30m", path,
				 STR_ARG(node_text(n)));
	return 0;
}

static void read_finalizers(struct arena *a, const struct node *object, struct app_spec *out)
{
	const struct node *list = node_at(object, "metadata.finalizers");
	size_t n = node_count(list);
	out->finalizers = arena_array(a, char *, n + 1);
	for (size_t i = 0; i < n; i++) {
		struct str text = node_text(node_item(list, i));
		out->finalizers[i] = arena_strndup(a, text.p, text.n);
		out->has_finalizer = out->has_finalizer || str_is(text, FINALIZER);
	}
}

static int read_identity(struct arena *a, const struct node *object, char **namespace, char **name,
			 int64_t *generation, struct error *err)
{
	*name = text_at(a, object, "metadata.name", NULL);
	*namespace = text_at(a, object, "metadata.namespace", "default");
	if (!*name)
		return error_set(err, "metadata.name: is missing");
	*generation = 0;
	node_int(node_at(object, "metadata.generation"), generation);
	return 0;
}

static int read_sync(const struct node *object, struct app_config *config, struct error *err)
{
	const struct node *sync = node_at(object, "spec.sync");
	*config = (struct app_config)APP_CONFIG_DEFAULT;
	config->automatic = node_bool(node_get(sync, "auto"), true);
	config->self_heal = node_bool(node_get(sync, "selfHeal"), true);
	config->prune = node_bool(node_get(sync, "prune"), true);
	config->wait = node_bool(node_get(sync, "wait"), true);
	config->force = node_bool(node_get(sync, "force"), false);
	config->allow_empty = node_bool(node_get(sync, "allowEmpty"), false);
	config->suspend = node_bool(node_at(object, "spec.suspend"), false);
	config->deleting = node_text(node_at(object, "metadata.deletionTimestamp")).n > 0;
	struct str policy = node_text(node_at(object, "spec.deletionPolicy"));
	config->orphan = str_is(policy, "Orphan") || str_is(policy, "orphan");
	if (spec_duration(object, "spec.sync.timeout", config->timeout_ms, &config->timeout_ms, err) < 0 ||
	    spec_duration(object, "spec.sync.retry.backoff", config->retry_base_ms, &config->retry_base_ms,
			  err) < 0 ||
	    spec_duration(object, "spec.sync.retry.maxBackoff", config->retry_max_ms, &config->retry_max_ms,
			  err) < 0)
		return -1;
	return 0;
}

static bool has_parent_segment(const char *path)
{
	struct str rest = str_of(path);
	while (rest.n) {
		struct str segment = str_cut(rest, '/', &rest);
		if (str_is(segment, "..") || str_is(segment, ".git"))
			return true;
	}
	return false;
}

static void read_command(struct arena *a, const struct node *object, struct app_spec *out)
{
	const struct node *list = node_at(object, "spec.target.command");
	size_t n = node_count(list);
	if (!n)
		return;
	out->command = arena_array(a, char *, n + 1);
	for (size_t i = 0; i < n; i++) {
		struct str text = node_text(node_item(list, i));
		out->command[i] = arena_strndup(a, text.p, text.n);
	}
}

static int read_source(struct arena *a, const struct node *object, struct app_spec *out, struct error *err)
{
	out->repo = text_at(a, object, "spec.source.repo", NULL);
	out->revision = text_at(a, object, "spec.source.revision", "HEAD");
	out->path = text_at(a, object, "spec.source.path", ".");
	if (!out->repo)
		return error_set(err, "spec.source.repo: is missing; it names a Repo");
	if (out->path[0] == '/' || has_parent_segment(out->path))
		return error_set(err, "spec.source.path: \"%s\" must be inside the repository, without '..'",
				 out->path);
	return 0;
}

int app_spec_read(struct arena *a, const struct node *object, struct app_spec *out, struct error *err)
{
	*out = (struct app_spec){ 0 };
	if (read_identity(a, object, &out->namespace, &out->name, &out->generation, err) < 0)
		return -1;
	out->uid = text_at(a, object, "metadata.uid", "");
	read_finalizers(a, object, out);
	const struct node *annotations = node_at(object, "metadata.annotations");
	struct str token = node_text(node_get(annotations, ANNOTATION_SYNC));
	out->sync_token = token.n ? arena_strndup(a, token.p, token.n) : NULL;
	out->service_account = text_at(a, object, "spec.serviceAccountName", NULL);
	out->target_namespace = text_at(a, object, "spec.target.namespace", NULL);
	out->directory = text_at(a, object, "spec.target.directory", NULL);
	read_command(a, object, out);
	if (read_sync(object, &out->config, err) < 0 || read_source(a, object, out, err) < 0 ||
	    spec_read_render(a, object, out, err) < 0)
		return -1;
	if (!out->target_namespace == !out->directory)
		return error_set(err, "spec.target: exactly one of namespace and directory must be there");
	return 0;
}

/* "1Gi", "500M", "1048576": Kubernetes' quantity suffixes for bytes. */
static int quantity_at(const struct node *root, const char *path, uint64_t otherwise, uint64_t *out,
		       struct error *err)
{
	static const struct {
		const char *suffix;
		uint64_t factor;
	} units[] = { { "Ki", 1ull << 10 }, { "Mi", 1ull << 20 }, { "Gi", 1ull << 30 }, { "Ti", 1ull << 40 },
		      { "k", 1000 },	    { "M", 1000000 },	  { "G", 1000000000 },	{ "", 1 } };
	const struct node *n = node_at(root, path);
	*out = otherwise;
	if (!n || n->type == NODE_NULL)
		return 0;
	struct str text = n->type == NODE_INT ? n->text : node_text(n);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!str_ends(text, str_of(units[i].suffix)))
			continue;
		int64_t value;
		if (str_int64((struct str){ text.p, text.n - strlen(units[i].suffix) }, &value) &&
		    value > 0 && (uint64_t)value < UINT64_MAX / units[i].factor) {
			*out = (uint64_t)value * units[i].factor;
			return 0;
		}
	}
	return error_set(err, "%s: \"%.*s\" is no size; write for example 500Mi or 2Gi", path, STR_ARG(text));
}

static int read_webhook(struct arena *a, const struct node *object, struct repo_spec *out, struct error *err)
{
	const struct node *webhook = node_at(object, "spec.webhook");
	struct str type = node_text(node_get(webhook, "type"));
	if (!webhook || webhook->type == NODE_NULL)
		return 0;
	if (!webhook_type_parse(type, &out->webhook_type) || !webhook_of_git(out->webhook_type))
		return error_set(
			err,
			"spec.webhook.type: \"%.*s\" must be github, gitlab, gitea, bitbucket, azure or generic",
			STR_ARG(type));
	out->webhook_secret = text_at(a, object, "spec.webhook.secretRef.name", NULL);
	if (!out->webhook_secret)
		return error_set(err,
				 "spec.webhook.secretRef.name: is missing; it names a Secret with key token");
	return 0;
}

/* Where the push service serves it, as it says itself. */
static void read_hosted(struct arena *a, const struct node *object, struct repo_spec *out)
{
	const struct node *hosted = node_at(object, "spec.hosted");
	out->hosted = hosted && hosted->type == NODE_MAP && !out->url;
	if (!out->hosted)
		return;
	out->url = text_at(a, object, "status.fetch.url", NULL);
	out->secret = text_at(a, object, "status.fetch.secretRef.name", NULL);
	out->pushed = text_at(a, object, "status.fetch.pushed", NULL);
	out->hosted_trouble = text_at(a, object, "status.hosted.message", NULL);
}

int repo_spec_read(struct arena *a, const struct node *object, struct repo_spec *out, struct error *err)
{
	*out = (struct repo_spec){ 0 };
	if (read_identity(a, object, &out->namespace, &out->name, &out->generation, err) < 0)
		return -1;
	out->url = text_at(a, object, "spec.url", NULL);
	out->secret = text_at(a, object, "spec.secretRef.name", NULL);
	out->submodules = node_bool(node_at(object, "spec.submodules"), false);
	out->suspend = node_bool(node_at(object, "spec.suspend"), false);
	read_hosted(a, object, out);
	if (!out->url && !out->hosted)
		return error_set(err, "spec.url: is missing");
	if (read_webhook(a, object, out, err) < 0)
		return -1;
	if (spec_duration(object, "spec.interval", 60000, &out->interval_ms, err) < 0 ||
	    spec_duration(object, "spec.timeout", 60000, &out->timeout_ms, err) < 0 ||
	    quantity_at(object, "spec.maxSize", 1ull << 30, &out->max_bytes, err) < 0)
		return -1;
	return 0;
}
