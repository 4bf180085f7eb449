/*
 * confine.c - one program, confined: tries, hand-shake with the child, output, deadline, end.
 *
 *      us (a worker thread)             keeper (confine_child.c)           program
 *   plan: strings, paths          -clone-> close fds, namespaces
 *   maps of accounts, cgroup <-READY-GO->  account, root, files
 *   poll: notes, stdout, stderr            reaps, looks at use    -clone->  limits, Landlock, filter, execve
 *   kill at a limit                        ends with the program
 *   wait, drain, clean up
 *
 * How it is safe in a program with threads: the child is made by the system call clone() without CLONE_VM, so
 * that it is a copy with one thread. Other threads' locks may be held in that copy for ever, so the child
 * uses none: it makes system calls on strings that were ready before (confine_plan.c), allocates nothing (its
 * functions are bound before, by -z now), and ends by execve() or _exit(). A second program to exec for the
 * set-up would cost its start, and would have to be found; a copy also has the tree's files in memory
 * already, and writes them where only the program sees them. Signals are blocked around clone() until the
 * copy has no handlers any more.
 *
 * The child is made with exit signal 0: nobody who waits for children without naming them gets it. It dies
 * with the thread that made it (PR_SET_PDEATHSIG), and with it, as process 1 of a pid namespace, everything.
 *
 * What this machine refuses is found by trying: all namespaces with a root of its own, then without a root,
 * then none; each with an account of its own where we are root, then without.
 */
#include "io/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "io/confine_parts.h"

enum {
	INSIDE = 1000, /* the account's number in a user namespace */
	READ_SIZE = 65536,
	SETUP_MS = 30000,     /* for the keeper to be ready; the files of a large tree are written after */
	KILL_GRACE_MS = 3000, /* for the keeper to end what it holds, before it is killed itself */
	GONE_MS = 10000,      /* for what was killed to be gone: a process may hang in the kernel */
	KILL_AFTER_MS = 100,  /* for a keeper that has closed its end to be gone by itself */
	DRAIN_MS = 200,	      /* for output of processes that outlive the keeper */
};

#define SPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

/* One attempt. */
struct run {
	struct confine_job *job;
	struct confine_result *result;
	struct confine_group group;
	pid_t pid, program;
	int control, out, err; /* our ends; -1: closed */
	uid_t outside;	       /* the program's account as we see it */
	bool exited, limited, over, refused, killed, started;
	int failed; /* enum confine_stage, or -1 */
	struct confine_note failure;
	int64_t deadline, force_at;
};

enum outcome { RAN, NEXT_LEVEL, NEXT_ACCOUNT, FAILED };

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void run_kill(struct run *r)
{
	if (r->killed)
		return;
	r->killed = true;
	kill(r->pid, r->job->level == CONFINE_LEVEL_BARE && r->started ? SIGTERM : SIGKILL);
	r->force_at = clock_mono_ms() + KILL_GRACE_MS;
}

static void run_limit(struct run *r, enum confine_end end)
{
	if (!r->exited && !r->limited) {
		r->result->end = end;
		r->limited = true;
	}
	run_kill(r);
}

static void note_came(struct run *r, const struct confine_note *note)
{
	struct confine_result *result = r->result;
	switch (note->kind) {
	case NOTE_HELD:
		if ((unsigned)note->a >= CONFINE_LAYERS)
			break;
		result->report.held |= 1u << note->a;
		if (note->a == CONFINE_LANDLOCK)
			result->report.landlock = note->b;
		break;
	case NOTE_MISSING:
		if ((unsigned)note->a < CONFINE_LAYERS)
			result->report.why[note->a] = note->b;
		break;
	case NOTE_FAILED:
		r->failed = note->a;
		r->failure = *note;
		break;
	case NOTE_REFUSED:
		r->refused = true;
		break;
	case NOTE_STARTED:
		r->started = true;
		r->program = note->a;
		break;
	case NOTE_LIMIT:
		if (!r->limited)
			result->end = (enum confine_end)note->a;
		r->limited = true;
		break;
	case NOTE_SEEN:
		result->disk_full = note->a;
		result->pids_reached = note->b;
		result->memory_peak = note->x;
		break;
	case NOTE_EXIT:
		r->exited = true;
		result->exit_code = WIFEXITED(note->a) ? WEXITSTATUS(note->a) : -1;
		result->signal = WIFSIGNALED(note->a) ? WTERMSIG(note->a) : 0;
		if (!r->limited)
			result->end = result->signal ? CONFINE_SIGNALED : CONFINE_EXITED;
		break;
	case NOTE_OVER:
		r->over = true;
		break;
	default:
		break;
	}
}

