/* work.c - looking and planning; apply.c changes things. */
#include "deploy/directory/work.h"

#include "deploy/directory/directory.h"

struct work *work_new(enum work_kind kind, const struct work_paths *paths, const struct ledger *ledger)
{
	struct work *w = mem_alloc(sizeof(*w));
	w->kind = kind;
	w->paths = paths;
	ledger_clone(&w->ledger, ledger);
	return w;
}

void work_free(struct work *w)
{
	if (!w)
		return;
	ledger_release(&w->ledger);
	vec_release(&w->problems);
	arena_release(&w->arena);
	free(w);
}

void work_problem(struct work *w, const struct desired_item *item, const char *key, const char *text)
{
	if (w->problems.n >= WORK_PROBLEMS_MAX) {
		w->dropped_problems++;
		return;
	}
	struct problem p = {
		.key = arena_strdup(&w->arena, key),
		.file = item && item->file ? arena_strdup(&w->arena, item->file) : "",
		.line = item ? item->line : 0,
		.text = arena_strdup(&w->arena, text),
	};
	vec_push(&w->problems, p);
}

bool work_failed(const struct work *w)
{
	for (size_t i = 0; i < w->problems.n; i++)
		if (!w->problems.at[i].warning)
			return true;
	return false;
}

bool entry_current(const struct entry *e)
{
	return !hash_is_zero(e->applied) && e->seen.kind == TREE_FILE && hash_eq(e->seen.hash, e->applied);
}

const char *work_prune_guard(const struct work *w)
{
	if (w->desired->n_errors > 0)
		return "files that git no longer has are kept, because the render has errors";
	if (w->desired->n == 0 && !w->options.allow_empty)
		return "git has no files: what was made is kept (set sync.allowEmpty to remove it)";
	return NULL;
}

static void mark_parents(struct ledger *l, const char *path)
{
	char parent[4096];
	size_t n = strlen(path);
	for (size_t i = n; i-- > 0;) {
		if (path[i] != '/' || i + 2 > sizeof(parent))
			continue;
		memcpy(parent, path, i + 1);
		parent[i + 1] = '\0';
		struct entry *e = ledger_find(l, parent);
		if (e && e->wanted)
			return; /* then those above are, too */
		if (e)
			e->wanted = true;
	}
}

/* Which entries git still asks for. */
void work_mark_wanted(struct work *w)
{
	for (size_t i = 0; i < w->ledger.entries.n; i++)
		w->ledger.entries.at[i]->wanted = false;
	for (size_t i = 0; i < w->desired->n; i++) {
		struct entry *e = ledger_find(&w->ledger, w->desired->items[i].key.p);
		if (e)
			e->wanted = true;
		mark_parents(&w->ledger, w->desired->items[i].key.p);
	}
	struct entry *root = ledger_find(&w->ledger, "./");
	if (root)
		root->wanted = true;
}

static void look_at_entry(struct work *w, int root, struct entry *e)
{
	struct tree_seen seen = { .kind = TREE_MISSING };
	struct error err = ERROR_INIT;
	e->look = false;
	if (!e->directory && root >= 0 && tree_look(root, e->path, &seen, &err) < 0)
		work_problem(w, NULL, e->path, err.text);
	e->seen = seen;
	e->looked = true;
}

static void look(struct work *w, int root, bool everything)
{
	for (size_t i = 0; i < w->ledger.entries.n && !atomic_load(&w->stop); i++)
		if (everything || w->ledger.entries.at[i]->look || !w->ledger.entries.at[i]->looked)
			look_at_entry(w, root, w->ledger.entries.at[i]);
}

static void count_item(struct work *w, int root, const struct desired_item *item)
{
	struct entry *e = ledger_find(&w->ledger, item->key.p);
	struct tree_seen seen = { .kind = TREE_MISSING };
	if (e)
		seen = e->seen;
	else if (root >= 0)
		tree_look(root, item->key.p, &seen, NULL);
	if (seen.kind == TREE_MISSING)
		w->to_create++;
	else if (seen.kind == TREE_FILE && hash_eq(seen.hash, item->hash))
		w->unchanged++;
	else
		w->to_update++;
}

static void plan(struct work *w, int root)
{
	work_mark_wanted(w);
	look(w, root, true);
	for (size_t i = 0; i < w->desired->n && !atomic_load(&w->stop); i++) {
		if (w->sweep && root >= 0)
			tree_sweep(root, w->desired->items[i].key.p);
		count_item(w, root, &w->desired->items[i]);
	}
	for (size_t i = 0; i < w->ledger.entries.n; i++) {
		struct entry *e = w->ledger.entries.at[i];
		w->to_prune += !e->wanted && !e->directory;
		if (w->sweep && root >= 0 && !e->directory && !e->wanted)
			tree_sweep(root, e->path);
	}
}

static void look_or_plan(struct work *w)
{
	struct error err = ERROR_INIT;
	cleanup_fd int root = -1;
	if (tree_open(w->paths->root, false, &root, &err) != 0)
		work_problem(w, NULL, "", err.text);
	if (w->kind == WORK_PLAN)
		plan(w, root);
	else
		look(w, root, false);
}

static void save(struct work *w)
{
	struct error err = ERROR_INIT;
	if (ledger_save(&w->ledger, w->paths->file, &err) != 0)
		work_problem(w, NULL, "", err.text);
}

static void count_dropped(struct work *w)
{
	if (w->dropped_problems == 0)
		return;
	struct problem p = { .key = "",
			     .file = "",
			     .text = arena_printf(&w->arena, "and %zu more problems", w->dropped_problems) };
	vec_push(&w->problems, p);
}

void work_run(void *arg)
{
	struct work *w = arg;
	switch (w->kind) {
	case WORK_LOOK:
	case WORK_PLAN:
		look_or_plan(w);
		break;
	case WORK_APPLY:
		work_apply(w);
		break;
	case WORK_REMOVE:
		work_remove(w);
		break;
	case WORK_SAVE:
		save(w);
		break;
	}
	count_dropped(w);
}
