/* Children as streams: all bytes come through a narrow pipe, a silent one is ended, an abandoned one too. */
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/stream_process.h"

struct echo {
	struct loop *loop;
	struct stream_process *p;
	struct loop_timer *timer;
	size_t want, sent, got;
	bool wrong, pausing;
	int exit_code;
	char err[64];
	int done;
};

static char byte_at(size_t i)
{
	return (char)(i * 7 % 251);
}

static void feed(struct echo *e)
{
	char chunk[100000];
	while (e->sent < e->want) {
		size_t n = e->want - e->sent < sizeof(chunk) ? e->want - e->sent : sizeof(chunk);
		for (size_t i = 0; i < n; i++)
			chunk[i] = byte_at(e->sent + i);
		size_t taken = stream_process_write(e->p, (struct str){ chunk, n });
		e->sent += taken;
		if (taken < n)
			return;
	}
	stream_process_end_input(e->p);
}

static void resume(void *arg)
{
	struct echo *e = arg;
	if (e->p)
		stream_process_pause(e->p, false);
}

static void on_output(void *arg, struct str data)
{
	struct echo *e = arg;
	for (size_t i = 0; i < data.n; i++)
		e->wrong = e->wrong || data.p[i] != byte_at(e->got + i);
	e->got += data.n;
	if (e->pausing) {
		stream_process_pause(e->p, true);
		loop_timer_set(e->timer, 2);
	}
}

static void on_writable(void *arg)
{
	feed(arg);
}

static void on_done(void *arg, int exit_code, struct str err)
{
	struct echo *e = arg;
	e->p = NULL;
	e->done++;
	e->exit_code = exit_code;
	snprintf(e->err, sizeof(e->err), "%.*s", STR_ARG(err));
}

static const struct stream_process_ops ops = { on_output, on_writable, on_done };

static void run(struct echo *e, const char *script, int64_t idle_ms, size_t want)
{
	const char *argv[] = { "sh", "-c", script, NULL }, *env[] = { "PATH=/usr/bin:/bin", NULL };
	struct stream_process_spec spec = { .argv = argv, .env = env, .idle_ms = idle_ms };
	struct error err = ERROR_INIT;
	e->loop = loop_new();
	e->timer = loop_timer_new(e->loop, resume, e);
	e->want = want;
	e->p = stream_process_start(e->loop, &spec, &ops, e, &err);
	assert_non_null(e->p);
	feed(e);
	loop_run(e->loop);
	loop_timer_free(e->timer);
	loop_free(e->loop);
	assert_int_equal(e->done, 1);
}

static void all_comes_back(void **state)
{
	struct echo e = { 0 };
	run(&e, "cat", 10000, 5 << 20);
	assert_int_equal(e.got, 5 << 20);
	assert_false(e.wrong);
	assert_int_equal(e.exit_code, 0);
}

static void a_slow_owner_holds_it_up(void **state)
{
	struct echo e = { .pausing = true };
	run(&e, "cat", 10000, 1 << 20);
	assert_int_equal(e.got, 1 << 20);
	assert_false(e.wrong);
}

static void what_it_left_waits_for_the_owner(void **state)
{
	struct echo e = { .pausing = true };
	run(&e, "cat >/dev/null; printf ''", 10000, 100);
	assert_int_equal(e.exit_code, 0);
}

static void who_reads_nothing_is_fed_no_more(void **state)
{
	struct echo e = { 0 };
	run(&e, "exec <&-; echo no >&2; exit 3", 10000, 5 << 20);
	assert_int_equal(e.exit_code, 3);
	assert_string_equal(e.err, "no\n");
}

static void a_silent_one_is_ended(void **state)
{
	struct echo e = { 0 };
	int64_t before = clock_mono_ms();
	run(&e, "exec sleep 60", 200, 0);
	assert_int_equal(e.exit_code, -1);
	assert_true(clock_mono_ms() - before < 20000);
}

static void a_program_that_is_not_there(void **state)
{
	const char *argv[] = { "/nonexistent/program", NULL }, *env[] = { NULL };
	struct stream_process_spec spec = { .argv = argv, .env = env, .idle_ms = 1000 };
	struct error err = ERROR_INIT;
	struct loop *loop = loop_new();
	assert_null(stream_process_start(loop, &spec, &ops, NULL, &err));
	assert_non_null(strstr(err.text, "/nonexistent/program"));
	loop_run(loop);
	loop_free(loop);
}

static void an_abandoned_one_calls_nobody(void **state)
{
	struct echo e = { 0 };
	const char *argv[] = { "sh", "-c", "exec sleep 60", NULL }, *env[] = { "PATH=/usr/bin:/bin", NULL };
	struct stream_process_spec spec = { .argv = argv, .env = env, .idle_ms = 60000 };
	struct loop *loop = loop_new();
	struct stream_process *p = stream_process_start(loop, &spec, &ops, &e, NULL);
	int64_t before = clock_mono_ms();
	assert_non_null(p);
	stream_process_abandon(p);
	loop_run(loop);
	loop_free(loop);
	assert_int_equal(e.done, 0);
	assert_true(clock_mono_ms() - before < 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_comes_back),
		cmocka_unit_test(a_slow_owner_holds_it_up),
		cmocka_unit_test(what_it_left_waits_for_the_owner),
		cmocka_unit_test(who_reads_nothing_is_fed_no_more),
		cmocka_unit_test(a_silent_one_is_ended),
		cmocka_unit_test(a_program_that_is_not_there),
		cmocka_unit_test(an_abandoned_one_calls_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
