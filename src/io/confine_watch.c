/*
 * confine_watch.c - what the kernel does not cap here, the keeper looks at a few times a second: the memory
 * and processor time of all the program's processes together, how many there are, and, where its directory is
 * on a disk, how large it is.
 *
 * Memory is what only these processes have: anonymous and shared memory and swap. Pages that processes share
 * since a fork count for each of them, so what looks too large is looked at again by shares (Pss), and must
 * be too large twice: between vfork() and execve() two processes are one memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "io/confine_parts.h"

enum {
	FAMILY_MAX = 4096, /* descendants seen in one look; CONFINE_PIDS is far below */
	FAMILY_LOOKS = 100,
	ENTRIES_SIZE = 2048, /* of a directory, read at a time */
	STATUS_SIZE = 4096,
	DISK_EVERY = 4, /* looks */
};

/* The kernel's struct linux_dirent64 (getdents64(2)): readdir() would allocate. */
struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

struct sums {
	uint64_t memory, cpu_ticks, processes, threads;
};

/* One process, as its stat tells it. */
struct seen {
	char state;
	pid_t parent, session;
	uint64_t cpu_ticks, threads;
};

static ssize_t read_at(int dir, const char *path, char *out, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	ssize_t n = read(fd, out, size - 1);
	close(fd);
	out[n < 0 ? 0 : n] = '\0';
	return n;
}

static uint64_t number(const char **p)
{
	uint64_t value = 0;
	while (**p == ' ' || **p == '\t' || **p == '\n')
		(*p)++;
	while (**p >= '0' && **p <= '9')
		value = value * 10 + (uint64_t)(*(*p)++ - '0');
	return value;
}

/* "NAME   123 kB" in a text of lines; bytes; 0 when it is not there. */
static uint64_t kilobytes(const char *text, const char *name)
{
	size_t n = strlen(name);
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, n) == 0) {
			line += n;
			return number(&line) * 1024;
		}
	}
	return 0;
}

/* /proc/PID/stat (proc(5)): what comes behind the name, which may hold anything. */
static bool read_stat(int dir, struct seen *seen)
{
	char text[STATUS_SIZE];
	if (read_at(dir, "stat", text, sizeof(text)) <= 0)
		return false;
	const char *p = strrchr(text, ')');
	if (!p || p[1] != ' ' || !p[2])
		return false;
	seen->state = p[2];
	p += 3; /* fields 4 and following */
	uint64_t field[21] = { 0 };
	for (int i = 4; i <= 20; i++) {
		while (*p == ' ' || *p == '-')
			p++;
		field[i] = number(&p);
	}
	seen->parent = (pid_t)field[4];
	seen->session = (pid_t)field[6];
	seen->cpu_ticks = field[14] + field[15] + field[16] + field[17];
	seen->threads = field[20];
	return true;
}

static uint64_t memory_of(int dir, bool shares)
{
	char text[STATUS_SIZE];
	if (read_at(dir, shares ? "smaps_rollup" : "status", text, sizeof(text)) <= 0)
		return 0;
	if (shares)
		return kilobytes(text, "Pss_Anon:") + kilobytes(text, "Pss_Shmem:") +
		       kilobytes(text, "SwapPss:");
	return kilobytes(text, "RssAnon:") + kilobytes(text, "RssShmem:") + kilobytes(text, "VmSwap:");
}

