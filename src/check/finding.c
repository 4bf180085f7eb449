/* finding.c - places in files, and findings as they are collected; see parts.h. */
#include "check/parts.h"

#define SHOWN_MAX 80u /* bytes of a name or value in a message */

/* --- places --- */

static const char *file_of(const struct subject *s, const struct node *n)
{
	const char *own = s->object ? s->object->file : "";
	return origin_file_of(s->env ? s->env->origins : NULL, n, own ? own : "");
}

struct place place_of_node(const struct subject *s, const struct node *n)
{
	if (n && n->line)
		return (struct place){ file_of(s, n), n->line, n->column };
	/* Made by a transformer: the object is where it can be found. */
	const struct node *root = s->object ? s->object->root : NULL;
	return (struct place){ file_of(s, n ? n : root), s->object ? s->object->line : 0, 0 };
}

/*
 * Keys have no column of their own: in a block all of them begin where the map begins; else the value, which
 * mostly stands `key: ` behind, tells.
 */
static uint32_t key_column(const struct node *map, size_t i)
{
	const struct node_pair *pair = &map->map.pairs[i], *first = &map->map.pairs[0];
	const struct node *value = pair->value;
	uint32_t before = (uint32_t)pair->key.n + 2;
	uint32_t guess = value->line == pair->key_line && value->column > before ? value->column - before : 0;
	if (map->origin != value->origin)
		return guess;
	if (first->key_line != map->line) /* `{` and a line end, as in JSON: keys have quotes */
		return guess > 2 ? guess - 2 : 0;
	return i > 0 && pair->key_line == map->line ? guess : map->column;
}

struct place place_of_pair(const struct subject *s, const struct node *map, size_t pair)
{
	const struct node_pair *p = &map->map.pairs[pair];
	if (!p->key_line)
		return place_of_node(s, p->value->line ? p->value : map);
	return (struct place){ file_of(s, p->value->origin ? p->value : map), p->key_line,
			       key_column(map, pair) };
}

struct place place_of_key(const struct subject *s, const struct node *map, const char *name)
{
	for (size_t i = 0; map && map->type == NODE_MAP && i < map->map.n; i++)
		if (str_is(map->map.pairs[i].key, name))
			return place_of_pair(s, map, i);
	return place_of_node(s, map);
}

/* --- subjects --- */

struct str subject_namespace(const struct subject *s)
{
	const struct render_object *o = s->object;
	const struct schema_kind *kind = schemas_find(&s->c->schemas, o->group, o->version, o->kind);
	if (kind && !kind->namespaced)
		return STR("");
	if (o->namespace.n)
		return o->namespace;
	return str_of(s->env && s->env->namespace ? s->env->namespace : "default");
}

const char *subject_label(const struct subject *s)
{
	const struct render_object *o = s->object;
	if (!o)
		return s->label;
	return arena_printf(&s->c->a, "%.*s %.*s%s%.*s", STR_ARG(o->kind), STR_ARG(o->namespace),
			    o->namespace.n ? "/" : "", STR_ARG(o->name));
}

struct str subject_annotation(const struct subject *s, const char *name)
{
	const struct node *metadata = s->object ? node_get(s->object->root, "metadata") : NULL;
	return node_text(node_get(node_get(metadata, "annotations"), name));
}

struct str shown(struct str text)
{
	if (text.n <= SHOWN_MAX)
		return text;
	text.n = SHOWN_MAX;
	while (text.n && ((unsigned char)text.p[text.n] & 0xc0) == 0x80)
		text.n--;
	return text;
}

bool rule_is_on(const struct check *c, enum check_rule rule)
{
	return c->severities[rule] != CHECK_OFF;
}

/* --- findings --- */

/* Names come from files: a message stays one line and harmless on a terminal. */
static char *one_line(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	return text;
}

