/* confine_filter_checks.h - a table of checks in the numbers of whatever SYS_* stands for where this is
 * included. */
#include "unit/io/confine_filter.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define HELPED(name, first, second, error)                                             \
	{                                                                              \
#name, false, SYS_##name, (uint64_t)(first), (uint64_t)(second), error \
	}
#define ALONE(name, first, second, error)                                             \
	{                                                                             \
#name, true, SYS_##name, (uint64_t)(first), (uint64_t)(second), error \
	}
#define DENIED(name) HELPED(name, 0, 0, EPERM)
#define NOT_THERE(name) HELPED(name, 0, 0, ENOSYS)
#define ALLOWED(name) HELPED(name, 0, 0, 0)
#define SPARED(name, id) \
	ALONE(name, id, SIGKILL, EPERM), ALONE(name, -1, SIGKILL, EPERM), ALONE(name, -id, 0, EPERM)

static const struct filter_check filter_checks[] = {
	/* What every program needs. */
	ALLOWED(read),
	ALLOWED(write),
	ALLOWED(openat),
	ALLOWED(close),
	ALLOWED(execve),
	ALLOWED(exit_group),
	ALLOWED(mmap),
	ALLOWED(brk),
	ALLOWED(futex),
	ALLOWED(wait4),
	ALLOWED(pipe2),
	ALLOWED(rt_sigaction),
	ALLOWED(getrandom),
	ALLOWED(statx),
	ALLOWED(newfstatat),
	ALLOWED(getdents64),
	ALLOWED(faccessat2),
	ALLOWED(rseq),
	ALLOWED(seccomp),
	ALLOWED(epoll_pwait),
	ALLOWED(setsid),
	ALLOWED(setpgid),
	/* What none gets. */
	DENIED(ptrace),
	DENIED(process_vm_readv),
	DENIED(process_vm_writev),
	DENIED(kcmp),
	DENIED(pidfd_getfd),
	DENIED(unshare),
	DENIED(setns),
	DENIED(mount),
	DENIED(umount2),
	DENIED(pivot_root),
	DENIED(chroot),
	DENIED(open_tree),
	DENIED(move_mount),
	DENIED(fsopen),
	DENIED(fsconfig),
	DENIED(fsmount),
	DENIED(fspick),
	DENIED(mount_setattr),
	DENIED(swapon),
	DENIED(swapoff),
	DENIED(name_to_handle_at),
	DENIED(open_by_handle_at),
	DENIED(quotactl),
	DENIED(quotactl_fd),
	DENIED(keyctl),
	DENIED(add_key),
	DENIED(request_key),
	DENIED(bpf),
	DENIED(perf_event_open),
	DENIED(userfaultfd),
	DENIED(fanotify_init),
	DENIED(kexec_load),
	DENIED(kexec_file_load),
	DENIED(init_module),
	DENIED(finit_module),
	DENIED(delete_module),
	DENIED(reboot),
	DENIED(syslog),
	DENIED(acct),
	DENIED(vhangup),
	DENIED(settimeofday),
	DENIED(clock_settime),
	DENIED(clock_adjtime),
	DENIED(adjtimex),
	DENIED(sethostname),
	DENIED(setdomainname),
	NOT_THERE(clone3),
	NOT_THERE(io_uring_setup),
	NOT_THERE(io_uring_enter),
	NOT_THERE(io_uring_register),
	NOT_THERE(memfd_create),
	NOT_THERE(shmget),
	NOT_THERE(msgget),
	NOT_THERE(semget),
	NOT_THERE(mq_open),
	{ "memfd_secret", false, 447, 0, 0, ENOSYS },
	/* What hangs on an argument. The kernel takes an int: the upper half makes no other value of it. */
	HELPED(clone, SIGCHLD, 0, 0),
	HELPED(clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0),
	HELPED(clone, CLONE_NEWUSER | SIGCHLD, 0, EPERM),
	HELPED(clone, CLONE_NEWNET | CLONE_VM, 0, EPERM),
	HELPED(socket, AF_UNIX, 0, 0),
	HELPED(socket, AF_INET, 0, EAFNOSUPPORT),
	HELPED(socket, 1ull << 32 | AF_INET6, 0, EAFNOSUPPORT),
	HELPED(socketpair, AF_UNIX, 0, 0),
	HELPED(socketpair, AF_INET, 0, EAFNOSUPPORT),
	HELPED(ioctl, 0, TIOCGWINSZ, 0),
	HELPED(ioctl, 0, TIOCSTI, EPERM),
	HELPED(ioctl, 0, 1ull << 32 | TIOCSTI, EPERM),
	HELPED(ioctl, 0, TIOCLINUX, EPERM),
	HELPED(personality, 0xffffffffu, 0, 0),
	HELPED(personality, 0x40000, 0, EPERM),
	HELPED(prlimit64, FILTER_CALLER, 0, 0),
	HELPED(kill, FILTER_CALLER, SIGKILL, 0),
	/* Where nothing else stands between it and others. */
	ALONE(read, 0, 0, 0),
	ALONE(ptrace, 0, 0, EPERM),
	ALONE(socket, AF_UNIX, 0, EACCES),
	ALONE(socketpair, AF_UNIX, 0, 0),
	ALONE(setsid, 0, 0, EPERM),
	ALONE(setpgid, 0, 0, EPERM),
	ALONE(prlimit64, 0, 0, 0),
	ALONE(prlimit64, FILTER_CALLER, 0, EPERM),
	ALONE(setpriority, 0, 0, 0),
	ALONE(setpriority, 1, 0, EPERM),
	ALONE(setpriority, 0, FILTER_CALLER, EPERM),
	ALONE(ioprio_set, 1, FILTER_CALLER, EPERM),
	ALONE(sched_setscheduler, FILTER_CALLER, 0, EPERM),
	ALONE(sched_setparam, FILTER_CALLER, 0, EPERM),
	ALONE(sched_setattr, FILTER_CALLER, 0, EPERM),
	ALONE(migrate_pages, 0, 0, EPERM),
	ALONE(move_pages, 0, 0, EPERM),
	ALONE(pidfd_send_signal, 3, SIGTERM, EPERM),
	SPARED(kill, FILTER_CALLER),
	SPARED(kill, FILTER_KEEPER),
	SPARED(tkill, FILTER_CALLER),
	SPARED(tgkill, FILTER_KEEPER),
	SPARED(rt_sigqueueinfo, FILTER_CALLER),
	SPARED(rt_tgsigqueueinfo, FILTER_KEEPER),
	ALONE(kill, 4002, SIGKILL, 0),
	ALONE(kill, 0, SIGTERM, 0),
};

enum { FILTER_CHECKS = sizeof(filter_checks) / sizeof(filter_checks[0]) };
