/* serve.c - start and stop, the web server, and what is done by the clock; see serve.h. */
#include "push/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "operator/web.h"
#include "push/journal.h"
#include "push/serve_parts.h"
#include "push/sshd.h"

enum {
	RECOVER_EVERY_MS = 2000,
	RECOVER_PAUSE_MAX_MS = 60000,
	RECOVER_TIMEOUT_MS = 2 * 3600 * 1000,
	HOUR_MS = 3600 * 1000,
	STOP_STEP_MS = 100,
	STOP_MAX_MS = 20000, /* pushes over http may end in peace for so long */
};

/* ---- the web ---- */

static void serve_metrics(struct serve *serve, struct httpd_reply *reply)
{
	struct buf *out = &reply->body;
	size_t repos = 0;
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&serve->served, &i));)
		repos += ((const struct served *)e->value)->recorded;
	web_metrics(reply);
	web_metric(out, "capstan_hosted_repositories", "gauge", "Repositories that are served.",
		   (double)repos);
	web_metric(out, "capstan_hosted_pushes_total", "counter",
		   "Pushes that came to their end, accepted or not.", (double)serve->pushes);
	web_metric(out, "capstan_git_http_requests", "gauge", "git processes for HTTP requests under way.",
		   serve->git ? git_http_running(serve->git) : 0);
	web_metric_cpu(out);
}

static void on_request(void *arg, const struct httpd_request *request, struct httpd_reply *reply)
{
	struct serve *serve = arg;
	bool ready = serve->repos_listed && !serve->stopping;
	if (strcmp(request->path, "/healthz") == 0)
		web_text(reply, 200, "ok\n");
	else if (strcmp(request->path, "/readyz") == 0)
		web_text(reply, ready ? 200 : 503, ready ? "ok\n" : "not ready\n");
	else if (strcmp(request->path, "/metrics") == 0)
		serve_metrics(serve, reply);
	else
		web_text(reply, 404, "there is " GIT_HTTP_PREFIX ", /healthz, /readyz and /metrics\n");
}

/* ---- after pushes ---- */

static void look_at_changed(void *arg)
{
	struct serve *serve = arg;
	cleanup_arena struct arena a = ARENA_INIT;
	const char *const *keys;
	size_t n = hosted_take_changed(&a, serve->home, &keys);
	for (size_t i = 0; i < n; i++) {
		struct served *s = served_find(serve, str_of(keys[i]));
		if (s)
			served_changed(s);
	}
}

static void on_file(void *arg, const char *label, const char *name)
{
	struct serve *serve = arg;
	loop_timer_set(serve->changed_timer, 0);
}

/* ---- what killed processes left ---- */

/* Between the hook's end and post-receive it is git's turn. */
static bool is_left(const struct serve *serve)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct journal_record *open;
	size_t n = 0, unreadable;
	if (journal_unfinished(&a, serve->home, NULL, &open, &n, &unreadable, NULL) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!journal_finished(&open[i]) && !journal_running(serve->home, open[i].id) &&
		    !(open[i].state == PIPE_ACCEPT && journal_receiver_alive(&open[i])))
			return true;
	return false;
}

static void on_recovered(void *arg, const struct process_result *result)
{
	struct serve *serve = arg;
	int64_t pause = RECOVER_EVERY_MS;
	serve->recover = NULL;
	serve->recover_failures = result->exit_code == 0 ? 0 : serve->recover_failures + 1;
	for (unsigned i = 0; i < serve->recover_failures && pause < RECOVER_PAUSE_MAX_MS; i++)
		pause *= 2;
	loop_timer_set(serve->recover_timer, pause);
}

static void look_for_left(void *arg)
{
	struct serve *serve = arg;
	struct error err = ERROR_INIT;
	/* What could not be undone is tried again by each service once. */
	const char *argv[] = { serve->options->program, "push-recover", serve->recovered ? NULL : "--unclean",
			       NULL };
	struct process_spec spec = {
		.argv = argv,
		.output_max = 1 << 20,
		.timeout_ms = RECOVER_TIMEOUT_MS,
		.inherit_stderr = true,
	};
	loop_timer_set(serve->recover_timer, RECOVER_EVERY_MS);
	if (serve->stopping || serve->recover || (serve->recovered && !is_left(serve)))
		return;
	serve->recovered = true;
	serve->recover = process_start(serve->loop, &spec, on_recovered, serve, &err);
	if (!serve->recover)
		log_error("pushes that were left cannot be resumed", "error", err.text, NULL);
	else
		loop_timer_clear(serve->recover_timer);
}

static void on_cleaned(void *arg, const struct process_result *result)
{
	((struct serve *)arg)->cleaning = NULL;
}

