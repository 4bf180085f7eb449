/*
 * yaml.h - YAML in (libyaml) as sigs.k8s.io/yaml reads it, and YAML out as it writes it.
 */
#pragma once

#include "base/error.h"
#include "doc/node.h"

/* Caps against hostile input; each breach is an error that names the cap and the line. */
#define YAML_INPUT_MAX (64u << 20)      /* bytes of one file */
#define YAML_NODES_MAX 5000000u         /* nodes of one file, after aliases are expanded */
#define YAML_ALIAS_EXPANSION_MAX 200000u /* nodes that aliases may add to one file (billion laughs) */

struct yaml_document {
	struct node *root; /* never NULL; an empty document is skipped, "null" or only comments count as empty */
	uint32_t line;     /* 1-based line of the first content line of the document */
	uint32_t end_line; /* last line */
};

struct yaml_warning {
	uint32_t line, column;
	char *text; /* e.g. "`yes` is read as the boolean true (YAML 1.1); quote it if you mean the string" */
};

struct yaml_stream {
	struct yaml_document *documents;
	size_t n;
	struct yaml_warning *warnings;
	size_t n_warnings;
};

/*
 * Parses every document of one file (YAML or JSON text; BOM and CRLF accepted). Everything is
 * copied into a. An object is what `kubectl apply` would have sent: YAML 1.1 scalars as
 * sigs.k8s.io/yaml resolves them (go-yaml v2 rules: yes/no/on/off booleans, octal 0777 and 0o,
 * hex, binary, underscores, .inf refused, ~, timestamps stay strings, merge keys `<<` expanded,
 * non-string keys turned into strings as it does), duplicate keys refused, numbers exact.
 * err reads "line:column: what is wrong" (the caller wraps it with the file's name).
 * On error the documents that parsed before the bad one are still in *out (failure isolation).
 */
int yaml_parse(struct arena *a, struct str text, struct yaml_stream *out, struct error *err);

/* Block style, keys sorted, two-space indent, as `kubectl get -o yaml` prints (sigs.k8s.io/yaml.Marshal). */
void yaml_write(struct buf *out, const struct node *n);
