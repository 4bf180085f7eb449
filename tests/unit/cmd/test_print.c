/* Printers: what people read, as text in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "cmd/hide.h"
#include "cmd/print_diff.h"
#include "cmd/print_status.h"
#include "cmd/progress.h"
#include "doc/json.h"
#include "doc/yaml.h"

static const struct style plain = { .width = 80, .height = 24 };
static const struct style screen = { .terminal = true, .width = 60, .height = 8 };
static const struct style colored = { .color = true, .width = 80, .height = 24 };

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static struct node *parse(struct arena *a, const char *text)
{
	struct yaml_stream stream = { 0 };
	struct error err = ERROR_INIT;
	if (yaml_parse(a, str_of(text), &stream, &err) != 0 || stream.n != 1)
		fail_msg("%s", err.text);
	return stream.documents[0].root;
}

/* --- status --- */

static void ages_are_those_of_kubectl(void **state)
{
	static const struct {
		int64_t s;
		const char *text;
	} cases[] = {
		{ -1, "-" },
		{ 0, "0s" },
		{ 119, "119s" },
		{ 125, "2m5s" },
		{ 180, "3m" },
		{ 660, "11m" },
		{ 7200, "120m" },
		{ 4 * 3600 + 240, "4h4m" },
		{ 30 * 3600, "30h" },
		{ 3 * 86400, "3d" },
		{ 3 * 86400 + 3600, "3d1h" },
		{ 400LL * 86400, "400d" },
		{ 800LL * 86400, "2y70d" },
		{ 3650LL * 86400, "10y" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[PRINT_AGE_MAX];
		print_age(cases[i].s, out);
		assert_string_equal(out, cases[i].text);
	}
}

static void revisions_are_short(void **state)
{
	char out[PRINT_REVISION_MAX];
	print_revision("main@sha1:0123456789abcdef0123456789abcdef01234567", out);
	assert_string_equal(out, "main@0123456");
	print_revision("0123456789abcdef0123456789abcdef01234567", out);
	assert_string_equal(out, "0123456");
	print_revision("v1.2.3", out);
	assert_string_equal(out, "v1.2.3");
}

static char *status_text(const struct style *style, bool namespaces, const char *message)
{
	struct status_row rows[] = {
		{ "web", "shop", "True", "main@sha1:0123456789abcdef0123456789abcdef01234567", "Synced",
		  "Current", 65, "" },
		{ "web", "a-longer-name", "False", "main@sha1:0123456789abcdef0123456789abcdef01234567",
		  "OutOfSync", "Failed", 7200, message },
	};
	struct status_table t = { .rows = rows, .n = 2, .namespaces = namespaces };
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	print_status(f, style, &t);
	fclose(f);
	return text;
}

static void status_is_a_table(void **state)
{
	char *text = status_text(&plain, false, "boom\nand\033[2J more");
	assert_string_equal(
		text,
		"NAME            READY   REVISION       SYNC        HEALTH    AGE    MESSAGE\n"
		"shop            True    main@0123456   Synced      Current   65s\n"
		"a-longer-name   False   main@0123456   OutOfSync   Failed    120m   boom and\\x1b[2J more\n");
	free(text);
	text = status_text(&colored, true, "x");
	assert_has(text, "\033[1mNAMESPACE\033[0m");
	assert_has(text, "\033[31mFailed\033[0m    ");
	free(text);
	text = status_text(&screen, false,
			   "a message that is far too long for a screen as narrow as this one");
	assert_has(text, "...\n");
	free(text);
}

/* --- progress --- */

static void plain_progress_is_one_line_a_change(void **state)
{
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	struct progress *p = progress_new(f, &plain);
	progress_object(p, "Deployment web/api", "api.yaml:14", PROGRESS_PENDING, "");
	progress_object(p, "Deployment web/api", "api.yaml:14", PROGRESS_APPLYING, "");
	progress_draw(p, 0);
	progress_object(p, "Deployment web/api", "api.yaml:14", PROGRESS_WAITING, "0 of 1 available");
	progress_object(p, "Deployment web/api", "api.yaml:14", PROGRESS_WAITING, "0 of 1 available");
	progress_object(p, "Deployment web/api", "api.yaml:14", PROGRESS_CREATED, "");
	progress_object(p, "Service web/api", "api.yaml:40", PROGRESS_FAILED, "422 no ports");
	assert_int_equal(progress_finish(p, 2345), 1);
	progress_free(p);
	fclose(f);
	assert_string_equal(text, "waiting    Deployment web/api: 0 of 1 available\n"
				  "created    Deployment web/api\n"
				  "failed     Service web/api (api.yaml:40): 422 no ports\n"
				  "2 objects: 1 created, 1 failed (2.3s)\n");
	free(text);
}

/* A terminal of `height` lines: what is on it after the program's output. Fails when the cursor would leave
 * it. */
static void feed(char lines[64][256], size_t *row, const char *text, size_t height)
{
	size_t top = *row, column = 0;
	for (const char *p = text; *p; p++) {
		unsigned up;
		int used;
		if (sscanf(p, "\033[%uA%n", &up, &used) == 1) {
			assert_true(up < height);
			assert_true(*row >= up);
			*row -= up;
			p += used - 1;
		} else if (strncmp(p, "\033[J", 3) == 0) {
			for (size_t i = *row; i < 64; i++)
				lines[i][0] = '\0';
			p += 2;
		} else if (*p == '\n') {
			column = 0;
			(*row)++;
			assert_true(*row < 64);
		} else if (*p != '\r') {
			lines[*row][column++] = *p;
			lines[*row][column] = '\0';
		}
	}
	assert_true(*row >= top || top > 0);
}

static void live_progress_is_redrawn_in_place(void **state)
{
	static char lines[64][256];
	size_t row = 0, n;
	char *text;
	memset(lines, 0, sizeof(lines));
	FILE *f = open_memstream(&text, &n);
	struct progress *p = progress_new(f, &screen);
	char name[64];
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "Deployment web/app-%02d", i);
		progress_object(p, name, "a.yaml:1", PROGRESS_WAITING,
				"0 of 1 replicas available, and words that go on past the right edge");
	}
	progress_draw(p, 0);
	progress_draw(p, 100);
	progress_object(p, "Deployment web/app-03", "a.yaml:1", PROGRESS_CREATED, "");
	progress_note(p, "a note");
	progress_draw(p, 200);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "Deployment web/app-%02d", i);
		progress_object(p, name, "a.yaml:1", PROGRESS_UNCHANGED, "");
	}
	progress_draw(p, 300);
	progress_finish(p, 400);
	progress_free(p);
	fclose(f);
	feed(lines, &row, text, screen.height);
	assert_string_equal(lines[0], "a note");
	assert_has(lines[1], "created    Deployment web/app-03");
	assert_string_equal(lines[2], "20 objects: 20 unchanged (0.4s)");
	assert_string_equal(lines[3], "");
	assert_has(text, "... and 15 more");
	free(text);
}

