/*
 * internals.c - upstream's notes about a resource are annotations of it until the end of a build. Here they
 * are fields; but patches that look at annotations, or wipe them, meet the notes too.
 */
#include "doc/yaml.h"
#include "render/kustomize/patch.h"

#define DOMAIN "internal.config.kubernetes.io/"

static void show(struct kbuild *b, struct node *annotations, const char *key, struct str text)
{
	if (text.n)
		node_set(b->a, annotations, str_of(key), node_string(b->a, text));
}

static void add_part(struct buf *csv, struct str part)
{
	if (part.n && csv->n)
		buf_addc(csv, ',');
	buf_add_str(csv, part);
}

static void show_csv(struct kbuild *b, struct node *annotations, const char *key, struct buf *csv)
{
	show(b, annotations, key, arena_str(b->a, buf_str(csv)));
	buf_release(csv);
}

static void show_previous(struct kbuild *b, const struct kres *r, struct node *annotations)
{
	struct buf kinds = BUF_INIT, names = BUF_INIT, namespaces = BUF_INIT;
	for (size_t i = 0; i < r->previous.n; i++) {
		add_part(&kinds, r->previous.at[i].kind);
		add_part(&names, r->previous.at[i].name);
		add_part(&namespaces, r->previous.at[i].namespace);
	}
	show_csv(b, annotations, DOMAIN "previousKinds", &kinds);
	show_csv(b, annotations, DOMAIN "previousNames", &names);
	show_csv(b, annotations, DOMAIN "previousNamespaces", &namespaces);
}

static void show_affixes(struct kbuild *b, const struct kres *r, struct node *annotations)
{
	struct buf prefixes = BUF_INIT, suffixes = BUF_INIT;
	for (size_t i = 0; i < r->prefixes.n; i++)
		add_part(&prefixes, r->prefixes.at[i]);
	for (size_t i = 0; i < r->suffixes.n; i++)
		add_part(&suffixes, r->suffixes.at[i]);
	show_csv(b, annotations, DOMAIN "prefixes", &prefixes);
	show_csv(b, annotations, DOMAIN "suffixes", &suffixes);
}

bool kinternals_any(const struct kres *r)
{
	return r->previous.n || r->prefixes.n || r->suffixes.n || r->needs_hash || r->generated ||
	       r->allow_name_change || r->allow_kind_change;
}

void kinternals_show(struct kbuild *b, struct kres *r)
{
	struct str enabled = STR("enabled"), none = { "", 0 };
	if (!kinternals_any(r))
		return;
	struct node *annotations =
		kres_map_at(b, kres_map_at(b, r->root, STR("metadata")), STR("annotations"));
	show_previous(b, r, annotations);
	show_affixes(b, r, annotations);
	show(b, annotations, DOMAIN "generatorBehavior",
	     r->generated ? str_of(kbehavior_name(r->behavior)) : none);
	show(b, annotations, DOMAIN "needsHashSuffix", r->needs_hash ? enabled : none);
	show(b, annotations, DOMAIN "allowNameChange", r->allow_name_change ? enabled : none);
	show(b, annotations, DOMAIN "allowKindChange", r->allow_kind_change ? enabled : none);
}

void kinternals_hide(struct kres *r)
{
	static const char *const names[] = {
		"previousKinds",     "previousNames",	"previousNamespaces", "prefixes",	 "suffixes",
		"generatorBehavior", "needsHashSuffix", "allowNameChange",    "allowKindChange",
	};
	struct node *annotations = kres_annotations(r);
	for (size_t i = 0; annotations && i < sizeof(names) / sizeof(*names); i++) {
		char key[64] = DOMAIN;
		strcat(key, names[i]);
		node_del(annotations, str_of(key));
	}
}

void kinternals_forget(struct kres *r)
{
	r->previous.n = r->prefixes.n = r->suffixes.n = 0;
	r->behavior = KBEHAVIOR_UNSET;
	r->generated = r->needs_hash = r->allow_name_change = r->allow_kind_change = false;
}

void kinternals_texts(struct kbuild *b, struct node *metadata, struct str field)
{
	struct node *map = node_get_str(metadata, field);
	if (!map)
		return;
	if (map->type != NODE_MAP || map->map.n == 0) {
		node_del(metadata, field);
		return;
	}
	for (uint32_t i = 0; i < map->map.n; i++) {
		/* New ones: an annotation that a template shared is the object's alone from here on. */
		struct node *n = arena_new(b->a, struct node);
		*n = *map->map.pairs[i].value;
		map->map.pairs[i].value = n;
		if (n->type == NODE_MAP || n->type == NODE_SEQ)
			n->text = (struct str){ "", 0 };
		n->type = NODE_STRING;
		n->untagged = false;
		n->style = str_find(n->text, '\n', 0) != SIZE_MAX ? NODE_LITERAL
			   : yaml_was_special(n->text)		  ? NODE_DOUBLE_QUOTED
								  : NODE_PLAIN;
	}
}

/* --- reading them --- */

static struct str note(const struct kres *r, const char *key)
{
	return knode_text(node_get(kres_annotations(r), key));
}

static size_t csv_parts(struct str csv)
{
	size_t n = csv.n > 0;
	for (size_t i = 0; i < csv.n; i++)
		n += csv.p[i] == ',';
	return n;
}

static int read_previous(struct kres *r, struct error *err)
{
	struct str names = note(r, DOMAIN "previousNames"), kinds = note(r, DOMAIN "previousKinds");
	struct str namespaces = note(r, DOMAIN "previousNamespaces");
	size_t n = csv_parts(names);
	if (n != csv_parts(kinds) || n != csv_parts(namespaces))
		return error_set(err, "%s:%u: annotations %sprevious... do not list equally many", r->file,
				 r->line, DOMAIN);
	while (n--) {
		struct kprevious p = { .kind = str_cut(kinds, ',', &kinds),
				       .name = str_cut(names, ',', &names) };
		p.namespace = str_cut(namespaces, ',', &namespaces);
		vec_push(&r->previous, p);
	}
	return 0;
}

static bool has_notes(const struct node *annotations)
{
	for (size_t i = 0; i < node_count(annotations); i++)
		if (str_starts(annotations->map.pairs[i].key, STR(DOMAIN)))
			return true;
	return false;
}

int kinternals_read(struct kbuild *b, struct kres *r, struct error *err)
{
	(void)b;
	if (!has_notes(kres_annotations(r)))
		return 0;
	struct str prefixes = note(r, DOMAIN "prefixes"), suffixes = note(r, DOMAIN "suffixes");
	struct str behavior = note(r, DOMAIN "generatorBehavior");
	if (read_previous(r, err))
		return -1;
	while (prefixes.n)
		vec_push(&r->prefixes, str_cut(prefixes, ',', &prefixes));
	while (suffixes.n)
		vec_push(&r->suffixes, str_cut(suffixes, ',', &suffixes));
	r->behavior = kbehavior_read(behavior);
	r->generated = behavior.n > 0;
	r->needs_hash = str_is(note(r, DOMAIN "needsHashSuffix"), "enabled");
	r->allow_name_change = str_is(note(r, DOMAIN "allowNameChange"), "enabled");
	r->allow_kind_change = str_is(note(r, DOMAIN "allowKindChange"), "enabled");
	kinternals_hide(r);
	return 0;
}
