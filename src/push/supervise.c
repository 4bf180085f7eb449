/* supervise.c - see supervise.h. */
#include "push/supervise.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/log.h"
#include "io/process.h"

#define FOREVER_MS (INT64_C(10) * 366 * 24 * 3600 * 1000)

struct supervised {
	struct loop *loop;
	struct arena arena;
	const char *name;
	const char **argv;
	struct process *child;
	struct loop_timer *timer;
	int64_t started_ms, pause_ms;
};

static void start(void *arg);

static void again(struct supervised *s)
{
	if (loop_now(s->loop) - s->started_ms >= SUPERVISE_GOOD_MS)
		s->pause_ms = SUPERVISE_FIRST_MS;
	loop_timer_set(s->timer, s->pause_ms);
	s->pause_ms = s->pause_ms * 2 > SUPERVISE_LAST_MS ? SUPERVISE_LAST_MS : s->pause_ms * 2;
}

static void ended(void *arg, const struct process_result *result)
{
	struct supervised *s = arg;
	char how[32];
	s->child = NULL;
	snprintf(how, sizeof(how), result->signal ? "signal %d" : "exit status %d",
		 result->signal ? result->signal : result->exit_code);
	log_warn("a part of the service ended, and is started again", "part", s->name, "how", how, NULL);
	again(s);
}

static void start(void *arg)
{
	struct supervised *s = arg;
	struct error err = ERROR_INIT;
	struct process_spec spec = {
		.argv = s->argv,
		.output_max = 1 << 20,
		.timeout_ms = FOREVER_MS,
		.inherit_stderr = true,
	};
	s->started_ms = loop_now(s->loop);
	s->child = process_start(s->loop, &spec, ended, s, &err);
	if (!s->child) {
		log_error("a part of the service cannot be started", "part", s->name, "error", err.text,
			  NULL);
		again(s);
	}
}

struct supervised *supervise(struct loop *loop, const char *name, const char *program,
			     const char *const *argv)
{
	struct supervised *s = mem_alloc(sizeof(*s));
	size_t n = 0;
	while (argv[n])
		n++;
	s->loop = loop;
	s->name = arena_strdup(&s->arena, name);
	s->argv = arena_array(&s->arena, const char *, n + 4);
	s->argv[0] = arena_strdup(&s->arena, program);
	s->argv[1] = "push-child";
	s->argv[2] = "--";
	for (size_t i = 0; i < n; i++)
		s->argv[i + 3] = arena_strdup(&s->arena, argv[i]);
	s->pause_ms = SUPERVISE_FIRST_MS;
	s->timer = loop_timer_new(loop, start, s);
	start(s);
	return s;
}

void supervise_end(struct supervised *s)
{
	if (!s)
		return;
	process_cancel(s->child);
	loop_timer_free(s->timer);
	arena_release(&s->arena);
	free(s);
}
