/*
 * standalone.c - see standalone.h.
 *
 * Start: the inventory is read, driver and machine are made, what is to be is rendered on a worker; its hash
 * is the wanted revision. From there on the machine decides. What a person wants to see beyond that is in the
 * port.
 */
#include "operator/standalone.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "kube/discovery.h"
#include "deploy/cluster/prepare.h"
#include "operator/config_store.h"

struct render_job;

struct standalone {
	struct standalone_options options; /* texts are owned */
	const struct standalone_host *host;
	void *ctx;
	struct local_port port;
	struct app app;
	bool ready, looking, look_again;
	struct loop_timer *timer;
	struct config_store *store;
	uint64_t stored_serial; /* of the inventory that is in the cluster, or being written */
	uint64_t persist_token;
	bool persisting;  /* the driver waits for what is written */
	bool persist_due; /* and asked while another write was under way */
	bool dirty;	  /* the last write failed */
	char *store_failure;
	struct render_job *jobs;
};

static struct cluster_driver *driver_of(struct standalone *s)
{
	return cluster_driver_of(s->app.driver);
}

/* --- rendering --- */

static struct hash hash_output(struct arena *a, const struct standalone_options *o,
			       const struct render_output *out)
{
	size_t n = 0;
	struct str *parts = arena_array(a, struct str, out->n * 2 + out->n_diags * 2 + 3);
	parts[n++] = STR("standalone/2");
	parts[n++] = str_of(o->namespace);
	parts[n++] = str_of(o->shown);
	for (size_t i = 0; i < out->n; i++) {
		parts[n++] = str_of(out->objects[i].file);
		parts[n++] = render_encode(a, &out->objects[i]);
	}
	for (size_t i = 0; i < out->n_diags; i++) {
		parts[n++] = str_of(out->diags[i].file);
		parts[n++] = str_of(out->diags[i].text);
	}
	return hash_parts(parts, n);
}

struct desired *standalone_render(const struct standalone_options *o,
				  int (*scope)(void *, struct str, struct str), void *scope_ctx,
				  struct hash *input, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output output = { 0 };
	if (o->render(o->render_ctx, &a, &output, err) < 0)
		return NULL;
	struct prepare_options prepare = {
		.app_name = o->name,
		.app_namespace = o->namespace,
		.target_namespace = o->namespace,
		.scope = scope,
		.scope_ctx = scope_ctx,
	};
	if (input)
		*input = hash_output(&a, o, &output);
	struct desired *desired = desired_new();
	cluster_prepare(&prepare, &output, desired);
	return desired;
}

/* --- jobs: a look (hash only) or a render, on a worker --- */

struct render_job {
	struct standalone *s; /* NULL: nobody waits any more */
	struct render_job *next;
	struct standalone_options options;
	struct kube_client *client;
	struct loop *loop;
	uint64_t ticket; /* 0: a look */
	unsigned rounds;
	struct scope_misses misses;
	struct desired *desired;
	struct hash input;
	struct error err;
};

static struct standalone_options copy_options(const struct standalone_options *from)
{
	struct standalone_options to = *from;
	to.name = mem_strdup(from->name);
	to.namespace = mem_strdup(from->namespace);
	to.shown = mem_strdup(from->shown);
	return to;
}

static void release_options(struct standalone_options *o)
{
	free((char *)(uintptr_t)o->name);
	free((char *)(uintptr_t)o->namespace);
	free((char *)(uintptr_t)o->shown);
}

static void job_run(void *arg)
{
	struct render_job *job = arg;
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output output = { 0 };
	if (job->ticket)
		job->desired =
			standalone_render(&job->options, scope_lookup, &job->misses, &job->input, &job->err);
	else if (job->options.render(job->options.render_ctx, &a, &output, &job->err) == 0)
		job->input = hash_output(&a, &job->options, &output);
}

static void looked(struct standalone *s, const struct render_job *job)
{
	s->looking = false;
	link_tick(s->options.link);
	if (job->err.text[0]) {
		app_source_failed(&s->app, job->err.text, clock_mono_ms());
	} else {
		struct app_revision revision = { .input = job->input };
		char hex[HASH_HEX_LEN + 1];
		hash_hex(job->input, hex);
		snprintf(revision.text, sizeof(revision.text), "%.90s@%.12s", s->options.shown, hex);
		app_wanted(&s->app, &revision, clock_mono_ms());
	}
	if (s->look_again)
		standalone_look(s);
}

static void job_end(struct render_job *job)
{
	struct standalone *s = job->s;
	for (struct render_job **j = s ? &s->jobs : NULL; j && *j; j = &(*j)->next)
		if (*j == job) {
			*j = job->next;
			break;
		}
	if (s && job->ticket) {
		link_tick(s->options.link);
		app_rendered(&s->app, job->ticket, hand_over(job->desired), job->err.text, clock_mono_ms());
	} else if (s) {
		looked(s, job);
	}
	desired_unref(job->desired);
	scope_misses_release(&job->misses);
	release_options(&job->options);
	free(job);
}

static void job_done(void *arg);

/* Discovery knows more now: the render is made again with it. */
static void job_again(void *arg, int failed, const struct error *err)
{
	struct render_job *job = arg;
	if (!job->s || failed || !scope_learn(&job->misses, job->client)) {
		job_end(job);
		return;
	}
	scope_misses_release(&job->misses);
	desired_unref(job->desired);
	job->desired = NULL;
	loop_work(job->loop, job_run, job_done, job);
}

static void job_done(void *arg)
{
	struct render_job *job = arg;
	if (job->misses.kinds.n == 0 || !job->s || job->rounds++ > 0)
		job_end(job);
	else if (scope_learn(&job->misses, job->client))
		job_again(job, 0, NULL);
	else
		kube_discovery_refresh(job->client, job_again, job);
}

