/*
 * port.c - the way to the server and back. A call outlives the process that made it: what was sent may still
 * arrive after a kill. Its answer reaches only the runner that asked.
 */
#include "operator.h"

#include <stdio.h>

#include "checks.h"
#include "deploy/cluster/prepare.h"
#include "doc/json.h"

struct call {
	unsigned refs; /* planned events that still need it */
	uint64_t epoch;
	int app;
	unsigned incarnation;
	uint64_t token;
	enum port_verb verb;
	char *key, *body, *uid;
	struct server_answer answer;
	bool handled, lost;
	int injected; /* HTTP code answered instead of asking the server; 0: none */
	struct send_facts facts;
};

static void call_drop(void *arg)
{
	struct call *c = arg;
	if (--c->refs)
		return;
	server_answer_release(&c->answer);
	free(c->key);
	free(c->body);
	free(c->uid);
	free(c);
}

static const enum server_verb VERBS[] = {
	[PORT_GET] = SERVER_GET,
	[PORT_APPLY] = SERVER_APPLY,
	[PORT_JSON_PATCH] = SERVER_JSON_PATCH,
	[PORT_MERGE_PATCH] = SERVER_MERGE_PATCH,
	[PORT_DELETE] = SERVER_DELETE,
};

static const char *const VERB_NAMES[] = {
	[PORT_GET] = "get",
	[PORT_APPLY] = "apply",
	[PORT_JSON_PATCH] = "json-patch",
	[PORT_MERGE_PATCH] = "merge-patch",
	[PORT_DELETE] = "delete",
};

static void arrive(struct world *w, void *arg)
{
	struct call *c = arg;
	struct resource *r = &w->apps[c->app];
	struct server_request request = {
		.verb = VERBS[c->verb],
		.key = str_of(c->key),
		.body = str_of(c->body),
		.uid = str_of(c->uid),
		.manager = FIELD_MANAGER,
	};
	if (w->now < w->server_down_until) {
		c->lost = true;
	} else {
		if (c->verb == PORT_DELETE)
			check_delete_arrives(w, r, &request, &c->facts);
		server_handle(&w->server, &request, &c->answer);
		c->handled = true;
		world_trace(w, "server: app%d %s %s -> %d %d %s", c->app, VERB_NAMES[c->verb], c->key,
			    (int)c->answer.outcome, c->answer.code, c->answer.message);
		if (c->answer.created)
			check_created(w, r, request.key);
	}
	call_drop(c);
}

/* For variants: the object as if it carried another owner. */
static struct node *with_owner(struct arena *a, const struct node *object, const char *app)
{
	struct node *body = node_clone(a, object), *labels = node_at(body, "metadata.labels");
	if (!labels)
		return body;
	node_del(labels, STR(LABEL_APP));
	if (app) {
		node_set(a, labels, STR(LABEL_APP), node_string(a, str_of(app)));
		node_set(a, labels, STR(LABEL_NAMESPACE), node_string(a, STR(GIT_APP_NAMESPACE)));
	}
	return body;
}

static void deliver(struct cluster_driver *d, struct world *w, struct call *c)
{
	struct port_answer answer = { .outcome = PORT_LOST };
	char text[700];
	if (c->injected && !c->lost) {
		answer.outcome = PORT_STATUS;
		answer.code = c->injected;
		answer.reason = str_of(c->injected == 409   ? "Conflict"
				       : c->injected == 429 ? "TooManyRequests"
							    : "InternalError");
		answer.message = STR("the server is not well");
	} else if (c->handled && !c->lost) {
		answer.outcome = c->answer.outcome;
		answer.code = c->answer.code;
		answer.reason = str_of(c->answer.reason);
		answer.message = str_of(c->answer.message);
		if (w->variant == VARIANT_LEAK_SECRET && c->answer.code) {
			snprintf(text, sizeof(text), "%s: %.500s", c->answer.message, c->body);
			answer.message = str_of(text);
		}
		if (answer.outcome == PORT_OK)
			answer.body = c->answer.v->root;
	} else {
		answer.message = STR("connection reset");
	}
	if (w->variant == VARIANT_HIDE_ERRORS && c->verb == PORT_APPLY && answer.code == 422) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct node *body = NULL;
		if (json_parse(&a, str_of(c->body), true, &body, NULL))
			abort();
		answer = (struct port_answer){ .outcome = PORT_OK, .body = body };
		cluster_driver_answer(d, c->token, &answer);
		return;
	}
	cleanup_arena struct arena a = ARENA_INIT;
	if (answer.body && (w->variant == VARIANT_IGNORE_OWNER || w->variant == VARIANT_ALL_OURS))
		answer.body = with_owner(&a, answer.body,
					 w->variant == VARIANT_ALL_OURS ? w->apps[c->app].name : NULL);
	cluster_driver_answer(d, c->token, &answer);
}

