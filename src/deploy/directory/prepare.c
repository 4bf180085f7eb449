/* prepare.c - files of a repository to items of a directory. */
#include "deploy/directory/directory.h"

#include <stdio.h>

#include "deploy/directory/tree.h"

struct hash directory_hash(uint32_t mode, struct str data)
{
	char text[16];
	snprintf(text, sizeof(text), "%04o", mode);
	struct str parts[] = { str_of(text), data };
	return hash_parts(parts, 2);
}

/* Git's own files and ours are no content. */
static bool skipped(struct str path)
{
	struct str rest = path;
	while (rest.n > 0) {
		struct str part = str_cut(rest, '/', &rest);
		if (str_is(part, ".git") || str_starts(part, STR(".capstan")))
			return true;
	}
	return false;
}

static void add_problem(struct desired *out, const char *path, const char *text)
{
	struct problem *p = &out->problems[out->n_problems++];
	p->key = "";
	p->file = arena_strdup(&out->arena, path);
	p->text = arena_strdup(&out->arena, text);
	out->n_errors++;
}

static void add_item(struct desired *out, const struct repo_file *file, const char *path)
{
	struct str key = arena_str(&out->arena, str_of(path));
	out->items[out->n++] = (struct desired_item){
		.key = key,
		.payload = arena_str(&out->arena, file->data),
		.hash = directory_hash(file->mode, file->data),
		.file = arena_strdup(&out->arena, file->path),
		.mode = file->mode,
	};
}

/* The path beneath source, or NULL when it is not beneath it. */
static const char *beneath(const char *path, const char *source)
{
	struct str dir = str_of(source);
	while (str_starts(dir, STR("./")))
		dir = str_from(dir, 2);
	while (str_ends(dir, STR("/")) && dir.n > 1)
		dir.n--;
	if (dir.n == 0 || str_is(dir, "."))
		return path;
	if (!str_starts(str_of(path), dir))
		return NULL;
	path += dir.n;
	if (dir.p[dir.n - 1] == '/')
		return path;
	return *path == '/' ? path + 1 : NULL;
}

void directory_prepare(const struct repo_files *in, const char *source, struct desired *out)
{
	out->items = arena_array(&out->arena, struct desired_item, in->n + 1);
	out->problems = arena_array(&out->arena, struct problem, in->n + in->n_problems + 1);
	for (size_t i = 0; i < in->n_problems; i++)
		add_problem(out, in->problems[i].path, in->problems[i].text);
	for (size_t i = 0; i < in->n; i++) {
		const char *path = beneath(in->files[i].path, source);
		if (!path || skipped(str_of(path)))
			continue;
		if (!tree_path_ok(str_of(path)))
			add_problem(out, in->files[i].path, "is no path beneath the directory");
		else
			add_item(out, &in->files[i], path);
	}
	desired_seal(out);
}
