/*
 * confine.c - programs that behave badly, at each level of what a machine may offer, as root and as an
 * ordinary account: each ends in time and in words, and leaves no process, mount, file or open file behind.
 *
 *     unit-io-confine HELPER LEVEL ACCOUNT       LEVEL: root, spaces, bare; ACCOUNT: root, ordinary, closed
 *
 * "closed" is root of a user namespace that may make no other: what the other levels are told to leave out is
 * refused there by the kernel.
 *
 * A level or account that cannot be had here is a skipped test (77) that says so.
 */
#include "unit/cmocka_all.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "io/confine.h"
#include "io/file.h"

enum { ORDINARY = 65534, SKIPPED = 77 };

#define SECRET "CAPSTAN_TEST_SECRET=do-not-tell"
#define MIB (1ull << 20)

static char place[64], helper[128], scratch[128];
static unsigned without;
static bool bare, own_root;
static struct confine_report machine;

struct outcome {
	struct confine_result result;
	struct error err;
	const char *out; /* "" and not NULL */
	const char *stderr_text;
	int rc, verdict;
};

/* What must be as before after each run. */
struct traces {
	int files, fds, processes, mounts;
};

static int entries(const char *path)
{
	int n = 0;
	DIR *d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* Processes of the helper, of any account: by their name. */
static int helper_processes(void)
{
	int n = 0;
	DIR *d = opendir("/proc");
	const struct dirent *e;
	while (d && (e = readdir(d))) {
		char path[300];
		cleanup_buf struct buf name = BUF_INIT;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		if (e->d_name[0] < '0' || e->d_name[0] > '9' || file_read(path, 64, &name, NULL) != 0)
			continue;
		n += str_is(str_trim(buf_str(&name)), strrchr(helper, '/') + 1);
	}
	if (d)
		closedir(d);
	return n;
}

/* Others on this machine may mount what they like. */
static int own_mounts(void)
{
	int n = 0;
	cleanup_buf struct buf text = BUF_INIT;
	assert_int_equal(file_read("/proc/self/mounts", 1 << 20, &text, NULL), 0);
	struct str rest = buf_str(&text);
	while (rest.n) {
		struct str line = str_cut(rest, '\n', &rest);
		n += memmem(line.p, line.n, place, strlen(place)) || memmem(line.p, line.n, "/render", 7);
	}
	return n;
}

static void take_traces(struct traces *t)
{
	*t = (struct traces){ .files = entries(scratch), .fds = entries("/proc/self/fd") };
	t->processes = helper_processes();
	t->mounts = own_mounts();
}

static void assert_no_traces(const struct traces *before)
{
	struct traces after;
	take_traces(&after);
	assert_int_equal(after.files, before->files);
	assert_int_equal(after.fds, before->fds);
	assert_int_equal(after.processes, before->processes);
	assert_int_equal(after.mounts, before->mounts);
}

static void add_defaults(struct confine_spec *spec)
{
	spec->scratch = scratch;
	spec->without |= without;
	spec->policy = CONFINE_TOLERATE;
	spec->timeout_ms = spec->timeout_ms ? spec->timeout_ms : 20000;
}

static struct outcome run(struct confine_spec spec)
{
	struct outcome o = { .err = ERROR_INIT };
	struct traces before;
	take_traces(&before);
	add_defaults(&spec);
	o.rc = confine_run(&spec, &o.result, &o.err);
	if (o.rc == 0)
		o.verdict = confine_verdict(&spec, &o.result, &o.err);
	o.out = o.result.out.p ? o.result.out.p : "";
	o.stderr_text = o.result.err.p ? o.result.err.p : "";
	assert_no_traces(&before);
	/* What is said to hold must be what the test believes; a very short deadline comes before it is said.
	 */
	if (o.rc == 0 && o.result.report.held) {
		assert_int_equal(!!(o.result.report.held & 1u << CONFINE_PID), !bare);
		assert_int_equal(!!(o.result.report.held & 1u << CONFINE_ROOT), own_root);
	}
	return o;
}

#define ARGV(...) ((const char *const[]){ helper, __VA_ARGS__, NULL })
#define RUN(argv_, ...) run((struct confine_spec){ .argv = (argv_), __VA_ARGS__ })

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in: %s", part, text);
}

static void done(struct outcome *o)
{
	confine_result_release(&o->result);
}

