/*
 * confine_filter_aarch64.c - the filter as it is built for aarch64, on any machine: its source once more,
 * with the numbers of system calls that aarch64 has, which are those of Linux's generic table.
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
#include <unistd.h>

/* SYS_x is __NR_x, which is looked up where it is used; a header of the system may define that anew. */
#define __ARCH_WANT_RENAMEAT
#define __ARCH_WANT_NEW_STAT
#define __ARCH_WANT_SET_GET_RLIMIT
#define __ARCH_WANT_TIME32_SYSCALLS
#include <asm-generic/unistd.h>
#undef __x86_64__
#ifndef __aarch64__
#define __aarch64__ 1
#endif

#define confine_filter_make make_for_aarch64
#define confine_filter_apply apply_for_aarch64
#include "../../../src/io/confine_filter.c"
#include "unit/io/confine_filter_checks.h"

/* So that the numbers are known to be the others: those of x86_64 are 0 and 41. */
_Static_assert(SYS_read == 63 && SYS_socket == 198, "these are not the numbers of aarch64");

const struct filter_arch filter_arch_aarch64 = {
	.name = "aarch64",
	.audit = AUDIT_ARCH_AARCH64,
	.make = confine_filter_make,
	.checks = filter_checks,
	.n_checks = FILTER_CHECKS,
};
