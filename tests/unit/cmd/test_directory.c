/* The directory driver on real directories: each test has a root, a state directory and a loop of its own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "deploy/app.h"
#include "deploy/directory/directory.h"

enum { WAIT_MS = 10000 };

struct world {
	char base[64], root[80], state[80];
	struct loop *loop;
	struct driver *driver;
	unsigned events, awaited;
	bool late;
	const char *const *command;
	const char *app;
};

static void on_event(void *ctx, enum driver_event event)
{
	struct world *w = ctx;
	w->events |= event;
	if (w->events & w->awaited)
		loop_stop(w->loop);
}

static void on_late(void *ctx)
{
	struct world *w = ctx;
	w->late = true;
	loop_stop(w->loop);
}

static void await(struct world *w, enum driver_event event)
{
	w->awaited = event;
	w->late = false;
	struct loop_timer *timer = loop_timer_new(w->loop, on_late, w);
	loop_timer_set(timer, WAIT_MS);
	while (!(w->events & event) && !w->late)
		loop_run(w->loop);
	loop_timer_free(timer);
	assert_false(w->late);
	w->events &= ~(unsigned)event;
}

/* Runs the loop for a while, whatever happens. */
static void idle(struct world *w, int ms)
{
	w->awaited = 0;
	struct loop_timer *timer = loop_timer_new(w->loop, on_late, w);
	loop_timer_set(timer, ms);
	for (w->late = false; !w->late;)
		loop_run(w->loop);
	loop_timer_free(timer);
}

static struct driver *new_driver(struct world *w, const char *app)
{
	struct directory_options options = {
		.root = w->root,
		.state_dir = w->state,
		.app = app,
		.command = w->command,
		.command_timeout_ms = 5000,
	};
	struct error err = ERROR_INIT;
	struct driver *d = directory_driver_new(w->loop, &options, &err);
	if (!d)
		fail_msg("%s", err.text);
	d->notify = on_event;
	d->notify_ctx = w;
	return d;
}

static void restart(struct world *w)
{
	if (w->driver)
		w->driver->ops->free(w->driver);
	loop_free(w->loop);
	w->loop = loop_new();
	w->events = 0;
	w->driver = new_driver(w, "default/shop");
}

