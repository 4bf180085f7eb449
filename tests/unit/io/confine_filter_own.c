/* confine_filter_own.c - the filter as it is built for this machine. */
#include <linux/audit.h>
#include <sys/syscall.h>

#include "unit/io/confine_filter_checks.h"

const struct filter_arch filter_arch_own = {
#if defined(__x86_64__)
	.name = "x86_64",
	.audit = AUDIT_ARCH_X86_64,
	.x32 = true,
#else
	.name = "aarch64",
	.audit = AUDIT_ARCH_AARCH64,
#endif
	.make = confine_filter_make,
	.checks = filter_checks,
	.n_checks = FILTER_CHECKS,
};
