/* init_look.c - see init_look.h. */
#include "cmd/init_look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "doc/yaml.h"
#include "io/file.h"
#include "render/kustomize/kustomize.h"
#include "render/render.h"
#include "render/tree.h"

void look_release(struct look *l)
{
	vec_release(&l->dirs);
	map_release(&l->by_path);
}

const char *look_parent(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	if (strcmp(path, ".") == 0)
		return NULL;
	return slash ? arena_strndup(a, path, (size_t)(slash - path)) : ".";
}

const char *look_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* --- the repository --- */

static bool exists(struct arena *a, const char *dir, const char *name)
{
	struct stat st;
	return stat(arena_printf(a, "%s/%s", dir, name), &st) == 0;
}

static struct str first_line(const struct buf *text)
{
	struct str rest;
	return str_trim(str_cut(buf_str(text), '\n', &rest));
}

/* .git is a directory, or in a worktree and a submodule a file that names one. */
static const char *git_dir(struct arena *a, const char *root)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = arena_printf(a, "%s/.git", root);
	struct stat st;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return path;
	if (file_read(path, 4096, &text, NULL) != 0 || !str_starts(first_line(&text), STR("gitdir: ")))
		return NULL;
	struct str to = str_from(first_line(&text), 8);
	return to.n && to.p[0] == '/' ? arena_strndup(a, to.p, to.n)
				      : arena_printf(a, "%s/%.*s", root, STR_ARG(to));
}

static void find_branch(struct look *l)
{
	cleanup_buf struct buf head = BUF_INIT;
	const char *dir = git_dir(l->a, l->root);
	if (!dir || file_read(arena_printf(l->a, "%s/HEAD", dir), 4096, &head, NULL) != 0)
		return;
	struct str line = first_line(&head);
	if (str_starts(line, STR("ref: refs/heads/")))
		l->branch = arena_strndup(l->a, line.p + 16, line.n - 16);
}

/* The directory at or above dir that has .git, or dir itself. */
static int find_root(struct look *l, const char *dir, struct error *err)
{
	char *real = realpath(dir, NULL);
	struct stat st;
	if (!real)
		return error_set(err, "%s: %s", dir, strerror(errno));
	char *at = arena_strdup(l->a, real);
	free(real);
	l->root = arena_strdup(l->a, at);
	if (stat(at, &st) || !S_ISDIR(st.st_mode))
		return error_set(err, "%s: is no directory", dir);
	for (char *slash; *at; *slash = '\0') {
		if (exists(l->a, at, ".git")) {
			l->root = at;
			l->repository = true;
			break;
		}
		slash = strrchr(at, '/');
		if (!slash)
			break;
	}
	return 0;
}

/* --- files --- */

/* The start of a file of the repository, without following a link. */
static bool read_start(int dir, const char *name, struct buf *out)
{
	char chunk[16384];
	cleanup_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	while (out->n < LOOK_FILE_MAX) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n <= 0)
			break;
		buf_add(out, chunk, (size_t)n);
	}
	return out->n > 0;
}

/* Whether a line of the text begins so. */
static bool has_line(struct str text, struct str start)
{
	while (text.n)
		if (str_starts(str_cut(text, '\n', &text), start))
			return true;
	return false;
}

static bool is_manifest(struct str name, struct str text)
{
	if (str_ends(name, STR(".json")))
		return memmem(text.p, text.n, "\"apiVersion\"", 12) && memmem(text.p, text.n, "\"kind\"", 6);
	return has_line(text, STR("apiVersion:")) && has_line(text, STR("kind:"));
}

static struct look_dir *dir_of(struct look *l, const char *path)
{
	return path ? map_get(&l->by_path, str_of(path)) : NULL;
}

/* Notes a reference for later: the directory it leads to may not be known yet. */
struct reference {
	const char *from, *to;
};

struct walk {
	struct look *l;
	VEC(struct reference) references;
};

static void read_references(struct walk *w, const struct look_dir *d, const struct node *root)
{
	static const char *const fields[] = { "resources", "bases", "components", "patchesStrategicMerge",
					      "crds" };
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct node *list = node_get(root, fields[i]);
		for (size_t k = 0; list && list->type == NODE_SEQ && k < list->seq.n; k++) {
			struct str to = node_text(list->seq.items[k]);
			if (to.n && to.n < 4096 && !memchr(to.p, '\n', to.n))
				vec_push(&w->references,
					 ((struct reference){ d->path, arena_strndup(w->l->a, to.p, to.n) }));
		}
	}
}