static int set_up(void **state)
{
	struct world *w = mem_alloc(sizeof(*w));
	snprintf(w->base, sizeof(w->base), "/tmp/capstan-directory-XXXXXX");
	assert_non_null(mkdtemp(w->base));
	snprintf(w->root, sizeof(w->root), "%s/root", w->base);
	snprintf(w->state, sizeof(w->state), "%s/state", w->base);
	w->loop = loop_new();
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	if (w->driver)
		w->driver->ops->free(w->driver);
	loop_free(w->loop);
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", w->base);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

/* --- files --- */

static char *path_of(struct world *w, const char *name)
{
	static char path[512];
	snprintf(path, sizeof(path), "%s/%s", w->root, name);
	return path;
}

static void put_at(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void put(struct world *w, const char *name, const char *text)
{
	put_at(path_of(w, name), text);
}

static void assert_text_at(const char *path, const char *text)
{
	char buffer[256] = "";
	FILE *f = fopen(path, "r");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	size_t n = fread(buffer, 1, sizeof(buffer) - 1, f);
	buffer[n] = '\0';
	fclose(f);
	assert_string_equal(buffer, text);
}

static void assert_text(struct world *w, const char *name, const char *text)
{
	assert_text_at(path_of(w, name), text);
}

static void assert_missing(struct world *w, const char *name)
{
	struct stat st;
	assert_int_equal(lstat(path_of(w, name), &st), -1);
	assert_int_equal(errno, ENOENT);
}

static mode_t mode_of(struct world *w, const char *name)
{
	struct stat st;
	assert_int_equal(lstat(path_of(w, name), &st), 0);
	return st.st_mode & 07777;
}

/* --- what git says --- */

struct git {
	const char *path, *text;
	bool executable;
};

static struct desired *desired_of(const struct git *files)
{
	struct repo_file list[64];
	size_t n = 0;
	for (; files[n].path; n++)
		list[n] = (struct repo_file){ .path = files[n].path,
					      .data = str_of(files[n].text),
					      .mode = files[n].executable ? 0755 : 0644 };
	struct repo_files in = { .files = list, .n = n };
	struct desired *d = desired_new();
	directory_prepare(&in, "", d);
	return d;
}

static void plan(struct world *w, struct desired *d)
{
	w->driver->ops->plan(w->driver, d);
	await(w, DRIVER_PLANNED);
}

static void sync_with(struct world *w, const struct git *files, struct apply_options options)
{
	if (!w->driver)
		w->driver = new_driver(w, "default/shop");
	struct desired *d = desired_of(files);
	plan(w, d);
	desired_unref(d);
	w->driver->ops->apply(w->driver, &options);
	await(w, DRIVER_APPLIED);
}

static void sync_to(struct world *w, const struct git *files)
{
	sync_with(w, files, (struct apply_options){ .prune = true });
}

static size_t n_problems(struct world *w)
{
	size_t n;
	w->driver->ops->problems(w->driver, &n);
	return n;
}

static void assert_problem(struct world *w, const char *key, const char *text)
{
	size_t n;
	const struct problem *p = w->driver->ops->problems(w->driver, &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(p[i].key, key) == 0 && strstr(p[i].text, text))
			return;
	for (size_t i = 0; i < n; i++)
		print_message("%s: %s\n", p[i].key, p[i].text);
	fail_msg("no problem of \"%s\" with \"%s\"", key, text);
}

static void assert_clean(struct world *w)
{
	size_t n;
	const struct problem *p = w->driver->ops->problems(w->driver, &n);
	if (n > 0)
		fail_msg("%s: %s", p[0].key, p[0].text);
}

static const struct driver_summary *summary(struct world *w)
{
	return w->driver->ops->summary(w->driver);
}

static const struct git shop[] = {
	{ "nginx.conf", "listen 80;\n", false },
	{ "bin/run", "#!/bin/sh\n", true },
	{ "conf/a/b.conf", "b\n", false },
	{ NULL },
};
static const struct git nothing[] = { { NULL } };

/* --- tests --- */

static void makes_files_modes_and_directories(void **state)
{
	struct world *w = *state;
	umask(077);
	sync_to(w, shop);
	umask(022);
	assert_clean(w);
	assert_text(w, "nginx.conf", "listen 80;\n");
	assert_text(w, "conf/a/b.conf", "b\n");
	assert_int_equal(mode_of(w, "nginx.conf"), 0644);
	assert_int_equal(mode_of(w, "bin/run"), 0755);
	assert_int_equal(summary(w)->items, 3);
	assert_int_equal(summary(w)->current, 3);
	assert_int_equal(summary(w)->drifted, 0);
	assert_true(summary(w)->observed);
	assert_int_equal(summary(w)->to_create, 3);
}

static void leaves_what_is_the_same_alone(void **state)
{
	struct world *w = *state;
	struct stat before, after;
	sync_to(w, shop);
	assert_int_equal(stat(path_of(w, "nginx.conf"), &before), 0);
	restart(w);
	sync_to(w, shop);
	assert_clean(w);
	assert_int_equal(stat(path_of(w, "nginx.conf"), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	assert_int_equal(summary(w)->unchanged, 3);
}

static void updates_content_and_mode(void **state)
{
	struct world *w = *state;
	static const struct git later[] = { { "nginx.conf", "listen 81;\n", true },
					    { "bin/run", "#!/bin/sh\n", true },
					    { "conf/a/b.conf", "b\n", false },
					    { NULL } };
	sync_to(w, shop);
	sync_to(w, later);
	assert_clean(w);
	assert_text(w, "nginx.conf", "listen 81;\n");
	assert_int_equal(mode_of(w, "nginx.conf"), 0755);
	assert_int_equal(summary(w)->to_update, 1);
}

static void prunes_files_and_the_directories_it_made(void **state)
{
	struct world *w = *state;
	static const struct git later[] = { { "nginx.conf", "listen 80;\n", false }, { NULL } };
	sync_to(w, shop);
	put(w, "bin/mine", "keep me\n");
	put(w, "conf/a/b.conf", "edited by hand, and still ours\n");
	sync_to(w, later);
	assert_clean(w);
	assert_missing(w, "conf");
	assert_missing(w, "bin/run");
	assert_text(w, "bin/mine", "keep me\n");
	assert_int_equal(summary(w)->items, 1);
	assert_int_equal(summary(w)->stale, 0);
}

static void keeps_directories_it_did_not_make(void **state)
{
	struct world *w = *state;
	static const struct git one[] = { { "d/x", "x", false }, { "y", "y", false }, { NULL } };
	static const struct git other[] = { { "y", "y", false }, { NULL } };
	mkdir(w->root, 0755);
	mkdir(path_of(w, "d"), 0755);
	sync_to(w, one);
	sync_to(w, other);
	assert_missing(w, "d/x");
	assert_int_equal(access(path_of(w, "d"), F_OK), 0);
}

static void prunes_nothing_when_it_must_not(void **state)
{
	struct world *w = *state;
	sync_to(w, shop);
	sync_to(w, nothing);
	assert_problem(w, "", "git has no files");
	assert_text(w, "nginx.conf", "listen 80;\n");

	static const struct git one[] = { { "nginx.conf", "listen 80;\n", false }, { NULL } };
	struct desired *broken = desired_of(one);
	broken->n_errors = 1;
	plan(w, broken);
	desired_unref(broken);
	w->driver->ops->apply(w->driver, &(struct apply_options){ .prune = true });
	await(w, DRIVER_APPLIED);
	assert_text(w, "conf/a/b.conf", "b\n");

	sync_with(w, one, (struct apply_options){ .prune = false });
	assert_clean(w);
	assert_text(w, "conf/a/b.conf", "b\n");
	assert_int_equal(summary(w)->stale, 0);

	sync_with(w, nothing, (struct apply_options){ .prune = true, .allow_empty = true });
	assert_clean(w);
	assert_missing(w, "nginx.conf");
	assert_missing(w, "conf");
}

static void refuses_what_is_not_ours(void **state)
{
	struct world *w = *state;
	mkdir(w->root, 0755);
	put(w, "nginx.conf", "by hand\n");
	sync_to(w, shop);
	assert_problem(w, "nginx.conf", "was not made by this app");
	assert_int_equal(n_problems(w), 1);
	assert_text(w, "nginx.conf", "by hand\n");
	assert_text(w, "bin/run", "#!/bin/sh\n");
	sync_with(w, nothing, (struct apply_options){ .prune = true, .allow_empty = true });
	assert_text(w, "nginx.conf", "by hand\n");
	sync_with(w, shop, (struct apply_options){ .prune = true, .force = true });
	assert_clean(w);
	assert_text(w, "nginx.conf", "listen 80;\n");
}

static void takes_over_what_is_identical(void **state)
{
	struct world *w = *state;
	mkdir(w->root, 0755);
	put(w, "nginx.conf", "listen 80;\n");
	sync_to(w, shop);
	assert_clean(w);
	assert_int_equal(summary(w)->items, 3);
	assert_int_equal(summary(w)->current, 3);
}

static void never_follows_a_link(void **state)
{
	struct world *w = *state;
	char outside[96], inside[128];
	snprintf(outside, sizeof(outside), "%s/outside", w->base);
	mkdir(outside, 0755);
	sync_to(w, shop);
	/* A directory of ours is swapped for a link to outside. */
	snprintf(inside, sizeof(inside), "%s/conf-moved", w->base);
	assert_int_equal(rename(path_of(w, "conf"), inside), 0);
	assert_int_equal(symlink(outside, path_of(w, "conf")), 0);
	mkdir(strcat(outside, "/a"), 0755);
	sync_with(w, shop, (struct apply_options){ .prune = true, .force = true });
	assert_problem(w, "conf/a/b.conf", "conf is a symbolic link, which is never followed");
	strcat(outside, "/b.conf");
	assert_int_equal(access(outside, F_OK), -1);

	/* Prune through the link: what lies behind it stays. */
	put_at(outside, "precious\n");
	static const struct git later[] = { { "nginx.conf", "listen 80;\n", false }, { NULL } };
	sync_to(w, later);
	assert_text_at(outside, "precious\n");
}

static void replaces_a_link_in_the_place_of_a_file(void **state)
{
	struct world *w = *state;
	char outside[96];
	snprintf(outside, sizeof(outside), "%s/outside", w->base);
	put_at(outside, "precious\n");
	sync_to(w, shop);
	assert_int_equal(unlink(path_of(w, "nginx.conf")), 0);
	assert_int_equal(symlink(outside, path_of(w, "nginx.conf")), 0);
	sync_to(w, shop);
	assert_clean(w);
	assert_text(w, "nginx.conf", "listen 80;\n");
	assert_text_at(outside, "precious\n");
}

static void a_file_becomes_a_directory_and_back(void **state)
{
	struct world *w = *state;
	static const struct git file[] = { { "x", "file\n", false }, { NULL } };
	static const struct git directory[] = { { "x/y", "in it\n", false }, { NULL } };
	sync_to(w, file);
	sync_to(w, directory);
	assert_clean(w);
	assert_text(w, "x/y", "in it\n");
	sync_to(w, file);
	assert_clean(w);
	assert_text(w, "x", "file\n");
}

static void await_drift(struct world *w, size_t drifted)
{
	while (summary(w)->drifted != drifted)
		await(w, DRIVER_CHANGED);
}

static void notices_drift(void **state)
{
	struct world *w = *state;
	sync_to(w, shop);
	idle(w, 100);
	put(w, "nginx.conf", "by hand\n");
	await_drift(w, 1);
	sync_to(w, shop);
	assert_int_equal(summary(w)->drifted, 0);
	idle(w, 50);
	chmod(path_of(w, "bin/run"), 0644);
	await_drift(w, 1);
	sync_to(w, shop);
	idle(w, 50);
	unlink(path_of(w, "conf/a/b.conf"));
	await_drift(w, 1);
	sync_to(w, shop);
	idle(w, 50);
	assert_text(w, "conf/a/b.conf", "b\n");
}

static void notices_a_moved_directory_and_a_moved_root(void **state)
{
	struct world *w = *state;
	char to[128], from[128];
	sync_to(w, shop);
	idle(w, 50);
	snprintf(from, sizeof(from), "%s/conf/a", w->root);
	snprintf(to, sizeof(to), "%s/conf/z", w->root);
	assert_int_equal(rename(from, to), 0);
	await_drift(w, 1);
	sync_to(w, shop);
	assert_text(w, "conf/a/b.conf", "b\n");
	idle(w, 50);
	snprintf(to, sizeof(to), "%s/gone", w->base);
	assert_int_equal(rename(w->root, to), 0);
	await_drift(w, 3);
	sync_to(w, shop);
	assert_clean(w);
	assert_text(w, "conf/a/b.conf", "b\n");
}

static void ignores_what_is_not_ours(void **state)
{
	struct world *w = *state;
	sync_to(w, shop);
	idle(w, 100);
	w->events = 0;
	put(w, "other", "x\n");
	put(w, "conf/a/other", "x\n");
	idle(w, 60);
	assert_int_equal(w->events, 0);
}

static void observes_after_a_restart_without_a_plan(void **state)
{
	struct world *w = *state;
	sync_to(w, shop);
	put(w, "nginx.conf", "while nobody looked\n");
	restart(w);
	assert_false(summary(w)->observed);
	await(w, DRIVER_CHANGED);
	assert_true(summary(w)->observed);
	assert_int_equal(summary(w)->items, 3);
	assert_int_equal(summary(w)->drifted, 1);
}

static void runs_the_command_until_it_succeeds(void **state)
{
	struct world *w = *state;
	char script[512];
	snprintf(script, sizeof(script),
		 "echo run >> %s/runs; test -e %s/allowed || { echo not yet >&2; exit 3; }", w->base,
		 w->base);
	const char *const argv[] = { "sh", "-c", script, NULL };
	w->command = argv;
	sync_to(w, shop);
	assert_problem(w, "", "the command `sh`: ended with 3: not yet");
	assert_text(w, "nginx.conf", "listen 80;\n");

	/* It stays due over a restart: seen as drift, so that it is healed. */
	restart(w);
	await(w, DRIVER_CHANGED);
	assert_int_equal(summary(w)->drifted, 1);

	char path[128];
	snprintf(path, sizeof(path), "%s/allowed", w->base);
	put_at(path, "");
	sync_to(w, shop);
	assert_clean(w);
	assert_int_equal(summary(w)->drifted, 0);
	/* Nothing changed: not run again. */
	sync_to(w, shop);
	snprintf(path, sizeof(path), "%s/runs", w->base);
	assert_text_at(path, "run\nrun\n");
	w->command = NULL;
}

static void a_command_that_hangs_is_ended(void **state)
{
	struct world *w = *state;
	const char *const argv[] = { "sleep", "60", NULL };
	struct directory_options options = { .root = w->root,
					     .state_dir = w->state,
					     .app = "default/shop",
					     .command = argv,
					     .command_timeout_ms = 100 };
	w->driver = directory_driver_new(w->loop, &options, NULL);
	assert_non_null(w->driver);
	w->driver->notify = on_event;
	w->driver->notify_ctx = w;
	sync_to(w, shop);
	assert_problem(w, "", "did not end within");
}

/* --- crashes: the inventory as a killed process leaves it --- */

static void write_claim(struct world *w, const char *name, const char *text)
{
	/* A first run makes the inventory; then it is written as it was between claim and file. */
	char hex[HASH_HEX_LEN + 1], command[512];
	static const struct git one[] = { { "seed", "s", false }, { NULL } };
	sync_to(w, one);
	w->driver->ops->free(w->driver);
	w->driver = NULL;
	hash_hex(directory_hash(0644, str_of(text)), hex);
	snprintf(command, sizeof(command), "for f in %s/*.inventory; do echo '%s file - %s' >> \"$f\"; done",
		 w->state, name, hex);
	assert_int_equal(system(command), 0);
}

static void crash_after_the_claim(void **state)
{
	struct world *w = *state;
	static const struct git later[] = { { "seed", "s", false }, { "tea", "tea\n", false }, { NULL } };
	write_claim(w, "tea", "tea\n");
	sync_to(w, later);
	assert_clean(w);
	assert_text(w, "tea", "tea\n");
}

static void crash_after_the_file(void **state)
{
	struct world *w = *state;
	static const struct git later[] = { { "seed", "s", false }, { NULL } };
	write_claim(w, "tea", "tea\n");
	put(w, "tea", "tea\n");
	chmod(path_of(w, "tea"), 0644);
	sync_to(w, later); /* git has dropped it meanwhile: what we made is forgotten by nobody */
	assert_clean(w);
	assert_missing(w, "tea");
}

static void crash_and_another_made_the_file(void **state)
{
	struct world *w = *state;
	static const struct git later[] = { { "seed", "s", false }, { NULL } };
	write_claim(w, "tea", "tea\n");
	put(w, "tea", "somebody else's\n");
	sync_to(w, later);
	assert_text(w, "tea", "somebody else's\n");
}

static void sweeps_a_temporary_file(void **state)
{
	struct world *w = *state;
	char hex[HASH_HEX_LEN + 1], name[64];
	sync_to(w, shop);
	hash_hex(hash_of(STR("nginx.conf")), hex);
	snprintf(name, sizeof(name), ".capstan-%.16s", hex);
	put(w, name, "half");
	restart(w);
	sync_to(w, shop);
	assert_missing(w, name);
}

static void a_torn_inventory_is_an_error(void **state)
{
	struct world *w = *state;
	char command[256];
	sync_to(w, shop);
	w->driver->ops->free(w->driver);
	w->driver = NULL;
	snprintf(command, sizeof(command), "for f in %s/*.inventory; do echo garbage >> \"$f\"; done",
		 w->state);
	assert_int_equal(system(command), 0);
	struct directory_options options = { .root = w->root, .state_dir = w->state, .app = "default/shop" };
	struct error err = ERROR_INIT;
	assert_null(directory_driver_new(w->loop, &options, &err));
	assert_non_null(strstr(err.text, ".inventory"));
}

static void one_file_belongs_to_one_app(void **state)
{
	struct world *w = *state;
	sync_to(w, shop);
	struct driver *first = w->driver;
	w->driver = new_driver(w, "default/other");
	static const struct git same[] = { { "nginx.conf", "listen 80;\n", false },
					   { "own", "o", false },
					   { NULL } };
	sync_to(w, same);
	assert_problem(w, "nginx.conf", "belongs to the app default/shop");
	assert_text(w, "own", "o");
	sync_with(w, nothing, (struct apply_options){ .prune = true, .allow_empty = true });
	assert_text(w, "nginx.conf", "listen 80;\n");
	first->ops->free(first);
}

static void odd_names_survive(void **state)
{
	struct world *w = *state;
	static const struct git odd[] = {
		{ "with space", "1", false },	 { "per%20cent", "2", false }, { "line\nend", "3", false },
		{ "\xc3\xa4/\xff", "4", false }, { "!command", "5", false },   { NULL },
	};
	static const struct git one[] = { { "!command", "5", false }, { NULL } };
	sync_to(w, odd);
	assert_clean(w);
	restart(w);
	await(w, DRIVER_CHANGED);
	assert_int_equal(summary(w)->items, 5);
	assert_int_equal(summary(w)->drifted, 0);
	sync_to(w, one);
	assert_clean(w);
	assert_missing(w, "line\nend");
	assert_missing(w, "\xc3\xa4");
}

static void prepare_skips_and_refuses(void **state)
{
	struct repo_file files[] = {
		{ "shop/ok", STR("x"), 0644 },
		{ "shop/.git/config", STR("x"), 0644 },
		{ "shop/.capstan.yaml", STR("x"), 0644 },
		{ "shop/../up", STR("x"), 0644 },
		{ "shop/a//b", STR("x"), 0644 },
		{ "shopping", STR("x"), 0644 },
	};
	struct repo_problem problems[] = { { "shop/link", "leaves the repository" } };
	struct repo_files in = { files, 6, problems, 1 };
	struct desired *d = desired_new();
	directory_prepare(&in, "./shop/", d);
	assert_int_equal(d->n, 1);
	assert_string_equal(d->items[0].key.p, "ok");
	assert_string_equal(d->items[0].file, "shop/ok");
	assert_int_equal(d->n_errors, 3);
	assert_string_equal(d->problems[0].file, "shop/link");
	desired_unref(d);
}

static void removes_all_or_lets_go(void **state)
{
	struct world *w = *state;
	sync_to(w, shop);
	w->driver->ops->remove(w->driver, false);
	await(w, DRIVER_REMOVED);
	assert_clean(w);
	struct stat st;
	assert_int_equal(stat(w->root, &st), -1);
	sync_to(w, shop);
	w->driver->ops->remove(w->driver, true);
	await(w, DRIVER_REMOVED);
	assert_text(w, "nginx.conf", "listen 80;\n");
	restart(w);
	await(w, DRIVER_CHANGED);
	assert_int_equal(summary(w)->items, 0);
}

static void cancel_then_again(void **state)
{
	struct world *w = *state;
	w->driver = new_driver(w, "default/shop");
	struct desired *d = desired_of(shop);
	plan(w, d);
	w->driver->ops->apply(w->driver, &(struct apply_options){ .prune = true });
	w->driver->ops->cancel(w->driver);
	await(w, DRIVER_DRAINED);
	assert_false(w->events & DRIVER_APPLIED);
	desired_unref(d);
	sync_to(w, shop);
	assert_clean(w);
	assert_text(w, "conf/a/b.conf", "b\n");
	w->driver->ops->cancel(w->driver);
	await(w, DRIVER_DRAINED);
}

static void freed_while_it_works(void **state)
{
	struct world *w = *state;
	w->driver = new_driver(w, "default/shop");
	struct desired *d = desired_of(shop);
	plan(w, d);
	desired_unref(d);
	w->driver->ops->apply(w->driver, &(struct apply_options){ .prune = true });
	w->driver->ops->free(w->driver);
	w->driver = NULL;
}

static void a_full_disk_is_told_and_healed(void **state)
{
	struct world *w = *state;
	mkdir(w->root, 0755);
	if (mount("tmpfs", w->root, "tmpfs", 0, "size=64k") != 0) {
		print_message("no tmpfs can be mounted here (%s): skipped\n", strerror(errno));
		skip();
	}
	char *big = mem_alloc(60001), *more = mem_alloc(30001);
	memset(big, 'b', 60000);
	memset(more, 'm', 30000);
	struct git both[] = { { "a", big, false }, { "b", more, false }, { "c", "small", false }, { NULL } };
	struct git one[] = { { "b", more, false }, { "c", "small", false }, { NULL } };
	put(w, "filler", "");
	sync_to(w, both);
	assert_int_equal(n_problems(w), 1);
	size_t n;
	assert_non_null(strstr(w->driver->ops->problems(w->driver, &n)[0].text, "No space left"));
	assert_text(w, "c", "small");
	sync_to(w, one);
	sync_to(w, one); /* the prune made room */
	assert_clean(w);
	free(big);
	free(more);
	assert_int_equal(umount2(w->root, MNT_DETACH), 0);
}

/* --- with the state machine of an app --- */

struct machine {
	struct world *world;
	struct app app;
	struct loop_timer *timer;
	const struct git *git;
	uint64_t ticket;
};

static void deferred_render(void *ctx)
{
	struct machine *m = ctx;
	app_rendered(&m->app, m->ticket, desired_of(m->git), NULL, loop_now(m->world->loop));
}

static void host_render(void *ctx, uint64_t ticket)
{
	struct machine *m = ctx;
	m->ticket = ticket;
	loop_defer(m->world->loop, deferred_render, m);
}

static void host_arm(void *ctx, int64_t at)
{
	struct machine *m = ctx;
	int64_t now = loop_now(m->world->loop);
	if (at == INT64_MAX)
		loop_timer_clear(m->timer);
	else
		loop_timer_set(m->timer, at > now ? at - now : 0);
}

static void host_publish(void *ctx)
{
	struct machine *m = ctx;
	loop_stop(m->world->loop);
}

static uint32_t host_random(void *ctx)
{
	return 512;
}

static void host_tick(void *ctx)
{
	struct machine *m = ctx;
	app_tick(&m->app, loop_now(m->world->loop));
}

static void until_ready(struct machine *m)
{
	struct app_verdict verdict;
	m->world->late = false;
	struct loop_timer *timer = loop_timer_new(m->world->loop, on_late, m->world);
	loop_timer_set(timer, WAIT_MS);
	for (app_verdict(&m->app, &verdict); verdict.ready != APP_READY && !m->world->late;
	     app_verdict(&m->app, &verdict))
		loop_run(m->world->loop);
	loop_timer_free(timer);
	assert_int_equal(verdict.ready, APP_READY);
}

static void an_app_heals_its_directory(void **state)
{
	static const struct app_host host = { .render = host_render,
					      .arm = host_arm,
					      .publish = host_publish,
					      .removed = host_publish,
					      .random = host_random };
	struct world *w = *state;
	struct machine m = { .world = w, .git = shop };
	m.timer = loop_timer_new(w->loop, host_tick, &m);
	app_init(&m.app, &host, &m, new_driver(w, "default/shop"), loop_now(w->loop));
	struct app_revision revision = { .text = "main@1", .input = hash_of(STR("1")) };
	app_wanted(&m.app, &revision, loop_now(w->loop));
	until_ready(&m);
	assert_text(w, "nginx.conf", "listen 80;\n");
	for (int i = 0; i < 3; i++) {
		idle(w, 20);
		int64_t begun = clock_mono_ms();
		put(w, "nginx.conf", "by hand\n");
		while (m.app.heals == (unsigned)i)
			loop_run(w->loop);
		until_ready(&m);
		assert_text(w, "nginx.conf", "listen 80;\n");
		assert_true(clock_mono_ms() - begun < 2000);
	}
	app_release(&m.app);
	loop_timer_free(m.timer);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(makes_files_modes_and_directories),
		T(leaves_what_is_the_same_alone),
		T(updates_content_and_mode),
		T(prunes_files_and_the_directories_it_made),
		T(keeps_directories_it_did_not_make),
		T(prunes_nothing_when_it_must_not),
		T(refuses_what_is_not_ours),
		T(takes_over_what_is_identical),
		T(never_follows_a_link),
		T(replaces_a_link_in_the_place_of_a_file),
		T(a_file_becomes_a_directory_and_back),
		T(notices_drift),
		T(notices_a_moved_directory_and_a_moved_root),
		T(ignores_what_is_not_ours),
		T(observes_after_a_restart_without_a_plan),
		T(runs_the_command_until_it_succeeds),
		T(a_command_that_hangs_is_ended),
		T(crash_after_the_claim),
		T(crash_after_the_file),
		T(crash_and_another_made_the_file),
		T(sweeps_a_temporary_file),
		T(a_torn_inventory_is_an_error),
		T(one_file_belongs_to_one_app),
		T(odd_names_survive),
		T(prepare_skips_and_refuses),
		T(removes_all_or_lets_go),
		T(cancel_then_again),
		T(freed_while_it_works),
		T(a_full_disk_is_told_and_healed),
		T(an_app_heals_its_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
