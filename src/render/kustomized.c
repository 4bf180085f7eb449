/* kustomized.c - what a kustomize build made, as objects that can be applied. */
#include "render/collect.h"
#include "render/kustomize/kustomize.h"

/* "FILE:LINE: TEXT" or "FILE:LINE:COLUMN: TEXT" apart; false: there is no place in front. */
static bool split_place(struct arena *a, const char *message, struct render_diag *out)
{
	struct str rest = str_of(message), number;
	size_t colon = str_find(rest, ':', 0);
	int64_t line = 0, column = 0;
	if (colon == SIZE_MAX || colon == 0)
		return false;
	number = str_cut(str_from(rest, colon + 1), ':', &rest);
	if (!str_int64(number, &line) || line <= 0 || line > UINT32_MAX)
		return false;
	struct str after;
	number = str_cut(rest, ':', &after);
	if (str_int64(number, &column) && column > 0 && column <= UINT32_MAX)
		rest = after;
	else
		column = 0;
	rest = str_trim(rest);
	out->file = arena_strndup(a, message, colon);
	out->line = (uint32_t)line;
	out->column = (uint32_t)column;
	out->text = arena_strndup(a, rest.p, rest.n);
	return true;
}

static void add_message(struct render_collect *c, enum render_severity severity, const char *message)
{
	struct render_diag place = { .file = "", .text = message };
	split_place(c->a, message, &place);
	collect_diag(c, severity, place.file, place.line, place.column, NULL, "%s", place.text);
}

int render_kustomize(struct arena *a, const struct render_tree *tree, const char *dir,
		     const struct kustomize_options *options, bool templates, struct render_output *out)
{
	struct render_collect c = { .a = a, .origins = options->origins, .templates = templates };
	struct kustomize_result built = { 0 };
	struct error err = ERROR_INIT;
	int rc = kustomize_build(a, tree, dir, options, &built, &err);
	for (size_t i = 0; i < built.n_warnings; i++)
		add_message(&c, RENDER_WARNING, built.warnings[i]);
	if (rc < 0)
		add_message(&c, RENDER_ERROR, err.text);
	for (size_t i = 0; rc == 0 && i < built.n; i++)
		collect_document(&c, built.objects[i].file, built.objects[i].root);
	collect_finish(&c, out);
	return rc > 0 ? 1 : 0;
}
