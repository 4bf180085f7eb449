/* print_check.c - see print_check.h. */
#include "cmd/print_check.h"

struct printing {
	struct buf *out;
	const struct style *style;
	bool told[RULE_COUNT]; /* what to do is said at the first finding of a rule */
};

static enum tint tint_of(enum check_severity severity)
{
	return severity == CHECK_ERROR ? TINT_RED : severity == CHECK_WARNING ? TINT_YELLOW : TINT_CYAN;
}

static void tinted(struct printing *p, enum tint tint, const char *text)
{
	buf_adds(p->out, style_on(p->style, tint));
	style_safe(p->out, str_of(text), false);
	buf_adds(p->out, style_off(p->style));
}

/* "(prod, staging)" */
static void add_environments(struct printing *p, const struct check_finding *f)
{
	for (size_t i = 0; i < f->n_environments; i++) {
		buf_adds(p->out, i ? ", " : " (");
		style_safe(p->out, str_of(f->environments[i]), false);
	}
	if (f->n_environments)
		buf_addc(p->out, ')');
}

static void add_finding(struct printing *p, const struct check_finding *f)
{
	char place[32] = "";
	if (f->line && f->column)
		snprintf(place, sizeof(place), "%u:%u", f->line, f->column);
	else if (f->line)
		snprintf(place, sizeof(place), "%u", f->line);
	buf_printf(p->out, "  %-7s ", place);
	tinted(p, tint_of(f->severity), check_severity_name(f->severity));
	buf_printf(p->out, "%*s ", (int)(7 - strlen(check_severity_name(f->severity))), "");
	tinted(p, TINT_BOLD, check_rules[f->rule].id);
	if (f->object) {
		buf_adds(p->out, "  ");
		style_safe(p->out, str_of(f->object), false);
	}
	if (f->path) {
		buf_adds(p->out, "  ");
		style_safe(p->out, str_of(f->path), false);
	}
	add_environments(p, f);
	buf_printf(p->out, "\n%10s", "");
	style_safe(p->out, str_of(f->text), false);
	buf_addc(p->out, '\n');
	if (!p->told[f->rule]) {
		buf_printf(p->out, "%10s", "");
		tinted(p, TINT_DIM, check_rules[f->rule].help);
		buf_addc(p->out, '\n');
	}
	p->told[f->rule] = true;
}

static void add_count(struct printing *p, size_t n, const char *what, enum tint tint, bool first)
{
	buf_printf(p->out, "%s%s%zu %s%s%s", first ? "" : ", ", n ? style_on(p->style, tint) : "", n, what,
		   n == 1 ? "" : "s", n ? style_off(p->style) : "");
}

static void add_summary(struct printing *p, const struct check_result *r)
{
	add_count(p, r->errors, "error", TINT_RED, true);
	add_count(p, r->warnings, "warning", TINT_YELLOW, false);
	add_count(p, r->notes, "note", TINT_CYAN, false);
	buf_printf(p->out, " in %zu object%s", r->objects, r->objects == 1 ? "" : "s");
	if (r->environments > 1)
		buf_printf(p->out, " of %zu environments", r->environments);
	buf_printf(p->out, ", for Kubernetes 1.%u", r->wanted_minor);
	if (r->minor != r->wanted_minor)
		buf_printf(p->out, " by the schemas of 1.%u", r->minor);
	if (r->allowed)
		buf_printf(p->out, "; %zu allowed", r->allowed);
	buf_addc(p->out, '\n');
	if (r->dropped)
		buf_printf(p->out, "%zu more findings are not shown (CHECK_FINDINGS_MAX)\n", r->dropped);
}

void print_check(FILE *out, const struct style *style, const struct check_result *result)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct printing p = { .out = &text, .style = style };
	const char *file = NULL;
	for (size_t i = 0; i < result->n; i++) {
		const struct check_finding *f = &result->findings[i];
		if (f->allowed)
			continue;
		if (!file || strcmp(file, f->file) != 0) {
			buf_adds(&text, file ? "\n" : "");
			file = f->file;
			tinted(&p, TINT_BOLD, file[0] ? file : "(no file)");
			buf_addc(&text, '\n');
		}
		add_finding(&p, f);
	}
	if (file)
		buf_addc(&text, '\n');
	add_summary(&p, result);
	fwrite(text.p, 1, text.n, out);
}
