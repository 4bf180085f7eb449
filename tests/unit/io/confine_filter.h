/* confine_filter.h - the filter of one architecture, and what it must say to calls by that one's numbers. */
#pragma once

#include "io/confine_parts.h"

/* What a call must come to, in a filter that nothing else helps (covering) or one beside all namespaces. */
struct filter_check {
	const char *what;
	bool covering;
	long call;
	uint64_t first, second; /* its arguments */
	int error;		/* that it is denied with; 0: allowed */
};

struct filter_arch {
	const char *name;
	uint32_t audit; /* AUDIT_ARCH_* */
	bool x32;	/* calls of its other ABI have a bit set */
	void (*make)(struct confine_filter *f);
	const struct filter_check *checks;
	size_t n_checks;
};

/* Processes that a filter which nothing else helps must spare. */
enum { FILTER_CALLER = 4000, FILTER_KEEPER = 4001 };

extern const struct filter_arch filter_arch_own;
extern const struct filter_arch
	filter_arch_aarch64; /* on a machine that is none: by Linux's generic numbers */
