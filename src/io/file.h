/* file.h - small files read whole: kubeconfigs, certificates, tokens, inventories, lists of apps. */
#pragma once

#include "base/error.h"
#include "base/str.h"

/* Appends the bytes of a regular file or pipe. err names the file. 1: it does not exist (err says that too);
 * -1: it cannot be read, is neither file nor pipe, or has more than max bytes. */
int file_read(const char *path, size_t max, struct buf *out, struct error *err);
