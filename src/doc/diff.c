/*
 * diff.c - Myers' greedy algorithm (An O(ND) Difference Algorithm, 1986) over lines, after the
 * common start and end are cut off. Each round d keeps its furthest points, from which the path is
 * walked back at the end: that is what DIFF_EDITS_MAX bounds.
 */
#include "doc/diff.h"

#include "base/hash.h"
#include "base/vec.h"

struct line {
	struct str text; /* without the line break */
	uint64_t hash;
	bool no_newline; /* the last line of a text that does not end in a line break */
};

struct lines {
	struct line *at;
	size_t n, cap;
};

/* One line of the result: kept, removed or added. */
struct edit {
	char mark;		   /* ' ', '-', '+' */
	size_t old_line, new_line; /* positions before this edit */
};

struct diff {
	struct buf *out;
	struct lines a, b;
	VEC(struct edit) edits;
	struct diff_options options;
};

static void split(struct lines *lines, struct str text)
{
	while (text.n) {
		struct line line = { .no_newline = str_find(text, '\n', 0) == SIZE_MAX };
		line.text = str_cut(text, '\n', &text);
		line.hash = hash_fast(line.text);
		vec_push(lines, line);
	}
}

static bool same(const struct diff *d, size_t x, size_t y)
{
	const struct line *a = &d->a.at[x], *b = &d->b.at[y];
	return a->hash == b->hash && a->no_newline == b->no_newline && str_eq(a->text, b->text);
}

static void add_edit(struct diff *d, char mark, size_t *x, size_t *y)
{
	struct edit edit = { mark, *x, *y };
	vec_push(&d->edits, edit);
	*x += mark != '+';
	*y += mark != '-';
}

/* The middle part of both texts: lines [x, x_end) and [y, y_end). */
struct range {
	size_t x, x_end, y, y_end;
};

/* Follows diagonal k of round `round` as far as it goes; v is that of the round before. */
static long furthest(const struct diff *d, const struct range *r, const long *v, long round, long k)
{
	long x = k == -round || (k != round && v[k - 1] < v[k + 1]) ? v[k + 1] : v[k - 1] + 1;
	long y = x - k;
	while (r->x + (size_t)x < r->x_end && r->y + (size_t)y < r->y_end &&
	       same(d, r->x + (size_t)x, r->y + (size_t)y)) {
		x++;
		y++;
	}
	return x;
}

/* rounds[d] holds 2d+3 furthest points, the one of diagonal 0 in the middle. */
static long *new_round(long round)
{
	return mem_alloc((size_t)(2 * round + 3) * sizeof(long));
}

/* Finds the number of edits, or -1 when there are more than DIFF_EDITS_MAX. */
static long search(const struct diff *d, const struct range *r, long **rounds)
{
	long width = (long)(r->x_end - r->x), height = (long)(r->y_end - r->y);
	for (long round = 0; round <= (long)DIFF_EDITS_MAX; round++) {
		rounds[round] = new_round(round);
		long *v = rounds[round] + round + 1;
		/* Round 0 starts from a point that makes diagonal 0 begin at x = 0. */
		const long *before = round ? rounds[round - 1] + round : (long[3]){ 0, 0, 0 } + 1;
		for (long k = -round; k <= round; k += 2) {
			v[k] = furthest(d, r, before, round, k);
			if (v[k] >= width && v[k] - k >= height)
				return round;
		}
	}
	return -1;
}

/* Walks back from the end and marks each line that is on the path as removed or added. */
static void walk_back(const struct range *r, long **rounds, long last, bool *removed, bool *added)
{
	long x = (long)(r->x_end - r->x), y = (long)(r->y_end - r->y);
	for (long round = last; round > 0; round--) {
		const long *v = rounds[round - 1] + round;
		long k = x - y;
		bool down = k == -round || (k != round && v[k - 1] < v[k + 1]);
		long from_k = down ? k + 1 : k - 1;
		x = v[from_k];
		y = x - from_k;
		if (down)
			added[y] = true;
		else
			removed[x] = true;
	}
}

static void edit_middle(struct diff *d, struct range r)
{
	size_t width = r.x_end - r.x, height = r.y_end - r.y;
	bool *removed = mem_alloc(width + 1), *added = mem_alloc(height + 1);
	long **rounds = mem_alloc((DIFF_EDITS_MAX + 1) * sizeof(long *));
	long last = search(d, &r, rounds);
	if (last < 0) {
		memset(removed, true, width);
		memset(added, true, height);
	} else {
		walk_back(&r, rounds, last, removed, added);
	}
	size_t x = r.x, y = r.y;
	while (x < r.x_end || y < r.y_end) {
		if (x < r.x_end && removed[x - r.x])
			add_edit(d, '-', &x, &y);
		else if (y < r.y_end && added[y - r.y])
			add_edit(d, '+', &x, &y);
		else
			add_edit(d, ' ', &x, &y);
	}
	for (size_t i = 0; i <= DIFF_EDITS_MAX; i++)
		free(rounds[i]);
	free(rounds);
	free(removed);
	free(added);
}

