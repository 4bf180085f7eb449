/*
 * yaml_bom.c - texts that begin with a byte order mark, as files of Windows do. go-yaml's emitter asks the
 * first character of a text, where libyaml's asks the one at hand, whether it is a mark, and so escapes all
 * of such a text. What libyaml printed is read again for the places of these texts, which are then written
 * anew.
 */
#include "doc/yaml_parts.h"

static const struct str mark = { "\xef\xbb\xbf", 3 };

bool yaml_has_bom(struct str text)
{
	return str_starts(text, mark);
}

static uint32_t take_rune(struct str *s)
{
	unsigned char c = (unsigned char)s->p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	uint32_t rune = n == 1 ? c : c & (0x7fu >> n);
	for (size_t i = 1; i < n && i < s->n; i++)
		rune = rune << 6 | ((unsigned char)s->p[i] & 0x3f);
	*s = str_from(*s, n);
	return rune;
}

static void put_escaped(struct buf *out, uint32_t rune)
{
	static const struct {
		uint32_t rune;
		char letter;
	} letters[] = { { 0, '0' },	{ 7, 'a' },    { 8, 'b' },    { 9, 't' },      { 10, 'n' },
			{ 11, 'v' },	{ 12, 'f' },   { 13, 'r' },   { 27, 'e' },     { '"', '"' },
			{ '\\', '\\' }, { 0x85, 'N' }, { 0xa0, '_' }, { 0x2028, 'L' }, { 0x2029, 'P' } };
	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++) {
		if (letters[i].rune == rune) {
			buf_printf(out, "\\%c", letters[i].letter);
			return;
		}
	}
	buf_printf(out, rune > 0xffff ? "\\U%08X" : rune > 0xff ? "\\u%04X" : "\\x%02X", rune);
}

static void put_text(struct buf *out, struct str text)
{
	buf_addc(out, '"');
	while (text.n)
		put_escaped(out, take_rune(&text));
	buf_addc(out, '"');
}

/* Moves over n characters. */
static size_t forward(struct str text, size_t at, size_t n)
{
	for (; n && at < text.n; n--) {
		at++;
		while (at < text.n && ((unsigned char)text.p[at] & 0xc0) == 0x80)
			at++;
	}
	return at;
}

void yaml_escape_bom(struct buf *out, size_t from)
{
	cleanup_buf struct buf again = BUF_INIT;
	struct str printed = str_from(buf_str(out), from);
	size_t at = 0, index = 0; /* byte and character that are copied already */
	yaml_parser_t parser;
	yaml_event_t event;
	bool end = false;
	if (!yaml_parser_initialize(&parser))
		abort(); /* out of memory */
	yaml_parser_set_input_string(&parser, (const unsigned char *)printed.p, printed.n);
	while (!end && yaml_parser_parse(&parser, &event)) {
		struct str value = { "", 0 };
		if (event.type == YAML_SCALAR_EVENT)
			value = (struct str){ (const char *)event.data.scalar.value,
					      event.data.scalar.length };
		if (yaml_has_bom(value)) {
			size_t begin = forward(printed, at, event.start_mark.index - index);
			buf_add(&again, printed.p + at, begin - at);
			put_text(&again, value);
			at = forward(printed, begin, event.end_mark.index - event.start_mark.index);
			index = event.end_mark.index;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	buf_add_str(&again, str_from(printed, at));
	out->n = from;
	buf_add_str(out, buf_str(&again));
}
