/* apps.c - see apps.h. */
#include "cmd/apps.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "operator/spec.h"

static const char no_kind[] = "the cluster has no kind App; run `capstan install` first";

struct kube_request apps_request(enum kube_verb verb, const char *namespace, const char *name)
{
	return (struct kube_request){
		.verb = verb,
		.group = STR(CAPSTAN_GROUP),
		.version = STR(CAPSTAN_VERSION_NAME),
		.kind = STR("App"),
		.namespace = str_of(namespace),
		.name = str_of(name),
		.field_manager =
			verb == KUBE_GET || verb == KUBE_LIST || verb == KUBE_DELETE ? NULL : "capstan-cli",
	};
}

int apps_get(struct cluster *c, struct arena *a, const char *name, struct node **out, struct error *err)
{
	struct kube_request request = apps_request(KUBE_GET, c->namespace, name);
	struct reply reply;
	cluster_call(c, a, &request, &reply);
	*out = reply.body;
	if (reply.result == KUBE_OK)
		return 0;
	if (reply.result == KUBE_NO_KIND)
		return error_set(err, "%s", no_kind);
	if (reply.code != 404)
		return cluster_error(err, &reply, "app %s/%s", c->namespace, name);
	error_set(err, "there is no App %s in namespace %s; `capstan status -A` lists all", name,
		  c->namespace);
	return 1;
}

int apps_list_kind(struct cluster *c, struct arena *a, const char *kind, const char *namespace,
		   struct node **out, struct error *err)
{
	const char *more = NULL;
	*out = node_seq(a);
	do {
		struct kube_request request = apps_request(KUBE_LIST, namespace, "");
		request.kind = str_of(kind);
		request.limit = 500;
		request.limit_continue = more;
		struct reply reply;
		cluster_call(c, a, &request, &reply);
		if (reply.result == KUBE_NO_KIND)
			return error_set(err, "%s", no_kind);
		if (reply.result != KUBE_OK) {
			cluster_error(err, &reply, "list of %ss", kind);
			return reply.code == 403 ? 1 : -1;
		}
		struct node *items = node_get(reply.body, "items");
		for (size_t i = 0; i < node_count(items); i++)
			node_push(a, *out, node_item(items, i));
		more = apps_text(a, node_at(reply.body, "metadata.continue"));
	} while (*more);
	return 0;
}

int apps_list(struct cluster *c, struct arena *a, bool everywhere, struct node **out, struct error *err)
{
	return apps_list_kind(c, a, "App", everywhere ? "" : c->namespace, out, err) ? -1 : 0;
}

int apps_named(struct cluster *c, struct arena *a, struct node **out, struct error *err)
{
	if (c->cli->n_operands == 0)
		return apps_list(c, a, c->cli->common.all_namespaces, out, err);
	*out = node_seq(a);
	for (size_t i = 0; i < c->cli->n_operands; i++) {
		struct node *app;
		if (apps_get(c, a, c->cli->operands[i], &app, err) != 0)
			return -1;
		node_push(a, *out, app);
	}
	return 0;
}

int apps_delete(struct cluster *c, const struct node *app, bool orphan, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *namespace = apps_text(&a, node_at(app, "metadata.namespace"));
	const char *name = apps_text(&a, node_at(app, "metadata.name"));
	if (orphan &&
	    apps_patch(c, &a, namespace, name, "{\"spec\":{\"deletionPolicy\":\"Orphan\"}}", NULL, err) < 0)
		return -1;
	struct kube_request request = apps_request(KUBE_DELETE, namespace, name);
	struct reply reply;
	cluster_call(c, &a, &request, &reply);
	if (reply.result != KUBE_OK && reply.code != 404)
		return cluster_error(err, &reply, "app %s/%s", namespace, name);
	return 0;
}

int apps_patch(struct cluster *c, struct arena *a, const char *namespace, const char *name, const char *body,
	       struct node **out, struct error *err)
{
	struct kube_request request = apps_request(KUBE_MERGE_PATCH, namespace, name);
	request.body = str_of(body);
	struct reply reply;
	cluster_call(c, a, &request, &reply);
	if (out)
		*out = reply.body;
	if (reply.result == KUBE_OK)
		return 0;
	if (reply.result == KUBE_NO_KIND)
		return error_set(err, "%s", no_kind);
	if (reply.code == 404)
		return error_set(err, "there is no App %s in namespace %s; `capstan status -A` lists all",
				 name, namespace);
	return cluster_error(err, &reply, "app %s/%s", namespace, name);
}

