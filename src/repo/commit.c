/*
 * commit.c - see commit.h.
 *
 * The parent's tree is read into an index in memory, changed there and written. A blob is written only when
 * the path has another one now, so that a commit that would change nothing writes nothing at all.
 */
#include "repo/commit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"
#include "repo/name.h"
#include "repo/objects.h"
#include "repo/view.h"

struct making {
	struct objects objects;
	git_index *index;
	const struct commit_spec *spec;
	git_tree *before; /* of the parent, or NULL */
	git_commit *parent;
};

/* --- texts --- */

/* One line of safe text: what a terminal would act on is a space. */
static void add_line(struct buf *out, const char *text)
{
	cleanup_arena struct arena a = ARENA_INIT;
	char *safe = name_printable(&a, str_of(text));
	for (size_t i = 0; text[i]; i++)
		if (text[i] == '\n' || text[i] == '\t' || text[i] == '\r')
			safe[i] = ' ';
	buf_add_str(out, str_trim(str_of(safe)));
}

void commit_message(const struct commit_spec *spec, struct buf *out)
{
	add_line(out, spec->subject);
	buf_addc(out, '\n');
	if (spec->body && *spec->body) {
		struct str rest = str_of(spec->body);
		buf_addc(out, '\n');
		while (rest.n) {
			struct str line = str_cut(rest, '\n', &rest);
			cleanup_free char *copy = mem_strndup(line.p, line.n);
			add_line(out, copy);
			buf_addc(out, '\n');
		}
	}
	if (spec->n_trailers)
		buf_addc(out, '\n');
	for (size_t i = 0; i < spec->n_trailers; i++) {
		add_line(out, spec->trailers[i].key);
		buf_adds(out, ": ");
		add_line(out, spec->trailers[i].value);
		buf_addc(out, '\n');
	}
}

void commit_author(struct commit_spec *spec, char *ident)
{
	char *open = strstr(ident, " <"), *close = open ? strchr(open, '>') : NULL;
	if (!close || open == ident || close == open + 2)
		return;
	*open = *close = '\0';
	spec->author = ident;
	spec->email = open + 2;
}

int commit_check_branch(const char *name, struct error *err)
{
	int valid = 0;
	cleanup_arena struct arena a = ARENA_INIT;
	char *full = arena_printf(&a, "refs/heads/%s", name);
	bool good = *name && *name != '-' && strlen(name) < REVISION_MAX - 16 && str_utf8(str_of(name)) &&
		    git_reference_name_is_valid(&valid, full) == 0 && valid && strcmp(name, "HEAD") != 0 &&
		    strncmp(name, "refs/", 5) != 0;
	if (good)
		return 0;
	return error_set(err, "%s: is no name of a branch (git-check-ref-format(1) has the rules)",
			 name_printable(&a, str_of(name)));
}

static int check_path(const char *path, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str rest = str_of(path);
	bool good = rest.n && rest.n <= VIEW_PATH_MAX && rest.p[rest.n - 1] != '/';
	while (rest.n && good)
		good = name_is_safe(str_cut(rest, '/', &rest));
	return good ? 0
		    : error_set(err, "%s: a file of this name cannot be committed",
				name_printable(&a, str_of(path)));
}

static int check_spec(const struct commit_spec *spec, struct error *err)
{
	size_t bytes = 0;
	if (*spec->dir && check_path(spec->dir, err) < 0)
		return -1;
	if (!spec->n && !spec->may_be_empty)
		return error_set(err, "there are no files to commit, and nothing is deleted because of that");
	for (size_t i = 0; i < spec->n; i++) {
		bytes += spec->files[i].data.n;
		if (check_path(spec->files[i].path, err) < 0)
			return -1;
	}
	if (spec->n > COMMIT_FILES_MAX || bytes > COMMIT_BYTES_MAX)
		return error_set(err, "more than %u files or %u MiB in one commit", COMMIT_FILES_MAX,
				 COMMIT_BYTES_MAX >> 20);
	return 0;
}

/* --- the tree --- */

static int say(struct error *err, const char *what)
{
	return error_set(err, "%s: %s", what, objects_failure());
}

static char *full_path(struct arena *a, const struct commit_spec *spec, const char *path)
{
	return *spec->dir ? arena_printf(a, "%s/%s", spec->dir, path) : arena_strdup(a, path);
}

/* A file that is below another one cannot be with it; which of them is meant nobody knows. */
static int collect_paths(struct arena *a, const struct commit_spec *spec, struct map *paths,
			 struct error *err)
{
	for (size_t i = 0; i < spec->n; i++)
		if (map_put(paths, str_of(full_path(a, spec, spec->files[i].path)), paths))
			return error_set(err, "%s: is twice among the files of the commit",
					 spec->files[i].path);
	for (size_t i = 0; i < spec->n; i++) {
		char *path = full_path(a, spec, spec->files[i].path);
		for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
			*slash = '\0';
			if (map_get(paths, str_of(path)))
				return error_set(err, "%s: is a file and a directory in the commit", path);
		}
	}
	return 0;
}

