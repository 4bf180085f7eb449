/*
 * publish.c - see publish.h.
 *
 * One job at a time has the remote. Each answer only notes what it says and sets the timer: the next step is
 * taken in a turn of its own, where a remote may be freed. Commits are made on a worker; a job whose worker
 * is busy is freed when that ends.
 */
#include "repo/publish.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/vec.h"
#include "repo/files.h"
#include "repo/objects.h"
#include "repo/tree.h"

#define BRANCH_REF OBJECTS_REFS "refs/heads/" /* where remote_fetch() puts branches */

enum step { STEP_BEGIN, STEP_LISTED, STEP_FETCHED, STEP_MADE, STEP_PUSHED, STEP_END };

struct publish {
	struct publisher *p; /* NULL: it is gone */
	const struct commit_spec *spec;
	const char *branch;
	int64_t deadline_ms;
	publish_fn *done; /* NULL: cancelled */
	void (*release)(void *ctx);
	void *ctx;

	enum step step;
	bool working;	       /* on a worker */
	bool from_base;	       /* `there` is the base: the branch is not there */
	struct resolved there; /* the branch as listed; sha "" when there is none */
	char *mirror;
	struct error err;
	int made; /* what commit_make() said */
	enum push_outcome outcome;
	char *why; /* it was refused, or raced */
	struct publish_result result;
};

struct publisher {
	struct loop *loop;
	struct remote_options options;
	char *url, *mirror;
	struct repo_remote *remote;  /* while a job is under way */
	VEC(struct publish *) queue; /* the first is under way */
	struct loop_timer *timer, *deadline;
	unsigned commits; /* that came into the mirror since it was made */
	uint32_t random;
};

static void step(void *arg);

struct publisher *publisher_new(struct loop *loop, const struct remote_options *options)
{
	struct publisher *p = mem_alloc(sizeof(*p));
	p->loop = loop;
	p->options = *options;
	p->options.url = p->url = mem_strdup(options->url);
	p->options.mirror = p->mirror = mem_strdup(options->mirror);
	p->timer = loop_timer_new(loop, step, p);
	p->deadline = loop_timer_new(loop, step, p);
	p->random = (uint32_t)clock_wall_ms() ^ ((uint32_t)getpid() << 16) ^ 1;
	p->random = p->random ? p->random : 1;
	return p;
}

static void job_free(struct publish *j)
{
	if (j->release)
		j->release(j->ctx);
	free(j->mirror);
	free(j->why);
	free(j);
}

/* The job is over for the publisher; what a worker has of it stays until that is through. */
static void drop(struct publish *j)
{
	j->p = NULL;
	if (!j->working)
		job_free(j);
}

void publisher_free(struct publisher *p)
{
	if (!p)
		return;
	remote_free(p->remote);
	for (size_t i = 0; i < p->queue.n; i++) {
		p->queue.at[i]->done = NULL;
		drop(p->queue.at[i]);
	}
	vec_release(&p->queue);
	loop_timer_free(p->timer);
	loop_timer_free(p->deadline);
	free(p->url);
	free(p->mirror);
	free(p);
}

struct publish *publisher_push(struct publisher *p, const char *branch, const struct commit_spec *spec,
			       int64_t deadline_ms, publish_fn *done, void *ctx)
{
	if (p->queue.n >= PUBLISH_QUEUE_MAX)
		return NULL;
	struct publish *j = mem_alloc(sizeof(*j));
	j->p = p;
	j->spec = spec;
	j->branch = branch;
	j->deadline_ms = deadline_ms;
	j->done = done;
	j->ctx = ctx;
	vec_push(&p->queue, j);
	if (p->queue.n == 1)
		loop_timer_set(p->timer, 0);
	return j;
}

void publish_cancel(struct publish *j, void (*release)(void *ctx))
{
	struct publisher *p = j->p;
	j->done = NULL;
	j->release = release;
	for (size_t i = 1; i < p->queue.n; i++) {
		if (p->queue.at[i] == j) {
			vec_remove(&p->queue, i);
			drop(j);
			return;
		}
	}
	j->step = STEP_END;
	remote_free(p->remote);
	p->remote = NULL;
	loop_timer_set(p->timer, 0);
}

/* --- answers --- */

