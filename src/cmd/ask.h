/* ask.h - a yes or no from a person before something is taken away. */
#pragma once

#include "cmd/command.h"

/* Asks on the terminal. With none nobody can answer: says that --yes is needed, and the answer is no. */
bool ask(const struct cli *cli, const char *question);
