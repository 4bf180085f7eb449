/*
 * select.c - selectors of resources. Patterns are those of Go (base/regex.h), wrapped as upstream wraps them;
 * one that is plain text, as most are, is compared as such.
 */
#include "render/kustomize/select.h"

#include "base/regex.h"
#include "render/kustomize/decode.h"
#include "render/kustomize/labels.h"

struct kpattern {
	struct str text;
	struct regex *regex; /* NULL: the text itself */
};

static int compile(struct kbuild *b, const struct kselector *s, const char *key, struct str text,
		   struct kpattern **out, struct error *err)
{
	*out = NULL;
	if (text.n == 0)
		return 0;
	struct kpattern *p = arena_new(b->a, struct kpattern);
	*out = p;
	p->text = text;
	if (regex_is_literal(text))
		return 0;
	struct str anchored = str_of(arena_printf(b->a, "^(?:%.*s)$", STR_ARG(text)));
	if (regex_compile(b->a, anchored, &p->regex, err))
		return error_wrap(err, "%s:%u: %s", s->file, s->line, key);
	return 0;
}

static bool fits(const struct kpattern *p, struct str text)
{
	if (!p)
		return true;
	return p->regex ? regex_match(p->regex, text) : str_eq(p->text, text);
}

static const struct kshape_field selector_fields[] = {
	{ "group", &kshape_string },
	{ "version", &kshape_string },
	{ "kind", &kshape_string },
	{ "name", &kshape_string },
	{ "namespace", &kshape_string },
	{ "labelSelector", &kshape_string },
	{ "annotationSelector", &kshape_string },
	{ NULL },
};
const struct kshape kselector_shape = { .kind = KSHAPE_STRUCT, .fields = selector_fields };

int kselector_read(struct kbuild *b, const struct node *map, const char *file, struct kselector *out,
		   struct error *err)
{
	struct kselector *s = out;
	*s = (struct kselector){ .file = file, .line = map->line };
	struct {
		const char *key;
		struct str *text;
		struct kpattern **pattern;
	} fields[] = {
		{ "group", &s->group, &s->match_group },
		{ "version", &s->version, &s->match_version },
		{ "kind", &s->kind, &s->match_kind },
		{ "name", &s->name, &s->match_name },
		{ "namespace", &s->namespace, &s->match_namespace },
		{ "labelSelector", &s->labels, NULL },
		{ "annotationSelector", &s->annotations, NULL },
	};
	struct node *read;
	if (kdecode_lenient(b, file, map, &kselector_shape, &read, err))
		return -1;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		*fields[i].text = node_text(node_get(read, fields[i].key));
		if (fields[i].pattern &&
		    compile(b, s, fields[i].key, *fields[i].text, fields[i].pattern, err))
			return -1;
	}
	return 0;
}

bool kselector_fits_kind(const struct kselector *s, struct str group, struct str version, struct str kind)
{
	return fits(s->match_group, group) && fits(s->match_version, version) && fits(s->match_kind, kind);
}

bool kselector_fits_name(const struct kselector *s, struct str name)
{
	return fits(s->match_name, name);
}

bool kselector_fits_namespace(const struct kselector *s, struct str namespace)
{
	return fits(s->match_namespace, namespace);
}

static int fits_map(struct kbuild *b, const struct kselector *s, const char *key, struct str text,
		    struct klabel_selector **compiled, const struct node *map, struct error *err)
{
	if (text.n == 0)
		return 0;
	if (!*compiled) {
		struct klabel_selector *selector;
		if (klabels_parse(b->a, text, &selector, err))
			return error_wrap(err, "%s:%u: %s: %.*s", s->file, s->line, key,
					  (int)(text.n > 200 ? 200 : text.n), text.p);
		*compiled = selector;
	}
	return klabels_fit(*compiled, map) ? 0 : 1;
}

int kselector_fits_labels(struct kbuild *b, struct kselector *s, const struct kres *r, struct error *err)
{
	int rc = fits_map(b, s, "labelSelector", s->labels, &s->match_labels, kres_labels(r), err);
	if (rc)
		return rc;
	return fits_map(b, s, "annotationSelector", s->annotations, &s->match_annotations,
			kres_annotations(r), err);
}

static bool fits_names(const struct kbuild *b, const struct kselector *s, const struct kres *r)
{
	struct kid id = kres_id(b, r);
	if (!kselector_fits_kind(s, id.group, id.version, id.kind))
		return false;
	if (fits(s->match_name, id.name) && fits(s->match_namespace, kid_effective_namespace(&id)))
		return true;
	/* The first name may fit together with the present namespace, and the other way round. */
	struct kid first = kres_original_id(b, r);
	return (fits(s->match_name, id.name) || fits(s->match_name, first.name)) &&
	       (fits(s->match_namespace, kid_effective_namespace(&id)) ||
		fits(s->match_namespace, kid_effective_namespace(&first)));
}

int kselect(struct kbuild *b, struct kselector *s, const struct kresmap *m, kres_list *out, struct error *err)
{
	for (size_t i = 0; i < m->list.n; i++) {
		struct kres *r = m->list.at[i];
		if (!fits_names(b, s, r))
			continue;
		int rc = kselector_fits_labels(b, s, r, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			vec_push(out, r);
	}
	return 0;
}
