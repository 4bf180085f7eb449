/*
 * reads.c - see reads.h.
 *
 * Packed: entries sorted by path, then kind; each is its kind, how many bytes its path shares with the one
 * before, how many follow (both as varints), and those. A path below a directory that counts as a whole is
 * left out, unless links were followed to it.
 *
 * Two hashes: the near one of the directories that the files lie in, which says cheaply that nothing changed,
 * and the one that counts, of each path. Where links were followed the near one takes in the whole
 * repository.
 */
#include "repo/reads.h"

#include <stdlib.h>

#include "repo/refs.h"

enum { KIND_DIR = 'd', KIND_PATH = 'p', KIND_TREE = 't', KIND_REMOTE = 'r' };

/* --- notes --- */

void reads_notes_release(struct reads_notes *n)
{
	map_release(&n->seen);
	vec_release(&n->list);
	arena_release(&n->arena);
}

static void note(struct reads_notes *n, char kind, const char *path, bool links)
{
	cleanup_buf struct buf key = BUF_INIT;
	buf_addc(&key, kind);
	buf_adds(&key, path);
	if (map_get(&n->seen, buf_str(&key)))
		return;
	if (n->list.n >= READS_NOTES_MAX && kind != KIND_REMOTE) {
		n->everything = true;
		return;
	}
	struct reads_note one = { kind, links, arena_strdup(&n->arena, path) };
	vec_push(&n->list, one);
	map_put(&n->seen, buf_str(&key), n); /* any value: it is a set */
}

void reads_note_path(struct reads_notes *n, const char *path, const struct view_entry *e)
{
	note(n, e->kind == VIEW_DIR ? KIND_DIR : KIND_PATH, path, e->links);
}

void reads_note_dir(struct reads_notes *n, const char *path, bool links)
{
	note(n, KIND_TREE, path, links);
}

void reads_note_remote(struct reads_notes *n, const char *url, const char *ref, bool submodules)
{
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text, "%s\n%s\n%c", url, ref, submodules ? '1' : '0');
	note(n, KIND_REMOTE, text.p, false);
}

/* --- packing --- */

static int by_path(const void *a, const void *b)
{
	const struct reads_note *x = a, *y = b;
	int order = strcmp(x->path, y->path);
	return order ? order : x->kind - y->kind;
}

static size_t slash_before_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash - path) : 0;
}

/* Whether a directory that holds path, or path itself, is in the set as a whole. */
static bool is_covered(const struct map *trees, const char *path)
{
	struct str at = str_of(path);
	for (;;) {
		if (map_get(trees, at))
			return true;
		if (!at.n)
			return false;
		const char *slash = memrchr(at.p, '/', at.n);
		at.n = slash ? (size_t)(slash - at.p) : 0;
	}
}

/* Sorts, and leaves out what is twice there or below a directory that counts as a whole. */
static size_t tidy(struct reads_note *notes, size_t n)
{
	struct map trees = MAP_INIT;
	size_t kept = 0;
	qsort(notes, n, sizeof(*notes), by_path);
	for (size_t i = 0; i < n; i++) {
		if (notes[i].kind != KIND_TREE || (!notes[i].links && is_covered(&trees, notes[i].path)))
			continue;
		map_put(&trees, str_of(notes[i].path), notes);
	}
	for (size_t i = 0; i < n; i++) {
		const struct reads_note *e = &notes[i];
		bool twice = kept && by_path(&notes[kept - 1], e) == 0;
		bool tree = e->kind == KIND_TREE && map_get(&trees, str_of(e->path));
		bool path = (e->kind == KIND_PATH || e->kind == KIND_DIR) &&
			    (e->links || !is_covered(&trees, e->path));
		if (!twice && (tree || path || e->kind == KIND_REMOTE))
			notes[kept++] = *e;
	}
	map_release(&trees);
	return kept;
}

static void add_varint(struct buf *out, size_t n)
{
	for (; n >= 0x80; n >>= 7)
		buf_addc(out, (char)(n | 0x80));
	buf_addc(out, (char)n);
}

static void encode(const struct reads_note *notes, size_t n, struct buf *out)
{
	const char *before = "";
	buf_clear(out);
	for (size_t i = 0; i < n; i++) {
		size_t shared = 0, length = strlen(notes[i].path);
		while (before[shared] && before[shared] == notes[i].path[shared])
			shared++;
		buf_addc(out, notes[i].kind);
		add_varint(out, shared);
		add_varint(out, length - shared);
		buf_add(out, notes[i].path + shared, length - shared);
		before = notes[i].path;
	}
}

