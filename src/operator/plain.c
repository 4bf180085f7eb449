/*
 * plain.c - start, taking over what the file says, stop.
 *
 * An entry that cannot be used leaves what was there before under its name as it was; an unreadable document
 * may be any, so nothing counts as removed while there is one.
 */
#include "operator/plain_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/random.h"
#include "repo/files.h"

enum {
	WORKERS = 8,	     /* a directory on a dead network file system holds up one */
	STOP_DEADLINE_S = 4, /* a worker that does not come back is left to the kernel */
};

/* --- open and close --- */

/* The lock goes with the process, however it ends. Its text is for people. */
static int take_lock(struct plain *p, struct error *err)
{
	cleanup_buf struct buf path = BUF_INIT;
	char pid[32] = "";
	buf_printf(&path, "%s/running", p->options->state_dir);
	p->lock = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->lock < 0)
		return error_set(err, "%s: %s", path.p, strerror(errno));
	if (flock(p->lock, LOCK_EX | LOCK_NB) != 0) {
		if (read(p->lock, pid, sizeof(pid) - 1) < 1)
			snprintf(pid, sizeof(pid), "?");
		pid[strcspn(pid, "\n")] = '\0';
		return error_set(
			err,
			"%s is in use by another capstan (process %s): it applies new commits by itself, and looks for "
			"them at once at SIGHUP; --state names another directory",
			p->options->state_dir, pid);
	}
	int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(p->lock, 0) != 0 || pwrite(p->lock, pid, (size_t)n, 0) != n)
		return error_set(err, "write %s: %s", path.p, strerror(errno));
	return 0;
}

static int make_state_dir(const char *path, struct error *err)
{
	if (path[0] != '/')
		return error_set(err, "state directory \"%s\": must be an absolute path", path);
	cleanup_free char *parent = mem_strdup(path);
	char *slash = strrchr(parent, '/');
	*slash = '\0';
	if (*parent && files_make_dirs(parent, err) < 0)
		return error_wrap(err, "state directory");
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return error_set(err, "state directory %s: %s", path, strerror(errno));
	return 0;
}

/* Two state directories may know Repos of the same name, and a mirror has one owner. */
static int make_mirrors(struct plain *p, struct error *err)
{
	enum { SHOWN = 16 };
	char hex[HASH_HEX_LEN + 1];
	struct buf path = BUF_INIT;
	hash_hex(hash_of(str_of(p->options->state_dir)), hex);
	buf_printf(&path, "%s/plain-%.*s", p->options->cache_dir, SHOWN, hex);
	p->mirrors = path.p;
	return files_make_dirs(p->mirrors, err) < 0 ? error_wrap(err, "cache directory") : 0;
}

int plain_open(struct plain *p, const struct plain_options *options, struct error *err)
{
	p->options = options;
	p->lock = -1;
	loop_workers(WORKERS);
	p->loop = loop_new();
	if (getrandom(&p->random_state, sizeof(p->random_state), 0) < 0 || !p->random_state)
		p->random_state = 1;
	if (make_state_dir(options->state_dir, err) < 0 || take_lock(p, err) < 0)
		return -1;
	return make_mirrors(p, err);
}

static void leave_at_once(int signum)
{
	_exit(0);
}

void plain_close(struct plain *p)
{
	struct map_entry *e;
	struct sigaction action = { .sa_handler = leave_at_once };
	sigaction(SIGALRM, &action, NULL);
	alarm(STOP_DEADLINE_S);
	httpd_free(p->web);
	plain_watch_stop(p);
	for (size_t i = 0; (e = map_next(&p->apps, &i));)
		plain_app_free(e->value);
	map_release(&p->apps);
	for (size_t i = 0; (e = map_next(&p->sources, &i));)
		plain_source_free(e->value);
	map_release(&p->sources);
	loop_free(p->loop);
	alarm(0);
	if (p->lock >= 0)
		close(p->lock);
	free(p->mirrors);
}

uint32_t plain_random(struct plain *p)
{
	return random_next(&p->random_state);
}

/* --- what the file says --- */

static void mark(struct plain *p, bool listed)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&p->apps, &i));)
		((struct plain_app *)e->value)->listed = listed;
	for (size_t i = 0; (e = map_next(&p->sources, &i));)
		((struct plain_source *)e->value)->listed = listed;
}

static void keep(struct plain *p, const struct plain_problem *problem)
{
	struct plain_app *m = problem->kind == PLAIN_APP ? map_get(&p->apps, str_of(problem->key)) : NULL;
	struct plain_source *s =
		problem->kind == PLAIN_REPO ? map_get(&p->sources, str_of(problem->key)) : NULL;
	if (m)
		m->listed = true;
	if (s)
		s->listed = true;
}

