/* yaml_text.c - the bytes of a file become UTF-8 text, or the place of what is not. */
#include "doc/yaml_parts.h"

static struct yaml_place place_of(struct str text, size_t at, uint32_t line)
{
	size_t start = 0;
	for (size_t i = 0; i < at; i++) {
		if (text.p[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	return (struct yaml_place){ line, (uint32_t)(at - start) + 1 };
}

static void put_utf8(struct buf *out, uint32_t c)
{
	char p[4];
	if (c < 0x80) {
		buf_addc(out, (char)c);
	} else if (c < 0x800) {
		p[0] = (char)(0xc0 | c >> 6);
		p[1] = (char)(0x80 | (c & 0x3f));
		buf_add(out, p, 2);
	} else if (c < 0x10000) {
		p[0] = (char)(0xe0 | c >> 12);
		p[1] = (char)(0x80 | (c >> 6 & 0x3f));
		p[2] = (char)(0x80 | (c & 0x3f));
		buf_add(out, p, 3);
	} else {
		p[0] = (char)(0xf0 | c >> 18);
		p[1] = (char)(0x80 | (c >> 12 & 0x3f));
		p[2] = (char)(0x80 | (c >> 6 & 0x3f));
		p[3] = (char)(0x80 | (c & 0x3f));
		buf_add(out, p, 4);
	}
}

/* Windows editors write UTF-16 with a BOM, and kubectl reads it. */
static int from_utf16(struct str bytes, bool big, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	if (bytes.n % 2)
		return -1;
	for (size_t i = 2; i + 1 < bytes.n; i += 2) {
		uint32_t c = big ? (uint32_t)p[i] << 8 | p[i + 1] : (uint32_t)p[i + 1] << 8 | p[i];
		if (c >= 0xd800 && c < 0xdc00 && i + 3 < bytes.n) {
			uint32_t low =
				big ? (uint32_t)p[i + 2] << 8 | p[i + 3] : (uint32_t)p[i + 3] << 8 | p[i + 2];
			if (low < 0xdc00 || low > 0xdfff)
				return -1;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i += 2;
		} else if (c >= 0xd800 && c < 0xe000) {
			return -1;
		}
		put_utf8(out, c);
	}
	return 0;
}

/* The first byte that is not part of well-formed UTF-8. */
static size_t bad_byte(struct str text)
{
	for (size_t at = 0, n; at < text.n; at += n) {
		n = 1;
		while (n <= 4 && at + n <= text.n && !str_utf8((struct str){ text.p + at, n }))
			n++;
		if (n > 4 || at + n > text.n)
			return at;
	}
	return 0;
}

static struct str with_final_newline(struct arena *a, struct str text)
{
	if (text.n && text.p[text.n - 1] == '\n')
		return text;
	char *p = arena_alloc(a, text.n + 2);
	if (text.n)
		memcpy(p, text.p, text.n);
	p[text.n] = '\n';
	return (struct str){ p, text.n + 1 };
}

void yaml_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
}

int yaml_text(struct arena *a, struct str bytes, bool as_it_ends, struct str *out, struct yaml_place *place,
	      struct error *err)
{
	bool big = str_starts(bytes, STR("\xfe\xff"));
	if (big || str_starts(bytes, STR("\xff\xfe"))) {
		cleanup_buf struct buf utf8 = BUF_INIT;
		*place = (struct yaml_place){ 1, 1 };
		if (from_utf16(bytes, big, &utf8))
			return error_set(err, "the file begins like UTF-16 but is not; save it as UTF-8");
		bytes = arena_str(a, buf_str(&utf8));
	} else if (str_starts(bytes, STR("\xef\xbb\xbf"))) {
		bytes = str_from(bytes, 3);
	}
	if (bytes.n && memchr(bytes.p, '\0', bytes.n)) {
		*place = place_of(bytes, str_find(bytes, '\0', 0), 1);
		return error_set(err, "there is a NUL byte here; is this a text file?");
	}
	if (!str_utf8(bytes)) {
		size_t at = bad_byte(bytes);
		*place = place_of(bytes, at, 1);
		return error_set(err, "byte 0x%02x is not valid UTF-8 here; save the file as UTF-8",
				 (unsigned char)bytes.p[at]);
	}
	*out = as_it_ends ? bytes : with_final_newline(a, bytes);
	return 0;
}

int yaml_text_check(struct str text, uint32_t first_line, struct yaml_place *place, struct error *err)
{
	const unsigned char *p = (const unsigned char *)text.p;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = p[i];
		if (c >= 0x20 && c < 0x7f)
			continue;
		bool bad = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f ||
			   (c == 0xc2 && i + 1 < text.n && p[i + 1] < 0xa0 && p[i + 1] != 0x85) ||
			   (c == 0xef && i + 2 < text.n && p[i + 1] == 0xbf && p[i + 2] >= 0xbe);
		if (!bad)
			continue;
		*place = place_of(text, i, first_line);
		unsigned code = c == 0xc2 ? p[i + 1] : c == 0xef ? 0xff00u | p[i + 2] | 0x40u : c;
		return error_set(
			err,
			"the control character U+%04X is not allowed in YAML; in double quotes write \\x%02x",
			code, code & 0xff);
	}
	return 0;
}
