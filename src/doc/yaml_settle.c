/*
 * yaml_settle.c - trees of YAML_KYAML keep scalars as they were written, because kustomize copies, joins and
 * compares these texts. At the end kustomize prints its tree and reads that again: so does this file, node by
 * node, without the text between.
 */
#include <math.h>
#include <stdlib.h>

#include "doc/number.h"
#include "doc/yaml_parts.h"

static const enum node_type types[] = {
	[YAML_KIND_NULL] = NODE_NULL,	[YAML_KIND_BOOL] = NODE_BOOL,	  [YAML_KIND_INT] = NODE_INT,
	[YAML_KIND_FLOAT] = NODE_FLOAT, [YAML_KIND_STRING] = NODE_STRING,
};

struct node *yaml_kubectl_scalar(struct arena *a, struct str text)
{
	struct yaml_scalar scalar;
	struct node *n = arena_new(a, struct node);
	yaml_resolve(a, YAML_KUBECTL, text, (struct str){ "", 0 }, true, &scalar,
		     NULL); /* no tag: no error */
	n->type = scalar.infinite ? NODE_STRING : types[scalar.kind];
	n->boolean = scalar.kind == YAML_KIND_BOOL && scalar.boolean;
	if (n->type == NODE_STRING)
		n->text = text;
	else if (n->type == NODE_INT)
		n->text = scalar.text;
	else if (n->type == NODE_FLOAT)
		number_set(a, n, scalar.text);
	return n;
}

struct node *yaml_kyaml_scalar(struct arena *a, struct str text)
{
	struct yaml_scalar scalar;
	struct node *n = arena_new(a, struct node);
	yaml_resolve(a, YAML_KYAML, text, (struct str){ "", 0 }, true, &scalar, NULL); /* no tag: no error */
	n->type = types[scalar.kind];
	n->style = scalar.time ? NODE_TIMESTAMP : NODE_PLAIN;
	n->boolean = scalar.kind == YAML_KIND_BOOL && scalar.boolean;
	n->untagged = true;
	n->text = text;
	return n;
}

static int mismatch(const struct node *n, struct error *err)
{
	static const char *const names[] = {
		[NODE_NULL] = "null",
		[NODE_BOOL] = "a boolean",
		[NODE_INT] = "an integer",
		[NODE_FLOAT] = "a number",
	};
	return error_set(err, "`%.*s` stands where %s was; quote that one if it may become a text",
			 (int)(n->text.n > 80 ? 80 : n->text.n), n->text.p, names[n->type]);
}

static void settle_float(struct arena *a, struct node *n, double value)
{
	char text[NUMBER_TEXT_MAX];
	/* What no 64 bits hold stays a double to the end; so does not the sign of a zero. */
	number_shortest(value == 0 ? 0 : value, text);
	n->text = arena_str(a, str_of(text));
	/* What is printed for it is read again: an integer that no 64 bits hold is a double then. */
	bool fits = value > -0x1p63 && value < 0x1p64; /* -0x1p63 is printed as one that does not */
	n->type = fits && number_is_integer(n->text) ? NODE_INT : NODE_FLOAT;
}

/* --- folded texts --- */

/* Whether go-yaml writes the text as a block scalar when its node has that style. */
static bool is_block_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f || c == 0xc2 || c == 0xe2 || c == 0xef)
			return false; /* not printable, or one of Unicode's line breaks: not looked into */
		if (c == ' ' && (i + 1 == s.n || s.p[i + 1] == '\n'))
			return false;
	}
	return str_find(s, '\n', 0) != SIZE_MAX;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * The lines that go-yaml v3 writes for a folded text. A line break between lines that would be joined is
 * doubled; whether it would be is asked of the first character of the whole text, where libyaml asks the
 * first one of the next line.
 */