static void answered(struct world *w, void *arg)
{
	struct call *c = arg;
	struct runner *runner = operator_recall(w, c->epoch, c->app, c->incarnation);
	bool swallowed = w->variant == VARIANT_LOST_ANSWER && rng_chance(&w->rng, 10);
	if (runner && !swallowed) {
		runner->in_flight--;
		world_trace(w, "answer: app%d %s %s%s", c->app, VERB_NAMES[c->verb], c->key,
			    c->lost	  ? " lost"
			    : c->injected ? " refused on the way"
					  : "");
		deliver(runner->cluster, w, c);
	}
	call_drop(c);
}

/* Chance decides what becomes of a call: when it arrives (-1: never) and when its answer comes. */
static int64_t decide(struct world *w, struct call *c, int64_t timeout, int64_t *answer_at)
{
	const struct faults *f = &w->faults;
	int64_t out = rng_range(&w->rng, 1, 10), back = rng_range(&w->rng, 1, 10);
	int64_t arrive_at = w->now + out;
	*answer_at = arrive_at + back;
	if (w->calm)
		return arrive_at;
	if (fault_strikes(f, &w->rng, FAULT_SLOW, c->app)) {
		int64_t more = rng_range(&w->rng, 100, 12000);
		if (rng_chance(&w->rng, 500))
			arrive_at += more;
		*answer_at += more;
	}
	if (fault_strikes(f, &w->rng, FAULT_LOST, c->app)) {
		c->lost = true;
		*answer_at = rng_chance(&w->rng, 300) ? w->now + timeout : *answer_at;
		return rng_chance(&w->rng, 500) ? arrive_at : -1;
	}
	if (fault_strikes(f, &w->rng, FAULT_LATE, c->app)) {
		c->lost = true;
		return *answer_at + rng_range(&w->rng, 1, 2000);
	}
	static const int codes[] = { 500, 503, 504 };
	int code = fault_strikes(f, &w->rng, FAULT_CONFLICT, c->app)   ? 409
		   : fault_strikes(f, &w->rng, FAULT_THROTTLE, c->app) ? 429
		   : fault_strikes(f, &w->rng, FAULT_SERVER, c->app)   ? codes[rng_below(&w->rng, 3)]
								       : 0;
	c->injected = code;
	/* A 504 may come after the write took effect. */
	return code && !(code == 504 && rng_chance(&w->rng, 500)) ? -1 : arrive_at;
}

static void send(void *ctx, struct cluster_driver *d, uint64_t token, const struct port_request *request)
{
	struct runner *runner = ctx;
	struct world *w = runner->process->world;
	struct call *c = mem_alloc(sizeof(*c));
	c->epoch = runner->process->epoch;
	c->app = runner->resource->index;
	c->incarnation = runner->incarnation;
	c->token = token;
	c->verb = request->verb;
	c->key = mem_strndup(request->key.p, request->key.n);
	c->body = mem_strndup(request->body.p ? request->body.p : "", request->body.n);
	c->uid = mem_strndup(request->uid.p ? request->uid.p : "", request->uid.n);
	runner->in_flight++;
	runner->resource->requests++;
	int64_t answer_at, arrive_at = decide(w, c, request->timeout_ms, &answer_at);
	world_trace(w, "send: app%d %s %s", c->app, VERB_NAMES[c->verb], c->key);
	check_send(w, runner, request, &c->facts);
	c->refs = 1 + (arrive_at >= 0);
	if (answer_at > w->now + request->timeout_ms) {
		answer_at = w->now + request->timeout_ms;
		c->lost = true;
	}
	if (arrive_at >= 0)
		queue_add(&w->queue, arrive_at, arrive, c, call_drop);
	queue_add(&w->queue, answer_at, answered, c, call_drop);
}

/* ---- the stored inventory ---- */

struct write {
	uint64_t epoch;
	int app;
	unsigned incarnation;
	char *text;
	uint64_t serial;
	struct app_revision applied, healthy;
	VEC(uint64_t) tokens;
	const char *failure;
	bool effective; /* it reaches the store */
	bool done;
};

