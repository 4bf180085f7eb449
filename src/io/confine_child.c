/*
 * confine_child.c - the keeper: the process between us and the program. It sets up what confines the program,
 * starts it, looks after it and is the end of it. In a pid namespace it is process 1, so that its end kills
 * all others; elsewhere it takes in every orphan, and kills the program's process group, which nobody in it
 * can leave.
 *
 * It is a copy of a process that may have threads and that knows secrets: no allocation and no lock, and
 * nobody may look into it (it is not dumpable, so that the program cannot open its /proc entries).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "io/confine_parts.h"

enum {
	FIRST_LOOKS_MS = 10, /* a look at the program every so often, */
	LATER_LOOKS_MS = 50, /* and after so many looks this often */
	FIRST_LOOKS = 10,
	REAP_MS = 2000, /* for what was killed to be gone */
};

void confine_say(const struct confine_job *job, int kind, int a, int b, uint64_t x)
{
	struct confine_note note = { .kind = kind, .a = a, .b = b, .x = x };
	while (send(job->control, &note, sizeof(note), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

void confine_say_layer(const struct confine_job *job, enum confine_layer layer, int error)
{
	confine_say(job, error ? NOTE_MISSING : NOTE_HELD, (int)layer, error, 0);
}

_Noreturn void confine_fail(const struct confine_job *job, enum confine_stage stage, uint64_t index)
{
	confine_say(job, NOTE_FAILED, (int)stage, errno, index);
	_exit(1);
}

/* Handlers of our loop would write into pipes that it shares with this copy. */
static void reset_signals(void)
{
	struct sigaction act = { .sa_handler = SIG_DFL };
	for (int i = 1; i < NSIG; i++)
		if (i != SIGKILL && i != SIGSTOP)
			sigaction(i, &act, NULL);
}

static void sort(unsigned *fds, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && fds[k] < fds[k - 1]; k--) {
			unsigned other = fds[k];
			fds[k] = fds[k - 1];
			fds[k - 1] = other;
		}
}

static void close_gap(unsigned first, unsigned last)
{
	if (first > last)
		return;
	if (syscall(SYS_close_range, first, last, 0) == 0)
		return;
	struct rlimit limit; /* before Linux 5.9 */
	unsigned end = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (unsigned)limit.rlim_cur : 1024;
	for (unsigned fd = first; fd < end && fd <= last; fd++)
		close((int)fd);
}

/* Everything but our own three; 0, 1 and 2 lead nowhere. */
static void close_inherited(const struct confine_job *job)
{
	unsigned keep[3] = { (unsigned)job->control, (unsigned)job->out, (unsigned)job->err };
	unsigned from = 0;
	sort(keep, 3);
	for (size_t i = 0; i < 3; i++) {
		if (keep[i] > from)
			close_gap(from, keep[i] - 1);
		from = keep[i] + 1;
	}
	close_gap(from, ~0u);
	int fd;
	while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= 2)
		;
	if (fd > 2)
		close(fd);
}

/* Our end follows that of the process that called; without a pid namespace there is work to do first. */
static void follow_caller(const struct confine_job *job)
{
	prctl(PR_SET_PDEATHSIG, job->level == CONFINE_LEVEL_BARE ? SIGTERM : SIGKILL, 0, 0, 0);
	struct pollfd gone = { .fd = job->control };
	if (poll(&gone, 1, 0) > 0 && (gone.revents & POLLHUP))
		_exit(1);
}

static pid_t wait_for_go(const struct confine_job *job)
{
	struct confine_note note;
	ssize_t n;
	confine_say(job, NOTE_READY, 0, 0, 0);
	do
		n = recv(job->control, &note, sizeof(note), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(note) || note.kind != NOTE_GO)
		_exit(1);
	return note.a;
}

/* The kernel, when it runs out of memory, takes this before anything else. */
static void offer_to_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "500", 3) != 3)
		errno = 0;
	close(fd);
}

/* By system calls: the library's functions would wait for threads that this copy does not have. */
static int switch_account(const struct confine_job *job)
{
	if (!job->switch_account)
		return 0;
	confine_drop_bounding(); /* root still may */
	/* Where the namespace's maker had no right to, groups stay as they are: setgroups is denied in it. */
	if (syscall(SYS_setgroups, 0, NULL) < 0 && job->level == CONFINE_LEVEL_BARE)
		return -1;
	if (syscall(SYS_setresgid, job->uid, job->uid, job->uid) < 0)
		return -1;
	return (int)syscall(SYS_setresuid, job->uid, job->uid, job->uid);
}

static void say_spaces(const struct confine_job *job, uint32_t *held)
{
	static const enum confine_layer spaces[] = { CONFINE_PID, CONFINE_NETWORK, CONFINE_IPC };
	if (job->level == CONFINE_LEVEL_ROOT)
		*held |= 1u << CONFINE_ROOT | 1u << CONFINE_DISK;
	for (size_t i = 0; i < 3 && job->level <= CONFINE_LEVEL_SPACES; i++)
		*held |= 1u << spaces[i];
	if (job->level <= CONFINE_LEVEL_SPACES || job->landlock >= 6)
		*held |= 1u << CONFINE_SIGNALS;
	if (!job->root_outside)
		*held |= 1u << CONFINE_ACCOUNT;
	if (job->pids_group || !job->root_outside)
		*held |= 1u << CONFINE_PIDS_CAPPED;
	if (job->memory_group)
		*held |= 1u << CONFINE_MEMORY;
}

