/* near.c - see near.h: the restricted Damerau-Levenshtein distance, upper and lower case being half a change.
 */
#include "check/near.h"

#include <strings.h>

/* One change for each three letters of the shorter name, and one at least. In halves. */
static size_t most_halves(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	return 2 * (n < 6 ? 1 : n / 3);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t cost(char a, char b)
{
	return a == b ? 0 : lower(a) == lower(b) ? 1 : 2;
}

static size_t halves_between(struct str a, struct str b)
{
	size_t rows[3][NEAR_LENGTH_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b.n; j++)
		last[j] = 2 * j;
	for (size_t i = 1; i <= a.n; i++) {
		row[0] = 2 * i;
		for (size_t j = 1; j <= b.n; j++) {
			row[j] = least(least(last[j], row[j - 1]) + 2,
				       last[j - 1] + cost(a.p[i - 1], b.p[j - 1]));
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				row[j] = least(row[j], before[j - 2] + 2);
		}
		size_t *free_row = before;
		before = last;
		last = row;
		row = free_row;
	}
	return last[b.n];
}

struct near near_start(struct str typed)
{
	return (struct near){ .typed = typed, .best = { NULL, 0 }, .distance = SIZE_MAX };
}

void near_try(struct near *near, struct str name)
{
	struct str typed = near->typed;
	if (typed.n > NEAR_LENGTH_MAX || name.n > NEAR_LENGTH_MAX || typed.n == 0)
		return;
	if (typed.n == name.n && strncasecmp(typed.p, name.p, name.n) == 0) {
		near->distance = 0;
		near->best = name;
		return;
	}
	size_t most = most_halves(typed, name),
	       apart = typed.n > name.n ? typed.n - name.n : name.n - typed.n;
	if (2 * apart > most)
		return;
	size_t distance = halves_between(typed, name);
	if (distance <= most && distance < near->distance) {
		near->distance = distance;
		near->best = name;
	}
}
