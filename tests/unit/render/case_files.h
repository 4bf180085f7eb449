/*
 * case_files.h - the files of a case of golden data, read from a directory.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/vec.h"

struct files {
	struct arena a;
	VEC(const char *) paths;
	VEC(struct str) texts;
};

static inline bool read_file(const char *path, struct buf *out)
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

static inline int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline void list(struct files *f, const char *root, const char *path)
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
			list(f, root, arena_printf(&f->a, "%s%s%s", path, *path ? "/" : "", e->d_name));
	}
	if (dir)
		closedir(dir);
}

static inline void read_files(struct files *f, const char *root)
{
	list(f, root, "");
	qsort(f->paths.at, f->paths.n, sizeof(*f->paths.at), by_name);
	for (size_t i = 0; i < f->paths.n; i++) {
		cleanup_buf struct buf text = BUF_INIT;
		char full[4096];
		snprintf(full, sizeof(full), "%s/%s", root, f->paths.at[i]);
		if (!read_file(full, &text))
			abort();
		vec_push(&f->texts, arena_str(&f->a, buf_str(&text)));
	}
}

/* A main(): checks every case below argv[1], and says how many failed. */
static inline int each_case(int argc, char **argv, bool (*check)(const char *directory))
{
	unsigned cases = 0, failures = 0;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	for (struct dirent *e; dir && (e = readdir(dir));) {
		char path[4096];
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
		cases++;
		failures += !check(path);
	}
	if (dir)
		closedir(dir);
	printf("%u cases, %u failures\n", cases, failures);
	return cases == 0 || failures;
}