/* One that stands for itself, and not for a variable. */
static bool is_namespace(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", s.p[i]) || !s.p[i])
			return false;
	return s.n > 0 && s.n <= 63 && s.p[0] != '-' && s.p[s.n - 1] != '-';
}

static void read_kustomization(struct walk *w, struct look_dir *d, struct str text)
{
	struct yaml_stream stream;
	d->kustomization = true;
	if (yaml_parse_as(w->l->a, text, &(struct yaml_options){ .dialect = YAML_KYAML }, &stream, NULL) ||
	    stream.n == 0)
		return;
	const struct node *root = stream.documents[0].root;
	struct str namespace = node_text(node_get(root, "namespace"));
	d->component = str_is(node_text(node_get(root, "kind")), "Component");
	if (is_namespace(namespace))
		d->namespace = arena_strndup(w->l->a, namespace.p, namespace.n);
	read_references(w, d, root);
}

static void look_at_file(struct walk *w, struct look_dir *d, int dir, const char *name)
{
	cleanup_buf struct buf text = BUF_INIT;
	if (strcmp(name, "Chart.yaml") == 0) {
		d->chart = true;
		return;
	}
	bool kustomization = kustomize_is_file(str_of(name));
	if (!kustomization && (d->manifests || !render_is_manifest(str_of(name))))
		return;
	if (++w->l->files > LOOK_FILES_MAX) {
		w->l->cut = true;
		return;
	}
	if (!read_start(dir, name, &text))
		return;
	if (kustomization)
		read_kustomization(w, d, buf_str(&text));
	else
		d->manifests = is_manifest(str_of(name), buf_str(&text));
}

/* --- directories --- */

/* Never what is deployed: hidden ones, what package managers bring, names that no file can say. */
static bool is_skipped(const char *name)
{
	if (name[0] == '.' || strcmp(name, "node_modules") == 0 || strcmp(name, "vendor") == 0)
		return true;
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return true;
	return !str_utf8(str_of(name));
}

static void look_into(struct walk *w, int parent, const char *name, const char *path, unsigned depth);

static void look_at_entry(struct walk *w, struct look_dir *d, int dir, const char *name, unsigned depth)
{
	struct stat st;
	if (is_skipped(name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return;
	if (S_ISREG(st.st_mode))
		look_at_file(w, d, dir, name);
	else if (S_ISDIR(st.st_mode))
		look_into(w, dir, name,
			  strcmp(d->path, ".") == 0 ? arena_strdup(w->l->a, name)
						    : arena_printf(w->l->a, "%s/%s", d->path, name),
			  depth + 1);
}

static void look_into(struct walk *w, int parent, const char *name, const char *path, unsigned depth)
{
	struct look *l = w->l;
	if (depth > LOOK_DEPTH_MAX || l->dirs.n >= LOOK_DIRS_MAX) {
		l->cut = true;
		return;
	}
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	if (!stream) {
		if (fd >= 0)
			close(fd);
		return;
	}
	struct look_dir *d = arena_new(l->a, struct look_dir);
	d->path = path;
	vec_push(&l->dirs, d);
	map_put(&l->by_path, str_of(path), d);
	for (struct dirent *entry; (entry = readdir(stream));)
		look_at_entry(w, d, dirfd(stream), entry->d_name, depth);
	closedir(stream);
}

static void follow_references(struct walk *w)
{
	static const struct render_tree nowhere = { .ops = NULL };
	for (size_t i = 0; i < w->references.n; i++) {
		const struct reference *r = &w->references.at[i];
		const char *from = strcmp(r->from, ".") == 0 ? "" : r->from;
		const char *to = r->to[0] == '/' ? NULL : tree_join(&nowhere, w->l->a, from, r->to);
		if (!to)
			continue;
		struct look_dir *d = dir_of(w->l, *to ? to : ".");
		if (!d)
			d = dir_of(w->l, look_parent(w->l->a, to));
		if (d && strcmp(d->path, r->from) != 0)
			d->used = true;
	}
}

static int by_path(const void *a, const void *b)
{
	const struct look_dir *const *x = a, *const *y = b;
	return strcmp((*x)->path, (*y)->path);
}

int look_at(struct arena *a, const char *dir, struct look *out, struct error *err)
{
	*out = (struct look){ .a = a };
	struct walk w = { .l = out };
	if (find_root(out, dir, err))
		return -1;
	find_branch(out);
	look_into(&w, AT_FDCWD, out->root, ".", 0);
	follow_references(&w);
	vec_release(&w.references);
	if (out->dirs.n == 0)
		return error_set(err, "%s: cannot be read", out->root);
	qsort(out->dirs.at, out->dirs.n, sizeof(out->dirs.at[0]), by_path);
	return 0;
}
