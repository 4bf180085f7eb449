/*
 * Objects of any kind, substituted strictly and leniently: the structure stays, results are UTF-8, an object
 * is either given on or complained of, and no message holds a secret value.
 */
#include <stdlib.h>

#include "render/substitute.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Longer than what any message quotes of a template, so that no input spells it in a message by itself. */
static char secret[301];

static void check(bool good)
{
	if (!good)
		abort();
}

static bool is_scalar(const struct node *n)
{
	return n->type != NODE_MAP && n->type != NODE_SEQ;
}

static void same_shape(const struct node *a, const struct node *b)
{
	check(is_scalar(a) == is_scalar(b) && (is_scalar(a) || a->type == b->type));
	check(node_count(a) == node_count(b));
	if (b->type == NODE_STRING)
		check(str_utf8(b->text));
	for (size_t i = 0; i < node_count(a); i++)
		if (a->type == NODE_MAP)
			same_shape(a->map.pairs[i].value, b->map.pairs[i].value);
		else
			same_shape(a->seq.items[i], b->seq.items[i]);
}

/* out's objects are those of before in their order, without some. */
static void check_objects(const struct render_output *before, const struct render_output *out)
{
	size_t at = 0;
	for (size_t i = 0; i < out->n; i++) {
		while (at < before->n && before->objects[at].line != out->objects[i].line)
			at++;
		check(at < before->n);
		same_shape(before->objects[at++].root, out->objects[i].root);
	}
	check(out->n == before->n || out->n_errors > before->n_errors);
}

static bool says_secret(const char *text)
{
	return text && strstr(text, secret);
}

static void substitute(struct arena *a, const struct render_output *before,
		       const struct substitute_values *values, bool lenient, struct render_output *out)
{
	struct origins origins = { 0 };
	render_substitute(
		a, before,
		&(struct substitute_options){ .values = values, .lenient = lenient, .origins = &origins },
		out);
	for (size_t i = before->n_diags; i < out->n_diags; i++)
		check(!says_secret(out->diags[i].text) && !says_secret(out->diags[i].object));
	check_objects(before, out);
	origins_release(&origins);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const texts[][2] = { { "a", "alpha" }, { "n", "3" },	     { "q", "\"" },
						{ "e", "" },	  { "u", "Éa/b.c" }, { "x", "{a: [1]}" } };
	cleanup_arena struct arena a = ARENA_INIT;
	struct substitute_values values = { .a = &a };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check(substitute_add(&values, str_of(texts[i][0]), str_of(texts[i][1]), "values", false,
				     NULL) == 0);
	memset(secret, 'k', sizeof(secret) - 1);
	check(substitute_add(&values, STR("s"), str_of(secret), "Secret s", true, NULL) == 0);
	struct render_file file = { "in.yaml", { (const char *)data, size } };
	struct render_output before, strict, lenient;
	render_plain(&a, &(struct render_input){ .files = &file, .n = 1, .templates = true }, &before);
	substitute(&a, &before, &values, false, &strict);
	substitute(&a, &before, &values, true, &lenient);
	check(lenient.n_errors <= strict.n_errors || strict.n_errors > before.n_errors);
	substitute_values_release(&values);
	return 0;
}
