/*
 * secret_objects.c - Secrets that are not encrypted, what their values hold once they are decoded, and
 * passwords in the environment of containers. Values never get into a finding.
 */
#include "check/objects.h"

#include "check/secrets.h"
#include "check/values.h"

#define KEYS_SHOWN 4u	/* keys of a Secret that a message names */
#define LINES_MAX 4096u /* lines of one value that are remembered */

/* SOPS: each value is ENC[...], and a block `sops` says with what. */
static bool is_encrypted(const struct node *root, const struct node *value)
{
	return node_get(root, "sops") && str_starts(node_text(value), STR("ENC["));
}

/* What a template engine fills in later is no secret. */
static bool is_template(struct str text)
{
	struct str t = str_trim(text);
	return t.n == 0 || (t.n > 2 && t.p[0] == '$' && (t.p[1] == '{' || t.p[1] == '(')) ||
	       str_starts(t, STR("{{")) || (str_starts(t, STR("<")) && str_ends(t, STR(">")));
}

/* --- values --- */

struct value {
	const struct subject *s;
	struct place place;
	const char *path;
};

static void found_in_value(void *ctx, const struct secret *secret)
{
	const struct value *v = ctx;
	/* A password in a Secret is what the Secret is for. */
	if (secret->rule == RULE_PASSWORD)
		return;
	find_secret(v->s, secret->rule, secret->severity, v->place, v->path, secret_identity(secret),
		    "holds %s", secret->what);
}

/* Lines whose secrets are told by the findings of their Secret (check.c). */
static void note_lines(const struct subject *s, const struct node *value)
{
	struct place place = place_of_node(s, value);
	struct str text = node_text(value);
	uint32_t last = place.line + 1;
	for (size_t i = 0; i < text.n && last < place.line + LINES_MAX; i++)
		last += text.p[i] == '\n';
	for (uint32_t line = place.line; line && line < last; line++) {
		cleanup_buf struct buf key = BUF_INIT;
		buf_printf(&key, "%s:%u", place.file, line);
		map_put(&s->c->secret_lines, buf_str(&key), s->c);
	}
}

static void scan_value(struct objects *o, const struct subject *s, const char *part, size_t i)
{
	const struct node *map = node_get(s->object->root, part);
	const struct node_pair *p = &map->map.pairs[i];
	struct value v = { s, place_of_pair(s, map, i), NULL };
	struct str text = node_text(p->value);
	bool encoded = strcmp(part, "data") == 0;
	if (text.n == 0)
		return;
	v.path = arena_printf(&o->a, "%s[\"%.*s\"]", part, STR_ARG(shown(p->key)));
	if (encoded) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct str decoded = value_decode(&a, text);
		if (decoded.n != SIZE_MAX)
			secrets_scan(decoded, found_in_value, &v);
	} else {
		secrets_scan(text, found_in_value, &v);
	}
	note_lines(s, p->value);
}

/* --- Secrets --- */

static size_t plain_values(struct objects *o, const struct subject *s, const char *part, struct buf *keys,
			   struct place *first)
{
	const struct node *root = s->object->root, *map = node_get(root, part);
	size_t n = 0;
	for (size_t i = 0; map && map->type == NODE_MAP && i < map->map.n; i++) {
		const struct node_pair *p = &map->map.pairs[i];
		if (is_encrypted(root, p->value) || is_template(node_text(p->value)))
			continue;
		if (n++ == 0 && !first->file)
			*first = place_of_pair(s, map, i);
		if (n <= KEYS_SHOWN)
			buf_printf(keys, "%s%.*s", keys->n ? ", " : "", STR_ARG(shown(p->key)));
		scan_value(o, s, part, i);
	}
	return n;
}

static void plain_secret(struct objects *o, const struct subject *s)
{
	cleanup_buf struct buf keys = BUF_INIT;
	struct place first = { 0 };
	size_t in_data = plain_values(o, s, "data", &keys, &first);
	size_t n = in_data + plain_values(o, s, "stringData", &keys, &first);
	/* A token that a controller fills in has no values yet. */
	if (n == 0)
		return;
	find_at(s, RULE_PLAINTEXT_SECRET, first, NULL, "%zu %s not encrypted: %.*s%s%s", n,
		n == 1 ? "value is" : "values are", STR_ARG(buf_str(&keys)), n > KEYS_SHOWN ? ", ..." : "",
		in_data ? " (base64 is no encryption)" : "");
}

/* --- containers --- */

static void container_env(struct objects *o, const struct pods *p, const struct node *container,
			  const char *path)
{
	const struct node *env = node_get(container, "env");
	for (size_t i = 0; env && env->type == NODE_SEQ && i < env->seq.n; i++) {
		const struct node *entry = env->seq.items[i], *value = node_get(entry, "value");
		struct str name = node_text(node_get(entry, "name")), text = node_text(value);
		if (!secret_is_named(name) || !secret_is_password(text))
			continue;
		find_secret(
			p->s, RULE_PASSWORD, check_rules[RULE_PASSWORD].severity, place_of_node(p->s, value),
			arena_printf(&o->a, "%s.env[%zu].value", path, i), name,
			"the value of %.*s looks like a password: keep it in a Secret and use secretKeyRef",
			STR_ARG(shown(name)));
	}
}

void secret_objects_check(struct objects *o)
{
	for (size_t i = 0; i < o->env->n; i++) {
		const struct render_object *object = o->subjects[i].object;
		if (str_is(object->kind, "Secret") && object->group.n == 0)
			plain_secret(o, &o->subjects[i]);
	}
	for (size_t i = 0; i < o->pods.n; i++) {
		const struct pods *p = &o->pods.at[i];
		for (size_t k = 0; k < CONTAINER_LISTS; k++) {
			const struct node *list = node_get(p->spec, container_lists[k]);
			for (size_t n = 0; list && list->type == NODE_SEQ && n < list->seq.n; n++)
				container_env(
					o, p, list->seq.items[n],
					arena_printf(&o->a, "%s.%s[%zu]", p->path, container_lists[k], n));
		}
	}
}