/* false: the keeper's end is closed. */
static bool read_notes(struct run *r)
{
	struct confine_note note;
	while (true) {
		ssize_t n = recv(r->control, &note, sizeof(note), MSG_DONTWAIT);
		if (n == sizeof(note))
			note_came(r, &note);
		else if (n < 0 && errno == EINTR)
			continue;
		else
			return n < 0 && errno == EAGAIN;
	}
}

/* Reads what is there into out, up to max; stderr keeps its last bytes. false: it is at its end. */
static bool read_stdout(struct run *r)
{
	struct buf *out = &r->result->out;
	size_t max = r->job->spec->output_max;
	buf_reserve(out, READ_SIZE);
	out->p[out->n] = '\0';
	ssize_t n = read(r->out, out->p + out->n, READ_SIZE);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	out->n += (size_t)n;
	if (out->n > max) {
		out->n = max;
		r->exited = false; /* its exit code says nothing about output that is not whole */
		run_limit(r, CONFINE_OVER_OUTPUT);
	}
	out->p[out->n] = '\0';
	return true;
}

static void keep_tail(struct buf *b, size_t max)
{
	if (b->n <= max)
		return;
	memmove(b->p, b->p + b->n - max, max);
	b->n = max;
	b->p[max] = '\0';
}

static bool read_stderr(struct run *r)
{
	struct buf *err = &r->result->err;
	buf_reserve(err, READ_SIZE);
	err->p[err->n] = '\0';
	ssize_t n = read(r->err, err->p + err->n, READ_SIZE);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	err->n += (size_t)n;
	err->p[err->n] = '\0';
	r->result->err_total += (uint64_t)n;
	keep_tail(err, r->job->spec->stderr_max);
	return true;
}

static int time_left(int64_t until)
{
	int64_t left = until - clock_mono_ms();
	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

/* A keeper that does not follow: itself, and the group it held. */
static void force_end(struct run *r)
{
	if (r->job->level == CONFINE_LEVEL_BARE && r->program > 0 && !r->over)
		kill(-r->program, SIGKILL);
	kill(r->pid, SIGKILL);
	r->force_at = INT64_MAX;
}

static void poll_once(struct run *r, int timeout)
{
	struct pollfd fds[3] = {
		{ .fd = r->control, .events = POLLIN },
		{ .fd = r->out, .events = POLLIN },
		{ .fd = r->err, .events = POLLIN },
	};
	if (poll(fds, 3, timeout) <= 0)
		return;
	if (fds[1].revents && !read_stdout(r))
		close_fd(&r->out);
	if (fds[2].revents && !read_stderr(r))
		close_fd(&r->err);
	if (fds[0].revents && !read_notes(r))
		close_fd(&r->control);
}

/* Until the keeper is gone, or nothing can end it. */
static void attend(struct run *r)
{
	int64_t give_up = INT64_MAX;
	while (r->control >= 0) {
		int64_t now = clock_mono_ms(), next = r->killed ? r->force_at : r->deadline;
		if (now >= give_up)
			break;
		if (now >= next && !r->killed) {
			run_limit(r, CONFINE_TIMED_OUT);
			continue;
		}
		if (now >= next) {
			force_end(r);
			give_up = now + GONE_MS;
			continue;
		}
		poll_once(r, time_left(next < give_up ? next : give_up));
	}
}

/* Reaps the keeper, which closed its end or was killed; one that does not go by itself is killed. */
static int wait_gone(struct run *r, struct rusage *usage)
{
	int64_t began = clock_mono_ms();
	cleanup_fd int pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0); /* -1 before Linux 5.3 */
	while (true) {
		long pid = syscall(SYS_wait4, r->pid, NULL, WNOHANG | __WALL, usage);
		int64_t waited = clock_mono_ms() - began;
		if (pid == r->pid)
			return 0;
		if ((pid < 0 && errno != EINTR) || waited >= GONE_MS)
			return -1;
		if (r->killed || waited > KILL_AFTER_MS)
			kill(r->pid, SIGKILL);
		struct pollfd gone = { .fd = pidfd, .events = POLLIN };
		poll(&gone, 1, pidfd >= 0 ? KILL_AFTER_MS : 1);
	}
}

