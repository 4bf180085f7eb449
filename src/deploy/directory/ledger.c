/* ledger.c - see ledger.h. */
#include "deploy/directory/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/hex.h"
#include "io/file.h"

enum {
	FILE_MAX = 256 << 20, /* bytes of one inventory */
	APP_NAME_MAX = 180,   /* bytes of an app's name in a file's name; a longer one is hashed */
	ROOT_HEX = 16
};

static const char suffix[] = ".inventory";
static const char command_key[] = "!command";

/* --- in memory --- */

static void free_entry(struct entry *e)
{
	free(e->path);
	free(e);
}

void ledger_release(struct ledger *l)
{
	for (size_t i = 0; i < l->entries.n; i++)
		free_entry(l->entries.at[i]);
	vec_release(&l->entries);
	map_release(&l->by_path);
	*l = (struct ledger)LEDGER_INIT;
}

struct entry *ledger_find(const struct ledger *l, const char *path)
{
	return map_get(&l->by_path, str_of(path));
}

struct entry *ledger_add(struct ledger *l, const char *path)
{
	struct entry *e = ledger_find(l, path);
	if (e)
		return e;
	e = mem_alloc(sizeof(*e));
	e->path = mem_strdup(path);
	e->directory = path[strlen(path) - 1] == '/';
	e->wanted = true;
	e->at = l->entries.n;
	vec_push(&l->entries, e);
	map_put(&l->by_path, str_of(path), e);
	return e;
}

void ledger_clone(struct ledger *to, const struct ledger *from)
{
	to->command_due = from->command_due;
	for (size_t i = 0; i < from->entries.n; i++) {
		const struct entry *e = from->entries.at[i];
		struct entry *copy = ledger_add(to, e->path);
		char *path = copy->path;
		size_t at = copy->at;
		*copy = *e;
		copy->path = path;
		copy->at = at;
	}
}

void ledger_drop(struct ledger *l, struct entry *e)
{
	map_del(&l->by_path, str_of(e->path));
	l->entries.at[e->at] = l->entries.at[--l->entries.n];
	l->entries.at[e->at]->at = e->at;
	free_entry(e);
}

/* --- names --- */

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.' || c == '/';
}

static void encode(struct buf *out, const char *text, bool slash)
{
	for (const char *p = text; *p; p++)
		if (plain(*p) && (slash || *p != '/'))
			buf_addc(out, *p);
		else
			buf_printf(out, "%%%02x", (unsigned char)*p);
}

static char *decode(struct arena *a, struct str text)
{
	char *out = arena_alloc(a, text.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) {
		bool escape = text.p[i] == '%' && text.n - i > 2;
		int high = escape ? hex_lower(text.p[i + 1]) : -1;
		int low = escape ? hex_lower(text.p[i + 2]) : -1;
		if (high >= 0 && low >= 0) {
			out[n++] = (char)(high * 16 + low);
			i += 2;
		} else {
			out[n++] = text.p[i];
		}
	}
	out[n] = '\0';
	return out;
}

static struct buf root_prefix(const char *root)
{
	char hex[HASH_HEX_LEN + 1];
	hash_hex(hash_of(str_of(root)), hex);
	struct buf name = BUF_INIT;
	buf_printf(&name, "%.*s-", ROOT_HEX, hex);
	return name;
}

char *ledger_file(const char *state_dir, const char *root, const char *app)
{
	cleanup_buf struct buf prefix = root_prefix(root), name = BUF_INIT;
	encode(&name, app, false);
	if (name.n > APP_NAME_MAX) {
		char hex[HASH_HEX_LEN + 1];
		hash_hex(hash_of(str_of(app)), hex);
		buf_clear(&name);
		buf_adds(&name, hex);
	}
	struct buf path = BUF_INIT;
	buf_printf(&path, "%s/%s%s%s", state_dir, prefix.p, name.p, suffix);
	return path.p;
}

/* --- the file --- */

static bool entry_ok(const char *path)
{
	struct str s = str_of(path);
	if (str_is(s, "./"))
		return true;
	if (str_ends(s, STR("/")))
		s.n--;
	return tree_path_ok(s);
}

int ledger_load(struct ledger *l, const char *file, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct inventory inv = { 0 };
	struct error why = ERROR_INIT;
	int rc = file_read(file, FILE_MAX, &text, &why);
	if (rc != 0)
		return rc < 0 ? error_set(err, "read %s", why.text) : 0;
	if (inventory_read(&a, buf_str(&text), &inv, err) != 0)
		return error_wrap(err, "%s", file);
	for (size_t i = 0; i < inv.n; i++) {
		const struct inventory_entry *from = &inv.entries[i];
		if (str_is(from->key, command_key)) {
			l->command_due = true;
			continue;
		}
		const char *path = decode(&a, from->key);
		if (!entry_ok(path))
			return error_set(err, "%s: \"%s\" is no path beneath a directory", file, path);
		struct entry *e = ledger_add(l, path);
		e->applied = from->desired;
		e->intended = from->live;
	}
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct inventory_entry *x = a, *y = b;
	return str_cmp(x->key, y->key);
}

