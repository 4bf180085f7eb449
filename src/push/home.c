/*
 * home.c - paths, whole files, settings. The JSON of a hosted repository's record is in home_record.c.
 *
 * A file is replaced by a rename within its directory, and the directory is synced after it: what a reader
 * finds after a power cut is the old file or the new one.
 */
#include "push/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "doc/json.h"
#include "io/file.h"
#include "push/home_record.h"

#define SETTINGS_MAX (64u << 10) /* bytes of settings.json */
#define HOME_DEFAULT "/var/lib/capstan/push"

const char *push_home(struct arena *a, const char *given)
{
	const char *home = given && *given ? given : getenv("CAPSTAN_PUSH_HOME");
	if (!home || !*home)
		home = HOME_DEFAULT;
	/* Hooks and sshd's commands run in other directories. */
	cleanup_free char *here = *home == '/' ? NULL : getcwd(NULL, 0);
	char *path = here ? arena_printf(a, "%s/%s", here, home) : arena_strdup(a, home);
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	return path;
}

char *push_path(struct arena *a, const char *home, ...)
{
	cleanup_buf struct buf path = BUF_INIT;
	va_list ap;
	buf_adds(&path, home);
	va_start(ap, home);
	for (const char *part; (part = va_arg(ap, const char *));) {
		buf_addc(&path, '/');
		buf_adds(&path, part);
	}
	va_end(ap);
	return arena_strndup(a, path.p, path.n);
}

bool hosted_name_ok(struct str text)
{
	if (text.n == 0 || text.n > HOSTED_NAME_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		bool end = i == 0 || i + 1 == text.n;
		if (!plain && (end || (c != '-' && c != '.')))
			return false;
		/* A DNS label ends and begins with a letter or digit, so no two dots meet. */
		if (c == '.' && (text.p[i - 1] == '.' || text.p[i - 1] == '-' || text.p[i + 1] == '-'))
			return false;
	}
	return true;
}

/* ---- whole files ---- */

static int write_all(int fd, struct str data)
{
	while (data.n) {
		ssize_t n = write(fd, data.p, data.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data = str_from(data, (size_t)n);
	}
	return 0;
}

static int sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *parent =
		!slash ? mem_strdup(".") : mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
	cleanup_fd int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : fsync(fd);
}

int push_write(const char *path, struct str data, enum push_durable durable, struct error *err)
{
	cleanup_buf struct buf aside = BUF_INIT;
	buf_printf(&aside, "%s.XXXXXX", path);
	int fd = mkostemp(aside.p, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return error_set(err, "%s: %s", path, strerror(errno));
	bool good = write_all(fd, data) == 0 && (durable == PUSH_VISIBLE || fsync(fd) == 0);
	int why = errno;
	if (close(fd) < 0 && good) {
		good = false;
		why = errno;
	}
	if (good && rename(aside.p, path) < 0) {
		good = false;
		why = errno;
	}
	if (!good) {
		unlink(aside.p);
		return error_set(err, "%s: %s", path, strerror(why));
	}
	if (durable == PUSH_DURABLE && sync_parent(path) < 0)
		return error_set(err, "%s: its directory cannot be synced: %s", path, strerror(errno));
	return 0;
}

int push_replace(const char *path, struct str data, struct error *err)
{
	return push_write(path, data, PUSH_DURABLE, err);
}

int push_make_dirs(const char *path, struct error *err)
{
	cleanup_free char *part = mem_strdup(path);
	for (char *slash = part + 1;; slash++) {
		slash = strchrnul(slash, '/');
		char was = *slash;
		*slash = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return error_set(err, "%s: %s", part, strerror(errno));
		if (!was)
			return 0;
		*slash = was;
	}
}

/* ---- settings ---- */

int push_settings_read(struct arena *a, const char *home, struct push_settings *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *path = push_path(a, home, "settings.json", NULL);
	struct node *root;
	int rc = file_read(path, SETTINGS_MAX, &text, err);
	if (rc > 0)
		return error_set(err, "%s is not there: `capstan serve --state %s` makes it", path, home);
	if (rc < 0)
		return -1;
	if (json_parse(a, buf_str(&text), true, &root, err) < 0)
		return error_wrap(err, "%s", path);
	*out = (struct push_settings){
		.kubeconfig = record_text(root, "kubeconfig"),
		.context = record_text(root, "context"),
		.address = record_text(root, "address"),
		.fetch_url = record_text(root, "fetchUrl"),
		.program = record_text(root, "program"),
		.require_confinement = node_bool(node_get(root, "requireConfinement"), false),
	};
	return 0;
}

int push_settings_write(const char *home, const struct push_settings *settings, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct node *root = node_map(&a);
	record_set_text(&a, root, "kubeconfig", settings->kubeconfig);
	record_set_text(&a, root, "context", settings->context);
	record_set_text(&a, root, "address", settings->address);
	record_set_text(&a, root, "fetchUrl", settings->fetch_url);
	record_set_text(&a, root, "program", settings->program);
	record_set_flag(&a, root, "requireConfinement", settings->require_confinement);
	json_write_pretty(&text, root);
	if (push_make_dirs(home, err) < 0)
		return -1;
	return push_replace(push_path(&a, home, "settings.json", NULL), buf_str(&text), err);
}
