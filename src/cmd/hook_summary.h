/*
 * hook_summary.h - what a push will change in clusters, by environment: asked while the checks run, by
 * processes of their own, so that a cluster that does not answer within HOOK_SUMMARY_REACH_S costs nothing
 * else.
 *
 *     struct hook_summary *s = hook_summary_new(cli, git_dir, url);
 *     hook_summary_add(s, sha, e)      each environment that is pushed
 *     hook_summary_start(s)
 *     ... the checks ...
 *     hook_summary_print(s)            when the push goes on: waits, and prints what came
 *     hook_summary_free(s)             ends what is still asking
 */
#pragma once

#include "cmd/command.h"
#include "render/environments.h"

#define HOOK_SUMMARY_REACH_S 1	      /* for a cluster to tell its kinds */
#define HOOK_SUMMARY_TIME_S 10	      /* for all the rest */
#define HOOK_SUMMARY_ENVIRONMENTS 50u /* of one push; others are passed over */

struct hook_summary;

struct hook_summary *hook_summary_new(struct cli *cli, const char *git_dir, const char *url);
void hook_summary_add(struct hook_summary *s, const char *sha, const struct environment *e);
void hook_summary_start(struct hook_summary *s);
void hook_summary_print(struct hook_summary *s);
void hook_summary_free(struct hook_summary *s); /* NULL is fine */

/* The process that asks one cluster (`hook run summary GIT-DIR URL`); lines "SHA ENVIRONMENT" on stdin. */
int hook_summary_ask(struct cli *cli, const char *git_dir, const char *url);
