/* deploy_review.c - see deploy_review.h. */
#include "cmd/deploy_review.h"

#include <stdlib.h>

#include "base/clock.h"
#include "cmd/git.h"
#include "io/file.h"

enum { SHORT_SHA = 12 };
#define AUTHORITY_MAX (1u << 20) /* bytes of a file of certificates */

char *review_branch(struct arena *a, const char *environment, const char *id)
{
	char *name = arena_printf(a, REVIEW_BRANCH_PREFIX "%s-%.*s", environment, SHORT_SHA, id);
	/* A path may stand for an environment, and has what no branch may have. */
	for (char *c = name + sizeof(REVIEW_BRANCH_PREFIX) - 1; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
		      *c == '_' || (*c == '.' && c[-1] != '/' && c[-1] != '.')))
			*c = '-';
	return name;
}

/* user:password of https://user:password@host/path. */
static void from_url(struct arena *a, const char *url, struct remote_credentials *out)
{
	const char *scheme = strstr(url, "://");
	struct str rest, host = scheme ? str_cut(str_of(scheme + 3), '/', &rest) : STR("");
	const char *at = host.n ? memrchr(host.p, '@', host.n) : NULL;
	if (!at || strncmp(url, "http", 4) != 0)
		return;
	struct str password, user = str_cut((struct str){ host.p, (size_t)(at - host.p) }, ':', &password);
	out->username = forge_unescape(a, user);
	out->password = forge_unescape(a, password);
}

/* The authority that git has for the host, where it is one's own. */
static void user_authority(struct arena *a, const char *url, struct remote_credentials *out)
{
	const char *path = getenv("GIT_SSL_CAINFO");
	char *found = NULL;
	const char *const argv[] = {
		"git", "config", "--path", "--get-urlmatch", "http.sslCAInfo", url, NULL
	};
	if (!path && git_ask(a, NULL, argv, &found, NULL) == 0)
		path = found;
	cleanup_buf struct buf text = BUF_INIT;
	if (path && *path && file_read(path, AUTHORITY_MAX, &text, NULL) == 0)
		out->ca_crt = arena_str(a, buf_str(&text));
}

static void user_credentials(struct arena *a, const char *url, const struct forge_repo *repo,
			     struct remote_credentials *out)
{
	const char *token = getenv(REVIEW_TOKEN_VARIABLE);
	struct git_login login;
	*out = (struct remote_credentials){ 0 };
	user_authority(a, repo->web, out);
	if (token && *token) {
		out->bearer_token = str_of(arena_strdup(a, token));
		return;
	}
	from_url(a, url, out);
	if (out->password.n)
		return;
	git_login(a, strncmp(url, "http", 4) == 0 ? url : repo->web, &login);
	out->username = login.username;
	out->password = login.password;
}

int review_open(struct arena *a, const struct review_request *request, struct forge_opened *out,
		struct error *err)
{
	struct forge_repo repo;
	struct remote_credentials own;
	const struct remote_credentials *credentials = request->credentials;
	int rc = forge_recognise(a, request->url, request->forge, &repo, err);
	if (rc > 0) {
		error_set(err, "which type of host it is, its name does not tell; %s",
			  request->user ? "say it with --forge" : "say it in the Secret's key `forge`");
		return REVIEW_NO_HOST;
	}
	if (rc < 0)
		return -1;
	if (request->user) {
		user_credentials(a, request->url, &repo, &own);
		credentials = &own;
	}
	if (request->user && !own.password.n && !own.bearer_token.n)
		return error_set(err,
				 "there is no token for %s: put one into " REVIEW_TOKEN_VARIABLE
				 ", or give git a credential helper that has one",
				 repo.web);
	/* What git sent by a road of its own must not go over one that others can read. */
	if (repo.plain && strncmp(request->url, "https://", 8) == 0)
		return error_set(err, "%s: git reaches the host by https, and its token is not sent by http",
				 repo.web);
	return forge_review_wait(a, &repo, &request->review, credentials, request->deadline_ms, out, err);
}
