/*
 * directory.c - the driver on the loop: one job at a time, and what comes next.
 *
 *   fswatch --> dirty paths --(DEBOUNCE_MS)--> LOOK ----> summary, DRIVER_CHANGED
 *   plan() ------------------------------------> PLAN ---> DRIVER_PLANNED
 *   apply() -----------------------------------> APPLY --> [command --> SAVE] --> DRIVER_APPLIED
 *   remove() ----------------------------------> REMOVE -> DRIVER_REMOVED
 *
 * A job works on its own copy of the ledger, which replaces ours when it is done; nothing else changes ours
 * meanwhile. Watches are set before a look, so that nothing can slip in between. A driver that is freed while
 * a job runs is freed by its end.
 */
#include "deploy/directory/internal.h"

#include "base/log.h"

static struct directory *of(struct driver *base)
{
	return (struct directory *)base;
}

static void tell(struct directory *d, enum driver_event event)
{
	d->base.now = loop_now(d->loop);
	driver_notify(&d->base, event);
}

/* --- jobs --- */

static void job_done(void *arg);

static void start_job(struct directory *d, struct work *w)
{
	d->job = w;
	loop_work(d->loop, work_run, job_done, w);
}

/* The job finds its driver by the paths, which live in it. */
static struct directory *driver_of(struct work *w)
{
	return (struct directory *)((char *)(uintptr_t)w->paths - offsetof(struct directory, paths));
}

static void start_look(struct directory *d)
{
	directory_watch_all(d);
	struct work *w = work_new(WORK_LOOK, &d->paths, &d->ledger);
	directory_mark(d, &w->ledger);
	start_job(d, w);
}

/* Operations go before looks. */
void directory_pump(struct directory *d)
{
	if (d->job || d->process || d->freed)
		return;
	if (d->next) {
		struct work *w = hand_over(d->next);
		/* The ledger may have changed since the operation was asked for. */
		ledger_release(&w->ledger);
		ledger_clone(&w->ledger, &d->ledger);
		start_job(d, w);
	} else if (d->look_due) {
		start_look(d);
	}
}

static void operate(struct directory *d, struct work *w)
{
	work_free(d->next);
	d->next = w;
	directory_pump(d);
}

static void keep_report(struct directory *d, struct work *w)
{
	work_free(d->report);
	d->report = w;
}

/* --- ends of jobs --- */

void directory_command_done(struct directory *d)
{
	struct work *save = work_new(WORK_SAVE, &d->paths, &d->ledger);
	start_job(d, save);
}

void directory_end_apply(struct directory *d)
{
	directory_summarise(d);
	tell(d, DRIVER_APPLIED);
	directory_pump(d);
}

static void take_ledger(struct directory *d, struct work *w)
{
	ledger_release(&d->ledger);
	d->ledger = w->ledger;
	w->ledger = (struct ledger)LEDGER_INIT;
}

static void take_counts(struct directory *d, const struct work *w)
{
	d->summary.to_create = w->to_create;
	d->summary.to_update = w->to_update;
	d->summary.to_prune = w->to_prune;
	d->summary.unchanged = w->unchanged;
}

static void look_done(struct directory *d, struct work *w)
{
	if (work_failed(w))
		log_warn("cannot look", "directory", d->paths.root, "error", w->problems.at[0].text, NULL);
	work_free(w);
	directory_watch_looked(d);
	if (directory_summarise(d))
		tell(d, DRIVER_CHANGED);
}

static void apply_done(struct directory *d, struct work *w)
{
	keep_report(d, w);
	/* Directories may be new, and events of before they were watched are lost. */
	d->look_at_all = d->look_due = true;
	if (d->command && d->ledger.command_due && !work_failed(w))
		directory_run_command(d);
	else
		directory_end_apply(d);
}

static void save_done(struct directory *d, struct work *w)
{
	for (size_t i = 0; i < w->problems.n; i++)
		work_problem(d->report, NULL, "", w->problems.at[i].text);
	work_free(w);
	directory_end_apply(d);
}

static void operation_done(struct directory *d, struct work *w)
{
	switch (w->kind) {
	case WORK_LOOK:
		break;
	case WORK_PLAN:
		take_counts(d, w);
		d->swept = true;
		keep_report(d, w);
		directory_summarise(d);
		tell(d, DRIVER_PLANNED);
		break;
	case WORK_APPLY:
		apply_done(d, w);
		break;
	case WORK_SAVE:
		save_done(d, w);
		break;
	case WORK_REMOVE:
		keep_report(d, w);
		directory_summarise(d);
		tell(d, DRIVER_REMOVED);
		break;
	}
}

static void destroy(struct directory *d);

static void job_done(void *arg)
{
	struct work *w = arg;
	struct directory *d = driver_of(w);
	d->job = NULL;
	take_ledger(d, w);
	d->observed = d->observed || w->kind == WORK_LOOK || w->kind == WORK_PLAN;
	if (d->freed) {
		work_free(w);
		destroy(d);
		return;
	}
	if (w->kind == WORK_LOOK) {
		look_done(d, w);
	} else if (d->cancelled) {
		d->cancelled = false;
		keep_report(d, w);
		d->look_due = d->look_at_all = true;
		directory_summarise(d);
		tell(d, DRIVER_DRAINED);
	} else {
		operation_done(d, w);
	}
	directory_pump(d);
}

