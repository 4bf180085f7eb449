/*
 * golden_substitute.c - substitutions that Flux's own modules answered.
 *
 *     golden-substitute expressions|objects FILE    the cases of tests/golden/substitute
 *     golden-substitute answer expressions|objects  questions from standard input, answers as the oracle's
 *                                                   (tests/peers/envsubst/compare)
 *
 * A case is a line of JSON: {text or yaml, vars, strict, flux: {out} or {error}}. Where Flux says error, so
 * must we; else the result must be equal. A case with `deviation`, which says why we differ, has `want`
 * instead.
 */
#include <stdio.h>
#include <stdlib.h>

#include "doc/json.h"
#include "doc/yaml.h"
#include "render/substitute_parts.h"

static void keep_complaint(void *ctx, size_t at, const char *what)
{
	(void)at;
	struct str *first = ctx;
	if (!first->n)
		*first = str_of(what);
}

static void add_vars(struct substitute_values *values, const struct node *vars)
{
	for (size_t i = 0; i < node_count(vars); i++) {
		struct error err = ERROR_INIT;
		const struct node_pair *pair = &vars->map.pairs[i];
		if (substitute_add(values, pair->key, node_text(pair->value), "case", false, &err)) {
			fprintf(stderr, "%s\n", err.text);
			exit(1);
		}
	}
}

static struct node *answer(struct arena *a, const char *field, struct node *value)
{
	struct node *n = node_map(a);
	node_set(a, n, str_of(field), value);
	return n;
}

static struct node *expression(struct arena *a, const struct node *q, const struct substitute_values *values)
{
	uint64_t work = SUBSTITUTE_WORK_MAX;
	struct str complaint = { "", 0 };
	cleanup_buf struct buf out = BUF_INIT;
	struct expression e = { .a = a,
				.values = values,
				.lenient = !node_bool(node_get(q, "strict"), false),
				.work = &work,
				.complain = keep_complaint,
				.ctx = &complaint };
	int rc = expression_expand(&e, node_text(node_get(q, "text")), &out);
	expression_release(&e);
	return rc ? answer(a, "error", node_string(a, complaint))
		  : answer(a, "out", node_string(a, arena_str(a, buf_str(&out))));
}

static struct node *objects(struct arena *a, const struct node *q, const struct substitute_values *values)
{
	struct render_file file = { "case.yaml", node_text(node_get(q, "yaml")) };
	struct render_output rendered, out;
	render_plain(a, &(struct render_input){ .files = &file, .n = 1, .templates = true }, &rendered);
	render_substitute(a, &rendered,
			  &(struct substitute_options){ .values = values,
							.lenient = !node_bool(node_get(q, "strict"), false) },
			  &out);
	for (size_t i = 0; i < out.n_diags; i++)
		if (out.diags[i].severity == RENDER_ERROR)
			return answer(a, "error", node_string(a, str_of(render_diag_text(a, &out.diags[i]))));
	struct node *list = node_seq(a);
	for (size_t i = 0; i < out.n; i++)
		node_push(a, list, out.objects[i].root);
	return answer(a, "out", list);
}

static struct node *ask(struct arena *a, const struct node *q)
{
	struct substitute_values values = { .a = a };
	add_vars(&values, node_get(q, "vars"));
	struct node *n = node_get(q, "yaml") ? objects(a, q, &values) : expression(a, q, &values);
	substitute_values_release(&values);
	return n;
}

/* Equal, or both an error. */
static bool agree(struct arena *a, const struct node *want, const struct node *got)
{
	cleanup_buf struct buf x = BUF_INIT, y = BUF_INIT;
	(void)a;
	if (node_get(want, "error") || node_get(got, "error"))
		return node_get(want, "error") && node_get(got, "error");
	json_write_sorted(&x, node_get(want, "out"));
	json_write_sorted(&y, node_get(got, "out"));
	return str_eq(buf_str(&x), buf_str(&y));
}

static bool run_case(struct arena *a, unsigned line, const struct node *q)
{
	const struct node *flux = node_get(q, "flux"), *want = node_get(q, "want");
	bool deviates = node_get(q, "deviation") != NULL;
	struct node *got = ask(a, q);
	if (agree(a, deviates ? want : flux, got) && (!deviates || !agree(a, flux, got)))
		return true;
	cleanup_buf struct buf text = BUF_INIT;
	json_write(&text, q);
	buf_adds(&text, "\n   got ");
	json_write(&text, got);
	printf("line %u: %s\n", line, text.p);
	return false;
}

/* Reads a line of any length; false: there is none. */
static bool read_line(FILE *in, struct buf *line)
{
	int c;
	buf_clear(line);
	while ((c = getc(in)) != EOF && c != '\n')
		buf_addc(line, (char)c);
	return line->n > 0;
}

static int run_file(FILE *in, bool compare)
{
	cleanup_buf struct buf line = BUF_INIT;
	unsigned n = 0, bad = 0;
	while (read_line(in, &line)) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct error err = ERROR_INIT;
		struct node *q;
		n++;
		if (json_parse(&a, buf_str(&line), true, &q, &err)) {
			printf("line %u: %s\n", n, err.text);
			return 1;
		}
		if (compare) {
			bad += !run_case(&a, n, q);
			continue;
		}
		cleanup_buf struct buf text = BUF_INIT;
		json_write(&text, ask(&a, q));
		printf("%s\n", text.p);
		fflush(stdout);
	}
	if (compare)
		printf("%u cases, %u bad\n", n, bad);
	return bad || (compare && n == 0);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	if (strcmp(argv[1], "answer") == 0)
		return run_file(stdin, false);
	FILE *in = fopen(argv[2], "r");
	if (!in) {
		perror(argv[2]);
		return 1;
	}
	int rc = run_file(in, true);
	fclose(in);
	return rc;
}