static void write_drop(void *arg)
{
	struct write *write = arg;
	vec_release(&write->tokens);
	free(write->text);
	free(write);
}

static void write_take_effect(struct world *w, struct write *write)
{
	struct resource *r = &w->apps[write->app];
	write->done = true;
	if (!r->exists || r->incarnation != write->incarnation || !write->effective)
		return;
	free(r->inventory);
	r->inventory = hand_over(write->text);
	r->applied = write->applied;
	r->healthy = write->healthy;
	world_trace(w, "store: app%d inventory of %zu bytes, applied %s", r->index, strlen(r->inventory),
		    r->applied.text);
}

static void write_answered(struct world *w, void *arg)
{
	struct write *write = arg;
	struct runner *runner = operator_recall(w, write->epoch, write->app, write->incarnation);
	if (!runner) {
		write_drop(write);
		return;
	}
	if (w->variant == VARIANT_PERSIST_LIES)
		write_take_effect(w, write);
	runner->writing = false;
	runner->write = NULL;
	if (!write->failure) {
		runner->stored_serial = write->serial;
		runner->stored_applied = write->applied;
		runner->stored_healthy = write->healthy;
	}
	for (size_t i = 0; i < write->tokens.n; i++)
		cluster_driver_persisted(runner->cluster, write->tokens.at[i], write->failure);
	write_drop(write);
}

static void write_arrives(struct world *w, void *arg)
{
	struct write *write = arg;
	struct runner *runner = operator_recall(w, write->epoch, write->app, write->incarnation);
	if (!runner) {
		write_drop(write); /* what became of it was decided when the process died */
		return;
	}
	if (w->now < w->server_down_until) {
		write->effective = false;
		write->failure = "connection refused";
	}
	int64_t back = rng_range(&w->rng, 1, 10);
	if (w->variant != VARIANT_PERSIST_LIES) {
		write_take_effect(w, write);
	} else if (!write->failure) {
		for (size_t i = 0; i < write->tokens.n; i++)
			cluster_driver_persisted(runner->cluster, write->tokens.at[i], NULL);
		write->tokens.n = 0;
		back += 40;
	}
	queue_add(&w->queue, w->now + back, write_answered, write, write_drop);
}

void port_write(struct runner *runner)
{
	struct world *w = runner->process->world;
	cleanup_arena struct arena a = ARENA_INIT;
	struct inventory inv;
	cluster_driver_inventory(runner->cluster, &a, &inv);
	cleanup_buf struct buf text = BUF_INIT;
	inventory_write(&text, &inv);
	struct write *write = mem_alloc(sizeof(*write));
	write->epoch = runner->process->epoch;
	write->app = runner->resource->index;
	write->incarnation = runner->incarnation;
	write->text = mem_strdup(text.p ? text.p : "");
	write->serial = cluster_driver_inventory_serial(runner->cluster);
	write->applied = runner->app.applied;
	write->healthy = runner->app.healthy;
	for (size_t i = 0; i < runner->tokens.n; i++)
		vec_push(&write->tokens, runner->tokens.at[i]);
	runner->tokens.n = 0;
	write->effective = true;
	if (!w->calm && fault_strikes(&w->faults, &w->rng, FAULT_PERSIST, write->app)) {
		static const char *const failures[] = { "409 Conflict", "connection reset",
							"connection reset by peer" };
		uint32_t which = rng_below(&w->rng, 3);
		write->failure = failures[which];
		write->effective = which == 2;
	}
	runner->writing = true;
	runner->write = write;
	runner->resource->persists++;
	queue_add(&w->queue, w->now + rng_range(&w->rng, 1, 20), write_arrives, write, write_drop);
}

void port_killed(struct runner *runner)
{
	struct world *w = runner->process->world;
	if (runner->write && !runner->write->done && rng_chance(&w->rng, 500))
		write_take_effect(w, runner->write);
	runner->write = NULL;
}

static void persist(void *ctx, struct cluster_driver *d, uint64_t token)
{
	struct runner *runner = ctx;
	vec_push(&runner->tokens, token);
	/* The next operator_after() starts the write: never from inside. */
}

static void watch(void *ctx, struct str group, struct str kind, struct str version)
{
	struct runner *runner = ctx;
	watch_want(runner->process, group, kind);
}

static int64_t wall_s(void *ctx)
{
	struct runner *runner = ctx;
	return 1767225600 + runner->process->world->now / 1000;
}

const struct port_ops SIM_PORT = { .send = send, .persist = persist, .watch = watch, .wall_s = wall_s };