/* What is in the pipes after the end. Where leftovers may still hold them, not for long. */
static void drain(struct run *r)
{
	int64_t until = clock_mono_ms() + DRAIN_MS;
	while ((r->out >= 0 || r->err >= 0) && clock_mono_ms() < until) {
		struct pollfd fds[2] = { { .fd = r->out, .events = POLLIN },
					 { .fd = r->err, .events = POLLIN } };
		if (poll(fds, 2, time_left(until)) <= 0)
			break;
		if (fds[0].revents && !read_stdout(r))
			close_fd(&r->out);
		if (fds[1].revents && !read_stderr(r))
			close_fd(&r->err);
	}
}

static int write_text(pid_t pid, const char *name, const char *text)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	return write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

/* Which account of ours the child's one is (user_namespaces(7)). */
static int write_maps(const struct run *r)
{
	char map[64];
	gid_t group = r->job->switch_account ? (gid_t)r->outside : getegid();
	/* Without a right of ours, a group may be mapped only once groups cannot be dropped any more. */
	if (!r->job->switch_account && write_text(r->pid, "setgroups", "deny") < 0)
		return -1;
	snprintf(map, sizeof(map), "%d %u 1", INSIDE, (unsigned)r->outside);
	if (write_text(r->pid, "uid_map", map) < 0)
		return -1;
	snprintf(map, sizeof(map), "%d %u 1", INSIDE, (unsigned)group);
	return write_text(r->pid, "gid_map", map);
}

/* Tasks of our account that we see: where the search for a limit of processes begins. */
static uint64_t own_tasks(void)
{
	struct stat st;
	char path[300];
	uint64_t n = 0;
	DIR *d = opendir("/proc");
	const struct dirent *e;
	while (d && (e = readdir(d))) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/task", e->d_name);
		if (stat(path, &st) == 0 && st.st_uid == geteuid())
			n += st.st_nlink > 2 ? st.st_nlink - 2 : 1;
	}
	if (d)
		closedir(d);
	return n;
}

/* Since Linux 5.14 processes are counted for each user namespace by itself. */
static bool counts_by_namespace(void)
{
	struct utsname name;
	unsigned major = 0, minor = 0;
	return uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 14));
}

static void set_account(struct run *r, bool switched)
{
	static atomic_uint next;
	struct confine_job *job = r->job;
	const unsigned accounts = CONFINE_ACCOUNT_LAST - CONFINE_ACCOUNT_FIRST + 1;
	unsigned number = ((unsigned)getpid() * 7 + atomic_fetch_add(&next, 1)) % accounts;
	bool spaces = job->level <= CONFINE_LEVEL_SPACES;
	r->outside = switched ? CONFINE_ACCOUNT_FIRST + number : geteuid();
	job->switch_account = switched;
	job->uid = spaces ? INSIDE : r->outside;
	job->root_outside = r->outside == 0;
	job->nproc_search = !switched && !(spaces && counts_by_namespace());
	/* Beside the program's there is the keeper. */
	job->nproc = job->nproc_search ? own_tasks() + 2 : (uint64_t)job->spec->pids_max + 1;
}

