/*
 * operator.c - start, leadership, watches, stop.
 *
 * Not leader: only the Lease is looked at. Leader: Repo and App objects are watched, everything else follows.
 * Leadership lost: the process ends (crash-only); its successor reads the inventory and goes on.
 */
#include "operator/operator.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/http.h"
#include "io/resident.h"
#include "operator/base_logins.h"
#include "operator/internal.h"
#include "repo/files.h"

enum {
	STOP_DEADLINE_MS = 4000,
	QUIET_MS = 1000, /* with no event for so long, memory is given back */
	REMOTE_BASE_TIMEOUT_MS = 120000,
	REMOTE_BASE_POLL_MS = 300000, /* branches and tags that bases name are asked for so often */
};

static void fail(struct operator* op, const char *why)
{
	op->failed = true;
	error_set(&op->failure, "%s", why);
	loop_stop(op->loop);
}

static void on_app(void *arg, const struct kube_watch_event *event)
{
	struct operator* op = arg;
	link_tick(&op->link);
	switch (event->type) {
	case WATCH_LIST_BEGIN:
		managed_list_begin(op);
		break;
	case WATCH_OBJECT:
	case WATCH_DELETED:
		managed_event(op, event);
		break;
	case WATCH_LIST_END:
		managed_list_end(op);
		break;
	case WATCH_NO_KIND:
		log_warn("the cluster has no kind App; run `capstan install`", NULL);
		break;
	case WATCH_FAILING:
		log_warn("watch of App fails, trying on", "error", event->message, NULL);
		break;
	}
}

static void on_repo(void *arg, const struct kube_watch_event *event)
{
	struct operator* op = arg;
	link_tick(&op->link);
	switch (event->type) {
	case WATCH_LIST_BEGIN:
		sources_list_begin(op);
		break;
	case WATCH_OBJECT:
	case WATCH_DELETED:
		sources_event(op, event);
		break;
	case WATCH_LIST_END:
		sources_list_end(op);
		break;
	case WATCH_NO_KIND:
		break; /* said once, for App */
	case WATCH_FAILING:
		log_warn("watch of Repo fails, trying on", "error", event->message, NULL);
		break;
	}
}

static void on_image_rule(void *arg, const struct kube_watch_event *event)
{
	struct operator* op = arg;
	link_tick(&op->link);
	switch (event->type) {
	case WATCH_LIST_BEGIN:
		image_rules_list_begin(op);
		break;
	case WATCH_OBJECT:
	case WATCH_DELETED:
		image_rules_event(op, event);
		break;
	case WATCH_LIST_END:
		image_rules_list_end(op);
		break;
	case WATCH_NO_KIND:
		log_warn("the cluster has no kind ImageRule, of this version; run `capstan install`", NULL);
		op->rules_listed = true; /* there are none */
		break;
	case WATCH_FAILING:
		log_warn("watch of ImageRule fails, trying on", "error", event->message, NULL);
		break;
	}
}

static void lead(struct operator* op)
{
	const char *namespace = op->options->watch_namespace ? op->options->watch_namespace : "";
	struct kube_watch_spec repos = { .group = STR(CAPSTAN_GROUP),
					 .version = STR(CAPSTAN_VERSION_NAME),
					 .kind = STR("Repo"),
					 .namespace = str_of(namespace) };
	struct kube_watch_spec apps = repos;
	apps.kind = STR("App");
	log_info("leading", "identity", op->options->identity, NULL);
	op->repo_watch = kube_watch_start(op->client, &repos, on_repo, op);
	op->app_watch = kube_watch_start(op->client, &apps, on_app, op);
	struct kube_watch_spec rules = repos;
	rules.kind = STR("ImageRule");
	op->image_watch = kube_watch_start(op->client, &rules, on_image_rule, op);
}

static void lease_won(void *ctx)
{
	lead(ctx);
}

static void lease_lost(void *ctx, const char *why)
{
	fail(ctx, why);
}

static void lease_released(void *ctx)
{
	loop_stop(((struct operator*)ctx)->loop);
}

