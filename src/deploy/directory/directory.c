/*
 * directory.c - the driver on the loop: one job at a time, and what comes next.
 *
 *   fswatch --> dirty paths --(DEBOUNCE_MS)--> LOOK ----> summary, DRIVER_CHANGED
 *   plan() ------------------------------------> PLAN ---> DRIVER_PLANNED
 *   apply() -----------------------------------> APPLY --> [command --> SAVE] --> DRIVER_APPLIED
 *   remove() ----------------------------------> REMOVE -> DRIVER_REMOVED
 *
 * A job works on its own copy of the ledger, which replaces ours when it is done; nothing else changes ours meanwhile. Watches
 * are set before a look, so that nothing can slip in between. A driver that is freed while a job runs is freed by its end.
 */
#include "deploy/directory/directory.h"

#include <stdio.h>

#include "base/log.h"
#include "deploy/directory/work.h"
#include "io/fswatch.h"
#include "io/process.h"

enum {
	DEBOUNCE_MS = 5,
	COMMAND_OUTPUT_MAX = 64 * 1024,
	COMMAND_STDERR_MAX = 1024
};

struct directory {
	struct driver base;
	struct loop *loop;
	struct work_paths paths;
	struct arena arena; /* of the command's argv */
	const char **command;
	int64_t command_timeout_ms;

	struct ledger ledger;
	struct desired *desired; /* of the last plan */
	struct driver_summary summary;
	bool pruning;            /* what git no longer has is to go */

	struct work *job;        /* running */
	struct work *next;       /* an operation that waits for the job to end */
	struct work *report;     /* the last operation: owns the problems that are shown */
	struct process *process; /* the command */
	bool cancelled;          /* the operation that runs ends as DRAINED */
	bool freed;

	struct fswatch *watch;
	struct map watched;      /* relative directories that hold files of ours, "" the root; values unused */
	struct map dirty;        /* paths to look at; values unused */
	struct loop_timer *debounce, *poll;
	bool look_due, look_at_all, swept, polling, observed;
};

static void pump(struct directory *d);

static struct directory *of(struct driver *base)
{
	return (struct directory *)base;
}

static void tell(struct directory *d, enum driver_event event)
{
	d->base.now = loop_now(d->loop);
	driver_notify(&d->base, event);
}

/* --- summary --- */

static void count_entry(const struct directory *d, const struct entry *e, struct driver_summary *s)
{
	if (e->directory)
		return;
	if (!e->wanted) {
		s->stale += d->pruning;
		return;
	}
	s->items++;
	if (!e->looked)
		s->unknown++;
	else if (hash_is_zero(e->applied) || e->seen.kind == TREE_MISSING)
		s->progressing++;
	else
		s->current++;
	s->drifted += e->looked && !hash_is_zero(e->applied) && !entry_current(e);
}

/* Returns whether anything is different from before. */
static bool summarise(struct directory *d)
{
	struct driver_summary s = d->summary;
	s.items = s.stale = s.drifted = s.current = s.progressing = s.failed = s.unknown = 0;
	for (size_t i = 0; i < d->ledger.entries.n; i++)
		count_entry(d, d->ledger.entries.at[i], &s);
	s.observed = d->observed && s.unknown == 0;
	/* A command that is still to run is a difference from what git asks for, so that it is healed, too. */
	s.drifted += d->ledger.command_due && !d->job && !d->process;
	bool changed = memcmp(&s, &d->summary, sizeof(s)) != 0;
	d->summary = s;
	return changed;
}

/* --- watching --- */

static void clear_set(struct map *set)
{
	map_release(set);
	*set = (struct map)MAP_INIT;
}

static void add_to_set(struct directory *d, struct map *set, struct str key)
{
	if (!map_get(set, key))
		map_put(set, key, d);
}

static void watch_one(struct directory *d, struct str dir)
{
	if (map_get(&d->watched, dir))
		return;
	map_put(&d->watched, dir, d);
	cleanup_buf struct buf path = BUF_INIT, label = BUF_INIT;
	buf_printf(&path, "%s/%.*s", d->paths.root, STR_ARG(dir));
	buf_add_str(&label, dir);
	buf_addc(&label, '\0');
	int rc = d->watch ? fswatch_add(d->watch, path.p, label.p, NULL) : -1;
	/* A subdirectory that is not there is told by its parent; the root has none that is watched. */
	if (rc < 0 || (rc == FSWATCH_MISSING && dir.n == 0))
		d->polling = true;
}

