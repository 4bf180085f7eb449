/*
 * loop_child.h - what lives on a loop and must be ended when the loop is freed; for files in io/ only.
 */
#pragma once

#include "io/loop.h"

struct loop_child {
	struct loop_child *next, **link;
	void (*abandon)(struct loop_child *child); /* ends it at once and calls nobody back */
};

void loop_child_add(struct loop *loop, struct loop_child *child, void (*abandon)(struct loop_child *child));
void loop_child_remove(struct loop_child *child); /* twice is fine */
