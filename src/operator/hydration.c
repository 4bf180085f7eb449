/*
 * hydration.c - spec.hydrate: the rendered objects of an App committed to a branch, from which it deploys.
 *
 *   source revision --render--> files --commit, push--> branch --fetch--> the App's machine, as plain
 * manifests
 *
 * One step function looks at what is wanted, what is under way and what was committed last; it is called
 * whenever the source has news. An input that was committed is not rendered again, also after a restart
 * (status.hydrated). Nothing is pushed where nothing would change. With review the objects go to BRANCH-next,
 * and people merge.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "operator/hydrate.h"
#include "operator/jobs_parts.h"
#include "repo/publish.h"

enum {
	PUSH_TIMEOUT_MS = 120000,
	RETRY_BASE_MS = 2000,
	RETRY_MAX_MS = 180000,
};

struct hydration {
	struct managed *m;
	struct render_job *job;	 /* renders */
	struct publish *publish; /* pushes; `pushing` has what */
	struct render_job *pushing;
	char *branch;
	struct hash input; /* of what is under way */
	char display[APP_REVISION_MAX];
	struct reads reads; /* of the last render */
	struct hash done;   /* input that is committed */
	char done_display[APP_REVISION_MAX], done_commit[SHA_HEX_MAX + 1];
	char *error;
	unsigned failures;
	struct loop_timer *timer; /* of the next try */
};

static void on_timer(void *arg)
{
	managed_wanted(((struct hydration *)arg)->m);
}

static struct hydration *get(struct managed *m)
{
	if (m->hydration)
		return m->hydration;
	struct hydration *h = mem_alloc(sizeof(*h));
	h->m = m;
	h->timer = loop_timer_new(m->operator->loop, on_timer, h);
	m->hydration = h;
	return h;
}

static void set_error(struct hydration *h, const char *text)
{
	char *copy = text && *text ? mem_strdup(text) : NULL;
	free(h->error);
	h->error = copy;
	h->failures = copy ? h->failures + 1 : 0;
	if (!copy)
		return;
	int64_t pause = RETRY_BASE_MS;
	for (unsigned i = 1; i < h->failures && pause < RETRY_MAX_MS; i++)
		pause *= 2;
	loop_timer_set(h->timer, pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS);
	log_warn("not hydrated", "app", h->m->key, "error", copy, NULL);
}

const char *hydration_error(const struct managed *m)
{
	return m->hydration && m->spec.hydrate.branch ? m->hydration->error : NULL;
}

/* --- commit --- */

static void on_published(void *ctx, const struct publish_result *result)
{
	struct render_job *job = ctx;
	struct managed *m = job->m;
	struct hydration *h = m->hydration;
	h->publish = NULL;
	h->pushing = NULL;
	set_error(h, result->error);
	if (!result->error) {
		h->done = h->input;
		snprintf(h->done_display, sizeof(h->done_display), "%s", h->display);
		/* Where nothing changed the branch may have moved on with commits of others, which the App
		 * does not take: the one it took stays the one that has it. */
		if (result->changed || !h->done_commit[0])
			snprintf(h->done_commit, sizeof(h->done_commit), "%s", result->sha);
		log_info(result->changed ? "hydrated" : "hydrated, nothing changed", "app", m->key, "branch",
			 h->branch, NULL);
		if (m->source)
			source_notify(m->source); /* the branch has moved */
	}
	job_free(job);
	status_touch(m);
	managed_wanted(m);
}

static void fill_message(struct hydration *h, struct render_job *job)
{
	struct managed *m = h->m;
	struct arena *a = &job->arena;
	struct hydrate_source source = {
		.what = "app",
		.name = m->key,
		.commit = job->sha,
		.subject = repo_tree_subject(job->mirror, job->sha, a),
	};
	const char *dir = rendered_path(a, m->spec.hydrate.path);
	job->commit.dir = dir;
	job->commit.goes = hydrate_is_ours;
	job->commit.may_be_empty = m->spec.config.allow_empty;
	job->commit.when_ms = clock_wall_ms();
	hydrate_message(a, &source, &job->commit);
}

static void take_branch(struct hydration *h)
{
	const struct app_spec *spec = &h->m->spec;
	char *branch = mem_alloc(strlen(spec->hydrate.branch) + sizeof("-next"));
	sprintf(branch, "%s%s", spec->hydrate.branch, spec->hydrate.review ? "-next" : "");
	if (!h->branch || strcmp(branch, h->branch) != 0)
		h->done_commit[0] = '\0';
	free(h->branch);
	h->branch = branch;
}

