/* install.c - `capstan install`: the operator, its permissions and its custom resources into a cluster. */
#include "cmd/commands.h"

struct install_options {
	const char *image;
	int64_t replicas;
	bool print, crds_only, no_wait;
};

#define FIELD(f) .offset = offsetof(struct install_options, f)

static const struct option_def options[] = {
	{ .name = "image",
	  .kind = OPTION_TEXT,
	  .value = "IMAGE",
	  FIELD(image),
	  .help = "Container image of the operator." },
	{ .name = "replicas",
	  .kind = OPTION_COUNT,
	  .value = "N",
	  FIELD(replicas),
	  .help = "How many operators stand ready; one of them leads. Default: 1." },
	{ .name = "print",
	  .kind = OPTION_FLAG,
	  FIELD(print),
	  .help = "Print the objects instead of applying them." },
	{ .name = "crds-only",
	  .kind = OPTION_FLAG,
	  FIELD(crds_only),
	  .help = "Install the custom resource definitions alone, for an operator that runs elsewhere." },
	{ .name = "no-wait",
	  .kind = OPTION_FLAG,
	  FIELD(no_wait),
	  .help = "Do not wait until the operator is ready." },
	{ .name = NULL },
};

static const char *const formats[] = { "yaml", "json", NULL };

static const struct example examples[] = {
	{ "install", "Install or upgrade the operator in capstan-system" },
	{ "install --print > capstan.yaml", "Keep what would be applied in git" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "Installed, and ready unless `--no-wait` was given." },
	{ EXIT_DIFFERS, "Something could not be applied or is not ready." },
	{ EXIT_TROUBLE, "Wrong usage, no cluster or any other error." },
	{ EXIT_TIMED_OUT, "The timeout passed first." },
	{ 0, NULL },
};

const struct command command_install = {
	.name = "install",
	.operands = "",
	.summary = "Install or upgrade the operator in a cluster",
	.help = "Applies the custom resource definitions, the operator's Deployment and the permissions it needs, and nothing "
		"more. To run it again upgrades what is there.",
	.options = options,
	.options_size = sizeof(struct install_options),
	.formats = formats,
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_COLOR | COMMON_TIMEOUT,
	.examples = examples,
	.exits = exits,
};
