/*
 * forge_azure.c - Azure DevOps: REST API 7.1, "Pull Requests". Its urls of one repository:
 *
 *     https://dev.azure.com/ORG/PROJECT/_git/NAME     (the project may be left out when the name is the same)
 *     https://ORG.visualstudio.com/PROJECT/_git/NAME
 *     git@ssh.dev.azure.com:v3/ORG/PROJECT/NAME
 *
 * path is "ORG/PROJECT/NAME" afterwards; with visualstudio.com, or a collection of a server, what stands for
 * ORG is part of web.
 */
#include "push/forge_parts.h"

#define VERSION "api-version=7.1"

/* "x/y/_git/name", or "x/_git/name": the project is called like the repository. */
static int from_http(struct arena *a, struct forge_repo *repo)
{
	const char *mark = strstr(repo->path, "/_git/");
	if (!mark || strchr(mark + 6, '/') || !mark[6])
		return -1;
	char *before = arena_strndup(a, repo->path, (size_t)(mark - repo->path));
	const char *name = mark + 6, *slash = strrchr(before, '/');
	bool has_org = strcmp(repo->web, "https://dev.azure.com") == 0;
	if (has_org && !slash)
		repo->path = arena_printf(a, "%s/%s/%s", before, name, name);
	else
		repo->path = arena_printf(a, "%s/%s", before, name);
	return 0;
}

static int place(struct arena *a, struct forge_repo *repo, struct error *err)
{
	if (strcmp(repo->web, "https://ssh.dev.azure.com") == 0 && strncmp(repo->path, "v3/", 3) == 0) {
		repo->web = "https://dev.azure.com";
		repo->path += 3;
	} else if (from_http(a, repo) < 0) {
		return error_set(err, "%s: is no repository of Azure DevOps (.../PROJECT/_git/NAME)",
				 repo->path);
	}
	repo->api = repo->web;
	return strchr(repo->path, '/') ? 0 : error_set(err, "%s: its project is not known", repo->path);
}

static char *project(struct arena *a, const struct forge_repo *repo, const char **name)
{
	const char *slash = strrchr(repo->path, '/');
	*name = forge_escape(a, slash + 1);
	return forge_escape_path(a, arena_strndup(a, repo->path, (size_t)(slash - repo->path)));
}

static char *requests(struct arena *a, const struct forge_repo *repo)
{
	const char *name, *at = project(a, repo, &name);
	return arena_printf(a, "%s/%s/_apis/git/repositories/%s/pullrequests", repo->api, at, name);
}

static char *open_url(struct arena *a, const struct forge_repo *repo)
{
	return arena_printf(a, "%s?" VERSION, requests(a, repo));
}

static char *ref(struct arena *a, const char *branch)
{
	return arena_printf(a, "refs/heads/%s", branch);
}

static char *find_url(struct arena *a, const struct forge_repo *repo, const struct forge_review *review)
{
	return arena_printf(a,
			    "%s?searchCriteria.status=active&searchCriteria.sourceRefName=%s"
			    "&searchCriteria.targetRefName=%s&$top=10&" VERSION,
			    requests(a, repo), forge_escape(a, ref(a, review->branch)),
			    forge_escape(a, ref(a, review->target)));
}

static void open_body(struct arena *a, const struct forge_repo *repo, const struct forge_review *review,
		      struct node *body)
{
	forge_set(a, body, "title", review->title);
	forge_set(a, body, "description", review->body);
	forge_set(a, body, "sourceRefName", ref(a, review->branch));
	forge_set(a, body, "targetRefName", ref(a, review->target));
}

static bool is_branch(const struct node *name, const char *branch)
{
	struct str text = node_text(name);
	return str_starts(text, STR("refs/heads/")) && str_is(str_from(text, 11), branch);
}

static bool is_it(const struct node *request, const struct forge_review *review)
{
	return is_branch(node_get(request, "sourceRefName"), review->branch) &&
	       is_branch(node_get(request, "targetRefName"), review->target);
}

/* An answer has only the API's own address. */
static struct str page_of(struct arena *a, const struct forge_repo *repo, const struct node *request)
{
	int64_t id;
	const char *name, *at = project(a, repo, &name);
	if (!node_int(node_get(request, "pullRequestId"), &id) || id < 1)
		return STR("");
	return str_of(arena_printf(a, "%s/%s/_git/%s/pullrequest/%lld", repo->web, at, name, (long long)id));
}

static const char *const words[] = { "azure", "visualstudio", NULL };

const struct forge_ops forge_azure = {
	.name = "azure",
	.cloud = "dev.azure.com",
	.words = words,
	.says = "message",
	.auth = FORGE_AUTH_BASIC,
	.token_word = "Bearer",
	.accept = "application/json",
	.place = place,
	.find_url = find_url,
	.open_url = open_url,
	.open_body = open_body,
	.list = "value",
	.is_it = is_it,
	.page = page_of,
};