/* Where the program's processes are seen: a /proc of its own, or this machine's, where they are one session.
 */
static void open_proc(struct confine_watch *w, bool own_proc, int host_proc, pid_t host_pid)
{
	w->proc = host_proc;
	w->session = w->keeper = host_pid;
	int fd = own_proc ? open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	close(host_proc);
	w->proc = fd;
	w->session = 0;
	w->keeper = 1;
}

static void build(struct confine_job *job, struct confine_watch *w, pid_t host_pid)
{
	uint64_t index = 0;
	bool own_proc = false;
	int host_proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	offer_to_oom_killer();
	if (job->level == CONFINE_LEVEL_ROOT)
		confine_open_shown(job);
	if (switch_account(job) < 0)
		confine_fail(job, STAGE_ACCOUNT, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	follow_caller(job); /* a change of account has made the kernel forget it */
	if (job->level <= CONFINE_LEVEL_SPACES && sethostname("render", 6) < 0)
		errno = 0; /* a name that tells nothing is nice to have */
	if (job->level == CONFINE_LEVEL_ROOT && confine_enter_root(job, &own_proc) < 0)
		confine_fail(job, STAGE_ROOT, 0);
	open_proc(w, own_proc, host_proc, host_pid);
	if (confine_write_files(job, &index) < 0)
		confine_fail(job, STAGE_FILES, index);
}

/* Waits for what comes first: a child's end, the order to end, or the time for a look. */
static int wait_for_signal(const sigset_t *set, long ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	return sigtimedwait(set, NULL, &time);
}

/* Reaps what has ended; true: the program was among it. */
static bool reap(pid_t program, int *status)
{
	bool ended = false;
	int s;
	pid_t pid;
	while ((pid = (pid_t)syscall(SYS_wait4, -1, &s, WNOHANG | __WALL, NULL)) > 0)
		if (pid == program) {
			*status = s;
			ended = true;
		}
	return ended;
}

/*
 * Without a pid namespace: the group is killed at once, and what its death leaves to us is reaped. Where not
 * even a filter kept processes from leaving the group, they come to us when their parents are gone.
 */
static void end_group(const struct confine_job *job, const struct confine_watch *w, pid_t program,
		      const sigset_t *set)
{
	kill(-program, SIGKILL);
	for (int waited = 0; waited < REAP_MS; waited += FIRST_LOOKS_MS) {
		while (syscall(SYS_wait4, -1, NULL, WNOHANG | __WALL, NULL) > 0)
			;
		if (errno == ECHILD) {
			confine_say(job, NOTE_OVER, 0, 0, 0);
			return;
		}
		confine_kill_family(w);
		wait_for_signal(set, FIRST_LOOKS_MS);
	}
}

static _Noreturn void keep(const struct confine_job *job, struct confine_watch *w, pid_t program)
{
	sigset_t set;
	int status = 0;
	enum confine_end end = CONFINE_EXITED;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	while (end == CONFINE_EXITED) {
		int got = wait_for_signal(&set, w->turns < FIRST_LOOKS ? FIRST_LOOKS_MS : LATER_LOOKS_MS);
		if (got == SIGTERM)
			break;
		if (reap(program, &status)) {
			end = confine_look(w, job, true);
			confine_say(job, NOTE_SEEN, w->disk_full, w->pids_reached, w->memory_peak);
			confine_say(job, NOTE_EXIT, status, 0, 0);
			break;
		}
		if (got < 0)
			end = confine_look(w, job, false);
	}
	if (end != CONFINE_EXITED) {
		confine_say(job, NOTE_SEEN, w->disk_full, w->pids_reached, w->memory_peak);
		confine_say(job, NOTE_LIMIT, (int)end, 0, 0);
	}
	if (job->level == CONFINE_LEVEL_BARE)
		end_group(job, w, program, &set);
	_exit(0);
}

_Noreturn void confine_child(struct confine_job *job)
{
	struct confine_watch watch = { .proc = -1 };
	uint32_t held = 0;
	reset_signals();
	umask(022);
	setsid();
	close_inherited(job);
	follow_caller(job);
	pid_t host_pid = wait_for_go(job);
	build(job, &watch, host_pid);
	say_spaces(job, &held);
	if (watch.proc >= 0)
		held |= 1u << CONFINE_WATCH & ~job->spec->without;
	int in = confine_open_stdin(job);
	if (in < 0)
		confine_fail(job, STAGE_STDIN, 0);
	if (job->level == CONFINE_LEVEL_BARE)
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid_t keeper = getpid();
	pid_t program = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (program < 0)
		confine_fail(job, STAGE_FORK, 0);
	if (program == 0)
		confine_program(job, held, watch.session != 0, in, keeper);
	setpgid(program, program);
	close(in);
	close(job->out);
	close(job->err);
	confine_say(job, NOTE_STARTED, program, 0, 0);
	keep(job, &watch, program);
}
