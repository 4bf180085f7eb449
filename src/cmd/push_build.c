/* push_build.c - `capstan push-build`: the images of a commit, as a push of it builds them. For trying out a
 * build on the push service's machine, and for tests of builds without a push. */
#include "cmd/commands.h"

#include <signal.h>

#include "base/clock.h"
#include "push/build.h"
#include "repo/tree.h"

#define FILE_WANTED ENVIRONMENTS_FILE

struct own {
	const char *state;
	int64_t timeout_ms;
	bool confined;
};

static const struct option_def options[] = {
	{ .name = "state",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .help = "Directory of the push service.",
	  .offset = offsetof(struct own, state),
	  .complete = COMPLETE_DIRECTORY },
	{ .name = "timeout",
	  .kind = OPTION_DURATION,
	  .value = "DURATION",
	  .help = "All builds end after it.",
	  .offset = offsetof(struct own, timeout_ms) },
	{ .name = "require-confinement",
	  .kind = OPTION_FLAG,
	  .help = "Refuse programs that cannot be confined.",
	  .offset = offsetof(struct own, confined) },
	{ .name = NULL },
};

static atomic_bool interrupted;

static void interrupt(int signal_number)
{
	atomic_store(&interrupted, true);
}

static void tell(void *ctx, const char *name, const char *line)
{
	const struct cli *cli = ctx;
	flockfile(cli->err);
	fprintf(cli->err, "%s: %s\n", name, line);
	fflush(cli->err);
	funlockfile(cli->err);
}

static bool is_wanted(struct str name)
{
	return str_is(name, FILE_WANTED);
}

static int read_environments(struct arena *a, const char *git_dir, const char *commit,
			     struct environments *out, struct error *err)
{
	struct repo_files files = { 0 };
	int rc = repo_tree_read(git_dir, commit, FILE_WANTED, is_wanted, a, &files, err);
	if (rc > 0 || (rc == 0 && files.n == 0))
		return error_set(err, "the commit has no " FILE_WANTED);
	if (rc < 0)
		return -1;
	environments_read(a, FILE_WANTED, files.files[0].data, out);
	return environments_check(out, err);
}

static void print(struct cli *cli, const struct built *built, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(cli->out, "%s %s %s %lld ms\n", built[i].name, built[i].image,
			built[i].cached ? "cached" : "built", (long long)built[i].took_ms);
}

static int build(struct cli *cli, struct arena *a, struct error *err)
{
	const struct own *own = cli->own;
	struct environments file;
	struct hosted_repo repo;
	const char *home = push_home(a, own->state);
	int rc = hosted_read(a, home, cli->operands[0], &repo, err);
	if (rc > 0)
		return error_set(err, "%s: there is no such repository", cli->operands[0]);
	if (rc < 0 || read_environments(a, cli->operands[1], cli->operands[2], &file, err) < 0)
		return -1;
	struct built *out = arena_array(a, struct built, file.n_builds + 1);
	struct build_request request = {
		.home = home,
		.git_dir = cli->operands[1],
		.commit = cli->operands[2],
		.repo = &repo,
		.builds = file.builds,
		.n_builds = file.n_builds,
		.require_confinement = own->confined,
		.tell = tell,
		.ctx = cli,
		.cancel = &interrupted,
		.deadline_ms = own->timeout_ms ? clock_mono_ms() + own->timeout_ms : 0,
	};
	if (build_images(a, &request, out, err) < 0)
		return -1;
	print(cli, out, file.n_builds);
	return 0;
}

static int run(struct cli *cli)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct sigaction action = { .sa_handler = interrupt };
	atomic_store(&interrupted, false);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	return build(cli, &a, &err) < 0 ? command_fail(cli, &err) : EXIT_OK;
}

const struct command command_push_build = {
	.name = "push-build",
	.operands = "NAMESPACE/NAME GIT-DIR COMMIT",
	.summary = "Build the images of a commit as a push does",
	.help = "Builds the images that capstan.yaml of a commit names, with the registry and the secrets of a hosted "
		"repository, and prints one line for each.",
	.options = options,
	.options_size = sizeof(struct own),
	.operands_min = 3,
	.operands_max = 3,
	.hidden = true,
	.run = run,
};