static void out_of_patience(void *arg)
{
	loop_stop(((struct operator*)arg)->loop);
}

static void on_stop_signal(void *arg)
{
	struct operator* op = arg;
	if (op->stopping) {
		loop_stop(op->loop);
		return;
	}
	log_info("stopping", NULL);
	op->stopping = true;
	op->stop_timer = loop_timer_new(op->loop, out_of_patience, op);
	loop_timer_set(op->stop_timer, STOP_DEADLINE_MS);
	kube_watch_stop(op->app_watch);
	kube_watch_stop(op->repo_watch);
	kube_watch_stop(op->image_watch);
	op->app_watch = op->repo_watch = op->image_watch = NULL;
	if (op->lease)
		lease_release(op->lease);
	else
		loop_stop(op->loop);
}

static void release_objects(struct operator* op)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&op->apps, &i));) {
		struct managed *m = e->value;
		m->status_in_flight = false; /* the client is gone: no answer will come */
		m->restoring = 0;
		managed_free(m);
	}
	map_release(&op->apps);
	image_rules_free(op);
	for (size_t i = 0; (e = map_next(&op->sources, &i));)
		source_free(e->value);
	map_release(&op->sources);
	vec_release(&op->status_queue);
	vec_release(&op->start_queue);
	loop_timer_free(op->slot_timer);
}

/* --- memory --- */

static void look_whether_quiet(void *arg)
{
	struct operator* op = arg;
	uint64_t activity = op->link.events + op->renders + op->reconciles;
	if (activity != op->activity)
		op->trimmed = false;
	else if (!op->trimmed)
		resident_trim(op->resident);
	op->trimmed = activity == op->activity;
	op->activity = activity;
	loop_timer_set(op->quiet_timer, op->trimmed ? 5 * QUIET_MS : QUIET_MS);
}

/* A branch or tag that a base names has moved: the Apps that read it find out by their input. */
static void on_remote_changed(void *ctx)
{
	struct operator* op = ctx;
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&op->apps, &i));)
		managed_wanted(e->value);
}

static void on_remote_warning(void *ctx, const char *text)
{
	log_warn("remote base", "warning", text, NULL);
}

static const struct remote_credentials *remote_login(void *ctx, const char *url)
{
	struct operator* op = ctx;
	struct error err = ERROR_INIT;
	int rc;
	const struct remote_credentials *found = base_logins_find(op->base_logins, url, &rc, &err);
	if (rc < 0)
		log_warn("remote base", "warning", err.text, NULL);
	return found;
}

#define REMOTE_BASE_MAX_BYTES (1ull << 30) /* of one fetch */

static int open_remotes(struct operator* op, struct error *err)
{
	static const char *const nothing[] = { NULL };
	static const struct remote_hints hints = {
		.size = "is it meant to be a base? (?submodules=false leaves out its submodules)",
		.timeout = "(it is asked for from where the operator runs)",
		.login = "whoever runs the operator gives it one by --remote-base-login URL=DIR",
		.moved = "write that address (often the same with .git at its end)",
	};
	cleanup_buf struct buf dir = BUF_INIT;
	if (base_logins_new(op->options->remote_base_logins, op->options->n_remote_base_logins,
			    &op->base_logins, err) < 0)
		return error_wrap(err, "--remote-base-login");
	buf_printf(&dir, "%s/bases", op->options->cache_dir);
	struct remote_cache_options options = {
		.loop = op->loop,
		.dir = dir.p,
		.timeout_ms = REMOTE_BASE_TIMEOUT_MS,
		.max_bytes = REMOTE_BASE_MAX_BYTES,
		.fresh_ms = REMOTE_BASE_POLL_MS,
		.retry_ms = REMOTE_BASE_POLL_MS,
		.poll_ms = REMOTE_BASE_POLL_MS,
		.user_environment = op->options->user_environment,
		.allowed = op->options->remote_bases ? op->options->remote_bases : nothing,
		.n_allowed = op->options->n_remote_bases,
		.hints = &hints,
		.credentials = remote_login,
		.warn = on_remote_warning,
		.changed = on_remote_changed,
		.ctx = op,
	};
	op->remotes = remote_cache_new(&options, err);
	return op->remotes ? 0 : -1;
}

