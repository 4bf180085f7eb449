/* main.c - hands argv to the commands. */
#include <locale.h>
#include <signal.h>

#include "cmd/command.h"

int main(int argc, char **argv)
{
	/* Numbers are read and written in the C locale everywhere; only characters follow the user's. */
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	return command_main(argc, (const char *const *)argv, stdout, stderr);
}
