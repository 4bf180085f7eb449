/*
 * select.h - which resources a patch or a replacement means: upstream's types.Selector, whose group, version,
 * kind, name and namespace are regular expressions for the whole text, and whose label and annotation
 * selectors have the grammar of `kubectl get -l`. What is empty fits all. Room-internal.
 */
#pragma once

#include "render/kustomize/build.h"

struct kpattern; /* one of the regular expressions */
struct klabel_selector;

struct kselector {
	struct str group, version, kind, name, namespace; /* as written */
	struct str labels, annotations;
	/* Compiled by kselector_read(), in the build's arena; NULL: fits all. */
	struct kpattern *match_group, *match_version, *match_kind, *match_name, *match_namespace;
	/* Compiled when they are first needed: a bad one is an error only if something gets as far. */
	struct klabel_selector *match_labels, *match_annotations;
	const char *file; /* of the configuration, as shown to people */
	uint32_t line;
};

extern const struct kshape kselector_shape; /* of a map that kselector_read() reads, alone */

/* Reads a map with group, version, kind, name, namespace, labelSelector and annotationSelector; other keys
 * are the caller's. -1: a value is no text, or no regular expression. */
int kselector_read(struct kbuild *b, const struct node *map, const char *file, struct kselector *out,
		   struct error *err);

/* The parts (upstream: SelectorRegex.MatchGvk, MatchName, MatchNamespace). */
bool kselector_fits_kind(const struct kselector *s, struct str group, struct str version, struct str kind);
bool kselector_fits_name(const struct kselector *s, struct str name);
bool kselector_fits_namespace(const struct kselector *s, struct str namespace);
/* Both labels and annotations of r: 0: they fit; 1: they do not; -1: a selector is not well-formed. */
int kselector_fits_labels(struct kbuild *b, struct kselector *s, const struct kres *r, struct error *err);

/*
 * The resources of m that s selects, in their order, appended to out (vec_release it). Name and namespace fit
 * by what they are now or were at first (upstream: ResMap.Select). None is no error.
 */
int kselect(struct kbuild *b, struct kselector *s, const struct kresmap *m, kres_list *out,
	    struct error *err);