static void write_folded(struct str s, struct buf *out)
{
	bool breaks = true, leading_spaces = true;
	size_t first = 0;
	while (first < s.n && s.p[first] == '\n')
		first++;
	bool doubles = first < s.n && !is_blank(s.p[first]);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n') {
			if (!breaks && !leading_spaces && doubles)
				buf_addc(out, '\n');
			breaks = true;
		} else {
			if (breaks)
				leading_spaces = is_blank(s.p[i]);
			breaks = false;
		}
		buf_addc(out, s.p[i]);
	}
}

static void add_breaks(struct buf *out, size_t n)
{
	for (; n; n--)
		buf_addc(out, '\n');
}

static size_t skip_breaks(struct str s, size_t *at)
{
	size_t n = 0;
	for (; *at < s.n && s.p[*at] == '\n'; ++*at)
		n++;
	return n;
}

/* What a folded scalar of these lines says. keep: the line breaks at its end, 0, 1 or all (2) of them. */
static void read_folded(struct str s, unsigned keep, struct buf *out)
{
	size_t at = 0, trailing = skip_breaks(s, &at), leading = 0;
	bool leading_blank = false;
	while (at < s.n) {
		bool trailing_blank = is_blank(s.p[at]);
		if (leading && !leading_blank && !trailing_blank) {
			if (trailing == 0)
				buf_addc(out, ' ');
		} else {
			add_breaks(out, leading);
		}
		add_breaks(out, trailing);
		leading_blank = trailing_blank;
		while (at < s.n && s.p[at] != '\n')
			buf_addc(out, s.p[at++]);
		leading = at < s.n;
		at += leading;
		trailing = skip_breaks(s, &at);
	}
	if (keep)
		add_breaks(out, leading);
	if (keep > 1)
		add_breaks(out, trailing);
}

/* Kustomize prints block texts as such and reads them again, which is not the same text always. */
static void refold(struct arena *a, struct node *n)
{
	cleanup_buf struct buf lines = BUF_INIT, text = BUF_INIT;
	struct str s = n->text;
	if (!is_block_text(s))
		return;
	bool ends = s.p[s.n - 1] == '\n';
	unsigned keep = !ends ? 0 : s.n == 1 || s.p[s.n - 2] == '\n' ? 2 : 1;
	write_folded(s, &lines);
	read_folded(buf_str(&lines), keep, &text);
	if (!str_eq(buf_str(&text), s))
		n->text = arena_str(a, buf_str(&text));
}

/* --- JSON in between --- */

/*
 * Kustomize's last step reads JSON as YAML. There a next line character (U+0085), which JSON does not escape,
 * is a line break of a quoted text: it is folded, with the spaces around it.
 */
static void fold_next_lines(struct arena *a, struct node *n)
{
	struct str s = n->text;
	char *p = arena_alloc(a, s.n + 1);
	size_t to = 0;
	for (size_t at = 0; at < s.n;) {
		size_t end = at, lines = 0;
		for (;; lines++) {
			while (end < s.n && s.p[end] == ' ')
				end++;
			if (!str_starts(str_from(s, end), STR("\xc2\x85")))
				break;
			end += 2;
		}
		if (lines == 0) {
			p[to++] = s.p[at++];
			continue;
		}
		at = end;
		if (lines == 1)
			p[to++] = ' ';
		for (; lines > 1; lines--)
			p[to++] = '\n';
	}
	n->text = (struct str){ p, to };
}

/* A control character that YAML does not take as it is, and that JSON does not escape; 0: s begins with none.
 */
static unsigned control_at(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	if (p[0] == 0x7f)
		return 0x7f;
	if (p[0] == 0xc2 && s.n > 1 && p[1] < 0xa0 && p[1] != 0x85)
		return p[1];
	if (p[0] == 0xef && s.n > 2 && p[1] == 0xbf && p[2] >= 0xbe)
		return 0xff40u | p[2];
	return 0;
}

