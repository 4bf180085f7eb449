/*
 * kustomize.h - `kustomize build` (v5.8.1, and includeVolumeClaimTemplates of its main branch): a directory
 * with a kustomization file in, objects out, byte for byte as upstream prints them.
 *
 * Pure: reads through a render_tree only. Where upstream fails, this fails; messages are our own, with the
 * place in front ("overlays/prod/kustomization.yaml:7: ...").
 */
#pragma once

#include "doc/node.h"
#include "doc/origin.h"
#include "render/tree.h"

/* Caps; each breach is an error that names the cap. */
#define KUSTOMIZE_DEPTH_MAX 64u		     /* bases of bases */
#define KUSTOMIZE_TARGETS_MAX 10000u	     /* kustomizations read in one build */
#define KUSTOMIZE_RESOURCES_MAX 100000u	     /* resources in one build, at any time */
#define KUSTOMIZE_FILE_MAX (16u << 20)	     /* bytes of one file */
#define KUSTOMIZE_MEMORY_MAX (2048ull << 20) /* bytes of all that is read, made and copied */

enum kustomize_order {
	KUSTOMIZE_ORDER_DEFAULT, /* sortOptions, or else legacy: as upstream's command line */
	KUSTOMIZE_ORDER_NONE,	 /* --reorder none */
	KUSTOMIZE_ORDER_LEGACY,
};

/*
 * Runs a KRM exec function in directory dir of the tree. function: the `exec` of its annotation: path, and
 * maybe args and envs (lists of texts). input is a ResourceList as YAML, *out (in a) what it printed. -1: it
 * failed; err has what it said. Given by the caller, because this room runs nothing.
 */
typedef int kustomize_exec_fn(void *ctx, struct arena *a, const char *dir, const struct node *function,
			      struct str input, struct str *out, struct error *err);

struct kustomize_options {
	bool unrestricted; /* --load-restrictor LoadRestrictionsNone */
	bool managed_by;   /* as if the kustomization had `buildMetadata: [managedByLabel]` */
	enum kustomize_order order;
	bool enable_helm;	 /* says only why not, until Helm is native */
	kustomize_exec_fn *exec; /* --enable-exec; NULL: refused */
	void *exec_ctx;
	/* A kustomization without resources that is laid over the directory (an App's own additions), as an
	 * overlay of it in another directory would be; NULL: none. Its places are in `overlay_name`. */
	const struct node *overlay;
	const char *overlay_name;
	struct origins *origins; /* or NULL: where values come from is not kept */
	/* Environment, for generators that read `KEY` without a value (envs); NULL: empty. */
	const char *(*getenv)(void *ctx, const char *name);
	void *getenv_ctx;
};

struct kustomize_object {
	struct node *root; /* settled: ready for yaml_write() and json_write() */
	const char *file;  /* where it comes from, as shown to people */
	uint32_t line;
	struct str group, version, kind, name;
	struct str namespace; /* "default" when it names none; "" when its kind is known to have none */
};

struct kustomize_result {
	struct kustomize_object *objects; /* in the order of the output */
	size_t n;
	const char **warnings; /* deprecated fields and the like, with their place */
	size_t n_warnings;
};

/* 0; 1: remote bases are not here yet: fetch what the tree noted, then build again; -1: err. All memory from
 * a. dir: a path of the tree. */
int kustomize_build(struct arena *a, const struct render_tree *tree, const char *dir,
		    const struct kustomize_options *options, struct kustomize_result *out, struct error *err);

/* Whether reference is not a path but a directory of a git repository, as a kustomization would name it:
 * "https://host/org/repo//dir?ref=v1", "git@host:org/repo.git". */
bool kustomize_is_remote(const char *reference);
/* The same for such a directory, which comes through tree->ops->remote. */
int kustomize_build_remote(struct arena *a, const struct render_tree *tree, const char *reference,
			   const struct kustomize_options *options, struct kustomize_result *out,
			   struct error *err);

/* The objects as `kustomize build` prints them. */
void kustomize_print(const struct kustomize_result *result, struct buf *out);

/* Whether a file name is one that kustomize reads: kustomization.yaml, kustomization.yml, Kustomization. */
extern const char *const kustomize_file_names[]; /* in the order of preference; the last is NULL */
bool kustomize_is_file(struct str name);
