/*
 * base_logins.h - what remote bases are asked for with: for each prefix of urls (repo/remote_allow.h) a
 * directory of files, as a Secret is mounted, whose names are the keys of a Repo's Secret.
 *
 * They are the installation's and not an App's: the copies of bases are shared by all Apps, and so whoever
 * may make an App reads what they open.
 */
#pragma once

#include "repo/remote.h"

#define BASE_LOGINS_FILE_MAX (64u << 10) /* bytes of one file */

struct base_logins;

/* texts: "URL=DIR" each, DIR absolute. -1: err says what is wrong with one, or that its directory is not
 * there. */
int base_logins_new(const char *const *texts, size_t n, struct base_logins **out, struct error *err);
void base_logins_free(struct base_logins *l); /* NULL is fine */

/*
 * The files of the longest prefix that the url begins with, read now, so that a changed Secret counts. NULL:
 * no prefix fits. -1 in *rc: a file cannot be read; err names it. Valid until the next call.
 */
const struct remote_credentials *base_logins_find(struct base_logins *l, const char *url, int *rc,
						  struct error *err);
