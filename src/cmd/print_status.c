/*
 * print_status.c - columns as wide as their widest cell; only the last one, the message, is cut to the
 * terminal.
 */
#include "cmd/print_status.h"

enum {
	COLUMNS_MAX = 8,
	GAP = 3,
	MESSAGE_MIN = 24 /* a narrower terminal wraps */
};

struct table {
	const char *heads[COLUMNS_MAX];
	size_t widths[COLUMNS_MAX];
	size_t n;
};

struct cells {
	const char *at[COLUMNS_MAX];
	char age[PRINT_AGE_MAX], revision[PRINT_REVISION_MAX];
};

void print_age(int64_t seconds, char out[PRINT_AGE_MAX])
{
	int64_t s = seconds, m = s / 60, h = m / 60, d = h / 24, y = d / 365;
	if (s < 0)
		snprintf(out, PRINT_AGE_MAX, "-");
	else if (s < 120)
		snprintf(out, PRINT_AGE_MAX, "%ds", (int)s);
	else if (m < 10 && s % 60)
		snprintf(out, PRINT_AGE_MAX, "%dm%ds", (int)m, (int)(s % 60));
	else if (h < 3)
		snprintf(out, PRINT_AGE_MAX, "%dm", (int)m);
	else if (h < 8 && m % 60)
		snprintf(out, PRINT_AGE_MAX, "%dh%dm", (int)h, (int)(m % 60));
	else if (d < 2)
		snprintf(out, PRINT_AGE_MAX, "%dh", (int)h);
	else if (d < 8 && h % 24)
		snprintf(out, PRINT_AGE_MAX, "%dd%dh", (int)d, (int)(h % 24));
	else if (y < 2)
		snprintf(out, PRINT_AGE_MAX, "%dd", (int)d);
	else if (y < 8 && d % 365)
		snprintf(out, PRINT_AGE_MAX, "%lldy%dd", (long long)y, (int)(d % 365));
	else
		snprintf(out, PRINT_AGE_MAX, "%lldy", (long long)y);
}

static bool is_hex(const char *p, size_t n)
{
	return strspn(p, "0123456789abcdef") >= n;
}

void print_revision(const char *revision, char out[PRINT_REVISION_MAX])
{
	enum { SHOWN = 7 };
	const char *at = strrchr(revision, '@');
	const char *sha = at ? at + 1 : revision;
	int named = at ? (int)(at + 1 - revision) : 0;
	if (strncmp(sha, "sha1:", 5) == 0)
		sha += 5;
	else if (strncmp(sha, "sha256:", 7) == 0)
		sha += 7;
	if (strlen(sha) >= 40 && is_hex(sha, 40))
		snprintf(out, PRINT_REVISION_MAX, "%.*s%.*s", named < 100 ? named : 100, revision, SHOWN,
			 sha);
	else
		snprintf(out, PRINT_REVISION_MAX, "%s", revision);
}

static void fill(const struct status_table *t, const struct status_row *row, struct cells *c)
{
	size_t n = 0;
	print_age(row->age_s, c->age);
	print_revision(row->revision, c->revision);
	if (t->namespaces)
		c->at[n++] = row->namespace;
	c->at[n++] = row->name;
	c->at[n++] = row->ready;
	c->at[n++] = t->wide ? row->revision : c->revision;
	c->at[n++] = row->sync;
	c->at[n++] = row->health;
	c->at[n++] = c->age;
	c->at[n] = row->message;
}

static void measure(struct table *t, const struct status_table *s)
{
	static const char *const heads[] = { "NAMESPACE", "NAME",   "READY", "REVISION",
					     "SYNC",	  "HEALTH", "AGE",   "MESSAGE" };
	for (size_t i = s->namespaces ? 0 : 1; i < COLUMNS_MAX; i++)
		t->heads[t->n++] = heads[i];
	for (size_t i = 0; i < t->n; i++)
		t->widths[i] = strlen(t->heads[i]);
	for (size_t r = 0; r < s->n; r++) {
		struct cells c;
		fill(s, &s->rows[r], &c);
		for (size_t i = 0; i < t->n; i++) {
			size_t width = style_columns(str_of(c.at[i]));
			t->widths[i] = width > t->widths[i] ? width : t->widths[i];
		}
	}
}

