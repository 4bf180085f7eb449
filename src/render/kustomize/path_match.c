/*
 * path_match.c - paths that lead to any number of nodes (upstream: kyaml's PathMatcher): `*` is every entry
 * of a list, [key=pattern] those whose field matches a regular expression, anywhere in it.
 *
 * A path that goes on behind a scalar goes on in what that scalar's text is as YAML. What it finds there is
 * no part of the object any more, and writing it changes nothing; replacement_data.c comes before that where
 * upstream does better.
 */
#include "base/regex.h"
#include "doc/yaml.h"
#include "doc/yaml_keep.h"
#include "render/kustomize/path.h"

struct matching {
	const struct kmatch *how;
	const struct kpath *path;
	knode_list *out;
	struct error *err;
};

static int match(const struct matching *m, struct node *n, size_t at);

static struct str part_at(const struct matching *m, size_t at)
{
	return at < m->path->n ? m->path->parts[at] : (struct str){ "", 0 };
}

static struct node *make(const struct matching *m, size_t next)
{
	return kvalue_new(m->how->w, kpath_kind_for(part_at(m, next), m->how->kind));
}

/* What is appended to a null goes nowhere, as upstream has it. */
static void append(const struct matching *m, struct node *list, struct node *item)
{
	if (list->type == NODE_SEQ)
		node_push(m->how->w->build->a, list, item);
}

static int by_index(const struct matching *m, struct node *list, int64_t index, size_t at)
{
	if (kvalue_expect(list, NODE_SEQ, m->err))
		return -1;
	size_t n = node_count(list);
	if (m->how->w && (uint64_t)index == n) {
		struct node *item = make(m, at + 1);
		append(m, list, item);
		return match(m, item, at + 1);
	}
	if ((uint64_t)index >= n)
		return error_set(m->err, "index %lld is asked for, but the list has %zu entries",
				 (long long)index, n);
	return match(m, list->seq.items[index], at + 1);
}

static int by_any(const struct matching *m, const struct node *list, size_t at)
{
	if (kvalue_expect(list, NODE_SEQ, m->err))
		return -1;
	for (size_t i = 0; i < node_count(list); i++)
		if (list->type == NODE_SEQ && match(m, list->seq.items[i], at + 1))
			return -1;
	return 0;
}

/* --- [key=pattern] --- */

struct entry {
	struct str key, value;
	struct regex *pattern;
};

/* Text that is matched: the value as it would be printed. */
static struct str printed(const struct matching *m, const struct node *n)
{
	struct buf text = BUF_INIT;
	kvalue_print(&text, n);
	struct str copy = arena_str(m->how->a, str_trim(buf_str(&text)));
	buf_release(&text);
	return copy;
}

static int by_entry_once(const struct matching *m, const struct entry *e, const struct node *list, size_t at,
			 size_t *found)
{
	for (size_t i = 0; list->type == NODE_SEQ && i < list->seq.n; i++) {
		struct node *item = list->seq.items[i];
		const struct node *held = e->key.n ? node_get_str(item, e->key) : item;
		if (!held || !regex_match(e->pattern, printed(m, held)))
			continue;
		size_t before = m->out->n;
		/* Of a list of scalars upstream takes the entry, whatever the path says then. */
		if (match(m, item, e->key.n ? at + 1 : m->path->n))
			return -1;
		*found += m->out->n - before;
	}
	return 0;
}

static struct node *new_entry(const struct matching *m, const struct entry *e)
{
	struct node *scalar = kvalue_new(m->how->w, NODE_STRING);
	kwrite_scalar(m->how->w, scalar, e->value);
	if (e->key.n == 0)
		return scalar;
	struct node *map = kvalue_new(m->how->w, NODE_MAP);
	node_set(m->how->w->build->a, map, e->key, scalar);
	return map;
}

static int by_entry(const struct matching *m, struct node *list, struct str part, size_t at)
{
	struct entry e;
	size_t found = 0;
	if (kpath_split_entry(part, &e.key, &e.value, m->err) || kvalue_expect(list, NODE_SEQ, m->err))
		return -1;
	/* An empty list asks for nothing, so a bad pattern is no error there. */
	if (node_count(list) || m->how->w) {
		if (regex_compile(m->how->a, e.value, &e.pattern, m->err))
			return error_wrap(m->err, "`%.*s`", STR_ARG(part));
		if (by_entry_once(m, &e, list, at, &found))
			return -1;
	}
	if (found || !m->how->w)
		return 0;
	struct node *item = new_entry(m, &e);
	if (!regex_match(e.pattern, printed(m, e.key.n ? node_get_str(item, e.key) : item)))
		return error_set(m->err,
				 "`%.*s`: nothing matches it, and an entry made of it would not, either",
				 STR_ARG(part));
	append(m, list, item);
	return match(m, item, e.key.n ? at + 1 : m->path->n);
}

/* --- fields --- */

static int inside_scalar(const struct matching *m, const struct node *n, size_t at)
{
	struct yaml_options options = { .dialect = YAML_KYAML, .as_it_ends = true };
	struct yaml_stream stream;
	if (yaml_parse_as(m->how->a, kvalue_text(n), &options, &stream, m->err))
		return -1;
	if (stream.n)
		return match(m, stream.documents[0].root, at);
	/* A stream keeps no document that is null; yaml_keep does. */
	struct yaml_keep *keep;
	struct node *root;
	struct error ignored;
	if (yaml_keep_read(m->how->a, kvalue_text(n), &keep, &root, &ignored) || !root ||
	    root->type != NODE_NULL)
		return error_set(m->err, "an empty value stands where a map or list is needed");
	return match(m, node_null(m->how->a), at);
}

static int by_field(const struct matching *m, struct node *n, struct str part, size_t at)
{
	struct node *field;
	if (part.n == 0 && !kvalue_missing(n))
		return error_set(m->err, "a part of the path is empty");
	if (kvalue_field(n, part, &field, m->err))
		return -1;
	if (!field && !m->how->w)
		return 0;
	if (!field) {
		field = make(m, at + 1);
		if (n->type == NODE_MAP && kvalue_append(m->how->w, n, part, field, m->err))
			return -1;
	}
	if (kvalue_is_scalar(field) && at + 1 < m->path->n)
		return inside_scalar(m, field, at + 1);
	return match(m, field, at + 1);
}

static int match(const struct matching *m, struct node *n, size_t at)
{
	int64_t index;
	if (at >= m->path->n) {
		vec_push(m->out, n);
		return 0;
	}
	struct str part = m->path->parts[at];
	if (kpath_number(part, &index) && index >= 0)
		return by_index(m, n, index, at);
	if (kpath_is_entry(part))
		return by_entry(m, n, part, at);
	if (str_is(part, "*"))
		return by_any(m, n, at);
	return by_field(m, n, part, at);
}

int kpath_match(const struct kmatch *how, struct node *from, const struct kpath *path, knode_list *out,
		struct error *err)
{
	struct matching m = { how, path, out, err };
	return match(&m, from, 0);
}
