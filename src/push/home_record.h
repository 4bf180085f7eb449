/*
 * home_record.h - a hosted repository's record as JSON, and small words for JSON records of this room. Pure.
 */
#pragma once

#include "doc/node.h"
#include "push/home.h"

#define RECORD_MAX (8u << 20) /* bytes of one record: HOSTED_KEYS_MAX keys with branches fit */

/* Borrowed from the node; NULL: absent, or no text. Nodes of json_parse() have texts that end with NUL. */
const char *record_text(const struct node *map, const char *key);
/* Sets nothing when there is nothing to say: NULL, false. Borrows. */
void record_set_text(struct arena *a, struct node *map, const char *key, const char *text);
void record_set_flag(struct arena *a, struct node *map, const char *key, bool flag);
/* A list of texts; at most max. -1: err names the key. */
int record_texts(struct arena *a, const struct node *map, const char *key, size_t max,
		 const char *const **out, size_t *n, struct error *err);
void record_set_texts(struct arena *a, struct node *map, const char *key, const char *const *texts, size_t n);

struct node *hosted_record(struct arena *a, const struct hosted_repo *repo);
/* Borrows from root. err: what is wrong with it. */
int hosted_record_read(struct arena *a, const struct node *root, struct hosted_repo *out, struct error *err);

const char *hosted_right_name(enum hosted_right right);
bool hosted_right_parse(struct str name, enum hosted_right *out);

/* mkdir -p with mode 0700. */
int push_make_dirs(const char *path, struct error *err);