/* What is below the directory and not among the files. */
static int remove_others(struct making *m, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct map paths = MAP_INIT;
	VEC(const char *) gone = { 0 };
	size_t skip = *m->spec->dir ? strlen(m->spec->dir) + 1 : 0;
	int rc = collect_paths(&a, m->spec, &paths, err);
	for (size_t i = 0; i < git_index_entrycount(m->index) && rc == 0; i++) {
		const char *path = git_index_get_byindex(m->index, i)->path;
		bool below = !skip || (strncmp(path, m->spec->dir, skip - 1) == 0 && path[skip - 1] == '/');
		if (below && !map_get(&paths, str_of(path)) && (!m->spec->goes || m->spec->goes(path + skip)))
			vec_push(&gone, (const char *)arena_strdup(&a, path));
	}
	for (size_t i = 0; i < gone.n && rc == 0; i++)
		if (git_index_remove(m->index, gone.at[i], 0) < 0)
			rc = say(err, gone.at[i]);
	vec_release(&gone);
	map_release(&paths);
	return rc;
}

static int add_file(struct making *m, const struct commit_file *f, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	char *path = full_path(&a, m->spec, f->path);
	const git_index_entry *now = git_index_get_bypath(m->index, path, 0);
	git_index_entry entry = { .path = path,
				  .mode = f->executable ? GIT_FILEMODE_BLOB_EXECUTABLE : GIT_FILEMODE_BLOB };
	if (git_odb_hash(&entry.id, f->data.p, f->data.n, GIT_OBJECT_BLOB) < 0)
		return say(err, path);
	if (now && now->mode == entry.mode && git_oid_equal(&now->id, &entry.id))
		return 0;
	if (git_odb_write(&entry.id, m->objects.odb, f->data.p, f->data.n, GIT_OBJECT_BLOB) < 0 ||
	    git_index_add(m->index, &entry) < 0)
		return say(err, path);
	return 0;
}

static int read_parent(struct making *m, const char *parent, struct error *err)
{
	git_oid oid;
	if (git_index_new(&m->index) < 0)
		return say(err, "index");
	if (!parent || !*parent)
		return 0;
	if (git_oid_fromstr(&oid, parent) < 0 ||
	    git_commit_lookup(&m->parent, m->objects.repository, &oid) < 0 ||
	    git_commit_tree(&m->before, m->parent) < 0 || git_index_read_tree(m->index, m->before) < 0)
		return say(err, parent);
	return 0;
}

static int write_commit(struct making *m, const git_tree *tree, char sha[SHA_HEX_MAX + 1], struct error *err)
{
	const struct commit_spec *spec = m->spec;
	cleanup_buf struct buf message = BUF_INIT;
	git_signature *who = NULL;
	git_oid oid;
	commit_message(spec, &message);
	const git_commit *parents[] = { m->parent };
	int rc = git_signature_new(&who, spec->author ? spec->author : COMMIT_DEFAULT_AUTHOR,
				   spec->email ? spec->email : COMMIT_DEFAULT_EMAIL, spec->when_ms / 1000, 0);
	if (rc == 0)
		rc = git_commit_create(&oid, m->objects.repository, NULL, who, who, "UTF-8", message.p, tree,
				       m->parent ? 1 : 0, parents);
	git_signature_free(who);
	if (rc < 0)
		return say(err, "commit");
	git_oid_tostr(sha, SHA_HEX_MAX + 1, &oid);
	return 0;
}

static int make(struct making *m, const char *parent, char sha[SHA_HEX_MAX + 1], struct error *err)
{
	git_oid oid;
	cleanup_tree git_tree *tree = NULL;
	if (read_parent(m, parent, err) < 0 || remove_others(m, err) < 0)
		return -1;
	for (size_t i = 0; i < m->spec->n; i++)
		if (add_file(m, &m->spec->files[i], err) < 0)
			return -1;
	if (git_index_write_tree_to(&oid, m->index, m->objects.repository) < 0)
		return say(err, "tree");
	snprintf(sha, SHA_HEX_MAX + 1, "%s", parent ? parent : "");
	if (m->before ? git_oid_equal(&oid, git_tree_id(m->before)) : git_index_entrycount(m->index) == 0)
		return 1;
	if (git_tree_lookup(&tree, m->objects.repository, &oid) < 0)
		return say(err, "tree");
	return write_commit(m, tree, sha, err);
}

static int make_commit(const char *git_dir, const char *parent, const struct commit_spec *spec,
		       char sha[SHA_HEX_MAX + 1], struct error *err)
{
	struct making m = { .spec = spec };
	if (check_spec(spec, err) < 0 || objects_open(&m.objects, git_dir, err) < 0)
		return -1;
	int rc = make(&m, parent, sha, err);
	git_index_free(m.index);
	git_tree_free(m.before);
	git_commit_free(m.parent);
	objects_close(&m.objects);
	return rc;
}

int commit_make(const char *git_dir, const char *parent, const struct commit_spec *spec,
		char sha[SHA_HEX_MAX + 1], struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct commit_spec mine = *spec;
	int rc = spec->edit ? spec->edit(spec->edit_ctx, &a, git_dir, parent ? parent : "", &mine, err) : 0;
	if (rc == 0)
		return make_commit(git_dir, parent, &mine, sha, err);
	if (rc > 0)
		snprintf(sha, SHA_HEX_MAX + 1, "%s", parent ? parent : "");
	return rc;
}
