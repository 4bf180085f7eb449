/*
 * remote_base_state.c - what refs stood for, in a file beside the mirror: a first line with the number of
 * fetches, then "SHA CHECKED USED REF" a line, times in milliseconds since 1970.
 */
#include <stdio.h>
#include <string.h>

#include "io/file.h"
#include "repo/files.h"
#include "repo/remote_base_internal.h"

enum { STATE_MAX = 256 * 1024 };

static bool take_number(struct str *line, int64_t *out)
{
	struct str word = str_cut(*line, ' ', line);
	return str_int64(word, out) && *out >= 0;
}

static void parse_line(struct base *b, struct str line)
{
	int64_t checked, used;
	char sha[SHA_HEX_MAX + 1], ref[REVISION_MAX + 1];
	struct str word = str_cut(line, ' ', &line);
	snprintf(sha, sizeof(sha), "%.*s", STR_ARG(word));
	if (word.n >= sizeof(sha) || !base_ref_is_sha(sha) || !take_number(&line, &checked) ||
	    !take_number(&line, &used) || line.n > REVISION_MAX)
		return;
	snprintf(ref, sizeof(ref), "%.*s", STR_ARG(line));
	if (strlen(ref) != line.n)
		return;
	struct base_ref *r = base_ref_get(b, ref, NULL);
	if (!r || r->checked_ms >= checked)
		return;
	snprintf(r->sha, sizeof(r->sha), "%s", sha);
	r->checked_ms = checked;
	r->used_ms = used > r->used_ms ? used : r->used_ms;
}

void base_state_parse(struct base *b, struct str text)
{
	int64_t fetches = 0;
	struct str line = str_cut(text, '\n', &text);
	if (str_int64(line, &fetches) && fetches >= 0 && fetches < 1000000000)
		b->fetches = (unsigned)fetches;
	for (size_t i = 0; text.n && i < 2 * REMOTE_BASE_REFS_MAX; i++)
		parse_line(b, str_cut(text, '\n', &text));
}

void base_state_format(const struct base *b, struct buf *out)
{
	buf_printf(out, "%u\n", b->fetches);
	for (size_t i = 0; i < b->refs.n; i++) {
		const struct base_ref *r = b->refs.at[i];
		if (r->sha[0])
			buf_printf(out, "%s %lld %lld %s\n", r->sha, (long long)r->checked_ms,
				   (long long)r->used_ms, r->ref);
	}
}

void base_state_load(struct base *b)
{
	cleanup_buf struct buf path = BUF_INIT, text = BUF_INIT;
	buf_printf(&path, "%s.refs", b->stem);
	if (file_read(path.p, STATE_MAX, &text, NULL) == 0)
		base_state_parse(b, buf_str(&text));
}

int base_state_save(struct base *b, struct error *err)
{
	cleanup_buf struct buf path = BUF_INIT, text = BUF_INIT;
	buf_printf(&path, "%s.refs", b->stem);
	base_state_format(b, &text);
	return files_write(path.p, buf_str(&text), 0600, err);
}
