/*
 * sync_app.c - `capstan sync APP`: the operator is asked by a token in an annotation; when the App's status
 * carries the same token and its attempt has ended, that is the answer.
 */
#include "cmd/sync.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/apps.h"
#include "cmd/sync_show.h"
#include "doc/json.h"
#include "kube/watch.h"
#include "operator/spec.h"

enum { TICK_MS = 100, SYNC_TIMEOUT_MS = 300000, SILENCE_MS = 10000 };

struct asked {
	struct cli *cli;
	struct cluster cluster;
	char token[64];
	struct sync_show show;
	struct loop_timer *timer;
	int64_t asked_at;
	bool answered, told_silence, gone, interrupted, over;
	int status;
	struct arena arena; /* of `last` */
	struct node *last;
	struct error failure;
};

static void end(struct asked *s, int status)
{
	s->over = true;
	s->status = status;
	loop_stop(s->cluster.loop);
}

/* Ended: the token is ours, and Ready says yes or no. "Unknown" is on its way. */
static void look(struct asked *s, const struct node *app)
{
	const struct node *ready = apps_condition(app, "Ready");
	struct str status = node_text(node_get(ready, "status"));
	if (!str_is(node_text(node_at(app, "status.lastHandledSync")), s->token))
		return;
	s->answered = true;
	s->show.wait = node_bool(node_at(app, "spec.sync.wait"), true);
	bool ended = !str_is(status, "Unknown");
	bool timed_out = str_is(node_text(node_get(ready, "reason")), "HealthTimeout");
	s->show.over = ended;
	sync_show_status(&s->show, app);
	arena_release(&s->arena);
	s->last = node_clone(&s->arena, app);
	if (ended)
		end(s, str_is(status, "True") ? EXIT_OK : timed_out ? EXIT_TIMED_OUT : EXIT_DIFFERS);
}

static void on_watch(void *arg, const struct kube_watch_event *event)
{
	struct asked *s = arg;
	if (s->over)
		return;
	if (event->type == WATCH_OBJECT) {
		look(s, event->object);
	} else if (event->type == WATCH_DELETED) {
		error_set(&s->failure, "the App was deleted meanwhile");
		end(s, EXIT_TROUBLE);
	} else if (event->type == WATCH_FAILING) {
		progress_note(s->show.progress, event->message);
	}
}

static void tick(void *arg)
{
	struct asked *s = arg;
	progress_draw(s->show.progress, clock_mono_ms());
	if (!s->answered && !s->told_silence && clock_mono_ms() - s->asked_at > SILENCE_MS) {
		s->told_silence = true;
		progress_note(
			s->show.progress,
			"no operator has answered yet; is it running? (`capstan run`, or the Deployment "
			"capstan in capstan-system)");
	}
	if (cluster_left_ms(&s->cluster) == 0) {
		error_set(&s->failure, s->answered ? "not ready in time; the operator goes on"
						   : "no operator has answered in time");
		end(s, EXIT_TIMED_OUT);
		return;
	}
	loop_timer_set(s->timer, TICK_MS);
}

static void on_interrupt(void *arg)
{
	struct asked *s = arg;
	error_set(&s->failure, "no longer watched; the operator goes on");
	end(s, EXIT_INTERRUPTED);
}

static int request(struct asked *s, const char *name, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	char now[CLOCK_RFC3339_MAX];
	clock_format(clock_wall_ms(), true, now);
	snprintf(s->token, sizeof(s->token), "%s-%d", now, (int)getpid());
	const char *body = arena_printf(
		&a, "{\"metadata\":{\"annotations\":{\"" ANNOTATION_SYNC "\":\"%s\"}}}", s->token);
	s->asked_at = clock_mono_ms();
	return apps_patch(&s->cluster, &a, s->cluster.namespace, name, body, NULL, err);
}

static int follow(struct asked *s, const char *name, struct error *err)
{
	FILE *out = s->cli->common.output ? s->cli->err : s->cli->out;
	struct style style = style_of(out, s->cli->common.color);
	cleanup_arena struct arena a = ARENA_INIT;
	s->show.progress = progress_new(out, &style);
	s->timer = loop_timer_new(s->cluster.loop, tick, s);
	loop_timer_set(s->timer, TICK_MS);
	if (loop_signal(s->cluster.loop, SIGINT, on_interrupt, s, err) < 0)
		return command_fail(s->cli, err);
	struct kube_watch_spec spec = {
		.group = STR(CAPSTAN_GROUP),
		.version = STR(CAPSTAN_VERSION_NAME),
		.kind = STR("App"),
		.namespace = str_of(s->cluster.namespace),
		.field_selector = arena_printf(&a, "metadata.name=%s", name),
	};
	struct kube_watch *watch = kube_watch_start(s->cluster.client, &spec, on_watch, s);
	while (!s->over)
		loop_run(s->cluster.loop);
	kube_watch_stop(watch);
	if (s->answered)
		progress_finish(s->show.progress, clock_mono_ms());
	return s->status;
}

static void say_end(struct asked *s, const char *name)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const struct node *ready = apps_condition(s->last, "Ready");
	if (s->failure.text[0])
		fprintf(s->cli->err, "%s: app %s: %s\n", s->cli->program, name, s->failure.text);
	else if (ready)
		fprintf(s->status == EXIT_OK && !s->cli->common.output ? s->cli->out : s->cli->err,
			"app/%s %s: %s\n", name, apps_text(&a, node_get(ready, "reason")),
			apps_text(&a, node_get(ready, "message")));
}

int sync_app(struct cli *cli, const char *name)
{
	struct asked s = { .cli = cli };
	struct error err = ERROR_INIT;
	int status;
	if (cluster_open(&s.cluster, cli, SYNC_TIMEOUT_MS, &err) < 0 || request(&s, name, &err) < 0) {
		status = command_fail(cli, &err);
	} else {
		status = follow(&s, name, &err);
		say_end(&s, name);
		if (cli->common.output && s.last)
			apps_print(cli, s.last);
	}
	sync_show_release(&s.show);
	loop_timer_free(s.timer);
	cluster_close(&s.cluster);
	arena_release(&s.arena);
	return status;
}
