/* diag.c - diagnostics, collected under a cap: a broken generator must not fill the memory with complaints.
 */
#include "render/collect.h"

/* Names come from files: a message stays one line and harmless on a terminal. */
static char *one_line(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	return text;
}

struct render_diag *collect_diag(struct render_collect *c, enum render_severity severity, const char *file,
				 uint32_t line, uint32_t column, const char *object, const char *fmt, ...)
{
	c->n_errors += severity == RENDER_ERROR;
	/* The last place is kept for the count of what was dropped. */
	if (c->diags.n + 1 >= RENDER_DIAGS_MAX) {
		c->dropped_diags++;
		return NULL;
	}
	struct render_diag diag = {
		.severity = severity,
		.file = file,
		.line = line,
		.column = column,
		.object = object,
	};
	va_list ap;
	va_start(ap, fmt);
	diag.text = one_line(arena_vprintf(c->a, fmt, ap));
	va_end(ap);
	vec_push(&c->diags, diag);
	return &c->diags.at[c->diags.n - 1];
}

/* Moves a vector's content to the arena. */
#define keep(a, vec, T) ((vec).n ? memcpy(arena_array((a), T, (vec).n), (vec).at, (vec).n * sizeof(T)) : NULL)

void collect_finish(struct render_collect *c, struct render_output *out)
{
	if (c->dropped_diags) {
		struct render_diag last = {
			.severity = c->n_errors ? RENDER_ERROR : RENDER_WARNING,
			.file = "",
			.text = arena_printf(c->a, "%zu more messages are not shown (RENDER_DIAGS_MAX)",
					     c->dropped_diags),
		};
		vec_push(&c->diags, last);
	}
	*out = (struct render_output){
		.origins = c->origins,
		.objects = keep(c->a, c->objects, struct render_object),
		.n = c->objects.n,
		.diags = keep(c->a, c->diags, struct render_diag),
		.n_diags = c->diags.n,
		.n_errors = c->n_errors,
	};
	vec_release(&c->objects);
	vec_release(&c->diags);
	map_release(&c->seen);
}

char *render_diag_text(struct arena *a, const struct render_diag *diag)
{
	cleanup_buf struct buf text = BUF_INIT;
	if (diag->file && *diag->file)
		buf_adds(&text, diag->file);
	if (text.n && diag->line)
		buf_printf(&text, ":%u", diag->line);
	if (text.n && diag->line && diag->column)
		buf_printf(&text, ":%u", diag->column);
	if (text.n)
		buf_adds(&text, ": ");
	buf_adds(&text, diag->severity == RENDER_ERROR ? "error: " : "warning: ");
	if (diag->object)
		buf_printf(&text, "%s: ", diag->object);
	buf_adds(&text, diag->text);
	return arena_strndup(a, text.p, text.n);
}
