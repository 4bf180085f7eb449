/* credentials.h - the Secret of a Repo, as the remote wants it. */
#pragma once

#include "doc/node.h"
#include "repo/remote.h"

/* One key of a Secret's data; empty: it is absent, or no base64. Memory from a. */
struct str credentials_key(struct arena *a, const struct node *data, const char *key);

/* data: of a v1 Secret, base64; keys as in docs/reference/secrets.md. Memory from a; what is absent is empty.
 */
void credentials_read(struct arena *a, const struct node *data, struct remote_credentials *out);
