/*
 * session.h - what every command that talks to a cluster begins with: configuration, log, cache.
 */
#pragma once

#include "cmd/command.h"
#include "kube/config.h"

/* --kubeconfig and --context, as kubectl reads them. */
int session_config(const struct cli *cli, struct arena *a, struct kube_config *out, struct error *err);
/* --log-level and --log-format. */
void session_log(const struct cli *cli);
/* $XDG_CACHE_HOME/capstan, ~/.cache/capstan, or a directory in /tmp of one's own. */
const char *session_cache_dir(struct arena *a);
/* -n, or the context's namespace. */
const char *session_namespace(const struct cli *cli, const struct kube_config *config);