static void job_start(struct standalone *s, uint64_t ticket)
{
	struct render_job *job = mem_alloc(sizeof(*job));
	job->s = s;
	job->options = copy_options(&s->options);
	job->client = s->options.link->client;
	job->loop = s->options.link->loop;
	job->ticket = ticket;
	job->misses = (struct scope_misses){ .cache = s->options.scopes };
	job->next = s->jobs;
	s->jobs = job;
	loop_work(job->loop, job_run, job_done, job);
}

void standalone_look(struct standalone *s)
{
	s->look_again = s->looking || !s->ready;
	if (s->look_again)
		return;
	s->looking = true;
	job_start(s, 0);
}

/* --- what the machine asks for --- */

static void host_render(void *ctx, uint64_t ticket)
{
	struct standalone *s = ctx;
	local_port_forget_deeds(&s->port);
	job_start(s, ticket);
}

static void host_arm(void *ctx, int64_t at)
{
	struct standalone *s = ctx;
	loop_timer_set_at(s->timer, at);
}

static void host_publish(void *ctx)
{
	struct standalone *s = ctx;
	s->host->changed(s->ctx);
}

static uint32_t host_random(void *ctx)
{
	uint32_t number = 0;
	return getrandom(&number, sizeof(number), GRND_NONBLOCK) == sizeof(number) ? number : 1;
}

static const struct app_host app_host = {
	.render = host_render,
	.arm = host_arm,
	.publish = host_publish,
	.removed = host_publish,
	.random = host_random,
};

static void on_timer(void *arg)
{
	struct standalone *s = arg;
	link_tick(s->options.link);
	app_tick(&s->app, clock_mono_ms());
}

/* --- the inventory --- */

static void store(struct standalone *s);

static void on_stored(void *ctx, const char *failure)
{
	struct standalone *s = ctx;
	free(s->store_failure);
	s->store_failure = failure ? mem_strdup(failure) : NULL;
	s->dirty = failure != NULL;
	link_tick(s->options.link);
	if (s->persist_due) { /* what was written then does not hold what is asked for now */
		s->persist_due = false;
		s->persisting = true;
		store(s);
	} else if (s->persisting) {
		s->persisting = false;
		cluster_driver_persisted(driver_of(s), s->persist_token, s->store_failure);
	}
	s->host->changed(s->ctx);
}

static void store(struct standalone *s)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct inventory inventory;
	cluster_driver_inventory(driver_of(s), &a, &inventory);
	s->stored_serial = cluster_driver_inventory_serial(driver_of(s));
	config_store_write(s->store, &inventory, on_stored, s);
}

static void on_persist(void *ctx, struct cluster_driver *d, uint64_t token)
{
	struct standalone *s = ctx;
	s->persist_token = token;
	s->persist_due = config_store_busy(s->store);
	s->persisting = !s->persist_due;
	if (s->persisting)
		store(s);
}

bool standalone_settle(struct standalone *s)
{
	if (!s->ready)
		return !config_store_busy(s->store);
	if (s->app.phase == APP_IDLE && !s->app.draining && !config_store_busy(s->store) && !s->dirty &&
	    cluster_driver_inventory_serial(driver_of(s)) != s->stored_serial)
		store(s);
	return !config_store_busy(s->store) && !s->app.draining && s->app.phase == APP_IDLE;
}

/* --- life --- */

static void on_restored(void *ctx, const struct inventory *inventory, const char *failure)
{
	struct standalone *s = ctx;
	if (!inventory) {
		s->host->failed(s->ctx, failure);
		return;
	}
	int64_t now = clock_mono_ms();
	link_tick(s->options.link);
	struct driver *driver = cluster_driver_new(&s->options.link->view, &local_port_ops, &s->port,
						   s->options.namespace, s->options.name, inventory, now);
	app_init(&s->app, &app_host, s, driver, now);
	s->stored_serial = cluster_driver_inventory_serial(driver_of(s));
	s->ready = true;
	app_configure(&s->app, &s->options.config, now);
	standalone_look(s);
}

struct standalone *standalone_new(const struct standalone_options *options,
				  const struct standalone_host *host, void *ctx)
{
	struct standalone *s = mem_alloc(sizeof(*s));
	s->options = copy_options(options);
	s->host = host;
	s->ctx = ctx;
	s->port = (struct local_port){
		.base = { .link = options->link, .persist = on_persist, .persist_ctx = s },
		.namespace = s->options.namespace,
	};
	s->timer = loop_timer_new(options->link->loop, on_timer, s);
	s->store = config_store_new(options->link->client, options->namespace, options->name);
	config_store_read(s->store, on_restored, s);
	return s;
}

void standalone_free(struct standalone *s)
{
	if (!s)
		return;
	for (struct render_job *job = s->jobs; job; job = job->next)
		job->s = NULL;
	config_store_free(s->store);
	if (s->ready)
		app_release(&s->app);
	local_port_release(&s->port);
	loop_timer_free(s->timer);
	release_options(&s->options);
	free(s->store_failure);
	free(s);
}

void standalone_configure(struct standalone *s, const struct app_config *config)
{
	s->options.config = *config;
	link_tick(s->options.link);
	if (s->ready)
		app_configure(&s->app, config, clock_mono_ms());
}

const struct app *standalone_app(const struct standalone *s)
{
	return s->ready ? &s->app : NULL;
}

const char *standalone_store_failure(const struct standalone *s)
{
	return s->store_failure;
}

const struct local_port *standalone_port(const struct standalone *s)
{
	return &s->port;
}
