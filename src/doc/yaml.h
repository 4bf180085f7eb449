/*
 * yaml.h - YAML in (libyaml) as sigs.k8s.io/yaml reads it, and YAML out as it writes it.
 */
#pragma once

#include "base/error.h"
#include "doc/node.h"

/* Caps against hostile input; each breach is an error that names the cap and the line. */
#define YAML_INPUT_MAX (64u << 20)	 /* bytes of one file */
#define YAML_NODES_MAX 5000000u		 /* nodes of one file, after aliases are expanded */
#define YAML_ALIAS_EXPANSION_MAX 200000u /* nodes that aliases may add to one file (billion laughs) */
#define YAML_MESSAGES_MAX 1000u		 /* warnings, and errors, kept of one file; more are dropped */

struct yaml_document {
	struct node
		*root; /* never NULL; an empty document is skipped, "null" or only comments count as empty */
	uint32_t line; /* 1-based line of the first content line of the document */
	uint32_t end_line; /* last line */
};

struct yaml_warning {
	uint32_t line, column;
	char *text; /* e.g. "`yes` is read as the boolean true (YAML 1.1); quote it if you mean the string" */
};

struct yaml_error {
	uint32_t line, column; /* column 0: the whole line or document */
	char *text;	       /* what is wrong and what to do, without the place */
};

struct yaml_stream {
	struct yaml_document *documents;
	size_t n;
	struct yaml_warning *warnings;
	size_t n_warnings;
	struct yaml_error *errors; /* at most one a document, in the order of the lines */
	size_t n_errors;
};

/*
 * Parses every document of one file (YAML or JSON text; BOM, UTF-16 with a BOM, and CRLF accepted).
 * Everything is copied into a. An object is what `kubectl apply` would have sent:
 *
 * - The file is a stream of JSON values when it begins with `{`, for as long as that reads as JSON;
 *   otherwise documents are cut at lines that begin with `---`.
 * - YAML 1.1 scalars as sigs.k8s.io/yaml resolves them: y/yes/on... are booleans (with a warning),
 *   0777 and 0o777 octal, 0x, 0b, underscores, ~; timestamps stay strings; bool, int and float keys
 *   become strings; `<<` is expanded where it stands, over what came before it.
 * - Numbers as kubectl prints them (`1.0` -> 1, `1e3` -> 1000), except that a literal whose digits a
 *   double cannot hold is kept as written (number.h).
 *
 * Refused although kubectl takes it, because it would lose something silently: duplicate keys, invalid
 * UTF-8 and NUL bytes, content behind a `...` line or behind the end of a document, binary data that is
 * no text, more than NODE_DEPTH_MAX levels, the caps above. Accepted although kubectl refuses it:
 * `?` inside a plain scalar of a flow collection, and `\/` in double quotes.
 *
 * -1: at least one document is bad; err reads "line:column: what is wrong" for the first (the caller
 * wraps it with the file's name) and out->errors has them all. The good documents, before and after a
 * bad one, are in *out in any case (failure isolation).
 */
int yaml_parse(struct arena *a, struct str text, struct yaml_stream *out, struct error *err);

/* How scalars are read. */
enum yaml_dialect {
	YAML_KUBECTL, /* as above */
	/*
	 * As kustomize's kyaml (go-yaml v3) reads resources. yes/no/on/off are strings, keys must be strings,
	 * a merge (<<) never replaces a key that is written out, times are marked NODE_TIMESTAMP. INT, FLOAT,
	 * BOOL and NULL nodes keep the text as written in `text`, because kustomize copies and joins it;
	 * yaml_settle() ends that. Any text is YAML, also one that begins with `{`.
	 */
	YAML_KYAML,
};

enum yaml_twice {
	YAML_TWICE_REFUSED,
	YAML_TWICE_LAST,  /* where the first one stands; as Go decodes into a map or a struct */
	YAML_TWICE_FIRST, /* as kustomize looks fields up */
};

/*
 * Keys that were read before: Kubernetes documents say the same few hundred over and over, and one copy of
 * each serves all that are parsed into the same arena. It saves memory, and what looks a key up finds it in
 * the processor's cache.
 */
struct yaml_keys;
struct yaml_keys *yaml_keys_new(struct arena *a);

struct yaml_options {
	enum yaml_dialect dialect;
	uint32_t origin; /* written into every node; see origin.h */
	/* What a key that is there twice in a map means. Counting one of them is warned of. */
	enum yaml_twice twice;
	bool any_key; /* YAML_KYAML: a key that is no text is warned of, and is its text as written */
	/* A text that ends without a line break is not given one: a block scalar at its end ends without,
	 * too. */
	bool as_it_ends;
	uint32_t lines_before;	/* of the file that the text is in: added to all lines */
	struct yaml_keys *keys; /* of the same arena; NULL: those of this text alone */
};

int yaml_parse_as(struct arena *a, struct str text, const struct yaml_options *options,
		  struct yaml_stream *out, struct error *err);

/* A node that text, written plain, is in YAML_KYAML: kustomize's scalar without a tag, which it stays
 * (`untagged`): whoever changes its text makes it anew. Borrows text. */
struct node *yaml_kyaml_scalar(struct arena *a, struct str text);

/* The same in YAML_KUBECTL, as it is sent; what JSON has no number for (.inf) is a string. */
struct node *yaml_kubectl_scalar(struct arena *a, struct str text);
/* Whether text, as a document of one line, is anything but a text to YAML 1.1: kustomize quotes such texts.
 */
bool yaml_was_special(struct str text);
/* Whether text, written plain, would be read as something else than itself by YAML of any version: the
 * encoders of Go quote such texts. */
bool yaml_needs_quotes(struct str text);

/*
 * Turns a tree of YAML_KYAML, in place, into what kustomize makes JSON of: numbers as doubles or int64 in
 * Go's form, times in RFC 3339, what has the quotes of a text a text. -1: a text is not of the type its node
 * has (`!!int foo`); err names it.
 */
int yaml_settle(struct arena *a, struct node *root, struct error *err);

/* The same, and then what kustomize prints when it has read that JSON as YAML, where next line characters are
 * folded, and control characters that JSON does not escape refused. */
int yaml_settle_printed(struct arena *a, struct node *root, struct error *err);

/* Block style, keys in the order of sigs.k8s.io/yaml.Marshal, as `kubectl get -o yaml` prints. */
void yaml_write(struct buf *out, const struct node *n);