static void answered(struct publisher *p, enum step next, const char *error)
{
	struct publish *j = p->queue.at[0];
	j->step = error ? STEP_END : next;
	if (error)
		error_set(&j->err, "%s", error);
	loop_timer_set(p->timer, 0);
}

static void on_listed(void *ctx, bool changed, const char *error)
{
	answered(ctx, STEP_LISTED, error);
}

static void on_fetched(void *ctx, bool changed, const char *error)
{
	struct publisher *p = ctx;
	p->commits += changed;
	answered(p, STEP_FETCHED, error);
}

static void on_pushed(void *ctx, enum push_outcome outcome, const char *error)
{
	struct publisher *p = ctx;
	struct publish *j = p->queue.at[0];
	j->outcome = outcome;
	free(j->why);
	j->why = error ? mem_strdup(error) : NULL;
	answered(p, STEP_PUSHED, NULL);
}

static void make(void *arg)
{
	struct publish *j = arg;
	j->made = commit_make(j->mirror, j->there.sha, j->spec, j->result.sha, &j->err);
}

static void on_made(void *arg)
{
	struct publish *j = arg;
	j->working = false;
	if (!j->p)
		job_free(j);
	else if (j->step == STEP_END) /* cancelled, or too late */
		loop_timer_set(j->p->timer, 0);
	else
		answered(j->p, j->made < 0 ? STEP_END : STEP_MADE, NULL);
}

/* --- steps --- */

static int open_remote(struct publisher *p, struct publish *j)
{
	if (commit_check_branch(j->branch, &j->err) < 0)
		return -1;
	if (p->commits >= PUBLISH_RENEW_AFTER) {
		repo_tree_forget(p->mirror);
		files_remove(p->mirror);
		p->commits = 0;
	}
	if (!p->remote)
		p->remote = remote_new(p->loop, &p->options, &j->err);
	return p->remote ? 0 : -1;
}

static void end(struct publisher *p)
{
	struct publish *j = p->queue.at[0];
	publish_fn *done = j->done;
	void *ctx = j->ctx;
	struct publish_result result = j->result;
	struct error err = j->err;
	remote_free(p->remote);
	p->remote = NULL;
	loop_timer_clear(p->deadline);
	vec_remove(&p->queue, 0);
	drop(j);
	if (p->queue.n)
		loop_timer_set(p->timer, 0);
	result.error = err.text[0] ? err.text : NULL;
	if (result.error)
		result.sha[0] = '\0'; /* a commit that was made, but is nowhere */
	if (done)
		done(ctx, &result); /* may free the publisher */
}

int64_t publish_pause(unsigned tries, uint32_t *random)
{
	int64_t pause = PUBLISH_PAUSE_MS;
	for (unsigned i = 1; i < tries && pause < PUBLISH_PAUSE_MAX_MS; i++)
		pause *= 2;
	pause = pause < PUBLISH_PAUSE_MAX_MS ? pause : PUBLISH_PAUSE_MAX_MS;
	return pause / 2 + random_next(random) % pause;
}

static void try_again(struct publisher *p, struct publish *j)
{
	if (j->result.tries >= PUBLISH_TRIES_MAX) {
		error_set(&j->err,
			  "push to branch %s: others were first %u times in a row (the last time: %s)",
			  j->branch, j->result.tries, j->why ? j->why : "");
		end(p);
		return;
	}
	j->step = STEP_BEGIN;
	loop_timer_set(p->timer, publish_pause(j->result.tries, &p->random));
}

static void pushed(struct publisher *p, struct publish *j)
{
	cleanup_buf struct buf ref = BUF_INIT;
	switch (j->outcome) {
	case PUSH_DONE:
		/* It is what the branch has, and is not fetched next time. */
		buf_printf(&ref, BRANCH_REF "%s", j->branch);
		objects_ref_write(p->mirror, ref.p, j->result.sha);
		p->commits++;
		j->result.changed = true;
		end(p);
		return;
	case PUSH_RACED:
		try_again(p, j);
		return;
	case PUSH_REFUSED:
	case PUSH_FAILED:
		error_set(&j->err, "%s", j->why ? j->why : "push failed");
		end(p);
	}
}

static bool resolve_branch(const struct publisher *p, const char *branch, struct resolved *out)
{
	char name[REVISION_MAX + 1];
	snprintf(name, sizeof(name), "refs/heads/%s", branch);
	if (refs_resolve(remote_refs(p->remote), name, out, NULL) == 0 && strcmp(out->ref, name) == 0)
		return true;
	*out = (struct resolved){ 0 };
	return false;
}

