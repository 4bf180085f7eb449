/*
 * forge_gitea.c - Gitea and Forgejo. The API can find a request by its branches, but may answer one that was
 * closed; so the open ones of the target are listed, newest first.
 */
#include "push/forge_parts.h"

static int place(struct arena *a, struct forge_repo *repo, struct error *err)
{
	repo->api = arena_printf(a, "%s/api/v1", repo->web);
	return forge_two_parts(repo, err);
}

static char *open_url(struct arena *a, const struct forge_repo *repo)
{
	return arena_printf(a, "%s/repos/%s/pulls", repo->api, forge_escape_path(a, repo->path));
}

static char *find_url(struct arena *a, const struct forge_repo *repo, const struct forge_review *review)
{
	return arena_printf(a, "%s?state=open&base_branch=%s&limit=50", open_url(a, repo),
			    forge_escape(a, review->target));
}

static void open_body(struct arena *a, const struct forge_repo *repo, const struct forge_review *review,
		      struct node *body)
{
	forge_set(a, body, "title", review->title);
	forge_set(a, body, "body", review->body);
	forge_set(a, body, "head", review->branch);
	forge_set(a, body, "base", review->target);
}

/* Of a fork the branch may be called the same. */
static bool is_it(const struct node *request, const struct forge_review *review)
{
	int64_t from = 0, to = 0;
	node_int(node_at(request, "head.repo_id"), &from);
	node_int(node_at(request, "base.repo_id"), &to);
	return from == to && str_is(node_text(node_at(request, "head.ref")), review->branch) &&
	       str_is(node_text(node_at(request, "base.ref")), review->target);
}

static struct str page_of(struct arena *a, const struct forge_repo *repo, const struct node *request)
{
	return node_text(node_get(request, "html_url"));
}

static const char *const words[] = { "gitea", "forgejo", "codeberg", NULL };

const struct forge_ops forge_gitea = {
	.name = "gitea",
	.cloud = "gitea.com",
	.words = words,
	.says = "message",
	.auth = FORGE_AUTH_BASIC,
	.token_word = "token",
	.accept = "application/json",
	.place = place,
	.find_url = find_url,
	.open_url = open_url,
	.open_body = open_body,
	.list = "",
	.is_it = is_it,
	.page = page_of,
};
