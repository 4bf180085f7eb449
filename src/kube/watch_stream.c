/* watch_stream.c - see watch_stream.h. */
#include "kube/watch_stream.h"

#include "doc/json.h"

#define KEEP_MAX (64u << 10) /* a buffer above this is given back after use */

static void done_with(struct buf *b)
{
	if (b->cap > KEEP_MAX)
		buf_release(b);
	else
		buf_clear(b);
}

void watch_lines_release(struct watch_lines *l)
{
	buf_release(&l->partial);
}

enum watch_fed watch_lines_feed(struct watch_lines *l, struct str chunk, watch_piece_fn *fn, void *arg)
{
	for (;;) {
		const char *end = chunk.n ? memchr(chunk.p, '\n', chunk.n) : NULL;
		size_t n = end ? (size_t)(end - chunk.p) : chunk.n;
		if (n > WATCH_EVENT_MAX - l->partial.n)
			return WATCH_TOO_BIG;
		/* A line that is whole in this chunk is handed on where it lies. */
		struct str line = { chunk.p, n };
		struct buf taken = BUF_INIT;
		if (!end || l->partial.n) {
			buf_add(&l->partial, chunk.p ? chunk.p : "", n);
			if (!end)
				return WATCH_FED;
			taken = l->partial;
			l->partial = (struct buf)BUF_INIT;
			line = buf_str(&taken);
		}
		bool go_on = str_trim(line).n == 0 || fn(arg, line);
		buf_release(&taken);
		if (!go_on)
			return WATCH_STOPPED;
		chunk = str_from(chunk, n + 1);
	}
}

void watch_list_release(struct watch_list *l)
{
	buf_release(&l->envelope);
	buf_release(&l->partial);
	*l = (struct watch_list){ 0 };
}

/* Bytes [from, to) of the chunk belong to what is open: an item, or the envelope. */
static bool keep(struct watch_list *l, struct str chunk, size_t from, size_t to)
{
	struct buf *b = l->in_item ? &l->partial : &l->envelope;
	size_t max = l->in_item ? WATCH_EVENT_MAX : WATCH_ENVELOPE_MAX;
	if (to - from > max - b->n)
		return false;
	buf_add(b, chunk.p + from, to - from);
	return true;
}

/* The end of an item at `to`; it began in this chunk at `from`, or before and is in partial. */
static enum watch_fed emit(struct watch_list *l, struct str chunk, size_t from, size_t to, watch_piece_fn *fn,
			   void *arg)
{
	struct str item = { chunk.p + from, to - from };
	struct buf taken = BUF_INIT;
	if (l->partial.n) {
		if (!keep(l, chunk, from, to))
			return WATCH_TOO_BIG;
		taken = l->partial;
		l->partial = (struct buf)BUF_INIT;
		item = buf_str(&taken);
	}
	l->in_item = false;
	bool go_on = fn(arg, item);
	if (go_on && !l->partial.p) {
		l->partial = taken; /* its memory serves the next */
		done_with(&l->partial);
	} else {
		buf_release(&taken);
	}
	return go_on ? WATCH_FED : WATCH_STOPPED;
}

/* The quote at chunk[i] ends a string of the outermost object: remember whether it says items. */
static void note_key(struct watch_list *l, struct str chunk, size_t from, size_t i)
{
	static const char want[] = "items";
	size_t begun = l->envelope.n, n = sizeof(want) - 1;
	/* The text since string_at lies in the envelope up to `begun`, then in the chunk from `from`. */
	size_t length = begun + (i - from) - l->string_at;
	l->key_is_items = false;
	if (length != n)
		return;
	for (size_t k = 0; k < n; k++) {
		size_t at = l->string_at + k;
		char c = at < begun ? l->envelope.p[at] : chunk.p[from + at - begun];
		if (c != want[k])
			return;
	}
	l->key_is_items = true;
}

static void in_string(struct watch_list *l, struct str chunk, size_t from, size_t i)
{
	char c = chunk.p[i];
	if (l->escaped) {
		l->escaped = false;
	} else if (c == '\\') {
		l->escaped = true;
	} else if (c == '"') {
		l->in_string = false;
		if (l->depth == 1)
			note_key(l, chunk, from, i);
	}
}

static void open_bracket(struct watch_list *l, char c)
{
	if (c == '[' && l->depth == 1 && l->key_is_items)
		l->in_items = true;
	l->depth++;
}

static void close_bracket(struct watch_list *l)
{
	if (l->depth > 0)
		l->depth--;
	if (l->depth == 1) {
		l->in_items = false;
		l->key_is_items = false;
	}
}

enum watch_fed watch_list_feed(struct watch_list *l, struct str chunk, watch_piece_fn *fn, void *arg)
{
	size_t from = 0; /* bytes before it have been dealt with */
	for (size_t i = 0; i < chunk.n; i++) {
		char c = chunk.p[i];
		if (l->in_string) {
			in_string(l, chunk, from, i);
			continue;
		}
		switch (c) {
		case '"':
			l->in_string = true;
			l->string_at = l->depth == 1 ? l->envelope.n + (i - from) + 1 : 0;
			break;
		case '{':
			if (l->in_items && l->depth == 2) {
				if (!keep(l, chunk, from, i))
					return WATCH_TOO_BIG;
				from = i;
				l->in_item = true;
			}
			open_bracket(l, c);
			break;
		case '[':
			open_bracket(l, c);
			break;
		case '}':
		case ']':
			close_bracket(l);
			if (!l->in_item || l->depth != 2)
				break;
			enum watch_fed fed = emit(l, chunk, from, i + 1, fn, arg);
			if (fed != WATCH_FED)
				return fed;
			from = i + 1;
			break;
		case ',': /* between items: left out of the envelope as they are */
			if (!l->in_items || l->depth != 2)
				break;
			if (!keep(l, chunk, from, i))
				return WATCH_TOO_BIG;
			from = i + 1;
			break;
		default:
			break;
		}
	}
	return keep(l, chunk, from, chunk.n) ? WATCH_FED : WATCH_TOO_BIG;
}

int watch_list_end(struct watch_list *l, struct arena *a, struct node **envelope, struct error *err)
{
	if (l->in_item)
		return error_set(err, "the list broke off");
	if (json_parse(a, buf_str(&l->envelope), false, envelope, err) < 0)
		return error_wrap(err, "unreadable list");
	if ((*envelope)->type != NODE_MAP)
		return error_set(err, "the answer is no list");
	return 0;
}

int watch_event_read(struct arena *a, struct str line, enum watch_stream_type *type, struct node **object,
		     struct error *err)
{
	struct node *root;
	if (json_parse(a, line, false, &root, err) < 0)
		return error_wrap(err, "unreadable watch event");
	struct str name = node_text(node_get(root, "type"));
	*object = node_get(root, "object");
	if (!*object || (*object)->type != NODE_MAP)
		return error_set(err, "a watch event has no object");
	if (str_is(name, "ADDED") || str_is(name, "MODIFIED"))
		*type = WATCH_STREAM_CHANGED;
	else if (str_is(name, "DELETED"))
		*type = WATCH_STREAM_DELETED;
	else if (str_is(name, "BOOKMARK"))
		*type = WATCH_STREAM_BOOKMARK;
	else if (str_is(name, "ERROR"))
		*type = WATCH_STREAM_ERROR;
	else
		return error_set(err, "a watch event has the unknown type \"%.*s\"", STR_ARG(name));
	return 0;
}
