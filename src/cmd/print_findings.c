/* print_findings.c - see print_findings.h. */
#include "cmd/print_findings.h"

static void tinted(struct findings_printer *p, struct buf *out, enum tint tint, const char *text)
{
	buf_adds(out, style_on(&p->style, tint));
	style_safe(out, str_of(text), false);
	buf_adds(out, style_off(&p->style));
}

static bool seen_before(struct findings_printer *p, const struct check_finding *f)
{
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%d %u %s", f->rule, f->line, f->file);
	/* Where secrets are concerned one look finds the object, another the text. */
	if (!check_rule_is_secret(f->rule))
		buf_printf(&key, "\n%u %s\n%s", f->column, f->object ? f->object : "", f->text);
	return map_put(&p->seen, buf_str(&key), p) != NULL;
}

static void add_names(struct buf *out, const struct check_finding *f, const char *commit)
{
	for (size_t i = 0; i < f->n_environments; i++) {
		buf_adds(out, i ? ", " : " (");
		style_safe(out, str_of(f->environments[i]), false);
	}
	if (commit)
		buf_printf(out, "%scommit %.12s", f->n_environments ? ", " : " (", commit);
	if (f->n_environments || commit)
		buf_addc(out, ')');
}

static void add_line(struct findings_printer *p, struct buf *out, const struct check_finding *f,
		     const char *commit)
{
	cleanup_buf struct buf place = BUF_INIT;
	buf_adds(&place, f->file);
	if (f->line)
		buf_printf(&place, ":%u", f->line);
	if (f->line && f->column)
		buf_printf(&place, ":%u", f->column);
	if (place.n) {
		tinted(p, out, TINT_BOLD, place.p);
		buf_adds(out, ": ");
	}
	tinted(p, out, f->severity == CHECK_ERROR ? TINT_RED : TINT_YELLOW, check_severity_name(f->severity));
	buf_adds(out, ": ");
	if (f->object) {
		style_safe(out, str_of(f->object), false);
		buf_adds(out, ": ");
	}
	style_safe(out, str_of(f->text), false);
	buf_printf(out, " [%s]", check_rules[f->rule].id);
	add_names(out, f, commit);
	buf_addc(out, '\n');
	if (p->told[f->rule])
		return;
	p->told[f->rule] = true;
	buf_adds(out, "    ");
	tinted(p, out, TINT_DIM, check_rules[f->rule].help);
	buf_addc(out, '\n');
}

void print_findings(struct findings_printer *p, const struct check_result *result, const char *commit)
{
	cleanup_buf struct buf out = BUF_INIT;
	for (size_t i = 0; i < result->n; i++) {
		const struct check_finding *f = &result->findings[i];
		if (f->allowed || f->severity < CHECK_WARNING || seen_before(p, f))
			continue;
		p->errors += f->severity == CHECK_ERROR;
		p->warnings += f->severity == CHECK_WARNING;
		if (f->severity != CHECK_ERROR && !check_rule_is_secret(f->rule))
			continue;
		if (p->lines++ < PRINT_FINDINGS_MAX)
			add_line(p, &out, f, commit);
	}
	p->errors += result->dropped && result->errors;
	p->lines += result->dropped;
	if (out.n)
		fwrite(out.p, 1, out.n, p->out);
}

void print_findings_rest(struct findings_printer *p)
{
	if (p->lines > PRINT_FINDINGS_MAX)
		fprintf(p->out, "... and %zu more\n", p->lines - PRINT_FINDINGS_MAX);
}

void print_findings_release(struct findings_printer *p)
{
	map_release(&p->seen);
}
