/*
 * name.c - see name.h. The spellings of .git are those of git's own verify_path() rules (core.protectHFS,
 * core.protectNTFS): files may be written to such file systems later, by the directory driver or by a person.
 */
#include "repo/name.h"

enum { NAME_MAX_BYTES = 255 };

/* Decodes one character of valid UTF-8. */
static uint32_t take_char(struct str *s)
{
	unsigned char first = (unsigned char)s->p[0];
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? first : first & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s->p[i] & 0x3f);
	*s = str_from(*s, n);
	return c;
}

/* C0, C1, zero-width, bidirectional marks and overrides, the byte order mark. */
static bool is_hidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

static bool is_dot_git(struct str name)
{
	/* Windows drops dots and spaces at the end and takes what follows a colon as a stream. */
	size_t colon = str_find(name, ':', 0);
	name.n = colon == SIZE_MAX ? name.n : colon;
	while (name.n && (name.p[name.n - 1] == '.' || name.p[name.n - 1] == ' '))
		name.n--;
	return (name.n == 4 && strncasecmp(name.p, ".git", 4) == 0) ||
	       (name.n == 5 && strncasecmp(name.p, "git~1", 5) == 0);
}

bool name_is_safe(struct str name)
{
	if (!name.n || name.n > NAME_MAX_BYTES || str_is(name, ".") || str_is(name, "..") ||
	    is_dot_git(name) || !str_utf8(name))
		return false;
	while (name.n) {
		uint32_t c = take_char(&name);
		if (is_hidden(c) || c == '/' || c == '\\')
			return false;
	}
	return true;
}

char *name_printable(struct arena *a, struct str text)
{
	char *copy = arena_strndup(a, text.p, text.n);
	bool utf8 = str_utf8(text);
	for (struct str rest = text; rest.n;) {
		size_t at = (size_t)(rest.p - text.p);
		if (!utf8) {
			copy[at] = (unsigned char)rest.p[0] < 0x20 || (unsigned char)rest.p[0] >= 0x7f
					   ? '?'
					   : rest.p[0];
			rest = str_from(rest, 1);
		} else if (is_hidden(take_char(&rest))) {
			memset(copy + at, '?', (size_t)(rest.p - text.p) - at);
		}
	}
	return copy;
}
