/*
 * build.h - what the files of this folder share: one build, its resources, and how a transformer is called.
 * Room-internal.
 *
 *   build.c          a build from end to end; the result
 *   target.c         one kustomization: resources, generators, components, transformers, validators, vars
 *   kustomization.c  the kustomization file: fields, deprecated ones, what they become
 *   load.c           paths below a root: files, bases, remote bases, cycles
 *   resource.c       one resource: identity, names it had, metadata
 *   resmap.c         the ordered set of them, with an index by identity
 *   generate.c ...   ConfigMap and Secret generators; name hashes
 *   config.h         field specs: which fields a transformer touches (tables as data)
 *   schema.h         what OpenAPI says of kinds: merge keys, scope
 *   transform.h      the built-in transformers by kind
 */
#pragma once

#include "base/map.h"
#include "base/vec.h"
#include "render/kustomize/kustomize.h"

struct kschema;
struct kconfig;
struct yaml_stream;

struct kbuild {
	struct arena *a; /* everything of the build lives here */
	const struct kustomize_options *options;
	struct origins *origins; /* may be NULL; origin_*() accept that */
	struct kschema *schema;	 /* schema.h */
	struct kconfig *config;	 /* the built-in one of config.h, made when it is first needed; read only */
	struct yaml_keys *keys;	 /* of all files (doc/yaml.h) */
	bool schema_chosen;	 /* an `openapi:` was seen: the first one counts */
	VEC(const char *) warnings;
	VEC(struct kres *) all;	   /* every resource that was made, for kbuild_release() */
	size_t targets, resources; /* counted against the caps */
	bool missing_remotes;
	size_t memory_before; /* of the arena, when the build began */
};

/* --- identity (upstream: resid) --- */

struct kid {
	struct str group, version, kind;
	struct str name, namespace; /* as in metadata; "" when absent */
	bool cluster_scoped;	    /* as far as the schema knows the kind */
};

/* Upstream's resid.ResId.Equals: same group, version, kind and name, and the same effective namespace: "" and
 * "default" are one, and a cluster-scoped kind has none. */
bool kid_equal(const struct kid *a, const struct kid *b);
struct str kid_effective_namespace(const struct kid *id);
/* "Deployment.v1.apps/web.[noNs]", as upstream writes it, for messages; into a. */
const char *kid_text(struct arena *a, const struct kid *id);

/* --- one resource --- */

enum kbehavior { KBEHAVIOR_UNSET, KBEHAVIOR_CREATE, KBEHAVIOR_REPLACE, KBEHAVIOR_MERGE };
enum kbehavior kbehavior_read(struct str name);	     /* UNSET for what is none */
const char *kbehavior_name(enum kbehavior behavior); /* "unspecified" for UNSET, as upstream */

/*
 * A name that the resource had (upstream keeps these as annotations internal.config.kubernetes.io/previous*).
 * namespace is the effective one of that time ("default" when it had none), and the identity made of it is
 * never cluster_scoped: both as upstream's PrevIds.
 */
struct kprevious {
	struct str kind, name, namespace;
};

struct kres {
	struct node *root; /* a tree of YAML_KYAML; its metadata is a map whenever name is set */
	const char *file;  /* as shown to people */
	uint32_t line;
	VEC(struct kprevious) previous;	    /* oldest first; memory of the resource, freed with the build */
	VEC(struct str) prefixes, suffixes; /* in the order they were added: outermost last */
	enum kbehavior behavior;
	bool generated; /* a generator made it: upstream notes a behavior also when none is given */
	bool needs_hash;
	bool allow_name_change, allow_kind_change;
	bool gone; /* a patch deleted it: it drops out of its set */
};

/* The identity it has now, its first one, and the i-th of the earlier ones (previous[i]). Strings borrow. */
struct kid kres_id(const struct kbuild *b, const struct kres *r);
struct kid kres_original_id(const struct kbuild *b, const struct kres *r);
struct kid kres_previous_id(const struct kbuild *b, const struct kres *r, size_t i);
/* An identity from an apiVersion and the rest. */
struct kid kid_make(const struct kbuild *b, struct str api_version, struct str kind, struct str name,
		    struct str namespace);
/* Notes the present name, namespace and kind as a previous one (upstream: StorePreviousId). */
void kres_store_previous(struct kbuild *b, struct kres *r);

/* The text of a scalar of any type as it was written; "" for null, maps, lists and NULL. */
struct str knode_text(const struct node *n);
struct str kres_kind(const struct kres *r);
struct str kres_name(const struct kres *r);
struct str kres_namespace(const struct kres *r);
struct str kres_api_version(const struct kres *r);
/* metadata.annotations or labels, or NULL. */
/* The map at key of a map, made where there is none or something else. */
struct node *kres_map_at(struct kbuild *b, struct node *in, struct str key);
struct node *kres_annotations(const struct kres *r);
struct node *kres_labels(const struct kres *r);
/* A value of labels, annotations or data as upstream has it once it held that map as one of Go strings: a
 * text, whatever it was; a literal one when it has several lines. */