static void on_rendered(struct managed *m, struct render_job *job)
{
	struct hydration *h = m->hydration;
	struct publisher *publisher = m->source ? source_publisher(m->source) : NULL;
	h->job = NULL;
	reads_release(&h->reads);
	h->reads = job->reads;
	job->reads = (struct reads){ 0 };
	h->input = managed_input(m, job->reads_hash);
	if (!job->err.text[0] && !publisher)
		error_set(&job->err, "the Repo is away");
	if (job->err.text[0]) {
		set_error(h, job->err.text);
		job_free(job);
		managed_wanted(m);
		return;
	}
	fill_message(h, job);
	take_branch(h);
	h->pushing = job;
	h->publish = publisher_push(publisher, h->branch, &job->commit, PUSH_TIMEOUT_MS, on_published, job);
	if (h->publish)
		return;
	h->pushing = NULL;
	set_error(h, "too many commits wait for this Repo");
	job_free(job);
}

/* --- the step --- */

static void release_job(void *job)
{
	job_free(job);
}

void hydration_cancel(struct managed *m)
{
	struct hydration *h = m->hydration;
	if (!h)
		return;
	if (h->job)
		job_forget(h->job);
	h->job = NULL;
	if (h->publish) {
		h->pushing->m = NULL;
		publish_cancel(h->publish, release_job);
	}
	h->publish = NULL;
	h->pushing = NULL;
}

/* What the source has now; false: nothing, or not yet. */
static bool source_input(struct managed *m, struct source_answer *answer, struct hash *input)
{
	struct hydration *h = m->hydration;
	struct source_ask ask = managed_source_ask(m);
	struct error err = ERROR_INIT;
	int values = values_state(m->values, &err);
	if (!m->source || !source_resolve(m->source, &ask, answer) || values > 0)
		return false;
	const char *wrong = answer->error && *answer->error ? answer->error : err.text;
	if (*wrong && (!h->error || strcmp(h->error, wrong) != 0))
		set_error(h, wrong);
	if (*wrong)
		return false;
	*input = managed_input(m, managed_files_hash(m, &h->reads, answer));
	return true;
}

bool hydration_step(struct managed *m)
{
	struct hydration *h = get(m);
	struct source_answer answer = { 0 };
	struct hash input;
	if (!source_input(m, &answer, &input))
		return h->job || h->publish;
	bool busy = h->job || h->publish;
	if (hash_eq(input, h->done)) {
		hydration_cancel(m); /* what is under way is no longer wanted */
		if (h->error)
			set_error(h, NULL);
		return false;
	}
	/* The same is under way, or failed and waits for its next try. */
	if (hash_eq(input, h->input) && (busy || (h->error && loop_timer_armed(h->timer))))
		return busy;
	if (m->spec.config.suspend || m->spec.config.deleting)
		return false;
	hydration_cancel(m);
	struct job_input job = { .sha = answer.sha, .path = m->spec.path, .spec = &m->spec.render };
	h->input = input;
	snprintf(h->display, sizeof(h->display), "%s", answer.display);
	h->job = job_begin(m, &job, 0, on_rendered);
	return true;
}

void hydration_free(struct managed *m)
{
	struct hydration *h = m->hydration;
	if (!h)
		return;
	hydration_cancel(m);
	loop_timer_free(h->timer);
	reads_release(&h->reads);
	free(h->branch);
	free(h->error);
	free(h);
	m->hydration = NULL;
}

/* --- status --- */

static void set_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	if (text && *text)
		node_set(a, map, str_of(key), node_string(a, str_of(arena_strdup(a, text))));
}

void hydration_status(const struct managed *m, struct arena *a, struct node *status)
{
	const struct hydration *h = m->hydration;
	if (!h || !m->spec.hydrate.branch)
		return;
	struct node *n = node_map(a);
	char hex[HASH_HEX_LEN + 1];
	cleanup_buf struct buf reads = BUF_INIT;
	if (!hash_is_zero(h->done)) {
		hash_hex(h->done, hex);
		set_text(a, n, "input", hex);
	}
	set_text(a, n, "source", h->done_display);
	set_text(a, n, "branch", h->branch);
	set_text(a, n, "commit", h->done_commit);
	set_text(a, n, "error", h->error);
	if (h->reads.packed && reads_write(&h->reads, &reads) && reads.n <= READS_PACKED_MAX)
		set_text(a, n, "reads", reads.p);
	node_set(a, status, STR("hydrated"), n);
}

static void copy_text(const struct node *from, const char *key, char *to, size_t size)
{
	snprintf(to, size, "%.*s", STR_ARG(node_text(node_get(from, key))));
}

void hydration_restore(struct managed *m, const struct node *status)
{
	const struct node *from = node_get(status, "hydrated");
	if (!m->spec.hydrate.branch || !from)
		return;
	struct hydration *h = get(m);
	hash_from_hex(node_text(node_get(from, "input")), &h->done);
	copy_text(from, "source", h->done_display, sizeof(h->done_display));
	copy_text(from, "commit", h->done_commit, sizeof(h->done_commit));
	struct str branch = node_text(node_get(from, "branch"));
	free(h->branch);
	h->branch = branch.n ? mem_strndup(branch.p, branch.n) : NULL;
	reads_read(node_text(node_get(from, "reads")), &h->reads);
}
