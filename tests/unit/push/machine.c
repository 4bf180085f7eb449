/*
 * The state machine of a push against a host that only writes down what it is asked: a case is a script of
 * answers and the conversation that must come of it.
 */
#include "unit/cmocka_all.h"

#include <stdio.h>

#include "base/arena.h"
#include "push/machine.h"

enum { TIMEOUT = 600000, UNDO_TIMEOUT = 60000 };

struct fake {
	struct buf said;
	struct push_machine m;
	int64_t now;
};

static void say(struct fake *f, const char *what)
{
	if (f->said.n)
		buf_addc(&f->said, ' ');
	buf_adds(&f->said, what);
}

#define ASK(name)                         \
	static void ask_##name(void *ctx) \
	{                                 \
		say(ctx, #name);          \
	}
ASK(check)
ASK(build)
ASK(claim)
ASK(deliver)
ASK(watch)
ASK(undo)
ASK(undo_watch)
ASK(move_refs)
ASK(cancel)

static void persist(void *ctx, enum push_state state)
{
	struct fake *f = ctx;
	say(f, "+");
	buf_adds(&f->said, push_state_name(state));
}

static void answer(void *ctx, bool accepted)
{
	say(ctx, accepted ? "yes" : "no");
}

static void finish(void *ctx, enum push_state state, bool unclean)
{
	say(ctx, push_state_name(state));
	if (unclean)
		say(ctx, "unclean");
}

static const struct push_host HOST = {
	.check = ask_check,
	.build = ask_build,
	.claim = ask_claim,
	.deliver = ask_deliver,
	.watch = ask_watch,
	.undo = ask_undo,
	.undo_watch = ask_undo_watch,
	.move_refs = ask_move_refs,
	.persist = persist,
	.cancel = ask_cancel,
	.answer = answer,
	.finish = finish,
};

static const struct push_config PLAIN = { .timeout_ms = TIMEOUT, .undo_timeout_ms = UNDO_TIMEOUT };
static const struct push_config KEEP = { .keep = true,
					 .timeout_ms = TIMEOUT,
					 .undo_timeout_ms = UNDO_TIMEOUT };
static const struct push_config NOTHING = { .nothing = true,
					    .timeout_ms = TIMEOUT,
					    .undo_timeout_ms = UNDO_TIMEOUT };

/* o: OK, f: FAILED, l: LATE, p: PREEMPTED; P: somebody pre-empts; D: the deadline is over, and the machine is
 * told; d: whatever it waits for is over; e: a tick that comes early. */
static void play(struct fake *f, const char *script)
{
	for (; *script; script++) {
		switch (*script) {
		case 'o':
			push_machine_step(&f->m, STEP_OK, f->now);
			break;
		case 'f':
			push_machine_step(&f->m, STEP_FAILED, f->now);
			break;
		case 'l':
			push_machine_step(&f->m, STEP_LATE, f->now);
			break;
		case 'p':
			push_machine_step(&f->m, STEP_PREEMPTED, f->now);
			break;
		case 'P':
			push_machine_preempt(&f->m, f->now);
			break;
		case 'D':
			f->now += TIMEOUT;
			push_machine_tick(&f->m, f->now);
			break;
		case 'd':
			assert_int_not_equal(push_machine_deadline(&f->m), INT64_MAX);
			f->now = push_machine_deadline(&f->m);
			push_machine_tick(&f->m, f->now);
			break;
		case 'e':
			push_machine_tick(&f->m, ++f->now);
			break;
		default:
			fail();
		}
	}
}

struct conversation {
	const char *script, *said;
	const struct push_config *config; /* NULL: PLAIN */
};

static void init(struct fake *f, const struct push_config *config)
{
	*f = (struct fake){ .now = 1000 };
	push_machine_init(&f->m, &HOST, f, config ? config : &PLAIN);
}

static void expect(const struct fake *f, const char *script, const char *said)
{
	if (strcmp(f->said.p ? f->said.p : "", said) != 0)
		fail_msg("%s:\n  said     %s\n  expected %s", script, f->said.p, said);
}

static void converse(const struct conversation *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct fake f;
		init(&f, cases[i].config);
		push_machine_start(&f.m, f.now);
		play(&f, cases[i].script);
		expect(&f, cases[i].script, cases[i].said);
		/* Whatever is still told to a machine that ended, nothing comes of it. */
		if (push_machine_ended(&f.m)) {
			assert_int_equal(push_machine_deadline(&f.m), INT64_MAX);
			play(&f, "ofPDe");
			expect(&f, cases[i].script, cases[i].said);
		}
		buf_release(&f.said);
	}
}
#define CONVERSE(cases) converse(cases, sizeof(cases) / sizeof((cases)[0]))

