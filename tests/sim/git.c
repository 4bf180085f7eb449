/* git.c - commits grow by small random edits of the last one; objects are made from a few numbers. */
#include "git.h"

#include <stdio.h>

#include "deploy/cluster/prepare.h"

static const struct {
	const char *group, *version, *kind, *prefix;
	bool namespaced;
	uint8_t weight;
} KINDS[GIT_KINDS] = {
	[GIT_CONFIG_MAP] = { "", "v1", "ConfigMap", "cm", true, 6 },
	[GIT_SECRET] = { "", "v1", "Secret", "sec", true, 2 },
	[GIT_SERVICE] = { "", "v1", "Service", "svc", true, 2 },
	[GIT_DEPLOYMENT] = { "apps", "v1", "Deployment", "web", true, 5 },
	[GIT_JOB] = { "batch", "v1", "Job", "job", true, 1 },
	[GIT_SERVICE_ACCOUNT] = { "", "v1", "ServiceAccount", "sa", true, 1 },
	[GIT_NAMESPACE] = { "", "v1", "Namespace", "ns", false, 1 },
	[GIT_CRD] = { "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "widgets", false, 1 },
	[GIT_WIDGET] = { "", "v1", "Widget", "widget", true, 2 },
	[GIT_CLUSTER_ROLE] = { "rbac.authorization.k8s.io", "v1", "ClusterRole", "role", false, 1 },
	[GIT_STORAGE_CLASS] = { "storage.k8s.io", "v1", "StorageClass", "class", false, 1 },
	[GIT_SHARED] = { "", "v1", "ConfigMap", "shared", true, 2 },
};

/* ---- commits ---- */

static struct git_object random_object(struct rng *rng, bool calm)
{
	unsigned total = 0;
	for (int i = 0; i < GIT_KINDS; i++)
		total += KINDS[i].weight;
	unsigned pick = rng_below(rng, total);
	struct git_object o = { .kind = 0 };
	while (pick >= KINDS[o.kind].weight)
		pick -= KINDS[o.kind++].weight;
	o.name = o.kind == GIT_NAMESPACE || o.kind == GIT_CRD || o.kind == GIT_SHARED
			 ? 0
			 : (uint8_t)rng_below(rng, 4);
	o.content = rng_below(rng, 1u << 16);
	if (!calm && rng_chance(rng, 60))
		o.flags |= GIT_PRUNE_DISABLED;
	if (!calm && rng_chance(rng, 60))
		o.flags |= GIT_FORCE;
	return o;
}

static void commit_put(struct git_commit *c, struct git_object o, size_t most)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->objects[i].kind == o.kind && c->objects[i].name == o.name) {
			c->objects[i] = o;
			return;
		}
	}
	if (c->n < most && c->n < GIT_OBJECTS_MAX)
		c->objects[c->n++] = o;
}

static void mutate(struct git_commit *c, struct rng *rng, size_t most, bool calm)
{
	uint32_t roll = rng_below(rng, calm ? 70 : 100);
	if (!c->n || roll < 25) {
		commit_put(c, random_object(rng, calm), most);
		return;
	}
	struct git_object *o = &c->objects[rng_below(rng, (uint32_t)c->n)];
	if (roll < 55) {
		o->content = rng_below(rng, 1u << 16);
	} else if (roll < 70) {
		if (c->n > 1)
			*o = c->objects[--c->n];
	} else if (roll < 76) {
		o->flags ^= GIT_INVALID;
	} else if (roll < 82) {
		o->flags ^= GIT_BAD_IMAGE;
	} else if (roll < 88) {
		o->variant++;
	} else if (roll < 90) {
		o->flags ^= GIT_FORCE;
	} else if (roll < 91) {
		c->n = 0; /* somebody emptied the folder */
	} else if (roll < 95) {
		c->broken = GIT_PARSE_ERROR;
	} else if (roll < 97) {
		c->broken = GIT_RENDER_FAILS;
	} else {
		o->flags &= ~(unsigned)(GIT_INVALID | GIT_BAD_IMAGE);
	}
}

