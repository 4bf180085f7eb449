/* origin.c - see origin.h. */
#include "doc/origin.h"

void origins_release(struct origins *o)
{
	vec_release(&o->at);
}

static uint32_t add(struct origins *o, struct origin entry)
{
	if (o->at.n == 0)
		vec_push(&o->at, (struct origin){ 0 });
	vec_push(&o->at, entry);
	return (uint32_t)(o->at.n - 1);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The newest entry, when it says the same and has nothing before it. */
static uint32_t newest(const struct origins *o, const char *file, const char *step)
{
	if (o->at.n < 2)
		return 0;
	const struct origin *last = &o->at.at[o->at.n - 1];
	bool same = last->before == 0 && last->before_line == 0 && same_text(last->file, file) &&
		    same_text(last->step, step);
	return same ? (uint32_t)(o->at.n - 1) : 0;
}

uint32_t origin_file(struct origins *o, const char *file)
{
	return origin_step(o, file, NULL, NULL);
}

uint32_t origin_step(struct origins *o, const char *file, const char *step, const struct node *before)
{
	if (!o || o->at.n >= ORIGINS_MAX)
		return 0;
	uint32_t known = before ? 0 : newest(o, file, step);
	if (known)
		return known;
	struct origin entry = { .file = file, .step = step };
	if (before) {
		entry.before = before->origin;
		entry.before_line = before->line;
		entry.before_column = before->column;
	}
	return add(o, entry);
}

const struct origin *origin_get(const struct origins *o, uint32_t entry)
{
	return o && entry && entry < o->at.n ? &o->at.at[entry] : NULL;
}

const char *origin_file_of(const struct origins *o, const struct node *n, const char *otherwise)
{
	const struct origin *entry = n ? origin_get(o, n->origin) : NULL;
	return entry && entry->file ? entry->file : otherwise;
}
