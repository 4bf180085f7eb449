/* exec_output.c - what a program printed: objects from stdout, lines for people from stderr. */
#include "doc/yaml.h"
#include "render/collect.h"
#include "render/exec.h"

/* An escape sequence (ECMA-48): ESC [ ... letter, ESC ] ... BEL, ESC with one more. How many bytes it has. */
static size_t escape_length(struct str s)
{
	size_t n = 1;
	if (s.n < 2)
		return s.n;
	if (s.p[1] == '[') {
		for (n = 2; n < s.n && ((unsigned char)s.p[n] < 0x40 || (unsigned char)s.p[n] > 0x7e); n++)
			;
	} else if (s.p[1] == ']') {
		for (n = 2; n < s.n && s.p[n] != '\a' && s.p[n] != '\033'; n++)
			;
	}
	return n + 1 < s.n ? n + 1 : s.n;
}

/* The bytes of one character at the start of s, if that is well-formed UTF-8 and no control character. */
static size_t character_length(struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (c < 0x20 || c == 0x7f || n > s.n || !str_utf8((struct str){ s.p, n }))
		return 0;
	if (n == 2 && c == 0xc2 && (unsigned char)s.p[1] < 0xa0) /* C1 */
		return 0;
	return n;
}

static char *clean_line(struct arena *a, struct str line)
{
	cleanup_buf struct buf out = BUF_INIT;
	while (line.n && out.n < EXEC_LINE_MAX) {
		size_t n = character_length(line);
		if (n && out.n + n > EXEC_LINE_MAX)
			break;
		if (n) {
			buf_add(&out, line.p, n);
			line = str_from(line, n);
		} else if (line.p[0] == '\033') {
			line = str_from(line, escape_length(line));
		} else {
			buf_addc(&out, line.p[0] == '\t' ? ' ' : '?');
			line = str_from(line, 1);
		}
	}
	if (line.n)
		buf_adds(&out, "...");
	struct str trimmed = str_trim(buf_str(&out));
	return arena_strndup(a, trimmed.p, trimmed.n);
}

/* What a progress bar has written over a line counts as lines, too. */
static bool ends_line(char c)
{
	return c == '\n' || c == '\r';
}

size_t exec_lines(struct arena *a, struct str text, const char ***lines)
{
	const char *kept[EXEC_LINES_MAX];
	size_t n = 0, end = text.n;
	while (end > 0 && n < EXEC_LINES_MAX) {
		size_t start = end;
		while (start > 0 && !ends_line(text.p[start - 1]))
			start--;
		char *line = clean_line(a, (struct str){ text.p + start, end - start });
		if (*line)
			kept[n++] = line;
		end = start ? start - 1 : 0;
	}
	*lines = arena_array(a, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		(*lines)[i] = kept[n - 1 - i];
	return n;
}

void render_exec(struct arena *a, const char *name, struct str output, const char *const *warnings,
		 size_t n_warnings, const struct render_input *in, struct render_output *out)
{
	struct render_file file = { .path = arena_strdup(a, name), .data = output };
	struct render_collect c = { .a = a, .templates = in->templates, .origins = in->origins };
	for (size_t i = 0; i < n_warnings; i++)
		collect_diag(&c, RENDER_WARNING, file.path, 0, 0, NULL, "it says: %s", warnings[i]);
	collect_text(&c, &file);
	collect_finish(&c, out);
}