static void make_group(struct run *r)
{
	struct confine_job *job = r->job;
	const struct confine_spec *spec = job->spec;
	job->memory_group = job->pids_group = false;
	r->group.path[0] = '\0';
	if (spec->without & 1u << CONFINE_MEMORY)
		return;
	/* Files in memory count, too. */
	uint64_t memory = spec->memory_bytes + job->tree_bytes + spec->disk_bytes;
	errno = 0;
	if (confine_group_make(&r->group, "/sys/fs/cgroup", "/proc/self/cgroup", memory,
			       spec->pids_max + 1) != 0) {
		r->result->report.why[CONFINE_MEMORY] = errno;
		return;
	}
	job->memory_group = true;
	job->pids_group = r->group.pids;
}

static int make_pipes(struct run *r, int theirs[3], struct error *err)
{
	int control[2], out[2] = { -1, -1 }, errs[2] = { -1, -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
		return error_set(err, "no socket for a confined program: %s", strerror(errno));
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(errs, O_CLOEXEC) < 0) {
		error_set(err, "no pipe for a confined program: %s", strerror(errno));
		close(control[0]);
		close(control[1]);
		close_fd(&out[0]);
		close_fd(&out[1]);
		return -1;
	}
	/* So that the program may open /dev/stdout, too. */
	if (r->job->switch_account &&
	    (fchown(out[1], r->outside, (gid_t)-1) < 0 || fchown(errs[1], r->outside, (gid_t)-1) < 0))
		errno = 0;
	r->control = control[0];
	r->out = out[0];
	r->err = errs[0];
	fcntl(r->out, F_SETFL, O_NONBLOCK);
	fcntl(r->err, F_SETFL, O_NONBLOCK);
	theirs[0] = r->job->control = control[1];
	theirs[1] = r->job->out = out[1];
	theirs[2] = r->job->err = errs[1];
	return 0;
}

/* In the child confine_child() never returns. */
static pid_t clone_child(struct run *r)
{
	sigset_t all, old;
	unsigned long flags = r->job->level == CONFINE_LEVEL_BARE ? 0 : SPACES;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	long pid = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
	if (pid == 0)
		confine_child(r->job);
	int saved = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return (pid_t)pid;
}

/* READY and GO, and between them what only we may do to the child. -1: errno. */
static int shake_hands(struct run *r)
{
	struct confine_note note;
	struct pollfd ready = { .fd = r->control, .events = POLLIN };
	int rc = poll(&ready, 1, SETUP_MS);
	if (rc <= 0 || recv(r->control, &note, sizeof(note), MSG_DONTWAIT) != sizeof(note)) {
		errno = rc == 0 ? ETIMEDOUT : ECHILD;
		return -1;
	}
	if (r->job->level <= CONFINE_LEVEL_SPACES && write_maps(r) < 0)
		return -1;
	if (r->group.path[0] && confine_group_add(&r->group, r->pid) < 0)
		return -1;
	note = (struct confine_note){ .kind = NOTE_GO, .a = r->pid };
	return send(r->control, &note, sizeof(note), MSG_NOSIGNAL) == sizeof(note) ? 0 : -1;
}