static void set_fingerprint(const struct subject *s, struct check_finding *f, struct str identity)
{
	char hex[HASH_HEX_LEN + 1];
	const struct render_object *o = s->object;
	struct str what = o ? o->kind : str_of(f->file);
	struct str parts[] = { str_of(check_rules[f->rule].id),
			       what,
			       o ? o->namespace : STR(""),
			       o ? o->name : STR(""),
			       identity.p ? identity : str_of(f->path),
			       identity.p ? STR("")
			       : o	  ? STR("")
					  : str_of(f->text) };
	hash_hex(hash_parts(parts, sizeof(parts) / sizeof(parts[0])), hex);
	memcpy(f->fingerprint, hex, sizeof(f->fingerprint) - 1);
	f->fingerprint[sizeof(f->fingerprint) - 1] = '\0';
}

static void add_environment(struct found *found, const struct subject *s)
{
	const char *name = s->env && s->env->name ? s->env->name : "";
	size_t n = found->environments.n;
	/* Environments come one after the other: only the newest can be the same. */
	if (name[0] && (n == 0 || strcmp(found->environments.at[n - 1], name) != 0))
		vec_push(&found->environments, arena_strdup(&s->c->a, name));
}

/* One line of a base is one finding, however many environments it is in. */
static struct found *same_found(struct check *c, const struct check_finding *f, struct buf *key)
{
	buf_printf(key, "%d\n%s\n%u\n%u\n%s\n", (int)f->rule, f->file, f->line, f->column,
		   f->path ? f->path : "");
	buf_adds(key, f->text);
	if (!f->line && f->object)
		buf_adds(key, f->object);
	return map_get(&c->seen, buf_str(key));
}

static void keep(const struct subject *s, struct check_finding *f)
{
	struct check *c = s->c;
	cleanup_buf struct buf key = BUF_INIT;
	struct found *found = same_found(c, f, &key);
	if (!found && c->found.n >= CHECK_FINDINGS_MAX) {
		c->dropped++;
		c->dropped_by[f->severity]++;
		return;
	}
	if (!found) {
		f->allowed = allow_reason(c, s, f);
		found = arena_new(&c->a, struct found);
		found->f = *f;
		vec_push(&c->found, found);
		map_put(&c->seen, buf_str(&key), found);
	}
	add_environment(found, s);
}

struct making {
	enum check_rule rule;
	enum check_severity severity;
	struct place place;
	const char *path;
	struct str identity;
};

static void make(const struct subject *s, const struct making *m, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void make(const struct subject *s, const struct making *m, const char *fmt, va_list ap)
{
	struct arena *a = &s->c->a;
	enum check_severity chosen = s->c->severities[m->rule];
	bool own = chosen == check_rules[m->rule].severity; /* nobody chose another */
	struct check_finding f = {
		.rule = m->rule,
		.severity = own ? m->severity : chosen,
		.file = arena_strdup(a, m->place.file ? m->place.file : ""),
		.line = m->place.line,
		.column = m->place.column,
		.object = subject_label(s),
		.path = m->path && m->path[0] ? one_line(arena_strdup(a, m->path)) : NULL,
	};
	if (f.severity == CHECK_OFF)
		return;
	f.text = one_line(arena_vprintf(a, fmt, ap));
	set_fingerprint(s, &f, m->identity);
	keep(s, &f);
}

void find_at(const struct subject *s, enum check_rule rule, struct place place, const char *path,
	     const char *fmt, ...)
{
	struct making m = { rule, check_rules[rule].severity, place, path, { NULL, 0 } };
	va_list ap;
	va_start(ap, fmt);
	make(s, &m, fmt, ap);
	va_end(ap);
}

void find_with(const struct subject *s, enum check_rule rule, enum check_severity severity,
	       struct place place, const char *path, const char *fmt, ...)
{
	struct making m = { rule, severity, place, path, { NULL, 0 } };
	va_list ap;
	va_start(ap, fmt);
	make(s, &m, fmt, ap);
	va_end(ap);
}

void find_secret(const struct subject *s, enum check_rule rule, enum check_severity severity,
		 struct place place, const char *path, struct str identity, const char *fmt, ...)
{
	struct making m = { rule, severity, place, path, identity };
	va_list ap;
	va_start(ap, fmt);
	make(s, &m, fmt, ap);
	va_end(ap);
}
