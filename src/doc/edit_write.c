/* edit_write.c - values as text: quotes where they are needed, and lines as their neighbours are. */
#include "doc/edit_parts.h"
#include "doc/yaml.h"

/* --- where lines are --- */

size_t edit_line_start(struct str text, size_t at)
{
	while (at > 0 && text.p[at - 1] != '\n')
		at--;
	return at;
}

size_t edit_line_end(struct str text, size_t at)
{
	size_t end = str_find(text, '\n', at);
	if (end == SIZE_MAX)
		return text.n;
	return end > at && text.p[end - 1] == '\r' ? end - 1 : end;
}

size_t edit_column(struct str text, size_t at)
{
	return at - edit_line_start(text, at);
}

/* The first nested map and list of the text say how others are. */
struct edit_layout edit_layout_of(const struct edit_tree *t, struct str text)
{
	struct edit_layout layout = { "\n", 0, 0 };
	bool knows_list = false;
	size_t end = str_find(text, '\n', 0);
	if (end != SIZE_MAX && end > 0 && text.p[end - 1] == '\r')
		layout.newline = "\r\n";
	for (size_t i = 1; i < t->n && !(layout.step && knows_list); i++) {
		const struct edit_spot *s = &t->spots[i], *parent = &t->spots[s->parent];
		if (s->flow || s->anchor || s->tag || !node_count(s->node) || !s->parent ||
		    parent->node->type != NODE_MAP)
			continue;
		size_t at = edit_column(text, s->start), above = edit_column(text, parent->start);
		if (at < above || at - above > 8)
			continue;
		if (s->node->type == NODE_MAP && !layout.step)
			layout.step = (unsigned)(at - above);
		if (s->node->type == NODE_SEQ && !knows_list) {
			layout.list = (unsigned)(at - above);
			knows_list = true;
		}
	}
	layout.step = layout.step ? layout.step : 2;
	return layout;
}

/* --- scalars --- */

static bool is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Whether text can stand without quotes anywhere. Stricter than YAML is: what is unusual gets quotes. */
static bool may_be_plain(struct str text)
{
	if (!text.n || !(is_letter((unsigned char)text.p[0]) || strchr("./_$", text.p[0])) ||
	    text.p[text.n - 1] == ':')
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (!is_letter((unsigned char)text.p[i]) && (!text.p[i] || !strchr("._/@:+-=$()", text.p[i])))
			return false;
	return !yaml_needs_quotes(text) && !yaml_was_special(text) && !str_starts(text, STR("..."));
}

/* Whether all of it can be shown, so that single quotes can hold it. */
static bool is_printable(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || (unsigned char)text.p[i] >= 0x7f)
			return false;
	return true;
}

static void write_single(struct buf *out, struct str text)
{
	buf_addc(out, '\'');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\'')
			buf_addc(out, '\'');
		buf_addc(out, text.p[i]);
	}
	buf_addc(out, '\'');
}

/* U+0080 to U+009F, U+2028, U+2029 and U+FEFF break lines or are refused as they stand; how many bytes. */
static unsigned odd_character(struct str rest, unsigned *code)
{
	const unsigned char *p = (const unsigned char *)rest.p;
	*code = rest.n >= 2 && p[0] == 0xc2 && p[1] < 0xa0 ? p[1] : 0;
	if (*code)
		return 2;
	if (rest.n < 3)
		return 0;
	*code = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	bool odd = (p[0] & 0xf0) == 0xe0 &&
		   (*code == 0x2028 || *code == 0x2029 || *code == 0xfeff || *code >= 0xfffe);
	return odd ? 3 : 0;
}

static void write_double(struct buf *out, struct str text)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		unsigned code, odd = odd_character(str_from(text, i), &code);
		if (odd) {
			buf_printf(out, "\\u%04x", code);
			i += odd - 1;
		} else if (c == '"' || c == '\\') {
			buf_addc(out, '\\');
			buf_addc(out, (char)c);
		} else if (c == '\n' || c == '\t') {
			buf_adds(out, c == '\n' ? "\\n" : "\\t");
		} else if (c < 0x20 || c == 0x7f) {
			buf_printf(out, "\\u%04x", c);
		} else {
			buf_addc(out, (char)c);
		}
	}
	buf_addc(out, '"');
}

static void write_text(struct buf *out, struct str text, enum node_style style)
{
	bool quoted = style == NODE_SINGLE_QUOTED || style == NODE_DOUBLE_QUOTED;
	if (!quoted && may_be_plain(text))
		buf_add_str(out, text);
	else if (style == NODE_SINGLE_QUOTED && is_printable(text))
		write_single(out, text);
	else
		write_double(out, text);
}

void edit_write_scalar(struct buf *out, const struct node *value, enum node_style style)
{
	switch (value->type) {
	case NODE_NULL:
		buf_adds(out, "null");
		break;
	case NODE_BOOL:
		buf_adds(out, value->boolean ? "true" : "false");
		break;
	case NODE_STRING:
		write_text(out, value->text, style);
		break;
	default:
		buf_add_str(out, value->text);
	}
}

/* --- collections --- */

void edit_write_flow(struct buf *out, const struct node *value, enum node_style style)
{
	if (value->type == NODE_SEQ) {
		buf_addc(out, '[');
		for (size_t i = 0; i < value->seq.n; i++) {
			buf_adds(out, i ? ", " : "");
			edit_write_flow(out, value->seq.items[i], style);
		}
		buf_addc(out, ']');
	} else if (value->type == NODE_MAP) {
		buf_addc(out, '{');
		for (size_t i = 0; i < value->map.n; i++) {
			buf_adds(out, i ? ", " : "");
			write_text(out, value->map.pairs[i].key, style);
			buf_adds(out, ": ");
			edit_write_flow(out, value->map.pairs[i].value, style);
		}
		buf_addc(out, '}');
	} else {
		edit_write_scalar(out, value, style);
	}
}

void edit_write_break(struct buf *out, size_t indent, const struct edit_layout *layout)
{
	buf_adds(out, layout->newline);
	for (size_t i = 0; i < indent; i++)
		buf_addc(out, ' ');
}

void edit_write_pair(struct buf *out, struct str key, enum node_style key_style, const struct node *value,
		     size_t indent, const struct edit_layout *layout)
{
	write_text(out, key, key_style);
	buf_addc(out, ':');
	if (!node_count(value)) {
		buf_addc(out, ' ');
		edit_write_flow(out, value, NODE_PLAIN);
		return;
	}
	size_t deeper = indent + (value->type == NODE_SEQ ? layout->list : layout->step);
	edit_write_break(out, deeper, layout);
	edit_write_block(out, value, deeper, layout);
}

void edit_write_block(struct buf *out, const struct node *value, size_t indent,
		      const struct edit_layout *layout)
{
	if (!node_count(value)) {
		edit_write_flow(out, value, NODE_PLAIN);
		return;
	}
	for (size_t i = 0; i < node_count(value); i++) {
		if (i)
			edit_write_break(out, indent, layout);
		if (value->type == NODE_MAP) {
			edit_write_pair(out, value->map.pairs[i].key, NODE_PLAIN, value->map.pairs[i].value,
					indent, layout);
		} else {
			buf_adds(out, "- ");
			edit_write_block(out, value->seq.items[i], indent + 2, layout);
		}
	}
}
