/* A child behind the relay: bytes pass, its status comes back, and it goes on when the client is gone. */
#include "unit/cmocka_all.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "push/relay.h"
#include "push/sshd.h"

struct client {
	int in[2], out[2], err[2];
	pid_t pid;
};

/* Runs the relay in a process of its own, as sshd does. */
static void start(struct client *c, const char *script)
{
	assert_int_equal(pipe2(c->in, O_CLOEXEC) | pipe2(c->out, O_CLOEXEC) | pipe2(c->err, O_CLOEXEC), 0);
	c->pid = fork();
	if (c->pid == 0) {
		const char *argv[] = { "sh", "-c", script, NULL };
		const char *env[] = { "PATH=/usr/bin:/bin", NULL };
		struct relay_spec spec = {
			.argv = argv, .env = env, .in = c->in[0], .out = c->out[1], .err = c->err[1]
		};
		int status = -1;
		close(c->in[1]);
		close(c->out[0]);
		close(c->err[0]);
		_exit(relay_run(&spec, &status, NULL) < 0 ? 99 : status);
	}
	close(c->in[0]);
	close(c->out[1]);
	close(c->err[1]);
}

static int wait_for(const struct client *c)
{
	int status = 0;
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static size_t read_all(int fd, char *out, size_t max)
{
	size_t n = 0;
	for (ssize_t got; n < max && (got = read(fd, out + n, max - n)) > 0;)
		n += (size_t)got;
	return n;
}

static void bytes_pass_both_ways(void **state)
{
	struct client c;
	char out[64] = "", err[64] = "";
	start(&c, "read a; echo \"got $a\"; echo trouble >&2; exit 7");
	assert_int_equal(write(c.in[1], "hello\n", 6), 6);
	assert_int_equal(read_all(c.out[0], out, 63), 10);
	assert_string_equal(out, "got hello\n");
	read_all(c.err[0], err, 63);
	assert_string_equal(err, "trouble\n");
	assert_int_equal(wait_for(&c), 7);
}

static void much_passes_with_a_slow_reader(void **state)
{
	enum { MUCH = 8 << 20 };
	struct client c;
	char *all = calloc(1, MUCH);
	start(&c, "head -c 8388608 /dev/zero | tr '\\0' x");
	usleep(200000);
	assert_int_equal(read_all(c.out[0], all, MUCH), MUCH);
	assert_true(all[0] == 'x' && all[MUCH - 1] == 'x');
	assert_int_equal(wait_for(&c), 0);
	free(all);
}

static void it_goes_on_when_the_client_is_gone(void **state)
{
	struct client c;
	char path[] = "/tmp/capstan-relay-XXXXXX", script[256];
	close(mkstemp(path));
	unlink(path);
	snprintf(
		script, sizeof(script),
		"cat >/dev/null; for i in 1 2 3 4 5 6 7 8; do echo step $i; echo step $i >&2; sleep 0.1; done; touch %s",
		path);
	start(&c, script);
	close(c.in[1]);
	close(c.out[0]);
	close(c.err[0]);
	usleep(200000);
	kill(c.pid, SIGHUP);
	assert_int_equal(wait_for(&c), 0);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
}

static void what_others_hold_open_is_not_waited_for(void **state)
{
	struct client c;
	start(&c, "setsid sleep 20 & exit 3");
	assert_int_equal(wait_for(&c), 3);
}

static void a_signal_is_told(void **state)
{
	struct client c;
	start(&c, "kill -9 $$");
	assert_int_equal(wait_for(&c), 128 + 9);
}

static void sshd_is_told_plain_words_alone(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	char *text;
	struct sshd_options o = {
		.home = "/srv/push", .program = "/usr/bin/capstan", .address = "[::1]:2222", .user = "git"
	};
	assert_int_equal(sshd_config(&a, &o, &text, &err), 0);
	assert_non_null(strstr(text, "\nListenAddress [::1]\n"));
	assert_non_null(strstr(text, "\nUsePAM no\n"));
	assert_non_null(strstr(
		text,
		"\nAuthorizedKeysCommand /usr/bin/env /usr/bin/capstan push-keys --home /srv/push %f\n"));
	o.address = ":2222";
	assert_int_equal(sshd_config(&a, &o, &text, &err), 0);
	assert_null(strstr(text, "ListenAddress"));
	static const char *const homes[] = { "/srv/my push", "/srv/\nPermitTTY yes", "/srv/%u", "/srv/'x'",
					     "" };
	for (size_t i = 0; i < sizeof(homes) / sizeof(*homes); i++) {
		o.home = homes[i];
		assert_int_equal(sshd_config(&a, &o, &text, &err), -1);
	}
	o.home = "/srv/push";
	static const char *const addresses[] = { "2222", "host", "a b:22", "x:y", ":" };
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		o.address = addresses[i];
		assert_int_equal(sshd_config(&a, &o, &text, &err), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_pass_both_ways),
		cmocka_unit_test(much_passes_with_a_slow_reader),
		cmocka_unit_test(it_goes_on_when_the_client_is_gone),
		cmocka_unit_test(what_others_hold_open_is_not_waited_for),
		cmocka_unit_test(a_signal_is_told),
		cmocka_unit_test(sshd_is_told_plain_words_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
