/* pointer.c - see pointer.h. */
#include "doc/pointer.h"

/* Whether the escaped token stands for key. */
static bool token_is(struct str token, struct str key)
{
	size_t at = 0;
	for (size_t i = 0; i < token.n; i++, at++) {
		char c = token.p[i];
		if (c == '~' && i + 1 < token.n)
			c = token.p[++i] == '1' ? '/' : '~';
		if (at >= key.n || key.p[at] != c)
			return false;
	}
	return at == key.n;
}

static struct node *step(const struct node *n, struct str token)
{
	if (n->type == NODE_MAP) {
		for (size_t i = 0; i < n->map.n; i++)
			if (token_is(token, n->map.pairs[i].key))
				return n->map.pairs[i].value;
		return NULL;
	}
	int64_t index;
	bool leading_zero = token.n > 1 && token.p[0] == '0';
	if (n->type != NODE_SEQ || leading_zero || !str_int64(token, &index) || index < 0 ||
	    token.p[0] == '-')
		return NULL;
	return node_item(n, (size_t)index);
}

struct node *pointer_get(const struct node *root, struct str pointer)
{
	const struct node *at = root;
	if (pointer.n && pointer.p[0] != '/')
		return NULL;
	while (at && pointer.n) {
		pointer = str_from(pointer, 1);
		size_t end = str_find(pointer, '/', 0);
		end = end == SIZE_MAX ? pointer.n : end;
		at = step(at, (struct str){ pointer.p, end });
		pointer = str_from(pointer, end);
	}
	return (struct node *)at;
}

int pointer_check(struct str pointer, struct error *err)
{
	if (pointer.n && pointer.p[0] != '/')
		return error_set(err, "a JSON pointer begins with `/`: `%.*s`", STR_ARG(pointer));
	for (size_t i = 0; i < pointer.n; i++) {
		if (pointer.p[i] == '~' &&
		    (i + 1 == pointer.n || (pointer.p[i + 1] != '0' && pointer.p[i + 1] != '1')))
			return error_set(
				err,
				"in a JSON pointer `~` is written `~0` and `/` inside a key `~1`: `%.*s`",
				STR_ARG(pointer));
	}
	return 0;
}

void pointer_add(struct buf *pointer, struct str key)
{
	buf_addc(pointer, '/');
	for (size_t i = 0; i < key.n; i++) {
		if (key.p[i] == '~')
			buf_adds(pointer, "~0");
		else if (key.p[i] == '/')
			buf_adds(pointer, "~1");
		else
			buf_addc(pointer, key.p[i]);
	}
}
