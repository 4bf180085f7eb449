/*
 * load.h - what of load.c is for the spine of a build (target.c, build.c) alone. Room-internal.
 */
#pragma once

#include "render/kustomize/build.h"
#include "render/kustomize/repospec.h"

/*
 * The directory that path, named in a kustomization of parent, stands for: one of the same tree, or of a
 * remote repository. 0; 1: a remote one that is not here yet (b->missing_remotes is set); -1: it is none,
 * a cycle, a cap. *out refers to parent.
 */
int load_open(struct kbuild *b, const struct kroot *parent, const char *path, struct kroot *out,
	      struct error *err);
/* The same for a remote one; parent may be NULL. */
int load_open_remote(struct kbuild *b, const struct render_tree *tree, const struct kroot *parent,
		     const struct repospec *spec, struct kroot *out, struct error *err);
