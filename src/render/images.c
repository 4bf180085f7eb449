/*
 * images.c - see images.h. Every change of a text makes its trees anew; so places are looked for again after
 * each one, until all have what they should.
 */
#include "render/images.h"

#include "doc/json.h"

static bool in_containers(struct str key)
{
	return str_is(key, "containers") || str_is(key, "initContainers") ||
	       str_is(key, "ephemeralContainers");
}

bool image_change_is_for(const struct image_change *change, struct str name)
{
	if (str_eq(name, change->name))
		return true;
	if (!change->name.n || memchr(change->name.p, '/', change->name.n) || name.n <= change->name.n)
		return false;
	return str_ends(name, change->name) && name.p[name.n - change->name.n - 1] == '/';
}

int image_change_read(struct arena *a, struct str text, struct image_change *out, struct error *err)
{
	struct str image, name = str_cut(text, '=', &image);
	*out = (struct image_change){ .name = name, .text = image };
	if (!image.n && name.n == text.n)
		out->text = text;
	if (image_ref_read(out->text, &out->image, err) < 0)
		return -1;
	if (!image.n)
		out->name = out->image.name;
	struct image_ref plain;
	if (image_ref_read(out->name, &plain, err) < 0)
		return -1;
	if (plain.tag.n || plain.digest.n)
		return error_set(err, "%.*s: before the `=` stands a name without tag and digest",
				 STR_ARG(text));
	if (!out->image.tag.n && !out->image.digest.n)
		return error_set(err, "%.*s: there is neither a tag nor a digest in it", STR_ARG(text));
	return 0;
}

/* --- kustomization --- */

static bool entry_is_for(const struct image_change *change, const struct node *entry)
{
	struct str name = node_text(node_get(entry, "name"));
	return image_change_is_for(change, name) ||
	       image_change_is_for(change, node_text(node_get(entry, "newName")));
}

/* One entry of one list. */
struct entry {
	struct edit *e;
	struct str base; /* of the kustomization */
	size_t i;
	struct arena *a;
};

static const struct node *list_of(const struct edit *e, struct str base)
{
	struct node *k;
	return edit_find(e, 0, base, &k, NULL) == 0 ? node_get(k, "images") : NULL;
}

static struct str below(struct arena *a, struct str base, const char *name)
{
	return str_of(arena_printf(a, "%.*s%s%s", STR_ARG(base), base.n ? "." : "", name));
}

static const struct node *entry_node(const struct entry *entry)
{
	return node_item(list_of(entry->e, entry->base), entry->i);
}

/* A field of an entry is `text`, or not there when that is "". */
static int set_field(const struct entry *entry, const char *field, struct str text, struct error *err)
{
	struct arena *a = entry->a;
	const struct node *is = node_get(entry_node(entry), field);
	struct str path = below(a, entry->base, arena_printf(a, "images[%zu]", entry->i));
	if (!text.n)
		return is ? edit_remove(entry->e, 0, path, str_of(field), err) : 0;
	if (!is)
		return edit_add(entry->e, 0, path, str_of(field), node_string(a, text), err);
	if (node_is_string(is) && str_eq(is->text, text))
		return 0;
	return edit_replace_node(entry->e, is, node_string(a, text), 0, err);
}

static int set_entry(const struct entry *entry, const struct image_change *change, struct error *err)
{
	const struct image_ref *image = &change->image;
	const struct node *n = entry_node(entry);
	bool renamed = !str_eq(node_text(node_get(n, "name")), image->name) || node_get(n, "newName");
	if (renamed && set_field(entry, "newName", image->name, err) < 0)
		return -1;
	/* What is new comes before what goes, so that an entry always has more than one field. */
	bool digest_first = image->digest.n > 0;
	if (digest_first && set_field(entry, "digest", image->digest, err) < 0)
		return -1;
	if (set_field(entry, "newTag", image->tag, err) < 0)
		return -1;
	return digest_first ? 0 : set_field(entry, "digest", STR(""), err);
}

static struct node *new_entry(struct arena *a, const struct image_change *change, struct str name)
{
	struct node *entry = node_map(a);
	node_set(a, entry, STR("name"), node_string(a, name));
	if (!str_eq(name, change->image.name))
		node_set(a, entry, STR("newName"), node_string(a, change->image.name));
	if (change->image.tag.n)
		node_set(a, entry, STR("newTag"), node_string(a, change->image.tag));
	if (change->image.digest.n)
		node_set(a, entry, STR("digest"), node_string(a, change->image.digest));
	return entry;
}

