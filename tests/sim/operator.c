/* operator.c - the process: starts runners from what is stored, hands them news, dies without a word. */
#include "operator.h"

#include <stdio.h>

#include "checks.h"

struct mail {
	uint64_t epoch, ticket;
	int app;
	unsigned incarnation;
};

static struct mail *mail_to(const struct runner *runner, uint64_t ticket)
{
	struct mail *m = mem_alloc(sizeof(*m));
	*m = (struct mail){ runner->process->epoch, ticket, runner->resource->index, runner->incarnation };
	return m;
}

struct runner *operator_recall(struct world *w, uint64_t epoch, int app, unsigned incarnation)
{
	if (!w->process || w->process->epoch != epoch)
		return NULL;
	struct runner *runner = w->process->runners[app];
	return runner && runner->incarnation == incarnation ? runner : NULL;
}

struct runner *operator_runner(struct world *w, const struct resource *r)
{
	return w->process ? w->process->runners[r->index] : NULL;
}

static struct runner *open_mail(struct world *w, void *arg, uint64_t *ticket)
{
	struct mail *m = arg;
	struct runner *runner = operator_recall(w, m->epoch, m->app, m->incarnation);
	*ticket = m->ticket;
	free(m);
	return runner;
}

void operator_set_time(struct world *w)
{
	if (!w->process)
		return;
	w->process->view.now = w->now;
	for (int i = 0; i < APPS_MAX; i++)
		if (w->process->runners[i])
			w->process->runners[i]->app.driver->now = w->now;
}

/* ---- host ---- */

static int scope(void *ctx, struct str group, struct str kind)
{
	bool namespaced;
	return server_kind(ctx, group, kind, &namespaced) ? namespaced : -1;
}

static void rendered(struct world *w, void *arg)
{
	uint64_t ticket;
	struct runner *runner = open_mail(w, arg, &ticket);
	if (!runner)
		return;
	const struct git_commit *commit = git_find(&runner->resource->repo, runner->app.attempted.text);
	if (!commit || commit->broken == GIT_RENDER_FAILS) {
		app_rendered(&runner->app, ticket, NULL, "kustomize: accumulating resources: no such file",
			     w->now);
		return;
	}
	struct git_commit copy = *commit;
	if (w->variant == VARIANT_BROKEN_IS_EMPTY && copy.broken) {
		copy.broken = GIT_WHOLE;
		if (copy.n)
			copy.objects[0] = copy.objects[--copy.n];
	}
	world_trace(w, "render: app%d %s: %zu objects%s", runner->resource->index, runner->app.attempted.text,
		    copy.n, copy.broken ? ", one file broken" : "");
	app_rendered(&runner->app, ticket, git_render(&runner->resource->repo, &copy, scope, &w->server),
		     NULL, w->now);
}

static void host_render(void *ctx, uint64_t ticket)
{
	struct runner *runner = ctx;
	struct world *w = runner->process->world;
	runner->resource->renders++;
	world_trace(w, "app%d: renders %s", runner->resource->index, runner->app.attempted.text);
	int64_t delay = rng_range(&w->rng, 1, 100);
	if (!w->calm && fault_strikes(&w->faults, &w->rng, FAULT_RENDER, runner->resource->index)) {
		if (rng_chance(&w->rng, 200))
			return; /* the worker hangs for ever */
		delay = rng_range(&w->rng, 1000, 20000);
	}
	queue_add(&w->queue, w->now + delay, rendered, mail_to(runner, ticket), free);
}

static void tick(struct world *w, void *arg)
{
	uint64_t wish;
	struct runner *runner = open_mail(w, arg, &wish);
	if (!runner || runner->armed != wish)
		return;
	runner->resource->ticks++;
	app_tick(&runner->app, w->now);
}

static void host_arm(void *ctx, int64_t at)
{
	struct runner *runner = ctx;
	struct world *w = runner->process->world;
	if (at == runner->armed_at && at > w->now)
		return;
	runner->armed++;
	runner->armed_at = at;
	if (at == INT64_MAX || w->variant == VARIANT_NO_TIMER)
		return;
	/* Timers have a resolution: a wish for the past comes in a millisecond, and must not come for ever.
	 */
	queue_add(&w->queue, at > w->now ? at : w->now + 1, tick, mail_to(runner, runner->armed), free);
}

