/* rendered_parts.h - what rendered*.c share. */
#pragma once

#include "operator/rendered.h"

/* Lays additions over objects that no kustomization made; what is wrong with that is in io->diags, too. */
void rendered_over(struct arena *a, const struct node *additions, struct render_output *io);
/* What auto means for a path of the tree. */
enum render_type rendered_auto(struct arena *a, const struct rendered_request *r, const char *path);

/* Adds what lines of `images` are for an App. all: of a file in a; app may be NULL. */
void rendered_images(struct arena *a, const struct rendered_app *app, const struct environments *all,
		     const struct environment *e, struct render_output *io);

/* Type environment. As rendered_objects(); -1: it cannot be rendered, err says why. */
int rendered_environment(struct arena *a, const struct rendered_request *request, struct render_output *out,
			 struct error *err);