/* What builds keep; once a day old images, too. */
static void clean(struct serve *serve)
{
	const struct serve_options *o = serve->options;
	struct error err = ERROR_INIT;
	const char *argv[8] = { o->program, "push-clean" };
	size_t n = 2;
	if (!o->clean || serve->cleaning)
		return;
	if (serve->hours % 24 == 1)
		argv[n++] = "--images";
	if (o->context) {
		argv[n++] = "--context";
		argv[n++] = o->context;
	}
	struct process_spec spec = {
		.argv = argv,
		.output_max = 1 << 20,
		.timeout_ms = HOUR_MS,
		.inherit_stderr = true,
	};
	serve->cleaning = process_start(serve->loop, &spec, on_cleaned, serve, &err);
	if (!serve->cleaning)
		log_warn("what builds keep cannot be looked at", "error", err.text, NULL);
}

static void each_hour(void *arg)
{
	struct serve *serve = arg;
	struct map_entry *e;
	hosted_purge(serve->home);
	serve->hours++;
	clean(serve);
	for (size_t i = 0; (e = map_next(&serve->served, &i));) {
		struct served *s = e->value;
		if (s->secret_error) {
			free(s->secret_error);
			s->secret_error = NULL;
			served_apply(s);
		}
	}
	loop_timer_set(serve->hour_timer, HOUR_MS);
}

/* ---- addresses ---- */

/* The host of "ADDR:PORT"; everywhere: what stands for an address that means all. */
static const char *host_of(struct arena *a, const char *address, const char *everywhere)
{
	const char *colon = strrchr(address, ':');
	const char *host = arena_strndup(a, address, (size_t)(colon ? colon - address : 0));
	bool all = !*host || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "[::]") == 0;
	return all ? everywhere : host;
}

static const char *port_of(const char *address)
{
	const char *colon = strrchr(address, ':');
	return colon ? colon + 1 : "";
}

static const char *without_slash(struct arena *a, const char *url)
{
	size_t n = strlen(url);
	while (n && url[n - 1] == '/')
		n--;
	return arena_strndup(a, url, n);
}

/* As people and the operator reach us, when nobody said it better: by our name, and by this machine. */
static void settle_addresses(struct serve *serve)
{
	const struct serve_options *o = serve->options;
	struct arena *a = &serve->arena;
	char name[256] = "localhost";
	int port = serve->web ? httpd_port(serve->web) : 0;
	if (gethostname(name, sizeof(name) - 1) < 0)
		snprintf(name, sizeof(name), "localhost");
	const char *own = arena_strdup(a, name);
	if (o->ssh)
		serve->ssh_base =
			arena_printf(a, "ssh://%s@%s:%s", o->user, host_of(a, o->ssh, own), port_of(o->ssh));
	if (o->http) {
		serve->http_base = arena_printf(a, "http://%s:%d/git", host_of(a, o->http, own), port);
		serve->fetch_base =
			arena_printf(a, "http://%s:%d/git", host_of(a, o->http, "127.0.0.1"), port);
	}
	if (o->ssh_url)
		serve->ssh_base = without_slash(a, o->ssh_url);
	if (o->http_url)
		serve->http_base = without_slash(a, o->http_url);
	if (o->fetch_url)
		serve->fetch_base = without_slash(a, o->fetch_url);
}

/* ---- start and stop ---- */

static void stop_step(void *arg)
{
	struct serve *serve = arg;
	if (serve->stop_again || !serve->git || git_http_running(serve->git) == 0 ||
	    loop_now(serve->loop) >= serve->stop_at_ms)
		loop_stop(serve->loop);
	else
		loop_timer_set(serve->stop_timer, STOP_STEP_MS);
}

static void on_stop_signal(void *arg)
{
	struct serve *serve = arg;
	serve->stop_again = serve->stopping;
	if (!serve->stopping) {
		log_info("stopping", NULL);
		serve->stopping = true;
		serve->stop_at_ms = loop_now(serve->loop) + STOP_MAX_MS;
		supervise_end(serve->sshd);
		supervise_end(serve->operator);
		serve->sshd = serve->operator= NULL;
	}
	loop_timer_set(serve->stop_timer, 0);
}

static void on_values(void *ctx, void *user)
{
	served_apply(user);
}

static int start_ssh(struct serve *serve, struct error *err)
{
	const struct serve_options *o = serve->options;
	const char *const *argv;
	struct sshd_options options = {
		.home = serve->home, .program = o->program, .address = o->ssh, .user = o->user
	};
	if (!o->ssh)
		return 0;
	if (sshd_prepare(&serve->arena, &options, &argv, err) < 0)
		return -1;
	serve->host_key = sshd_host_key(&serve->arena, serve->home);
	serve->sshd = supervise(serve->loop, "sshd", o->program, argv);
	return 0;
}

