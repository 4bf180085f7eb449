/*
 * config.h - field specs: which fields names, labels, images and the like are in. The defaults are tables
 * (upstream compiles the same in, api/internal/konfig/builtinpluginconsts); `configurations:` and `crds:` add
 * to them. Room-internal.
 */
#pragma once

#include "render/kustomize/build.h"

struct kfieldspec {
	struct str group, version, kind; /* "" fits any */
	struct str path;		 /* "spec/template/spec/containers[]/image" */
	bool create;
};

typedef VEC(struct kfieldspec) kfieldspecs;

/*
 * Adds the specs of `from` that are not there yet. A spec is there when one with the same path is, whose
 * group, version and kind the new one selects. -1: that one says otherwise about `create` (upstream:
 * FsSlice.MergeAll).
 */
int kfieldspecs_merge(kfieldspecs *into, const kfieldspecs *from, struct error *err);
int kfieldspecs_add(kfieldspecs *into, const struct kfieldspec *spec, struct error *err);

/* Kind (and group, version) that names refer to, and where those references are. */
struct knameref {
	struct str group, version, kind;
	kfieldspecs referrers;
};

struct kconfig {
	kfieldspecs name_prefix, name_suffix, namespace, common_labels, labels, template_labels,
		common_annotations, var_reference, images, replicas;
	VEC(struct knameref) name_references;
};

/* The built-in one (a new copy; release it). */
void kconfig_default(struct kbuild *b, struct kconfig *out);
void kconfig_release(struct kconfig *c);
/* Adds a configuration file's node (`nameReference: [...]`, `images: [...]`, ...) as upstream merges it.
 * file, here and below: as shown to people. */
int kconfig_add(struct kbuild *b, struct kconfig *c, const char *file, const struct node *config,
		struct error *err);
/* Adds `from`; -1: they conflict (upstream: MergeConfig). */
int kconfig_merge(struct kbuild *b, struct kconfig *c, const struct kconfig *from, struct error *err);
/* Adds what a `crds:` file's OpenAPI definitions say (x-kubernetes-annotation, -label-selector, -identity,
 * -object-ref-api-version, -object-ref-kind, -object-ref-name-key). */
int kconfig_add_crd(struct kbuild *b, struct kconfig *c, const char *file, const struct node *definitions,
		    struct error *err);
/*
 * The specs of one entry of a kustomization's `labels:` (includeSelectors, includeTemplates,
 * includeVolumeClaimTemplates, fields), appended to out (vec_release it). includeVolumeClaimTemplates is of
 * upstream's main branch: when it is written, templates of claims are labelled only if it is true; when it is
 * not, they are templates as in v5.8.1.
 */
int klabel_specs(struct kbuild *b, const struct kconfig *c, const char *file, const struct node *label,
		 kfieldspecs *out, struct error *err);
/* A list of field specs as the node that a transformer's configuration has (`fieldSpecs:`). */
struct node *kfieldspecs_node(struct kbuild *b, const kfieldspecs *specs);

/* After all names are final: references follow (upstream: FixBackReferences). */
int knameref_fix(struct kbuild *b, const struct kconfig *c, struct kresmap *m, struct error *err);

/* One `vars:` entry. */
struct kvar {
	struct str name;
	struct kid ref; /* objref: kind, group, version, name, namespace */
	struct str field_path;
	struct kres *bound; /* the resource that it names, found where it was declared; NULL: none */
	const char *file;
	uint32_t line;
};
typedef VEC(struct kvar) kvars;
/* $(VAR) in the fields of c->var_reference (upstream: ResolveVars). A name that is none is an error;
 * variables that nothing uses are warned of, as upstream does. */
int kvars_resolve(struct kbuild *b, const struct kconfig *c, const kvars *vars, struct kresmap *m,
		  struct error *err);
