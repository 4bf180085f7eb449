/* annotate.c - see annotate.h. */
#include "render/kustomize/annotate.h"

#include "doc/yaml.h"
#include "render/kustomize/patch.h"
#include "render/kustomize/repospec.h"

/* --- places --- */

/* Go's filepath.Join: cleaned, ".." kept only in front. */
static const char *join(struct arena *a, const char *dir, const char *path)
{
	cleanup_buf struct buf out = BUF_INIT;
	const char *sources[] = { dir, path };
	for (size_t i = 0; i < 2; i++) {
		struct str rest = str_of(sources[i]);
		while (rest.n) {
			struct str part = str_cut(rest, '/', &rest);
			if (part.n == 0 || str_is(part, "."))
				continue;
			bool up = str_is(part, "..");
			bool climbs = out.n == 0 || (out.n == 2 && strncmp(out.p, "..", 2) == 0) ||
				      (out.n > 2 && strncmp(out.p + out.n - 3, "/..", 3) == 0);
			if (up && !climbs) {
				while (out.n && out.p[out.n - 1] != '/')
					out.n--;
				out.n -= out.n > 0;
				continue;
			}
			buf_printf(&out, "%s%.*s", out.n ? "/" : "", STR_ARG(part));
		}
	}
	return arena_strndup(a, out.p, out.n);
}

struct korigin korigin_append(struct kbuild *b, const struct korigin *at, const char *path)
{
	struct repospec spec;
	struct korigin next = *at;
	if (repospec_parse(b->a, path, &spec)) {
		/* Upstream has the root of a clone called so before it is made, and shows it. */
		next = (struct korigin){ .path = "", .repo = spec.url, .ref = spec.ref };
		path = *spec.path ? spec.path : "notCloned";
	}
	next.path = join(b->a, next.path, path);
	return next;
}

/* --- texts --- */

static void add_scalar(struct arena *a, struct buf *out, const char *indent, const char *key,
		       const char *value)
{
	if (!value || !*value)
		return;
	buf_printf(out, "%s%s: ", indent, key);
	yaml_write(out, node_string(a, str_of(value)));
}

static void add_place(struct arena *a, struct buf *out, const struct korigin *origin, const char *indent)
{
	add_scalar(a, out, indent, "repo", origin->repo);
	add_scalar(a, out, indent, "ref", origin->ref);
}

struct str korigin_text(struct kbuild *b, const struct korigin *origin)
{
	cleanup_buf struct buf out = BUF_INIT;
	add_scalar(b->a, &out, "", "path", origin->path);
	add_place(b->a, &out, origin, "");
	return arena_str(b->a, out.n ? buf_str(&out) : STR("{}\n"));
}

static void add_config(struct arena *a, struct buf *out, const struct korigin_config *c, const char *indent)
{
	const char *deeper = *indent ? "    " : "  ";
	add_place(a, out, &c->in, indent);
	add_scalar(a, out, indent, "configuredIn", c->in.path);
	buf_printf(out, "%sconfiguredBy:\n", indent);
	add_scalar(a, out, deeper, "apiVersion", c->api_version);
	add_scalar(a, out, deeper, "kind", c->kind);
	add_scalar(a, out, deeper, "name", c->name);
	add_scalar(a, out, deeper, "namespace", c->namespace);
}

static struct str config_text(struct kbuild *b, const struct korigin_config *c)
{
	cleanup_buf struct buf out = BUF_INIT;
	add_config(b->a, &out, c, "");
	return arena_str(b->a, buf_str(&out));
}

/* As one item of a list. */
static struct str config_item(struct kbuild *b, const struct korigin_config *c)
{
	cleanup_buf struct buf out = BUF_INIT;
	add_config(b->a, &out, c, "  ");
	out.p[0] = '-';
	return arena_str(b->a, buf_str(&out));
}

/* --- resources --- */

static struct node *annotation(const struct kres *r, const char *key)
{
	return node_get(kres_annotations(r), key);
}

/* Upstream writes all annotations anew then, as texts; not so where a file is read. */
static void annotate(struct kbuild *b, struct kres *r, struct str key, struct str text)
{
	kres_set_annotation(b, r, key, text);
	kinternals_texts(b, node_get(r->root, "metadata"), STR("annotations"));
}

void annotate_origin(struct kbuild *b, struct kres *r, struct str text)
{
	kres_set_annotation(b, r, STR(ANNOTATE_ORIGIN), text);
}

void annotate_generated(struct kbuild *b, struct kres *r, const struct korigin_config *config)
{
	if (!annotation(r, ANNOTATE_ORIGIN))
		annotate(b, r, STR(ANNOTATE_ORIGIN), config_text(b, config));
}

/* Whether text begins as what this file writes there: into the entry of a list, with a dash. */
static bool is_own_text(struct str text, enum node_type type)
{
	static const char *const begins[] = { "path: ", "repo: ", "ref: ", "configuredIn: " };
	if (type == NODE_SEQ && !str_starts(text, STR("- ")))
		return false;
	struct str rest = str_from(text, type == NODE_SEQ ? 2 : 0);
	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (str_starts(rest, str_of(begins[i])))
			return true;
	return false;
}

/* What a resource has noted there; upstream reads it before it adds to it, and a text of somebody else fails.
 */
