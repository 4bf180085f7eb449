/*
 * people.h - carries out the script: what people, git, bad luck and other controllers do.
 */
#pragma once

#include "world.h"

void people_plan(struct world *w);
/* Faults end: servers answer, webhooks work, finalizers go, suspended apps go on (most of them). */
void people_calm(struct world *w);
