/*
 * replacement.c - ReplacementTransformer: a field of one resource is written into fields of others (upstream:
 * api/filters/replacement). Resources are known by the identity they have, and by every earlier one.
 */
#include "render/kustomize/replacement.h"

#include "render/kustomize/field_transformers.h"
#include "render/kustomize/gvk.h"

struct replacing {
	const struct ktransform_call *call;
	const struct kreplacement *r;
	struct kwriter w;
	struct node *value;
	struct error *err;
};

/* The i-th identity: the present one, then the earlier ones; not looked up whether cluster-scoped. */
static struct kid id_of(const struct kbuild *b, const struct kres *r, size_t i)
{
	if (i)
		return kres_previous_id(b, r, i - 1);
	struct kgvk gvk = kgvk_of_node(r->root);
	return (struct kid){ .group = gvk.group,
			     .version = gvk.version,
			     .kind = gvk.kind,
			     .name = kres_name(r),
			     .namespace = kres_namespace(r) };
}

/* --- the source --- */

static bool is_source(const struct kbuild *b, const struct kreplace_source *s, const struct kres *r)
{
	struct kgvk selector = { s->group, s->version, s->kind };
	struct kid wanted = { .namespace = s->namespace };
	for (size_t i = 0; i <= r->previous.n; i++) {
		struct kid id = id_of(b, r, i);
		struct kgvk gvk = kgvk_of_id(&id);
		if ((s->name.n == 0 || str_eq(s->name, id.name)) && kgvk_selected(&gvk, &selector) &&
		    (s->namespace.n == 0 ||
		     str_eq(kid_effective_namespace(&wanted), kid_effective_namespace(&id))))
			return true;
	}
	return false;
}

static const char *source_text(const struct kbuild *b, const struct kreplace_source *s)
{
	struct kid id = { .group = s->group,
			  .version = s->version,
			  .kind = s->kind,
			  .name = s->name,
			  .namespace = s->namespace };
	return kid_text(b->a, &id);
}

static int find_source(const struct replacing *k, struct kres **out)
{
	const struct kbuild *b = k->call->build;
	const struct kreplace_source *s = k->r->source;
	*out = NULL;
	for (size_t i = 0; i < k->call->resources->list.n; i++) {
		struct kres *r = k->call->resources->list.at[i];
		if (!is_source(b, s, r))
			continue;
		if (*out)
			return error_set(
				k->err,
				"%s:%u: multiple matches for the source %s: %s:%u and %s:%u; say more "
				"of it (name, namespace, group)",
				k->r->file, s->line, source_text(b, s), (*out)->file, (*out)->line, r->file,
				r->line);
		*out = r;
	}
	if (*out)
		return 0;
	return error_set(k->err, "%s:%u: nothing selected by the source %s", k->r->file, s->line,
			 source_text(b, s));
}

/* The i-th part of text between delimiters; false: there are not so many. */
static bool cut_part(struct str text, struct str delimiter, int64_t index, struct str *out)
{
	size_t from = 0;
	for (int64_t i = 0;; i++) {
		const char *end = from <= text.n
					  ? memmem(text.p + from, text.n - from, delimiter.p, delimiter.n)
					  : NULL;
		size_t stop = end ? (size_t)(end - text.p) : text.n;
		if (i == index) {
			*out = (struct str){ text.p + from, stop - from };
			return true;
		}
		if (!end)
			return false;
		from = stop + delimiter.n;
	}
}

/* The value is the source itself, not a copy: a target that is the source, or a part of it, changes what
 * later targets get. As upstream; size and depth are looked at with each write. */
static int refine(struct replacing *k, struct node *found)
{
	const struct kreplace_source *s = k->r->source;
	struct str part;
	k->value = found;
	if (s->options.delimiter.n == 0)
		return 0;
	k->value = node_copy(k->call->build->a, found);
	if (!kvalue_is_scalar(found))
		return error_set(k->err, "%s:%u: a delimiter can only cut single values, not maps or lists",
				 k->r->file, s->line);
	struct str text = kvalue_missing(found) ? (struct str){ "", 0 } : found->text;
	if (s->options.index < 0 || !cut_part(text, s->options.delimiter, s->options.index, &part))
		return error_set(k->err, "%s:%u: options.index %lld is out of bounds for value `%.*s`",
				 k->r->file, s->line, (long long)s->options.index, STR_ARG(text));
	kwrite_text(&k->w, k->value, part);
	return 0;
}

static bool is_empty(const struct node *n)
{
	return kvalue_missing(n) || ((n->type == NODE_MAP || n->type == NODE_SEQ) && node_count(n) == 0);
}

