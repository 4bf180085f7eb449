/* guess.c - see guess.h. */
#include "base/guess.h"

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;
	return least < c ? least : c;
}

/* Edit distance in which a swap of neighbours counts as one (Damerau, restricted). Both are shorter than the
 * cap. */
static size_t distance(struct str a, struct str b)
{
	size_t rows[3][GUESS_LENGTH_MAX + 1];
	for (size_t j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t changed = a.p[i - 1] != b.p[j - 1];
			row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + changed);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
			    two_above[j - 2] + 1 < row[j])
				row[j] = two_above[j - 2] + 1;
		}
	}
	return rows[a.n % 3][b.n];
}

struct guess guess_start(struct str typed)
{
	return (struct guess){ .typed = typed, .best = { NULL, 0 }, .slips = typed.n <= 3 ? 2 : 3 };
}

void guess_try(struct guess *g, struct str name)
{
	struct str word = g->typed;
	if (word.n == 0 || word.n > GUESS_LENGTH_MAX || name.n > GUESS_LENGTH_MAX)
		return;
	size_t d = word.n >= 3 && str_starts(name, word) ? 1 : distance(word, name);
	if (d < g->slips) {
		g->best = name;
		g->slips = d;
	}
}
