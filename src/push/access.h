/*
 * access.h - who may do what with a hosted repository. Pure: no file, no clock.
 *
 * A key or a token has a right to one repository (struct hosted_key); who has none learns nothing of it, not
 * even that it is there.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "push/home.h"

#define ACCESS_KEY_MAX 16384u /* bytes of one public key's line: an RSA key of 16384 bits has 2800 */
#define ACCESS_FINGERPRINT_MAX 64
#define ACCESS_TOKEN_HEX 64
#define ACCESS_TOKEN_MAX 256u /* bytes of a token; a longer one is none */
#define ACCESS_NONE SIZE_MAX

/* A public key, read from a line as in authorized_keys or an id_*.pub file. */
struct access_key {
	const char *key;	 /* "ssh-ed25519 AAAA...": as it is kept */
	const char *comment;	 /* "" */
	const char *fingerprint; /* "SHA256:..." as ssh-keygen -l and sshd's %f tell it */
};

/* Options before the key (command=..., from=...) are refused, as are DSA keys and what is no key. */
int access_key_read(struct arena *a, struct str line, struct access_key *out, struct error *err);

void access_token_sha256(struct str token, char out[ACCESS_TOKEN_HEX + 1]);
/* 64 lower-case hex digits. */
bool access_sha256_ok(struct str hex);

/* Indexes in repo->keys; ACCESS_NONE: nobody. Tokens are compared in time that tells nothing of them. */
size_t access_by_fingerprint(const struct hosted_repo *repo, const char *fingerprint);
size_t access_by_token(const struct hosted_repo *repo, struct str token);

bool access_may_read(const struct hosted_key *key);
bool access_may_push(const struct hosted_key *key); /* to some branch; which: access_check_ref() */

/* Whether a branch ("feature/x") fits a glob: `*` is any run without a slash, `**` any run, `?` one letter
 * that is no slash. A glob that begins with refs/ is for the full name of a ref. */
bool access_glob(const char *glob, const char *branch);
/* Whether a glob can be one: not empty, no control characters, no white space, up to 250 bytes. */
bool access_glob_ok(struct str glob);

enum access_change {
	ACCESS_CREATE,
	ACCESS_FORWARD, /* the old commit is an ancestor of the new one */
	ACCESS_FORCE,
	ACCESS_DELETE,
};

/*
 * One ref of a push, "refs/heads/main". To be called for each before anything is done with it; -1: err has a
 * sentence for the pusher. Branches, tags and notes may be pushed, no other refs; protected branches neither
 * forced nor deleted, by nobody.
 */
int access_check_ref(const struct hosted_repo *repo, const struct hosted_key *key, const char *ref,
		     enum access_change change, struct error *err);
