/*
 * remote_allow.h - which repositories an installation lets renders read besides their own. Pure.
 *
 * A prefix is a url up to a "/", a ":" after a host, or its end: "https://github.com/acme/" and
 * "https://github.com/acme" both allow https://github.com/acme/x.git and not https://github.com/acme-x/y.
 * Users and passwords in a url do not count, the case of scheme and host neither; git@HOST:PATH is
 * ssh://HOST/PATH, and a path of this machine is file:// and that path.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Whether text can be a prefix; err says what to write. */
int remote_allow_check(const char *prefix, struct error *err);
bool remote_allow_matches(const char *prefix, const char *url);