static int settle_text(struct arena *a, struct node *n, struct error *err)
{
	struct str s = n->text;
	bool next_line = false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x7f || (c > 0x7f && c != 0xc2 && c != 0xef))
			continue;
		unsigned control = control_at(str_from(s, i));
		if (control)
			return error_set(err, "the control character U+%04X cannot be printed", control);
		next_line = next_line || str_starts(str_from(s, i), STR("\xc2\x85"));
	}
	if (next_line)
		fold_next_lines(a, n);
	return 0;
}

static int settle_block(struct arena *a, struct node *n, bool printed, struct error *err)
{
	if (is_block_text(n->text) && n->text.p[0] == '\t')
		return error_set(err,
				 "a text of several lines begins with a tab, and so is none that kustomize "
				 "could read again: begin it with a line break, or put it in quotes");
	if (n->style == NODE_FOLDED)
		refold(a, n);
	return printed ? settle_text(a, n, err) : 0;
}

static int settle_scalar(struct arena *a, struct node *n, bool printed, struct error *err)
{
	struct yaml_scalar scalar;
	/* A number that was put where a quoted text stood has its quotes: printed and read again it is a
	 * text. If its text is none of a number any more, it keeps its tag instead, and fails. */
	if (n->type != NODE_STRING && n->style != NODE_PLAIN) {
		const struct node *read = yaml_kyaml_scalar(a, n->text);
		if (read->type != n->type)
			return mismatch(n, err);
		n->type = NODE_STRING;
	}
	if (n->type == NODE_STRING) {
		if (n->style == NODE_TIMESTAMP)
			yaml_rfc3339(a, n->text, &n->text);
		else if (n->style == NODE_LITERAL || n->style == NODE_FOLDED)
			return settle_block(a, n, printed, err);
		return printed ? settle_text(a, n, err) : 0;
	}
	yaml_resolve(a, YAML_KYAML, n->text, (struct str){ "", 0 }, true, &scalar, NULL);
	if (scalar.infinite)
		return error_set(err, "`%.*s` cannot be printed: JSON has no such number", STR_ARG(n->text));
	if (n->type == NODE_NULL && scalar.kind == YAML_KIND_NULL)
		return 0;
	if (n->type == NODE_BOOL && scalar.kind == YAML_KIND_BOOL) {
		n->boolean = scalar.boolean;
		return 0;
	}
	if (n->type == NODE_INT && scalar.kind == YAML_KIND_INT) {
		n->text = scalar.text;
		return 0;
	}
	if (n->type == NODE_FLOAT && (scalar.kind == YAML_KIND_FLOAT || scalar.kind == YAML_KIND_INT)) {
		settle_float(a, n, strtod(arena_strndup(a, scalar.text.p, scalar.text.n), NULL));
		return 0;
	}
	return mismatch(n, err);
}

static int check_key(struct str key, struct error *err)
{
	for (size_t i = 0; i < key.n; i++) {
		unsigned control = control_at(str_from(key, i));
		if (control)
			return error_set(err, "the control character U+%04X cannot be printed", control);
	}
	return 0;
}

static int settle(struct arena *a, struct node *root, bool printed, struct error *err)
{
	if (root->type == NODE_MAP) {
		for (size_t i = 0; i < root->map.n; i++)
			if ((printed && check_key(root->map.pairs[i].key, err)) ||
			    settle(a, root->map.pairs[i].value, printed, err))
				return error_wrap(err, "%.*s", STR_ARG(root->map.pairs[i].key));
		return 0;
	}
	if (root->type == NODE_SEQ) {
		for (size_t i = 0; i < root->seq.n; i++)
			if (settle(a, root->seq.items[i], printed, err))
				return error_wrap(err, "%zu", i);
		return 0;
	}
	return settle_scalar(a, root, printed, err);
}

int yaml_settle(struct arena *a, struct node *root, struct error *err)
{
	return settle(a, root, false, err);
}

int yaml_settle_printed(struct arena *a, struct node *root, struct error *err)
{
	return settle(a, root, true, err);
}
