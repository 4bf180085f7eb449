/* ask.c - see ask.h. */
#include "cmd/ask.h"

#include <string.h>
#include <unistd.h>

bool ask(const struct cli *cli, const char *question)
{
	char line[16] = "";
	if (!isatty(STDIN_FILENO)) {
		fprintf(cli->err, "%s: there is no terminal to ask on; give --yes\n", cli->program);
		return false;
	}
	fprintf(cli->err, "%s [y/N] ", question);
	fflush(cli->err);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	return strcmp(line, "y\n") == 0 || strcmp(line, "yes\n") == 0 || strcmp(line, "Y\n") == 0;
}
