/*
 * place.h - what the operand DIR|APP of `sync` and `diff` means.
 */
#pragma once

#include "cmd/cluster.h"

/* A directory: it has a slash, is "." or "..", or there is a directory of that name. app: it was said to be
 * an App. */
bool place_is_dir(const char *operand, bool app);

/*
 * Whether an app made from a directory may use this name: the namespace is there, and no App has the name,
 * which would be a second owner of the same objects. operand is for the message.
 */
int place_check(struct cluster *c, const char *name, const char *operand, struct error *err);
