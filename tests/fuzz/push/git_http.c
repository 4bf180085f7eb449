/*
 * What comes to the push service from outside beside ssh commands, told apart by the first letter: requests
 * (r), headers with tokens (a), heads of CGI answers (h), public keys (k), logins of registries (c).
 */
#include <stdlib.h>
#include <string.h>

#include "push/access.h"
#include "push/git_http_parts.h"
#include "push/hosted_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void route(struct arena *a, struct str text)
{
	struct str path, service, method = str_cut(text, ' ', &path);
	struct git_route r;
	path = str_cut(path, ' ', &service);
	if (!git_route_read(arena_str(a, method).p, arena_str(a, path).p, arena_str(a, service).p, &r))
		return;
	struct str name, namespace = str_cut(str_of(r.key), '/', &name);
	check(hosted_name_ok(namespace) && hosted_name_ok(name));
}

static void token(struct arena *a, struct str text)
{
	char out[ACCESS_TOKEN_MAX + 1];
	if (git_token(arena_str(a, text).p, out))
		check(*out && strlen(out) <= ACCESS_TOKEN_MAX);
}

static void head(struct str text)
{
	struct cgi_head h;
	size_t n = cgi_head_read(text, &h);
	if (n == CGI_MORE || n == CGI_BAD)
		return;
	check(n <= text.n && h.status >= 200 && h.status <= 599 && h.n <= CGI_HEADERS_MAX);
	for (size_t i = 0; i < h.n; i++)
		check(!strpbrk(h.headers[i].name, "\r\n: ") && !strpbrk(h.headers[i].value, "\r\n"));
}

static void key(struct arena *a, struct str text)
{
	struct access_key k, again;
	if (access_key_read(a, text, &k, NULL) < 0)
		return;
	check(!strpbrk(k.key, "\"\n\r") && strlen(k.fingerprint) == 50);
	check(access_key_read(a, str_of(k.key), &again, NULL) == 0 &&
	      strcmp(again.fingerprint, k.fingerprint) == 0);
}

static void login(struct arena *a, struct str text)
{
	struct hosted_registry r = { .url = "r.example.com/team" };
	if (registry_login(a, text, &r, NULL) == 0)
		check(r.username && r.password);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	if (size == 0)
		return 0;
	struct str text = { (const char *)data + 1, size - 1 };
	switch (data[0]) {
	case 'r':
		route(&a, text);
		break;
	case 'a':
		token(&a, text);
		break;
	case 'h':
		head(text);
		break;
	case 'k':
		key(&a, text);
		break;
	default:
		login(&a, text);
	}
	return 0;
}
