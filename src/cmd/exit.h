/*
 * exit.h - what the program's exit status says; the pages and docs print these same texts (command.h).
 *
 * Like diff(1) and `kubectl diff`: 1 is an answer, 2 is trouble.
 */
#pragma once

enum exit_code {
	EXIT_OK = 0, /* done; for diff: git and the cluster are the same; for status: all are ready */
	EXIT_DIFFERS =
		1, /* diff: they differ; check: errors; sync, status: failed, not healthy or not ready */
	EXIT_TROUBLE = 2,	/* wrong usage, unreadable input, no cluster, or any other error */
	EXIT_TIMED_OUT = 3,	/* --timeout passed before the end; what was begun is safe to begin again */
	EXIT_INTERRUPTED = 130, /* Ctrl-C, as shells count it: 128 + SIGINT */
};
