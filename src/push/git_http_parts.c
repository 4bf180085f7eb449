/* git_http_parts.c - see git_http_parts.h. */
#include "push/git_http_parts.h"

#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "push/access.h"
#include "push/ssh_command.h"

#define BASIC_MAX 1024u /* bytes of base64 of a user name and a token */

bool git_route_read(const char *method, const char *path, const char *service, struct git_route *out)
{
	static const struct {
		const char *method, *file, *service, *query;
		bool push;
	} routes[] = {
		{ "GET", "info/refs", "git-upload-pack", "service=git-upload-pack", false },
		{ "GET", "info/refs", "git-receive-pack", "service=git-receive-pack", true },
		{ "POST", "git-upload-pack", NULL, "", false },
		{ "POST", "git-receive-pack", NULL, "", true },
	};
	const char *end = strstr(path, ".git/");
	if (!end)
		return false;
	const char *file = end + 5;
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		if (strcmp(method, routes[i].method) != 0 || strcmp(file, routes[i].file) != 0 ||
		    (routes[i].service && (!service || strcmp(service, routes[i].service) != 0)))
			continue;
		out->file = routes[i].file;
		out->query = routes[i].query;
		out->push = routes[i].push;
		return path[0] != '/' && ssh_path_key((struct str){ path, (size_t)(end - path) }, out->key);
	}
	return false;
}

static bool take_token(struct str token, char *out)
{
	if (token.n == 0 || token.n > ACCESS_TOKEN_MAX || memchr(token.p, '\0', token.n))
		return false;
	memcpy(out, token.p, token.n);
	out[token.n] = '\0';
	return true;
}

static bool basic_token(struct str encoded, char *out)
{
	unsigned char text[BASIC_MAX];
	struct str password = { NULL, 0 };
	size_t padding = 0;
	while (padding < 2 && padding < encoded.n && encoded.p[encoded.n - 1 - padding] == '=')
		padding++;
	if (encoded.n == 0 || encoded.n % 4 != 0 || encoded.n > BASIC_MAX)
		return false;
	int n = EVP_DecodeBlock(text, (const unsigned char *)encoded.p, (int)encoded.n);
	if (n <= 0 || (size_t)n < padding)
		return false;
	str_cut((struct str){ (const char *)text, (size_t)n - padding }, ':', &password);
	bool good = take_token(password, out);
	OPENSSL_cleanse(text, sizeof(text));
	return good;
}

bool git_token(const char *header, char *out)
{
	if (!header)
		return false;
	if (strncasecmp(header, "Basic ", 6) == 0)
		return basic_token(str_trim(str_of(header + 6)), out);
	if (strncasecmp(header, "Bearer ", 7) == 0)
		return take_token(str_trim(str_of(header + 7)), out);
	return false;
}

/* ---- CGI ---- */

static const char *keep(struct cgi_head *head, struct str text)
{
	if (text.n + 1 > sizeof(head->text) - head->used)
		return NULL;
	char *at = head->text + head->used;
	memcpy(at, text.p, text.n);
	at[text.n] = '\0';
	head->used += text.n + 1;
	return at;
}

static bool read_line(struct str line, struct cgi_head *head)
{
	struct str value, name = str_cut(line, ':', &value);
	value = str_trim(value);
	if (name.n == 0 || name.n == line.n)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f)
			return false;
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
			return false;
	if (name.n == 6 && strncasecmp(name.p, "Status", 6) == 0) {
		struct str rest;
		int64_t status = 0;
		if (!str_int64(str_cut(value, ' ', &rest), &status) || status < 200 || status > 599)
			return false;
		head->status = (int)status;
		return true;
	}
	/* Our server's own. */
	if ((name.n == 14 && strncasecmp(name.p, "Content-Length", 14) == 0) ||
	    (name.n == 17 && strncasecmp(name.p, "Transfer-Encoding", 17) == 0) ||
	    (name.n == 10 && strncasecmp(name.p, "Connection", 10) == 0))
		return true;
	if (head->n == CGI_HEADERS_MAX)
		return false;
	head->headers[head->n].name = keep(head, name);
	head->headers[head->n].value = keep(head, value);
	return head->headers[head->n].name && head->headers[head->n++].value;
}

size_t cgi_head_read(struct str text, struct cgi_head *head)
{
	*head = (struct cgi_head){ .status = 200 };
	for (size_t at = 0;;) {
		size_t end = str_find(text, '\n', at);
		if (end == SIZE_MAX)
			return CGI_MORE;
		struct str line = { text.p + at, end - at };
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		at = end + 1;
		if (line.n == 0)
			return at;
		if (!read_line(line, head))
			return CGI_BAD;
	}
}