int images_in_kustomization(struct edit *e, struct str path, const struct image_change *change, struct str as,
			    struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	size_t found = 0, n = node_count(list_of(e, path));
	for (size_t i = 0; i < n; i++) {
		struct entry entry = { e, path, i, &a };
		if (!entry_is_for(change, entry_node(&entry)))
			continue;
		found++;
		if (set_entry(&entry, change, err) < 0)
			return -1;
	}
	if (found)
		return 0;
	if (!as.n)
		return 1;
	struct node *entry = new_entry(&a, change, as), *list = node_seq(&a);
	node_push(&a, list, entry);
	if (list_of(e, path))
		return edit_append(e, 0, below(&a, path, "images"), entry, err);
	return edit_add(e, 0, path, STR("images"), list, err);
}

/* --- setter comments --- */

enum part { PART_ALL, PART_NAME, PART_TAG, PART_DIGEST };

struct setter {
	struct str policy; /* "ns:name"; p NULL: there is none */
	enum part part;
};

/* {"$imagepolicy": "ns:name:part"} */
static struct setter setter_of(const struct edit *e, struct arena *a, const struct node *scalar)
{
	struct setter s = { 0 };
	struct str comment = edit_comment(e, scalar), rest, part;
	struct node *json;
	if (!str_starts(comment, STR("{")) || json_parse(a, comment, false, &json, NULL) != 0)
		return s;
	struct str text = node_text(node_get(json, "$imagepolicy"));
	size_t colon = str_find(text, ':', 0);
	if (colon == SIZE_MAX)
		return s;
	str_cut(str_from(text, colon + 1), ':', &rest);
	part = rest;
	s.policy = part.n ? (struct str){ text.p, text.n - part.n - 1 } : text;
	s.part = str_is(part, "name")	  ? PART_NAME
		 : str_is(part, "tag")	  ? PART_TAG
		 : str_is(part, "digest") ? PART_DIGEST
					  : PART_ALL;
	return s;
}

typedef int scalar_fn(void *ctx, const struct node *scalar);

/* Every value that is no collection; a positive answer of fn ends it. */
static int each_scalar(const struct node *n, scalar_fn *fn, void *ctx)
{
	int rc = 0;
	if (n->type != NODE_MAP && n->type != NODE_SEQ)
		return fn(ctx, n);
	for (size_t i = 0; i < node_count(n) && rc == 0; i++)
		rc = each_scalar(n->type == NODE_MAP ? n->map.pairs[i].value : n->seq.items[i], fn, ctx);
	return rc;
}

static int each_in_all(const struct edit *e, scalar_fn *fn, void *ctx)
{
	int rc = 0;
	for (size_t i = 0; i < edit_documents(e) && rc == 0; i++)
		rc = each_scalar(edit_root(e, i), fn, ctx);
	return rc;
}

struct setting {
	struct edit *e;
	struct arena *a;
	const struct image_change *change;
	struct image_policies *policies;
	const struct image_policies *known;
	struct error *err;
	/* What is to be changed next. */
	const struct node *at;
	struct str text;
	size_t seen;
};

static bool has_policy(const struct image_policies *p, struct str policy)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->at[i], policy))
			return true;
	return false;
}

static int note_policy(void *ctx, const struct node *scalar)
{
	struct setting *s = ctx;
	struct setter setter = setter_of(s->e, s->a, scalar);
	struct str name;
	if (!setter.policy.p)
		return 0;
	str_cut(setter.policy, ':', &name);
	bool is_for = str_eq(name, s->change->name) || str_eq(setter.policy, s->change->name) ||
		      ((setter.part == PART_ALL || setter.part == PART_NAME) &&
		       image_change_is_for(s->change, image_ref_split(node_text(scalar)).name));
	if (!is_for || has_policy(s->policies, setter.policy))
		return 0;
	if (s->policies->n == IMAGES_POLICIES_MAX)
		return error_set(s->err, "%.*s: more than %u policies stand for it (IMAGES_POLICIES_MAX)",
				 STR_ARG(s->change->name), IMAGES_POLICIES_MAX);
	s->policies->at[s->policies->n++] = arena_str(s->a, setter.policy);
	return 0;
}

static int note_digests(void *ctx, const struct node *scalar)
{
	struct setting *s = ctx;
	struct setter setter = setter_of(s->e, s->a, scalar);
	if (setter.policy.p && setter.part == PART_DIGEST && has_policy(s->policies, setter.policy))
		s->policies->digests = true;
	return 0;
}

int images_find_policies(const struct edit *e, struct arena *a, const struct image_change *change,
			 struct image_policies *out, struct error *err)
{
	struct setting s = { .e = (struct edit *)e, .a = a, .change = change, .policies = out, .err = err };
	if (each_in_all(e, note_policy, &s) < 0)
		return -1;
	return each_in_all(e, note_digests, &s) < 0 ? -1 : 0;
}

