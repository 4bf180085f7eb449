/*
 * confine_filter.c - which system calls the program may not make: a table, and the BPF that is made of it.
 *
 * A list of what is denied, not of what is allowed: any program is to run, those of tomorrow too. It takes
 * away what would lead out of the other layers (mounts, namespaces, other processes' memory, keys), what few
 * programs need and kernels had their holes in (bpf, perf, userfaultfd, io_uring), every socket but AF_UNIX,
 * and memory that no limit of the process counts (memfd, System V). io_uring would also make sockets that no
 * filter sees.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "io/confine_parts.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000u /* calls of the x32 ABI: same architecture, other numbers */
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "say here which architecture this is, and look through the table of system calls"
#endif

enum { MEMFD_SECRET = 447 }; /* not in every architecture's header */

#define NEW_NAMESPACES                                                                             \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	 CLONE_NEWCGROUP)

/* NO_ROOT: only without a root of its own. GROUPED: only where its processes are known by their session. */
struct rule {
	uint16_t call;
	uint8_t error;
	enum { ALWAYS, UNLESS, WHEN, BITS } condition : 8; /* on the low half of an argument */
	uint8_t argument;
	enum { ANYWHERE, NO_ROOT, GROUPED } where : 8;
	uint32_t value;
};

static const struct rule rules[] = {
	/* Other processes, and what they hold. */
	{ SYS_ptrace, EPERM },
	{ SYS_process_vm_readv, EPERM },
	{ SYS_process_vm_writev, EPERM },
	{ SYS_kcmp, EPERM },
	{ SYS_pidfd_getfd, EPERM },
	/* Namespaces and mounts. clone3() hides its flags behind a pointer: libraries go back to clone(). */
	{ SYS_unshare, EPERM },
	{ SYS_setns, EPERM },
	{ SYS_clone3, ENOSYS },
	{ SYS_clone, EPERM, BITS, 0, .value = NEW_NAMESPACES },
	{ SYS_mount, EPERM },
	{ SYS_umount2, EPERM },
	{ SYS_pivot_root, EPERM },
	{ SYS_chroot, EPERM },
	{ SYS_open_tree, EPERM },
	{ SYS_move_mount, EPERM },
	{ SYS_fsopen, EPERM },
	{ SYS_fsconfig, EPERM },
	{ SYS_fsmount, EPERM },
	{ SYS_fspick, EPERM },
	{ SYS_mount_setattr, EPERM },
	{ SYS_swapon, EPERM },
	{ SYS_swapoff, EPERM },
	{ SYS_name_to_handle_at, EPERM },
	{ SYS_open_by_handle_at, EPERM },
	{ SYS_quotactl, EPERM },
	{ SYS_quotactl_fd, EPERM },
	/* Keys, the kernel itself, its clocks and names. */
	{ SYS_keyctl, EPERM },
	{ SYS_add_key, EPERM },
	{ SYS_request_key, EPERM },
	{ SYS_bpf, EPERM },
	{ SYS_perf_event_open, EPERM },
	{ SYS_userfaultfd, EPERM },
	{ SYS_io_uring_setup, ENOSYS },
	{ SYS_io_uring_enter, ENOSYS },
	{ SYS_io_uring_register, ENOSYS },
	{ SYS_fanotify_init, EPERM },
	{ SYS_kexec_load, EPERM },
	{ SYS_kexec_file_load, EPERM },
	{ SYS_init_module, EPERM },
	{ SYS_finit_module, EPERM },
	{ SYS_delete_module, EPERM },
	{ SYS_reboot, EPERM },
	{ SYS_syslog, EPERM },
	{ SYS_acct, EPERM },
	{ SYS_vhangup, EPERM },
	{ SYS_settimeofday, EPERM },
	{ SYS_clock_settime, EPERM },
	{ SYS_clock_adjtime, EPERM },
	{ SYS_adjtimex, EPERM },
	{ SYS_sethostname, EPERM },
	{ SYS_setdomainname, EPERM },
	{ SYS_personality, EPERM, UNLESS, 0, .value = 0xffffffffu }, /* a question only */
#if defined(__x86_64__)
	{ SYS_iopl, EPERM },
	{ SYS_ioperm, EPERM },
	{ SYS_modify_ldt, EPERM },
#endif
	/* Memory that is nobody's. */
	{ SYS_memfd_create, ENOSYS },
	{ MEMFD_SECRET, ENOSYS },
	{ SYS_shmget, ENOSYS },
	{ SYS_msgget, ENOSYS },
	{ SYS_semget, ENOSYS },
	{ SYS_mq_open, ENOSYS },
	/* Networks. Without a root of its own a socket could also reach those of this machine's programs. */
	{ SYS_socket, EACCES, .where = NO_ROOT },
	{ SYS_socket, EAFNOSUPPORT, UNLESS, 0, .value = AF_UNIX },
	{ SYS_socketpair, EAFNOSUPPORT, UNLESS, 0, .value = AF_UNIX },
	/* Typing into a terminal. */
	{ SYS_ioctl, EPERM, WHEN, 1, .value = TIOCSTI },
	{ SYS_ioctl, EPERM, WHEN, 1, .value = TIOCLINUX },
	/* Leaving the session, by which all its processes are found, and the group, by which they are ended.
	 */
	{ SYS_setsid, EPERM, .where = GROUPED },
	{ SYS_setpgid, EPERM, .where = GROUPED },
	/* Limits and priorities of others; 0 is the caller itself. */
	{ SYS_prlimit64, EPERM, UNLESS, 0, NO_ROOT, 0 },
	{ SYS_setpriority, EPERM, UNLESS, 0, NO_ROOT, 0 },
	{ SYS_setpriority, EPERM, UNLESS, 1, NO_ROOT, 0 },
	{ SYS_ioprio_set, EPERM, UNLESS, 1, NO_ROOT, 0 },
	{ SYS_sched_setscheduler, EPERM, UNLESS, 0, NO_ROOT, 0 },
	{ SYS_sched_setparam, EPERM, UNLESS, 0, NO_ROOT, 0 },
	{ SYS_sched_setattr, EPERM, UNLESS, 0, NO_ROOT, 0 },
	{ SYS_migrate_pages, EPERM, .where = NO_ROOT },
	{ SYS_move_pages, EPERM, .where = NO_ROOT },
};