/* The process's directory, or -1: name is no process, or the keeper. */
static int open_process(const struct confine_watch *w, const char *name, pid_t *pid)
{
	const char *digits = name;
	*pid = (pid_t)number(&digits);
	if (*pid <= 0 || *digits || *pid == w->keeper)
		return -1;
	return openat(w->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void add_process(const struct confine_watch *w, int dir, bool shares, struct sums *sums)
{
	struct seen seen;
	if (!read_stat(dir, &seen) || (w->session != 0 && seen.session != w->session))
		return;
	sums->memory += memory_of(dir, shares);
	sums->cpu_ticks += seen.cpu_ticks;
	sums->threads += seen.threads;
	sums->processes++;
}

/* Those that descend from the keeper, as far as one look at the list shows them: children mostly come after
 * their parents. */
struct family {
	pid_t pids[FAMILY_MAX];
	size_t n;
	size_t running; /* that were not stopped */
};

static bool is_of(const struct family *f, pid_t parent, pid_t keeper)
{
	if (parent == keeper)
		return true;
	for (size_t i = 0; i < f->n; i++)
		if (f->pids[i] == parent)
			return true;
	return false;
}

static void stop_process(struct family *f, pid_t pid, const struct seen *seen, pid_t keeper)
{
	if (seen->state == 'Z' || f->n == FAMILY_MAX || !is_of(f, seen->parent, keeper))
		return;
	f->pids[f->n++] = pid;
	if (seen->state == 'T')
		return;
	f->running++;
	kill(pid, SIGSTOP);
}

/* What is done with each process. */
enum each { ADD, ADD_SHARES, STOP_FAMILY };

static void each_process(const struct confine_watch *w, enum each what, struct sums *sums, struct family *f)
{
	_Alignas(struct entry) char space[ENTRIES_SIZE];
	long n;
	if (w->proc < 0 || lseek(w->proc, 0, SEEK_SET) < 0)
		return;
	while ((n = syscall(SYS_getdents64, w->proc, space, sizeof(space))) > 0)
		for (long at = 0; at < n;) {
			const struct entry *e = (const struct entry *)(space + at);
			struct seen seen;
			pid_t pid;
			int dir = open_process(w, e->name, &pid);
			at += e->len;
			if (dir < 0)
				continue;
			if (what != STOP_FAMILY)
				add_process(w, dir, what == ADD_SHARES, sums);
			else if (read_stat(dir, &seen))
				stop_process(f, pid, &seen, w->keeper);
			close(dir);
		}
}

void confine_kill_family(const struct confine_watch *w)
{
	/* Of the keeper alone, which has one thread and little of a stack. */
	static struct family f;
	/* What is stopped starts nothing; so each look leaves fewer that run, however fast they multiply. */
	for (unsigned look = 0; look < FAMILY_LOOKS; look++) {
		f = (struct family){ 0 };
		each_process(w, STOP_FAMILY, NULL, &f);
		if (!f.running)
			break;
	}
	for (size_t i = 0; i < f.n; i++)
		kill(f.pids[i], SIGKILL);
}

static uint64_t own_children_ms(void)
{
	struct rusage usage;
	if (getrusage(RUSAGE_CHILDREN, &usage) < 0)
		return 0;
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

static enum confine_end look_at_processes(struct confine_watch *w, const struct confine_job *job)
{
	const struct confine_spec *spec = job->spec;
	struct sums sums = { 0 };
	each_process(w, ADD, &sums, NULL);
	if (sums.memory > w->memory_peak)
		w->memory_peak = sums.memory;
	if (sums.threads >= spec->pids_max)
		w->pids_reached = true;
	uint64_t cpu_ms = own_children_ms() + sums.cpu_ticks * 1000 / (uint64_t)job->ticks;
	if (cpu_ms > (uint64_t)spec->cpu_ms)
		return CONFINE_OVER_CPU;
	if (sums.processes > spec->pids_max)
		return CONFINE_OVER_PIDS;
	if (sums.memory > spec->memory_bytes) {
		struct sums by_shares = { 0 };
		each_process(w, ADD_SHARES, &by_shares, NULL);
		/* Where shares cannot be read they are 0, and what was seen first counts. */
		if (by_shares.memory == 0 || by_shares.memory > spec->memory_bytes)
			w->over++;
		else
			w->over = 0;
	} else {
		w->over = 0;
	}
	return w->over >= 2 ? CONFINE_OVER_MEMORY : CONFINE_EXITED;
}

struct usage {
	uint64_t bytes, entries;
};

/* Adds what is in dir (which is closed) and below. false: deeper than is looked at. */
static bool add_directory(int dir, struct usage *u, uint64_t most, unsigned depth)
{
	_Alignas(struct entry) char space[ENTRIES_SIZE];
	bool good = depth <= CONFINE_DEPTH_MAX;
	long n;
	while (good && u->entries <= most && (n = syscall(SYS_getdents64, dir, space, sizeof(space))) > 0)
		for (long at = 0; good && at < n;) {
			const struct entry *e = (const struct entry *)(space + at);
			struct stat st;
			at += e->len;
			if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0)
				continue;
			u->entries++;
			if (fstatat(dir, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
				continue;
			u->bytes += (uint64_t)st.st_blocks * 512;
			if (!S_ISDIR(st.st_mode))
				continue;
			int below = openat(dir, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (below >= 0)
				good = add_directory(below, u, most, depth + 1);
		}
	close(dir);
	return good;
}

static enum confine_end look_at_disk(struct confine_watch *w, const struct confine_job *job)
{
	struct usage u = { 0 };
	int dir = open(job->base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return CONFINE_EXITED;
	bool good = add_directory(dir, &u, job->entries_max, 0);
	if (good && u.entries <= job->entries_max && u.bytes <= job->tree_bytes + job->spec->disk_bytes)
		return CONFINE_EXITED;
	w->disk_full = true;
	return CONFINE_OVER_DISK;
}

/* In memory: full is full, and the program was told so. */
static void look_at_space(struct confine_watch *w, const struct confine_job *job)
{
	struct statfs st;
	if (statfs(job->base, &st) == 0 && (st.f_bfree == 0 || st.f_ffree == 0))
		w->disk_full = true;
}

enum confine_end confine_look(struct confine_watch *w, const struct confine_job *job, bool last)
{
	enum confine_end end = CONFINE_EXITED;
	w->turns++;
	if (job->level == CONFINE_LEVEL_ROOT)
		look_at_space(w, job);
	else if (last || w->turns % DISK_EVERY == 0)
		end = look_at_disk(w, job);
	bool watched = w->proc >= 0 && !(job->spec->without & 1u << CONFINE_WATCH);
	if (end == CONFINE_EXITED && watched && !last)
		end = look_at_processes(w, job);
	return end;
}