static bool holds(enum confine_layer layer)
{
	return machine.held & 1u << layer;
}

/* A test that needs a layer says which is missing. */
#define NEED(layer)                                                                                \
	do {                                                                                       \
		if (!holds(layer)) {                                                               \
			print_message("[ !!!! ] NOT TESTED: %s is missing on this machine (%s)\n", \
				      confine_layer_name(layer), strerror(machine.why[layer]));    \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

static void runs_in_its_directory(void **state)
{
	const struct confine_file files[] = {
		{ "app/run.sh", STR("#!/bin/sh\ncat lib/x; cat ../y; pwd; echo out > new; cat new; cat\n"),
		  true },
		{ "app/lib/x", STR("x\n"), false },
		{ "y", STR("y\n"), false },
	};
	const char *const argv[] = { "./run.sh", NULL };
	struct outcome o = RUN(argv, .files = files, .n_files = 3, .dir = "app", .input = STR("in\n"));
	assert_string_equal(o.err.text, "");
	assert_int_equal(o.verdict, 0);
	assert_string_equal(o.stderr_text, "");
	assert_true(strncmp(o.out, "x\ny\n/", 5) == 0);
	assert_contains(o.out, "/tree/app\nout\nin\n");
	done(&o);
}

static void success_leaves_the_error_alone(void **state)
{
	struct confine_result result;
	struct error err = { "as it was" };
	struct confine_spec spec = { .argv = ARGV("env") };
	add_defaults(&spec);
	assert_int_equal(confine_run(&spec, &result, &err), 0);
	assert_string_equal(err.text, "as it was");
	confine_result_release(&result);
}

static void finds_programs_in_path(void **state)
{
	const char *const argv[] = { "sh", "-c", "echo hi; echo no >&2; exit 3", NULL };
	struct outcome o = RUN(argv, 0);
	assert_int_equal(o.rc, 0);
	assert_string_equal(o.out, "hi\n");
	assert_string_equal(o.stderr_text, "no\n");
	assert_string_equal(o.err.text, "sh: exit code 3");
	done(&o);
	const char *const missing[] = { "capstan-no-such-program", NULL };
	o = RUN(missing, 0);
	assert_int_equal(o.rc, -1);
	assert_contains(o.err.text, "there is no such program in PATH");
	done(&o);
}

static void says_why_a_program_cannot_be_run(void **state)
{
	const struct confine_file files[] = {
		{ "plain", STR("#!/bin/sh\n"), false },
		{ "strange", STR("#!/no/such/interpreter\n"), true },
	};
	const char *const plain[] = { "./plain", NULL }, *const strange[] = { "./strange", NULL };
	const char *const absent[] = { "./absent", NULL };
	struct outcome o = RUN(plain, .files = files, .n_files = 2);
	assert_int_equal(o.rc, -1);
	assert_contains(o.err.text, "it is not executable");
	done(&o);
	o = RUN(strange, .files = files, .n_files = 2);
	assert_int_equal(o.rc, -1);
	assert_contains(o.err.text, "interpreter");
	done(&o);
	o = RUN(absent, .files = files, .n_files = 2);
	assert_int_equal(o.rc, -1);
	assert_contains(o.err.text, "./absent");
	done(&o);
}

static void refuses_bad_specs(void **state)
{
	static const char *const paths[] = { "", "/etc/x", "a/../b", "..", "a//b", "./a", "a/" };
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct confine_file file = { paths[i], STR("x"), false };
		struct outcome o = RUN(ARGV("env"), .files = &file, .n_files = 1);
		assert_int_equal(o.rc, -1);
		assert_contains(o.err.text, "not a path for a copy of the tree");
		done(&o);
	}
	const struct confine_file twice[] = { { "a", STR("x"), false }, { "a/b", STR("y"), false } };
	struct outcome o = RUN(ARGV("env"), .files = twice, .n_files = 2);
	assert_int_equal(o.rc, -1);
	assert_contains(o.err.text, "a/b: in the copy of the tree");
	done(&o);
	o = RUN(ARGV("env"), .env = (const char *const[]){ "=x", NULL });
	assert_int_equal(o.rc, -1);
	done(&o);
	o = RUN(ARGV("env"), .show = (const char *const[]){ "/proc/self", NULL });
	assert_int_equal(o.rc, -1);
	assert_contains(o.err.text, "may not be shown");
	done(&o);
}

static void environment_is_clean(void **state)
{
	struct outcome o =
		RUN(ARGV("env"), .env = (const char *const[]){ "REGION=us", "REGION=eu", "LANG=C", NULL });
	assert_int_equal(o.verdict, 0);
	assert_lacks(o.out, "SECRET");
	assert_contains(o.out, "REGION=eu\n");
	assert_contains(o.out, "LANG=C\n");
	assert_lacks(o.out, "LANG=C.UTF-8");
	assert_contains(o.out, "PATH=/");
	assert_contains(o.out, "HOME=/");
	int lines = 0;
	for (const char *p = o.out; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 5); /* and TMPDIR */
	done(&o);
}

static void fork_bomb_is_bounded(void **state)
{
	NEED(CONFINE_PIDS_CAPPED);
	struct outcome o = RUN(ARGV("fork"), .timeout_ms = 1500, .pids_max = 24, .cpu_ms = 60000);
	assert_int_equal(o.rc, 0);
	assert_true(o.result.end == CONFINE_TIMED_OUT || o.result.end == CONFINE_OVER_PIDS);
	assert_true(o.result.wall_ms < 15000);
	done(&o);
	o = RUN(ARGV("fork"), .timeout_ms = 500, .pids_max = 24, .without = 1u << CONFINE_FILTER);
	assert_int_equal(o.rc, 0);
	done(&o);
}

static void full_disk_stops_there(void **state)
{
	struct outcome o = RUN(ARGV("disk"), .disk_bytes = 4 * MIB);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.verdict, -1);
	assert_true(o.result.disk_full);
	if (own_root) { /* the program is told, and ends by itself */
		assert_int_equal(o.result.exit_code, 3);
		assert_string_equal(o.out, "64 blocks: No space left on device\n");
		assert_contains(o.err.text, "its directory was full");
	} else {
		assert_int_equal(o.result.end, CONFINE_OVER_DISK);
	}
	done(&o);
}