static void to_text(const struct ledger *l, struct buf *out)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct inventory inv = { .entries = arena_array(&a, struct inventory_entry, l->entries.n + 1) };
	for (size_t i = 0; i < l->entries.n; i++) {
		const struct entry *e = l->entries.at[i];
		cleanup_buf struct buf key = BUF_INIT;
		encode(&key, e->path, true);
		inv.entries[inv.n++] = (struct inventory_entry){
			.key = arena_str(&a, buf_str(&key)),
			.version = e->directory ? STR("directory") : STR("file"),
			.desired = e->applied,
			.live = e->intended,
		};
	}
	if (l->command_due)
		inv.entries[inv.n++] =
			(struct inventory_entry){ .key = str_of(command_key), .version = STR("due") };
	qsort(inv.entries, inv.n, sizeof(*inv.entries), by_key);
	inventory_write(out, &inv);
}

static int write_durably(int fd, struct str text)
{
	while (text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text = str_from(text, (size_t)n);
	}
	return fsync(fd);
}

static int sync_directory_of(const char *file)
{
	cleanup_free char *dir = mem_strndup(file, (size_t)(strrchr(file, '/') - file));
	cleanup_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : fsync(fd);
}

int ledger_save(const struct ledger *l, const char *file, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT, temp = BUF_INIT, old = BUF_INIT;
	to_text(l, &text);
	if (file_read(file, FILE_MAX, &old, NULL) == 0 && str_eq(buf_str(&old), buf_str(&text)))
		return 0; /* it says so already */
	buf_printf(&temp, "%s.new", file);
	{
		cleanup_fd int fd = open(temp.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 || write_durably(fd, buf_str(&text)) != 0)
			goto failed;
	}
	if (rename(temp.p, file) != 0 || sync_directory_of(file) != 0)
		goto failed;
	return 0;
failed:
	error_set(err, "write the inventory %s: %s", file, strerror(errno));
	unlink(temp.p);
	return -1;
}

/* --- other apps --- */

struct claim {
	struct ledger *ledger;
	const char *const *paths;
	size_t n;
	ledger_taken_fn *taken;
	void *arg;
};

static int check_other(struct claim *c, const char *file, const char *app, struct error *err)
{
	struct ledger other = LEDGER_INIT;
	int rc = ledger_load(&other, file, err);
	for (size_t i = 0; rc == 0 && i < c->n; i++) {
		struct entry *mine = ledger_find(c->ledger, c->paths[i]);
		if (!mine || mine->directory || !ledger_find(&other, c->paths[i]))
			continue;
		c->taken(c->arg, c->paths[i], app);
		ledger_drop(c->ledger, mine);
	}
	ledger_release(&other);
	return rc;
}

static int check_others(struct claim *c, const char *state_dir, const char *file, struct error *err)
{
	const char *own = strrchr(file, '/') + 1;
	DIR *dir = opendir(state_dir);
	if (!dir)
		return error_set(err, "read %s: %s", state_dir, strerror(errno));
	cleanup_arena struct arena a = ARENA_INIT;
	int rc = 0;
	for (struct dirent *d; rc == 0 && (d = readdir(dir));) {
		struct str name = str_of(d->d_name);
		if (name.n <= ROOT_HEX || strncmp(d->d_name, own, ROOT_HEX + 1) != 0 ||
		    strcmp(d->d_name, own) == 0 || !str_ends(name, str_of(suffix)))
			continue;
		struct str app = { name.p + ROOT_HEX + 1, name.n - ROOT_HEX - 1 - strlen(suffix) };
		rc = check_other(c, arena_printf(&a, "%s/%s", state_dir, d->d_name), decode(&a, app), err);
	}
	closedir(dir);
	return rc;
}

int ledger_claim(struct ledger *l, const char *state_dir, const char *file, const char *const *paths,
		 size_t n, ledger_taken_fn *taken, void *arg, struct error *err)
{
	struct claim c = { .ledger = l, .paths = paths, .n = n, .taken = taken, .arg = arg };
	cleanup_buf struct buf lock = BUF_INIT;
	buf_printf(&lock, "%s/lock", state_dir);
	cleanup_fd int fd = open(lock.p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) != 0)
		return error_set(err, "lock %s: %s", lock.p, strerror(errno));
	if (check_others(&c, state_dir, file, err) != 0)
		return -1;
	return ledger_save(l, file, err);
}
