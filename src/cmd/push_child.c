/* push_child.c - `capstan push-child -- PROGRAM ARG...`: becomes a program that ends when its parent does. */
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "cmd/commands.h"

static int run(struct cli *cli)
{
	struct error err = ERROR_INIT;
	const char **argv = mem_alloc((cli->n_operands + 1) * sizeof(*argv));
	memcpy(argv, cli->operands, cli->n_operands * sizeof(*argv));
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	error_set(&err, "%s: %s", argv[0], strerror(errno));
	free(argv);
	return command_fail(cli, &err);
}

const struct command command_push_child = {
	.name = "push-child",
	.operands = "PROGRAM [ARG...]",
	.summary = "Become a program that ends with its parent",
	.help = "For `capstan serve`, which starts its parts by it.",
	.operands_min = 1,
	.operands_max = UINT_MAX,
	.hidden = true,
	.run = run,
};