static void listed(struct publisher *p, struct publish *j)
{
	const char *base = j->spec->base;
	j->from_base = !resolve_branch(p, j->branch, &j->there) && base;
	if (j->from_base && !resolve_branch(p, base, &j->there)) {
		error_set(&j->err, "the remote has no branch %s", base);
		end(p);
	} else if (j->there.sha[0]) {
		remote_fetch(p->remote, &j->there, 1, on_fetched, p);
	} else {
		answered(p, STEP_FETCHED, NULL);
	}
}

static void made(struct publisher *p, struct publish *j)
{
	const struct commit_spec *spec = j->spec;
	j->result.absent = j->made == 1 && j->from_base;
	if (j->made == 1 ||
	    (spec->made && spec->made(spec->made_ctx, j->there.sha, j->result.sha, &j->err) < 0))
		end(p);
	else
		remote_push(p->remote, j->result.sha, j->branch, on_pushed, p);
}

static void fetched(struct publisher *p, struct publish *j)
{
	if (j->there.sha[0] && !repo_tree_has(p->mirror, j->there.sha)) {
		/* It moved between list and fetch. */
		free(j->why);
		j->why = mem_strdup("the branch moved");
		try_again(p, j);
		return;
	}
	free(j->mirror);
	j->mirror = mem_strdup(p->mirror);
	j->working = true;
	loop_work(p->loop, make, on_made, j);
}

static void begin(struct publisher *p, struct publish *j)
{
	if (j->result.tries++ == 0)
		loop_timer_set(p->deadline, j->deadline_ms);
	if (open_remote(p, j) < 0)
		end(p);
	else
		remote_poll(p->remote, on_listed, p);
}

/* Also when the deadline is over: then it is not armed any more. */
static void step(void *arg)
{
	struct publisher *p = arg;
	struct publish *j = p->queue.n ? p->queue.at[0] : NULL;
	if (!j)
		return;
	if (j->result.tries && !loop_timer_armed(p->deadline) && j->step != STEP_END) {
		error_set(&j->err, "push to branch %s: no end within %lld s%s%s", j->branch,
			  (long long)j->deadline_ms / 1000, j->why ? ": " : "", j->why ? j->why : "");
		j->step = STEP_END;
		remote_free(p->remote);
		p->remote = NULL;
	}
	if (j->working)
		return; /* on_made() comes here again */
	switch (j->step) {
	case STEP_BEGIN:
		begin(p, j);
		break;
	case STEP_LISTED:
		listed(p, j);
		break;
	case STEP_FETCHED:
		fetched(p, j);
		break;
	case STEP_MADE:
		made(p, j);
		break;
	case STEP_PUSHED:
		pushed(p, j);
		break;
	case STEP_END:
		end(p);
	}
}

/* --- for a command --- */

struct waiting {
	struct loop *loop;
	struct publish_result *out;
	struct error *err;
	bool done;
	int rc;
};

static void on_waited(void *ctx, const struct publish_result *result)
{
	struct waiting *w = ctx;
	*w->out = *result;
	w->rc = result->error ? error_set(w->err, "%s", result->error) : 0;
	w->out->error = NULL;
	w->done = true;
	loop_stop(w->loop);
}

int publish_wait_stoppable(const struct remote_options *options, const char *branch,
			   const struct commit_spec *spec, int64_t deadline_ms, bool (*stopped)(void *ctx),
			   void *ctx, struct publish_result *out, struct error *err)
{
	struct waiting w = { .loop = loop_new(), .out = out, .err = err };
	struct publisher *p = publisher_new(w.loop, options);
	publisher_push(p, branch, spec, deadline_ms, on_waited, &w);
	if (!loop_run_until(w.loop, &w.done, stopped, ctx))
		w.rc = error_set(err, "push to branch %s: ended before it was through", branch);
	publisher_free(p);
	/* A worker may still have spec. */
	loop_wait_for_work(w.loop);
	loop_free(w.loop);
	return w.rc;
}

int publish_wait(const struct remote_options *options, const char *branch, const struct commit_spec *spec,
		 int64_t deadline_ms, struct publish_result *out, struct error *err)
{
	return publish_wait_stoppable(options, branch, spec, deadline_ms, NULL, NULL, out, err);
}
