/* file.h - small files read whole: kubeconfigs, certificates, tokens. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define KUBE_FILE_MAX (4u << 20)

/* NUL-terminated. err names the file. 1: it does not exist. */
int kube_file_read(struct arena *a, const char *path, struct str *out, struct error *err);
