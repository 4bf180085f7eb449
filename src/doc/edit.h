/*
 * edit.h - YAML text changed in place: every comment, quote, blank line and indentation that is not part of
 * the change stays as it is. Surgery on the text, guided by the places of the values in it.
 *
 *     struct edit *e;
 *     if (edit_open(a, "kustomization.yaml", text, &e, err) == 0 &&
 *         edit_replace(e, 0, STR("images[name=web].newTag"), node_string(a, STR("v2")), 0, err) == 0)
 *             use(edit_text(e));
 *
 * After every change the text is read again and compared: exactly what was asked for differs, or else the
 * change fails and the text is as before it. Refused with FILE:LINE: what has an anchor or is an alias
 * (other places would change with it), what has a tag, block scalars unless asked for, keys that are twice.
 */
#pragma once

#include "base/error.h"
#include "doc/node.h"

/* Caps; each breach is an error that names the cap. */
#define EDIT_INPUT_MAX (16u << 20) /* bytes of one text */
#define EDIT_NODES_MAX 1000000u	   /* values in it */
#define EDIT_VALUE_DEPTH_MAX 16u   /* levels of a value that is put in */

enum {
	EDIT_BLOCK_SCALARS = 1 << 0, /* a text of several lines (`|`, `>`) may be replaced, too */
};

struct edit;

/*
 * Reads all documents of text (UTF-8; CRLF, a BOM and a missing final line break are kept). file is for
 * messages; both are borrowed, all else lives in a. -1: it is no YAML, or a key is twice or no scalar.
 */
int edit_open(struct arena *a, const char *file, struct str text, struct edit **out, struct error *err);

struct str edit_text(const struct edit *e); /* as it is now */
bool edit_changed(const struct edit *e);    /* whether that is not what was opened */

/*
 * Documents, without those that hold nothing; as yaml_parse() counts them. The trees are of YAML_KYAML
 * (doc/yaml.h) with a text for every scalar; what an alias stands for is not in them: it is a null. They are
 * void after the next change.
 */
size_t edit_documents(const struct edit *e);
struct node *edit_root(const struct edit *e, size_t document);

/* The node at a path; -1: err says FILE:LINE and what is there instead. */
int edit_find(const struct edit *e, size_t document, struct str path, struct node **out, struct error *err);

/* The comment behind a scalar on its line, without the '#' and white space around it; "" when there is none.
 */
struct str edit_comment(const struct edit *e, const struct node *scalar);

/*
 * Changes. path: see doc/path.h; "" is the document's root. value: what is written; a STRING gets quotes
 * where it needs them (those of the old value where they allow it, or of its neighbours), INT, FLOAT, BOOL
 * and NULL are written plain; maps and lists of them where a place holds nothing yet. -1: err; nothing
 * changed.
 */
int edit_replace(struct edit *e, size_t document, struct str path, const struct node *value, unsigned flags,
		 struct error *err);
/* The same for a node of edit_root(). */
int edit_replace_node(struct edit *e, const struct node *at, const struct node *value, unsigned flags,
		      struct error *err);
/* A new key at the end of a map; of a null, which becomes a map. */
int edit_add(struct edit *e, size_t document, struct str path, struct str key, const struct node *value,
	     struct error *err);
/* A new item at the end of a list; of a null, which becomes a list. */
int edit_append(struct edit *e, size_t document, struct str path, const struct node *value,
		struct error *err);
/* A key with a single value goes from a map that has others; a comment behind it stays, on a line of its
 * own. */
int edit_remove(struct edit *e, size_t document, struct str path, struct str key, struct error *err);