struct node *kres_text_value(struct kbuild *b, struct node *value);
void kres_set_annotation(struct kbuild *b, struct kres *r, struct str key, struct str value);

/* A resource around root, with nothing known of it yet. */
struct kres *kres_new(struct kbuild *b, struct node *root, const char *file);
/* Null, or an empty map or list (upstream: IsNilOrEmpty). */
bool kres_is_empty(const struct kres *r);
/* A deep copy (tree and all the rest), as upstream's DeepCopy. */
struct kres *kres_copy(struct kbuild *b, const struct kres *r);
void kres_release(struct kres *r); /* its vectors; the tree is the arena's */

/* --- a set of resources, in order --- */

/* resmap.c's index by kind, name and effective namespace: chains of entries by the hash of these. */
struct kindex_entry {
	uint64_t hash;
	struct kres *res;
	uint32_t next; /* position + 1 in entries of the one before it in this chain; 0: none */
	bool current;  /* by the identity it has now; else by an earlier one */
};

struct kresmap {
	VEC(struct kres *) list;
	/* Rebuilt when stale. Anybody who renames a resource, or changes its kind or namespace, calls
	 * kresmap_touch(). */
	VEC(struct kindex_entry) entries;
	uint32_t *buckets; /* position + 1 of the newest entry */
	size_t n_buckets;  /* a power of two, or 0 */
	bool indexed;
	bool unique; /* it was made sure that no two have one identity, and nobody called kresmap_touch()
			since */
};

#define KRESMAP_INIT \
	{            \
		0    \
	}

#define cleanup_kresmap cleanup(kresmap_release)
void kresmap_release(struct kresmap *m); /* the resources stay: they are the build's */
void kresmap_touch(struct kresmap *m);
/* Appends; -1 when the identity is there already ("may not add resource with an already registered id"). */
int kresmap_append(struct kbuild *b, struct kresmap *m, struct kres *r, struct error *err);
/* -1: after all that was done to them, two of them have one identity. */
int kresmap_check_unique(struct kbuild *b, struct kresmap *m, struct error *err);
void kresmap_drop_gone(struct kresmap *m); /* takes out those that are `gone` or empty */

typedef VEC(struct kres *) kres_list;
/* Those whose present identity, or any earlier one, equals id; appended to out (vec_release it). */
void kresmap_by_current_id(struct kbuild *b, struct kresmap *m, const struct kid *id, kres_list *out);
void kresmap_by_any_id(struct kbuild *b, struct kresmap *m, const struct kid *id, kres_list *out);

/* --- reading resources --- */

struct kres_text {
	const char *file; /* as shown to people */
	struct str text;
	uint32_t lines_before; /* lines of the file in front of the text */
	bool patch;  /* as upstream reads patches: of equal keys the first one counts, keys may be numbers */
	bool strict; /* kyaml_parse(): equal keys are refused; else the last one counts */
};

/*
 * Text (YAML of any number of documents, Lists flattened, null documents dropped) as resources, appended to
 * out. Upstream: NewResMapFromBytes. -1 names file:line; what is warned of, too.
 */
int kres_read(struct kbuild *b, const struct kres_text *from, kres_list *out, struct error *err);
int kres_parse(struct kbuild *b, const char *file, struct str text, kres_list *out, struct error *err);

/* A text as upstream reads what is no resource, by sigs.k8s.io/yaml: configurations, JSON patches. The good
 * documents are in *out also when one is bad. */
int kyaml_parse(struct kbuild *b, const struct kres_text *from, struct yaml_stream *out, struct error *err);

/* --- loading (load.c) --- */

/* A directory that a kustomization is read from. */
struct kroot {
	const struct kroot *parent; /* the target that referred to this one, or NULL */
	struct render_tree tree;
	const char *dir;  /* path of the tree, links followed */
	bool remote_tree; /* in a remote base */
	const char
		*remote; /* the reference to the remote base that this is the root of, as written; or NULL */
};

/*
 * A file named in a kustomization of root; refused outside of root unless options->unrestricted. *shown: its
 * name for messages. 0; -1. http(s) URLs of single files are refused with a clear word.
 */
int kroot_read(struct kbuild *b, const struct kroot *root, const char *path, struct str *text,
	       const char **shown, struct error *err);

/* -1: what the build holds has grown over KUSTOMIZE_MEMORY_MAX. Called after each transformer; one that
 * copies values in a loop calls it in there, too. */
int kbuild_check_memory(const struct kbuild *b, struct error *err);

/* What of b is not the arena's: vectors of resources, warnings. Sets of resources have a release of their
 * own. */
void kbuild_release(struct kbuild *b);

void kbuild_warn(struct kbuild *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
