/* loop.c - order of deferred calls, timers that free themselves, jobs that outlive the loop's run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <signal.h>
#include <unistd.h>

#include "io/loop.h"

struct state {
	struct loop *loop;
	struct loop_timer *timer;
	char order[16];
	int n;
};

static void note(struct state *s, char c)
{
	s->order[s->n++] = c;
}

static void note_b(void *arg)
{
	note(arg, 'b');
}

static void note_a_then_defer(void *arg)
{
	struct state *s = arg;
	note(s, 'a');
	loop_defer(s->loop, note_b, s);
	note(s, '.');
}

static void deferred_calls_keep_their_order(void **unused)
{
	struct state s = { .loop = loop_new() };
	loop_defer(s.loop, note_a_then_defer, &s);
	loop_defer(s.loop, note_b, &s);
	assert_int_equal(s.n, 0);
	loop_run(s.loop);
	assert_string_equal(s.order, "a.bb");
	loop_free(s.loop);
}

static void fired(void *arg)
{
	struct state *s = arg;
	note(s, 't');
	loop_timer_free(s->timer);
	s->timer = NULL;
}

static void a_timer_fires_once_and_may_free_itself(void **unused)
{
	struct state s = { .loop = loop_new() };
	s.timer = loop_timer_new(s.loop, fired, &s);
	assert_false(loop_timer_armed(s.timer));
	loop_timer_set(s.timer, 100000);
	loop_timer_set(s.timer, 1);
	assert_true(loop_timer_armed(s.timer));
	loop_run(s.loop);
	assert_string_equal(s.order, "t");
	loop_free(s.loop);
}

static void what_is_open_is_closed_with_the_loop(void **unused)
{
	struct state s = { .loop = loop_new() };
	loop_timer_set(loop_timer_new(s.loop, fired, &s), 100000);
	loop_timer_new(s.loop, fired, &s);
	loop_defer(s.loop, note_b, &s);
	loop_free(s.loop);
	assert_int_equal(s.n, 0);
}

static void work(void *arg)
{
	usleep(20000);
	note(arg, 'w');
}

static void worked(void *arg)
{
	struct state *s = arg;
	note(s, 'd');
	loop_stop(s->loop);
}

static void jobs_come_back(void **unused)
{
	struct state s = { .loop = loop_new() };
	loop_work(s.loop, work, worked, &s);
	loop_run(s.loop);
	assert_string_equal(s.order, "wd");
	loop_work(s.loop, work, worked, &s);
	loop_free(s.loop); /* waits */
	assert_string_equal(s.order, "wdwd");
}

static void signalled(void *arg)
{
	struct state *s = arg;
	note(s, 's');
	loop_stop(s->loop);
}

static void raise_it(void *arg)
{
	raise(SIGUSR1);
}

static void keep(void *arg)
{
}

static void signals_arrive_on_the_loop(void **unused)
{
	struct state s = { .loop = loop_new() };
	struct error err = ERROR_INIT;
	assert_int_equal(loop_signal(s.loop, SIGUSR1, signalled, &s, &err), 0);
	assert_int_equal(loop_signal(s.loop, 9999, signalled, &s, &err), -1);
	loop_defer(s.loop, raise_it, NULL);
	loop_timer_set(loop_timer_new(s.loop, keep, NULL), 5000);
	loop_run(s.loop);
	assert_string_equal(s.order, "s");
	loop_free(s.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deferred_calls_keep_their_order),
		cmocka_unit_test(a_timer_fires_once_and_may_free_itself),
		cmocka_unit_test(what_is_open_is_closed_with_the_loop),
		cmocka_unit_test(jobs_come_back),
		cmocka_unit_test(signals_arrive_on_the_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
