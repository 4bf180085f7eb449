/*
 * function.c - generators and transformers that are programs. Programs are run by whoever asked for the build
 * (options->exec), or not at all: a repository is not trusted to bring its own.
 */
#include "render/kustomize/target.h"

static int refuse(const struct kres *r, struct error *err)
{
	return error_set(
		err,
		"%s:%u: %.*s is no plugin that is built in, and other ones are not run: external plugins "
		"are disabled",
		r->file, r->line, STR_ARG(kres_kind(r)));
}

int kfunction_generate(struct ktarget *t, const struct kres *r, kres_list *made, struct error *err)
{
	return refuse(r, err);
}

int kfunction_transform(struct ktarget *t, const struct kres *r, struct kresmap *m, struct error *err)
{
	return refuse(r, err);
}
