/* push_clean.c - `capstan push-clean`: what builds keep on the push service's disk, brought below its cap. */
#include "cmd/commands.h"

#include "push/build.h"
#include "push/build_store.h"

struct own {
	const char *state;
	int64_t mebibytes;
};

static const struct option_def options[] = {
	{ .name = "state",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .help = "Directory of the push service.",
	  .offset = offsetof(struct own, state),
	  .complete = COMPLETE_DIRECTORY },
	{ .name = "keep",
	  .kind = OPTION_COUNT,
	  .value = "MIB",
	  .help = "What builds of all repositories may keep together. Default: 20480.",
	  .offset = offsetof(struct own, mebibytes) },
	{ .name = NULL },
};

static int run(struct cli *cli)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	const struct own *own = cli->own;
	uint64_t removed = 0, most = own->mebibytes ? (uint64_t)own->mebibytes << 20 : BUILD_CACHE_BYTES;
	if (build_store_sweep(push_home(&a, own->state), most, &removed, &err) < 0)
		return command_fail(cli, &err);
	fprintf(cli->out, "removed %llu MiB of what builds kept\n", (unsigned long long)(removed >> 20));
	return EXIT_OK;
}

const struct command command_push_clean = {
	.name = "push-clean",
	.operands = "",
	.summary = "Remove what builds left and keep beyond their cap",
	.help = "Removes what killed builds left, and caches of builds, the least recently used first, until those of "
		"all repositories are below the cap.",
	.options = options,
	.options_size = sizeof(struct own),
	.hidden = true,
	.run = run,
};