/* --- secrets and diffs --- */

static const char deployment[] =
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: web}\nspec: {replicas: %d}\n";
static const char managed[] =
	"metadata:\n  managedFields:\n"
	"  - {manager: capstan, operation: Apply, time: '2026-01-01T00:00:00Z', fieldsV1: {'f:spec': {}}}\n"
	"  - {manager: old-tool, operation: Update, time: '2026-01-02T00:00:00Z', fieldsV1: {'f:spec': {}}}\n"
	"  - {manager: kubectl-edit, operation: Update, time: '2026-01-05T00:00:00Z', fieldsV1: {'f:spec': {}}}\n"
	"  - {manager: kcm, operation: Update, time: '2026-01-09T00:00:00Z', subresource: status, fieldsV1: {'f:status': {}}}\n"
	"  - {manager: op, operation: Update, time: '2026-01-08T00:00:00Z', fieldsV1: {'f:status': {}}}\n";

static char *diff_text(const struct style *style, const struct diff_object *o, bool *any)
{
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	*any = print_diff(f, style, o);
	fclose(f);
	return text;
}

static void a_diff_has_three_sides(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	bool any;
	struct diff_object o = {
		.name = "Deployment web/api",
		.place = "shop/api.yaml:14",
		.git = parse(&a, arena_printf(&a, deployment, 3)),
		.cluster = parse(&a, arena_printf(&a, deployment, 5)),
		.live = parse(&a, managed),
	};
	char *text = diff_text(&plain, &o, &any);
	assert_true(any);
	assert_has(
		text,
		"Deployment web/api  (shop/api.yaml:14)  changed by kubectl-edit at 2026-01-05T00:00:00Z, old-tool at");
	assert_null(strstr(text, "kcm"));
	assert_null(strstr(text, " op "));
	assert_has(text, "-  replicas: 5\n+  replicas: 3\n");
	free(text);
	o.cluster = o.git;
	text = diff_text(&plain, &o, &any);
	assert_false(any);
	assert_string_equal(text, "");
	free(text);
	o.cluster = NULL;
	text = diff_text(&colored, &o, &any);
	assert_has(text, "not in the cluster: would be created");
	assert_has(text, "\033[");
	free(text);
}

