/*
 * watch_stream.c - any bytes as a watch and as a list, cut anywhere: the pieces must not depend on the cuts.
 * The first byte says how large the chunks are.
 */
#include "kube/watch_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool piece(void *arg, struct str text)
{
	struct buf *all = arg;
	struct error err = ERROR_INIT;
	cleanup_arena struct arena a = ARENA_INIT;
	enum watch_stream_type type;
	struct node *object;
	if (watch_event_read(&a, text, &type, &object, &err) < 0 && err.text[0] == '\0')
		abort();
	buf_add_str(all, text);
	buf_addc(all, '\n');
	return true;
}

static void lines(struct str text, size_t step, struct buf *out)
{
	struct watch_lines l = { 0 };
	for (size_t at = 0; at < text.n; at += step) {
		size_t n = text.n - at < step ? text.n - at : step;
		watch_lines_feed(&l, (struct str){ text.p + at, n }, piece, out);
	}
	watch_lines_release(&l);
}

static void list(struct str text, size_t step, struct buf *out)
{
	struct watch_list l = { 0 };
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct node *envelope;
	for (size_t at = 0; at < text.n; at += step) {
		size_t n = text.n - at < step ? text.n - at : step;
		watch_list_feed(&l, (struct str){ text.p + at, n }, piece, out);
	}
	if (watch_list_end(&l, &a, &envelope, &err) < 0 && err.text[0] == '\0')
		abort();
	buf_add_str(out, buf_str(&l.envelope));
	watch_list_release(&l);
}

static void same(struct str text, size_t step, void (*feed)(struct str, size_t, struct buf *))
{
	cleanup_buf struct buf whole = BUF_INIT, cut = BUF_INIT;
	feed(text, text.n + 1, &whole);
	feed(text, step, &cut);
	if (!str_eq(buf_str(&whole), buf_str(&cut)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct str text = { (const char *)data + 1, size - 1 };
	same(text, (size_t)data[0] % 64 + 1, lines);
	same(text, (size_t)data[0] % 64 + 1, list);
	return 0;
}
