/* expand.c - see expand.h. The grammar is that of Kubernetes' container commands (upstream: filters/refvar).
 */
#include "render/kustomize/expand.h"

/*
 * Whether a reference (*name) begins behind a '$' at `at`; *used: its bytes, or 1. *closed: whether there is
 * a parenthesis that closes one at all; it is looked for in vain only once.
 */
static bool read_reference(struct str text, size_t at, bool *closed, struct str *name, size_t *used)
{
	*used = 1;
	if (text.p[at] != '(' || !*closed)
		return false;
	size_t end = str_find(text, ')', at + 1);
	*closed = end != SIZE_MAX;
	if (!*closed)
		return false;
	*name = (struct str){ text.p + at + 1, end - at - 1 };
	*used = end - at + 1;
	return true;
}

/* '$' and the byte behind it, as upstream puts them: it takes the byte for a character of Latin-1. */
static void add_other(struct buf *out, char c)
{
	if (c != '$')
		buf_addc(out, '$');
	if ((unsigned char)c < 0x80) {
		buf_addc(out, c);
	} else {
		buf_addc(out, (char)(0xc0 | (unsigned char)c >> 6));
		buf_addc(out, (char)(0x80 | ((unsigned char)c & 0x3f)));
	}
}

int kexpand(struct arena *a, struct str text, kexpand_fn *fn, void *ctx, struct str *out, struct str *whole,
	    struct error *err)
{
	struct buf result = BUF_INIT;
	size_t copied = 0;
	bool closed = true;
	*out = text;
	*whole = (struct str){ "", 0 };
	for (size_t at = str_find(text, '$', 0); at != SIZE_MAX && at + 1 < text.n;
	     at = str_find(text, '$', copied)) {
		struct str name, value;
		size_t used;
		buf_add(&result, text.p + copied, at - copied);
		bool is_reference = read_reference(text, at + 1, &closed, &name, &used);
		bool all = is_reference && at == 0 && used + 1 == text.n;
		if (!is_reference)
			add_other(&result, text.p[at + 1]);
		else if (fn(ctx, name, all, &value))
			buf_add_str(&result, value);
		else
			buf_add(&result, text.p + at, used + 1);
		if (all)
			*whole = name;
		copied = at + 1 + used;
		if (result.n > KEXPAND_TEXT_MAX) {
			buf_release(&result);
			return error_set(err, "a text grows over %u MiB by the vars in it (KEXPAND_TEXT_MAX)",
					 KEXPAND_TEXT_MAX >> 20);
		}
	}
	if (copied) {
		buf_add(&result, text.p + copied, text.n - copied);
		*out = arena_str(a, buf_str(&result));
	}
	buf_release(&result);
	return 0;
}
