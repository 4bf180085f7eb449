/*
 * webhook_registry.c - bodies of events of registries, by the fields that each documents; see webhook.h. Of a
 * push it is the repository's path that counts: a registry has several names, inside and outside of a
 * cluster.
 */
#include "operator/webhook_parts.h"
#include "registry/parse.h"

#define PATH_MAX_BYTES 255u

/* What is no path or no tag that an ImageRule could watch is passed over. */
static void add_image(struct webhook_reading *p, struct str path, struct str tag)
{
	struct webhook_event *out = p->out;
	if (!path.n || path.n > PATH_MAX_BYTES || webhook_has_control(path) ||
	    out->n_images == WEBHOOK_IMAGES_MAX)
		return;
	char *name = arena_strndup(p->a, path.p, path.n);
	for (char *c = name; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
	out->images[out->n_images++] = (struct webhook_image){
		.path = name,
		.tag = registry_is_tag(tag) ? arena_strndup(p->a, tag.p, tag.n) : NULL,
	};
	out->kind = WEBHOOK_PUSH;
}

static int need(struct webhook_reading *p, const char *path, enum node_type type, const struct node **out)
{
	const struct node *n = node_at(p->body, path);
	*out = n;
	if (!n || n->type != type)
		return error_set(p->err, "the body has no %s, which such an event has", path);
	return 0;
}

/* An envelope of events; pulls, and the blobs of a push, are among them. */
int webhook_read_distribution(struct webhook_reading *p)
{
	const struct node *events;
	if (need(p, "events", NODE_SEQ, &events) < 0)
		return -1;
	p->out->delivery = arena_str(p->a, node_text(node_get(node_item(events, 0), "id")));
	for (size_t i = 0; i < node_count(events); i++) {
		const struct node *event = node_item(events, i);
		struct str action = node_text(node_get(event, "action")),
			   tag = node_text(node_at(event, "target.tag"));
		bool goes = str_is(action, "delete");
		if (goes || (str_is(action, "push") && tag.n))
			add_image(p, node_text(node_at(event, "target.repository")), goes ? STR("") : tag);
	}
	return 0;
}

/* Newer ones wrap the same in CloudEvents: then the type is "harbor.artifact.pushed", the rest is in data. */
int webhook_read_harbor(struct webhook_reading *p)
{
	struct str type = node_text(node_get(p->body, "type"));
	bool cloud = str_starts(type, STR("harbor."));
	const struct node *data = node_get(p->body, cloud ? "data" : "event_data");
	struct str path = node_text(node_at(data, "repository.repo_full_name"));
	const struct node *resources = node_get(data, "resources");
	if (cloud)
		p->out->delivery = arena_str(p->a, node_text(node_get(p->body, "id")));
	if (!str_is(type, "PUSH_ARTIFACT") && !str_is(type, "DELETE_ARTIFACT") &&
	    !str_is(type, "REPLICATION") && !str_is(type, "harbor.artifact.pushed") &&
	    !str_is(type, "harbor.artifact.deleted"))
		return 0;
	if (!path.n)
		return error_set(p->err,
				 "the body has no repository.repo_full_name, which such an event has");
	bool goes = str_starts(type, STR("DELETE")) || str_ends(type, STR("deleted"));
	for (size_t i = 0; i < node_count(resources) && !goes; i++)
		add_image(p, path, node_text(node_get(node_item(resources, i), "tag")));
	if (!node_count(resources) || goes)
		add_image(p, path, STR(""));
	return 0;
}

int webhook_read_dockerhub(struct webhook_reading *p)
{
	const struct node *name;
	if (need(p, "repository.repo_name", NODE_STRING, &name) < 0)
		return -1;
	add_image(p, node_text(name), node_text(node_at(p->body, "push_data.tag")));
	return 0;
}

/* Events "package" and, older, "registry_package" of GitHub; the one is under the other's name. */
int webhook_read_ghcr(struct webhook_reading *p)
{
	struct str event = webhook_header(p, "X-GitHub-Event");
	bool old = str_is(event, "registry_package");
	const struct node *package = node_get(p->body, old ? "registry_package" : "package");
	p->out->delivery = webhook_header(p, "X-GitHub-Delivery");
	if (str_is(event, "ping"))
		p->out->kind = WEBHOOK_PING;
	if (!old && !str_is(event, "package"))
		return 0;
	struct str type = node_text(node_get(package, "package_type"));
	struct str owner = node_text(node_get(package, "namespace")),
		   name = node_text(node_get(package, "name"));
	if (!owner.n)
		owner = node_text(node_at(package, "owner.login"));
	if (type.n != 9 || (!str_is(type, "CONTAINER") && !str_is(type, "container")))
		return 0;
	if (!owner.n || !name.n)
		return error_set(p->err,
				 "the body has no package with namespace and name, which such an event has");
	const char *path = arena_printf(p->a, "%.*s/%.*s", STR_ARG(owner), STR_ARG(name));
	add_image(p, str_of(path),
		  node_text(node_at(package, "package_version.container_metadata.tag.name")));
	return 0;
}

int webhook_read_quay(struct webhook_reading *p)
{
	const struct node *name, *tags = node_get(p->body, "updated_tags");
	if (need(p, "repository", NODE_STRING, &name) < 0)
		return -1;
	for (size_t i = 0; i < node_count(tags); i++)
		add_image(p, node_text(name), node_text(node_item(tags, i)));
	/* Events of builds and scans have none. */
	return 0;
}

/* {"image": "registry/team/app", "tag": "v1", "delivery": "..."} */
int webhook_read_generic_image(struct webhook_reading *p)
{
	struct registry_place place;
	struct str image = node_text(node_get(p->body, "image"));
	if (registry_place_read(p->a, image, &place, p->err) < 0)
		return error_wrap(p->err, "the body's image");
	p->out->delivery = arena_str(p->a, node_text(node_get(p->body, "delivery")));
	add_image(p, str_of(place.path), node_text(node_get(p->body, "tag")));
	return 0;
}

bool webhook_names_image(const struct webhook_event *event, const char *path)
{
	for (size_t i = 0; i < event->n_images; i++)
		if (strcmp(event->images[i].path, path) == 0)
			return true;
	return false;
}
