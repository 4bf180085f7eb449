/*
 * ssh_command.h - what an ssh client asks for (SSH_ORIGINAL_COMMAND). Pure; the text is hostile.
 *
 * Understood is what git sends, and nothing near it: one of two programs and one path, quoted as git quotes,
 * that names a hosted repository. There are no options, no second command, no path that means a file.
 * Besides git there is `push-status NAMESPACE/NAME [ID]`, for whoever was cut off from a push.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "push/home.h"
#include "push/journal.h"

#define SSH_COMMAND_MAX 1024 /* bytes; git sends less than 600 for the longest names */

enum ssh_service {
	SSH_UPLOAD_PACK,  /* clone, fetch */
	SSH_RECEIVE_PACK, /* push */
	SSH_PUSH_STATUS,  /* what became of pushes, or of one */
};

struct ssh_command {
	enum ssh_service service;
	char key[2 * HOSTED_NAME_MAX + 2]; /* "NAMESPACE/NAME" */
	char id[JOURNAL_ID_MAX + 1];	   /* of a push, with SSH_PUSH_STATUS; "": of all */
};

/* "git-upload-pack 'NS/NAME.git'", "git receive-pack '/NS/NAME'", ...; `.git` and the first slash may be left
 * out. err: for whoever is at the other end. */
int ssh_command_parse(struct str text, struct ssh_command *out, struct error *err);

/* "NS/NAME.git" of an ssh path or a url to "NS/NAME"; false: it names no repository. */
bool ssh_path_key(struct str path, char key[2 * HOSTED_NAME_MAX + 2]);