/* Watches every directory on the way to a file of ours. */
static void watch_all(struct directory *d)
{
	clear_set(&d->watched);
	d->polling = false;
	watch_one(d, STR(""));
	for (size_t i = 0; i < d->ledger.entries.n; i++) {
		struct str path = str_of(d->ledger.entries.at[i]->path);
		if (str_is(path, "./"))
			continue;
		for (size_t slash = str_find(path, '/', 0); slash != SIZE_MAX; slash = str_find(path, '/', slash + 1))
			watch_one(d, (struct str){ path.p, slash });
	}
}

static void look_soon(struct directory *d)
{
	if (!loop_timer_armed(d->debounce))
		loop_timer_set(d->debounce, DEBOUNCE_MS);
}

static void debounced(void *arg)
{
	struct directory *d = arg;
	d->look_due = true;
	pump(d);
}

/* Where watches cannot be had: now and then. */
static void poll_came(void *arg)
{
	struct directory *d = arg;
	d->look_due = d->look_at_all = true;
	pump(d);
}

static void changed(void *arg, const char *label, const char *name)
{
	struct directory *d = arg;
	if (!label || !name) {
		d->look_at_all = true;
		look_soon(d);
		return;
	}
	cleanup_buf struct buf path = BUF_INIT;
	if (strcmp(name, ".") == 0)
		buf_adds(&path, label);
	else
		buf_printf(&path, "%s%s%s", label, label[0] ? "/" : "", name);
	struct str s = buf_str(&path);
	if (map_get(&d->ledger.by_path, s))
		add_to_set(d, &d->dirty, s);
	else if (s.n > 0 && map_get(&d->watched, s))
		d->look_at_all = true; /* a directory came, went, or is another one now */
	else
		return; /* not ours */
	look_soon(d);
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
	watch_all(d);
	struct work *w = work_new(WORK_LOOK, &d->paths, &d->ledger);
	for (size_t i = 0; i < w->ledger.entries.n; i++) {
		struct entry *e = w->ledger.entries.at[i];
		e->look = d->look_at_all || map_get(&d->dirty, str_of(e->path));
	}
	clear_set(&d->dirty);
	d->look_due = d->look_at_all = false;
	start_job(d, w);
}

/* Starts what is next when nothing is under way; operations go before looks. */
static void pump(struct directory *d)
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
	pump(d);
}

static void keep_report(struct directory *d, struct work *w)
{
	work_free(d->report);
	d->report = w;
}

/* --- the command --- */

static void save_then_tell(struct directory *d)
{
	struct work *save = work_new(WORK_SAVE, &d->paths, &d->ledger);
	start_job(d, save);
}

static void end_apply(struct directory *d)
{
	summarise(d);
	tell(d, DRIVER_APPLIED);
	pump(d);
}

static void describe_end(const struct process_result *r, int64_t timeout_ms, struct error *err)
{
	if (r->timed_out)
		error_set(err, "did not end within %lld.%lld s", (long long)(timeout_ms / 1000),
			  (long long)(timeout_ms % 1000 / 100));
	else if (r->overflow)
		error_set(err, "wrote more than %d bytes", COMMAND_OUTPUT_MAX);
	else if (r->signal)
		error_set(err, "was ended by signal %d", r->signal);
	else
		error_set(err, "ended with %d", r->exit_code);
	struct str words = str_trim(r->err.n ? r->err : r->out);
	if (words.n > COMMAND_STDERR_MAX)
		words.n = COMMAND_STDERR_MAX;
	if (words.n > 0) {
		struct error whole = ERROR_INIT;
		error_set(&whole, "%s: %.*s", err->text, STR_ARG(words));
		*err = whole;
	}
}

static void command_failed(struct directory *d, struct error *err)
{
	error_wrap(err, "the command `%s`", d->command[0]);
	work_problem(d->report, NULL, "", err->text);
	log_warn("command failed", "directory", d->paths.root, "error", err->text, NULL);
	end_apply(d);
}

static void command_ended(void *arg, const struct process_result *result)
{
	struct directory *d = arg;
	struct error err = ERROR_INIT;
	d->process = NULL;
	if (result->exit_code == 0 && !result->timed_out && !result->overflow) {
		d->ledger.command_due = false;
		save_then_tell(d);
		return;
	}
	describe_end(result, d->command_timeout_ms, &err);
	command_failed(d, &err);
}

