/* process.c - deadline, overflow, cancel, input, environment, leftovers of the group, missing programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "io/process.h"

struct outcome {
	struct process_result result;
	struct buf out, err;
	int calls;
};

static struct loop *loop;

static void ended(void *arg, const struct process_result *r)
{
	struct outcome *o = arg;
	o->result = *r;
	buf_add_str(&o->out, r->out);
	buf_add_str(&o->err, r->err);
	o->calls++;
}

static int count_fds(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

static struct process_spec shell(const char *const argv[4])
{
	return (struct process_spec){
		.argv = argv, .output_max = 1000, .stderr_max = 10, .timeout_ms = 20000
	};
}

#define SHELL(text) ((const char *const[4]){ "sh", "-c", text, NULL })

static struct outcome run(const struct process_spec *spec)
{
	struct outcome o = { 0 };
	struct error err = ERROR_INIT;
	assert_non_null(process_start(loop, spec, ended, &o, &err));
	assert_int_equal(o.calls, 0);
	loop_run(loop);
	assert_int_equal(o.calls, 1);
	return o;
}

static void outcome_release(struct outcome *o)
{
	buf_release(&o->out);
	buf_release(&o->err);
}

static void output_and_exit_code(void **unused)
{
	struct process_spec spec = shell(SHELL("cat; echo $X; echo a-long-message >&2; exit 3"));
	spec.input = STR("in ");
	spec.env = (const char *const[]){ "X=1", "PATH=/bin:/usr/bin", NULL };
	struct outcome o = run(&spec);
	assert_int_equal(o.result.exit_code, 3);
	assert_int_equal(o.result.signal, 0);
	assert_string_equal(o.out.p, "in 1\n");
	assert_string_equal(o.err.p, "a-long-mes");
	outcome_release(&o);
}

static void the_deadline_ends_the_whole_group(void **unused)
{
	/* The grandchild ignores SIGTERM and holds the pipe. */
	struct process_spec spec = shell(SHELL("trap '' TERM; (trap '' TERM; sleep 60) & sleep 60"));
	spec.timeout_ms = 100;
	int64_t start = clock_mono_ms();
	struct outcome o = run(&spec);
	assert_true(o.result.timed_out);
	assert_int_equal(o.result.exit_code, -1);
	assert_int_equal(o.result.signal, SIGKILL);
	assert_true(clock_mono_ms() - start < PROCESS_KILL_AFTER_MS + 3000);
	outcome_release(&o);
}

static void too_much_output_ends_it(void **unused)
{
	struct process_spec spec = shell(SHELL("while :; do echo 0123456789012345678901234567890; done"));
	struct outcome o = run(&spec);
	assert_true(o.result.overflow);
	assert_false(o.result.timed_out);
	assert_int_equal(o.out.n, 1000);
	outcome_release(&o);
}

static void large_input_and_output(void **unused)
{
	struct buf input = BUF_INIT;
	for (int i = 0; i < 300000; i++)
		buf_addc(&input, (char)('a' + i % 26));
	struct process_spec spec = shell(SHELL("cat"));
	spec.input = buf_str(&input);
	spec.output_max = 1 << 20;
	struct outcome o = run(&spec);
	assert_int_equal(o.result.exit_code, 0);
	assert_int_equal(o.out.n, input.n);
	assert_memory_equal(o.out.p, input.p, input.n);
	outcome_release(&o);
	buf_release(&input);
}

static void what_it_leaves_behind_is_killed(void **unused)
{
	struct process_spec spec = shell(SHELL("sleep 60 & echo $!"));
	int64_t start = clock_mono_ms();
	struct outcome o = run(&spec);
	assert_int_equal(o.result.exit_code, 0);
	assert_true(clock_mono_ms() - start < 5000);
	int64_t pid;
	assert_true(str_int64(str_trim(buf_str(&o.out)), &pid));
	/* Init may not have reaped it yet; then it is a zombie, which signals still find. */
	for (int i = 0; i < 100 && kill((pid_t)pid, 0) == 0; i++) {
		char path[64], state = 0;
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		FILE *f = fopen(path, "r");
		if (!f)
			break;
		if (fscanf(f, "%*d %*s %c", &state) != 1)
			state = 'Z';
		fclose(f);
		if (state == 'Z' || state == 'X')
			break;
		usleep(10000);
		assert_true(i < 99);
	}
	outcome_release(&o);
}

static void a_cancelled_one_is_not_heard_of(void **unused)
{
	struct outcome o = { 0 };
	struct process_spec spec = shell(SHELL("sleep 60"));
	struct process *p = process_start(loop, &spec, ended, &o, NULL);
	int64_t start = clock_mono_ms();
	process_cancel(p);
	loop_run(loop);
	assert_int_equal(o.calls, 0);
	assert_true(clock_mono_ms() - start < 5000);
}

static void a_missing_program_is_an_error(void **unused)
{
	struct error err = ERROR_INIT;
	struct outcome o = { 0 };
	struct process_spec spec = shell((const char *const[4]){ "no-such-program", NULL });
	int fds = count_fds();
	assert_null(process_start(loop, &spec, ended, &o, &err));
	assert_string_equal(err.text, "no-such-program: no such file or directory");
	loop_run(loop);
	assert_int_equal(o.calls, 0);
	assert_int_equal(count_fds(), fds);
}

static void no_descriptor_is_inherited(void **unused)
{
	struct process_spec spec = shell(SHELL("ls /proc/self/fd | wc -l"));
	struct outcome o = run(&spec);
	assert_string_equal(o.out.p, "4\n"); /* the three, and the one that lists */
	outcome_release(&o);
}

static void the_loop_ends_what_still_runs(void **unused)
{
	struct loop *other = loop_new();
	struct outcome o = { 0 };
	struct process_spec spec = shell(SHELL("sleep 60"));
	assert_non_null(process_start(other, &spec, ended, &o, NULL));
	loop_free(other);
	assert_int_equal(o.calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_exit_code),
		cmocka_unit_test(the_deadline_ends_the_whole_group),
		cmocka_unit_test(too_much_output_ends_it),
		cmocka_unit_test(large_input_and_output),
		cmocka_unit_test(what_it_leaves_behind_is_killed),
		cmocka_unit_test(a_cancelled_one_is_not_heard_of),
		cmocka_unit_test(a_missing_program_is_an_error),
		cmocka_unit_test(no_descriptor_is_inherited),
		cmocka_unit_test(the_loop_ends_what_still_runs),
	};
	loop = loop_new();
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	loop_free(loop);
	return rc;
}