int apps_patch_operands(struct cli *cli, const char *body, const char *word)
{
	struct cluster c;
	struct error err = ERROR_INIT;
	int status = EXIT_OK;
	if (cluster_open(&c, cli, 0, &err) < 0)
		status = command_fail(cli, &err);
	for (size_t i = 0; status == EXIT_OK && i < cli->n_operands; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		if (apps_patch(&c, &a, c.namespace, cli->operands[i], body, NULL, &err) == 0)
			fprintf(cli->out, "app/%s %s\n", cli->operands[i], word);
		else
			command_fail(cli, &err);
	}
	if (err.text[0])
		status = EXIT_TROUBLE;
	cluster_close(&c);
	return status;
}

/* --- reading one --- */

const char *apps_text(struct arena *a, const struct node *n)
{
	return arena_str(a, node_text(n)).p;
}

const struct node *apps_condition(const struct node *app, const char *type)
{
	const struct node *list = node_at(app, "status.conditions");
	for (size_t i = 0; i < node_count(list); i++)
		if (str_is(node_text(node_get(node_item(list, i), "type")), type))
			return node_item(list, i);
	return NULL;
}

static int64_t number(const struct node *app, const char *path)
{
	int64_t value = 0;
	node_int(node_at(app, path), &value);
	return value;
}

static bool is_seen(const struct node *app)
{
	return number(app, "status.observedGeneration") >= number(app, "metadata.generation");
}

bool apps_ready(const struct node *app)
{
	const struct node *ready = apps_condition(app, "Ready");
	return is_seen(app) && str_is(node_text(node_get(ready, "status")), "True");
}

static const char *sync_word(const struct node *app)
{
	struct str wanted = node_text(node_at(app, "status.revision.wanted"));
	struct str applied = node_text(node_at(app, "status.revision.applied"));
	struct str reason = node_text(node_get(apps_condition(app, "Ready"), "reason"));
	if (node_text(node_at(app, "metadata.deletionTimestamp")).n)
		return "Deleting";
	if (node_bool(node_at(app, "spec.suspend"), false))
		return "Suspended";
	if (str_is(reason, "Rendering") || str_is(reason, "Applying"))
		return "Syncing";
	if (!wanted.n)
		return "Unknown";
	return str_eq(wanted, applied) && number(app, "status.counts.outOfSync") == 0 ? "Synced"
										      : "OutOfSync";
}

static const char *health_word(const struct node *app)
{
	if (!node_at(app, "status.counts"))
		return "Unknown";
	if (number(app, "status.counts.failed") > 0)
		return "Failed";
	return number(app, "status.counts.progressing") > 0 ? "Progressing" : "Current";
}

void apps_row(struct arena *a, const struct node *app, int64_t now_ms, struct status_row *out)
{
	const struct node *ready = apps_condition(app, "Ready");
	int64_t created = 0;
	bool aged = clock_parse(node_text(node_at(app, "metadata.creationTimestamp")), &created);
	const char *applied = apps_text(a, node_at(app, "status.revision.applied"));
	*out = (struct status_row){
		.namespace = apps_text(a, node_at(app, "metadata.namespace")),
		.name = apps_text(a, node_at(app, "metadata.name")),
		.ready = ready && is_seen(app) ? apps_text(a, node_get(ready, "status")) : "Unknown",
		.revision = *applied ? applied : apps_text(a, node_at(app, "status.revision.attempted")),
		.sync = sync_word(app),
		.health = health_word(app),
		.age_s = aged ? (now_ms - created) / 1000 : -1,
		.message = apps_text(a, node_get(ready, "message")),
	};
	if (!ready)
		out->message = "no operator has looked at it yet";
	else if (!is_seen(app) && !str_is(node_text(node_get(ready, "reason")), "Pending"))
		out->message = "the operator has not seen the newest change yet";
}

/* --- for programs --- */

static void tidy(struct node *app)
{
	struct node *metadata = node_get(app, "metadata"), *status = node_get(app, "status");
	struct node *annotations = node_get(metadata, "annotations"), *items = node_get(app, "items");
	for (size_t i = 0; i < node_count(items); i++)
		tidy(node_item(items, i));
	if (metadata)
		node_del(metadata, STR("managedFields"));
	if (annotations)
		node_del(annotations, STR(ANNOTATION_INVENTORY));
	if (status)
		node_del(status, STR("inventory"));
}

void apps_print(const struct cli *cli, struct node *app)
{
	cleanup_buf struct buf text = BUF_INIT;
	tidy(app);
	if (strcmp(cli->common.output, "json") == 0)
		json_write_pretty(&text, app);
	else
		yaml_write(&text, app);
	fwrite(text.p, 1, text.n, cli->out);
}