static void drop_apps(struct plain *p)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&p->apps, &i));) {
		struct plain_app *m = e->value;
		if (m->listed)
			continue;
		log_info("app is no longer in the file; what it made is left as it is", "app", m->key,
			 "directory", m->spec.directory, NULL);
		map_del(&p->apps, str_of(m->key));
		plain_app_free(m);
	}
}

static void drop_sources(struct plain *p)
{
	struct map_entry *e;
	for (size_t i = 0; (e = map_next(&p->sources, &i));) {
		struct plain_source *s = e->value;
		if (s->listed)
			continue;
		struct map_entry *a;
		for (size_t k = 0; (a = map_next(&p->apps, &k));)
			if (((struct plain_app *)a->value)->source == s)
				((struct plain_app *)a->value)->source = NULL;
		map_del(&p->sources, str_of(s->key));
		plain_source_free(s);
	}
}

void plain_take(struct plain *p, const struct plain_file *file)
{
	struct map_entry *e;
	mark(p, !file->whole);
	for (size_t i = 0; i < file->problems.n; i++)
		keep(p, &file->problems.at[i]);
	for (size_t i = 0; i < file->entries.n; i++)
		if (file->entries.at[i].kind == PLAIN_REPO)
			plain_source_seen(p, &file->entries.at[i]);
	for (size_t i = 0; i < file->entries.n; i++)
		if (file->entries.at[i].kind == PLAIN_APP)
			plain_app_seen(p, &file->entries.at[i]);
	drop_apps(p);
	drop_sources(p);
	for (size_t i = 0; (e = map_next(&p->apps, &i));)
		plain_app_bind(e->value);
	p->file_hash = file->hash;
}

/* --- the daemon --- */

static void log_problems(const struct plain *p, const struct plain_file *file)
{
	for (size_t i = 0; i < file->problems.n; i++) {
		cleanup_buf struct buf place = BUF_INIT;
		buf_printf(&place, "%s:%u", p->options->file, file->problems.at[i].line);
		log_error("refused", "file", place.p, "error", file->problems.at[i].text, NULL);
	}
}

static void log_taken(const struct plain *p)
{
	char apps[24], repos[24];
	snprintf(apps, sizeof(apps), "%zu", p->apps.n);
	snprintf(repos, sizeof(repos), "%zu", p->sources.n);
	log_info("read", "file", p->options->file, "apps", apps, "repos", repos, NULL);
}

static void reread(void *arg)
{
	struct plain *p = arg;
	struct plain_file file;
	struct error err = ERROR_INIT;
	plain_watch_again(p);
	if (plain_file_read(p->options->file, &file, &err) < 0) {
		log_error("the file cannot be read; going on with what it said before", "error", err.text,
			  NULL);
	} else if (!hash_eq(file.hash, p->file_hash)) {
		log_problems(p, &file);
		plain_take(p, &file);
		log_taken(p);
	}
	plain_file_release(&file);
}

static void on_hangup(void *arg)
{
	struct plain *p = arg;
	struct map_entry *e;
	reread(p);
	for (size_t i = 0; (e = map_next(&p->sources, &i));)
		plain_source_notify(e->value);
}

static void on_stop(void *arg)
{
	struct plain *p = arg;
	if (!p->stopping)
		log_info("stopping", NULL);
	p->stopping = true;
	loop_stop(p->loop);
}

static int start_web(struct plain *p, struct error *err)
{
	if (!p->options->web)
		return 0;
	p->web = httpd_new(p->loop, p->options->web, plain_serve, p, err);
	if (!p->web)
		return error_wrap(err, "--web %s", p->options->web);
	char port[16];
	snprintf(port, sizeof(port), "%d", httpd_port(p->web));
	log_info("serving", "port", port, NULL);
	return 0;
}

static int start(struct plain *p, struct error *err)
{
	struct plain_file file = { 0 };
	if (loop_signal(p->loop, SIGTERM, on_stop, p, err) < 0 ||
	    loop_signal(p->loop, SIGINT, on_stop, p, err) < 0 ||
	    loop_signal(p->loop, SIGHUP, on_hangup, p, err) < 0)
		return -1;
	int rc = start_web(p, err);
	if (rc == 0)
		rc = plain_file_read(p->options->file, &file, err);
	if (rc == 0) {
		plain_watch_start(p, reread);
		log_problems(p, &file);
		if (file.problems.n && !file.entries.n)
			rc = error_set(err, "%s:%u: %s", p->options->file, file.problems.at[0].line,
				       file.problems.at[0].text);
		else
			plain_take(p, &file);
	}
	plain_file_release(&file);
	if (rc == 0)
		log_taken(p);
	return rc;
}

int plain_run(const struct plain_options *options, struct error *err)
{
	struct plain p = { .observer = &plain_log };
	int rc = plain_open(&p, options, err);
	if (rc == 0)
		rc = start(&p, err);
	if (rc == 0)
		loop_run(p.loop);
	plain_close(&p);
	return rc;
}