static void countless_files_stop_there(void **state)
{
	struct outcome o = RUN(ARGV("entries"), .disk_bytes = 1 * MIB);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.verdict, -1);
	assert_true(o.result.disk_full);
	done(&o);
}

static void deep_directories_leave_nothing(void **state)
{
	struct outcome o = RUN(ARGV("deep"), 0);
	assert_int_equal(o.rc, 0);
	if (!own_root)
		assert_int_equal(o.result.end, CONFINE_OVER_DISK);
	done(&o);
}

static void deadline_ends_the_deaf(void **state)
{
	struct outcome o = RUN(ARGV("sleep"), .timeout_ms = 300);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.result.end, CONFINE_TIMED_OUT);
	assert_contains(o.err.text, "did not end within 300 ms");
	assert_true(o.result.wall_ms >= 300 && o.result.wall_ms < 10000);
	done(&o);
}

static void processor_time_is_capped(void **state)
{
	NEED(CONFINE_WATCH);
	struct outcome o = RUN(ARGV("spin"), .cpu_ms = 400);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.result.end, CONFINE_OVER_CPU);
	assert_true(o.result.cpu_ms < 5000);
	done(&o);
}

static void memory_is_capped(void **state)
{
	struct outcome o = RUN(ARGV("memory"), .memory_bytes = 48 * MIB);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.verdict, -1);
	if (o.result.end == CONFINE_EXITED) /* RLIMIT_DATA */
		assert_contains(o.out, "Cannot allocate memory");
	else
		assert_int_equal(o.result.end, CONFINE_OVER_MEMORY);
	done(&o);
}

static void memory_of_all_processes_is_capped(void **state)
{
	NEED(CONFINE_WATCH);
	struct outcome o = RUN(ARGV("memory-many", "40"), .memory_bytes = 64 * MIB);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.result.end, CONFINE_OVER_MEMORY);
	assert_contains(o.err.text, "used more than 64 MiB of memory");
	done(&o);
	o = RUN(ARGV("memory-shared"), .memory_bytes = 48 * MIB);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.result.end, CONFINE_OVER_MEMORY);
	done(&o);
}