/* What is said up to the moment that a thing is asked, and the answers that lead there. */
#define TO_BUILD "check +build build"
#define TO_CLAIM TO_BUILD " +claim claim"
#define TO_DELIVER TO_CLAIM " +deliver deliver"
#define TO_WATCH TO_DELIVER " +watch watch"
#define TO_ACCEPT TO_WATCH " +accept"
#define CHECKED "oo"
#define BUILT CHECKED "oo"
#define CLAIMED BUILT "oo"
#define DELIVERED CLAIMED "oo"
#define WATCHED DELIVERED "o"
#define UNDONE " +undo undo undo_watch no refused"

static void good_pushes(void **state)
{
	(void)state;
	static const struct conversation cases[] = {
		{ CHECKED, TO_BUILD, NULL },
		{ BUILT, TO_CLAIM, NULL },
		{ CLAIMED, TO_DELIVER, NULL },
		{ DELIVERED, TO_WATCH, NULL },
		{ WATCHED, TO_ACCEPT, NULL },
		{ WATCHED "o", TO_ACCEPT " yes", NULL },
		{ "oo", "check +accept yes", &NOTHING },
		/* A failed rollout that is kept, and one that takes too long. */
		{ DELIVERED "fo", TO_ACCEPT " yes", &KEEP },
		{ DELIVERED "Dlo", TO_WATCH " cancel +accept yes", &KEEP },
		{ DELIVERED "Doo", TO_WATCH " cancel +accept yes", &KEEP },
		{ "eoeoeoeoeoeoeoeoeoeoe", TO_ACCEPT " yes", NULL },
	};
	CONVERSE(cases);
}

static void refused_before_anything_was_done(void **state)
{
	(void)state;
	static const struct conversation cases[] = {
		{ "f", "check no refused", NULL },
		{ "f", "check no refused", &NOTHING },
		{ CHECKED "f", TO_BUILD " no refused", NULL },
		{ CHECKED "f", TO_BUILD " no refused", &KEEP },
		{ CHECKED "l", TO_BUILD " no refused", NULL },
		{ BUILT "f", TO_CLAIM " no refused", NULL },
		{ BUILT "p", TO_CLAIM " no refused", NULL },
		/* The record could not be written. */
		{ "of", "check +build no refused", NULL },
		{ CHECKED "of", TO_BUILD " +claim no refused", NULL },
		{ BUILT "of", TO_CLAIM " +deliver no refused", NULL },
	};
	CONVERSE(cases);
}

static void refused_and_undone(void **state)
{
	(void)state;
	static const struct conversation cases[] = {
		{ CLAIMED "fooo", TO_DELIVER UNDONE, NULL },
		{ CLAIMED "looo", TO_DELIVER UNDONE, NULL },
		{ CLAIMED "fooo", TO_DELIVER UNDONE, &KEEP },
		{ DELIVERED "fooo", TO_WATCH UNDONE, NULL },
		{ DELIVERED "looo", TO_WATCH UNDONE, NULL },
		{ DELIVERED "pooo", TO_WATCH UNDONE, &KEEP },
		/* The record could not be written. */
		{ CLAIMED "ofooo", TO_DELIVER " +watch" UNDONE, NULL },
		{ WATCHED "fooo", TO_ACCEPT UNDONE, NULL },
		{ "ofooo", "check +accept" UNDONE, &NOTHING },
		/* DELIVER is on disk, so UNDO need not be. */
		{ DELIVERED "ffoo", TO_WATCH UNDONE, NULL },
	};
	CONVERSE(cases);
}

static void newer_push_takes_over(void **state)
{
	(void)state;
	static const struct conversation cases[] = {
		{ "Po", "check cancel no refused", NULL },
		{ "oPo", "check +build no refused", NULL },
		{ CHECKED "Po", TO_BUILD " cancel no refused", NULL },
		{ CHECKED "oPo", TO_BUILD " +claim no refused", NULL },
		{ BUILT "PPf", TO_CLAIM " cancel no refused", NULL },
		{ BUILT "oPo", TO_CLAIM " +deliver no refused", NULL },
		{ CLAIMED "Poooo", TO_DELIVER " cancel" UNDONE, NULL },
		{ CLAIMED "oPoooo", TO_DELIVER " +watch" UNDONE, NULL },
		{ DELIVERED "PPoooo", TO_WATCH " cancel" UNDONE, NULL },
		{ DELIVERED "Pfooo", TO_WATCH " cancel" UNDONE, &KEEP },
		/* Too late: it is decided, or undone anyway. */
		{ WATCHED "Po", TO_ACCEPT " yes", NULL },
		{ WATCHED "oP", TO_ACCEPT " yes", NULL },
		{ DELIVERED "fPoPoPo", TO_WATCH UNDONE, NULL },
	};
	CONVERSE(cases);
}

