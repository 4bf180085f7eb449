/* forge_gitlab.c - GitLab: REST API, "Merge requests". A project is named by its whole path, escaped. */
#include "push/forge_parts.h"

static int place(struct arena *a, struct forge_repo *repo, struct error *err)
{
	repo->api = arena_printf(a, "%s/api/v4", repo->web);
	if (!strchr(repo->path, '/'))
		return error_set(err, "%s: is no GROUP/PROJECT", repo->path);
	return 0;
}

static char *open_url(struct arena *a, const struct forge_repo *repo)
{
	return arena_printf(a, "%s/projects/%s/merge_requests", repo->api, forge_escape(a, repo->path));
}

static char *find_url(struct arena *a, const struct forge_repo *repo, const struct forge_review *review)
{
	return arena_printf(a, "%s?state=opened&source_branch=%s&target_branch=%s&per_page=10",
			    open_url(a, repo), forge_escape(a, review->branch),
			    forge_escape(a, review->target));
}

static void open_body(struct arena *a, const struct forge_repo *repo, const struct forge_review *review,
		      struct node *body)
{
	forge_set(a, body, "title", review->title);
	forge_set(a, body, "description", review->body);
	forge_set(a, body, "source_branch", review->branch);
	forge_set(a, body, "target_branch", review->target);
	node_set(a, body, STR("remove_source_branch"), node_bool_new(a, true));
}

static bool is_it(const struct node *request, const struct forge_review *review)
{
	return str_is(node_text(node_get(request, "source_branch")), review->branch) &&
	       str_is(node_text(node_get(request, "target_branch")), review->target);
}

static struct str page_of(struct arena *a, const struct forge_repo *repo, const struct node *request)
{
	return node_text(node_get(request, "web_url"));
}

static const char *const words[] = { "gitlab", NULL };

const struct forge_ops forge_gitlab = {
	.name = "gitlab",
	.cloud = "gitlab.com",
	.words = words,
	.says = "message",
	.auth = FORGE_AUTH_BEARER,
	.token_word = "Bearer",
	.accept = "application/json",
	.place = place,
	.find_url = find_url,
	.open_url = open_url,
	.open_body = open_body,
	.list = "",
	.is_it = is_it,
	.page = page_of,
};
