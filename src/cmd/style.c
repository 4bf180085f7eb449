/* style.c - see style.h. */
#include "cmd/style.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool dumb_terminal(void)
{
	const char *term = getenv("TERM");
	return !term || strcmp(term, "dumb") == 0;
}

static bool no_color_wanted(void)
{
	const char *text = getenv("NO_COLOR"); /* no-color.org: set and not empty */
	return text && text[0];
}

struct style style_of(FILE *out, const char *color)
{
	struct style s = { .width = 80, .height = 24 };
	int fd = fileno(out); /* -1 for a stream in memory */
	bool terminal = fd >= 0 && isatty(fd);
	s.terminal = terminal && !dumb_terminal();
	s.color = s.terminal && !no_color_wanted();
	if (color && strcmp(color, "always") == 0)
		s.color = true;
	else if (color && strcmp(color, "never") == 0)
		s.color = false;
	struct winsize size;
	if (terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
		s.width = size.ws_col;
		s.height = size.ws_row;
	}
	return s;
}

const char *style_on(const struct style *s, enum tint tint)
{
	static const char *const codes[] = {
		[TINT_NONE] = "",	  [TINT_BOLD] = "\033[1m",   [TINT_DIM] = "\033[2m",
		[TINT_RED] = "\033[31m",  [TINT_GREEN] = "\033[32m", [TINT_YELLOW] = "\033[33m",
		[TINT_CYAN] = "\033[36m",
	};
	return s->color ? codes[tint] : "";
}

const char *style_off(const struct style *s)
{
	return s->color ? "\033[0m" : "";
}

static bool starts_code_point(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

size_t style_columns(struct str text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		n += starts_code_point(text.p[i]);
	return n;
}

struct str style_cut(struct str text, size_t columns)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) {
		n += starts_code_point(text.p[i]);
		if (n > columns)
			return (struct str){ text.p, i };
	}
	return text;
}

/* C1 controls are U+0080..U+009F: 0xC2 and a byte up to 0x9F; some terminals obey them. */
static bool is_c1(struct str text, size_t i)
{
	return (unsigned char)text.p[i] == 0xc2 && i + 1 < text.n && (unsigned char)text.p[i + 1] >= 0x80 &&
	       (unsigned char)text.p[i + 1] <= 0x9f;
}

void style_safe(struct buf *out, struct str text, bool lines)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (is_c1(text, i))
			buf_printf(out, "\\x%02x", (unsigned char)text.p[++i]);
		else if ((lines && c == '\n') || (c >= 0x20 && c != 0x7f))
			buf_addc(out, (char)c);
		else if (c == '\t')
			buf_adds(out, lines ? "\t" : " ");
		else
			buf_printf(out, "\\x%02x", c);
	}
}

void style_quote(struct buf *out, const char *text)
{
	buf_addc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *text);
	}
	buf_addc(out, '\'');
}