static void deadlines(void **state)
{
	(void)state;
	static const struct conversation cases[] = {
		{ "do", "check cancel no refused", NULL },
		{ CHECKED "dl", TO_BUILD " cancel no refused", NULL },
		{ BUILT "dDl", TO_CLAIM " cancel no refused", NULL },
		/* An answer that comes after the deadline does not count. */
		{ CLAIMED "doooo", TO_DELIVER " cancel" UNDONE, NULL },
		{ DELIVERED "doooo", TO_WATCH " cancel" UNDONE, NULL },
		{ DELIVERED "dPoo", TO_WATCH " cancel +undo undo", &KEEP },
		/* Over while the disk works. */
		{ "oDo", "check +build no refused", NULL },
		{ CLAIMED "oDooo", TO_DELIVER " +watch +undo undo undo_watch", NULL },
		{ CLAIMED "oDoo", TO_DELIVER " +watch +accept yes", &KEEP },
		{ WATCHED "Do", TO_ACCEPT " yes", NULL },
	};
	CONVERSE(cases);
}

static void undo_that_fails(void **state)
{
	(void)state;
	static const struct conversation cases[] = {
		/* Tried again after pauses until its own deadline. */
		{ CLAIMED "fofdfdooo", TO_DELIVER " +undo undo undo undo undo_watch no refused", NULL },
		{ CLAIMED "fofeeDe", TO_DELIVER " +undo undo no refused unclean", NULL },
		{ CLAIMED "foDo", TO_DELIVER " +undo undo cancel no refused unclean", NULL },
		{ CLAIMED "foodl", TO_DELIVER " +undo undo undo_watch cancel no refused unclean", NULL },
		{ CLAIMED "foof", TO_DELIVER " +undo undo undo_watch no refused unclean", NULL },
		/* The record may say ACCEPT: nothing is undone before it says UNDO. */
		{ WATCHED "ffdfdooo", TO_ACCEPT " +undo +undo +undo undo undo_watch no refused", NULL },
		{ WATCHED "ffDe", TO_ACCEPT " +undo no refused unclean", NULL },
		{ WATCHED "ffdDf", TO_ACCEPT " +undo +undo no refused unclean", NULL },
	};
	CONVERSE(cases);
}

static void pauses_grow_and_end_at_the_deadline(void **state)
{
	(void)state;
	struct fake f;
	init(&f, NULL);
	push_machine_start(&f.m, f.now);
	play(&f, CLAIMED "fo");
	int64_t began = f.now, last = 0, pauses = 0;
	while (!push_machine_ended(&f.m)) {
		play(&f, "f");
		if (push_machine_ended(&f.m))
			break;
		int64_t pause = push_machine_deadline(&f.m) - f.now;
		assert_true(pause >= last || push_machine_deadline(&f.m) == began + UNDO_TIMEOUT);
		last = pause;
		play(&f, "d");
		pauses++;
	}
	assert_true(f.m.unclean);
	assert_in_range(f.now, began + UNDO_TIMEOUT, began + UNDO_TIMEOUT);
	assert_in_range(pauses, 5, 12);
	buf_release(&f.said);
}

/* --- records that killed processes left --- */

struct resumption {
	enum push_state state;
	bool moved;
	const char *script, *said;
};

