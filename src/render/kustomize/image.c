/*
 * image.c - ImageTagTransformer: new names, tags and digests of container images. Containers are found
 * wherever lists are called so, and then by field specs; a suffix of a tag is so added twice to an image that
 * both ways lead to, as upstream does.
 */
#include "render/kustomize/image.h"

#include "base/regex.h"
#include "render/kustomize/args.h"
#include "render/kustomize/field_transformers.h"
#include "render/kustomize/fieldspec.h"

struct kimage kimage_split(struct str text)
{
	/* A colon before the first slash belongs to the host. */
	size_t slash = str_find(text, '/', 0), from = slash == SIZE_MAX ? 0 : slash;
	size_t at = str_find(text, '@', from), colon = str_find(text, ':', from);
	struct kimage out = { .name = text };
	if (at != SIZE_MAX) {
		out.name.n = at;
		out.digest = str_from(text, at + 1);
	}
	if (colon != SIZE_MAX && (at == SIZE_MAX || colon < at)) {
		out.tag = str_from(out.name, colon + 1);
		out.name.n = colon;
	}
	return out;
}

struct image_rule {
	struct kwriter w;
	struct str name, new_name, tag_suffix, new_tag, digest;
	struct regex *pattern; /* NULL: the name is no pattern; nothing matches */
};

static struct str image_text(const struct image_rule *rule, const struct kimage *old)
{
	struct kimage image = *old;
	if (rule->new_name.n)
		image.name = rule->new_name;
	struct buf text = BUF_INIT;
	buf_add_str(&text, image.name);
	if (rule->new_tag.n || rule->digest.n) {
		image.tag = rule->new_tag;
		image.digest = rule->digest;
	} else if (rule->tag_suffix.n) {
		image.digest.n = 0;
		image.tag = kvalue_join(rule->w.build->a, image.tag, rule->tag_suffix);
	}
	if (image.tag.n)
		buf_printf(&text, ":%.*s", STR_ARG(image.tag));
	if (image.digest.n)
		buf_printf(&text, "@%.*s", STR_ARG(image.digest));
	struct str copy = arena_str(rule->w.build->a, buf_str(&text));
	buf_release(&text);
	return copy;
}

static int set_image(void *ctx, struct node *n, struct error *err)
{
	const struct image_rule *rule = ctx;
	if (kvalue_expect(n, NODE_STRING, err))
		return error_wrap(err, "image");
	struct str text = kvalue_text(n);
	if (!rule->pattern || !regex_match(rule->pattern, text))
		return 0;
	struct kimage old = kimage_split(text);
	kwrite_scalar(&rule->w, n, image_text(rule, &old));
	return 0;
}

static int in_containers(const struct image_rule *rule, const struct node *list, struct error *err)
{
	if (list->type != NODE_SEQ)
		return 0;
	for (size_t i = 0; i < list->seq.n; i++) {
		struct node *image;
		if (kvalue_field(list->seq.items[i], STR("image"), &image, err))
			return error_wrap(err, "%zu", i);
		if (image && set_image((void *)rule, image, err))
			return error_wrap(err, "%zu", i);
	}
	return 0;
}

static bool holds_containers(struct str key)
{
	return str_is(key, "containers") || str_is(key, "initContainers");
}

static int walk(const struct image_rule *rule, const struct node *n, struct error *err)
{
	if (n->type == NODE_SEQ) {
		for (size_t i = 0; i < n->seq.n; i++)
			if (walk(rule, n->seq.items[i], err))
				return -1;
		return 0;
	}
	for (size_t i = 0; n->type == NODE_MAP && i < n->map.n; i++) {
		const struct node_pair *pair = &n->map.pairs[i];
		const struct node *value = pair->value;
		if ((value->type == NODE_MAP || value->type == NODE_SEQ) && walk(rule, value, err))
			return -1;
		if (holds_containers(pair->key) && in_containers(rule, value, err))
			return error_wrap(err, "%.*s", STR_ARG(pair->key));
	}
	return 0;
}

static int in_resource(struct image_rule *rule, const kfields *fields, struct kres *r, struct error *err)
{
	struct kfield_walk by_spec = { &rule->w, KFIELD_NEVER, set_image, rule };
	struct kgvk gvk = kgvk_of_node(r->root);
	if (str_is(gvk.kind, "CustomResourceDefinition"))
		return 0;
	if (!fields)
		return walk(rule, r->root, err);
	for (size_t i = 0; i < fields->n; i++)
		if (kfield_apply(&by_spec, &fields->at[i], &gvk, r->root, err))
			return -1;
	return 0;
}

/* fields NULL: wherever containers are. */
static int in_all(const struct ktransform_call *call, struct image_rule *rule, const kfields *fields,
		  struct error *err)
{
	for (size_t i = 0; i < call->resources->list.n; i++) {
		struct kres *r = call->resources->list.at[i];
		if (in_resource(rule, fields, r, err))
			return error_wrap(err, "%s:%u: %.*s %.*s", r->file, r->line, STR_ARG(kres_kind(r)),
					  STR_ARG(kres_name(r)));
	}
	return 0;
}

/* The part of the rule that people look for when they see the result. */
static const struct node *place_of(const struct node *image)
{
	static const char *const keys[] = { "newTag", "digest", "tagSuffix", "newName", "name" };
	const struct node *found = NULL;
	for (size_t i = 0; !found && i < sizeof(keys) / sizeof(keys[0]); i++)
		found = karg(image, keys[i]);
	return found;
}

static int read_rule(const struct ktransform_call *call, struct image_rule *out, struct error *err)
{
	const struct node *image;
	const char *file = call->config_file;
	if (karg_map(file, call->config, "imageTag", &image, err) ||
	    karg_string(file, image, "name", &out->name, err) ||
	    karg_string(file, image, "newName", &out->new_name, err) ||
	    karg_string(file, image, "newTag", &out->new_tag, err) ||
	    karg_string(file, image, "tagSuffix", &out->tag_suffix, err) ||
	    karg_string(file, image, "digest", &out->digest, err))
		return -1;
	out->w = kwriter_of(call, place_of(image));
	/* The name is a pattern upstream, too. One that is none matches nothing, as upstream's tests have it;
	 * the program v5.8.1 panics at the first image that it compares with it. */
	const char *pattern =
		arena_printf(call->build->a, "^%.*s(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$",
			     STR_ARG(out->name));
	if (regex_compile(call->build->a, str_of(pattern), &out->pattern, NULL))
		out->pattern = NULL;
	return 0;
}

int ktransform_image(const struct ktransform_call *call, struct error *err)
{
	struct image_rule rule = { 0 };
	const struct node *list;
	kfieldspecs specs = { 0 };
	kfields fields = { 0 };
	if (read_rule(call, &rule, err) ||
	    karg_list(call->config_file, call->config, "fieldSpecs", &list, err))
		return -1;
	int rc = karg_fieldspecs(call->config_file, list, false, &specs, err);
	if (rc == 0)
		rc = kfields_ready(call->build->a, &specs, &fields, err);
	if (rc == 0)
		rc = in_all(call, &rule, NULL, err);
	if (rc == 0)
		rc = in_all(call, &rule, &fields, err);
	vec_release(&specs);
	vec_release(&fields);
	return rc;
}
