/*
 * webhook_parse.c - bodies of events, by type of host; see webhook.h. Formats are those that the hosts
 * document for a push; what a body has beyond the few fields read here is passed over.
 */
#include "doc/json.h"
#include "operator/webhook_parts.h"
#include "repo/refs.h"

struct str webhook_header(const struct webhook_reading *p, const char *name)
{
	return str_of(p->headers->get(p->headers->ctx, name));
}

bool webhook_has_control(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return true;
	return false;
}

static void add_name(struct webhook_reading *p, const char *prefix, struct str name)
{
	/* A longer name, or one with such bytes, is none that a revision can be. */
	if (!name.n || name.n > REVISION_MAX || webhook_has_control(name))
		return;
	if (p->out->n_refs == WEBHOOK_REFS_MAX) {
		p->out->any_ref = true;
		return;
	}
	p->out->refs[p->out->n_refs++] = arena_printf(p->a, "%s%.*s", prefix, STR_ARG(name));
}

static void add_ref(struct webhook_reading *p, const struct node *name)
{
	struct str text = node_text(name);
	if (str_starts(text, STR("refs/")))
		add_name(p, "", text);
}

static void add_url(struct webhook_reading *p, const struct node *url)
{
	struct str text = node_text(url);
	if (text.n && !webhook_has_control(text) && p->out->n_urls < WEBHOOK_URLS_MAX)
		p->out->urls[p->out->n_urls++] = arena_strndup(p->a, text.p, text.n);
}

static void add_urls(struct webhook_reading *p, const struct node *map, const char *const *keys)
{
	for (size_t i = 0; keys[i]; i++)
		add_url(p, node_get(map, keys[i]));
}

static void set_default(struct webhook_reading *p, const struct node *name)
{
	struct str text = node_text(name);
	if (!text.n || text.n > REVISION_MAX || webhook_has_control(text))
		return;
	p->out->default_branch = arena_printf(
		p->a, "%s%.*s", str_starts(text, STR("refs/")) ? "" : "refs/heads/", STR_ARG(text));
}

static int need(struct webhook_reading *p, const char *path, enum node_type type, const struct node **out)
{
	const struct node *n = node_at(p->body, path);
	*out = n;
	if (!n || n->type != type)
		return error_set(p->err, "the body has no %s, which such an event has", path);
	return 0;
}

/* --- GitHub, Gitea, Forgejo --- */

static int read_hub(struct webhook_reading *p, const char *event_header)
{
	static const char *const urls[] = { "clone_url", "ssh_url", "git_url", "html_url", NULL };
	const struct node *ref;
	struct str event = webhook_header(p, event_header);
	p->out->kind = str_is(event, "push")   ? WEBHOOK_PUSH
		       : str_is(event, "ping") ? WEBHOOK_PING
					       : WEBHOOK_OTHER;
	if (p->out->kind != WEBHOOK_PUSH)
		return 0;
	if (need(p, "ref", NODE_STRING, &ref) < 0)
		return -1;
	add_ref(p, ref);
	const struct node *repository = node_get(p->body, "repository");
	add_urls(p, repository, urls);
	set_default(p, node_get(repository, "default_branch"));
	return 0;
}

static int read_github(struct webhook_reading *p)
{
	p->out->delivery = webhook_header(p, "X-GitHub-Delivery");
	return read_hub(p, "X-GitHub-Event");
}

static int read_gitea(struct webhook_reading *p)
{
	p->out->delivery = webhook_header(p, "X-Gitea-Delivery");
	if (!p->out->delivery.n)
		p->out->delivery = webhook_header(p, "X-Forgejo-Delivery");
	return read_hub(p, webhook_header(p, "X-Forgejo-Event").n ? "X-Forgejo-Event" : "X-Gitea-Event");
}

/* --- GitLab --- */

/* Hooks of a project or group say object_kind; those of the whole instance ("System Hook") event_name too. */
static int read_gitlab(struct webhook_reading *p)
{
	static const char *const urls[] = { "git_http_url", "git_ssh_url", "web_url", NULL };
	const struct node *ref, *project = node_get(p->body, "project");
	struct str kind = node_text(node_get(p->body, "object_kind"));
	if (!kind.n)
		kind = node_text(node_get(p->body, "event_name"));
	/* The event's UUID is shared by events that one event caused; the key is the delivery's own. */
	p->out->delivery = webhook_header(p, "Idempotency-Key");
	if (!p->out->delivery.n)
		p->out->delivery = webhook_header(p, "X-Gitlab-Event-UUID");
	if (!str_is(kind, "push") && !str_is(kind, "tag_push")) {
		p->out->kind = WEBHOOK_OTHER;
		return 0;
	}
	p->out->kind = WEBHOOK_PUSH;
	if (need(p, "ref", NODE_STRING, &ref) < 0)
		return -1;
	add_ref(p, ref);
	add_urls(p, project, urls);
	set_default(p, node_get(project, "default_branch"));
	return 0;
}

/* --- Bitbucket --- */

static void add_cloud_side(struct webhook_reading *p, const struct node *side)
{
	struct str type = node_text(node_get(side, "type")), name = node_text(node_get(side, "name"));
	if (str_is(type, "branch") || str_is(type, "named_branch"))
		add_name(p, "refs/heads/", name);
	else if (str_is(type, "tag") || str_is(type, "annotated_tag"))
		add_name(p, "refs/tags/", name);
}

static int read_bitbucket_cloud(struct webhook_reading *p)
{
	const struct node *changes, *repository = node_get(p->body, "repository");
	if (need(p, "push.changes", NODE_SEQ, &changes) < 0)
		return -1;
	for (size_t i = 0; i < node_count(changes) && !p->out->any_ref; i++) {
		const struct node *change = node_item(changes, i), *now = node_get(change, "new");
		/* A ref that was deleted has no new side. */
		add_cloud_side(p, now && now->type == NODE_MAP ? now : node_get(change, "old"));
	}
	add_url(p, node_at(repository, "links.html.href"));
	set_default(p, node_at(repository, "mainbranch.name"));
	return 0;
}