static int read_note(struct kbuild *b, const struct kres *r, const char *key, enum node_type type,
		     struct str *out, struct error *err)
{
	struct yaml_stream stream;
	const struct node *note = annotation(r, key);
	*out = knode_text(note);
	if (!note || is_own_text(*out, type))
		return 0;
	bool read = yaml_parse(b->a, *out, &stream, NULL) == 0;
	const struct node *root = read && stream.n ? stream.documents[0].root : NULL;
	*out = (struct str){ "", 0 };
	if (read && (!root || (root->type == type && (type == NODE_MAP || node_count(root) == 0))))
		return 0;
	return error_set(
		err,
		"%s:%u: the annotation %s is written by buildMetadata, and this text is not its own: "
		"remove it",
		origin_file_of(b->origins, note, r->file), note->line, key);
}

int annotate_transformed(struct kbuild *b, struct kresmap *m, const struct korigin_config *config,
			 struct error *err)
{
	struct str origin = config_text(b, config), item = config_item(b, config);
	for (size_t i = 0; i < m->list.n; i++) {
		struct kres *r = m->list.at[i];
		if (r->gone || kres_is_empty(r))
			continue;
		if (!annotation(r, ANNOTATE_ORIGIN)) {
			annotate(b, r, STR(ANNOTATE_ORIGIN), origin);
			continue;
		}
		struct str before, both = item;
		if (read_note(b, r, ANNOTATE_ORIGIN, NODE_MAP, &before, err) ||
		    read_note(b, r, ANNOTATE_TRANSFORMATIONS, NODE_SEQ, &before, err))
			return -1;
		if (before.n)
			both = str_of(arena_printf(b->a, "%.*s%.*s", STR_ARG(before), STR_ARG(item)));
		annotate(b, r, STR(ANNOTATE_TRANSFORMATIONS), both);
	}
	return 0;
}

static const char *text_at(struct arena *a, const struct node *map, const char *key)
{
	struct str s = knode_text(node_get(map, key));
	return arena_strndup(a, s.p, s.n);
}

bool annotate_plugin(struct kbuild *b, const struct kres *r, struct korigin_config *out)
{
	struct yaml_stream stream;
	struct node *text = annotation(r, ANNOTATE_ORIGIN);
	if (!text || yaml_parse(b->a, knode_text(text), &stream, NULL) || stream.n == 0)
		return false;
	const struct node *origin = stream.documents[0].root, *metadata = node_get(r->root, "metadata");
	*out = (struct korigin_config){
		.in = { .path = text_at(b->a, origin, "path"),
			.repo = text_at(b->a, origin, "repo"),
			.ref = text_at(b->a, origin, "ref") },
		.api_version = text_at(b->a, r->root, "apiVersion"),
		.kind = text_at(b->a, r->root, "kind"),
		.name = text_at(b->a, metadata, "name"),
		.namespace = text_at(b->a, metadata, "namespace"),
	};
	return true;
}

/* --- the end --- */

/* What upstream keeps in annotations while it builds, and drops from its output whoever wrote it. */
static bool is_internal(struct str key)
{
	static const char *const internal[] = {
		"previousKinds",
		"previousNames",
		"prefixes",
		"suffixes",
		"previousNamespaces",
		"allowNameChange",
		"allowKindChange",
		"refBy",
		"generatorBehavior",
		"needsHashSuffix",
		"path",
		"index",
		"seqindent",
		"id",
		"helm-generated",
		"annotations-migration-resource-id",
	};
	static const char *const legacy[] = { "config.kubernetes.io/path", "config.kubernetes.io/index",
					      "config.k8s.io/id" };
	for (size_t i = 0; i < sizeof(legacy) / sizeof(*legacy); i++)
		if (str_is(key, legacy[i]))
			return true;
	if (!str_starts(key, STR("internal.config.kubernetes.io/")))
		return false;
	key = str_from(key, strlen("internal.config.kubernetes.io/"));
	for (size_t i = 0; i < sizeof(internal) / sizeof(*internal); i++)
		if (str_is(key, internal[i]))
			return true;
	return false;
}

static bool is_kept(struct str key, bool origins, bool transformations)
{
	if (str_is(key, ANNOTATE_ORIGIN))
		return origins;
	if (str_is(key, ANNOTATE_TRANSFORMATIONS))
		return transformations;
	return !is_internal(key);
}

static void finish(struct kbuild *b, struct kres *r, bool origins, bool transformations)
{
	struct node *metadata = node_get(r->root, "metadata");
	struct node *map = node_get(metadata, "annotations");
	uint32_t n = 0;
	/* Whoever takes annotations out makes the metadata that they would be in. */
	if ((!metadata || metadata->type == NODE_NULL) && !(origins && transformations)) {
		metadata = node_map(b->a);
		metadata->line = r->root->line;
		metadata->origin = r->root->origin;
		node_set(b->a, r->root, STR("metadata"), metadata);
	}
	if (!map)
		return;
	for (size_t i = 0; map->type == NODE_MAP && i < map->map.n; i++) {
		struct node_pair *pair = &map->map.pairs[i];
		if (!is_kept(pair->key, origins, transformations))
			continue;
		map->map.pairs[n] = *pair;
		map->map.pairs[n].value = kres_text_value(b, pair->value);
		n++;
	}
	if (map->type == NODE_MAP)
		map->map.n = n;
	if (n == 0)
		node_del(metadata, STR("annotations"));
}

void annotate_finish(struct kbuild *b, struct kresmap *m, bool keep_origins, bool keep_transformations)
{
	for (size_t i = 0; i < m->list.n; i++)
		finish(b, m->list.at[i], keep_origins, keep_transformations);
}