static enum tint tint_of(const char *head, const char *cell)
{
	static const struct {
		const char *word;
		enum tint tint;
	} tints[] = {
		{ "True", TINT_GREEN },		{ "False", TINT_RED },	      { "Unknown", TINT_YELLOW },
		{ "Synced", TINT_GREEN },	{ "OutOfSync", TINT_YELLOW }, { "Syncing", TINT_CYAN },
		{ "Failed", TINT_RED },		{ "Current", TINT_GREEN },    { "Progressing", TINT_CYAN },
		{ "Suspended", TINT_DIM },	{ "Refused", TINT_RED },      { "Missing", TINT_RED },
		{ "Terminating", TINT_YELLOW },
	};
	if (strcmp(head, "READY") != 0 && strcmp(head, "SYNC") != 0 && strcmp(head, "HEALTH") != 0)
		return TINT_NONE;
	for (size_t i = 0; i < sizeof(tints) / sizeof(tints[0]); i++)
		if (strcmp(tints[i].word, cell) == 0)
			return tints[i].tint;
	return TINT_NONE;
}

static void add_cell(struct buf *line, const struct style *style, const struct table *t, size_t i,
		     const char *cell)
{
	enum tint tint = cell == t->heads[i] ? TINT_BOLD : tint_of(t->heads[i], cell);
	if (tint != TINT_NONE)
		buf_adds(line, style_on(style, tint));
	style_safe(line, str_of(cell), false);
	if (tint != TINT_NONE)
		buf_adds(line, style_off(style));
	size_t width = style_columns(str_of(cell));
	for (size_t pad = width; pad < t->widths[i] + GAP; pad++)
		buf_addc(line, ' ');
}

/* The message in what is left of the terminal's line; one line whatever it holds. */
static void add_message(struct buf *line, const struct style *style, size_t used, bool cut,
			const char *message)
{
	cleanup_buf struct buf text = BUF_INIT;
	for (const char *p = message; *p; p++)
		buf_addc(&text, *p == '\n' ? ' ' : *p);
	cleanup_buf struct buf safe = BUF_INIT;
	style_safe(&safe, buf_str(&text), false);
	size_t room = style->width > used + MESSAGE_MIN ? style->width - used : MESSAGE_MIN;
	if (!cut || style_columns(buf_str(&safe)) <= room) {
		buf_add_str(line, buf_str(&safe));
		return;
	}
	buf_add_str(line, style_cut(buf_str(&safe), room - 3));
	buf_adds(line, "...");
}

static void print_line(FILE *out, const struct style *style, const struct table *t, const char *const *cells,
		       bool cut)
{
	cleanup_buf struct buf line = BUF_INIT;
	size_t used = 0, last = t->n - 1;
	for (size_t i = 0; i < last; i++) {
		add_cell(&line, style, t, i, cells[i]);
		used += t->widths[i] + GAP;
	}
	if (cells[last] == t->heads[last])
		buf_printf(&line, "%s%s%s", style_on(style, TINT_BOLD), cells[last], style_off(style));
	else
		add_message(&line, style, used, cut, cells[last]);
	while (line.n > 0 && line.p[line.n - 1] == ' ')
		line.n--;
	fwrite(line.p, 1, line.n, out);
	fputc('\n', out);
}

void print_status(FILE *out, const struct style *style, const struct status_table *table)
{
	struct table t = { .n = 0 };
	measure(&t, table);
	print_line(out, style, &t, t.heads, false);
	for (size_t r = 0; r < table->n; r++) {
		struct cells c;
		fill(table, &table->rows[r], &c);
		print_line(out, style, &t, c.at, style->terminal && !table->wide);
	}
}
