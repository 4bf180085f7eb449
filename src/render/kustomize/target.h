/*
 * target.h - one kustomization at work: what it accumulates, in upstream's order (kusttarget.go).
 * Room-internal.
 *
 *   target.c     resources, components, configurations, vars; merging of bases
 *   steps.c      the built-in generators and transformers that its fields stand for
 *   plugin.c     generators, transformers and validators that are files of their own
 *   function.c   those of them that are programs
 */
#pragma once

#include "render/kustomize/annotate.h"
#include "render/kustomize/config.h"
#include "render/kustomize/kustomization.h"

struct ktarget {
	struct kbuild *b;
	const struct kroot *root;
	struct kustomization k;
	bool tracked; /* the build's buildMetadata asks for annotations */
	struct korigin origin;
};

/* What is known so far of the kustomization and its bases. */
struct kaccumulated {
	struct kresmap map;
	struct kconfig *config; /* NULL: the built-in one, or none at all yet */
	bool configured;	/* the built-in one is in it */
	kvars vars;
};

#define KACCUMULATED_INIT \
	{                 \
		0         \
	}
#define cleanup_accumulated cleanup(kaccumulated_release)
void kaccumulated_release(struct kaccumulated *acc);
const struct kconfig *kaccumulated_config(struct kbuild *b, const struct kaccumulated *acc);

/* Everything a kustomization does, but for what is done once at the end of a build. */
int ktarget_accumulate(struct ktarget *t, struct kaccumulated *acc, struct error *err);
/* The kustomization in root; openapi of it is in force then. */
int ktarget_load(struct ktarget *t, struct error *err);
/* Resources that item (a text of a list: a file, a directory, a remote base) stands for. */
int ktarget_add_path(struct ktarget *t, const struct node *item, struct kaccumulated *acc, struct error *err);
/* The directory at root, as a base. */
int ktarget_add_base(struct ktarget *t, const struct kroot *root, struct korigin origin,
		     struct kaccumulated *acc, struct error *err);

/* steps.c */
int ktarget_generate(struct ktarget *t, struct kaccumulated *acc, struct error *err);
int ktarget_transform(struct ktarget *t, struct kaccumulated *acc, struct error *err);

struct kstep {
	const char *kind;	   /* "PrefixTransformer" */
	const struct node *config; /* as a file of that kind would hold it */
	const char *file, *name;   /* that config's lines are in; for origins: "namePrefix of FILE" */
	const struct korigin_config *origin; /* noted in what it went over; NULL: nothing is */
};
/* Runs one built-in transformer over acc. 1: there is none of that kind. */
int ktarget_run(struct ktarget *t, const struct kstep *step, struct kresmap *m, struct error *err);

/* plugin.c */
int ktarget_generate_plugins(struct ktarget *t, struct kaccumulated *acc, struct error *err);
int ktarget_transform_plugins(struct ktarget *t, struct kaccumulated *acc, struct error *err);
int ktarget_validate(struct ktarget *t, struct kaccumulated *acc, struct error *err);

/* function.c: r configures a program; what it makes is appended to made, or what it makes of m is put there.
 */
int kfunction_generate(struct ktarget *t, const struct kres *r, kres_list *made, struct error *err);
int kfunction_transform(struct ktarget *t, const struct kres *r, struct kresmap *m, struct error *err);
