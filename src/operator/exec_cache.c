/*
 * exec_cache.c - an entry is "capstan exec 1\n", the length of stdout in 8 bytes, a hash of both texts in 16,
 * stdout, stderr. Its time of modification is when it was used last.
 */
#include "operator/exec_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/vec.h"
#include "io/file.h"

#define MAGIC "capstan exec 1\n"
#define TEMPORARY ".new-"
#define LOCK ".lock"

enum {
	HEAD = sizeof(MAGIC) - 1 + 8 + 16,
	ENTRY_MAX = 128 << 20,
	STALE_S = 3600, /* a temporary file of a process that was killed */
};

static struct hash hash_entry(const struct exec_cached *entry)
{
	return hash_parts((const struct str[]){ entry->out, entry->err }, 2);
}

/* One entry's bytes, apart and checked; borrows from text. */
static bool decode(struct str text, struct exec_cached *out)
{
	uint64_t n = 0;
	struct hash hash;
	if (text.n < HEAD || !str_starts(text, STR(MAGIC)))
		return false;
	const unsigned char *p = (const unsigned char *)text.p + sizeof(MAGIC) - 1;
	for (int i = 0; i < 8; i++)
		n |= (uint64_t)p[i] << (8 * i);
	memcpy(hash.bytes, p + 8, sizeof(hash.bytes));
	struct str rest = str_from(text, HEAD);
	if (n > rest.n)
		return false;
	*out = (struct exec_cached){ { rest.p, (size_t)n }, str_from(rest, (size_t)n) };
	return hash_eq(hash, hash_entry(out));
}

static void encode(const struct exec_cached *entry, struct buf *out)
{
	struct hash hash = hash_entry(entry);
	buf_adds(out, MAGIC);
	for (int i = 0; i < 8; i++)
		buf_addc(out, (char)(entry->out.n >> (8 * i) & 0xff));
	buf_add(out, hash.bytes, sizeof(hash.bytes));
	buf_add_str(out, entry->out);
	buf_add_str(out, entry->err);
}

static void entry_path(struct buf *out, const char *dir, struct hash key)
{
	char hex[HASH_HEX_LEN + 1];
	hash_hex(key, hex);
	buf_printf(out, "%s/%s", dir, hex);
}

/* Another account's directory could tell us anything. */
static bool is_own_dir(const char *dir)
{
	struct stat st;
	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool exec_cache_get(const char *dir, struct hash key, struct arena *a, struct exec_cached *out)
{
	cleanup_buf struct buf path = BUF_INIT, text = BUF_INIT;
	entry_path(&path, dir, key);
	if (!is_own_dir(dir) || file_read(path.p, ENTRY_MAX, &text, NULL) != 0)
		return false;
	if (!decode(buf_str(&text), out)) {
		unlink(path.p);
		return false;
	}
	utimensat(AT_FDCWD, path.p, NULL, 0);
	out->out = arena_str(a, out->out);
	out->err = arena_str(a, out->err);
	return true;
}

struct entry {
	char *name;
	uint64_t bytes;
	int64_t used; /* nanoseconds */
};

typedef VEC(struct entry) entries;

static int by_use(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return x->used < y->used ? -1 : x->used > y->used;
}

static void list_entries(int dir, entries *list, uint64_t *bytes)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *e;
	while (d && (e = readdir(d))) {
		struct stat st;
		struct hash key;
		if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		if (str_starts(str_of(e->d_name), STR(TEMPORARY)) && time(NULL) - st.st_mtime > STALE_S)
			unlinkat(dir, e->d_name, 0);
		if (!hash_from_hex(str_of(e->d_name), &key))
			continue;
		struct entry entry = { mem_strdup(e->d_name), (uint64_t)st.st_blocks * 512,
				       (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec };
		vec_push(list, entry);
		*bytes += entry.bytes;
	}
	if (d)
		closedir(d);
	else if (copy >= 0)
		close(copy);
}

/* Down to nine tenths, so that the next entry does not do it again. One process at a time is enough. */
static void trim(int dir, uint64_t bytes_max)
{
	entries list = { 0 };
	uint64_t bytes = 0;
	cleanup_fd int lock = openat(dir, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
		return;
	list_entries(dir, &list, &bytes);
	size_t n = list.n;
	bool over = bytes > bytes_max || n > EXEC_CACHE_ENTRIES_MAX;
	if (over && list.n)
		qsort(list.at, list.n, sizeof(*list.at), by_use);
	for (size_t i = 0; i < list.n; i++) {
		if (over && (bytes > bytes_max / 10 * 9 || n > EXEC_CACHE_ENTRIES_MAX / 10 * 9)) {
			unlinkat(dir, list.at[i].name, 0);
			bytes -= list.at[i].bytes;
			n--;
		}
		free(list.at[i].name);
	}
	vec_release(&list);
}

static bool write_all(int fd, struct str data)
{
	while (data.n) {
		ssize_t n = write(fd, data.p, data.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data = str_from(data, (size_t)n);
	}
	return true;
}

void exec_cache_put(const char *dir, struct hash key, const struct exec_cached *entry, uint64_t bytes_max)
{
	cleanup_buf struct buf path = BUF_INIT, temporary = BUF_INIT, text = BUF_INIT;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return;
	encode(entry, &text);
	cleanup_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || !is_own_dir(dir) || text.n > ENTRY_MAX)
		return;
	buf_printf(&temporary, "%s/" TEMPORARY "XXXXXX", dir);
	int file = mkostemp(temporary.p, O_CLOEXEC);
	if (file < 0)
		return;
	entry_path(&path, dir, key);
	bool good = write_all(file, buf_str(&text));
	close(file);
	if (!good || rename(temporary.p, path.p) < 0)
		unlink(temporary.p);
	trim(fd, bytes_max ? bytes_max : EXEC_CACHE_BYTES);
}
