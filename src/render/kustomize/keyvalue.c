/*
 * keyvalue.c - see keyvalue.h; upstream: api/kv, whose field validator accepts any key.
 */
#include "render/kustomize/keyvalue.h"

/* --- env files --- */

/* White space at the start of a line, as Go's unicode.IsSpace has it within UTF-8. */
static size_t space_at(struct str s)
{
	static const char *const wide[] = { "\xc2\x85",	    "\xc2\xa0",	    "\xe1\x9a\x80", "\xe2\x80\x80",
					    "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
					    "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
					    "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9",
					    "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80" };
	if (s.n && (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r')))
		return 1;
	for (size_t i = 0; s.n && (unsigned char)s.p[0] >= 0xc2 && i < sizeof(wide) / sizeof(*wide); i++)
		if (str_starts(s, str_of(wide[i])))
			return strlen(wide[i]);
	return 0;
}

static int add_line(const char *shown, uint32_t line, struct str row, keyvalues *out, struct error *err)
{
	if (row.n > KEYVALUE_LINE_MAX)
		return error_set(err, "%s:%u: the line is longer than %u bytes (KEYVALUE_LINE_MAX)", shown,
				 line, KEYVALUE_LINE_MAX);
	if (!str_utf8(row))
		return error_set(err, "%s:%u: the line is not UTF-8", shown, line);
	if (line == 1 && str_starts(row, STR("\xef\xbb\xbf")))
		row = str_from(row, 3);
	const char *begin = row.p;
	for (size_t n; (n = space_at(row));)
		row = str_from(row, n);
	if (row.n == 0 || row.p[0] == '#')
		return 0;
	struct keyvalue pair = { .file = shown, .line = line, .column = (uint32_t)(row.p - begin) + 1 };
	pair.key = str_cut(row, '=', &pair.value);
	if (pair.key.n)
		vec_push(out, pair);
	return 0;
}

int keyvalues_env(const char *shown, struct str text, keyvalues *out, struct error *err)
{
	for (uint32_t line = 1; text.n; line++) {
		struct str row = str_cut(text, '\n', &text);
		if (row.n && row.p[row.n - 1] == '\r')
			row.n--;
		if (add_line(shown, line, row, out, err))
			return -1;
	}
	return 0;
}

/* --- sources --- */

struct sources {
	struct kbuild *b;
	const struct kroot *root;
	const char *file;
	keyvalues *out;
	struct error *err;
};

/* A name of a file out of a list; refused when it could not be one. */
static int read_file(struct sources *s, const struct node *at, struct str path, struct str *text,
		     const char **shown)
{
	if (str_find(path, '\0', 0) != SIZE_MAX)
		return error_set(s->err, "%s:%u: a name of a file holds a NUL", s->file, at->line);
	if (kroot_read(s->b, s->root, arena_str(s->b->a, path).p, text, shown, s->err))
		return error_wrap(s->err, "%s:%u", s->file, at->line);
	return 0;
}

static int add_env(struct sources *s, const struct node *source)
{
	struct str text;
	const char *shown;
	if (read_file(s, source, source->text, &text, &shown))
		return -1;
	return keyvalues_env(shown, text, s->out, s->err);
}

static struct str without_quotes(struct str s)
{
	bool quoted = s.n >= 2 && s.p[0] == s.p[s.n - 1] && (s.p[0] == '"' || s.p[0] == '\'');
	return quoted ? (struct str){ s.p + 1, s.n - 2 } : s;
}

static int add_literal(struct sources *s, const struct node *source)
{
	struct keyvalue pair = { .file = s->file, .line = source->line, .column = source->column };
	size_t at = str_find(source->text, '=', 0);
	if (at == SIZE_MAX || at == 0)
		return error_set(s->err, "%s:%u: the literal `%.*s` is not of the form KEY=VALUE", s->file,
				 source->line, (int)(source->text.n > 60 ? 60 : source->text.n),
				 source->text.p);
	pair.key = str_cut(source->text, '=', &pair.value);
	pair.value = without_quotes(pair.value);
	vec_push(s->out, pair);
	return 0;
}

/* Go's path.Base. */
static struct str base_name(struct str path)
{
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	for (size_t i = path.n; i-- > 0;)
		if (path.p[i] == '/' && path.n > 1)
			return str_from(path, i + 1);
	return path.n ? path : STR(".");
}

static int add_file(struct sources *s, const struct node *source)
{
	struct keyvalue pair = { .line = 1, .column = 1 };
	struct str path = source->text, rest;
	struct str first = str_cut(path, '=', &rest);
	pair.key = base_name(path);
	if (first.n < path.n) {
		if (first.n == 0 || rest.n == 0 || str_find(rest, '=', 0) != SIZE_MAX)
			return error_set(s->err, "%s:%u: `%.*s` is not of the form FILE or KEY=FILE", s->file,
					 source->line, (int)(path.n > 60 ? 60 : path.n), path.p);
		pair.key = first;
		path = rest;
	}
	if (read_file(s, source, path, &pair.value, &pair.file))
		return -1;
	vec_push(s->out, pair);
	return 0;
}

static int each(struct sources *s, const struct node *list, int (*add)(struct sources *, const struct node *))
{
	for (size_t i = 0; i < node_count(list); i++)
		if (add(s, node_item(list, i)))
			return -1;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct keyvalue *x = a, *y = b;
	return str_cmp(x->key, y->key);
}

int keyvalues_load(struct kbuild *b, const struct kroot *root, const struct node *args, const char *file,
		   keyvalues *out, struct error *err)
{
	struct sources s = { .b = b, .root = root, .file = file, .out = out, .err = err };
	if (each(&s, node_get(args, "envs"), add_env) || each(&s, node_get(args, "literals"), add_literal) ||
	    each(&s, node_get(args, "files"), add_file))
		return -1;
	if (out->n)
		qsort(out->at, out->n, sizeof(*out->at), by_key);
	for (size_t i = 1; i < out->n; i++)
		if (str_eq(out->at[i - 1].key, out->at[i].key))
			return error_set(err, "%s:%u: the key `%.*s` is there twice: %s:%u and %s:%u", file,
					 args->line, (int)(out->at[i].key.n > 100 ? 100 : out->at[i].key.n),
					 out->at[i].key.p, out->at[i - 1].file, out->at[i - 1].line,
					 out->at[i].file, out->at[i].line);
	return 0;
}