/* The directories of the files in place of them. What was just found to be a directory stays. */
static size_t coarser(struct arena *a, struct reads_note *notes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (notes[i].kind == KIND_PATH && !notes[i].links)
			notes[i] = (struct reads_note){
				.kind = KIND_TREE,
				.path = arena_strndup(a, notes[i].path, slash_before_name(notes[i].path))
			};
	return tidy(notes, n);
}

/* All of the repository, and the others. */
static size_t coarsest(struct reads_note *notes, size_t n)
{
	size_t kept = 0;
	struct reads_note all = { .kind = KIND_TREE, .path = "" };
	for (size_t i = 0; i < n; i++)
		if (notes[i].kind == KIND_REMOTE)
			notes[kept++] = notes[i];
	notes[kept++] = all;
	return tidy(notes, kept);
}

void reads_pack(const struct reads_notes *n, struct reads *out)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct reads_note *notes = arena_array(&a, struct reads_note, n->list.n + 1);
	if (n->list.n)
		memcpy(notes, n->list.at, n->list.n * sizeof(*notes));
	size_t count = n->everything ? coarsest(notes, n->list.n) : tidy(notes, n->list.n);
	encode(notes, count, &text);
	if (text.n > READS_PACKED_MAX) {
		count = coarser(&a, notes, count);
		encode(notes, count, &text);
	}
	if (text.n > READS_PACKED_MAX) {
		count = coarsest(notes, count);
		encode(notes, count, &text);
	}
	reads_release(out);
	*out = (struct reads){ .packed = mem_strndup(buf_str(&text).p, text.n), .size = (uint32_t)text.n };
}

void reads_release(struct reads *r)
{
	free(r->packed);
	*r = (struct reads){ 0 };
}

/* --- reading what was packed --- */

struct cursor {
	const struct reads *r;
	size_t at;
	struct buf path;
	char kind;
};

