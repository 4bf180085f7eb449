/* places.c - see places.h. */
#include "deploy/places.h"

struct walk {
	const struct origins *origins;
	struct buf path, out;
	bool all;
};

static void add_line(struct walk *w, const struct node *n, const struct origin *origin)
{
	size_t before = w->out.n;
	buf_printf(&w->out, "%s\t%s\t%u\t%s\n", w->path.p, origin->file ? origin->file : "", n->line,
		   origin->step);
	if (w->out.n > PLACES_MAX && !w->all)
		w->out.n = before;
}

static bool is_usual(const struct walk *w)
{
	return str_starts(buf_str(&w->path), STR("metadata.")) || str_is(buf_str(&w->path), "metadata");
}

/* A list or map that a step brought is one line; what it holds of other steps has lines of its own. */
static void walk(struct walk *w, const struct node *n, uint32_t around)
{
	const struct origin *origin = origin_get(w->origins, n->origin);
	if (!w->all && is_usual(w))
		return;
	if (origin && origin->step && n->origin != around && w->path.n)
		add_line(w, n, origin);
	size_t length = w->path.n;
	for (size_t i = 0; i < node_count(n); i++) {
		const struct node *child = n->type == NODE_MAP ? n->map.pairs[i].value : n->seq.items[i];
		struct str key = n->type == NODE_MAP ? n->map.pairs[i].key : (struct str){ "", 0 };
		if (str_find(key, '\t', 0) != SIZE_MAX || str_find(key, '\n', 0) != SIZE_MAX)
			continue; /* would not be a line of this text */
		if (n->type == NODE_MAP)
			buf_printf(&w->path, "%s%.*s", length ? "." : "", STR_ARG(key));
		else
			buf_printf(&w->path, "[%zu]", i);
		walk(w, child, n->origin);
		w->path.n = length;
		w->path.p[length] = '\0';
	}
}

static struct str collect(struct arena *a, const struct origins *origins, const struct node *root, bool all)
{
	struct walk w = { .origins = origins, .all = all };
	if (!origins)
		return (struct str){ "", 0 };
	walk(&w, root, 0);
	struct str out = w.out.n ? arena_str(a, buf_str(&w.out)) : (struct str){ "", 0 };
	buf_release(&w.path);
	buf_release(&w.out);
	return out;
}

struct str places_of(struct arena *a, const struct origins *origins, const struct node *root)
{
	return collect(a, origins, root, false);
}

struct str places_all(struct arena *a, const struct origins *origins, const struct node *root)
{
	return collect(a, origins, root, true);
}

/* Whether message speaks of path or of something below it: the path is not part of a longer word. */
static bool speaks_of(struct str message, struct str path)
{
	const char *at = message.p, *end = message.p + message.n;
	while ((at = memmem(at, (size_t)(end - at), path.p, path.n))) {
		char before = at > message.p ? at[-1] : ' ', after = at + path.n < end ? at[path.n] : ' ';
		if ((before == ' ' || before == '.' || before == '"' || before == '[') &&
		    (after == ':' || after == '.' || after == '[' || after == ' ' || after == '"'))
			return true;
		at++;
	}
	return false;
}

bool places_find(struct str places, struct str message, struct place_found *out)
{
	size_t longest = 0;
	while (places.n) {
		struct str line = str_cut(places, '\n', &places), rest;
		struct str path = str_cut(line, '\t', &rest);
		if (path.n <= longest || !speaks_of(message, path))
			continue;
		int64_t number = 0;
		longest = path.n;
		out->file = str_cut(rest, '\t', &rest);
		str_int64(str_cut(rest, '\t', &rest), &number);
		out->line = (uint32_t)number;
		out->step = rest;
	}
	return longest > 0;
}
