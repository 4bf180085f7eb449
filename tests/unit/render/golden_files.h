/*
 * golden_files.h - files of a golden case: one, or all below a directory as a tree in memory. What cannot be
 * read ends the program.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "render/tree.h"

struct golden_files {
	struct arena a;
	VEC(const char *) paths;
	VEC(struct str) texts;
};

static inline bool golden_read_file(const char *path, struct buf *out)
{
	char chunk[65536];
	FILE *file = fopen(path, "rb");
	if (!file)
		return false;
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file));)
		buf_add(out, chunk, n);
	fclose(file);
	return true;
}

static inline int golden_by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline void golden_list(struct golden_files *f, const char *root, const char *path)
{
	char full[4096];
	snprintf(full, sizeof(full), "%s/%s", root, path);
	struct stat st;
	if (stat(full, &st) == 0 && S_ISREG(st.st_mode)) {
		vec_push(&f->paths, arena_strdup(&f->a, path));
		return;
	}
	DIR *dir = opendir(full);
	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (e->d_name[0] != '.')
			golden_list(f, root,
				    arena_printf(&f->a, "%s%s%s", path, *path ? "/" : "", e->d_name));
	}
	if (dir)
		closedir(dir);
}

static inline void golden_read_files(struct golden_files *f, const char *root)
{
	golden_list(f, root, "");
	qsort(f->paths.at, f->paths.n, sizeof(*f->paths.at), golden_by_name);
	for (size_t i = 0; i < f->paths.n; i++) {
		cleanup_buf struct buf text = BUF_INIT;
		char full[4096];
		snprintf(full, sizeof(full), "%s/%s", root, f->paths.at[i]);
		if (!golden_read_file(full, &text))
			abort();
		vec_push(&f->texts, arena_str(&f->a, buf_str(&text)));
	}
}

static inline bool golden_write_file(const char *path, struct str text)
{
	FILE *file = fopen(path, "wb");
	return file && fwrite(text.n ? text.p : "", 1, text.n, file) == text.n && fclose(file) == 0;
}

static inline void golden_release_files(struct golden_files *f)
{
	vec_release(&f->paths);
	vec_release(&f->texts);
	arena_release(&f->a);
}
