/*
 * confine_helper.c - a program that behaves badly, in the way that its first argument names. What it finds
 * out it prints, one line a thing; lines that begin with "!" are what must never happen. Built without
 * sanitizers, which want more memory than it gets.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stddef.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char *argument(char **argv)
{
	return argv[0] ? argv[0] : "";
}

static void deaf(void)
{
	for (int i = 1; i < 32; i++)
		signal(i, SIG_IGN);
}

/* What escapes a sandbox that is broken must not outlive the tests by much. */
static bool is_late(void)
{
	struct timespec now;
	static time_t began; /* forks have it too */
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!began)
		began = now.tv_sec;
	return now.tv_sec - began > 120;
}

static int do_fork(char **argv)
{
	deaf();
	while (!is_late() && fork() >= -1) /* always */
		setsid();
	return 0;
}

static int do_disk(char **argv)
{
	static char block[1 << 16];
	char name[32];
	deaf();
	memset(block, 'x', sizeof(block));
	for (unsigned i = 0;; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		int fd = open(name, O_WRONLY | O_CREAT, 0600);
		if (fd < 0 || write(fd, block, sizeof(block)) != sizeof(block)) {
			printf("%u blocks: %s\n", i, strerror(errno));
			return 3;
		}
		close(fd);
	}
}

static int do_entries(char **argv)
{
	char name[32];
	for (unsigned i = 0;; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		int fd = open(name, O_WRONLY | O_CREAT, 0600);
		if (fd < 0) {
			printf("%u files: %s\n", i, strerror(errno));
			return 3;
		}
		close(fd);
	}
}

static int do_deep(char **argv)
{
	for (unsigned i = 0; i < 1500; i++)
		if (mkdir("d", 0000 | 0700) < 0 || chdir("d") < 0)
			return 3;
	return 0;
}

static int do_sleep(char **argv)
{
	deaf();
	while (pause() < 0)
		;
	return 0;
}

static int do_spin(char **argv)
{
	deaf();
	for (int i = 0; i < 3; i++)
		fork();
	while (!is_late())
		;
	return 0;
}

static void touch(char *p, size_t n)
{
	for (size_t i = 0; i < n; i += 4096)
		p[i] = 'x';
}

static int do_memory(char **argv)
{
	const size_t step = 1 << 20;
	for (size_t n = 0;; n++) {
		char *p = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) {
			printf("%zu MiB: %s\n", n, strerror(errno));
			return 3;
		}
		touch(p, step);
	}
}

/* Each process stays below the cap; all together do not. */
static int do_memory_many(char **argv)
{
	size_t each = (size_t)atoi(argument(argv)) << 20;
	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			char *p =
				mmap(NULL, each, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (p != MAP_FAILED)
				touch(p, each);
			do_sleep(argv);
		}
	return do_sleep(argv);
}

/* The same, and the parent tells whether one of them was killed. */
static int do_memory_together(char **argv)
{
	size_t each = (size_t)atoi(argument(argv)) << 20;
	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			char *p =
				mmap(NULL, each, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (p != MAP_FAILED)
				touch(p, each);
			do_sleep(argv);
		}
	int status;
	wait(&status);
	puts(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? "one was killed" : "one ended");
	return 0;
}

static int do_memory_shared(char **argv)
{
	const size_t step = 1 << 20;
	for (;;) {
		char *p = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return 3;
		touch(p, step);
	}
}

static int do_print(char **argv)
{
	static char block[1 << 16];
	deaf();
	memset(block, 'x', sizeof(block));
	while (write(1, block, sizeof(block)) > 0)
		;
	return 0;
}

static int do_complain(char **argv)
{
	for (int i = 0; i < 100000; i++)
		fprintf(stderr, "line %d\n", i);
	return 4;
}

static int do_env(char **argv)
{
	for (char **e = environ; *e; e++)
		puts(*e);
	return 0;
}

static int do_read(char **argv)
{
	char text[256];
	for (; *argv; argv++) {
		int fd = open(*argv, O_RDONLY);
		ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
		printf("%s%s: %s\n", n > 0 ? "!" : "", *argv, n > 0 ? "could be read" : strerror(errno));
	}
	return 0;
}

static int do_list(char **argv)
{
	for (; *argv; argv++) {
		DIR *d = opendir(*argv);
		const struct dirent *e;
		while (d && (e = readdir(d)))
			if (e->d_name[0] != '.')
				printf("!%s/%s\n", *argv, e->d_name);
	}
	return 0;
}

static int do_write(char **argv)
{
	for (; *argv; argv++) {
		int fd = open(*argv, O_WRONLY | O_CREAT, 0600);
		bool made = fd >= 0 && write(fd, "x", 1) == 1;
		printf("%s%s: %s\n", made ? "!" : "", *argv, made ? "could be written" : strerror(errno));
	}
	return 0;
}

static int do_connect(char **argv)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons((unsigned short)atoi(argument(argv))) };
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int rc = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&in, sizeof(in));
	printf("%stcp: %s\n", rc == 0 ? "!" : "", rc == 0 ? "connected" : strerror(errno));
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", argv[1]);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	rc = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&un, sizeof(un));
	printf("%sunix: %s\n", rc == 0 ? "!" : "", rc == 0 ? "connected" : strerror(errno));
	un.sun_path[0] = '\0'; /* the abstract socket of the same name */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	rc = fd < 0 ? -1
		    : connect(fd, (struct sockaddr *)&un,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(argv[1])));
	printf("%sabstract: %s\n", rc == 0 ? "!" : "", rc == 0 ? "connected" : strerror(errno));
	int pair[2];
	printf("%spair\n", socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 ? "" : "!no ");
	return 0;
}