static int start_http(struct serve *serve, struct error *err)
{
	if (!serve->options->http)
		return 0;
	serve->web = httpd_new(serve->loop, serve->options->http, on_request, serve, err);
	if (!serve->web)
		return error_wrap(err, "--http %s", serve->options->http);
	serve->git = git_http_new(serve->loop, serve->web, serve->home);
	char port[16];
	snprintf(port, sizeof(port), "%d", httpd_port(serve->web));
	log_info("serving", "port", port, NULL);
	return 0;
}

static void start_operator(struct serve *serve)
{
	const struct serve_options *o = serve->options;
	const char *argv[16] = { o->program, "run", "--no-leader-election", "--cache",
				 push_path(&serve->arena, serve->home, "operator", NULL) };
	size_t n = 5;
	if (!o->with_operator)
		return;
	const char *const pairs[][2] = { { "--context", o->context }, { "--namespace", o->namespace } };
	for (size_t i = 0; i < 2; i++) {
		if (!pairs[i][1])
			continue;
		argv[n++] = pairs[i][0];
		argv[n++] = pairs[i][1];
	}
	serve->operator= supervise(serve->loop, "operator", o->program, argv);
}

static int write_settings(struct serve *serve, struct error *err)
{
	const struct serve_options *o = serve->options;
	struct push_settings settings = {
		.kubeconfig = o->kubeconfig,
		.context = o->context,
		.address = serve->ssh_base ? serve->ssh_base : serve->http_base,
		.fetch_url = serve->fetch_base,
		.program = o->program,
		.require_confinement = o->require_confinement,
	};
	return push_settings_write(serve->home, &settings, err);
}

static int start(struct serve *serve, struct error *err)
{
	const struct serve_options *o = serve->options;
	setenv("CAPSTAN_PUSH_HOME", serve->home, 1); /* for children */
	if (o->kubeconfig)
		setenv("KUBECONFIG", o->kubeconfig, 1);
	if (hosted_home_prepare(serve->home, o->program, err) < 0)
		return error_wrap(err, "--state");
	serve->client = kube_client_new(serve->loop, o->kube, err);
	if (!serve->client)
		return -1;
	serve->values = values_new(serve->loop, serve->client, on_values, serve);
	serve->files = fswatch_new(serve->loop, on_file, serve, err);
	if (!serve->files || fswatch_add(serve->files, push_path(&serve->arena, serve->home, "changed", NULL),
					 "changed", err) != 0)
		return error_wrap(err, "--state");
	if (start_http(serve, err) < 0 || start_ssh(serve, err) < 0)
		return -1;
	settle_addresses(serve);
	if (write_settings(serve, err) < 0 ||
	    loop_signal(serve->loop, SIGTERM, on_stop_signal, serve, err) < 0 ||
	    loop_signal(serve->loop, SIGINT, on_stop_signal, serve, err) < 0)
		return -1;
	start_operator(serve);
	serve_watch(serve);
	loop_timer_set(serve->changed_timer, 0);
	loop_timer_set(serve->hour_timer, HOUR_MS);
	if (o->recover)
		loop_timer_set(serve->recover_timer, 0);
	return 0;
}

static void stop(struct serve *serve)
{
	struct map_entry *e;
	serve->stopping = true;
	supervise_end(serve->sshd);
	supervise_end(serve->operator);
	process_cancel(serve->recover);
	process_cancel(serve->cleaning);
	httpd_free(serve->web);
	git_http_free(serve->git);
	kube_watch_stop(serve->repo_watch);
	kube_watch_stop(serve->remote_watch);
	for (size_t i = 0; (e = map_next(&serve->served, &i));)
		served_free(e->value);
	map_release(&serve->served);
	loop_wait_for_work(serve->loop);
	values_free(serve->values);
	kube_client_free(serve->client);
	fswatch_free(serve->files);
	loop_timer_free(serve->changed_timer);
	loop_timer_free(serve->keys_timer);
	loop_timer_free(serve->recover_timer);
	loop_timer_free(serve->hour_timer);
	loop_timer_free(serve->stop_timer);
	loop_free(serve->loop);
	arena_release(&serve->arena);
	free(serve);
}

int serve_run(const struct serve_options *options, struct error *err)
{
	struct serve *serve = mem_alloc(sizeof(*serve));
	serve->options = options;
	serve->home = options->home;
	serve->loop = loop_new();
	serve->changed_timer = loop_timer_new(serve->loop, look_at_changed, serve);
	serve->keys_timer = loop_timer_new(serve->loop, serve_write_keys, serve);
	serve->recover_timer = loop_timer_new(serve->loop, look_for_left, serve);
	serve->hour_timer = loop_timer_new(serve->loop, each_hour, serve);
	serve->stop_timer = loop_timer_new(serve->loop, stop_step, serve);
	int rc = start(serve, err);
	if (rc == 0)
		loop_run(serve->loop);
	stop(serve);
	return rc;
}