void images_note_digests(const struct edit *e, struct arena *a, struct image_policies *policies)
{
	struct setting s = { .e = (struct edit *)e, .a = a, .policies = policies };
	each_in_all(e, note_digests, &s);
}

/* What a setter's value is to be; false: the image has no such part. */
static bool setter_text(struct setting *s, enum part part, struct str *out)
{
	const struct image_ref *image = &s->change->image;
	switch (part) {
	case PART_ALL:
		*out = s->change->text;
		return true;
	case PART_NAME:
		*out = image->name;
		return true;
	case PART_DIGEST:
		*out = image->digest;
		return image->digest.n > 0;
	case PART_TAG:
		*out = image->tag;
		/* As Flux writes it where only the tag can take the digest. */
		if (image->tag.n && image->digest.n && !s->known->digests)
			*out = str_of(
				arena_printf(s->a, "%.*s@%.*s", STR_ARG(image->tag), STR_ARG(image->digest)));
		return image->tag.n > 0;
	}
	return false;
}

static int next_setter(void *ctx, const struct node *scalar)
{
	struct setting *s = ctx;
	struct setter setter = setter_of(s->e, s->a, scalar);
	struct str text;
	if (!setter.policy.p || !has_policy(s->known, setter.policy))
		return 0;
	s->seen++;
	if (!setter_text(s, setter.part, &text))
		return error_set(s->err,
				 "line %u: the setter comment wants a %s, and %.*s has none; give the image "
				 "with one",
				 scalar->line, setter.part == PART_TAG ? "tag" : "digest",
				 STR_ARG(s->change->text));
	if (node_is_string(scalar) && str_eq(node_text(scalar), text))
		return 0;
	s->at = scalar;
	s->text = text;
	return 1;
}

static int change_all(struct setting *s, scalar_fn *next, size_t *n, struct error *err)
{
	int rc = 1;
	for (unsigned i = 0; rc > 0; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		s->seen = 0;
		rc = each_in_all(s->e, next, s);
		if (rc <= 0)
			break;
		if (i == IMAGES_CHANGES_MAX)
			return error_set(err, "more than %u places to change (IMAGES_CHANGES_MAX)",
					 IMAGES_CHANGES_MAX);
		if (edit_replace_node(s->e, s->at, node_string(&a, s->text), 0, err) < 0)
			return -1;
	}
	*n += s->seen;
	return rc;
}

int images_at_setters(struct edit *e, struct arena *a, const struct image_change *change,
		      const struct image_policies *policies, size_t *n, struct error *err)
{
	struct setting s = { .e = e, .a = a, .change = change, .known = policies, .err = err };
	return policies->n ? change_all(&s, next_setter, n, err) : 0;
}

/* --- manifests --- */

void images_of(const struct node *root, void (*found)(void *ctx, const struct node *image), void *ctx)
{
	for (size_t i = 0; i < node_count(root); i++) {
		if (root->type == NODE_SEQ) {
			images_of(root->seq.items[i], found, ctx);
			continue;
		}
		const struct node_pair *pair = &root->map.pairs[i];
		bool holds = in_containers(pair->key) && pair->value->type == NODE_SEQ;
		for (size_t k = 0; holds && k < node_count(pair->value); k++) {
			const struct node *image = node_get(node_item(pair->value, k), "image");
			if (image)
				found(ctx, image);
		}
		images_of(pair->value, found, ctx);
	}
}

static void note_image(void *ctx, const struct node *image)
{
	struct setting *s = ctx;
	if (!image_change_is_for(s->change, image_ref_split(node_text(image)).name))
		return;
	s->seen++;
	if (!s->at && !str_eq(node_text(image), s->change->text))
		s->at = image;
}

int images_in_manifest(struct edit *e, const struct image_change *change, size_t *n, struct error *err)
{
	struct setting s = { .e = e, .change = change };
	cleanup_arena struct arena a = ARENA_INIT;
	for (unsigned turn = 0;; turn++) {
		s.seen = 0;
		s.at = NULL;
		for (size_t i = 0; i < edit_documents(e); i++)
			images_of(edit_root(e, i), note_image, &s);
		if (!s.at)
			break;
		if (turn == IMAGES_CHANGES_MAX)
			return error_set(err, "more than %u places to change (IMAGES_CHANGES_MAX)",
					 IMAGES_CHANGES_MAX);
		if (edit_replace_node(e, s.at, node_string(&a, change->text), 0, err) < 0)
			return -1;
		/* An image that is called otherwise from now on is no longer seen. */
		*n += !image_change_is_for(change, change->image.name);
	}
	*n += s.seen;
	return 0;
}
