/* dockerignore.c - see dockerignore.h. */
#include "push/dockerignore.h"

#include "base/vec.h"

/* As Go's filepath.Clean: "./a//b/" is "a/b"; what leads out of the context matches nothing. */
static struct str clean(struct arena *a, struct str text)
{
	VEC(struct str) parts = { 0 };
	cleanup_buf struct buf out = BUF_INIT;
	bool leaves = false;
	while (text.n) {
		struct str part = str_cut(text, '/', &text);
		if (part.n == 0 || str_is(part, "."))
			continue;
		if (!str_is(part, "..")) {
			vec_push(&parts, part);
			continue;
		}
		leaves = leaves || parts.n == 0;
		parts.n -= parts.n > 0;
	}
	for (size_t i = 0; i < parts.n && !leaves; i++) {
		if (i)
			buf_addc(&out, '/');
		buf_add_str(&out, parts.at[i]);
	}
	vec_release(&parts);
	return arena_str(a, buf_str(&out));
}

int dockerignore_read(struct arena *a, const char *file, struct str text, struct dockerignore *out,
		      struct error *err)
{
	VEC(struct dockerignore_pattern) patterns = { 0 };
	*out = (struct dockerignore){ 0 };
	if (text.n > DOCKERIGNORE_MAX)
		return error_set(err, "%s: is larger than 1 MiB (DOCKERIGNORE_MAX)", file);
	if (str_starts(text, STR("\xef\xbb\xbf")))
		text = str_from(text, 3);
	int rc = 0;
	for (unsigned number = 1; text.n && rc == 0; number++) {
		struct str line = str_cut(text, '\n', &text);
		struct dockerignore_pattern p = { 0 };
		if (line.n && line.p[0] == '#')
			continue;
		line = str_trim(line);
		if (line.n && line.p[0] == '!') {
			p.keeps = true;
			line = str_trim(str_from(line, 1));
		}
		p.text = clean(a, line);
		if (!p.text.n)
			continue;
		if (p.text.n > DOCKERIGNORE_PATTERN_MAX)
			rc = error_set(
				err, "%s:%u: the pattern is longer than %u bytes (DOCKERIGNORE_PATTERN_MAX)",
				file, number, DOCKERIGNORE_PATTERN_MAX);
		out->keeps = out->keeps || p.keeps;
		vec_push(&patterns, p);
		if (rc == 0 && patterns.n > DOCKERIGNORE_PATTERNS_MAX)
			rc = error_set(err, "%s: has more than %u patterns (DOCKERIGNORE_PATTERNS_MAX)", file,
				       DOCKERIGNORE_PATTERNS_MAX);
	}
	out->patterns = arena_array(a, struct dockerignore_pattern, patterns.n + 1);
	out->n = patterns.n;
	for (size_t i = 0; i < patterns.n; i++)
		out->patterns[i] = patterns.at[i];
	vec_release(&patterns);
	return rc;
}

/* [a-z], [^a-z]: whether c is in it; *rest is behind it. A class that is not closed matches nothing. */
static bool in_class(struct str class, char c, struct str *rest)
{
	size_t i = 1;
	bool not = i < class.n && (class.p[i] == '^' || class.p[i] == '!'), found = false;
	i += not ;
	for (size_t first = i; i < class.n && (class.p[i] != ']' || i == first); i++) {
		if (class.p[i] == '\\' && i + 1 < class.n)
			i++;
		unsigned char low = (unsigned char)class.p[i], high = low;
		if (i + 2 < class.n && class.p[i + 1] == '-' && class.p[i + 2] != ']') {
			high = (unsigned char)class.p[i + 2];
			i += 2;
		}
		found = found || ((unsigned char)c >= low && (unsigned char)c <= high);
	}
	*rest = str_from(class, i + 1);
	return i < class.n && found != not &&c != '/';
}

static bool match(struct str p, struct str s, unsigned *steps);

/* "**": any number of characters, slashes too; "**" + "/" also nothing at all. */
static bool match_deep(struct str p, struct str s, unsigned *steps)
{
	while (p.n && p.p[0] == '*')
		p = str_from(p, 1);
	if (!p.n)
		return true;
	if (p.p[0] == '/' && match(str_from(p, 1), s, steps))
		return true;
	for (size_t i = 0; i <= s.n; i++)
		if (match(p, str_from(s, i), steps))
			return true;
	return false;
}

static bool match_star(struct str p, struct str s, unsigned *steps)
{
	for (size_t i = 0;; i++) {
		if (match(p, str_from(s, i), steps))
			return true;
		if (i >= s.n || s.p[i] == '/')
			return false;
	}
}

/* Each step counts: patterns of many stars take no longer than DOCKERIGNORE_STEPS_MAX of them. */
static bool match(struct str p, struct str s, unsigned *steps)
{
	while (p.n) {
		if ((*steps)++ > DOCKERIGNORE_STEPS_MAX)
			return false;
		if (p.p[0] == '*')
			return p.n > 1 && p.p[1] == '*' ? match_deep(p, s, steps)
							: match_star(str_from(p, 1), s, steps);
		if (!s.n)
			return false;
		struct str rest = str_from(p, 1);
		bool good = p.p[0] == s.p[0];
		if (p.p[0] == '?')
			good = s.p[0] != '/';
		else if (p.p[0] == '[')
			good = in_class(p, s.p[0], &rest);
		else if (p.p[0] == '\\' && p.n > 1) {
			good = p.p[1] == s.p[0];
			rest = str_from(p, 2);
		}
		if (!good)
			return false;
		p = rest;
		s = str_from(s, 1);
	}
	return s.n == 0;
}

/* The path itself, or a directory above it. */
static bool applies(const struct dockerignore_pattern *p, const char *path)
{
	unsigned steps = 0;
	struct str whole = str_of(path);
	for (size_t i = 0; i <= whole.n; i++)
		if ((i == whole.n || path[i] == '/') && match(p->text, (struct str){ path, i }, &steps))
			return true;
	return false;
}

bool dockerignore_drops(const struct dockerignore *d, const char *path)
{
	for (size_t i = d->n; i-- > 0;)
		if (applies(&d->patterns[i], path))
			return !d->patterns[i].keeps;
	return false;
}

bool dockerignore_drops_all(const struct dockerignore *d, const char *path)
{
	return !d->keeps && dockerignore_drops(d, path);
}
