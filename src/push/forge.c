/* forge.c - which host a url is of, what is sent there and what its answers say; see forge.h. Pure. */
#include "push/forge.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "base/hex.h"
#include "doc/json.h"
#include "push/forge_parts.h"

enum { TOKEN_MAX = 4096, LIST_MAX = 100, HOST_MAX = 253 };

static const struct forge_ops *const all[FORGE_TYPES] = {
	[FORGE_GITHUB] = &forge_github,
	[FORGE_GITLAB] = &forge_gitlab,
	[FORGE_GITEA] = &forge_gitea,
	[FORGE_BITBUCKET] = &forge_bitbucket,
	[FORGE_BITBUCKET_SERVER] = &forge_bitbucket_server,
	[FORGE_AZURE] = &forge_azure,
};

const char *forge_type_name(enum forge_type type)
{
	return all[type]->name;
}

bool forge_type_parse(struct str name, enum forge_type *out)
{
	for (int i = 0; i < FORGE_TYPES; i++) {
		if (str_is(name, all[i]->name)) {
			*out = (enum forge_type)i;
			return true;
		}
	}
	return false;
}

/* --- texts --- */

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

static char *escape(struct arena *a, const char *text, bool slashes)
{
	cleanup_buf struct buf out = BUF_INIT;
	for (; *text; text++) {
		if (is_unreserved(*text) || (slashes && *text == '/'))
			buf_addc(&out, *text);
		else
			buf_printf(&out, "%%%02X", (unsigned char)*text);
	}
	return arena_strndup(a, out.p ? out.p : "", out.n);
}

char *forge_escape(struct arena *a, const char *text)
{
	return escape(a, text, false);
}

char *forge_escape_path(struct arena *a, const char *path)
{
	return escape(a, path, true);
}

void forge_set(struct arena *a, struct node *map, const char *key, const char *value)
{
	node_set(a, map, str_of(key), node_string(a, str_of(arena_strdup(a, value))));
}

/* The longest beginning that is whole UTF-8. */
static struct str cut(struct str text, size_t max)
{
	if (text.n <= max)
		return text;
	text.n = max;
	while (text.n && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
		text.n--;
	return text;
}

/* One line without what a terminal would act on. */
static char *printable(struct arena *a, struct str text, size_t max)
{
	text = cut(text, max);
	char *out = arena_strndup(a, text.p ? text.p : "", text.n);
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			out[i] = ' ';
	return out;
}

/* --- which host --- */

struct where {
	const char *scheme; /* of its pages */
	struct str host, port, path;
};

static struct str trim_path(struct str path)
{
	while (path.n && path.p[0] == '/')
		path = str_from(path, 1);
	while (path.n && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n > 4 && str_ends(path, STR(".git")))
		path.n -= 4;
	return path;
}

static bool is_host(struct str host)
{
	for (size_t i = 0; i < host.n; i++)
		if (!is_unreserved(host.p[i]) && !strchr("[:]", host.p[i]))
			return false;
	return host.n && host.n <= HOST_MAX && host.p[0] != '-';
}

struct str forge_unescape(struct arena *a, struct str text)
{
	char *out = arena_strndup(a, text.p ? text.p : "", text.n);
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) {
		int high = text.p[i] == '%' && i + 2 < text.n ? hex_value(text.p[i + 1]) : -1;
		int low = high >= 0 ? hex_value(text.p[i + 2]) : -1;
		out[n++] = low >= 0 ? (char)(high << 4 | low) : text.p[i];
		i += low >= 0 ? 2 : 0;
	}
	out[n] = '\0';
	return (struct str){ out, n };
}

/* A path that stays below the API's own: no control characters, and no "." or ".." that whoever sends it
 * takes away. */
static bool is_path(struct str path)
{
	for (size_t i = 0; i < path.n; i++)
		if ((unsigned char)path.p[i] < ' ' || path.p[i] == 0x7f)
			return false;
	while (path.n) {
		struct str part = str_cut(path, '/', &path);
		if (!part.n || str_is(part, ".") || str_is(part, ".."))
			return false;
	}
	return true;
}