/* With nobody who watches: what is over the cap is the kernel's to end. */
static void memory_is_capped_by_the_kernel(void **state)
{
	NEED(CONFINE_MEMORY);
	const unsigned unwatched = 1u << CONFINE_WATCH;
	struct outcome o =
		RUN(ARGV("memory-shared"), .memory_bytes = 48 * MIB, .disk_bytes = MIB, .without = unwatched);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.result.end, CONFINE_OVER_MEMORY);
	assert_contains(o.err.text, "used more than 48 MiB of memory");
	assert_false(o.result.report.held & unwatched);
	done(&o);
	/* Each stays below the cap, all together do not. */
	o = RUN(ARGV("memory-together", "40"), .memory_bytes = 64 * MIB, .disk_bytes = MIB,
		.without = unwatched);
	assert_int_equal(o.rc, 0);
	assert_contains(o.out, "one was killed");
	done(&o);
	/* And what fits is left alone. */
	o = RUN(ARGV("memory-together", "1"), .memory_bytes = 64 * MIB, .timeout_ms = 1000);
	assert_int_equal(o.result.end, CONFINE_TIMED_OUT);
	assert_lacks(o.out, "killed");
	done(&o);
}

static void output_is_capped(void **state)
{
	struct outcome o = RUN(ARGV("print"), .output_max = 1000000);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.result.end, CONFINE_OVER_OUTPUT);
	assert_int_equal(o.result.out.n, 1000000);
	assert_contains(o.err.text, "printed more than 1 MiB");
	done(&o);
}

static void tail_of_stderr_is_kept(void **state)
{
	struct outcome o = RUN(ARGV("complain"), .stderr_max = 1000);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.result.exit_code, 4);
	assert_int_equal(o.result.err.n, 1000);
	assert_contains(o.stderr_text, "line 99999\n");
	assert_int_equal(o.result.err_total, 10 * 7 + 90 * 8 + 900 * 9 + 9000 * 10 + 90000 * 11);
	done(&o);
}

static void files_outside_are_closed(void **state)
{
	char outside[160], path[200];
	snprintf(outside, sizeof(outside), "%s/outside", place);
	snprintf(path, sizeof(path), "%s/written", place);
	int fd = open(outside, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0 && write(fd, "secret", 6) == 6);
	close(fd);
	if (!holds(CONFINE_LANDLOCK))
		NEED(CONFINE_ROOT);
	struct outcome o =
		RUN(ARGV("read", "/etc/shadow", outside, "/etc/hostname", "/proc/kcore", "/dev/mem"), 0);
	assert_int_equal(o.rc, 0);
	assert_contains(o.out, "/etc/shadow: ");
	assert_lacks(o.out, "!");
	done(&o);
	o = RUN(ARGV("list", "/root", "/home", scratch, "/var/lib"), 0);
	assert_int_equal(o.verdict, 0);
	assert_string_equal(o.out, "");
	done(&o);
	o = RUN(ARGV("write", "/usr/bin/x", "/bin/sh", "/etc/passwd", "/dev/sda", "/x",
		     "/proc/sys/kernel/core_pattern"),
		0);
	assert_int_equal(o.verdict, 0);
	assert_lacks(o.out, "!");
	done(&o);
	/* With a root of its own these are in a /tmp of its own. */
	o = RUN(ARGV("write", path, outside), 0);
	assert_int_equal(o.verdict, 0);
	if (!own_root)
		assert_lacks(o.out, "!");
	done(&o);
	assert_int_not_equal(access(path, F_OK), 0);
	cleanup_buf struct buf text = BUF_INIT;
	assert_int_equal(file_read(outside, 100, &text, NULL), 0);
	assert_string_equal(text.p, "secret");
	unlink(outside);
}

static void shown_paths_can_be_read(void **state)
{
	char shown[160];
	snprintf(shown, sizeof(shown), "%s/shown", place);
	int fd = open(shown, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0 && write(fd, "hello", 5) == 5);
	close(fd);
	struct outcome o = RUN(ARGV("echo", shown), .show = (const char *const[]){ shown, NULL });
	assert_int_equal(o.verdict, 0);
	assert_string_equal(o.out, "hello");
	done(&o);
	o = RUN(ARGV("write", shown), .show = (const char *const[]){ shown, NULL });
	assert_int_equal(o.verdict, 0);
	if (own_root || holds(CONFINE_LANDLOCK))
		assert_lacks(o.out, "!");
	done(&o);
	unlink(shown);
}