static void find_edits(struct diff *d)
{
	struct range r = { 0, d->a.n, 0, d->b.n };
	size_t x = 0, y = 0;
	while (x < r.x_end && y < r.y_end && same(d, x, y))
		add_edit(d, ' ', &x, &y);
	r.x = x;
	r.y = y;
	while (r.x_end > r.x && r.y_end > r.y && same(d, r.x_end - 1, r.y_end - 1)) {
		r.x_end--;
		r.y_end--;
	}
	if (r.x < r.x_end || r.y < r.y_end)
		edit_middle(d, r);
	x = r.x_end;
	y = r.y_end;
	while (x < d->a.n)
		add_edit(d, ' ', &x, &y);
}

static void put_line(struct diff *d, const char *colour, char mark, struct str text)
{
	if (d->options.colour && colour)
		buf_adds(d->out, colour);
	if (mark)
		buf_addc(d->out, mark);
	buf_add_str(d->out, text);
	if (d->options.colour && colour)
		buf_adds(d->out, "\x1b[0m");
	buf_addc(d->out, '\n');
}

/* "begin,count" with git's habits: one line is only its number, none names the line before. */
static void put_span(struct buf *out, char mark, size_t begin, size_t count)
{
	buf_printf(out, "%c%zu", mark, count ? begin + 1 : begin);
	if (count != 1)
		buf_printf(out, ",%zu", count);
}

static void put_hunk(struct diff *d, size_t from, size_t to)
{
	size_t removed = 0, added = 0;
	for (size_t i = from; i < to; i++) {
		removed += d->edits.at[i].mark != '+';
		added += d->edits.at[i].mark != '-';
	}
	cleanup_buf struct buf head = BUF_INIT;
	buf_adds(&head, "@@ ");
	put_span(&head, '-', d->edits.at[from].old_line, removed);
	buf_addc(&head, ' ');
	put_span(&head, '+', d->edits.at[from].new_line, added);
	buf_adds(&head, " @@");
	put_line(d, "\x1b[36m", '\0', buf_str(&head));
	for (size_t i = from; i < to; i++) {
		const struct edit *edit = &d->edits.at[i];
		const struct line *line =
			edit->mark == '+' ? &d->b.at[edit->new_line] : &d->a.at[edit->old_line];
		const char *colour = edit->mark == '-' ? "\x1b[31m" : edit->mark == '+' ? "\x1b[32m" : NULL;
		put_line(d, colour, edit->mark, line->text);
		if (line->no_newline)
			put_line(d, NULL, '\0', STR("\\ No newline at end of file"));
	}
}

/* The end of the hunk that begins with the change at `at`: changes closer than twice the context join. */
static size_t hunk_end(const struct diff *d, size_t at)
{
	size_t last = at;
	for (size_t i = at; i < d->edits.n && i - last <= 2 * (size_t)d->options.context + 1; i++)
		if (d->edits.at[i].mark != ' ')
			last = i;
	size_t end = last + 1 + d->options.context;
	return end < d->edits.n ? end : d->edits.n;
}

static void put_hunks(struct diff *d)
{
	for (size_t i = 0; i < d->edits.n; i++) {
		if (d->edits.at[i].mark == ' ')
			continue;
		size_t from = i > d->options.context ? i - d->options.context : 0;
		size_t to = hunk_end(d, i);
		put_hunk(d, from, to);
		i = to - 1;
	}
}

void diff_unified(struct buf *out, struct str old_text, struct str new_text,
		  const struct diff_options *options)
{
	if (str_eq(old_text, new_text))
		return;
	struct diff d = { .out = out, .options = { .context = 3 } };
	if (options)
		d.options = *options;
	split(&d.a, old_text);
	split(&d.b, new_text);
	find_edits(&d);
	if (d.options.old_label)
		buf_printf(out, "--- %s\n", d.options.old_label);
	if (d.options.new_label)
		buf_printf(out, "+++ %s\n", d.options.new_label);
	put_hunks(&d);
	vec_release(&d.a);
	vec_release(&d.b);
	vec_release(&d.edits);
}
