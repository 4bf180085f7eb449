/*
 * config_crd.c - field specs from `crds:` files (upstream: accumulator/loadconfigfromcrds.go). Such a file is
 * no CustomResourceDefinition but the OpenAPI definitions of Go types, by their names; properties carry
 * extensions that say which of them are labels, annotations, or names of other objects.
 */
#include "render/kustomize/args.h"

/* A definition refers to others by name, and nothing keeps these from going round in circles. */
#define DEPTH_MAX 64u
#define PROPERTIES_MAX 100000u

struct crd {
	const char *file;
	const struct node *definitions;
	struct str kind;
	struct kconfig found;
	struct buf path;
	size_t properties;
	struct error *err;
};

static const struct node *properties_of(const struct node *definition)
{
	return karg(karg(definition, "Schema"), "properties");
}

static struct str extension(const struct node *property, const char *name)
{
	return node_text(node_get(property, name));
}

static bool has_extension(const struct node *property, const char *name)
{
	return node_is_string(node_get(property, name));
}

static struct kfieldspec spec_here(struct kbuild *b, const struct crd *c)
{
	return (struct kfieldspec){ .kind = c->kind, .path = arena_str(b->a, buf_str(&c->path)) };
}

static int add_reference(struct kbuild *b, struct crd *c, const struct node *property)
{
	struct knameref ref = { .version = extension(property, "x-kubernetes-object-ref-api-version"),
				.kind = extension(property, "x-kubernetes-object-ref-kind") };
	struct str key = has_extension(property, "x-kubernetes-object-ref-name-key")
				 ? extension(property, "x-kubernetes-object-ref-name-key")
				 : STR("name");
	size_t n = c->path.n;
	buf_addc(&c->path, '/');
	buf_add_str(&c->path, key);
	struct kfieldspec spec = spec_here(b, c);
	c->path.n = n;
	struct kconfig one = { 0 };
	vec_push(&ref.referrers, spec);
	vec_push(&one.name_references, ref);
	int rc = kconfig_merge(b, &c->found, &one, c->err);
	kconfig_release(&one);
	return rc;
}

static int add_property(struct kbuild *b, struct crd *c, const struct node *property)
{
	struct kfieldspec spec = spec_here(b, c);
	if (has_extension(property, "x-kubernetes-annotation") &&
	    kfieldspecs_add(&c->found.common_annotations, &spec, c->err))
		return -1;
	if (has_extension(property, "x-kubernetes-label-selector") &&
	    kfieldspecs_add(&c->found.common_labels, &spec, c->err))
		return -1;
	if (has_extension(property, "x-kubernetes-identity") &&
	    kfieldspecs_add(&c->found.name_prefix, &spec, c->err))
		return -1;
	if (has_extension(property, "x-kubernetes-object-ref-api-version") &&
	    has_extension(property, "x-kubernetes-object-ref-kind"))
		return add_reference(b, c, property);
	return 0;
}

static int walk(struct kbuild *b, struct crd *c, const struct node *definition, unsigned depth)
{
	const struct node *properties = properties_of(definition);
	if (depth > DEPTH_MAX)
		return error_set(c->err,
				 "%s:%u: definitions refer to each other in a circle, or more than %u deep",
				 c->file, definition->line, DEPTH_MAX);
	for (size_t i = 0; properties && properties->type == NODE_MAP && i < properties->map.n; i++) {
		const struct node_pair *pair = &properties->map.pairs[i];
		size_t n = c->path.n;
		if (++c->properties > PROPERTIES_MAX)
			return error_set(c->err, "%s: more than %u properties in one type", c->file,
					 PROPERTIES_MAX);
		if (n)
			buf_addc(&c->path, '/');
		buf_add_str(&c->path, pair->key);
		if (add_property(b, c, pair->value))
			return -1;
		const struct node *next = node_get_str(c->definitions, extension(pair->value, "$ref"));
		if (next && walk(b, c, next, depth + 1))
			return -1;
		c->path.n = n;
	}
	return 0;
}

/* As far as upstream's decoder of schemas looks: each property is a schema, thus a map. */
static int check_properties(const struct crd *c, const struct node *definition)
{
	const struct node *properties = properties_of(definition);
	for (size_t i = 0; i < node_count(properties); i++) {
		const struct node *value =
			properties->type == NODE_MAP ? properties->map.pairs[i].value : properties;
		if (value->type != NODE_MAP && value->type != NODE_NULL)
			return error_set(c->err, "%s:%u: a property must be a map that describes it", c->file,
					 value->line);
	}
	return 0;
}

static bool looks_like_object(const struct node *definition)
{
	const struct node *properties = properties_of(definition);
	return node_get(properties, "kind") && node_get(properties, "apiVersion") &&
	       node_get(properties, "metadata");
}

/* "example.com/pkg/v1.Kind" -> "Kind" */
static struct str kind_of(struct str type)
{
	size_t from = 0;
	for (size_t dot = str_find(type, '.', 0); dot != SIZE_MAX; dot = str_find(type, '.', from))
		from = dot + 1;
	return str_from(type, from);
}

static int add_type(struct kbuild *b, struct kconfig *c, struct crd *crd, const struct node_pair *type)
{
	const struct node *definition = type->value;
	if (definition->type != NODE_MAP && definition->type != NODE_NULL)
		return error_set(
			crd->err,
			"%s:%u: `%.*s` must be an OpenAPI definition (a map with Schema); `crds` takes "
			"these, not CustomResourceDefinitions, which belong to `resources`",
			crd->file, type->key_line, STR_ARG(type->key));
	if (check_properties(crd, definition))
		return -1;
	if (!looks_like_object(definition))
		return 0;
	crd->kind = kind_of(type->key);
	crd->properties = 0;
	int rc = walk(b, crd, definition, 0);
	if (rc == 0)
		rc = kconfig_merge(b, c, &crd->found, crd->err);
	kconfig_release(&crd->found);
	crd->found = (struct kconfig){ 0 };
	return rc;
}

int kconfig_add_crd(struct kbuild *b, struct kconfig *c, const char *file, const struct node *definitions,
		    struct error *err)
{
	struct crd crd = { .file = file, .definitions = definitions, .err = err };
	int rc = 0;
	if (definitions && definitions->type != NODE_MAP && definitions->type != NODE_NULL)
		return error_set(err, "%s:%u: `crds` takes a map of OpenAPI definitions", file,
				 definitions->line);
	for (size_t i = 0; rc == 0 && definitions && definitions->type == NODE_MAP && i < definitions->map.n;
	     i++)
		rc = add_type(b, c, &crd, &definitions->map.pairs[i]);
	buf_release(&crd.path);
	return rc;
}