static int listen_on(int family, const struct sockaddr *address, socklen_t n)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, address, n), 0);
	assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static void network_is_closed(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX }, abstract = { .sun_family = AF_UNIX };
	socklen_t n = sizeof(in);
	char port[16];
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/socket", place);
	snprintf(abstract.sun_path + 1, sizeof(abstract.sun_path) - 1, "%s", un.sun_path + 1);
	int fds[3] = {
		listen_on(AF_INET, (struct sockaddr *)&in, sizeof(in)),
		listen_on(AF_UNIX, (struct sockaddr *)&un, sizeof(un)),
		listen_on(AF_UNIX, (struct sockaddr *)&abstract,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(un.sun_path))),
	};
	chmod(un.sun_path, 0777);
	getsockname(fds[0], (struct sockaddr *)&in, &n);
	snprintf(port, sizeof(port), "%d", ntohs(in.sin_port));
	struct outcome o = RUN(ARGV("connect", port, un.sun_path), 0);
	assert_int_equal(o.verdict, 0);
	assert_contains(o.out, "tcp: ");
	assert_contains(o.out, "\npair\n");
	if (holds(CONFINE_FILTER) || !bare)
		assert_lacks(o.out, "!");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(accept(fds[i], NULL, NULL), -1);
		close(fds[i]);
	}
	unlink(un.sun_path);
	done(&o);
}

static void nobody_else_is_signalled(void **state)
{
	char caller[16];
	snprintf(caller, sizeof(caller), "%d", (int)getpid());
	struct outcome o = RUN(ARGV("kill", caller), 0);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.result.end, CONFINE_EXITED);
	assert_contains(o.out, "still here");
	assert_lacks(o.out, "!");
	done(&o);
	o = RUN(ARGV("limits", caller), 0);
	assert_int_equal(o.verdict, 0);
	assert_lacks(o.out, "!");
	done(&o);
}

static void processes_of_others_are_closed(void **state)
{
	char caller[16];
	snprintf(caller, sizeof(caller), "%d", (int)getpid());
	struct outcome o = RUN(ARGV("proc", caller), 0);
	assert_int_equal(o.verdict, 0);
	assert_string_equal(o.out, "looked\n");
	done(&o);
}

static void daemons_end_with_it(void **state)
{
	struct outcome o = RUN(ARGV("daemon"), 0);
	assert_int_equal(o.rc, 0);
	assert_int_equal(o.result.end, CONFINE_EXITED);
	assert_true(o.result.wall_ms < 10000);
	done(&o);
	o = RUN(ARGV("daemon"), .without = 1u << CONFINE_FILTER); /* it can leave its group */
	assert_int_equal(o.rc, 0);
	assert_true(o.result.wall_ms < 10000);
	done(&o);
}

static void dangerous_calls_are_denied(void **state)
{
	NEED(CONFINE_FILTER);
	/* Without namespaces an ordinary account may not shrink its bounding set; it has nothing to gain by
	 * it. */
	bool shrinks = !bare || geteuid() == 0;
	struct outcome o = RUN(ARGV("calls", shrinks ? "bounding" : "not"), 0);
	assert_int_equal(o.verdict, 0);
	assert_contains(o.out, "clone without flags: works\n");
	assert_lacks(o.out, "!");
	done(&o);
}

static void nothing_is_inherited(void **state)
{
	int open_fd = open("/dev/null", O_RDONLY); /* without close-on-exec */
	struct outcome o = RUN(ARGV("fds"), 0);
	close(open_fd);
	assert_int_equal(o.verdict, 0);
	assert_string_equal(o.out, "0\n1\n2\n");
	done(&o);
}

static void large_input_and_output_pass(void **state)
{
	struct buf text = BUF_INIT;
	for (int i = 0; i < 300000; i++)
		buf_printf(&text, "%d\n", i);
	struct outcome o = RUN(ARGV("echo"), .input = buf_str(&text));
	assert_int_equal(o.verdict, 0);
	assert_true(str_eq(buf_str(&o.result.out), buf_str(&text)));
	done(&o);
	buf_release(&text);
}

