/* allow.c - findings that somebody has looked at and let be, with the reason; see check_allow_text(). */
#include "check/parts.h"

#include "doc/yaml.h"

/* --- reading --- */

static int bad(const char *file, const struct node *n, struct error *err, const char *text)
{
	return error_set(err, "%s:%u: %s", file, n ? n->line : 0, text);
}

static int read_key(struct check *c, const char *file, const struct node_pair *p, struct allow *to,
		    struct error *err)
{
	if (!node_is_string(p->value) || p->value->text.n == 0)
		return error_set(err, "%s:%u: %.*s must be a text", file, p->key_line,
				 STR_ARG(shown(p->key)));
	struct str value = arena_str(&c->a, p->value->text);
	if (str_is(p->key, "path"))
		to->path = value;
	else if (str_is(p->key, "object"))
		to->object = value;
	else if (str_is(p->key, "fingerprint"))
		to->fingerprint = value;
	else if (str_is(p->key, "reason"))
		to->reason = value.p;
	else if (str_is(p->key, "rule"))
		to->rule = check_rule_find(value);
	else
		return error_set(
			err,
			"%s:%u: `%.*s` is not known; an entry has rule, path, object, fingerprint, reason",
			file, p->key_line, STR_ARG(shown(p->key)));
	if (str_is(p->key, "rule") && to->rule == RULE_COUNT)
		return error_set(err, "%s:%u: there is no rule `%.*s`", file, p->key_line,
				 STR_ARG(shown(value)));
	return 0;
}

static int read_entry(struct check *c, const char *file, const struct node *n, struct error *err)
{
	struct allow entry = { .rule = RULE_COUNT, .file = file, .line = n->line };
	if (n->type != NODE_MAP)
		return bad(file, n, err,
			   "an entry is a map with rule, reason and path, object or fingerprint");
	for (size_t i = 0; i < n->map.n; i++)
		if (read_key(c, file, &n->map.pairs[i], &entry, err) != 0)
			return -1;
	if (entry.rule == RULE_COUNT)
		return bad(file, n, err, "the entry names no rule");
	if (!entry.reason)
		return bad(file, n, err, "the entry gives no reason: say why it is allowed");
	if (!entry.path.n && !entry.object.n && !entry.fingerprint.n)
		return bad(
			file, n, err,
			"the entry needs a path, an object or a fingerprint; to do without a rule, turn it off");
	if (c->allows.n >= CHECK_ALLOWS_MAX)
		return bad(file, n, err, "too many entries (CHECK_ALLOWS_MAX)");
	vec_push(&c->allows, entry);
	return 0;
}

static struct str copy(struct check *c, const char *text)
{
	return text ? arena_str(&c->a, str_of(text)) : (struct str){ "", 0 };
}

int check_allow_secret(struct check *c, const struct check_allowance *from, struct error *err)
{
	if (c->allows.n >= CHECK_ALLOWS_MAX)
		return error_set(err, "%s:%u: too many entries (CHECK_ALLOWS_MAX)", from->file, from->line);
	struct allow entry = {
		.secrets = true,
		.path = copy(c, from->path),
		.object = copy(c, from->object),
		.fingerprint = copy(c, from->fingerprint),
		.reason = copy(c, from->reason).p,
		.file = copy(c, from->file).p,
		.line = from->line,
	};
	vec_push(&c->allows, entry);
	return 0;
}

static int add_list(struct check *c, const char *file, const struct node *list, struct error *err)
{
	file = arena_strdup(&c->a, file);
	if (list && list->type == NODE_MAP && node_get(list, "allow"))
		list = node_get(list, "allow");
	if (!list || list->type != NODE_SEQ)
		return bad(file, list, err,
			   "an allow-list is a list of entries, or a map that has it as `allow`");
	for (size_t i = 0; i < node_count(list); i++)
		if (read_entry(c, file, node_item(list, i), err) != 0)
			return -1;
	return 0;
}

int check_allow_text(struct check *c, const char *file, struct str text, struct error *err)
{
	struct yaml_stream stream;
	if (yaml_parse(&c->a, text, &stream, err) != 0)
		return error_wrap(err, "%s", file);
	for (size_t i = 0; i < stream.n; i++)
		if (add_list(c, file, stream.documents[i].root, err) != 0)
			return -1;
	return 0;
}

/* --- asking --- */

static bool matches(const struct allow *entry, const struct check_finding *f, struct str object)
{
	struct str print = entry->fingerprint;
	if (print.n && (print.n < 8 || !str_starts(str_of(f->fingerprint), print)))
		return false;
	if (entry->path.n && !glob_match(entry->path, str_of(f->file)))
		return false;
	return !entry->object.n || (object.n && glob_match(entry->object, object));
}

/* "Secret/shop/db", or "Secret/db" when it names no namespace. */
static void object_name(struct buf *out, const struct render_object *o)
{
	if (!o)
		return;
	buf_printf(out, "%.*s/%.*s%s%.*s", STR_ARG(o->kind), STR_ARG(o->namespace), o->namespace.n ? "/" : "",
		   STR_ARG(o->name));
}

/* The reason in a line "RULE: REASON" of the object's own annotation. */
static const char *own_reason(struct check *c, const struct subject *s, const struct check_finding *f)
{
	struct str lines = subject_annotation(s, CHECK_ALLOW);
	while (lines.n) {
		struct str line = str_cut(lines, '\n', &lines), reason;
		struct str rule = str_trim(str_cut(line, ':', &reason));
		reason = str_trim(reason);
		if (reason.n && str_is(rule, check_rules[f->rule].id))
			return arena_strndup(&c->a, reason.p, reason.n);
	}
	return NULL;
}

const char *allow_reason(struct check *c, const struct subject *s, const struct check_finding *f)
{
	const char *reason = s->object ? own_reason(c, s, f) : NULL;
	cleanup_buf struct buf object = BUF_INIT;
	object_name(&object, s->object);
	for (size_t i = 0; i < c->allows.n; i++) {
		struct allow *entry = &c->allows.at[i];
		bool same = entry->secrets ? check_rule_is_secret(f->rule) : entry->rule == f->rule;
		if (!same || !matches(entry, f, buf_str(&object)))
			continue;
		entry->used = true;
		reason = reason ? reason : entry->reason;
	}
	return reason;
}

void allow_unused(struct check *c)
{
	struct subject s = { .c = c };
	for (size_t i = 0; i < c->allows.n; i++) {
		const struct allow *entry = &c->allows.at[i];
		if (!entry->used)
			find_at(&s, RULE_UNUSED_ALLOW, (struct place){ entry->file, entry->line, 0 }, NULL,
				"the entry for %s matches nothing",
				entry->secrets ? "secrets in plain text" : check_rules[entry->rule].id);
	}
}