static enum outcome judge(struct run *r, struct error *err)
{
	const struct confine_spec *spec = r->job->spec;
	const struct confine_note *f = &r->failure;
	const char *why = strerror(f->b);
	if (r->refused) {
		cleanup_buf struct buf text = BUF_INIT;
		confine_report_text(&r->result->report, &text);
		error_set(
			err,
			"%.200s: not run, because too little would confine it on this machine: it takes user "
			"namespaces, or Landlock and seccomp (%s)",
			spec->argv[0], text.p);
		return FAILED;
	}
	switch (r->failed) {
	case -1:
		return RAN;
	case STAGE_ACCOUNT:
		return NEXT_ACCOUNT;
	case STAGE_ROOT:
		r->result->report.why[CONFINE_ROOT] = r->result->report.why[CONFINE_DISK] = f->b;
		return NEXT_LEVEL;
	case STAGE_FILES:
		error_set(err, "%.200s: in the copy of the tree: %s",
			  f->x < spec->n_files ? spec->files[f->x].path : "the directory", why);
		return FAILED;
	case STAGE_DIR:
		error_set(err, "%.200s: in the copy of the tree: %s", spec->dir ? spec->dir : ".", why);
		return FAILED;
	case STAGE_EXEC:
		error_set(err, "%.200s: %s%s", spec->argv[0], why,
			  f->b == ENOENT
				  ? ": it, or the interpreter that it names, is not among what a confined "
				    "program sees"
			  : f->b == EACCES
				  ? ": it is not executable, or closed to the account it would run as"
				  : "");
		return FAILED;
	default:
		error_set(err, "%.200s: cannot be started: %s", spec->argv[0], why);
		return FAILED;
	}
}

