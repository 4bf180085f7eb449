/*
 * push_keys.c - `capstan push-keys --home HOME FINGERPRINT`: what sshd's AuthorizedKeysCommand asks for. One
 * line when somebody has that key, nothing otherwise.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "push/hosted.h"

struct keys_options {
	const char *home;
};

static const struct option_def options[] = {
	{ .name = "home",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .help = "The service's directory.",
	  .offset = offsetof(struct keys_options, home) },
	{ .name = NULL },
};

/* It becomes part of a command line that a shell reads. */
static bool is_fingerprint(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
	return strncmp(text, "SHA256:", 7) == 0 && strlen(text + 7) == 43 && strspn(text + 7, letters) == 43;
}

static int run(struct cli *cli)
{
	const struct keys_options *own = cli->own;
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	char program[4096] = "";
	const char *home = push_home(&a, own->home), *fingerprint = cli->operands[0];
	if (!is_fingerprint(fingerprint))
		return EXIT_OK;
	const char *line = hosted_key_line(&a, home, fingerprint, &err);
	if (err.text[0])
		return command_fail(cli, &err);
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		snprintf(program, sizeof(program), "capstan");
	if (line)
		fprintf(cli->out, "restrict,command=\"%s push-shell --home %s --key %s\" %s\n", program, home,
			fingerprint, line);
	return EXIT_OK;
}

const struct command command_push_keys = {
	.name = "push-keys",
	.operands = "FINGERPRINT",
	.summary = "Print the key that has a fingerprint, for sshd",
	.help = "For the sshd of `capstan serve`.",
	.options = options,
	.options_size = sizeof(struct keys_options),
	.operands_min = 1,
	.operands_max = 1,
	.hidden = true,
	.run = run,
};