static struct app_revision revision_of(const struct git_repo *repo, const struct git_commit *commit)
{
	struct app_revision r = { .text = "" };
	snprintf(r.text, sizeof(r.text), "main@%d.%u", repo->app, commit->number);
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text, "%d:%d", repo->app, (int)commit->broken);
	for (size_t i = 0; i < commit->n; i++) {
		const struct git_object *o = &commit->objects[i];
		buf_printf(&text, ";%d.%d.%d.%d.%u", o->kind, o->name, o->variant, o->flags, o->content);
	}
	r.input = hash_of(buf_str(&text));
	return r;
}

void git_commit_random(struct git_repo *repo, struct rng *rng, size_t objects, bool calm)
{
	struct git_commit c = { .number = 0 };
	size_t n = repo->commits.n;
	if (!n) {
		size_t first = 1 + rng_below(rng, (uint32_t)objects);
		while (c.n < first)
			commit_put(&c, random_object(rng, calm), objects),
				first -= first > 1 && rng_chance(rng, 300);
	} else if (n > 1 && rng_chance(rng, 120)) {
		c = repo->commits.at[rng_below(
			rng, (uint32_t)n - 1)]; /* a revert, or a force-push to an older one */
	} else {
		c = repo->commits.at[n - 1];
		c.broken = GIT_WHOLE;
		for (uint32_t i = 0, edits = 1 + rng_below(rng, 3); i < edits; i++)
			mutate(&c, rng, objects, calm);
	}
	c.number = (unsigned)n + 1;
	c.revision = revision_of(repo, &c);
	vec_push(&repo->commits, c);
}

const struct git_commit *git_head(const struct git_repo *repo)
{
	return repo->commits.n ? &repo->commits.at[repo->commits.n - 1] : NULL;
}

const struct git_commit *git_find(const struct git_repo *repo, const char *text)
{
	int app;
	unsigned number;
	if (sscanf(text, "main@%d.%u", &app, &number) != 2 || !number || number > repo->commits.n)
		return NULL;
	return &repo->commits.at[number - 1];
}

/* ---- objects ---- */

static struct node *text(struct arena *a, const char *z)
{
	return node_string(a, str_of(z));
}

static struct node *map_with(struct arena *a, struct node *parent, const char *key)
{
	struct node *map = node_map(a);
	node_set(a, parent, str_of(key), map);
	return map;
}

static void set(struct arena *a, struct node *map, const char *key, struct node *value)
{
	node_set(a, map, str_of(key), value);
}

/* A map whose keys and values follow the bits of `content`, so that commits add, change and take away fields.
 */
static void fill(struct arena *a, struct node *map, uint32_t content, const char *prefix)
{
	for (int i = 0; i < 4; i++)
		if (content >> i & 1)
			set(a, map, arena_printf(a, "k%d", i),
			    text(a, arena_printf(a, "%s%u", prefix, content >> 4 & 15)));
	if (!node_count(map))
		set(a, map, "k0", text(a, "only"));
}

static struct node *deployment_spec(struct arena *a, const struct git_object *o)
{
	struct node *spec = node_map(a), *labels, *container = node_map(a), *list = node_seq(a);
	if (o->content & 1)
		set(a, spec, "replicas", node_int_new(a, 1 + (o->content >> 8 & 3)));
	labels = node_map(a);
	set(a, labels, "app", text(a, arena_printf(a, "v%d", o->variant)));
	set(a, map_with(a, spec, "selector"), "matchLabels", labels);
	struct node *template = map_with(a, spec, "template");
	set(a, map_with(a, template, "metadata"), "labels", node_clone(a, labels));
	set(a, container, "name", text(a, "main"));
	set(a, container, "image",
	    text(a, o->flags & GIT_BAD_IMAGE ? "bad" : arena_printf(a, "app:%u", o->content >> 4 & 15)));
	if (o->content & 2) {
		struct node *limits = map_with(a, map_with(a, container, "resources"), "limits");
		set(a, limits, "cpu", text(a, o->content & 4 ? "1000m" : "250m"));
	}
	if (o->content & 8) {
		struct node *port = node_map(a), *ports = node_seq(a);
		set(a, port, "containerPort", node_int_new(a, 80 + (o->content >> 6 & 1)));
		node_push(a, ports, port);
		set(a, container, "ports", ports);
	}
	node_push(a, list, container);
	set(a, map_with(a, template, "spec"), "containers", list);
	return spec;
}

