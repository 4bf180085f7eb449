/* places.c - see places.h. */
#include "deploy/places.h"

/* One key or position on the way from the root; the text of a path is made only where a line needs it. */
struct way {
	const struct way *up; /* NULL: from the root */
	struct str key;	      /* of a map; p NULL: of a list, at index */
	size_t index;
};

struct walk {
	const struct origins *origins;
	struct buf path, out;
	bool all;
};

/* The path as text. False: a key on it would not be a line of this text. */
static bool write_path(struct buf *out, const struct way *way)
{
	if (way->up && !write_path(out, way->up))
		return false;
	if (!way->key.p) {
		buf_printf(out, "[%zu]", way->index);
		return true;
	}
	if (str_find(way->key, '\t', 0) != SIZE_MAX || str_find(way->key, '\n', 0) != SIZE_MAX)
		return false;
	if (way->up)
		buf_addc(out, '.');
	buf_add_str(out, way->key);
	return true;
}

static void add_line(struct walk *w, const struct way *way, const struct node *n, const struct origin *origin)
{
	size_t before = w->out.n;
	w->path.n = 0;
	if (!write_path(&w->path, way))
		return;
	buf_add_str(&w->out, buf_str(&w->path));
	buf_addc(&w->out, '\t');
	buf_adds(&w->out, origin->file ? origin->file : "");
	buf_printf(&w->out, "\t%u\t", n->line);
	buf_adds(&w->out, origin->step);
	buf_addc(&w->out, '\n');
	if (w->out.n > PLACES_MAX && !w->all)
		w->out.n = before;
}

/* A list or map that a step brought is one line; what it holds of other steps has lines of its own. */
static void walk(struct walk *w, const struct way *way, const struct node *n, uint32_t around)
{
	const struct origin *origin = n->origin == around ? NULL : origin_get(w->origins, n->origin);
	if (way && !way->up && !w->all && str_is(way->key, "metadata"))
		return;
	if (origin && origin->step && way)
		add_line(w, way, n, origin);
	for (size_t i = 0; i < node_count(n); i++) {
		bool map = n->type == NODE_MAP;
		struct way next = { way, map ? n->map.pairs[i].key : (struct str){ 0 }, i };
		walk(w, &next, map ? n->map.pairs[i].value : n->seq.items[i], n->origin);
	}
}

static struct str collect(struct arena *a, const struct origins *origins, const struct node *root, bool all)
{
	struct walk w = { .origins = origins, .all = all };
	if (!origins)
		return (struct str){ "", 0 };
	walk(&w, NULL, root, 0);
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
