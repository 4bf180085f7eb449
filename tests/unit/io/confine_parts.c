/* confine_parts.c - control groups on made-up files, directories. */
#include "unit/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "io/confine_parts.h"
#include "io/file.h"

static char place[64];

static void put(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", place, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void make_dir(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", place, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void assert_value(const struct confine_group *g, const char *name, const char *value)
{
	char path[5000];
	cleanup_buf struct buf text = BUF_INIT;
	snprintf(path, sizeof(path), "%s/%s", g->path, name);
	assert_int_equal(file_read(path, 100, &text, NULL), 0);
	assert_string_equal(text.p, value);
}

static void make_place(void)
{
	snprintf(place, sizeof(place), "/tmp/capstan-test-parts-XXXXXX");
	assert_non_null(mkdtemp(place));
}

static void remove_place(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", place);
	assert_int_equal(system(command), 0);
}

static struct confine_group make_group(int expected)
{
	struct confine_group g;
	char self[128];
	snprintf(self, sizeof(self), "%s/self", place);
	assert_int_equal(confine_group_make(&g, place, self, 1 << 20, 7), expected);
	assert_int_equal(g.path[0] == '\0', expected != 0);
	return g;
}

/* Not a real hierarchy: a directory that is filled by what is written. Where it is made, and what it is told.
 */
static void groups_are_made_where_controllers_are(void **state)
{
	make_place();
	put("self", "9:memory:/x\n0::/a.slice/own.scope\n");
	make_dir("a.slice");
	make_dir("a.slice/own.scope");
	make_group(1); /* there are no controllers */
	put("a.slice/own.scope/cgroup.subtree_control", "cpu pids\n");
	put("a.slice/cgroup.subtree_control", "\n");
	make_group(1);
	put("a.slice/cgroup.subtree_control", "cpu memory pids\n");
	struct confine_group beside = make_group(0);
	assert_true(strstr(beside.path, "/a.slice/capstan-exec-") != NULL);
	assert_true(beside.pids);
	assert_value(&beside, "memory.max", "1048576");
	assert_value(&beside, "pids.max", "7");
	assert_int_equal(confine_group_add(&beside, 1234), 0);
	assert_value(&beside, "cgroup.procs", "1234");
	put("a.slice/own.scope/cgroup.subtree_control", "memory\n");
	struct confine_group beneath = make_group(0);
	assert_true(strstr(beneath.path, "/a.slice/own.scope/capstan-exec-") != NULL);
	assert_false(beneath.pids);
	assert_false(confine_group_out_of_memory(&beneath));
	remove_place();
}

static void out_of_memory_is_seen(void **state)
{
	struct confine_group g = { .path = "" };
	assert_false(confine_group_out_of_memory(&g));
	make_place();
	snprintf(g.path, sizeof(g.path), "%s", place);
	put("memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 0\n");
	assert_false(confine_group_out_of_memory(&g));
	put("memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\n");
	assert_true(confine_group_out_of_memory(&g));
	remove_place();
}

static pid_t dead_process(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

static void groups_of_the_dead_are_removed(void **state)
{
	char dead[64], alive[64], path[256];
	make_place();
	put("self", "0::/\n");
	put("cgroup.subtree_control", "memory\n");
	snprintf(dead, sizeof(dead), "capstan-exec-%d-0", (int)dead_process());
	snprintf(alive, sizeof(alive), "capstan-exec-%d-77", (int)getpid());
	make_dir(dead);
	make_dir(alive);
	make_group(0);
	snprintf(path, sizeof(path), "%s/%s", place, dead);
	assert_int_not_equal(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/%s", place, alive);
	assert_int_equal(access(path, F_OK), 0);
	remove_place();
}

/* Links out of it, directories closed to their owner, and more levels than there may be open files. */
static void scratch_is_removed_whole(void **state)
{
	struct confine_scratch s;
	struct error err = ERROR_INIT;
	char path[256];
	make_place();
	put("kept", "x");
	assert_int_equal(confine_scratch_make(&s, place, geteuid(), &err), 0);
	int dir = open(s.path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(symlinkat(place, dir, "link"), 0);
	assert_int_equal(mkdirat(dir, "closed", 0755), 0);
	assert_int_equal(mkdirat(dir, "closed/in", 0755), 0);
	assert_int_equal(fchmodat(dir, "closed", 0, 0), 0);
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(mkdirat(dir, "d", 0755), 0);
		int next = openat(dir, "d", O_RDONLY | O_DIRECTORY);
		close(dir);
		dir = next;
	}
	close(dir);
	char *was = strdup(s.path);
	confine_scratch_end(&s);
	assert_int_not_equal(access(was, F_OK), 0);
	free(was);
	snprintf(path, sizeof(path), "%s/kept", place);
	assert_int_equal(access(path, F_OK), 0);
	remove_place();
}

static void scratch_needs_its_parent(void **state)
{
	struct confine_scratch s;
	struct error err = ERROR_INIT;
	assert_int_equal(confine_scratch_make(&s, "/no/such/place", geteuid(), &err), -1);
	assert_true(strstr(err.text, "/no/such/place") != NULL);
	confine_scratch_end(&s);
}

static void plan_caps_the_tree(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *const argv[] = { "sh", NULL };
	struct error err = ERROR_INIT;
	struct confine_job job;
	struct confine_file file = { "big", { "x", (size_t)CONFINE_TREE_MAX + 1 }, false };
	struct confine_spec spec = { .argv = argv, .files = &file, .n_files = 1 };
	assert_int_equal(confine_plan(&a, &spec, &job, &err), -1);
	assert_true(strstr(err.text, "CONFINE_TREE_MAX") != NULL);
	spec.n_files = CONFINE_FILES_MAX + 1;
	assert_int_equal(confine_plan(&a, &spec, &job, &err), -1);
	assert_true(strstr(err.text, "CONFINE_FILES_MAX") != NULL);
	char deep[2 * CONFINE_DEPTH_MAX + 4];
	for (size_t i = 0; i < sizeof(deep); i++)
		deep[i] = i % 2 ? '/' : 'd';
	deep[sizeof(deep) - 1] = '\0';
	file = (struct confine_file){ deep, STR("x"), false };
	spec.n_files = 1;
	assert_int_equal(confine_plan(&a, &spec, &job, &err), -1);
}

static void report_tells_all_layers(void **state)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct confine_report r = { .held = 1u << CONFINE_LANDLOCK | 1u << CONFINE_FILTER, .landlock = 3 };
	r.why[CONFINE_PID] = EPERM;
	assert_true(confine_report_suffices(&r));
	confine_report_text(&r, &text);
	assert_true(strstr(text.p, "confined by Landlock 3, filter of system calls; missing: ") == text.p);
	assert_true(strstr(text.p, "pid namespace (Operation not permitted): ") != NULL);
	for (int i = 0; i < CONFINE_LAYERS; i++)
		assert_true(strstr(text.p, confine_layer_name(i)) != NULL);
	r.held = 1u << CONFINE_ROOT | 1u << CONFINE_PID;
	assert_false(confine_report_suffices(&r));
	r.held |= 1u << CONFINE_NETWORK;
	assert_true(confine_report_suffices(&r));
	r.held = 1u << CONFINE_FILTER;
	assert_false(confine_report_suffices(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_made_where_controllers_are),
		cmocka_unit_test(out_of_memory_is_seen),
		cmocka_unit_test(groups_of_the_dead_are_removed),
		cmocka_unit_test(scratch_is_removed_whole),
		cmocka_unit_test(scratch_needs_its_parent),
		cmocka_unit_test(plan_caps_the_tree),
		cmocka_unit_test(report_tells_all_layers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
