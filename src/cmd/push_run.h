/*
 * push_run.h - the machine of one push (push/machine.h) joined with its steps (push_steps.h), for a process
 * that runs one push: push_receive.c begins it, push_recover.c takes it up.
 */
#pragma once

#include "cmd/push_steps.h"

/* home, arena, cli, journal, record and tell are the caller's to set before; settings and the hosted
 * repository are read here. 1: that was deleted. */
int push_run_open(struct push_run *run, struct error *err);
/* Takes what is finished off the disk, too; journal and tell are gone afterwards. */
void push_run_close(struct push_run *run);

/* Runs a push that arrived until it is refused, or accepted and the rest is git's. true: accepted. */
bool push_run_start(struct push_run *run);
/* The same for a record that a killed process left, until it is finished. */
void push_run_resume(struct push_run *run);

/* --- the steps, one a file --- */

enum step_outcome push_check(struct push_run *run, struct error *err);
enum step_outcome push_build(struct push_run *run, struct error *err);
enum step_outcome push_claim(struct push_run *run, struct error *err);
/* What the targets run now, once they are ours. */
enum step_outcome push_claim_targets(struct push_run *run, struct error *err);
enum step_outcome push_move_refs(struct push_run *run, struct error *err);
/* Refs of this push that were moved while others could not be, go back. */
enum step_outcome push_restore_refs(struct push_run *run, struct error *err);
/* Whether all refs are at the new commits; read from the hosted repository. */
bool push_refs_moved(struct push_run *run);

/* Takes up what a killed process left, to its end. moved: git has said that all its refs are. 1: somebody has
 * it. */
int push_recover_id(const struct cli *cli, const char *home, const char *id, bool moved, struct error *err);
