/*
 * apply.c - makes the directory what git says, in rounds.
 *
 * A round: decide what each item needs by looking at its place; claim what is not ours yet (the inventory is
 * written, and other apps' claims are honoured); only then make directories and write files. Items whose
 * place is taken by something of ours that git no longer has (a file where a directory goes, or the reverse)
 * wait for the second round, after the prune. Every failure is noted and the next file goes on.
 */
#include "deploy/directory/work.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/directory/directory.h"

enum action {
	ACTION_NONE,
	ACTION_CREATE, /* nothing is there: nothing may be replaced */
	ACTION_REPLACE,
	ACTION_ADOPT, /* it is already what git says */
	ACTION_LATER, /* its place is blocked */
	ACTION_REFUSED,
};

struct round {
	struct work *work;
	int root;
	bool last;
	enum action *actions;	  /* one an item */
	VEC(const char *) claims; /* paths, in the ledger already; those of items or of the arena */
	bool commit;		  /* something will be changed */
};

static const struct desired_item *item_at(const struct round *r, size_t i)
{
	return &r->work->desired->items[i];
}

static void refuse(struct round *r, size_t i, const char *text)
{
	work_problem(r->work, item_at(r, i), item_at(r, i)->key.p, text);
	r->actions[i] = ACTION_REFUSED;
}

/* --- deciding --- */

static bool ours(const struct entry *e, const struct tree_seen *seen)
{
	if (!e)
		return false;
	if (!hash_is_zero(e->applied))
		return true;
	/* Claimed, and the process ended before it knew: ours if it is what we were going to write. */
	return seen->kind == TREE_FILE && hash_eq(seen->hash, e->intended);
}

static enum action action_for(const struct round *r, const struct desired_item *item, const struct entry *e,
			      const struct tree_seen *seen)
{
	if (seen->kind == TREE_DIRECTORY)
		return ACTION_LATER;
	if (seen->kind == TREE_MISSING)
		return ACTION_CREATE;
	if (seen->kind == TREE_FILE && hash_eq(seen->hash, item->hash))
		return ACTION_ADOPT;
	if (ours(e, seen) || r->work->options.force)
		return ACTION_REPLACE;
	return ACTION_REFUSED;
}

static void decide(struct round *r, size_t i)
{
	const struct desired_item *item = item_at(r, i);
	struct tree_seen seen;
	struct error err = ERROR_INIT;
	if (!tree_path_ok(item->key)) {
		refuse(r, i, "not a path beneath the directory");
		return;
	}
	int rc = tree_look(r->root, item->key.p, &seen, &err);
	if (rc < 0 || (rc == TREE_BLOCKED && r->last)) {
		refuse(r, i, err.text);
		return;
	}
	struct entry *e = ledger_find(&r->work->ledger, item->key.p);
	r->actions[i] = rc == TREE_BLOCKED ? ACTION_LATER : action_for(r, item, e, &seen);
	if (e && rc == 0) {
		e->seen = seen;
		e->looked = true;
		if (hash_is_zero(e->applied) && ours(e, &seen)) {
			/* It was written, and the process ended before it knew: the next claim must not
			 * forget that. */
			e->applied = e->intended;
			e->intended = (struct hash){ 0 };
		}
	}
	if (r->actions[i] == ACTION_REFUSED)
		refuse(r, i,
		       "is there already, differs, and was not made by this app; remove it, or set sync.force to replace it");
	else if (r->actions[i] == ACTION_LATER && r->last)
		refuse(r, i, "a directory is in its place; remove it");
}

/* --- claiming --- */

static void claim_path(struct round *r, const char *path, const struct hash *intended)
{
	struct entry *e = ledger_find(&r->work->ledger, path);
	if (e) {
		if (intended && hash_is_zero(e->applied))
			e->intended = *intended;
		return;
	}
	e = ledger_add(&r->work->ledger, path);
	if (intended)
		e->intended = *intended;
	vec_push(&r->claims, path);
}

/* Claims the directories above path that are not there. */
static void claim_parents(struct round *r, const char *path)
{
	struct work *w = r->work;
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *dir = arena_strndup(&w->arena, path, (size_t)(slash - path));
		char *key = arena_printf(&w->arena, "%s/", dir);
		struct tree_seen seen;
		if (ledger_find(&w->ledger, key))
			continue;
		if (tree_look(r->root, dir, &seen, NULL) == 0 && seen.kind == TREE_MISSING)
			claim_path(r, key, NULL);
	}
}

static void taken(void *arg, const char *path, const char *app)
{
	struct round *r = arg;
	const struct desired *d = r->work->desired;
	const struct desired_item *item = desired_find(d, str_of(path));
	if (item)
		refuse(r, (size_t)(item - d->items),
		       arena_printf(&r->work->arena, "belongs to the app %s", app));
}