static void run_command(struct directory *d)
{
	struct error err = ERROR_INIT;
	struct process_spec spec = {
		.argv = d->command,
		.dir = d->paths.root,
		.output_max = COMMAND_OUTPUT_MAX,
		.stderr_max = COMMAND_STDERR_MAX,
		.timeout_ms = d->command_timeout_ms,
	};
	d->process = process_start(d->loop, &spec, command_ended, d, &err);
	if (!d->process)
		command_failed(d, &err);
}

/* --- ends of jobs --- */

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
	if (d->polling)
		loop_timer_set(d->poll, DIRECTORY_POLL_MS);
	else
		loop_timer_clear(d->poll);
	if (summarise(d))
		tell(d, DRIVER_CHANGED);
}

static void apply_done(struct directory *d, struct work *w)
{
	keep_report(d, w);
	/* Directories may be new, and events of before they were watched are lost. */
	d->look_at_all = d->look_due = true;
	if (d->command && d->ledger.command_due && !work_failed(w))
		run_command(d);
	else
		end_apply(d);
}

static void save_done(struct directory *d, struct work *w)
{
	for (size_t i = 0; i < w->problems.n; i++)
		work_problem(d->report, NULL, "", w->problems.at[i].text);
	work_free(w);
	end_apply(d);
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
		summarise(d);
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
		summarise(d);
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
		summarise(d);
		tell(d, DRIVER_DRAINED);
	} else {
		operation_done(d, w);
	}
	pump(d);
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
	pump(d);
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
	fswatch_free(d->watch);
	loop_timer_free(d->debounce);
	loop_timer_free(d->poll);
	process_cancel(d->process);
	work_free(d->next);
	d->next = NULL;
	if (d->job)
		atomic_store(&d->job->stop, true); /* its end frees the driver */
	else
		destroy(d);
}

/* --- items for people --- */

static const char *problem_of(const struct directory *d, const char *key)
{
	for (size_t i = 0; d->report && i < d->report->problems.n; i++)
		if (strcmp(d->report->problems.at[i].key, key) == 0)
			return d->report->problems.at[i].text;
	return NULL;
}

static void show_entry(const struct directory *d, const struct entry *e, driver_item_fn *fn, void *arg)
{
	const char *problem = problem_of(d, e->path);
	struct driver_item item = {
		.key = str_of(e->path),
		.version = STR(""),
		.sync = problem ? ITEM_REFUSED : ITEM_OUT_OF_SYNC,
		.health = e->seen.kind == TREE_MISSING ? "Missing" : "Current",
		.message = problem ? problem : "",
	};
	if (!e->looked)
		item.health = "Unknown";
	if (!problem && !e->wanted)
		item.sync = ITEM_PRUNING;
	else if (!problem && (entry_current(e) || !e->looked))
		item.sync = ITEM_SYNCED;
	fn(arg, &item);
}

static void call_each_item(struct driver *base, driver_item_fn *fn, void *arg)
{
	struct directory *d = of(base);
	for (size_t i = 0; i < d->ledger.entries.n; i++)
		if (!d->ledger.entries.at[i]->directory)
			show_entry(d, d->ledger.entries.at[i], fn, arg);
	for (size_t i = 0; d->desired && i < d->desired->n; i++) {
		if (map_get(&d->ledger.by_path, d->desired->items[i].key))
			continue;
		const char *problem = problem_of(d, d->desired->items[i].key.p);
		struct driver_item item = {
			.key = d->desired->items[i].key,
			.version = STR(""),
			.sync = problem ? ITEM_REFUSED : ITEM_OUT_OF_SYNC,
			.health = "Unknown",
			.message = problem ? problem : "",
		};
		fn(arg, &item);
	}
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
	.each_item = call_each_item,
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
	d->command_timeout_ms = options->command_timeout_ms ? options->command_timeout_ms : DIRECTORY_COMMAND_TIMEOUT_MS;
	d->paths.has_command = true;
}

struct driver *directory_driver_new(struct loop *loop, const struct directory_options *options, struct error *err)
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
	d->watch = fswatch_new(loop, changed, d, &failure);
	if (!d->watch)
		log_warn("drift is looked for now and then only", "directory", d->paths.root, "error", failure.text, NULL);
	d->debounce = loop_timer_new(loop, debounced, d);
	d->poll = loop_timer_new(loop, poll_came, d);
	d->look_due = d->look_at_all = d->pruning = true;
	pump(d);
	return &d->base;
}