/* false: no host is named, as by a path of this machine. */
static bool take_apart(struct arena *a, const char *url, struct where *out)
{
	const char *end = strstr(url, "://");
	struct str rest = str_of(end ? end + 3 : url), authority, path;
	size_t colon = str_find(rest, ':', 0), slash = str_find(rest, '/', 0);
	bool web = strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
	if (!end && (colon == SIZE_MAX || slash < colon))
		return false;
	if (end && !web && strncmp(url, "ssh://", 6) != 0)
		return false;
	authority = str_cut(rest, end ? '/' : ':', &path);
	const char *at = memrchr(authority.p, '@', authority.n);
	if (at)
		authority = str_from(authority, (size_t)(at + 1 - authority.p));
	size_t bracket = authority.n && authority.p[0] == '[' ? str_find(authority, ']', 0) : 0;
	colon = bracket == SIZE_MAX ? SIZE_MAX : str_find(authority, ':', bracket);
	out->host = colon == SIZE_MAX ? authority : (struct str){ authority.p, colon };
	/* The port of ssh says nothing of the pages. */
	out->port = web && colon != SIZE_MAX ? str_from(authority, colon + 1) : STR("");
	out->scheme = strncmp(url, "http://", 7) == 0 ? "http" : "https";
	out->path = trim_path(end ? forge_unescape(a, path) : path);
	char *lower = arena_strndup(a, out->host.p, out->host.n);
	for (char *c = lower; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
	out->host = str_of(lower);
	int64_t number = 1;
	return is_host(out->host) && (!out->port.n || str_int64(out->port, &number)) && number > 0;
}

/* Names under which hosts take ssh where port 22 is closed. */
static struct str main_name(struct str host)
{
	if (str_is(host, "ssh.github.com"))
		return STR("github.com");
	if (str_is(host, "altssh.gitlab.com"))
		return STR("gitlab.com");
	return str_is(host, "altssh.bitbucket.org") ? STR("bitbucket.org") : host;
}

static bool guess(struct str host, enum forge_type *out)
{
	for (int i = 0; i < FORGE_TYPES; i++) {
		if (all[i]->cloud && str_is(host, all[i]->cloud)) {
			*out = (enum forge_type)i;
			return true;
		}
	}
	for (int i = 0; i < FORGE_TYPES; i++) {
		for (const char *const *word = all[i]->words; *word; word++) {
			if (memmem(host.p, host.n, *word, strlen(*word))) {
				*out = (enum forge_type)i;
				return true;
			}
		}
	}
	return false;
}

int forge_two_parts(const struct forge_repo *repo, struct error *err)
{
	const char *slash = strchr(repo->path, '/');
	if (slash && slash != repo->path && slash[1] && !strchr(slash + 1, '/'))
		return 0;
	return error_set(err, "%s: is no OWNER/NAME, as %s has repositories", repo->path,
			 all[repo->type]->name);
}

/* "TYPE", or "TYPE=URL": what URL says of the pages holds, its host must be that of git's. */
static int take_given(struct arena *a, const char *given, struct where *at, struct forge_repo *out,
		      const char **below, struct error *err)
{
	struct where web;
	struct str root, name = str_cut(str_of(given), '=', &root);
	if (!forge_type_parse(name, &out->type))
		return error_set(err,
				 "%.*s: is no type of git host (github, gitlab, gitea, bitbucket, "
				 "bitbucket-server, azure)",
				 (int)(name.n < 40 ? name.n : 40), name.p);
	if (!root.n)
		return 0;
	const char *url = arena_str(a, root).p;
	if (strncmp(url, "http", 4) != 0 || !take_apart(a, url, &web))
		return error_set(err,
				 "%.*s=: the address of the host's pages is missing, such as "
				 "https://git.example.com",
				 STR_ARG(name));
	if (!str_eq(web.host, at->host))
		return error_set(err,
				 "%.*s=: its host is %.*s, that of the repository %.*s; credentials of a "
				 "repository are sent to its own host alone",
				 STR_ARG(name), STR_ARG(web.host), STR_ARG(at->host));
	at->scheme = web.scheme;
	at->port = web.port;
	if (web.path.n)
		*below = arena_str(a, web.path).p;
	return 0;
}

/* Where pages are below a path, a repository's owner and name are the last two parts of it. */
static void split_root(struct arena *a, struct forge_repo *out, const char *below, bool two)
{
	size_t n = below ? strlen(below) : 0;
	if (n && strncmp(out->path, below, n) == 0 && out->path[n] == '/') {
		out->path += n + 1;
	} else if (!below && two) {
		const char *last = strrchr(out->path, '/'), *first = last;
		while (first && first > out->path && first[-1] != '/')
			first--;
		if (!first || first == out->path)
			return;
		below = arena_strndup(a, out->path, (size_t)(first - 1 - out->path));
		out->path = first;
	}
	if (below)
		out->web = arena_printf(a, "%s/%s", out->web, below);
}

int forge_recognise(struct arena *a, const char *url, const char *given, struct forge_repo *out,
		    struct error *err)
{
	struct where at;
	const char *below = NULL;
	*out = (struct forge_repo){ 0 };
	if (!take_apart(a, url, &at))
		return given ? error_set(err, "%s: the repository's url has no host that takes pull requests",
					 printable(a, str_of(given), 80))
			     : 1;
	at.host = main_name(at.host);
	if (given && take_given(a, given, &at, out, &below, err) < 0)
		return -1;
	if (!given && !guess(at.host, &out->type))
		return 1;
	if (!at.path.n || at.path.n > FORGE_URL_MAX || !is_path(at.path))
		return error_set(err, "the repository's url has no path that a host could have");
	bool server = out->type == FORGE_BITBUCKET_SERVER;
	bool two = out->type == FORGE_GITHUB || out->type == FORGE_GITEA || out->type == FORGE_BITBUCKET;
	out->plain = strcmp(at.scheme, "http") == 0;
	out->web = arena_printf(a, "%s://%.*s%s%.*s", at.scheme, STR_ARG(at.host), at.port.n ? ":" : "",
				STR_ARG(at.port));
	out->path = arena_str(a, at.path).p;
	if (below || (two && !server))
		split_root(a, out, below, two);
	return all[out->type]->place(a, out, err);
}

/* --- requests --- */

static void add_header(struct forge_call *call, const char *name, const char *value)
{
	call->headers[call->n_headers++] = (struct http_header){ name, value };
}

static struct str secret_of(const struct remote_credentials *c)
{
	struct str secret = c->bearer_token.n ? c->bearer_token : c->password;
	return str_trim(secret.p ? secret : STR(""));
}

static int authorize(struct arena *a, const struct forge_repo *repo, const struct remote_credentials *c,
		     struct forge_call *call, struct error *err)
{
	const struct forge_ops *ops = all[repo->type];
	struct str secret = c ? secret_of(c) : STR("");
	if (!secret.n)
		return error_set(err, "there is no token for %s", repo->web);
	if (secret.n > TOKEN_MAX || c->username.n > TOKEN_MAX)
		return error_set(err, "the token for %s is longer than %d bytes", repo->web, TOKEN_MAX);
	for (size_t i = 0; i < secret.n; i++)
		if ((unsigned char)secret.p[i] <= ' ' || (unsigned char)secret.p[i] >= 0x7f)
			return error_set(err, "the token for %s has blanks or characters that none has",
					 repo->web);
	bool named = c->username.n && !c->bearer_token.n;
	/* Bitbucket's name for git of a token that belongs to a repository. */
	if (str_is(str_trim(c->username.p ? c->username : STR("")), "x-token-auth"))
		named = false;
	if (ops->auth == FORGE_AUTH_BEARER || (!named && repo->type != FORGE_AZURE) || c->bearer_token.n) {
		add_header(call, "Authorization",
			   arena_printf(a, "%s %.*s", ops->token_word, STR_ARG(secret)));
		return 0;
	}
	struct str name = str_trim(c->username.p ? c->username : STR(""));
	char *pair = arena_printf(a, "%.*s:%.*s", STR_ARG(name), STR_ARG(secret));
	unsigned char *text = arena_alloc(a, strlen(pair) * 2 + 8);
	EVP_EncodeBlock(text, (const unsigned char *)pair, (int)strlen(pair));
	add_header(call, "Authorization", arena_printf(a, "Basic %s", text));
	return 0;
}

static int begin(struct arena *a, const struct forge_repo *repo, const struct remote_credentials *credentials,
		 const char *method, char *url, struct forge_call *out, struct error *err)
{
	*out = (struct forge_call){ .method = method, .url = url };
	add_header(out, "Accept", all[repo->type]->accept);
	add_header(out, "User-Agent", "capstan"); /* without one GitHub refuses */
	return authorize(a, repo, credentials, out, err);
}

int forge_find_request(struct arena *a, const struct forge_repo *repo, const struct forge_review *review,
		       const struct remote_credentials *credentials, struct forge_call *out,
		       struct error *err)
{
	return begin(a, repo, credentials, "GET", all[repo->type]->find_url(a, repo, review), out, err);
}

int forge_open_request(struct arena *a, const struct forge_repo *repo, const struct forge_review *review,
		       const struct remote_credentials *credentials, struct forge_call *out,
		       struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct node *body = node_map(a);
	struct forge_review cutted = *review;
	if (begin(a, repo, credentials, "POST", all[repo->type]->open_url(a, repo), out, err) < 0)
		return -1;
	cutted.title = printable(a, str_of(review->title), FORGE_TITLE_MAX);
	cutted.body = arena_str(a, cut(str_of(review->body ? review->body : ""), FORGE_BODY_MAX)).p;
	all[repo->type]->open_body(a, repo, &cutted, body);
	json_write(&text, body);
	out->body = arena_str(a, buf_str(&text));
	add_header(out, "Content-Type", "application/json");
	return 0;
}

/* --- answers --- */

/* "text", ["text"], {"message": ...}, or {"base": ["text"]}: hosts are not of one mind. */
static struct str words_in(const struct node *n, unsigned depth)
{
	if (node_is_string(n) || !n || depth == 0)
		return node_text(n);
	if (n->type == NODE_SEQ)
		return words_in(node_item(n, 0), depth - 1);
	if (n->type != NODE_MAP || !n->map.n)
		return STR("");
	const struct node *message = node_get(n, "message");
	return words_in(message ? message : n->map.pairs[0].value, depth - 1);
}

static const char *words_of(struct arena *a, const struct forge_repo *repo, const struct node *root)
{
	struct str says = words_in(node_at(root, all[repo->type]->says), 3);
	struct str more = words_in(node_get(root, "errors"), 3);
	if (!says.n)
		says = words_in(node_get(root, "error"), 3);
	if (!says.n && !more.n)
		return "";
	bool both = says.n && more.n && !str_eq(says, more);
	return printable(a,
			 str_of(arena_printf(a, ": %.*s%s%.*s", STR_ARG(says), both ? ": " : "",
					     both || !says.n ? (int)more.n : 0, more.p ? more.p : "")),
			 FORGE_SAYS_MAX);
}

static const char *meaning(int status)
{
	if (status == 401)
		return "it does not take the token";
	if (status == 403)
		return "the token may not read or open pull requests there";
	if (status == 404)
		return "there is no such repository, or the token may not see it";
	if (status == 429)
		return "it takes no more requests for now";
	if (status >= 300 && status < 400)
		return "it is elsewhere now: write the repository's new url";
	return status >= 500 ? "it is in trouble" : "it refuses";
}

static enum forge_verdict refused(struct arena *a, const struct forge_repo *repo, const struct node *root,
				  int status, struct error *err)
{
	error_set(err, "%s %s at %s: %d, %s%s", all[repo->type]->name, repo->path, repo->web, status,
		  meaning(status), words_of(a, repo, root));
	return FORGE_FAILED;
}

static enum forge_verdict unreadable(const struct forge_repo *repo, const char *what, struct error *err)
{
	error_set(err, "%s %s at %s: its answer %s; is it a host of this type?", all[repo->type]->name,
		  repo->path, repo->web, what);
	return FORGE_FAILED;
}

static struct node *parse(struct arena *a, struct str body)
{
	struct node *root = NULL;
	return body.n <= FORGE_ANSWER_MAX && json_parse(a, body, false, &root, NULL) == 0 ? root : NULL;
}

static enum forge_verdict take_link(struct arena *a, const struct forge_repo *repo,
				    const struct node *request, struct forge_opened *out, struct error *err)
{
	struct str link = all[repo->type]->page(a, repo, request);
	bool good = link.n && link.n <= FORGE_URL_MAX &&
		    (str_starts(link, STR("https://")) || str_starts(link, STR("http://")));
	for (size_t i = 0; i < link.n && good; i++)
		good = (unsigned char)link.p[i] > ' ' && link.p[i] != 0x7f;
	if (!good)
		return unreadable(repo, "has no address of the pull request", err);
	out->url = arena_str(a, link).p;
	return FORGE_FOUND;
}

enum forge_verdict forge_find_answer(struct arena *a, const struct forge_repo *repo,
				     const struct forge_review *review, const struct forge_answer *answer,
				     struct forge_opened *out, struct error *err)
{
	const struct forge_ops *ops = all[repo->type];
	const struct node *root = parse(a, answer->body);
	*out = (struct forge_opened){ .reused = true };
	if (answer->status != 200)
		return refused(a, repo, root, answer->status, err);
	const struct node *list = *ops->list ? node_get(root, ops->list) : root;
	if (!list || list->type != NODE_SEQ)
		return unreadable(repo, "is no list of pull requests", err);
	for (size_t i = 0; i < node_count(list) && i < LIST_MAX; i++)
		if (ops->is_it(node_item(list, i), review))
			return take_link(a, repo, node_item(list, i), out, err);
	return FORGE_NONE;
}

enum forge_verdict forge_open_answer(struct arena *a, const struct forge_repo *repo,
				     const struct forge_answer *answer, struct forge_opened *out,
				     struct error *err)
{
	const struct node *root = parse(a, answer->body);
	*out = (struct forge_opened){ 0 };
	if (answer->status == 200 || answer->status == 201)
		return take_link(a, repo, root, out, err);
	refused(a, repo, root, answer->status, err);
	return answer->status == 409 || answer->status == 422 ? FORGE_NONE : FORGE_FAILED;
}
