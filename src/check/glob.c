/*
 * glob.c - the patterns of allow-lists and annotations. A star gives up one character (of `**` with a slash:
 * one folder) at a time, and only the last star of each sort is taken back, so that steps are bounded by the
 * product of the lengths.
 */
#include "check/parts.h"

struct star {
	size_t pattern, text; /* where to go on when what follows does not fit; pattern 0: none */
	bool folders;	      /* `**` with a slash behind it: whole folders, or none */
};

struct globbing {
	struct str pattern, text;
	size_t p, t;
	struct star one, two; /* the last `*` and the last `**` */
};

static void begin_star(struct globbing *g)
{
	bool across = g->p + 1 < g->pattern.n && g->pattern.p[g->p + 1] == '*';
	g->p += across ? 2 : 1;
	if (!across) {
		g->one = (struct star){ g->p, g->t, false };
		return;
	}
	bool folders =
		g->p < g->pattern.n && g->pattern.p[g->p] == '/' && (g->t == 0 || g->text.p[g->t - 1] == '/');
	g->p += folders;
	g->two = (struct star){ g->p, g->t, folders };
	g->one.pattern = 0;
}

/* The next shorter choice of the last star; false: there is none. */
static bool take_back(struct globbing *g)
{
	if (g->one.pattern && g->one.text < g->text.n && g->text.p[g->one.text] != '/') {
		g->p = g->one.pattern;
		g->t = ++g->one.text;
		return true;
	}
	if (!g->two.pattern || g->two.text >= g->text.n)
		return false;
	do {
		g->two.text++;
	} while (g->two.folders && g->two.text < g->text.n && g->text.p[g->two.text - 1] != '/');
	g->p = g->two.pattern;
	g->t = g->two.text;
	g->one.pattern = 0;
	return true;
}

bool glob_match(struct str pattern, struct str text)
{
	struct globbing g = { .pattern = pattern, .text = text };
	while (g.t < text.n || g.p < pattern.n) {
		char c = g.p < pattern.n ? pattern.p[g.p] : '\0';
		if (c == '*') {
			begin_star(&g);
		} else if (g.p < pattern.n && g.t < text.n &&
			   (c == text.p[g.t] || (c == '?' && text.p[g.t] != '/'))) {
			g.p++;
			g.t++;
		} else if (!take_back(&g)) {
			return false;
		}
	}
	return true;
}