static int read_bitbucket_server(struct webhook_reading *p)
{
	const struct node *changes, *clone = node_at(p->body, "repository.links.clone");
	if (need(p, "changes", NODE_SEQ, &changes) < 0)
		return -1;
	for (size_t i = 0; i < node_count(changes) && !p->out->any_ref; i++)
		add_ref(p, node_at(node_item(changes, i), "ref.id"));
	for (size_t i = 0; i < node_count(clone) && i < WEBHOOK_URLS_MAX; i++)
		add_url(p, node_get(node_item(clone, i), "href"));
	return 0;
}

static int read_bitbucket(struct webhook_reading *p)
{
	struct str event = webhook_header(p, "X-Event-Key");
	p->out->delivery = webhook_header(p, "X-Request-UUID");
	if (!p->out->delivery.n)
		p->out->delivery = webhook_header(p, "X-Request-Id");
	p->out->kind = WEBHOOK_PUSH;
	if (str_is(event, "repo:push"))
		return read_bitbucket_cloud(p);
	if (str_is(event, "repo:refs_changed"))
		return read_bitbucket_server(p);
	p->out->kind = str_is(event, "diagnostics:ping") ? WEBHOOK_PING : WEBHOOK_OTHER;
	return 0;
}

/* --- Azure DevOps --- */

static int read_azure(struct webhook_reading *p)
{
	const struct node *updates, *repository = node_at(p->body, "resource.repository");
	struct str id = node_text(node_get(p->body, "id"));
	int64_t number = 0;
	node_int(node_get(p->body, "notificationId"), &number);
	/* Tests of a subscription share one id; each is a notification of its own. */
	if (id.n)
		p->out->delivery = str_of(arena_printf(p->a, "%.*s/%lld", STR_ARG(id), (long long)number));
	if (!str_is(node_text(node_get(p->body, "eventType")), "git.push")) {
		p->out->kind = WEBHOOK_OTHER;
		return 0;
	}
	p->out->kind = WEBHOOK_PUSH;
	if (need(p, "resource.refUpdates", NODE_SEQ, &updates) < 0)
		return -1;
	for (size_t i = 0; i < node_count(updates) && !p->out->any_ref; i++)
		add_ref(p, node_get(node_item(updates, i), "name"));
	add_url(p, node_get(repository, "remoteUrl"));
	set_default(p, node_get(repository, "defaultBranch"));
	return 0;
}

/* --- anything else --- */

static bool is_full_ref(const struct node *name)
{
	return str_starts(node_text(name), STR("refs/"));
}

static int read_generic(struct webhook_reading *p)
{
	const struct node *refs = node_get(p->body, "refs"), *ref = node_get(p->body, "ref");
	if (node_get(p->body, "image"))
		return webhook_read_generic_image(p);
	bool has_refs = refs && refs->type == NODE_SEQ, good = has_refs || !refs;
	for (size_t i = 0; has_refs && good && i < node_count(refs); i++)
		good = is_full_ref(node_item(refs, i));
	if (!good || (ref && !is_full_ref(ref)))
		return error_set(
			p->err,
			"the body's refs must be a list of full names of refs such as refs/heads/main, and its ref one");
	p->out->kind = WEBHOOK_PUSH;
	p->out->delivery = arena_str(p->a, node_text(node_get(p->body, "delivery")));
	p->out->any_ref = !ref && !has_refs;
	add_ref(p, ref);
	for (size_t i = 0; i < node_count(refs) && !p->out->any_ref; i++)
		add_ref(p, node_item(refs, i));
	add_url(p, node_get(p->body, "url"));
	return 0;
}

int webhook_parse(struct arena *a, enum webhook_type type, const struct webhook_headers *headers,
		  struct str body, struct webhook_event *out, struct error *err)
{
	static int (*const read[WEBHOOK_TYPES])(struct webhook_reading *) = {
		[WEBHOOK_GITHUB] = read_github,
		[WEBHOOK_GITLAB] = read_gitlab,
		[WEBHOOK_GITEA] = read_gitea,
		[WEBHOOK_BITBUCKET] = read_bitbucket,
		[WEBHOOK_AZURE] = read_azure,
		[WEBHOOK_GENERIC] = read_generic,
		[WEBHOOK_DISTRIBUTION] = webhook_read_distribution,
		[WEBHOOK_HARBOR] = webhook_read_harbor,
		[WEBHOOK_DOCKERHUB] = webhook_read_dockerhub,
		[WEBHOOK_GHCR] = webhook_read_ghcr,
		[WEBHOOK_QUAY] = webhook_read_quay,
	};
	struct node *root;
	*out = (struct webhook_event){ .kind = WEBHOOK_OTHER };
	/* GitHub and Gitea can also send a form; nobody needs a second format. */
	if (str_starts(body, STR("payload=")))
		return error_set(err,
				 "the body is a form; set the content type to application/json at the host");
	if (json_parse(a, body, false, &root, err) < 0)
		return error_wrap(err, "the body is no JSON");
	if (root->type != NODE_MAP)
		return error_set(err, "the body is no JSON object");
	out->refs = arena_array(a, const char *, WEBHOOK_REFS_MAX);
	out->urls = arena_array(a, const char *, WEBHOOK_URLS_MAX);
	out->images = arena_array(a, struct webhook_image, WEBHOOK_IMAGES_MAX);
	struct webhook_reading p = { a, headers, root, out, err };
	return read[type](&p);
}
