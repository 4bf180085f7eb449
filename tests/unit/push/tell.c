/* What the pusher sees: aligned, safe, and never in the way of the push. */
#include "unit/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "push/tell.h"

struct told {
	struct buf log;
	int fds[2];
	struct tell *tell;
};

static void on_line(void *ctx, struct str line)
{
	struct told *t = ctx;
	buf_add_str(&t->log, line);
	buf_addc(&t->log, '\n');
}

static int setup(void **state)
{
	struct told *t = mem_alloc(sizeof(*t));
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(t->fds), 0);
	t->tell = tell_new(t->fds[1], on_line, t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct told *t = *state;
	tell_free(t->tell);
	close(t->fds[0]);
	close(t->fds[1]);
	buf_release(&t->log);
	free(t);
	return 0;
}

static struct str received(struct told *t, char out[4096])
{
	ssize_t n = read(t->fds[0], out, 4096);
	return (struct str){ out, n > 0 ? (size_t)n : 0 };
}

static void steps_are_aligned(void **state)
{
	struct told *t = *state;
	char got[4096];
	tell_step(t->tell, "check", "prod: %d objects", 42);
	tell_step(t->tell, "deliver", "prod: App shop/web");
	tell_more(t->tell, "below");
	struct str rest = received(t, got), first = str_cut(rest, '\n', &rest),
		   second = str_cut(rest, '\n', &rest), third = str_cut(rest, '\n', &rest);
	const char *text = memmem(first.p, first.n, "prod", 4), *more = memmem(second.p, second.n, "prod", 4);
	assert_true(str_starts(first, STR("  check ")));
	assert_non_null(text);
	assert_non_null(more);
	assert_int_equal(text - first.p, more - second.p);
	assert_int_equal((const char *)memmem(third.p, third.n, "below", 5) - third.p, text - first.p);
	assert_memory_equal(t->log.p, got, t->log.n);
}

static void the_same_is_told_once(void **state)
{
	struct told *t = *state;
	tell_step(t->tell, "watch", "waiting");
	size_t n = t->log.n;
	tell_step(t->tell, "watch", "waiting");
	assert_int_equal(t->log.n, n);
	tell_step(t->tell, "build", "waiting");
	assert_true(t->log.n > n);
}

static void words_begin_a_line_and_further_lines_are_indented(void **state)
{
	struct told *t = *state;
	tell_word(t->tell, "error", "first\nsecond");
	assert_string_equal(t->log.p, "error: first\n  second\n");
}

static void nothing_moves_a_cursor(void **state)
{
	struct told *t = *state;
	tell_more(t->tell, "a\x1b[31m\rb\x7f\xc2\x9b"
			   "31m\tc\xc3\xa9");
	for (size_t i = 0; i + 1 < t->log.n; i++)
		assert_true((unsigned char)t->log.p[i] >= ' ' && (unsigned char)t->log.p[i] != 0x7f);
	assert_non_null(strstr(t->log.p, "\\x1b[31m\\x0db\\x7f\\x9b31m c\xc3\xa9"));
}

static void a_long_line_is_cut(void **state)
{
	struct told *t = *state;
	cleanup_buf struct buf text = BUF_INIT;
	for (unsigned i = 0; i < 3 * TELL_LINE_MAX; i++)
		buf_addc(&text, 'x');
	tell_plain(t->tell, buf_str(&text));
	assert_int_equal(t->log.n, TELL_LINE_MAX + 4);
	assert_string_equal(t->log.p + TELL_LINE_MAX, "...\n");
}

static void a_pusher_who_is_gone_ends_nothing(void **state)
{
	struct told *t = *state;
	close(t->fds[0]);
	tell_step(t->tell, "watch", "one");
	tell_step(t->tell, "watch", "two");
	assert_non_null(strstr(t->log.p, "two"));
	t->fds[0] = -1;
}

static void a_pusher_who_does_not_read_holds_up_once(void **state)
{
	struct told *t = *state;
	char line[1024];
	memset(line, 'x', sizeof(line));
	int64_t began = clock_mono_ms();
	/* More than any pipe takes. */
	for (unsigned i = 0; i < 4096; i++)
		tell_plain(t->tell, (struct str){ line, sizeof(line) });
	int64_t took = clock_mono_ms() - began;
	assert_true(took >= TELL_STALL_MS - 100 && took < 3 * TELL_STALL_MS);
	assert_int_equal(t->log.n, 4096 * (sizeof(line) + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(steps_are_aligned, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_is_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(words_begin_a_line_and_further_lines_are_indented, setup,
						teardown),
		cmocka_unit_test_setup_teardown(nothing_moves_a_cursor, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_line_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pusher_who_is_gone_ends_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pusher_who_does_not_read_holds_up_once, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