static size_t take_varint(struct cursor *c)
{
	size_t n = 0;
	for (unsigned shift = 0; c->at < c->r->size && shift < 32; shift += 7) {
		unsigned char byte = (unsigned char)c->r->packed[c->at++];
		n |= (size_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return n;
}

static bool next(struct cursor *c)
{
	if (c->at >= c->r->size)
		return false;
	c->kind = c->r->packed[c->at++];
	size_t shared = take_varint(c), more = take_varint(c);
	c->path.n = shared;
	buf_add(&c->path, c->r->packed + c->at, more);
	buf_addc(&c->path, '\0'); /* there is always room for one: paths may be empty */
	c->path.n--;
	c->at += more;
	return true;
}

size_t reads_count(const struct reads *r)
{
	size_t n = 0;
	struct cursor c = { .r = r };
	while (next(&c))
		n++;
	buf_release(&c.path);
	return n;
}

void reads_each(const struct reads *r, reads_each_fn *fn, void *ctx)
{
	struct cursor c = { .r = r };
	while (next(&c))
		fn(ctx, c.kind, c.path.p);
	buf_release(&c.path);
}

/* --- as text --- */

struct writing {
	struct buf *out;
	bool bad;
};

static bool is_line(const char *path)
{
	for (; *path; path++)
		if ((unsigned char)*path < 0x20)
			return false;
	return true;
}

static void write_one(void *ctx, char kind, const char *path)
{
	struct writing *w = ctx;
	struct str rest = str_of(path);
	if (kind != KIND_REMOTE) {
		w->bad |= !is_line(path);
		buf_printf(w->out, "%c %s\n", kind, path);
		return;
	}
	struct str url = str_cut(rest, '\n', &rest), ref = str_cut(rest, '\n', &rest);
	w->bad |= memchr(url.p, ' ', url.n) || memchr(ref.p, ' ', ref.n);
	buf_printf(w->out, "r %.*s %.*s %.*s\n", STR_ARG(url), STR_ARG(ref), STR_ARG(rest));
}

bool reads_write(const struct reads *r, struct buf *out)
{
	struct writing w = { .out = out };
	reads_each(r, write_one, &w);
	return !w.bad;
}

static bool read_one(struct reads_notes *notes, struct str line)
{
	if (line.n < 2 || line.p[1] != ' ' || !strchr("dptr", line.p[0]) || memchr(line.p, '\0', line.n))
		return false;
	cleanup_buf struct buf path = BUF_INIT;
	buf_add_str(&path, str_from(line, 2));
	if (line.p[0] == KIND_REMOTE) {
		size_t spaces = 0;
		for (size_t i = 0; i < path.n; i++) {
			spaces += path.p[i] == ' ';
			path.p[i] = path.p[i] == ' ' ? '\n' : path.p[i];
		}
		if (spaces != 2)
			return false;
	}
	note(notes, line.p[0], path.n ? path.p : "", false);
	return true;
}

bool reads_read(struct str text, struct reads *out)
{
	struct reads_notes notes = { 0 };
	bool good = text.n > 0 && text.n <= 4 * READS_PACKED_MAX;
	while (good && text.n)
		good = read_one(&notes, str_cut(text, '\n', &text));
	if (good)
		reads_pack(&notes, out);
	reads_notes_release(&notes);
	return good;
}

/* --- hashes --- */

struct looking {
	struct repo_view *v;
	reads_remote_fn *remote;
	void *ctx;
	struct arena arena; /* of what the view hands out */
	struct buf seen;
	bool links;
};

/* What is at path: a file by its content, a directory by its content only when `whole`. */
static void add_seen(struct looking *l, const char *path, bool whole)
{
	struct view_entry e;
	bool bad = repo_view_find(l->v, &l->arena, path, &e, NULL) < 0;
	l->links |= e.links;
	buf_addc(&l->seen, bad ? '!' : (char)('0' + e.kind));
	if (!bad && (e.kind == VIEW_FILE || (e.kind == VIEW_DIR && whole)))
		buf_add(&l->seen, e.id, sizeof(e.id));
	if (!bad && e.links) { /* paths beside it lead elsewhere when it points elsewhere */
		buf_adds(&l->seen, e.real);
		buf_addc(&l->seen, '\0');
	}
}

static void add_remote(struct looking *l, const char *text)
{
	char sha[SHA_HEX_MAX + 1] = "";
	cleanup_free char *url = mem_strdup(text);
	char *ref = strchr(url, '\n'), *flag = ref ? strchr(ref + 1, '\n') : NULL;
	if (!flag || !l->remote)
		return;
	*ref++ = *flag++ = '\0';
	if (!l->remote(l->ctx, url, ref, *flag == '1', sha))
		sha[0] = '\0';
	buf_adds(&l->seen, sha);
	buf_addc(&l->seen, '\0');
}

static void begin(struct looking *l, const char *what)
{
	buf_clear(&l->seen);
	buf_adds(&l->seen, what);
	buf_addc(&l->seen, repo_view_submodules(l->v) ? 's' : '-');
}

static struct hash near_hash(const struct reads *r, struct looking *l, bool links)
{
	struct cursor c = { .r = r };
	cleanup_buf struct buf last = BUF_INIT;
	begin(l, "near");
	if (links)
		add_seen(l, "", true);
	for (bool first = true; next(&c);) {
		if (c.kind == KIND_REMOTE) {
			add_remote(l, c.path.p);
			continue;
		}
		size_t n = c.kind == KIND_TREE ? c.path.n : slash_before_name(c.path.p);
		if (c.kind == KIND_DIR || n == 0) {
			/* Every commit changes the root, and most directories of directories. */
			add_seen(l, c.path.p, c.kind == KIND_TREE);
			continue;
		}
		if (!first && str_eq(buf_str(&last), (struct str){ c.path.p, n }))
			continue;
		first = false;
		buf_clear(&last);
		buf_add(&last, c.path.p, n);
		buf_addc(&last, '\0');
		last.n--;
		add_seen(l, last.p, true);
	}
	buf_release(&c.path);
	return hash_of(buf_str(&l->seen));
}

static struct hash full_hash(const struct reads *r, struct looking *l)
{
	struct cursor c = { .r = r };
	begin(l, "reads/1");
	l->links = false;
	while (next(&c)) {
		buf_addc(&l->seen, c.kind);
		buf_add(&l->seen, c.path.p, c.path.n + 1);
		if (c.kind == KIND_REMOTE)
			add_remote(l, c.path.p);
		else
			add_seen(l, c.path.p, c.kind == KIND_TREE);
	}
	buf_release(&c.path);
	return hash_of(buf_str(&l->seen));
}

struct hash reads_hash(struct reads *r, struct repo_view *v, reads_remote_fn *remote, void *ctx)
{
	struct looking l = { .v = v, .remote = remote, .ctx = ctx };
	struct hash near = near_hash(r, &l, r->links);
	if (hash_is_zero(r->hash) || !hash_eq(near, r->near)) {
		r->hash = full_hash(r, &l);
		bool links = l.links;
		r->near = links == r->links ? near : near_hash(r, &l, links);
		r->links = links;
	}
	buf_release(&l.seen);
	arena_release(&l.arena);
	return r->hash;
}
