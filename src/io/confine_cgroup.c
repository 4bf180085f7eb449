/*
 * confine_cgroup.c - a control group (v2) for one run, where we are allowed to make one: beneath our own
 * group when that hands controllers down, or beside it, as in a user's systemd session. Everywhere else, in
 * most containers for one, there is none, and memory is capped by other means.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include "io/confine_parts.h"
#include "io/file.h"

#define PREFIX "capstan-exec-"

enum { LINE_MAX_BYTES = 4096, REMOVE_TRIES = 50, REMOVE_WAIT_US = 10000 };

static int write_value(const char *dir, const char *name, const char *value)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* The kernel has made its files with the group, and makes no other. */
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	size_t n = strlen(value);
	return write(fd, value, n) == (ssize_t)n ? 0 : -1;
}

static bool read_value(const char *dir, const char *name, struct buf *out)
{
	char path[PATH_MAX];
	buf_clear(out);
	return snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) &&
	       file_read(path, LINE_MAX_BYTES, out, NULL) == 0;
}

/* Whether a list of words, as in cgroup.subtree_control, has this one. */
static bool has_word(struct str list, const char *word)
{
	while (list.n) {
		struct str one = str_cut(list, ' ', &list);
		if (str_is(str_trim(one), word))
			return true;
	}
	return false;
}

/* Whether groups made in dir get a cap of memory, and may be made by us. */
static bool hands_down(const char *dir, bool *pids)
{
	cleanup_buf struct buf controllers = BUF_INIT;
	if (!read_value(dir, "cgroup.subtree_control", &controllers))
		return false;
	*pids = has_word(buf_str(&controllers), "pids");
	errno = EOPNOTSUPP;
	return has_word(buf_str(&controllers), "memory") && access(dir, W_OK) == 0;
}

/* "0::/path" of /proc/self/cgroup: our group in the one hierarchy of v2. */
static bool own_group(const char *mount, const char *self, char out[PATH_MAX])
{
	cleanup_buf struct buf text = BUF_INIT;
	if (file_read(self, 1 << 16, &text, NULL) != 0)
		return false;
	struct str rest = buf_str(&text);
	while (rest.n) {
		struct str line = str_cut(rest, '\n', &rest);
		if (!str_starts(line, STR("0::/")))
			continue;
		line = str_from(line, 3);
		if (line.n == 1)
			line.n = 0;
		return snprintf(out, PATH_MAX, "%s%.*s", mount, STR_ARG(line)) < PATH_MAX;
	}
	errno = ENOENT;
	return false;
}

/* The groups of runs whose process is gone; one that still has processes cannot be removed. */
static void sweep(const char *dir)
{
	char path[PATH_MAX];
	DIR *d = opendir(dir);
	const struct dirent *e;
	while (d && (e = readdir(d))) {
		if (!str_starts(str_of(e->d_name), STR(PREFIX)))
			continue;
		int pid = atoi(e->d_name + sizeof(PREFIX) - 1);
		if (pid > 0 && kill(pid, 0) < 0 && errno == ESRCH &&
		    snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path))
			rmdir(path);
	}
	if (d)
		closedir(d);
}

static int make_in(struct confine_group *g, const char *dir, uint64_t memory, unsigned pids)
{
	static atomic_uint count;
	char value[32];
	sweep(dir);
	if (snprintf(g->path, sizeof(g->path), "%s/" PREFIX "%d-%u", dir, (int)getpid(),
		     atomic_fetch_add(&count, 1)) >= (int)sizeof(g->path) ||
	    mkdir(g->path, 0755) < 0) {
		g->path[0] = '\0';
		return 1;
	}
	snprintf(value, sizeof(value), "%llu", (unsigned long long)memory);
	int rc = write_value(g->path, "memory.max", value);
	int saved = errno;
	if (rc == 0 && g->pids) {
		snprintf(value, sizeof(value), "%u", pids);
		g->pids = write_value(g->path, "pids.max", value) == 0;
	}
	if (rc == 0) {
		(void)write_value(g->path, "memory.swap.max", "0");  /* not where swap is not counted */
		(void)write_value(g->path, "memory.oom.group", "0"); /* the keeper tells the tale */
		return 0;
	}
	confine_group_remove(g);
	errno = saved;
	return 1;
}

int confine_group_make(struct confine_group *g, const char *mount, const char *self, uint64_t memory,
		       unsigned pids)
{
	char dir[PATH_MAX];
	*g = (struct confine_group){ .path = "" };
	if (!own_group(mount, self, dir))
		return 1;
	if (hands_down(dir, &g->pids))
		return make_in(g, dir, memory, pids);
	char *slash = strrchr(dir, '/');
	if (strlen(dir) <= strlen(mount) || !slash)
		return 1;
	*slash = '\0';
	return hands_down(dir, &g->pids) ? make_in(g, dir, memory, pids) : 1;
}

int confine_group_add(const struct confine_group *g, pid_t pid)
{
	char number[16];
	snprintf(number, sizeof(number), "%d", (int)pid);
	return write_value(g->path, "cgroup.procs", number);
}

bool confine_group_out_of_memory(const struct confine_group *g)
{
	cleanup_buf struct buf events = BUF_INIT;
	if (!g->path[0] || !read_value(g->path, "memory.events", &events))
		return false;
	struct str rest = buf_str(&events);
	while (rest.n) {
		struct str line = str_cut(rest, '\n', &rest);
		if (str_starts(line, STR("oom_kill ")))
			return !str_is(line, "oom_kill 0");
	}
	return false;
}

/* Its processes are dead, but the kernel may need a moment to know. */
void confine_group_remove(struct confine_group *g)
{
	for (int i = 0; g->path[0] && i < REMOVE_TRIES && rmdir(g->path) < 0 && errno == EBUSY; i++)
		usleep(REMOVE_WAIT_US);
	g->path[0] = '\0';
}