static void resumed_at_every_state(void **state)
{
	(void)state;
	static const struct resumption cases[] = {
		{ PIPE_NEW, false, "", "refused" },
		{ PIPE_CHECK, false, "", "refused" },
		{ PIPE_BUILD, false, "", "refused" },
		{ PIPE_CLAIM, false, "", "refused" },
		{ PIPE_DELIVER, false, "ooo", "+undo undo undo_watch refused" },
		{ PIPE_WATCH, false, "ooo", "+undo undo undo_watch refused" },
		{ PIPE_UNDO, false, "ooo", "+undo undo undo_watch refused" },
		{ PIPE_UNDO_WATCH, false, "ooo", "+undo undo undo_watch refused" },
		/* Somebody else brought the same commit: not by this push's decision. */
		{ PIPE_WATCH, true, "ooo", "+undo undo undo_watch refused" },
		{ PIPE_ACCEPT, true, "", "done" },
		{ PIPE_ACCEPT, false, "o", "move_refs done" },
		{ PIPE_ACCEPT, false, "Po", "move_refs done" },
		{ PIPE_ACCEPT, false, "fooo", "move_refs +undo undo undo_watch refused" },
		/* What became of the refs counts, however late it is told. */
		{ PIPE_ACCEPT, false, "do", "move_refs cancel done" },
		{ PIPE_ACCEPT, false, "dfooo", "move_refs cancel +undo undo undo_watch refused" },
		/* The disk: refused, then not. */
		{ PIPE_ACCEPT, false, "ffdooo", "move_refs +undo +undo undo undo_watch refused" },
		{ PIPE_DELIVER, false, "fooo", "+undo undo undo_watch refused" },
		/* An unclean one, tried again. */
		{ PIPE_REFUSED, false, "ooo", "+undo undo undo_watch refused" },
		{ PIPE_REFUSED, false, "ofDe", "+undo undo refused unclean" },
		{ PIPE_DONE, true, "", "done" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake f;
		init(&f, NULL);
		push_machine_resume(&f.m, cases[i].state, cases[i].moved, f.now);
		play(&f, cases[i].script);
		expect(&f, push_state_name(cases[i].state), cases[i].said);
		assert_true(push_machine_ended(&f.m));
		buf_release(&f.said);
	}
}

/* Killed after each word of a conversation, resumed from what the disk said last, killed again anywhere. */
static void killed_anywhere_and_twice(void **state)
{
	(void)state;
	for (int first = 0; first <= 10; first++) {
		for (int second = 0; second <= 3; second++) {
			struct fake f, g, h;
			enum push_state disk = PIPE_NEW;
			init(&f, NULL);
			push_machine_start(&f.m, f.now);
			for (int i = 0; i < first; i++) {
				disk = f.m.persisting ? f.m.state : disk;
				play(&f, "o");
			}
			init(&g, NULL);
			push_machine_resume(&g.m, disk, false, g.now);
			for (int i = 0; i < second && !push_machine_ended(&g.m); i++) {
				disk = g.m.persisting ? g.m.state : disk;
				play(&g, "o");
			}
			enum push_state end = disk == PIPE_ACCEPT ? PIPE_DONE : PIPE_REFUSED;
			init(&h, NULL);
			push_machine_resume(&h.m, push_machine_ended(&g.m) ? g.m.state : disk, false, h.now);
			while (!push_machine_ended(&h.m))
				play(&h, "o");
			assert_int_equal(h.m.state, end);
			bool delivered = strstr(f.said.p, " deliver");
			bool undone = (g.said.p && strstr(g.said.p, "undo ")) || strstr(h.said.p, "undo ");
			if (end == PIPE_REFUSED && delivered)
				assert_true(undone);
			if (end == PIPE_DONE)
				assert_false(undone);
			buf_release(&f.said);
			buf_release(&g.said);
			buf_release(&h.said);
		}
	}
}

static void deploys_what_the_check_found(void **state)
{
	(void)state;
	struct fake f;
	init(&f, NULL);
	push_machine_start(&f.m, f.now);
	struct push_config config = PLAIN;
	config.timeout_ms = 5000;
	push_machine_configure(&f.m, &config);
	assert_int_equal(push_machine_deadline(&f.m), 1000 + 5000);
	f.now += 100;
	play(&f, CHECKED);
	assert_int_equal(push_machine_deadline(&f.m), 1000 + 5000);
	play(&f, "dl");
	expect(&f, "", TO_BUILD " cancel no refused");
	assert_true(f.m.late && !f.m.preempted);
	buf_release(&f.said);

	init(&f, NULL);
	push_machine_start(&f.m, f.now);
	push_machine_configure(&f.m, &NOTHING);
	play(&f, "oo");
	expect(&f, "", "check +accept yes");
	buf_release(&f.said);
}

static void states_have_names(void **state)
{
	(void)state;
	for (int i = PIPE_NEW; i <= PIPE_REFUSED; i++) {
		assert_string_not_equal(push_state_name(i), "unknown");
		for (int k = PIPE_NEW; k < i; k++)
			assert_string_not_equal(push_state_name(i), push_state_name(k));
	}
	assert_string_equal(push_state_name(PIPE_REFUSED + 1), "unknown");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_pushes),
		cmocka_unit_test(refused_before_anything_was_done),
		cmocka_unit_test(refused_and_undone),
		cmocka_unit_test(newer_push_takes_over),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(undo_that_fails),
		cmocka_unit_test(pauses_grow_and_end_at_the_deadline),
		cmocka_unit_test(resumed_at_every_state),
		cmocka_unit_test(killed_anywhere_and_twice),
		cmocka_unit_test(deploys_what_the_check_found),
		cmocka_unit_test(states_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
