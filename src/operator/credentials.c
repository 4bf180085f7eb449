/* credentials.c - see credentials.h. */
#include "operator/credentials.h"

#include <openssl/evp.h>

struct str credentials_key(struct arena *a, const struct node *data, const char *key)
{
	struct str text = node_text(node_get(data, key));
	if (!text.n)
		return STR("");
	unsigned char *out = arena_alloc(a, text.n + 4);
	int n = EVP_DecodeBlock(out, (const unsigned char *)text.p, (int)text.n);
	if (n < 0)
		return STR("");
	for (size_t i = text.n; i > text.n - 2 && n > 0 && text.p[i - 1] == '='; i--)
		n--;
	return (struct str){ (char *)out, (size_t)n };
}

void credentials_read(struct arena *a, const struct node *data, struct remote_credentials *out)
{
	*out = (struct remote_credentials){
		.username = credentials_key(a, data, "username"),
		.password = credentials_key(a, data, "password"),
		.bearer_token = credentials_key(a, data, "bearerToken"),
		.identity = credentials_key(a, data, "identity"),
		.known_hosts = credentials_key(a, data, "known_hosts"),
		.ca_crt = credentials_key(a, data, "ca.crt"),
		.tls_crt = credentials_key(a, data, "tls.crt"),
		.tls_key = credentials_key(a, data, "tls.key"),
	};
}