static void a_diff_of_a_secret_shows_no_value(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	bool any;
	static const char form[] =
		"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {same: c2FtZQ==, other: %s, %s: bmV3}\n";
	struct diff_object o = {
		.name = "Secret s",
		.place = "s.yaml:1",
		.git = parse(&a, arena_printf(&a, form, "aHVudGVyMg==", "added")),
		.cluster = parse(&a, arena_printf(&a, form, "aHVudGVyMw==", "gone")),
	};
	char *text = diff_text(&plain, &o, &any);
	assert_true(any);
	assert_has(text, "same: (hidden, unchanged)");
	assert_has(text, "-  other: (hidden, before)");
	assert_has(text, "+  other: (hidden, changed)");
	assert_has(text, "+  added: (hidden)");
	assert_has(text, "-  gone: (hidden)");
	assert_null(strstr(text, "aHVudGVy"));
	assert_null(strstr(text, "c2FtZQ"));
	assert_null(strstr(text, "bmV3"));
	free(text);
}

static void secrets_are_hidden_everywhere(void **state)
{
	static const char text[] =
		"apiVersion: v1\nkind: List\nitems:\n"
		"- {apiVersion: v1, kind: Secret, metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: "
		"hunter2}}, data: {a: aHVudGVyMg==, b: [hunter2], c: ''}, stringData: {d: hunter2}}\n"
		"- {apiVersion: v1, kind: Secret, data: hunter2}\n"
		"- {apiVersion: v1, kind: ConfigMap, data: {a: shown}}\n";
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct node *list = parse(&a, text);
	hide_secrets(&a, list);
	json_write(&out, list);
	assert_null(strstr(out.p, "hunter2"));
	assert_null(strstr(out.p, "aHVudGVy"));
	assert_has(out.p, "\"a\":\"(hidden: 7 bytes)\"");
	assert_has(out.p, "\"c\":\"(hidden: 0 bytes)\"");
	assert_has(out.p, "shown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ages_are_those_of_kubectl),
		cmocka_unit_test(revisions_are_short),
		cmocka_unit_test(status_is_a_table),
		cmocka_unit_test(plain_progress_is_one_line_a_change),
		cmocka_unit_test(live_progress_is_redrawn_in_place),
		cmocka_unit_test(a_diff_has_three_sides),
		cmocka_unit_test(a_diff_of_a_secret_shows_no_value),
		cmocka_unit_test(secrets_are_hidden_everywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
