/*
 * generate.h - resources that are made: ConfigMaps and Secrets from files and literals, what one of them does
 * to one that is there, and the hashes in their names. Room-internal.
 */
#pragma once

#include "render/kustomize/build.h"

struct kgenerate_call {
	struct kbuild *build;
	const struct kroot *root;   /* where files are read from */
	const char *kind;	    /* "ConfigMap" or "Secret" */
	const struct node *args;    /* an entry of configMapGenerator or secretGenerator */
	const struct node *options; /* the kustomization's generatorOptions, or NULL */
	const char *file;	    /* that the lines of args are in */
	const char *step;	    /* for origins */
};

int kgenerate(const struct kgenerate_call *call, struct kres **out, struct error *err);

/* A made resource joins the set: beside the others, or in place of one, or over it, as its behavior says
 * (upstream: AbsorbAll). */
int kresmap_absorb(struct kbuild *b, struct kresmap *m, struct kres *r, struct error *err);

/* Names of those that need one get the hash of their content (upstream: HashTransformer). -1: one has no
 * name. */
int khash_names(struct kbuild *b, struct kresmap *m, struct error *err);

/* The hash of a ConfigMap or Secret; of another kind one of our own. */
#define KHASH_LEN 10
void khash(struct kbuild *b, const struct kres *r, char out[KHASH_LEN + 1]);

/* In lines of 70, as upstream writes it when there is more than one. */
struct str kbase64(struct arena *a, struct str in);
