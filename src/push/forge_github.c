/*
 * forge_github.c - GitHub and GitHub Enterprise Server: REST API, "Pulls". Its answer to a second request for
 * a branch is 422, as is every other refusal; which it was shows when it is looked for again.
 */
#include "push/forge_parts.h"

static int place(struct arena *a, struct forge_repo *repo, struct error *err)
{
	bool cloud = strcmp(repo->web, "https://github.com") == 0;
	repo->api = cloud ? "https://api.github.com" : arena_printf(a, "%s/api/v3", repo->web);
	return forge_two_parts(repo, err);
}

static char *open_url(struct arena *a, const struct forge_repo *repo)
{
	return arena_printf(a, "%s/repos/%s/pulls", repo->api, forge_escape_path(a, repo->path));
}

static char *find_url(struct arena *a, const struct forge_repo *repo, const struct forge_review *review)
{
	struct str name, owner = str_cut(str_of(repo->path), '/', &name);
	/* The owner before the branch; without it the filter does nothing. */
	char *head = arena_printf(a, "%.*s:%s", STR_ARG(owner), review->branch);
	return arena_printf(a, "%s?state=open&head=%s&base=%s&per_page=10", open_url(a, repo),
			    forge_escape(a, head), forge_escape(a, review->target));
}

static void open_body(struct arena *a, const struct forge_repo *repo, const struct forge_review *review,
		      struct node *body)
{
	forge_set(a, body, "title", review->title);
	forge_set(a, body, "body", review->body);
	forge_set(a, body, "head", review->branch);
	forge_set(a, body, "base", review->target);
}

static bool is_it(const struct node *request, const struct forge_review *review)
{
	return str_is(node_text(node_at(request, "head.ref")), review->branch) &&
	       str_is(node_text(node_at(request, "base.ref")), review->target);
}

static struct str page_of(struct arena *a, const struct forge_repo *repo, const struct node *request)
{
	return node_text(node_get(request, "html_url"));
}

static const char *const words[] = { "github", NULL };

const struct forge_ops forge_github = {
	.name = "github",
	.cloud = "github.com",
	.words = words,
	.says = "message",
	.auth = FORGE_AUTH_BEARER,
	.token_word = "Bearer",
	.accept = "application/vnd.github+json",
	.place = place,
	.find_url = find_url,
	.open_url = open_url,
	.open_body = open_body,
	.list = "",
	.is_it = is_it,
	.page = page_of,
};
