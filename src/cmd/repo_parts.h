/* repo_parts.h - the verbs of `capstan repo`, each in a file: repo.c (the table), repo_keys.c, repo_show.c.
 */
#pragma once

#include "cmd/apps.h"

struct repo_options {
	const char *right, *branch, *max_size, *mirror, *mirror_secret, *registry, *registry_secret, *account;
	struct option_list branches, keys, protected;
	bool insecure, yes, no_wait;
};

/* A verb with its operands, those behind its words. Returns an exit code, or -1 with err. */
typedef int repo_verb_fn(struct cluster *c, const char *const *operands, size_t n, struct error *err);

repo_verb_fn repo_create, repo_list, repo_show, repo_delete, repo_key_add, repo_key_remove, repo_token_create,
	repo_token_remove;

struct kube_request repo_request(enum kube_verb verb, const char *namespace, const char *name);
/* A Repo with spec.hosted. -1: there is none, or it has a url. */
int repo_get(struct cluster *c, struct arena *a, const char *name, struct node **out, struct error *err);

/* Reads a .pub file ("-": stdin) or takes the text of a key; *comment: what is behind it. Memory from a. */
int repo_read_key(struct arena *a, const char *text_or_file, const char **key, const char **comment,
		  struct error *err);
/* A name that keys can have, made of a comment. */
const char *repo_key_name(struct arena *a, const char *comment);

/* Prints how to clone and push; waits for the service first when wait. */
int repo_tell(struct cluster *c, const char *name, bool wait, struct error *err);