static int read_source(struct replacing *k)
{
	struct kbuild *b = k->call->build;
	const struct kreplace_source *s = k->r->source;
	struct str text = s->field_path.n ? s->field_path : STR("metadata.name");
	struct kpath path;
	struct kres *r;
	struct node *found;
	if (find_source(k, &r))
		return -1;
	if (kpath_split_smart(b->a, text, '.', &path, k->err) || kpath_lookup(r->root, &path, &found, k->err))
		return error_wrap(k->err, "%s:%u: fieldPath `%.*s` of the source", k->r->file, s->line,
				  STR_ARG(text));
	if (is_empty(found))
		return error_set(k->err, "%s:%u: fieldPath `%.*s` is missing in the source %s (%s:%u)",
				 k->r->file, s->line, STR_ARG(text), source_text(b, s), r->file, r->line);
	k->w.file = origin_file_of(b->origins, found, r->file);
	k->w.line = found->line;
	k->w.column = found->column;
	return refine(k, found);
}

static int read_value(struct replacing *k)
{
	if ((!k->r->source && !k->r->value) || !k->r->targeted)
		return error_set(k->err, "%s:%u: a replacement must have a source and at least one target",
				 k->r->file, k->r->line);
	if (k->r->source && k->r->value)
		return error_set(k->err,
				 "%s:%u: a replacement has either a source or a sourceValue, not both",
				 k->r->file, k->r->line);
	if (k->r->source)
		return read_source(k);
	k->w.file = k->r->file;
	k->w.line = k->r->value->line;
	k->w.column = k->r->value->column;
	k->value = kvalue_new(&k->w, NODE_STRING);
	kwrite_scalar(&k->w, k->value, k->r->value->text);
	return 0;
}

/* --- a target --- */

/* Labels and annotations, of the selector and of those that reject. 0: they let it through; 1: they do not.
 */
static int fits_labels(struct replacing *k, struct kreplace_target *t, const struct kres *r)
{
	int rc = kselector_fits_labels(k->call->build, &t->select, r, k->err);
	for (size_t i = 0; rc == 0 && i < t->reject.n; i++) {
		struct kselector *reject = &t->reject.at[i];
		if (reject->labels.n == 0 && reject->annotations.n == 0)
			continue;
		rc = kselector_fits_labels(k->call->build, reject, r, k->err);
		rc = rc < 0 ? -1 : !rc;
	}
	return rc;
}

static bool fits_id(const struct kselector *s, const struct kid *id)
{
	return kselector_fits_kind(s, id->group, id->version, id->kind) && kselector_fits_name(s, id->name) &&
	       kselector_fits_namespace(s, id->namespace);
}

static bool names_nothing(const struct kselector *s)
{
	return s->group.n + s->version.n + s->kind.n + s->name.n + s->namespace.n == 0;
}

static bool fits_ids(const struct kbuild *b, const struct kselector *s, const struct kres *r)
{
	for (size_t i = 0; i <= r->previous.n; i++) {
		struct kid id = id_of(b, r, i);
		if (fits_id(s, &id))
			return true;
	}
	return false;
}

/* 0: r is a target; 1: it is none. */
static int is_target(struct replacing *k, struct kreplace_target *t, const struct kres *r)
{
	const struct kbuild *b = k->call->build;
	int rc = fits_labels(k, t, r);
	for (size_t i = 0; rc == 0 && i < t->reject.n; i++)
		rc = !names_nothing(&t->reject.at[i]) && fits_ids(b, &t->reject.at[i], r);
	return rc ? rc : !fits_ids(b, &t->select, r);
}

/* --- writing --- */

/* The text of the target with the value put between its delimiters. */
static struct str put_part(struct arena *a, struct str text, const struct kreplace_options *o,
			   struct str value)
{
	struct str part;
	struct buf out = BUF_INIT;
	if (o->index < 0) {
		buf_add_str(&out, value);
		buf_add_str(&out, o->delimiter);
		buf_add_str(&out, text);
	} else if (cut_part(text, o->delimiter, o->index, &part)) {
		buf_add(&out, text.p, (size_t)(part.p - text.p));
		buf_add_str(&out, value);
		buf_add(&out, part.p + part.n, (size_t)(text.p + text.n - part.p) - part.n);
	} else {
		buf_add_str(&out, text);
		buf_add_str(&out, o->delimiter);
		buf_add_str(&out, value);
	}
	struct str copy = arena_str(a, buf_str(&out));
	buf_release(&out);
	return copy;
}

/* Nodes of n, counted no further than to the limit and one. */
static size_t count_nodes(const struct node *n, size_t so_far)
{
	so_far++;
	for (size_t i = 0; i < node_count(n) && so_far <= KREPLACE_NODES_MAX; i++)
		so_far = count_nodes(n->type == NODE_MAP ? n->map.pairs[i].value : n->seq.items[i], so_far);
	return so_far;
}

