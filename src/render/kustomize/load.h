/*
 * load.h - what of load.c is for the spine of a build (target.c, build.c) alone. Room-internal.
 */
#pragma once

#include "render/kustomize/build.h"

/* Whether path is dir or below it; both are paths of one tree. */
bool load_is_below(const char *path, const char *dir);
