/* push_clean.c - `capstan push-clean`: what builds keep, on the push service's disk and in registries,
 * brought below what it may be. */
#include "cmd/commands.h"

#include "cmd/push_clean_images.h"
#include "push/build.h"
#include "push/build_store.h"
#include "push/image_clean.h"

struct own {
	const char *state;
	int64_t mebibytes, images, age_ms;
	bool in_registries, dry_run;
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
	  .help = "What builds of all repositories may keep on disk together. Default: 20480.",
	  .offset = offsetof(struct own, mebibytes) },
	{ .name = "images",
	  .kind = OPTION_FLAG,
	  .help = "Remove old images from the registries, too.",
	  .offset = offsetof(struct own, in_registries) },
	{ .name = "keep-images",
	  .kind = OPTION_COUNT,
	  .value = "N",
	  .help = "So many of each image stay in any case. Default: 20.",
	  .offset = offsetof(struct own, images) },
	{ .name = "keep-age",
	  .kind = OPTION_DURATION,
	  .value = "DURATION",
	  .help = "Younger ones stay. Default: 168h.",
	  .offset = offsetof(struct own, age_ms) },
	{ .name = "dry-run",
	  .kind = OPTION_FLAG,
	  .help = "Only say which images would go.",
	  .offset = offsetof(struct own, dry_run) },
	{ .name = NULL },
};

static int clean_images(struct cli *cli, const char *home, struct error *err)
{
	const struct own *own = cli->own;
	struct clean_images clean = {
		.home = home,
		.keep = own->images ? (size_t)own->images : IMAGE_CLEAN_KEEP,
		.keep_ms = own->age_ms ? own->age_ms : IMAGE_CLEAN_AGE_MS,
		.dry_run = own->dry_run,
	};
	return push_clean_images(cli, &clean, err);
}

static int run(struct cli *cli)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	const struct own *own = cli->own;
	const char *home = push_home(&a, own->state);
	uint64_t removed = 0, most = own->mebibytes ? (uint64_t)own->mebibytes << 20 : BUILD_CACHE_BYTES;
	if (!own->dry_run && build_store_sweep(home, most, &removed, &err) < 0)
		return command_fail(cli, &err);
	if (!own->dry_run)
		fprintf(cli->out, "removed %llu MiB of what builds kept\n",
			(unsigned long long)(removed >> 20));
	if (own->in_registries && clean_images(cli, home, &err) < 0)
		return command_fail(cli, &err);
	return EXIT_OK;
}

const struct command command_push_clean = {
	.name = "push-clean",
	.operands = "",
	.summary = "Remove what builds left and keep beyond their cap",
	.help = "Removes what killed builds left, and caches of builds, the least recently used first, until all of "
		"them together are below the cap. With `--images` also old images of builds from the registries: never "
		"one that an object of the cluster, a branch or tag of a hosted repository, or a configuration repository "
		"names; and none when one of them cannot be looked at.",
	.options = options,
	.options_size = sizeof(struct own),
	.common = COMMON_CLUSTER | COMMON_TIMEOUT,
	.hidden = true,
	.run = run,
};