/* The keeper is gone: what it left is taken away, and what ended it is known. */
static void settle(struct run *r)
{
	struct rusage usage = { 0 };
	struct confine_result *result = r->result;
	if (wait_gone(r, &usage) == 0)
		result->cpu_ms = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
				 (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
	if (r->job->level == CONFINE_LEVEL_BARE && r->program > 0 && !r->over)
		kill(-r->program, SIGKILL);
	drain(r);
	if (!r->exited && !r->limited)
		result->end = CONFINE_LOST;
	if (confine_group_out_of_memory(&r->group) &&
	    (result->end == CONFINE_LOST || result->signal == SIGKILL))
		result->end = CONFINE_OVER_MEMORY;
	if (result->end == CONFINE_SIGNALED && result->signal == SIGXCPU)
		result->end = CONFINE_OVER_CPU;
	if (result->end == CONFINE_SIGNALED && result->signal == SIGXFSZ)
		result->end = CONFINE_OVER_DISK;
}

static void end_run(struct run *r)
{
	close_fd(&r->control);
	close_fd(&r->out);
	close_fd(&r->err);
	confine_group_remove(&r->group);
}

static void no_spaces(struct run *r, int error)
{
	static const enum confine_layer layers[] = { CONFINE_ROOT, CONFINE_PID, CONFINE_NETWORK, CONFINE_IPC,
						     CONFINE_DISK };
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		r->result->report.why[layers[i]] = error;
}

/* The child is made and the keeper is at work; anything but RAN: it is gone again. */
static enum outcome start(struct run *r, struct error *err)
{
	int theirs[3] = { -1, -1, -1 };
	if (make_pipes(r, theirs, err) < 0)
		return FAILED;
	r->pid = clone_child(r);
	int saved = errno;
	for (int i = 0; i < 3; i++)
		close(theirs[i]);
	if (r->pid < 0) {
		error_set(err, "%.200s: cannot be started: %s", r->job->spec->argv[0], strerror(saved));
		no_spaces(r, saved);
		return r->job->level == CONFINE_LEVEL_BARE ? FAILED : NEXT_LEVEL;
	}
	if (shake_hands(r) == 0)
		return RAN;
	saved = errno;
	struct rusage usage;
	kill(r->pid, SIGKILL);
	wait_gone(r, &usage);
	error_set(err, "%.200s: cannot be started: %s", r->job->spec->argv[0], strerror(saved));
	if (r->job->level <= CONFINE_LEVEL_SPACES)
		no_spaces(r, saved);
	r->result->report.why[CONFINE_ACCOUNT] = saved;
	return NEXT_ACCOUNT;
}

static enum outcome attempt(struct run *r, bool switched, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct confine_scratch scratch = { .fd = -1 };
	struct confine_job *job = r->job;
	r->failed = r->control = r->out = r->err = -1;
	set_account(r, switched);
	int rc = job->level == CONFINE_LEVEL_ROOT
			 ? 0
			 : confine_scratch_make(&scratch, job->spec->scratch, r->outside, err);
	if (rc)
		return rc < 0 ? FAILED : NEXT_ACCOUNT;
	confine_plan_base(&a, job, scratch.path ? scratch.path : "/render");
	make_group(r);
	r->deadline = clock_mono_ms() + job->spec->timeout_ms;
	enum outcome outcome = start(r, err);
	if (outcome == RAN) {
		attend(r);
		settle(r);
		outcome = judge(r, err);
	}
	end_run(r);
	confine_scratch_end(&scratch);
	return outcome;
}

static enum confine_level first_level(unsigned without)
{
	if (without & (1u << CONFINE_PID | 1u << CONFINE_NETWORK))
		return CONFINE_LEVEL_BARE;
	return without & 1u << CONFINE_ROOT ? CONFINE_LEVEL_SPACES : CONFINE_LEVEL_ROOT;
}

/*
 * Each attempt says anew what holds; why an earlier one could not have more is remembered. err is the last
 * attempt's, and nothing when that succeeds.
 */
static int run_job(struct confine_job *job, struct confine_result *result, struct error *err)
{
	bool root = geteuid() == 0, switched = root;
	job->level = first_level(job->spec->without);
	while (true) {
		struct run r = { .job = job, .result = result };
		struct error last = ERROR_INIT;
		result->report.held = 0;
		result->end = CONFINE_LOST;
		enum outcome outcome = attempt(&r, switched, &last);
		if (outcome == RAN)
			return 0;
		bool again = outcome == NEXT_ACCOUNT && switched;
		if (outcome == FAILED || (!again && job->level == CONFINE_LEVEL_BARE))
			return error_set(err, "%s", last.text);
		if (again) {
			switched = false;
			continue;
		}
		bool no_spaces_at_all = outcome == NEXT_ACCOUNT || r.pid < 0;
		job->level = no_spaces_at_all ? CONFINE_LEVEL_BARE : CONFINE_LEVEL_SPACES;
		switched = root;
	}
}

static struct confine_spec with_defaults(const struct confine_spec *spec)
{
	struct confine_spec s = *spec;
	s.timeout_ms = s.timeout_ms > 0 ? s.timeout_ms : CONFINE_TIMEOUT_MS;
	s.cpu_ms = s.cpu_ms > 0 ? s.cpu_ms : 4 * s.timeout_ms;
	s.memory_bytes = s.memory_bytes ? s.memory_bytes : CONFINE_MEMORY_BYTES;
	s.disk_bytes = s.disk_bytes ? s.disk_bytes : CONFINE_DISK_BYTES;
	s.pids_max = s.pids_max ? s.pids_max : CONFINE_PIDS;
	s.output_max = s.output_max ? s.output_max : CONFINE_OUTPUT_MAX;
	s.stderr_max = s.stderr_max ? s.stderr_max : CONFINE_STDERR_MAX;
	return s;
}

static int run_spec(const struct confine_spec *spec, bool probe, struct confine_result *result,
		    struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct confine_spec effective = with_defaults(spec);
	struct confine_job job;
	int64_t began = clock_mono_ms();
	*result = (struct confine_result){ .end = CONFINE_LOST };
	if (confine_plan(&a, &effective, &job, err) < 0)
		return -1;
	job.probe = probe;
	int rc = run_job(&job, result, err);
	result->wall_ms = clock_mono_ms() - began;
	return rc;
}

int confine_run(const struct confine_spec *spec, struct confine_result *result, struct error *err)
{
	return run_spec(spec, false, result, err);
}

void confine_result_release(struct confine_result *result)
{
	buf_release(&result->out);
	buf_release(&result->err);
}

int confine_probe(const char *scratch, struct confine_report *out, struct error *err)
{
	struct confine_result result;
	const char *const argv[] = { "/bin/sh", NULL };
	struct confine_spec spec = {
		.argv = argv,
		.scratch = scratch,
		.timeout_ms = SETUP_MS,
		.policy = CONFINE_TOLERATE,
	};
	int rc = run_spec(&spec, true, &result, err);
	*out = result.report;
	confine_result_release(&result);
	return rc;
}
