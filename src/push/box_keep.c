/*
 * box_keep.c - the first process of a box: starts the builder, reaps whatever is orphaned, and looks ten
 * times a second at what all processes of the box take together. When it ends, the kernel ends the others.
 *
 * What is written is counted by the kernel for each process and, once it is reaped, for its parent
 * (/proc/PID/io): the sum over the living is all that was ever written, whatever was removed meanwhile. What
 * a process takes without writing (fallocate) is bounded by the largest file, and by what is to be left free.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "push/box_parts.h"

#define LOOK_MS 100
#define OWN_BYTES \
	(512ull << 20) /* that one process may reserve over the cap: builders do, and never touch it */
#define LEFT_BYTES (1ull << 30) /* of a disk are left to others, or a twentieth when that is less */

struct looked {
	uint64_t memory, written;
	unsigned pids;
};

void box_note(const struct box_note *note)
{
	(void)send(BOX_CONTROL, note, sizeof(*note), MSG_NOSIGNAL);
}

_Noreturn void box_fail(const char *what)
{
	struct box_note note = { .kind = BOX_NOTE_FAILED };
	snprintf(note.text, sizeof(note.text), "%s: %s", what, strerror(errno));
	box_note(&note);
	_exit(125);
}

/* The head of a file of /proc/PID. */
static bool read_proc(const char *pid, const char *name, char *out, size_t size)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, name);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static uint64_t number_behind(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Private memory of a process; exact: shares of what it has in common with others after a fork. */
static uint64_t memory_of(const char *pid, bool exact)
{
	char text[2048];
	unsigned long long size, resident, shared;
	if (exact)
		return read_proc(pid, "smaps_rollup", text, sizeof(text))
			       ? number_behind(text, "Pss_Anon:") << 10
			       : 0;
	if (!read_proc(pid, "statm", text, sizeof(text)) ||
	    sscanf(text, "%llu %llu %llu", &size, &resident, &shared) != 3 || resident < shared)
		return 0;
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void look(struct looked *out, bool exact)
{
	DIR *proc = opendir("/proc");
	char text[512];
	*out = (struct looked){ 0 };
	if (!proc)
		return;
	for (struct dirent *e; (e = readdir(proc));) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		out->pids++;
		out->memory += memory_of(e->d_name, exact);
		if (read_proc(e->d_name, "io", text, sizeof(text)))
			out->written += number_behind(text, "\nwrite_bytes:");
	}
	closedir(proc);
}

/* Whether too little is left on a disk that it may write to. */
static bool disk_is_full(const struct box *box)
{
	for (size_t i = 0; i < box->n_binds; i++) {
		struct statvfs st;
		if (!box->binds[i].write || statvfs(box->binds[i].to, &st) < 0 || !st.f_blocks)
			continue;
		uint64_t all = (uint64_t)st.f_blocks * st.f_frsize,
			 left = (uint64_t)st.f_bavail * st.f_frsize;
		if (left < (all / 20 < LEFT_BYTES ? all / 20 : LEFT_BYTES))
			return true;
	}
	return false;
}

static enum box_end judge(const struct box *box, struct looked *seen, struct box_note *note)
{
	struct looked now;
	look(&now, false);
	if (box->memory_bytes && now.memory > box->memory_bytes)
		look(&now, true);
	note->memory = now.memory > note->memory ? now.memory : note->memory;
	note->written = now.written > note->written ? now.written : note->written;
	*seen = now;
	if (box->memory_bytes && now.memory > box->memory_bytes)
		return BOX_OVER_MEMORY;
	if (box->disk_bytes && note->written > box->disk_bytes)
		return BOX_OVER_DISK;
	if (disk_is_full(box))
		return BOX_DISK_FULL;
	/* The limit of the kernel is behind it: fork fails, and some programs try for ever. */
	return now.pids >= box->pids_max ? BOX_OVER_PIDS : BOX_EXITED;
}

static void limit(int what, uint64_t most)
{
	struct rlimit r = { most, most };
	if (most)
		(void)setrlimit(what, &r);
}

/* Without a cgroup a part of a processor cannot be given: it is rounded up. */
static void limit_processors(int64_t milli)
{
	cpu_set_t have, want;
	long n = (long)((milli + 999) / 1000);
	if (!milli || sched_getaffinity(0, sizeof(have), &have) < 0)
		return;
	CPU_ZERO(&want);
	/* Builds beside each other begin at different ones. */
	int first = (int)(clock_mono_ms() % CPU_SETSIZE);
	for (int i = 0; i < CPU_SETSIZE && n > 0; i++) {
		int cpu = (first + i) % CPU_SETSIZE;
		if (!CPU_ISSET(cpu, &have))
			continue;
		CPU_SET(cpu, &want);
		n--;
	}
	(void)sched_setaffinity(0, sizeof(want), &want);
}

static void put(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		return;
}

static _Noreturn void become_builder(const struct box *box, const char *const *env)
{
	sigset_t none;
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	put("/proc/self/oom_score_adj", "500");
	limit(RLIMIT_NPROC, box->pids_max);
	limit(RLIMIT_DATA, box->memory_bytes ? box->memory_bytes + OWN_BYTES : 0);
	limit(RLIMIT_FSIZE, box->disk_bytes);
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	limit_processors(box->cpus_milli);
	(void)setpriority(PRIO_PROCESS, 0, 5);
	(void)setsid();
	execve(box->argv[0], (char *const *)box->argv, (char *const *)env);
	box_fail(box->argv[0]);
}

static void conclude(struct box_note *note, int status)
{
	note->kind = BOX_NOTE_EXIT;
	note->end = BOX_EXITED;
	note->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		note->end = BOX_KILLED;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ)
		note->end = BOX_OVER_DISK;
	box_note(note);
	_exit(note->code);
}

/* Reaps all that ended; concludes when the builder did. */
static void reap(pid_t builder, const struct box *box, struct box_note *note)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		if (pid != builder)
			continue;
		struct looked seen;
		(void)judge(box, &seen, note);
		conclude(note, status);
	}
}

static int quiet_fd(sigset_t *mask)
{
	sigemptyset(mask);
	sigaddset(mask, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, mask, NULL);
	return 0;
}

_Noreturn void box_keep(const struct box *box, const char *const *env)
{
	struct box_note note = { 0 };
	struct looked seen;
	sigset_t mask;
	(void)quiet_fd(&mask);
	(void)prctl(PR_SET_NAME, "build-keeper");
	if (disk_is_full(box)) {
		note = (struct box_note){ .kind = BOX_NOTE_EXIT, .end = BOX_DISK_FULL };
		box_note(&note);
		_exit(1);
	}
	pid_t builder = fork();
	if (builder < 0)
		box_fail("a process");
	if (builder == 0)
		become_builder(box, env);
	for (int64_t next = clock_mono_ms() + LOOK_MS;;) {
		int64_t wait = next - clock_mono_ms();
		struct timespec pause = { 0, (wait > 0 ? wait : 0) * 1000000 };
		(void)sigtimedwait(&mask, NULL, &pause);
		reap(builder, box, &note);
		if (clock_mono_ms() < next)
			continue;
		note.end = judge(box, &seen, &note);
		if (note.end != BOX_EXITED) {
			note.kind = BOX_NOTE_EXIT;
			box_note(&note);
			_exit(1);
		}
		next = clock_mono_ms() + LOOK_MS;
	}
}
