/* watch_stream.c - lists and watches cut at every byte must give the same pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kube/watch_stream.h"

struct pieces {
	struct buf all; /* each followed by '|' */
	int n, stop_after;
};

static bool piece(void *arg, struct str text)
{
	struct pieces *p = arg;
	buf_add_str(&p->all, text);
	buf_addc(&p->all, '|');
	return ++p->n != p->stop_after;
}

static void lines_cut(const char *text, size_t step, const char *want)
{
	struct watch_lines l = { 0 };
	struct pieces p = { 0 };
	struct str rest = str_of(text);
	while (rest.n) {
		size_t n = step < rest.n ? step : rest.n;
		assert_int_equal(watch_lines_feed(&l, (struct str){ rest.p, n }, piece, &p), WATCH_FED);
		rest = str_from(rest, n);
	}
	assert_string_equal(p.all.p ? p.all.p : "", want);
	buf_release(&p.all);
	watch_lines_release(&l);
}

static void lines(void **unused)
{
	for (size_t step = 1; step < 20; step++) {
		lines_cut("{\"a\":1}\n{\"b\":2}\n\n \r\n{\"c\"\n", step, "{\"a\":1}|{\"b\":2}|{\"c\"|");
		lines_cut("broken off", step, "");
		lines_cut("one\ntwo", step, "one|");
	}
}

static void a_line_over_the_cap(void **unused)
{
	struct watch_lines l = { 0 };
	struct pieces p = { 0 };
	static char chunk[1 << 20];
	memset(chunk, 'x', sizeof(chunk));
	for (size_t i = 0; i < WATCH_EVENT_MAX / sizeof(chunk); i++)
		assert_int_equal(watch_lines_feed(&l, (struct str){ chunk, sizeof(chunk) }, piece, &p),
				 WATCH_FED);
	assert_int_equal(watch_lines_feed(&l, STR("x"), piece, &p), WATCH_TOO_BIG);
	watch_lines_release(&l);
}

static void stopping(void **unused)
{
	struct watch_lines l = { 0 };
	struct pieces p = { .stop_after = 1 };
	assert_int_equal(watch_lines_feed(&l, STR("a\nb\n"), piece, &p), WATCH_STOPPED);
	assert_string_equal(p.all.p, "a|");
	watch_lines_release(&l);
	struct watch_list list = { 0 };
	p.n = 0;
	assert_int_equal(watch_list_feed(&list, STR("{\"items\":[{},{}]}"), piece, &p), WATCH_STOPPED);
	assert_string_equal(p.all.p, "a|{}|");
	watch_list_release(&list);
	buf_release(&p.all);
}

static const struct {
	const char *text, *items, *envelope;
} lists[] = {
	{ "{\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{\"a\":[{}]},{\"b\":\"}]\\\"{\"}]}",
	  "{\"a\":[{}]}|{\"b\":\"}]\\\"{\"}|",
	  "{\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[]}" },
	{ "{\"items\":[],\"metadata\":{}}", "", "{\"items\":[],\"metadata\":{}}" },
	{ "{\"items\":null,\"k\":[{\"x\":1}]}", "", "{\"items\":null,\"k\":[{\"x\":1}]}" },
	{ "{ \"items\" : [ {\"a\":1} , {\"b\":2} ] , \"z\": {\"items\":[{\"no\":1},{}]} }",
	  "{\"a\":1}|{\"b\":2}|", "{ \"items\" : [    ] , \"z\": {\"items\":[{\"no\":1},{}]} }" },
	{ "{\"x\":\"items\",\"y\":[{\"no\":1}],\"items\":[{\"yes\":1}]}", "{\"yes\":1}|",
	  "{\"x\":\"items\",\"y\":[{\"no\":1}],\"items\":[]}" },
};

static void list_cut(size_t i, size_t step)
{
	struct watch_list l = { 0 };
	struct pieces p = { 0 };
	struct str rest = str_of(lists[i].text);
	while (rest.n) {
		size_t n = step < rest.n ? step : rest.n;
		assert_int_equal(watch_list_feed(&l, (struct str){ rest.p, n }, piece, &p), WATCH_FED);
		rest = str_from(rest, n);
	}
	assert_string_equal(p.all.p ? p.all.p : "", lists[i].items);
	assert_string_equal(l.envelope.p, lists[i].envelope);
	cleanup_arena struct arena a = ARENA_INIT;
	struct node *envelope;
	struct error err = ERROR_INIT;
	assert_int_equal(watch_list_end(&l, &a, &envelope, &err), 0);
	watch_list_release(&l);
	buf_release(&p.all);
}

static void list_items(void **unused)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t step = 1; step < 120; step++)
			list_cut(i, step);
}

static void broken_lists(void **unused)
{
	static const char *const cases[] = {
		"", "{\"items\":[{\"a\":1}", "{\"items\":[{\"a\"", "[1]", "}}}}", "]]{["
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct watch_list l = { 0 };
		struct pieces p = { 0 };
		struct node *envelope;
		struct error err = ERROR_INIT;
		cleanup_arena struct arena a = ARENA_INIT;
		watch_list_feed(&l, str_of(cases[i]), piece, &p);
		assert_int_equal(watch_list_end(&l, &a, &envelope, &err), -1);
		assert_true(err.text[0]);
		watch_list_release(&l);
		buf_release(&p.all);
	}
}

static void events(void **unused)
{
	static const struct {
		const char *line;
		int rc;
		enum watch_stream_type type;
	} cases[] = {
		{ "{\"type\":\"ADDED\",\"object\":{}}", 0, WATCH_STREAM_CHANGED },
		{ "{\"type\":\"MODIFIED\",\"object\":{}}", 0, WATCH_STREAM_CHANGED },
		{ "{\"type\":\"DELETED\",\"object\":{}}", 0, WATCH_STREAM_DELETED },
		{ "{\"type\":\"BOOKMARK\",\"object\":{}}", 0, WATCH_STREAM_BOOKMARK },
		{ "{\"type\":\"ERROR\",\"object\":{\"code\":410}}", 0, WATCH_STREAM_ERROR },
		{ "{\"type\":\"NEW\",\"object\":{}}", -1, 0 },
		{ "{\"type\":\"ADDED\",\"object\":1}", -1, 0 },
		{ "{\"type\":\"ADDED\"}", -1, 0 },
		{ "{\"type\":\"ADDED\",\"obj", -1, 0 },
		{ "[]", -1, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		enum watch_stream_type type = 0;
		struct node *object;
		struct error err = ERROR_INIT;
		assert_int_equal(watch_event_read(&a, str_of(cases[i].line), &type, &object, &err),
				 cases[i].rc);
		if (cases[i].rc == 0)
			assert_int_equal(type, cases[i].type);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),	cmocka_unit_test(a_line_over_the_cap),
		cmocka_unit_test(stopping),	cmocka_unit_test(list_items),
		cmocka_unit_test(broken_lists), cmocka_unit_test(events),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