static void host_publish(void *ctx)
{
	struct runner *runner = ctx;
	runner->publish = true;
}

static void host_removed(void *ctx)
{
	struct runner *runner = ctx;
	runner->removing = true;
}

static uint32_t host_random(void *ctx)
{
	struct runner *runner = ctx;
	return (uint32_t)rng_next(&runner->process->world->rng);
}

const struct app_host SIM_HOST = {
	.render = host_render,
	.arm = host_arm,
	.publish = host_publish,
	.removed = host_removed,
	.random = host_random,
};

/* ---- runners ---- */

static void runner_free(struct process *p, int app)
{
	struct runner *runner = p->runners[app];
	if (!runner)
		return;
	p->runners[app] = NULL;
	app_release(&runner->app);
	vec_release(&runner->tokens);
	free(runner);
}

static void runner_start(struct process *p, struct resource *r)
{
	struct world *w = p->world;
	struct runner *runner = mem_alloc(sizeof(*runner));
	runner->process = p;
	runner->resource = r;
	runner->incarnation = r->incarnation;
	runner->armed_at = -1;
	cleanup_arena struct arena a = ARENA_INIT;
	struct inventory inv = { 0 };
	struct error err = ERROR_INIT;
	bool restored = r->inventory && w->variant != VARIANT_FORGET_INVENTORY;
	if (restored && inventory_read(&a, str_of(r->inventory), &inv, &err))
		world_fail(w, "the stored inventory of %s cannot be read: %s", r->name, err.text);
	struct driver *driver = cluster_driver_new(&p->view, &SIM_PORT, runner, GIT_APP_NAMESPACE, r->name,
						   restored ? &inv : NULL, w->now);
	runner->cluster = cluster_driver_of(driver);
	runner->stored_serial = cluster_driver_inventory_serial(runner->cluster);
	p->runners[r->index] = runner;
	app_init(&runner->app, &SIM_HOST, runner, driver, w->now);
	struct app_revision applied = r->applied, healthy = r->healthy;
	if (w->variant == VARIANT_STALE_RESTORE && git_head(&r->repo))
		applied = git_head(&r->repo)->revision;
	app_restore(&runner->app, &applied, &healthy);
	runner->stored_applied = r->applied;
	runner->stored_healthy = r->healthy;
}

static void tell_source(struct world *w, struct runner *runner)
{
	struct resource *r = runner->resource;
	const struct git_commit *head = git_head(&r->repo);
	if (r->branch_gone) {
		app_source_failed(&runner->app, "branch main is not there any more", w->now);
		return;
	}
	app_source_failed(&runner->app, NULL, w->now);
	if (!head)
		return;
	if (w->variant == VARIANT_RENDER_AGAIN && r->repo.commits.n > 1 && rng_chance(&w->rng, 100))
		head = &r->repo.commits.at[r->repo.commits.n - 2];
	struct app_revision wanted = head->revision;
	if (!hash_eq(wanted.input, runner->app.wanted.input))
		app_wanted(&runner->app, &wanted, w->now);
}

static void news(struct world *w, void *arg)
{
	uint64_t ignored;
	struct runner *runner = open_mail(w, arg, &ignored);
	if (!runner)
		return;
	if (w->variant == VARIANT_LATE_NEWS && runner->app.phase != APP_IDLE) {
		queue_add(&w->queue, w->now + 1000, news, mail_to(runner, 0), free);
		return;
	}
	tell_source(w, runner);
}

static void finalizer_goes(struct world *w, struct resource *r)
{
	world_trace(w, "app%d: the App is gone", r->index);
	if (w->process)
		runner_free(w->process, r->index);
	r->exists = false;
	free(hand_over(r->inventory));
	r->applied = r->healthy = (struct app_revision){ .text = "" };
}

void operator_notice(struct world *w, struct resource *r)
{
	struct runner *runner = operator_runner(w, r);
	if (!w->process || !r->exists)
		return;
	if (!runner) {
		runner_start(w->process, r);
		runner = w->process->runners[r->index];
	}
	if (r->config.deleting && w->variant == VARIANT_REMOVED_EARLY) {
		finalizer_goes(w, r);
		return;
	}
	r->news_at = w->now;
	app_configure(&runner->app, &r->config, w->now);
	queue_add(&w->queue, w->now + rng_range(&w->rng, 1, 50), news, mail_to(runner, 0), free);
}

