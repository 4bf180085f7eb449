/* completion.c - `capstan completion bash|zsh|fish`. */
#include "cmd/completion.h"

#include "cmd/commands.h"

const char *completion_source(enum complete what)
{
	switch (what) {
	case COMPLETE_CONTEXT:
		return "kubectl config get-contexts -o name 2>/dev/null";
	case COMPLETE_NAMESPACE:
		return "kubectl get namespaces -o name 2>/dev/null | cut -d/ -f2";
	case COMPLETE_APP:
		return "kubectl get apps.capstan.dev -o name 2>/dev/null | cut -d/ -f2";
	case COMPLETE_NOTHING:
	case COMPLETE_FILE:
	case COMPLETE_DIRECTORY:
	case COMPLETE_SHELL:
	case COMPLETE_COMMAND:
		break;
	}
	return NULL;
}

void completion_commands(struct buf *out)
{
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			buf_printf(out, "%s ", commands[i]->name);
	buf_adds(out, "help");
}

void completion_plain(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '.' && (p[1] == ' ' || p[1] == '\0'))
			break;
		if (!strchr("`'\"[]:\\$", *p))
			buf_addc(out, *p);
	}
}

struct shell {
	const char *name;
	void (*write)(struct buf *out);
};

static const struct shell shells[] = {
	{ "bash", completion_bash },
	{ "zsh", completion_zsh },
	{ "fish", completion_fish },
};

static int run(struct cli *cli)
{
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(shells[i].name, cli->operands[0]) != 0)
			continue;
		cleanup_buf struct buf script = BUF_INIT;
		shells[i].write(&script);
		fwrite(script.p, 1, script.n, cli->out);
		return EXIT_OK;
	}
	struct error err = ERROR_INIT;
	error_set(&err, "completion: no script for \"%s\"; there are bash, zsh and fish", cli->operands[0]);
	return command_fail(cli, &err);
}

static const struct example examples[] = {
	{ "completion bash > ~/.local/share/bash-completion/completions/capstan", "Install it for bash" },
	{ "completion zsh > ~/.zfunc/_capstan", "Install it for zsh, with `~/.zfunc` in fpath" },
	{ "completion fish > ~/.config/fish/completions/capstan.fish", "Install it for fish" },
	{ NULL, NULL },
};

const struct command command_completion = {
	.name = "completion",
	.operands = "SHELL",
	.summary = "Print a script that completes commands in a shell",
	.help = "Prints a script that completes commands, options and their values in `bash`, `zsh` or `fish`.\n\n"
		"Names of contexts, namespaces and apps are asked of `kubectl`, so that they are those of the current "
		"context.",
	.operands_min = 1,
	.operands_max = 1,
	.complete = COMPLETE_SHELL,
	.examples = examples,
	.run = run,
};