static int save_claims(struct round *r)
{
	struct work *w = r->work;
	struct error err = ERROR_INIT;
	bool due = w->paths->has_command && r->commit && !w->ledger.command_due;
	w->ledger.command_due = w->ledger.command_due || due;
	int rc = 0;
	if (r->claims.n > 0)
		rc = ledger_claim(&w->ledger, w->paths->state_dir, w->paths->file, r->claims.at, r->claims.n,
				  taken, r, &err);
	else if (due || r->commit)
		rc = ledger_save(&w->ledger, w->paths->file, &err);
	if (rc != 0)
		work_problem(w, NULL, "", err.text);
	return rc;
}

static int claim(struct round *r)
{
	for (size_t i = 0; i < r->work->desired->n; i++) {
		const struct desired_item *item = item_at(r, i);
		if (r->actions[i] == ACTION_CREATE)
			claim_parents(r, item->key.p);
		if (r->actions[i] == ACTION_CREATE || r->actions[i] == ACTION_REPLACE ||
		    r->actions[i] == ACTION_ADOPT)
			claim_path(r, item->key.p, &item->hash);
		r->commit = r->commit || r->actions[i] == ACTION_CREATE || r->actions[i] == ACTION_REPLACE;
	}
	return save_claims(r);
}

/* --- writing --- */

static int make_parents(struct round *r, const char *path, struct error *err)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		cleanup_free char *dir = mem_strndup(path, (size_t)(slash - path));
		int rc = tree_make_dir(r->root, dir, err);
		if (rc != 0 && rc != TREE_EXISTS)
			return rc;
	}
	return 0;
}

static void written(struct round *r, const struct desired_item *item)
{
	struct entry *e = ledger_add(&r->work->ledger, item->key.p);
	e->applied = item->hash;
	e->intended = (struct hash){ 0 };
	e->seen = (struct tree_seen){ .kind = TREE_FILE, .hash = item->hash };
	e->looked = true;
	e->wanted = true;
}

static void write_item(struct round *r, size_t i)
{
	const struct desired_item *item = item_at(r, i);
	struct error err = ERROR_INIT;
	if (r->actions[i] == ACTION_ADOPT) {
		written(r, item);
		return;
	}
	if (r->actions[i] != ACTION_CREATE && r->actions[i] != ACTION_REPLACE)
		return;
	int rc = make_parents(r, item->key.p, &err);
	if (rc == 0)
		rc = tree_write(r->root, item->key.p, item->mode, item->payload,
				r->actions[i] == ACTION_CREATE, &err);
	if (rc == TREE_EXISTS)
		refuse(r, i, "something was put in its place meanwhile");
	else if (rc != 0)
		refuse(r, i, err.text);
	else
		written(r, item);
	r->work->changed = r->work->changed || rc == 0;
}

static int run_round(struct round *r)
{
	struct work *w = r->work;
	r->commit = false;
	for (size_t i = 0; i < w->desired->n && !atomic_load(&w->stop); i++)
		if (r->actions[i] == ACTION_LATER)
			decide(r, i);
	int rc = atomic_load(&w->stop) ? -1 : claim(r);
	for (size_t i = 0; rc == 0 && i < w->desired->n && !atomic_load(&w->stop); i++) {
		write_item(r, i);
		if (r->actions[i] != ACTION_LATER)
			r->actions[i] = ACTION_NONE;
	}
	vec_release(&r->claims);
	return rc;
}

static bool anything_later(const struct round *r)
{
	for (size_t i = 0; i < r->work->desired->n; i++)
		if (r->actions[i] == ACTION_LATER)
			return true;
	return false;
}

/* --- pruning --- */

/* What stands in the place of our file and is none of ours is left, and let go. */
static bool may_remove(const struct entry *e, const struct tree_seen *seen)
{
	return seen->kind == TREE_FILE && ours(e, seen);
}

/* True when the entry is done with and can be dropped. */
static bool prune_file(struct work *w, int root, struct entry *e)
{
	struct tree_seen seen;
	struct error err = ERROR_INIT;
	int rc = tree_look(root, e->path, &seen, &err);
	if (rc == 0 && may_remove(e, &seen)) {
		rc = tree_remove(root, e->path, &err);
		w->changed = w->changed || rc == 0;
	}
	if (rc < 0)
		work_problem(w, NULL, e->path, err.text);
	return rc >= 0;
}

static int deeper_first(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;
	return -strcmp((*x)->path, (*y)->path);
}

