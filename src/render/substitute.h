/*
 * substitute.h - variables in rendered objects: Flux's postBuild substitution, on trees instead of text.
 *
 * Expressions stand in texts and in keys of maps:
 *
 *   ${v}                    the value; `$v` and `$(v)` are left alone
 *   ${v:-w} ${v:=w} ${v=w}  w where v is not set or empty; ${v-w}: only where it is not set
 *   ${v:?w}                 an error that says w where v is not set or empty
 *   ${#v}                   length in bytes
 *   ${v^} ${v^^} ${v,} ${v,,}   first letter or all, upper or lower case
 *   ${v:n} ${v:n:len}       from byte n (negative: from the end), len bytes
 *   ${v#p} ${v##p} ${v%p} ${v%%p}   without the shortest or longest p (*, ?, [a-z]) at the start or end
 *   ${v/t/r} ${v//t/r} ${v/#t/r} ${v/%t/r}   the text t replaced by r: first, all, at the start, at the end
 *   $$                      a dollar sign: $${v} is the text ${v}
 *
 * w, and a p, t, r or n as a whole, may be expressions themselves. What a value holds is never read as an
 * expression. Where Flux's own reading makes no sense we differ; docs/reference/substitution.md lists it.
 *
 * A text that nothing quoted (NODE_PLAIN, with a place in a file) is read again as a YAML scalar: a number, a
 * boolean, null, or a quoted scalar (Flux's `${quote}${v}${quote}`), which is a string. Whatever else it
 * looks like, it stays one string: the structure of a document never changes. In quotes and block scalars
 * the result is a string.
 *
 * Values never appear in messages: some come from Secrets.
 */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "doc/origin.h"
#include "render/render.h"

/* Caps; each breach is an error that names the cap. */
#define SUBSTITUTE_VALUES_MAX 10000u	   /* variables */
#define SUBSTITUTE_VALUE_MAX (1u << 20)	   /* bytes of one value */
#define SUBSTITUTE_SCALAR_MAX (1u << 20)   /* bytes of one text after substitution, and of its parts */
#define SUBSTITUTE_TOTAL_MAX (64u << 20)   /* bytes of all texts that were substituted in one render */
#define SUBSTITUTE_DEPTH_MAX 16u	   /* expressions inside expressions */
#define SUBSTITUTE_WORK_MAX (128ull << 20) /* steps of one render: bytes written, pattern places tried */

struct substitute_value {
	struct str text;
	const char *source; /* "ConfigMap shop/settings", "capstan.yaml" */
	bool secret;
};

/* Variables by name; memory from the arena a, but for the index (substitute_values_release()). */
struct substitute_values {
	struct arena *a;
	struct map by_name; /* name -> struct substitute_value */
};

void substitute_values_release(struct substitute_values *v);

bool substitute_is_name(struct str s); /* letters, digits and _, no digit first */

/* Adds those of from, which live as long as to; they take the places of what to has. from may be NULL. */
void substitute_add_all(struct substitute_values *to, const struct substitute_values *from);

/*
 * Adds a variable; a later one takes the place of an earlier one, so add what substituteFrom names in its
 * order and what stands inline last. Line breaks are taken out of the text, as Flux does. -1: the name is not
 * of the form [_A-Za-z][_A-Za-z0-9]*, the text is not UTF-8, a cap; err begins with the source, and the
 * caller goes on with the other variables. source is borrowed.
 */
int substitute_add(struct substitute_values *v, struct str name, struct str text, const char *source,
		   bool secret, struct error *err);

/*
 * Adds every entry of `data` of a ConfigMap (or, with secret, of a Secret as the API sends it: base64).
 * -1: one or more entries cannot be used; err names them all, the others were added.
 */
int substitute_add_object(struct substitute_values *v, const struct node *object, const char *source,
			  bool secret, struct error *err);

struct substitute_options {
	const struct substitute_values *values;
	bool lenient;		 /* a variable that is not set is empty; else an error */
	struct origins *origins; /* where `in` is from; or NULL */
};

/*
 * Substitutes in every object of `in` that does not opt out by the annotation or label
 * kustomize.toolkit.fluxcd.io/substitute or capstan.dev/substitute with the value `disabled`.
 *
 * `in` and its trees stay as they are; unchanged parts of trees are shared with them. An object with any
 * error is not in out->objects. All errors of all objects are in out->diags, behind those of `in`. Where
 * names have expressions, all objects are checked again (names, uniqueness). Each value that changed has an
 * origin step "substitution of NAME" ("NAME, OTHER" for several). Memory from a.
 */
void render_substitute(struct arena *a, const struct render_output *in,
		       const struct substitute_options *options, struct render_output *out);

/* Whether the object opts out. */
bool substitute_opts_out(const struct node *object);
