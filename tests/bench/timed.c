/*
 * timed PROGRAM ARGUMENT... - runs a program once, its output thrown away, and prints what it cost as one
 * line:
 *
 *   wall_ns cpu_us maxrss_kib exit_status own_maxrss_kib
 *
 * A program of its own because a child's maximum RSS begins with that of the process that starts it: the
 * kernel carries it over exec. This one is small, so that what is printed is the program's; the last figure
 * says how small.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long long now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long micros(const struct timeval *t)
{
	return t->tv_sec * 1000000LL + t->tv_usec;
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t actions;
	struct rusage child, own;
	int status;
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "usage: timed PROGRAM ARGUMENT...\n");
		return 2;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	getrusage(RUSAGE_SELF, &own);

	long long start = now_ns();
	int rc = posix_spawn(&pid, argv[1], &actions, NULL, argv + 1, environ);
	if (rc != 0) {
		fprintf(stderr, "timed: %s can not be started (%d)\n", argv[1], rc);
		return 2;
	}
	if (wait4(pid, &status, 0, &child) != pid) {
		perror("timed: wait4");
		return 2;
	}
	long long wall = now_ns() - start;

	posix_spawn_file_actions_destroy(&actions);
	printf("%lld %lld %ld %d %ld\n", wall, micros(&child.ru_utime) + micros(&child.ru_stime),
	       child.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
	       own.ru_maxrss);
	return 0;
}
