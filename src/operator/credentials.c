/* credentials.c - see credentials.h. */
#include "operator/credentials.h"

#include <openssl/evp.h>

static struct str decoded(struct arena *a, const struct node *data, const char *key)
{
	struct str text = node_text(node_get(data, key));
	if (!text.n)
		return STR("");
	unsigned char *out = arena_alloc(a, text.n + 4);
	int n = EVP_DecodeBlock(out, (const unsigned char *)text.p, (int)text.n);
	if (n < 0)
		return STR("");
	for (size_t i = text.n; i > 0 && text.p[i - 1] == '='; i--)
		n--;
	return (struct str){ (char *)out, (size_t)n };
}

void credentials_read(struct arena *a, const struct node *data, struct remote_credentials *out)
{
	*out = (struct remote_credentials){
		.username = decoded(a, data, "username"),
		.password = decoded(a, data, "password"),
		.bearer_token = decoded(a, data, "bearerToken"),
		.identity = decoded(a, data, "identity"),
		.known_hosts = decoded(a, data, "known_hosts"),
		.ca_crt = decoded(a, data, "ca.crt"),
		.tls_crt = decoded(a, data, "tls.crt"),
		.tls_key = decoded(a, data, "tls.key"),
	};
}