static void service_spec(struct arena *a, struct node *spec, const struct git_object *o)
{
	struct node *ports = node_seq(a);
	set(a, map_with(a, spec, "selector"), "app", text(a, "x"));
	for (uint32_t i = 0; i <= (o->content >> 2 & 1); i++) {
		struct node *port = node_map(a);
		set(a, port, "port", node_int_new(a, 80 + i));
		if (o->content & 2)
			set(a, port, "name", text(a, arena_printf(a, "p%u", i)));
		node_push(a, ports, port);
	}
	set(a, spec, "ports", ports);
}

static const char *group_of(struct arena *a, int app, int kind)
{
	return kind == GIT_WIDGET ? arena_printf(a, "app%d.example", app) : KINDS[kind].group;
}

static const char *namespace_of(struct arena *a, const struct git_repo *repo, const struct git_object *o)
{
	if (!KINDS[o->kind].namespaced)
		return "";
	if (o->kind == GIT_SHARED)
		return "default";
	/* Some go to the namespace that the app brings itself. */
	return o->kind != GIT_WIDGET && o->name == 3 ? arena_printf(a, "own%d", repo->app)
						     : arena_printf(a, "team%d", repo->app);
}

static const char *name_of(struct arena *a, const struct git_repo *repo, const struct git_object *o)
{
	switch (o->kind) {
	case GIT_NAMESPACE:
		return arena_printf(a, "own%d", repo->app);
	case GIT_CRD:
		return arena_printf(a, "widgets.app%d.example", repo->app);
	case GIT_SHARED:
		return "shared";
	case GIT_CLUSTER_ROLE:
	case GIT_STORAGE_CLASS:
		return arena_printf(a, "%s%d-%d", KINDS[o->kind].prefix, repo->app, o->name);
	default:
		return arena_printf(a, "%s%d", KINDS[o->kind].prefix, o->name);
	}
}

char *git_object_key(struct arena *a, const struct git_repo *repo, const struct git_object *o)
{
	return arena_printf(a, "%s/%s/%s/%s", group_of(a, repo->app, o->kind), KINDS[o->kind].kind,
			    namespace_of(a, repo, o), name_of(a, repo, o));
}

static void fill_kind(struct arena *a, struct node *root, const struct git_repo *repo,
		      const struct git_object *o)
{
	switch (o->kind) {
	case GIT_SECRET:
		set(a, map_with(a, root, "data"), "password",
		    text(a, arena_printf(a, GIT_SECRET_MARK "%02u", o->content & 63)));
		break;
	case GIT_SERVICE:
		service_spec(a, map_with(a, root, "spec"), o);
		break;
	case GIT_DEPLOYMENT:
		set(a, root, "spec", deployment_spec(a, o));
		break;
	case GIT_JOB:
		set(a, map_with(a, map_with(a, root, "spec"), "template"), "image",
		    text(a, arena_printf(a, "job:%d", o->variant)));
		break;
	case GIT_CRD: {
		struct node *spec = map_with(a, root, "spec");
		set(a, spec, "group", text(a, arena_printf(a, "app%d.example", repo->app)));
		set(a, spec, "scope", text(a, "Namespaced"));
		struct node *names = map_with(a, spec, "names");
		set(a, names, "kind", text(a, "Widget"));
		set(a, names, "plural", text(a, "widgets"));
		break;
	}
	case GIT_WIDGET:
		fill(a, map_with(a, root, "spec"), o->content, "w");
		break;
	case GIT_CLUSTER_ROLE:
	case GIT_STORAGE_CLASS:
		fill(a, map_with(a, root, "parameters"), o->content, "r");
		break;
	case GIT_CONFIG_MAP:
	case GIT_SHARED:
		fill(a, map_with(a, root, "data"), o->content, o->kind == GIT_SHARED ? "s" : "c");
		break;
	default:
		break;
	}
}