/* Its keeper, its keeper's group, and the process that called. */
static int do_kill(char **argv)
{
	pid_t caller = atoi(argument(argv));
	kill(getppid(), SIGKILL);
	kill(-getppid(), SIGKILL);
	kill(1, SIGKILL);
	printf("caller: %s\n", kill(caller, SIGTERM) == 0 ? "!signalled" : strerror(errno));
	puts("still here");
	return 0;
}

static void open_all(const char *dir)
{
	static const char *const files[] = { "environ", "mem", "maps", "fd/0" };
	char path[256], text[16];
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%s/%s", dir, files[i]);
		int fd = open(path, O_RDONLY | O_NONBLOCK);
		if (fd >= 0 && (i == 1 || read(fd, text, sizeof(text)) > 0))
			printf("!%s\n", path);
	}
}

/* Everybody's but its own. */
static int do_proc(char **argv)
{
	char own[32];
	DIR *d = opendir("/proc");
	const struct dirent *e;
	snprintf(own, sizeof(own), "%d", (int)getpid());
	while (d && (e = readdir(d)))
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9' && strcmp(e->d_name, own) != 0)
			open_all(e->d_name);
	snprintf(own, sizeof(own), "%d", (int)getppid());
	open_all(own);
	open_all(argument(argv));
	puts("looked");
	return 0;
}

static int do_daemon(char **argv)
{
	if (fork() > 0)
		return 0;
	setsid();
	if (fork() > 0)
		_exit(0);
	deaf();
	do_sleep(argv);
	return 0;
}

static int clone_with(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return pid < 0 ? -1 : 0;
}

#define ATTEMPT(what) printf("%s%s\n", (what) < 0 ? "" : "!", #what)

static int do_calls(char **argv)
{
	char byte = 0;
	ATTEMPT(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	ATTEMPT(mount("none", "/", "tmpfs", 0, NULL));
	ATTEMPT(unshare(CLONE_NEWUSER));
	ATTEMPT(unshare(CLONE_NEWNS));
	ATTEMPT(clone_with(CLONE_NEWUSER));
	ATTEMPT(clone_with(CLONE_NEWUSER | CLONE_NEWNET));
	ATTEMPT(chroot("."));
	ATTEMPT(sethostname("x", 1));
	ATTEMPT(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));
	ATTEMPT(syscall(SYS_add_key, "user", "x", &byte, 1, KEY_SPEC_PROCESS_KEYRING));
	ATTEMPT(syscall(SYS_bpf, 0, NULL, 0));
	ATTEMPT(syscall(SYS_userfaultfd, 1));
	ATTEMPT(syscall(SYS_io_uring_setup, 1, NULL));
	ATTEMPT(syscall(SYS_memfd_create, "x", 0));
	ATTEMPT(syscall(SYS_personality, 0x0040000));
	ATTEMPT(socket(AF_INET, SOCK_DGRAM, 0));
	ATTEMPT(socket(AF_INET6, SOCK_STREAM, 0));
	ATTEMPT(socket(AF_NETLINK, SOCK_RAW, 0));
	ATTEMPT(socket(AF_VSOCK, SOCK_STREAM, 0));
	if (getuid() != 0)
		ATTEMPT(setuid(0));
	ATTEMPT(mknod("device", S_IFCHR | 0600, 0x103));
	ATTEMPT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) - 1 ? 0 : -1);
	for (int i = 0; i < 40 && strcmp(argument(argv), "bounding") == 0; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			printf("!capability %d is in the bounding set\n", i);
	printf("clone without flags: %s\n", clone_with(0) == 0 ? "works" : "!fails");
	return 0;
}

static int do_fds(char **argv)
{
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d\n", fd);
	return 0;
}

/* With the keeper's and the caller's rights: what its account may do to them. */
static int do_limits(char **argv)
{
	struct sched_param idle = { 0 };
	const unsigned long none[2] = { 1, 1 };
	pid_t caller = atoi(argument(argv));
	ATTEMPT(sched_setscheduler(caller, SCHED_IDLE, &idle));
	ATTEMPT(syscall(SYS_prlimit64, caller, 7, none, NULL));
	ATTEMPT(syscall(SYS_setpriority, 0, caller, 19));
	return 0;
}

static int do_echo(char **argv)
{
	char text[4096];
	ssize_t n;
	int fd = *argv ? open(*argv, O_RDONLY) : 0;
	while ((n = read(fd, text, sizeof(text))) > 0)
		if (write(1, text, (size_t)n) != n)
			return 1;
	return n < 0;
}

static const struct {
	const char *name;
	int (*run)(char **argv);
} behaviours[] = {
	{ "fork", do_fork },
	{ "disk", do_disk },
	{ "entries", do_entries },
	{ "deep", do_deep },
	{ "sleep", do_sleep },
	{ "spin", do_spin },
	{ "memory", do_memory },
	{ "memory-many", do_memory_many },
	{ "memory-shared", do_memory_shared },
	{ "memory-together", do_memory_together },
	{ "print", do_print },
	{ "complain", do_complain },
	{ "env", do_env },
	{ "read", do_read },
	{ "list", do_list },
	{ "write", do_write },
	{ "connect", do_connect },
	{ "kill", do_kill },
	{ "proc", do_proc },
	{ "daemon", do_daemon },
	{ "calls", do_calls },
	{ "fds", do_fds },
	{ "limits", do_limits },
	{ "echo", do_echo },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(behaviours) / sizeof(behaviours[0]); i++)
		if (strcmp(behaviours[i].name, argv[1]) == 0)
			return behaviours[i].run(argv + 2);
	return 99;
}
