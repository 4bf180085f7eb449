/* limit.c - the adaptive limit against made-up servers; time is a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kube/limit.h"

/* A server with `width` workers that each need service_ms, always `load` requests offered; for `ms`. */
static int64_t play(struct kube_limit *l, int64_t now, int64_t ms, double width, double service_ms,
		    int offered)
{
	for (int64_t end = now + ms; now < end;) {
		int load = kube_limit_value(l) < offered ? kube_limit_value(l) : offered;
		double latency = load > width ? service_ms * load / width : service_ms;
		/* Everything in flight ends once a latency; noise of a quarter either way. */
		int64_t start = now;
		now += (int64_t)latency + 1;
		for (int i = 0; i < load; i++) {
			int64_t noise = (int64_t)(latency / 4 * ((i * 7919) % 17 - 8) / 8);
			kube_limit_sample(l, now, start + noise < now ? start + noise : now, load,
					  KUBE_LIMIT_OK);
		}
	}
	return now;
}

static void starts_high(void **unused)
{
	struct kube_limit l;
	kube_limit_init(&l);
	assert_int_equal(kube_limit_value(&l), KUBE_LIMIT_START);
}

static void a_fast_server_is_used_to_the_full(void **unused)
{
	struct kube_limit l;
	kube_limit_init(&l);
	play(&l, 1000, 20000, 1000, 20, 1000);
	assert_int_equal(kube_limit_value(&l), KUBE_LIMIT_MAX);
}

static void a_saturated_server_is_no_reason_to_collapse(void **unused)
{
	struct kube_limit l;
	kube_limit_init(&l);
	/* Two workers of 2 ms: a thousand a second, whatever we do. */
	play(&l, 1000, 60000, 2, 2, 1000);
	assert_in_range(kube_limit_value(&l), 48, 160);
}

static void an_unused_limit_does_not_grow(void **unused)
{
	struct kube_limit l;
	kube_limit_init(&l);
	play(&l, 1000, 60000, 1000, 5, 4);
	assert_int_equal(kube_limit_value(&l), KUBE_LIMIT_START);
}

static void trouble_is_seen_and_left_again(void **unused)
{
	struct kube_limit l;
	kube_limit_init(&l);
	int64_t now = play(&l, 1000, 10000, 4, 4, 1000);
	now = play(&l, now, 20000, 4, 60, 1000);
	assert_in_range(kube_limit_value(&l), KUBE_LIMIT_LATENCY_MIN, 40);
	play(&l, now, 20000, 4, 4, 1000);
	assert_in_range(kube_limit_value(&l), 48, KUBE_LIMIT_MAX);
}

static void throttled_answers_of_one_round_count_once(void **unused)
{
	struct kube_limit l;
	kube_limit_init(&l);
	for (int i = 0; i < 64; i++)
		kube_limit_sample(&l, 1000 + i, 900, 64, KUBE_LIMIT_THROTTLED);
	assert_int_equal(kube_limit_value(&l), KUBE_LIMIT_START / 2);
	for (int round = 0; round < 20; round++)
		kube_limit_sample(&l, 3000 + round * 100, 2990 + round * 100, 2, KUBE_LIMIT_THROTTLED);
	assert_int_equal(kube_limit_value(&l), KUBE_LIMIT_MIN);
	play(&l, 10000, 60000, 1000, 20, 1000);
	assert_in_range(kube_limit_value(&l), KUBE_LIMIT_START, KUBE_LIMIT_MAX);
}

static void failures_say_nothing(void **unused)
{
	struct kube_limit l;
	kube_limit_init(&l);
	for (int i = 0; i < 1000; i++)
		kube_limit_sample(&l, 50000 + i, 1000, 64, KUBE_LIMIT_FAILED);
	assert_int_equal(kube_limit_value(&l), KUBE_LIMIT_START);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_high),
		cmocka_unit_test(a_fast_server_is_used_to_the_full),
		cmocka_unit_test(a_saturated_server_is_no_reason_to_collapse),
		cmocka_unit_test(an_unused_limit_does_not_grow),
		cmocka_unit_test(trouble_is_seen_and_left_again),
		cmocka_unit_test(throttled_answers_of_one_round_count_once),
		cmocka_unit_test(failures_say_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