static int allow_programs(struct operator* op, struct error *err)
{
	static const char *const nothing[] = { NULL };
	cleanup_buf struct buf dir = BUF_INIT, text = BUF_INIT;
	buf_printf(&dir, "%s/exec", op->options->cache_dir);
	op->exec_dir = mem_strdup(dir.p);
	op->exec = (struct exec_render){
		.allowed = op->options->n_exec ? op->options->exec : nothing,
		.n_allowed = op->options->n_exec,
		.cache_dir = op->exec_dir,
		.policy = CONFINE_REQUIRE,
	};
	if (!op->options->n_exec)
		return 0;
	if (exec_render_begin(&op->exec, &text, err) < 0)
		return -1;
	log_info("programs may run", "confined", text.p ? text.p : "", NULL);
	return 0;
}

static int start(struct operator* op, struct error *err)
{
	op->quiet_timer = loop_timer_new(op->loop, look_whether_quiet, op);
	loop_timer_set(op->quiet_timer, QUIET_MS);

	if (files_make_dirs(op->options->cache_dir, err) < 0)
		return error_wrap(err, "cache directory");
	op->client = kube_client_new(op->loop, op->options->kube, err);
	if (!op->client)
		return -1;
	link_init(&op->link, op->loop, op->client);
	op->values = values_new(op->loop, op->client, managed_values_changed, op);
	op->hook_values = values_new(op->loop, op->client, hooks_changed, op);
	if (open_remotes(op, err) < 0)
		return error_wrap(err, "cache of remote bases");
	if (allow_programs(op, err) < 0)
		return error_wrap(err, "--allow-exec");
	if (op->options->web) {
		op->web = httpd_new(op->loop, op->options->web, serve_request, op, err);
		if (!op->web)
			return error_wrap(err, "--web %s", op->options->web);
		char port[16];
		snprintf(port, sizeof(port), "%d", httpd_port(op->web));
		log_info("serving", "port", port, NULL);
	}
	if (loop_signal(op->loop, SIGTERM, on_stop_signal, op, err) < 0 ||
	    loop_signal(op->loop, SIGINT, on_stop_signal, op, err) < 0)
		return -1;
	static const struct lease_callbacks callbacks = { lease_won, lease_lost, lease_released };
	if (op->options->no_leader_election)
		lead(op);
	else
		op->lease = lease_new(op->loop, op->client, op->options->lease_namespace, "capstan",
				      op->options->identity, &callbacks, op);
	return 0;
}

int operator_run(const struct operator_options *options, struct error *err)
{
	struct operator* op = mem_alloc(sizeof(*op));
	op->options = options;
	op->resident = resident_new();
	op->loop = loop_new();
	scope_cache_init(&op->scopes);
	if (getrandom(&op->random_state, sizeof(op->random_state), 0) < 0 || !op->random_state)
		op->random_state = 1;
	int rc = start(op, err);
	if (rc == 0)
		loop_run(op->loop);
	if (op->failed)
		rc = error_set(err, "%s", op->failure.text);
	lease_free(op->lease);
	httpd_free(op->web);
	kube_watch_stop(op->app_watch);
	kube_watch_stop(op->repo_watch);
	kube_watch_stop(op->image_watch);
	release_objects(op);
	loop_wait_for_work(op->loop);
	values_free(op->values);
	values_free(op->hook_values);
	remote_cache_free(op->remotes);
	base_logins_free(op->base_logins);
	if (op->client)
		link_release(&op->link);
	http_client_free(op->registries);
	kube_client_free(op->client);
	loop_timer_free(op->stop_timer);
	loop_timer_free(op->quiet_timer);
	loop_free(op->loop);
	scope_cache_release(&op->scopes);
	resident_free(op->resident);
	free(op->exec_dir);
	free(op);
	return rc;
}
