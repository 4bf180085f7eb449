/*
 * dockerfile.c - a walk over the words of a Dockerfile, with the place of each in the file: only so can a
 * name be replaced where it is written, with everything else left as it is.
 */
#include "push/dockerfile.h"

#include "base/vec.h"
#include "render/images.h"

struct word {
	struct str text; /* joined over continued lines, in the arena */
	size_t at, n;	 /* in the file */
};

struct variable {
	struct str name, value;
};

struct walk {
	struct arena *a;
	struct error *err;
	struct dockerfile *out;
	struct str text;
	size_t at;
	uint32_t line;
	char escape;
	const struct environments_value *given;
	size_t n_given;
	VEC(struct variable) args;
	VEC(struct str) stages; /* names; "" for those without */
	VEC(struct dockerfile_base) bases;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool same_word(struct str s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static int complain(struct walk *w, uint32_t line, const char *what, struct str which)
{
	struct str shown = { which.p, which.n < 200 ? which.n : 200 };
	return error_set(w->err, "%s:%u: %.*s%s%s", w->out->file, line, STR_ARG(shown), which.n ? ": " : "",
			 what);
}

/* --- words --- */

/* At an escape with nothing but blanks up to the line's end: the first byte of the next line; else 0. */
static size_t continued(const struct walk *w, size_t at)
{
	if (at >= w->text.n || w->text.p[at] != w->escape)
		return 0;
	for (at++; at < w->text.n && is_blank(w->text.p[at]); at++)
		;
	return at < w->text.n && w->text.p[at] == '\n' ? at + 1 : 0;
}

/* Inside of a continued instruction comments and empty lines do not end it. */
static size_t skip_comments(struct walk *w, size_t at)
{
	for (;;) {
		size_t i = at;
		while (i < w->text.n && is_blank(w->text.p[i]))
			i++;
		if (i < w->text.n && w->text.p[i] == '\n') {
			w->line++;
			at = i + 1;
			continue;
		}
		if (i >= w->text.n || w->text.p[i] != '#')
			return at;
		size_t end = str_find(w->text, '\n', i);
		if (end == SIZE_MAX)
			return w->text.n;
		w->line++;
		at = end + 1;
	}
}

/* False: the instruction has ended; w->at is behind it. */
static bool next_word(struct walk *w, struct word *out)
{
	cleanup_buf struct buf word = BUF_INIT;
	size_t first = SIZE_MAX, last = 0, next;
	for (; w->at < w->text.n; w->at++) {
		char c = w->text.p[w->at];
		if ((next = continued(w, w->at))) {
			w->line++;
			w->at = skip_comments(w, next) - 1;
			continue;
		}
		if (c == '\n' || (is_blank(c) && first != SIZE_MAX))
			break;
		if (is_blank(c))
			continue;
		if (first == SIZE_MAX)
			first = w->at;
		last = w->at + 1;
		buf_addc(&word, c);
	}
	if (first == SIZE_MAX) {
		if (w->at < w->text.n) {
			w->at++;
			w->line++;
		}
		return false;
	}
	*out = (struct word){ arena_str(w->a, buf_str(&word)), first, last - first };
	return true;
}

static void skip_instruction(struct walk *w)
{
	struct word word;
	while (next_word(w, &word))
		;
}

/* --- variables --- */

static const struct str *find_arg(const struct walk *w, struct str name)
{
	for (size_t i = w->args.n; i-- > 0;)
		if (str_eq(w->args.at[i].name, name))
			return &w->args.at[i].value;
	return NULL;
}

/* ${NAME}, ${NAME:-otherwise}, ${NAME:+instead}; what is there is without the braces. */
static void add_braced(const struct walk *w, struct str inner, struct buf *out)
{
	size_t colon = str_find(inner, ':', 0);
	struct str name = colon == SIZE_MAX ? inner : (struct str){ inner.p, colon };
	const struct str *value = find_arg(w, name);
	bool set = value && value->n;
	char kind = colon != SIZE_MAX && colon + 1 < inner.n ? inner.p[colon + 1] : 0;
	if (kind == '+' ? set : kind == '-' && !set)
		buf_add_str(out, str_from(inner, colon + 2));
	else if (set && kind != '+')
		buf_add_str(out, *value);
}

static struct str expand(struct walk *w, struct str text)
{
	cleanup_buf struct buf out = BUF_INIT;
	for (size_t i = 0; i < text.n;) {
		size_t end = i + 1;
		if (text.p[i] != '$' || end >= text.n) {
			if (text.p[i] != '"' && text.p[i] != '\'')
				buf_addc(&out, text.p[i]);
			i++;
			continue;
		}
		if (text.p[end] == '{' && (end = str_find(text, '}', end)) != SIZE_MAX) {
			add_braced(w, (struct str){ text.p + i + 2, end - i - 2 }, &out);
			i = end + 1;
			continue;
		}
		for (end = i + 1;
		     end < text.n && (text.p[end] == '_' || (text.p[end] >= '0' && text.p[end] <= '9') ||
				      (text.p[end] >= 'A' && text.p[end] <= 'Z') ||
				      (text.p[end] >= 'a' && text.p[end] <= 'z'));
		     end++)
			;
		const struct str *value = find_arg(w, (struct str){ text.p + i + 1, end - i - 1 });
		if (value)
			buf_add_str(&out, *value);
		i = end;
	}
	return arena_str(w->a, buf_str(&out));
}

static void read_arg(struct walk *w, struct str word)
{
	struct str value, name = str_cut(word, '=', &value);
	value = expand(w, value);
	for (size_t i = 0; i < w->n_given; i++)
		if (str_is(name, w->given[i].name))
			value = w->given[i].text;
	if (w->args.n < DOCKERFILE_ARGS_MAX)
		vec_push(&w->args, ((struct variable){ name, value }));
}

/* --- images --- */

static bool is_stage(const struct walk *w, struct str name)
{
	int64_t number;
	for (size_t i = 0; i < w->stages.n; i++)
		if (w->stages.at[i].n == name.n && name.n &&
		    strncasecmp(w->stages.at[i].p, name.p, name.n) == 0)
			return true;
	return str_int64(name, &number);
}

/* As Docker reads short names: "nginx" is docker.io/library/nginx:latest. */
static int full_name(struct walk *w, uint32_t line, struct str text, struct dockerfile_base *out)
{
	struct image_ref ref;
	struct error why = ERROR_INIT;
	struct str rest, host = str_cut(text, '/', &rest);
	if (image_ref_read(text, &ref, &why) < 0)
		return complain(w, line, arena_printf(w->a, "is no image: %s", why.text), text);
	bool has_host = rest.n && (memchr(host.p, '.', host.n) || memchr(host.p, ':', host.n) ||
				   str_is(host, "localhost"));
	const char *front = has_host				  ? ""
			    : memchr(ref.name.p, '/', ref.name.n) ? "docker.io/"
								  : "docker.io/library/";
	if (ref.digest.n) {
		out->image = arena_printf(w->a, "%s%.*s", front, STR_ARG(ref.name));
		out->digest = arena_strndup(w->a, ref.digest.p, ref.digest.n);
		return 0;
	}
	struct str tag = ref.tag.n ? ref.tag : STR("latest");
	out->image = arena_printf(w->a, "%s%.*s:%.*s", front, STR_ARG(ref.name), STR_ARG(tag));
	return 0;
}

static int add_base(struct walk *w, uint32_t line, struct str text, size_t at, size_t n)
{
	struct dockerfile_base base = { .line = line, .at = at, .n = n };
	if (w->bases.n == DOCKERFILE_BASES_MAX)
		return complain(w, line, "more than 64 images to begin from (DOCKERFILE_BASES_MAX)", text);
	if (full_name(w, line, text, &base) < 0)
		return -1;
	vec_push(&w->bases, base);
	return 0;
}

static int read_from(struct walk *w, uint32_t line)
{
	struct word word, image = { 0 };
	struct str name = { "", 0 };
	bool as = false;
	while (next_word(w, &word)) {
		if (!image.n && str_starts(word.text, STR("--")))
			continue;
		if (!image.n)
			image = word;
		else if (as)
			name = word.text;
		as = image.n && same_word(word.text, "as");
	}
	if (w->stages.n == DOCKERFILE_STAGES_MAX)
		return complain(w, line, "more than 256 stages (DOCKERFILE_STAGES_MAX)",
				(struct str){ "", 0 });
	struct str expanded = expand(w, image.text);
	int rc = 0;
	if (expanded.n == 0)
		rc = complain(w, line,
			      image.n ? "has no value: give it by `args`, or a default by ARG"
				      : "FROM names no image",
			      image.text);
	else if (!same_word(expanded, "scratch") && !is_stage(w, expanded))
		rc = add_base(w, line, expanded, image.at, image.n);
	vec_push(&w->stages, name);
	return rc;
}

/* The place of a name that is the end of a word, or up to the next comma of it. */
static int read_source(struct walk *w, uint32_t line, const struct word *word, size_t from)
{
	struct str name = str_from(word->text, from);
	size_t comma = str_find(name, ',', 0);
	if (comma != SIZE_MAX)
		name.n = comma;
	if (name.n == 0 || is_stage(w, name) || same_word(name, "scratch"))
		return 0;
	if (memchr(name.p, '$', name.n))
		return complain(w, line, "variables are not read here: write the image, or make it a stage",
				name);
	if (word->n != word->text.n)
		return complain(w, line, "write it on one line", name);
	return add_base(w, line, name, word->at + from, name.n);
}

/* Where "from=" stands among the options of a --mount; SIZE_MAX: nowhere. */
static size_t mount_from(struct str text)
{
	size_t at = strlen("--mount=");
	for (struct str rest = str_from(text, at); rest.n;) {
		struct str part = str_cut(rest, ',', &rest);
		if (str_starts(part, STR("from=")))
			return (size_t)(part.p - text.p) + 5;
	}
	return SIZE_MAX;
}

static int read_options(struct walk *w, uint32_t line, bool run)
{
	struct word word;
	int rc = 0;
	while (next_word(w, &word)) {
		size_t from = SIZE_MAX;
		if (!str_starts(word.text, STR("--"))) {
			skip_instruction(w);
			return rc;
		}
		if (run && str_starts(word.text, STR("--mount=")))
			from = mount_from(word.text);
		if (!run && str_starts(word.text, STR("--from=")))
			from = strlen("--from=");
		if (from != SIZE_MAX && read_source(w, line, &word, from) < 0)
			rc = -1;
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int read_instruction(struct walk *w)
{
	struct word word;
	uint32_t line = w->line;
	if (!next_word(w, &word))
		return 0;
	if (word.text.p[0] == '#') {
		size_t end = str_find(w->text, '\n', word.at);
		/* A comment is not continued, whatever it ends with. */
		w->line = line + 1;
		w->at = end == SIZE_MAX ? w->text.n : end + 1;
		return 0;
	}
	if (same_word(word.text, "FROM"))
		return read_from(w, line);
	if (same_word(word.text, "COPY") || same_word(word.text, "ADD"))
		return read_options(w, line, false);
	if (same_word(word.text, "RUN"))
		return read_options(w, line, true);
	if (!same_word(word.text, "ARG") || w->stages.n) {
		skip_instruction(w);
		return 0;
	}
	while (next_word(w, &word))
		read_arg(w, word.text);
	return 0;
}

/* "# escape=`" in front of everything else. */
static void read_directives(struct walk *w)
{
	struct str rest = w->text;
	w->escape = '\\';
	while (rest.n) {
		struct str value, line = str_trim(str_cut(rest, '\n', &rest));
		if (line.n == 0 || line.p[0] != '#')
			return;
		struct str key = str_trim(str_cut(str_from(line, 1), '=', &value));
		value = str_trim(value);
		if (!value.n)
			return;
		if (same_word(key, "escape") && (str_is(value, "`") || str_is(value, "\\")))
			w->escape = value.p[0];
	}
}

int dockerfile_read(struct arena *a, const char *file, struct str text, const struct environments_value *args,
		    size_t n_args, struct dockerfile *out, struct error *err)
{
	struct walk w = {
		.a = a, .err = err, .out = out, .text = text, .line = 1, .given = args, .n_given = n_args
	};
	int rc = 0;
	*out = (struct dockerfile){ .file = file, .text = text };
	if (text.n > DOCKERFILE_MAX)
		return error_set(err, "%s: is larger than 1 MiB (DOCKERFILE_MAX)", file);
	read_directives(&w);
	while (rc == 0 && w.at < text.n)
		rc = read_instruction(&w);
	if (rc == 0 && w.stages.n == 0)
		rc = error_set(err, "%s: has no FROM", file);
	out->bases = arena_array(a, struct dockerfile_base, w.bases.n + 1);
	out->n_bases = w.bases.n;
	for (size_t i = 0; i < w.bases.n; i++)
		out->bases[i] = w.bases.at[i];
	vec_release(&w.args);
	vec_release(&w.stages);
	vec_release(&w.bases);
	return rc;
}

/* --- pinned --- */

const char *dockerfile_pinned(struct arena *a, const struct dockerfile_base *base)
{
	struct str name = image_ref_split(str_of(base->image)).name;
	return arena_printf(a, "%.*s@%s", STR_ARG(name), base->digest);
}

void dockerfile_pin(const struct dockerfile *d, struct buf *out)
{
	cleanup_arena struct arena a = ARENA_INIT;
	size_t at = 0;
	for (size_t i = 0; i < d->n_bases; i++) {
		const struct dockerfile_base *b = &d->bases[i];
		buf_add(out, d->text.p + at, b->at - at);
		buf_adds(out, dockerfile_pinned(&a, b));
		at = b->at + b->n;
	}
	buf_add(out, d->text.p + at, d->text.n - at);
}
