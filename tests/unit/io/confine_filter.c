/* confine_filter.c - the filter of system calls of both architectures, run as the kernel would run it. */
#include "unit/io/confine_filter.h"

#include "unit/cmocka_all.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>

static const struct filter_arch *const architectures[] = { &filter_arch_own, &filter_arch_aarch64 };
enum { ARCHITECTURES = sizeof(architectures) / sizeof(architectures[0]) };

/* What the kernel would make of a call: the instructions that the filter uses. */
static uint32_t interpret(const struct confine_filter *f, const struct seccomp_data *data)
{
	uint32_t a = 0;
	for (unsigned pc = 0; pc < f->n; pc++) {
		const struct sock_filter *i = &f->code[pc];
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k + 4 <= sizeof(*data) && i->k % 4 == 0);
			memcpy(&a, (const char *)data + i->k, 4);
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += a & i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			fail_msg("instruction %u: code %#x", pc, i->code);
		}
	}
	fail_msg("no verdict");
	return 0;
}

static void make(const struct filter_arch *arch, bool covering, struct confine_filter *f)
{
	*f = (struct confine_filter){
		.strict = covering,
		.grouped = covering,
		.free_signals = covering,
		.spare = { FILTER_CALLER, FILTER_KEEPER },
	};
	arch->make(f);
	assert_true(f->n < CONFINE_FILTER_MAX);
}

static void calls_come_to_what_they_should(void **state)
{
	for (size_t i = 0; i < ARCHITECTURES; i++) {
		const struct filter_arch *arch = architectures[i];
		struct confine_filter filters[2];
		make(arch, false, &filters[0]);
		make(arch, true, &filters[1]);
		assert_true(arch->n_checks > 100);
		for (size_t k = 0; k < arch->n_checks; k++) {
			const struct filter_check *c = &arch->checks[k];
			struct seccomp_data data = { .nr = (int)c->call,
						     .arch = arch->audit,
						     .args = { c->first, c->second } };
			uint32_t want = c->error ? SECCOMP_RET_ERRNO | (uint32_t)c->error : SECCOMP_RET_ALLOW;
			uint32_t got = interpret(&filters[c->covering], &data);
			if (got != want)
				fail_msg("%s: %s(%#llx, %#llx), number %ld: %#x instead of %#x", arch->name,
					 c->what, (unsigned long long)c->first, (unsigned long long)c->second,
					 c->call, got, want);
		}
	}
}

/* A program may not go by the numbers of another architecture of the same processor. */
static void other_architectures_are_killed(void **state)
{
	static const uint32_t others[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_X86_64,
					   AUDIT_ARCH_AARCH64, 0 };
	for (size_t i = 0; i < ARCHITECTURES; i++) {
		struct confine_filter f;
		make(architectures[i], false, &f);
		for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
			struct seccomp_data data = { .nr = 1, .arch = others[k] };
			bool own = others[k] == architectures[i]->audit;
			assert_int_equal(interpret(&f, &data) == SECCOMP_RET_KILL_PROCESS, !own);
		}
	}
}

static void x32_calls_are_not_there(void **state)
{
	for (size_t i = 0; i < ARCHITECTURES; i++) {
		struct confine_filter f;
		struct seccomp_data data = { .nr = 0x40000000, .arch = architectures[i]->audit };
		make(architectures[i], false, &f);
		assert_int_equal(interpret(&f, &data),
				 architectures[i]->x32 ? SECCOMP_RET_ERRNO | ENOSYS : SECCOMP_RET_ALLOW);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_come_to_what_they_should),
		cmocka_unit_test(other_architectures_are_killed),
		cmocka_unit_test(x32_calls_are_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
