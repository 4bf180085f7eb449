/*
 * forge_bitbucket.c - Bitbucket Cloud (API 2.0), and Bitbucket Data Center or Server (API 1.0): two programs
 * that have little but the name in common.
 */
#include "push/forge_parts.h"

static struct node *child(struct arena *a, struct node *map, const char *key)
{
	struct node *n = node_map(a);
	node_set(a, map, str_of(key), n);
	return n;
}

/* --- Cloud --- */

static int place_cloud(struct arena *a, struct forge_repo *repo, struct error *err)
{
	bool cloud = strcmp(repo->web, "https://bitbucket.org") == 0;
	repo->api = cloud ? "https://api.bitbucket.org/2.0" : arena_printf(a, "%s/2.0", repo->web);
	return forge_two_parts(repo, err);
}

static char *open_url_cloud(struct arena *a, const struct forge_repo *repo)
{
	return arena_printf(a, "%s/repositories/%s/pullrequests", repo->api,
			    forge_escape_path(a, repo->path));
}

/* A text of its query language. */
static char *quoted(struct arena *a, const char *text)
{
	cleanup_buf struct buf out = BUF_INIT;
	buf_addc(&out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_addc(&out, '\\');
		buf_addc(&out, *text);
	}
	buf_addc(&out, '"');
	return arena_strdup(a, out.p);
}

static char *find_url_cloud(struct arena *a, const struct forge_repo *repo, const struct forge_review *review)
{
	char *query =
		arena_printf(a, "state=\"OPEN\" AND source.branch.name=%s AND destination.branch.name=%s",
			     quoted(a, review->branch), quoted(a, review->target));
	return arena_printf(a, "%s?pagelen=10&q=%s", open_url_cloud(a, repo), forge_escape(a, query));
}

static void open_body_cloud(struct arena *a, const struct forge_repo *repo, const struct forge_review *review,
			    struct node *body)
{
	forge_set(a, body, "title", review->title);
	forge_set(a, body, "description", review->body);
	forge_set(a, child(a, child(a, body, "source"), "branch"), "name", review->branch);
	forge_set(a, child(a, child(a, body, "destination"), "branch"), "name", review->target);
	node_set(a, body, STR("close_source_branch"), node_bool_new(a, true));
}

static bool is_it_cloud(const struct node *request, const struct forge_review *review)
{
	return str_is(node_text(node_at(request, "source.branch.name")), review->branch) &&
	       str_is(node_text(node_at(request, "destination.branch.name")), review->target);
}

static struct str page_cloud(struct arena *a, const struct forge_repo *repo, const struct node *request)
{
	return node_text(node_at(request, "links.html.href"));
}

static const char *const words_cloud[] = { NULL };

const struct forge_ops forge_bitbucket = {
	.name = "bitbucket",
	.cloud = "bitbucket.org",
	.words = words_cloud,
	.says = "error.message",
	.auth = FORGE_AUTH_BASIC,
	.token_word = "Bearer",
	.accept = "application/json",
	.place = place_cloud,
	.find_url = find_url_cloud,
	.open_url = open_url_cloud,
	.open_body = open_body_cloud,
	.list = "values",
	.is_it = is_it_cloud,
	.page = page_cloud,
};

/* --- Data Center, Server --- */

/* By http a repository is at /scm/KEY/NAME, by ssh at /KEY/NAME. */
static int place_server(struct arena *a, struct forge_repo *repo, struct error *err)
{
	if (strncmp(repo->path, "scm/", 4) == 0)
		repo->path += 4;
	repo->api = arena_printf(a, "%s/rest/api/1.0", repo->web);
	return forge_two_parts(repo, err);
}

static char *open_url_server(struct arena *a, const struct forge_repo *repo)
{
	struct str name, key = str_cut(str_of(repo->path), '/', &name);
	return arena_printf(a, "%s/projects/%s/repos/%s/pull-requests", repo->api,
			    forge_escape(a, arena_str(a, key).p), forge_escape(a, arena_str(a, name).p));
}

static char *find_url_server(struct arena *a, const struct forge_repo *repo,
			     const struct forge_review *review)
{
	char *ref = arena_printf(a, "refs/heads/%s", review->branch);
	return arena_printf(a, "%s?state=OPEN&direction=OUTGOING&limit=50&at=%s", open_url_server(a, repo),
			    forge_escape(a, ref));
}

static void end_server(struct arena *a, const struct forge_repo *repo, struct node *body, const char *key,
		       const char *branch)
{
	struct str name, project = str_cut(str_of(repo->path), '/', &name);
	struct node *end = child(a, body, key);
	forge_set(a, end, "id", arena_printf(a, "refs/heads/%s", branch));
	struct node *repository = child(a, end, "repository");
	forge_set(a, repository, "slug", arena_str(a, name).p);
	forge_set(a, child(a, repository, "project"), "key", arena_str(a, project).p);
}

static void open_body_server(struct arena *a, const struct forge_repo *repo,
			     const struct forge_review *review, struct node *body)
{
	forge_set(a, body, "title", review->title);
	forge_set(a, body, "description", review->body);
	end_server(a, repo, body, "fromRef", review->branch);
	end_server(a, repo, body, "toRef", review->target);
}

static bool is_branch(const struct node *ref, const char *branch)
{
	struct str id = node_text(node_get(ref, "id"));
	return str_starts(id, STR("refs/heads/")) && str_is(str_from(id, 11), branch);
}

static bool is_it_server(const struct node *request, const struct forge_review *review)
{
	return is_branch(node_get(request, "fromRef"), review->branch) &&
	       is_branch(node_get(request, "toRef"), review->target);
}

static struct str page_server(struct arena *a, const struct forge_repo *repo, const struct node *request)
{
	return node_text(node_get(node_item(node_at(request, "links.self"), 0), "href"));
}

static const char *const words_server[] = { "bitbucket", "stash", NULL };

const struct forge_ops forge_bitbucket_server = {
	.name = "bitbucket-server",
	.words = words_server,
	.says = "errors",
	.auth = FORGE_AUTH_BASIC,
	.token_word = "Bearer",
	.accept = "application/json",
	.place = place_server,
	.find_url = find_url_server,
	.open_url = open_url_server,
	.open_body = open_body_server,
	.list = "values",
	.is_it = is_it_server,
	.page = page_server,
};