/* Files first; then directories, each after those in it. all: everything the app has. */
static void prune(struct work *w, int root, bool all)
{
	VEC(struct entry *) gone = { 0 };
	for (size_t i = 0; i < w->ledger.entries.n; i++)
		if (all || !w->ledger.entries.at[i]->wanted)
			vec_push(&gone, w->ledger.entries.at[i]);
	if (gone.n > 0)
		qsort(gone.at, gone.n, sizeof(*gone.at), deeper_first);
	for (size_t i = 0; i < gone.n && !atomic_load(&w->stop); i++)
		if (!gone.at[i]->directory && prune_file(w, root, gone.at[i])) {
			ledger_drop(&w->ledger, gone.at[i]);
			gone.at[i] = NULL;
		}
	for (size_t i = 0; i < gone.n && !atomic_load(&w->stop); i++) {
		if (!gone.at[i] || !gone.at[i]->directory || strcmp(gone.at[i]->path, "./") == 0)
			continue;
		cleanup_free char *dir = mem_strndup(gone.at[i]->path, strlen(gone.at[i]->path) - 1);
		struct error err = ERROR_INIT;
		int rc = tree_remove_dir(root, dir, &err);
		if (rc < 0)
			work_problem(w, NULL, dir, err.text);
		if (rc == 0)
			ledger_drop(&w->ledger, gone.at[i]);
	}
	vec_release(&gone);
}

static size_t count_unwanted(const struct work *w, bool directories)
{
	size_t n = 0;
	for (size_t i = 0; i < w->ledger.entries.n; i++)
		n += !w->ledger.entries.at[i]->wanted && w->ledger.entries.at[i]->directory == directories;
	return n;
}

static int prune_unwanted(struct work *w, int root)
{
	const char *guard = work_prune_guard(w);
	struct error err = ERROR_INIT;
	size_t files = count_unwanted(w, false);
	if (!w->options.prune || files + count_unwanted(w, true) == 0)
		return 0;
	if (guard) {
		if (w->desired->n_errors == 0)
			work_problem(w, NULL, "", guard);
		return 0;
	}
	/* What a removal makes due must outlive a crash, as what a write makes due. */
	if (files > 0 && w->paths->has_command && !w->ledger.command_due) {
		w->ledger.command_due = true;
		if (ledger_save(&w->ledger, w->paths->file, &err) != 0) {
			work_problem(w, NULL, "", err.text);
			return -1;
		}
	}
	prune(w, root, false);
	return 0;
}

/* --- the whole --- */

static void make_state_dir(struct work *w)
{
	struct error err = ERROR_INIT;
	cleanup_fd int fd = -1;
	if (mkdir(w->paths->state_dir, 0700) == 0 || errno == EEXIST)
		return;
	if (tree_open(w->paths->state_dir, true, &fd, &err) != 0)
		work_problem(w, NULL, "", err.text);
	else
		fchmod(fd, 0700);
}

/* A root that is not there is claimed before it is made, so that remove() takes it away again. */
static int open_root(struct work *w, int *root)
{
	struct error err = ERROR_INIT;
	make_state_dir(w);
	if (tree_open(w->paths->root, false, root, &err) == 0 && *root >= 0)
		return 0;
	if (*root < 0 && err.text[0] == '\0') {
		ledger_add(&w->ledger, "./");
		if (ledger_save(&w->ledger, w->paths->file, &err) == 0 &&
		    tree_open(w->paths->root, true, root, &err) == 0)
			return 0;
	}
	work_problem(w, NULL, "", err.text);
	return -1;
}

void work_apply(struct work *w)
{
	cleanup_fd int root = -1;
	bool was_due = w->ledger.command_due;
	if (open_root(w, &root) != 0)
		return;
	work_mark_wanted(w);
	struct round r = { .work = w,
			   .root = root,
			   .actions = arena_array(&w->arena, enum action, w->desired->n + 1) };
	for (size_t i = 0; i < w->desired->n; i++)
		r.actions[i] = ACTION_LATER;
	int rc = run_round(&r);
	if (rc == 0 && !atomic_load(&w->stop))
		rc = prune_unwanted(w, root);
	r.last = true;
	if (rc == 0 && anything_later(&r))
		run_round(&r);
	if (!w->changed && !was_due)
		w->ledger.command_due = false;
	struct error err = ERROR_INIT;
	if (rc == 0 && ledger_save(&w->ledger, w->paths->file, &err) != 0)
		work_problem(w, NULL, "", err.text);
}

void work_remove(struct work *w)
{
	cleanup_fd int root = -1;
	struct error err = ERROR_INIT;
	if (!w->orphan) {
		if (tree_open(w->paths->root, false, &root, &err) != 0) {
			work_problem(w, NULL, "", err.text);
			return;
		}
		if (root >= 0)
			prune(w, root, true);
		if (!work_failed(w) && !atomic_load(&w->stop) && ledger_find(&w->ledger, "./"))
			rmdir(w->paths->root); /* when nothing else is in it */
	}
	if (atomic_load(&w->stop) || work_failed(w)) {
		if (ledger_save(&w->ledger, w->paths->file, &err) != 0)
			work_problem(w, NULL, "", err.text);
		return;
	}
	ledger_release(&w->ledger);
	if (unlink(w->paths->file) != 0 && errno != ENOENT) {
		error_set(&err, "remove the inventory %s: %s", w->paths->file, strerror(errno));
		work_problem(w, NULL, "", err.text);
	}
}