void operator_sync_now(struct world *w, struct resource *r)
{
	struct runner *runner = operator_runner(w, r);
	if (runner)
		app_sync_now(&runner->app, w->now);
}

void operator_start(struct world *w)
{
	if (w->process)
		return;
	struct process *p = mem_alloc(sizeof(*p));
	p->world = w;
	p->epoch = ++w->epochs;
	p->started_at = w->now;
	view_init(&p->view);
	w->process = p;
	operator_set_time(w);
	world_trace(w, "operator: process %llu starts", (unsigned long long)p->epoch);
	/* All inventories are claimed before anybody acts. */
	for (int i = 0; i < w->n_apps; i++)
		if (w->apps[i].exists)
			runner_start(p, &w->apps[i]);
	operator_set_time(w);
	for (int i = 0; i < w->n_apps; i++)
		operator_notice(w, &w->apps[i]);
}

void operator_kill(struct world *w)
{
	struct process *p = w->process;
	if (!p)
		return;
	world_trace(w, "operator: process %llu is killed", (unsigned long long)p->epoch);
	for (int i = 0; i < APPS_MAX; i++)
		if (p->runners[i])
			port_killed(p->runners[i]);
	for (int i = 0; i < APPS_MAX; i++)
		runner_free(p, i);
	watch_release(p);
	view_release(&p->view);
	free(p);
	w->process = NULL;
}

/* ---- after each event ---- */

static void write_due(struct world *w, void *arg)
{
	uint64_t ignored;
	struct runner *runner = open_mail(w, arg, &ignored);
	if (!runner)
		return;
	runner->write_planned = false;
	if (!runner->writing)
		port_write(runner);
}

static bool same_revision(const struct app_revision *a, const struct app_revision *b)
{
	return hash_eq(a->input, b->input) && strcmp(a->text, b->text) == 0;
}

static void store_if_changed(struct world *w, struct runner *runner)
{
	if (runner->writing)
		return;
	if (runner->tokens.n) {
		port_write(runner);
		return;
	}
	bool dirty = cluster_driver_inventory_serial(runner->cluster) != runner->stored_serial ||
		     !same_revision(&runner->app.applied, &runner->stored_applied) ||
		     !same_revision(&runner->app.healthy, &runner->stored_healthy);
	if (!dirty || runner->write_planned)
		return;
	runner->write_planned = true;
	queue_add(&w->queue, w->now + 200, write_due, mail_to(runner, 0), free);
}

static void item_seen(void *arg, const struct driver_item *item)
{
	struct runner *runner = arg;
	check_text(runner->process->world, runner->resource, item->message);
}

static void write_status(struct world *w, struct runner *runner)
{
	runner->publish = false;
	struct app_verdict verdict;
	app_verdict(&runner->app, &verdict);
	for (size_t i = 0; i < runner->app.n_problems; i++)
		check_text(w, runner->resource, runner->app.problems[i].text);
	check_text(w, runner->resource, verdict.message);
	runner->app.driver->ops->each_item(runner->app.driver, item_seen, runner);
	char text[sizeof(runner->status)];
	snprintf(text, sizeof(text), "%d %s %s", (int)verdict.ready, verdict.reason, verdict.message);
	if (strcmp(text, runner->status) == 0)
		return;
	snprintf(runner->status, sizeof(runner->status), "%s", text);
	runner->resource->statuses++;
	world_trace(w, "status: app%d %s", runner->resource->index, text);
}

void operator_after(struct world *w)
{
	for (int i = 0; w->process && i < APPS_MAX; i++) {
		struct runner *runner = w->process->runners[i];
		if (!runner)
			continue;
		if (runner->removing) {
			finalizer_goes(w, runner->resource);
			continue;
		}
		if (runner->publish)
			write_status(w, runner);
		if (runner->app.outcome != APP_OUTCOME_NONE)
			runner->through = runner->app.attempted.input;
		store_if_changed(w, runner);
		check_runner(w, runner);
	}
}
