/* credentials.h - the Secret of a Repo, as the remote wants it. */
#pragma once

#include "doc/node.h"
#include "repo/remote.h"

/* data: of a v1 Secret, base64; keys as in docs/reference/secrets.md. Memory from a; what is absent is empty.
 */
void credentials_read(struct arena *a, const struct node *data, struct remote_credentials *out);
