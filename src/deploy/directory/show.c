/* show.c - the state of the directory in numbers, and item by item. */
#include "deploy/directory/internal.h"

/* --- summary --- */

static void count_entry(const struct directory *d, const struct entry *e, struct driver_summary *s)
{
	if (e->directory)
		return;
	if (!e->wanted) {
		s->stale += d->pruning;
		return;
	}
	s->items++;
	if (!e->looked)
		s->unknown++;
	else if (hash_is_zero(e->applied) || e->seen.kind == TREE_MISSING)
		s->progressing++;
	else
		s->current++;
	s->synced += entry_current(e);
	s->drifted += e->looked && !hash_is_zero(e->applied) && !entry_current(e);
}

bool directory_summarise(struct directory *d)
{
	struct driver_summary s = d->summary;
	s.items = s.synced = s.stale = s.drifted = s.current = s.progressing = s.failed = s.unknown = 0;
	for (size_t i = 0; i < d->ledger.entries.n; i++)
		count_entry(d, d->ledger.entries.at[i], &s);
	s.observed = d->observed && s.unknown == 0;
	/* A command that is still to run is a difference from what git asks for, so that it is healed, too.
	 */
	s.drifted += d->ledger.command_due && !d->job && !d->process;
	bool changed = memcmp(&s, &d->summary, sizeof(s)) != 0;
	d->summary = s;
	return changed;
}

/* --- items for people --- */

static const char *problem_of(const struct directory *d, const char *key)
{
	for (size_t i = 0; d->report && i < d->report->problems.n; i++)
		if (strcmp(d->report->problems.at[i].key, key) == 0)
			return d->report->problems.at[i].text;
	return NULL;
}

static void show_entry(const struct directory *d, const struct entry *e, driver_item_fn *fn, void *arg)
{
	const char *problem = problem_of(d, e->path);
	struct driver_item item = {
		.key = str_of(e->path),
		.version = STR(""),
		.sync = problem ? ITEM_REFUSED : ITEM_OUT_OF_SYNC,
		.health = e->seen.kind == TREE_MISSING ? "Missing" : "Current",
		.message = problem ? problem : "",
	};
	if (!e->looked)
		item.health = "Unknown";
	if (!problem && !e->wanted)
		item.sync = ITEM_PRUNING;
	else if (!problem && (entry_current(e) || !e->looked))
		item.sync = ITEM_SYNCED;
	fn(arg, &item);
}

void directory_each_item(struct driver *base, driver_item_fn *fn, void *arg)
{
	const struct directory *d = (const struct directory *)base;
	for (size_t i = 0; i < d->ledger.entries.n; i++)
		if (!d->ledger.entries.at[i]->directory)
			show_entry(d, d->ledger.entries.at[i], fn, arg);
	for (size_t i = 0; d->desired && i < d->desired->n; i++) {
		if (map_get(&d->ledger.by_path, d->desired->items[i].key))
			continue;
		const char *problem = problem_of(d, d->desired->items[i].key.p);
		struct driver_item item = {
			.key = d->desired->items[i].key,
			.version = STR(""),
			.sync = problem ? ITEM_REFUSED : ITEM_OUT_OF_SYNC,
			.health = "Unknown",
			.message = problem ? problem : "",
		};
		fn(arg, &item);
	}
}
