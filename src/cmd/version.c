/* version.c - `capstan version`. */
#include "cmd/commands.h"

#include "base/arena.h"
#include "doc/json.h"
#include "doc/yaml.h"

static const char *const formats[] = { "json", "yaml", NULL };

static int run(struct cli *cli)
{
	const char *format = cli->common.output;
	if (!format) {
		fprintf(cli->out, "capstan %s\n", CAPSTAN_VERSION);
		return EXIT_OK;
	}
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct node *root = node_map(&a);
	node_set(&a, root, STR("version"), node_string(&a, STR(CAPSTAN_VERSION)));
	if (strcmp(format, "json") == 0)
		json_write_pretty(&text, root);
	else
		yaml_write(&text, root);
	fwrite(text.p, 1, text.n, cli->out);
	return EXIT_OK;
}

const struct command command_version = {
	.name = "version",
	.operands = "",
	.summary = "Show the version of this program",
	.help = "Shows the version of this program. `capstan --version` does the same.",
	.formats = formats,
	.run = run,
};