/* Whether n can take the value without growing out of all proportion. */
static int check_growth(const struct replacing *k, const struct kreplace_target *t, const struct node *n)
{
	if (!kvalue_is_scalar(k->value))
		return count_nodes(k->value, 0) <= KREPLACE_NODES_MAX
			       ? 0
			       : error_set(
					 k->err,
					 "the value has grown over %u fields and elements (KREPLACE_NODES_MAX)",
					 KREPLACE_NODES_MAX);
	size_t before = kvalue_is_scalar(n) && t->options.delimiter.n ? kvalue_text(n).n : 0;
	if (before + t->options.delimiter.n + kvalue_text(k->value).n > KREPLACE_TEXT_MAX)
		return error_set(k->err, "the text would be over %u MiB (KREPLACE_TEXT_MAX)",
				 KREPLACE_TEXT_MAX >> 20);
	return 0;
}

static int write_field(struct replacing *k, const struct kreplace_target *t, struct node *n)
{
	struct arena *a = k->call->build->a;
	bool scalar = kvalue_is_scalar(n);
	if (check_growth(k, t, n))
		return -1;
	if (t->options.delimiter.n) {
		if (!scalar)
			return error_set(k->err, "a delimiter can only cut single values, not maps or lists");
		struct str value = kvalue_missing(k->value) ? (struct str){ "", 0 } : kvalue_text(k->value);
		kwrite_text(&k->w, n, put_part(a, kvalue_text(n), &t->options, value));
	} else if (scalar) {
		/* The target keeps its type: a port that was a number stays one. */
		kwrite_text(&k->w, n, kvalue_text(k->value));
	} else {
		kwrite_node(&k->w, n, node_copy(a, k->value));
	}
	return kbuild_check_memory(k->call->build, k->err);
}

static enum node_type kind_of(const struct node *n)
{
	return n->type == NODE_MAP || n->type == NODE_SEQ ? n->type : NODE_STRING;
}

static int write_path(struct replacing *k, const struct kreplace_target *t, struct kres *r, struct str text)
{
	struct arena *a = k->call->build->a;
	struct kmatch how = { a, t->options.create ? &k->w : NULL, kind_of(k->value) };
	struct kpath path;
	knode_list found = { 0 };
	if (kpath_split_smart(a, text, '.', &path, k->err))
		return -1;
	if (path.n + node_depth(k->value) > NODE_DEPTH_MAX)
		return error_set(k->err, "the field would be more than %d levels deep", NODE_DEPTH_MAX);
	if (kreplace_in_text(&k->w, r->file, r->root, &path, k->value, t->options.create) == 0)
		return 0;
	int rc = kpath_match(&how, r->root, &path, &found, k->err);
	if (rc == 0 && found.n == 0)
		rc = error_set(k->err, "the field is not there%s",
			       t->options.create ? "" : "; with `options: {create: true}` it is made");
	for (size_t i = 0; rc == 0 && i < found.n; i++)
		rc = write_field(k, t, found.at[i]);
	vec_release(&found);
	return rc;
}

static int write_target(struct replacing *k, struct kreplace_target *t, struct kres *r)
{
	int rc = is_target(k, t, r);
	if (rc < 0)
		return error_wrap(k->err, "%s:%u", k->r->file, t->line);
	for (size_t i = 0; rc == 0 && i < t->field_paths.n; i++)
		if (write_path(k, t, r, t->field_paths.at[i]))
			return error_wrap(k->err, "%s:%u: field `%.*s` of %.*s %.*s (%s:%u)", k->r->file,
					  t->line, STR_ARG(t->field_paths.at[i]), STR_ARG(kres_kind(r)),
					  STR_ARG(kres_name(r)), r->file, r->line);
	return 0;
}

static int replace(struct replacing *k)
{
	if (read_value(k))
		return -1;
	for (size_t i = 0; i < k->r->targets.n; i++) {
		struct kreplace_target *t = &k->r->targets.at[i];
		if (!t->selects)
			return error_set(k->err, "%s:%u: a target must say which resources it selects",
					 k->r->file, t->line);
		for (size_t n = 0; n < k->call->resources->list.n; n++)
			if (write_target(k, t, k->call->resources->list.at[n]))
				return -1;
	}
	return 0;
}

int ktransform_replacements(const struct ktransform_call *call, struct error *err)
{
	kreplacements list = { 0 };
	int rc = kreplacements_read(call, &list, err);
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		struct replacing k = { .call = call, .r = &list.at[i], .err = err };
		k.w = (struct kwriter){ .build = call->build, .step = call->step };
		rc = replace(&k);
	}
	kreplacements_release(&list);
	kresmap_touch(call->resources);
	return rc;
}
