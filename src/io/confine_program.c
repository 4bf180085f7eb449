/*
 * confine_program.c - the last steps of the process that becomes the program: what it may use, what it may
 * do, and only then execve(). Each step takes rights away, so that the order matters: limits, capabilities,
 * Landlock (which opens paths), the filter of system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "io/confine_parts.h"

enum {
	OPEN_FILES = 4096,
	LAST_CAPABILITY = 63,
};

static void limit(int what, uint64_t soft, uint64_t hard)
{
	struct rlimit old, new = { .rlim_cur = (rlim_t)soft, .rlim_max = (rlim_t)hard };
	if (getrlimit((__rlimit_resource_t)what, &old) < 0)
		return;
	if (old.rlim_max < new.rlim_max) /* never raised: only root could */
		new.rlim_max = old.rlim_max;
	if (new.rlim_max < new.rlim_cur)
		new.rlim_cur = new.rlim_max;
	setrlimit((__rlimit_resource_t)what, &new);
}

static bool can_fork(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		syscall(SYS_wait4, pid, NULL, __WALL, NULL);
	return pid > 0 || errno != EAGAIN;
}

/*
 * The kernel counts all processes of an account, and others may have some that we do not see (another
 * container's). The limit is raised until one more fits, and by what the program may have.
 */
static void limit_processes(const struct confine_job *job)
{
	uint64_t most = job->nproc;
	if (job->nproc_search) {
		struct rlimit old;
		if (getrlimit(RLIMIT_NPROC, &old) < 0)
			return;
		while (most < old.rlim_max && most < UINT32_MAX) {
			struct rlimit soft = { .rlim_cur = (rlim_t)most, .rlim_max = old.rlim_max };
			setrlimit(RLIMIT_NPROC, &soft);
			if (can_fork())
				break;
			most *= 2;
		}
		most += job->spec->pids_max;
	}
	limit(RLIMIT_NPROC, most, most);
}

static void set_limits(const struct confine_job *job)
{
	const struct confine_spec *spec = job->spec;
	uint64_t seconds = ((uint64_t)spec->cpu_ms + 999) / 1000;
	limit(RLIMIT_CORE, 0, 0);
	limit(RLIMIT_NOFILE, 1024, OPEN_FILES);
	limit(RLIMIT_MEMLOCK, 8u << 20, 8u << 20);
	limit(RLIMIT_MSGQUEUE, 0, 0);
	limit(RLIMIT_FSIZE, spec->disk_bytes, spec->disk_bytes);
	limit(RLIMIT_CPU, seconds, seconds + 1);
	limit_processes(job);
	/* Not RLIMIT_AS: Go, V8 and Java reserve far more addresses than they use. */
	limit(RLIMIT_DATA, spec->memory_bytes, spec->memory_bytes);
}

void confine_drop_bounding(void)
{
	for (int i = 0; i <= LAST_CAPABILITY; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			break; /* not allowed, or there are no more */
}

static int drop_privileges(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	confine_drop_bounding(); /* refused to an ordinary account, which has none to gain */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none) < 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int apply_filter(const struct confine_job *job, bool grouped, pid_t keeper)
{
	struct confine_filter filter = {
		.strict = job->level != CONFINE_LEVEL_ROOT,
		.grouped = grouped,
		.free_signals = job->level == CONFINE_LEVEL_BARE && job->landlock < 6,
		.spare = { job->caller, keeper },
	};
	confine_filter_make(&filter);
	return confine_filter_apply(&filter);
}

static void try_layer(const struct confine_job *job, enum confine_layer layer, int rc, uint32_t *held)
{
	if (rc == 0)
		*held |= 1u << layer;
	else
		confine_say_layer(job, layer, errno ? errno : EPERM);
}

/* 0, 1 and 2 are the program's; the way to report a failed execve() closes when it works. */
static void set_fds(struct confine_job *job, int in)
{
	int control = fcntl(job->control, F_DUPFD_CLOEXEC, 16), out = fcntl(job->out, F_DUPFD_CLOEXEC, 16);
	int err = fcntl(job->err, F_DUPFD_CLOEXEC, 16);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	dup3(control, 3, O_CLOEXEC);
	job->control = 3;
	if (syscall(SYS_close_range, 4u, ~0u, 0) == 0)
		return;
	struct rlimit most;
	int end = getrlimit(RLIMIT_NOFILE, &most) == 0 ? (int)most.rlim_cur : 1024;
	for (int fd = 4; fd < end; fd++)
		close(fd);
}

static bool wanted(const struct confine_job *job, enum confine_layer layer)
{
	errno = ECANCELED;
	return !(job->spec->without & 1u << layer);
}

static void say_all(const struct confine_job *job, uint32_t held)
{
	for (int i = 0; i < CONFINE_LAYERS; i++)
		if (held & 1u << i)
			confine_say(job, NOTE_HELD, i, i == CONFINE_LANDLOCK ? job->landlock : 0, 0);
}

/* Leaves nothing of the caller's behind: signals, groups, and the keeper's end is the program's, too. */
static void reset_process(const struct confine_job *job, pid_t keeper)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (job->level == CONFINE_LEVEL_BARE) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (getppid() != keeper)
			_exit(1);
	}
}

_Noreturn void confine_program(const struct confine_job *given, uint32_t held, bool grouped, int in,
			       pid_t keeper)
{
	struct confine_job copy = *given, *job = &copy;
	setpgid(0, 0);
	set_fds(job, in);
	if (chdir(job->cwd) < 0)
		confine_fail(job, STAGE_DIR, 0);
	try_layer(job, CONFINE_PRIVILEGES, drop_privileges(), &held);
	if (!wanted(job, CONFINE_LANDLOCK) || confine_landlock_apply(job) < 0) {
		confine_say_layer(job, CONFINE_LANDLOCK, errno);
		job->landlock = 0;
		if (job->level == CONFINE_LEVEL_BARE)
			held &= ~(1u << CONFINE_SIGNALS);
	} else {
		held |= 1u << CONFINE_LANDLOCK;
	}
	set_limits(job);
	reset_process(job, keeper);
	bool filter = wanted(job, CONFINE_FILTER);
	try_layer(job, CONFINE_FILTER, filter ? apply_filter(job, grouped, keeper) : -1, &held);
	say_all(job, held);
	struct confine_report report = { .held = held };
	if (job->spec->policy == CONFINE_REQUIRE && !confine_report_suffices(&report)) {
		confine_say(job, NOTE_REFUSED, 0, 0, 0);
		_exit(1);
	}
	if (job->probe)
		_exit(0);
	execve(job->program, (char *const *)(uintptr_t)job->spec->argv, job->env);
	confine_fail(job, STAGE_EXEC, 0);
}