/* --- the driver's calls --- */

static void call_plan(struct driver *base, struct desired *desired)
{
	struct directory *d = of(base);
	struct desired *old = d->desired;
	d->desired = desired_ref(desired);
	struct work *w = work_new(WORK_PLAN, &d->paths, &d->ledger);
	w->desired = d->desired;
	w->sweep = !d->swept;
	operate(d, w);
	desired_unref(old);
}

static void call_apply(struct driver *base, const struct apply_options *options)
{
	struct directory *d = of(base);
	struct work *w = work_new(WORK_APPLY, &d->paths, &d->ledger);
	w->desired = d->desired;
	w->options = *options;
	d->pruning = options->prune;
	operate(d, w);
}

static void call_remove(struct driver *base, bool orphan)
{
	struct directory *d = of(base);
	struct work *w = work_new(WORK_REMOVE, &d->paths, &d->ledger);
	w->orphan = orphan;
	d->pruning = true;
	operate(d, w);
}

static void call_cancel(struct driver *base)
{
	struct directory *d = of(base);
	work_free(hand_over(d->next));
	if (d->job && d->job->kind != WORK_LOOK) {
		atomic_store(&d->job->stop, true);
		d->cancelled = true;
		return;
	}
	/* The command's end is not waited for: it stays due, and runs again after the next apply. */
	process_cancel(hand_over(d->process));
	tell(d, DRIVER_DRAINED);
	directory_pump(d);
}

/* Time passes by timers of our own. */
static int64_t call_tick(struct driver *base)
{
	return INT64_MAX;
}

static const struct driver_summary *call_summary(struct driver *base)
{
	return &of(base)->summary;
}

static const struct problem *call_problems(struct driver *base, size_t *n)
{
	struct directory *d = of(base);
	*n = d->report ? d->report->problems.n : 0;
	return d->report ? d->report->problems.at : NULL;
}

static void destroy(struct directory *d)
{
	ledger_release(&d->ledger);
	work_free(d->report);
	desired_unref(d->desired);
	map_release(&d->watched);
	map_release(&d->dirty);
	free(d->paths.root);
	free(d->paths.state_dir);
	free(d->paths.file);
	arena_release(&d->arena);
	free(d);
}

static void call_free(struct driver *base)
{
	struct directory *d = of(base);
	d->freed = true;
	directory_watch_release(d);
	process_cancel(d->process);
	work_free(d->next);
	d->next = NULL;
	if (d->job)
		atomic_store(&d->job->stop, true); /* its end frees the driver */
	else
		destroy(d);
}

static const struct driver_ops ops = {
	.name = "directory",
	.plan = call_plan,
	.apply = call_apply,
	.cancel = call_cancel,
	.remove = call_remove,
	.tick = call_tick,
	.summary = call_summary,
	.problems = call_problems,
	.each_item = directory_each_item,
	.free = call_free,
};

/* --- making one --- */

/* Without final and doubled slashes, so that the same directory has one inventory. */
static char *tidy(const char *path)
{
	char *out = mem_strdup(path);
	size_t n = 0;
	for (const char *p = path; *p; p++)
		if (*p != '/' || n == 0 || out[n - 1] != '/')
			out[n++] = *p;
	while (n > 1 && out[n - 1] == '/')
		n--;
	out[n] = '\0';
	return out;
}

static void copy_command(struct directory *d, const struct directory_options *options)
{
	size_t n = 0;
	while (options->command && options->command[n])
		n++;
	if (n == 0)
		return;
	d->command = arena_array(&d->arena, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		d->command[i] = arena_strdup(&d->arena, options->command[i]);
	d->command_timeout_ms =
		options->command_timeout_ms ? options->command_timeout_ms : DIRECTORY_COMMAND_TIMEOUT_MS;
	d->paths.has_command = true;
}

struct driver *directory_driver_new(struct loop *loop, const struct directory_options *options,
				    struct error *err)
{
	if (options->root[0] != '/' || options->state_dir[0] != '/') {
		error_set(err, "target directory \"%s\": must be an absolute path", options->root);
		return NULL;
	}
	struct directory *d = mem_alloc(sizeof(*d));
	d->base.ops = &ops;
	d->loop = loop;
	d->paths.root = tidy(options->root);
	d->paths.state_dir = tidy(options->state_dir);
	d->paths.file = ledger_file(d->paths.state_dir, d->paths.root, options->app);
	copy_command(d, options);
	if (ledger_load(&d->ledger, d->paths.file, err) != 0) {
		destroy(d);
		return NULL;
	}
	if (!d->command)
		d->ledger.command_due = false;
	struct error failure = ERROR_INIT;
	if (directory_watch_init(d, &failure) != 0)
		log_warn("drift is looked for now and then only", "directory", d->paths.root, "error",
			 failure.text, NULL);
	d->look_due = d->look_at_all = d->pruning = true;
	directory_pump(d);
	return &d->base;
}