static void policy_refuses_what_is_too_little(void **state)
{
	struct confine_result result;
	struct error err = ERROR_INIT;
	struct confine_spec spec = { .argv = ARGV("env") };
	add_defaults(&spec);
	spec.policy = CONFINE_REQUIRE;
	spec.without = 1u << CONFINE_PID | 1u << CONFINE_LANDLOCK;
	assert_int_equal(confine_run(&spec, &result, &err), -1);
	assert_contains(err.text, "not run, because too little would confine it");
	assert_contains(err.text, "missing: ");
	assert_int_equal(result.out.n, 0);
	confine_result_release(&result);
}

static void *run_many(void *arg)
{
	for (int i = 0; i < 6; i++) {
		struct confine_result result;
		struct confine_spec spec = { .argv = ARGV("echo"), .input = STR("hello") };
		add_defaults(&spec);
		if (confine_run(&spec, &result, NULL) != 0 || result.out.n != 5)
			*(int *)arg += 1;
		confine_result_release(&result);
	}
	return NULL;
}

static void threads_run_at_the_same_time(void **state)
{
	pthread_t threads[4];
	int failures[4] = { 0 };
	struct traces before;
	take_traces(&before);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, run_many, &failures[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(failures[i], 0);
	}
	assert_no_traces(&before);
}

/* A process of ours that is killed while its program runs: all ends, and the next start cleans up. */
static void ends_with_the_caller(int signum)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct confine_result result;
		struct confine_spec spec = { .argv = ARGV("memory-many", "1"), .memory_bytes = 512 * MIB };
		add_defaults(&spec);
		signal(SIGTERM, SIG_DFL);
		confine_run(&spec, &result, NULL);
		_exit(0);
	}
	for (int i = 0; i < 1000 && helper_processes() < 9; i++)
		usleep(10000);
	assert_int_equal(helper_processes(), 9);
	kill(pid, signum);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 500 && helper_processes() > 0; i++)
		usleep(10000);
	assert_int_equal(helper_processes(), 0);
	assert_int_equal(entries(scratch), own_root ? 2 : 3);
	confine_sweep(scratch);
	assert_int_equal(entries(scratch), 2);
}

static void everything_ends_with_the_caller(void **state)
{
	ends_with_the_caller(SIGTERM);
	ends_with_the_caller(SIGKILL);
}

static void sweep_leaves_what_is_held(void **state)
{
	if (own_root)
		skip(); /* there are no directories */
	pid_t pid = fork();
	if (pid == 0) {
		struct confine_result result;
		struct confine_spec spec = { .argv = ARGV("sleep"), .timeout_ms = 1000 };
		add_defaults(&spec);
		_exit(confine_run(&spec, &result, NULL) == 0 && result.end == CONFINE_TIMED_OUT ? 0 : 1);
	}
	for (int i = 0; i < 500 && helper_processes() == 0; i++)
		usleep(10000);
	confine_sweep(scratch);
	assert_int_equal(entries(scratch), 3);
	int status;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(entries(scratch), 2);
}