struct node *git_object_node(struct arena *a, const struct git_repo *repo, const struct git_object *o)
{
	struct node *root = node_map(a), *meta;
	const char *group = group_of(a, repo->app, o->kind);
	set(a, root, "apiVersion",
	    text(a, group[0] ? arena_printf(a, "%s/%s", group, KINDS[o->kind].version) : "v1"));
	set(a, root, "kind", text(a, KINDS[o->kind].kind));
	meta = map_with(a, root, "metadata");
	set(a, meta, "name", text(a, name_of(a, repo, o)));
	/* One of the two is left to the target namespace. */
	if (KINDS[o->kind].namespaced && (o->name % 2 || o->kind == GIT_SHARED))
		set(a, meta, "namespace", text(a, namespace_of(a, repo, o)));
	if (o->content & 16)
		set(a, map_with(a, meta, "labels"), "tier", text(a, o->content & 32 ? "front" : "back"));
	if (o->flags & (GIT_PRUNE_DISABLED | GIT_FORCE)) {
		struct node *annotations = map_with(a, meta, "annotations");
		if (o->flags & GIT_PRUNE_DISABLED)
			set(a, annotations, ANNOTATION_PRUNE, text(a, "disabled"));
		if (o->flags & GIT_FORCE)
			set(a, annotations, ANNOTATION_FORCE, text(a, "enabled"));
	}
	fill_kind(a, root, repo, o);
	if (o->flags & GIT_INVALID) {
		if (o->kind == GIT_CONFIG_MAP || o->kind == GIT_SHARED || o->kind == GIT_SECRET)
			set(a, node_get(root, "data"), "invalid", text(a, "eA=="));
		else if (node_get(root, "spec"))
			set(a, node_get(root, "spec"), "invalid", node_bool_new(a, true));
		else
			set(a, map_with(a, root, "spec"), "invalid", node_bool_new(a, true));
	}
	return root;
}

struct desired *git_render(const struct git_repo *repo, const struct git_commit *commit,
			   int (*scope)(void *ctx, struct str group, struct str kind), void *scope_ctx)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct render_output out = { .objects = arena_array(&a, struct render_object, commit->n + 1) };
	struct render_diag diag = { .severity = RENDER_ERROR,
				    .file = "broken.yaml",
				    .line = 3,
				    .column = 1,
				    .text = "did not find expected key" };
	size_t from = 0;
	if (commit->broken == GIT_PARSE_ERROR) {
		out.diags = &diag;
		out.n_diags = out.n_errors = 1;
		from = commit->n ? 1 : 0; /* the first object was in the file that does not parse */
	}
	for (size_t i = from; i < commit->n; i++) {
		const struct git_object *o = &commit->objects[i];
		struct node *root = git_object_node(&a, repo, o);
		out.objects[out.n++] = (struct render_object){
			.group = str_of(group_of(&a, repo->app, o->kind)),
			.version = str_of(KINDS[o->kind].version),
			.kind = str_of(KINDS[o->kind].kind),
			.namespace = node_text(node_at(root, "metadata.namespace")),
			.name = node_text(node_at(root, "metadata.name")),
			.file = arena_printf(&a, "app%d/%zu.yaml", repo->app, i),
			.line = 1,
			.root = root,
		};
	}
	struct prepare_options options = {
		.app_name = arena_printf(&a, "app%d", repo->app),
		.app_namespace = GIT_APP_NAMESPACE,
		.target_namespace = arena_printf(&a, "team%d", repo->app),
		.scope = scope,
		.scope_ctx = scope_ctx,
	};
	struct desired *desired = desired_new();
	cluster_prepare(&options, &out, desired);
	return desired;
}
