/*
 * A file that is manifests, CustomResourceDefinitions and schemas at once, all of them hostile: whatever is
 * found has a rule, a place that is in the file, and words; what is found twice is the same.
 */
#include <stdlib.h>

#include "check/check.h"
#include "check/report.h"
#include "doc/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void look_at(struct arena *a, const struct check_result *result, uint32_t lines)
{
	for (size_t i = 0; i < result->n; i++) {
		const struct check_finding *f = &result->findings[i];
		must(f->rule < RULE_COUNT && f->severity != CHECK_OFF && f->text[0]);
		must(f->line <= lines && strlen(f->fingerprint) == 16);
		for (const char *p = f->text; *p; p++)
			must((unsigned char)*p >= 0x20);
	}
	cleanup_buf struct buf text = BUF_INIT;
	struct node *again;
	json_write(&text, report_sarif(a, result, "1"));
	must(json_parse(a, buf_str(&text), true, &again, NULL) == 0);
}

static void run(struct arena *a, struct str text, unsigned minor, struct check **out,
		struct check_result *result)
{
	struct error err = ERROR_INIT;
	struct render_output rendered;
	struct render_file file = { "a.yaml", text };
	struct check *c = check_new(&(struct check_options){ .minor = minor });
	(void)check_schema(c, "s.yaml", text, &err);
	(void)check_allow_text(c, "allow.yaml", text, &err);
	render_plain(a, &(struct render_input){ .files = &file, .n = 1 }, &rendered);
	struct check_environment e = { .name = "e",
				       .objects = rendered.objects,
				       .n = rendered.n,
				       .diags = rendered.diags,
				       .n_diags = rendered.n_diags,
				       .cluster = "c" };
	check_definitions(c, &e);
	check_environment(c, &e);
	check_text(c, "a.yaml", text);
	check_finish(c, result);
	*out = c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str text = { (const char *)data, size };
	struct check *one, *two;
	struct check_result first, second;
	uint32_t lines = 2; /* an end without a line end, and what stands behind the end */
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r' || data[i] == 0xe2 || data[i] == 0xc2 ||
			 data[i] == 0;
	run(&a, text, check_oldest_minor(), &one, &first);
	run(&a, text, check_oldest_minor(), &two, &second);
	look_at(&a, &first, lines);
	must(first.n == second.n && first.errors == second.errors);
	check_free(one);
	check_free(two);
	return 0;
}