static void emit(struct confine_filter *f, struct sock_filter instruction)
{
	if (f->n < CONFINE_FILTER_MAX)
		f->code[f->n++] = instruction;
}

static void load(struct confine_filter *f, size_t offset)
{
	emit(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void deny(struct confine_filter *f, uint8_t error)
{
	emit(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
}

static void load_call(struct confine_filter *f)
{
	load(f, offsetof(struct seccomp_data, nr));
}

/* The number of the call is loaded before and after. */
static void add(struct confine_filter *f, const struct rule *r)
{
	if (r->condition == ALWAYS) {
		emit(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->call, 0, 1));
		deny(f, r->error);
		return;
	}
	size_t low = offsetof(struct seccomp_data, args) + r->argument * sizeof(uint64_t);
	uint16_t test = r->condition == BITS ? BPF_JSET : BPF_JEQ;
	bool hit = r->condition != UNLESS;
	emit(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, r->call, 0, 4));
	load(f, low); /* both architectures are little-endian */
	emit(f, (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, r->value, hit ? 0 : 1, hit ? 1 : 0));
	deny(f, r->error);
	load_call(f);
}

/* Without a pid namespace or Landlock's scopes: everyone at once, and the processes that hold it. */
static void add_signals(struct confine_filter *f)
{
	static const uint16_t calls[] = { SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo,
					  SYS_rt_tgsigqueueinfo };
	const uint32_t targets[] = {
		(uint32_t)-1,		(uint32_t)f->spare[0],	(uint32_t)f->spare[1],
		(uint32_t)-f->spare[0], (uint32_t)-f->spare[1],
	};
	add(f, &(struct rule){ SYS_pidfd_send_signal, EPERM });
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (size_t k = 0; k < sizeof(targets) / sizeof(targets[0]); k++)
			add(f, &(struct rule){ calls[i], EPERM, WHEN, 0, ANYWHERE, targets[k] });
}

void confine_filter_make(struct confine_filter *f)
{
	f->n = 0;
	load(f, offsetof(struct seccomp_data, arch));
	emit(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	emit(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
	load_call(f);
#ifdef X32_BIT
	emit(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
	deny(f, ENOSYS);
#endif
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].where == ANYWHERE || (rules[i].where == NO_ROOT ? f->strict : f->grouped))
			add(f, &rules[i]);
	if (f->free_signals)
		add_signals(f);
	emit(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

int confine_filter_apply(struct confine_filter *f)
{
	struct sock_fprog program = { .len = f->n, .filter = f->code };
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