static void copy_helper(const char *from)
{
	cleanup_buf struct buf bytes = BUF_INIT;
	struct error err = ERROR_INIT;
	if (file_read(from, 16 << 20, &bytes, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	snprintf(place, sizeof(place), "/tmp/capstan-test-confine-XXXXXX");
	if (!mkdtemp(place) || chmod(place, 0755) < 0)
		exit(1);
	snprintf(helper, sizeof(helper), "%s/cfh%d", place, (int)getpid());
	snprintf(scratch, sizeof(scratch), "%s/scratch", place);
	int fd = open(helper, O_WRONLY | O_CREAT | O_EXCL, 0755);
	if (fd < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n || close(fd) < 0 ||
	    mkdir(scratch, 0755) < 0)
		exit(1);
}

static int become_ordinary(void)
{
	if (geteuid() != 0)
		return 0;
	if (chown(place, ORDINARY, ORDINARY) < 0 || chown(scratch, ORDINARY, ORDINARY) < 0 ||
	    setgroups(0, NULL) < 0 || setresgid(ORDINARY, ORDINARY, ORDINARY) < 0 ||
	    setresuid(ORDINARY, ORDINARY, ORDINARY) < 0)
		return -1;
	return prctl(PR_SET_DUMPABLE, 1); /* lost by the change; an ordinary process has it */
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return good;
}

static int become_closed(void)
{
	char map[32];
	snprintf(map, sizeof(map), "0 %d 1", (int)geteuid());
	if (unshare(CLONE_NEWUSER) < 0 || !write_text("/proc/self/setgroups", "deny") ||
	    !write_text("/proc/self/uid_map", map) ||
	    !write_text("/proc/sys/user/max_user_namespaces", "0")) {
		fprintf(stderr, "NOT TESTED: a user namespace that is closed: %s\n", strerror(errno));
		return SKIPPED;
	}
	without = 0;
	return 0;
}

static int become(const char *account)
{
	if (strcmp(account, "ordinary") == 0)
		return become_ordinary() < 0;
	return strcmp(account, "closed") == 0 ? become_closed() : 0;
}

static void set_level(const char *level)
{
	own_root = strcmp(level, "root") == 0;
	bare = strcmp(level, "bare") == 0;
	if (!own_root)
		without |= 1u << CONFINE_ROOT;
	if (bare)
		without |= 1u << CONFINE_PID;
}

/* Says what this machine has; false: not even the level can be had. */
static bool look_at_machine(const char *level)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct confine_result result;
	struct error err = ERROR_INIT;
	struct confine_spec spec = { .argv = ARGV("env") };
	add_defaults(&spec);
	if (confine_run(&spec, &result, &err) != 0)
		fprintf(stderr, "%s\n", err.text);
	machine = result.report;
	confine_result_release(&result);
	confine_report_text(&machine, &text);
	fprintf(stderr, "as uid %d: %s\n", (int)geteuid(), text.p);
	enum confine_layer decides = own_root ? CONFINE_ROOT : CONFINE_PID;
	if (bare || holds(decides))
		return true;
	fprintf(stderr, "NOT TESTED: %s is missing on this machine (%s)\n", confine_layer_name(decides),
		strerror(machine.why[decides]));
	return false;
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_in_its_directory),
		cmocka_unit_test(success_leaves_the_error_alone),
		cmocka_unit_test(finds_programs_in_path),
		cmocka_unit_test(says_why_a_program_cannot_be_run),
		cmocka_unit_test(refuses_bad_specs),
		cmocka_unit_test(environment_is_clean),
		cmocka_unit_test(fork_bomb_is_bounded),
		cmocka_unit_test(full_disk_stops_there),
		cmocka_unit_test(countless_files_stop_there),
		cmocka_unit_test(deep_directories_leave_nothing),
		cmocka_unit_test(deadline_ends_the_deaf),
		cmocka_unit_test(processor_time_is_capped),
		cmocka_unit_test(memory_is_capped),
		cmocka_unit_test(memory_of_all_processes_is_capped),
		cmocka_unit_test(memory_is_capped_by_the_kernel),
		cmocka_unit_test(output_is_capped),
		cmocka_unit_test(tail_of_stderr_is_kept),
		cmocka_unit_test(files_outside_are_closed),
		cmocka_unit_test(shown_paths_can_be_read),
		cmocka_unit_test(network_is_closed),
		cmocka_unit_test(nobody_else_is_signalled),
		cmocka_unit_test(processes_of_others_are_closed),
		cmocka_unit_test(daemons_end_with_it),
		cmocka_unit_test(dangerous_calls_are_denied),
		cmocka_unit_test(nothing_is_inherited),
		cmocka_unit_test(large_input_and_output_pass),
		cmocka_unit_test(policy_refuses_what_is_too_little),
		cmocka_unit_test(threads_run_at_the_same_time),
		cmocka_unit_test(everything_ends_with_the_caller),
		cmocka_unit_test(sweep_leaves_what_is_held),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	const char *preload = getenv("LD_PRELOAD");
	if (argc < 4)
		return 1;
	if (preload && strstr(preload, "vgpreload")) {
		fprintf(stderr,
			"NOT TESTED: valgrind knows neither the child's system calls nor a failing execve()\n");
		return SKIPPED;
	}
	if (strcmp(argv[3], "root") == 0 && geteuid() != 0) {
		fprintf(stderr, "NOT TESTED: as root, because this is not root\n");
		return SKIPPED;
	}
	copy_helper(argv[1]);
	putenv((char[]){ SECRET });
	signal(SIGPIPE, SIG_IGN);
	set_level(argv[2]);
	int rc = become(argv[3]);
	if (rc == 0)
		rc = look_at_machine(argv[2]) ? run_all() : SKIPPED;
	unlink(helper);
	rmdir(scratch);
	rmdir(place);
	return rc;
}
