/* value.c - see value.h. */
#include "render/kustomize/value.h"

#include "doc/yaml.h"

struct kwriter kwriter_of(const struct ktransform_call *call, const struct node *place)
{
	if (!place || place->line == 0)
		place = call->config;
	return (struct kwriter){ call->build, call->config_file, call->step, place->line, place->column };
}

bool kvalue_missing(const struct node *n)
{
	return !n || (n->type == NODE_NULL && !n->untagged);
}

bool kvalue_is_scalar(const struct node *n)
{
	return n && n->type != NODE_MAP && n->type != NODE_SEQ;
}

bool kvalue_is_string(const struct node *n)
{
	if (!kvalue_is_scalar(n))
		return false;
	return n->untagged || (n->type == NODE_STRING && n->style != NODE_TIMESTAMP);
}

struct str kvalue_text(const struct node *n)
{
	return kvalue_is_scalar(n) && n->text.p ? n->text : (struct str){ "", 0 };
}

static const char *kind_name(const struct node *n)
{
	return n->type == NODE_MAP ? "a map" : n->type == NODE_SEQ ? "a list" : "a single value";
}

int kvalue_expect(const struct node *n, enum node_type kind, struct error *err)
{
	if (kvalue_missing(n))
		return 0;
	if (kind == NODE_STRING ? kvalue_is_scalar(n) : n->type == kind)
		return 0;
	return error_set(err, "%s stands where %s is needed", kind_name(n),
			 kind_name(&(struct node){ .type = kind }));
}

/* Whether n is as this step left it already: made, and now filled, or reached in two ways. */
static bool is_own(const struct kwriter *w, const struct node *n)
{
	const struct origin *o = origin_get(w->build->origins, n->origin);
	return o && o->step && o->step == w->step && o->file == w->file && n->line == w->line &&
	       n->column == w->column;
}

static void place(const struct kwriter *w, struct node *n)
{
	if (is_own(w, n))
		return;
	n->origin = origin_step(w->build->origins, w->file, w->step, n);
	n->line = w->line;
	n->column = w->column;
}

/* How n was quoted, if it was a scalar. */
static enum node_style style_of(const struct node *n)
{
	return kvalue_is_scalar(n) && n->style != NODE_TIMESTAMP ? n->style : NODE_PLAIN;
}

static void read_anew(struct arena *a, struct node *n, struct str text)
{
	enum node_style style = style_of(n);
	if (style == NODE_PLAIN) {
		const struct node *read = yaml_kyaml_scalar(a, text);
		n->type = read->type;
		n->boolean = read->boolean;
		style = read->style;
	} else {
		n->type = NODE_STRING;
	}
	n->style = style;
	n->untagged = true;
	n->text = text;
}

void kwrite_scalar(const struct kwriter *w, struct node *n, struct str text)
{
	place(w, n);
	read_anew(w->build->a, n, text);
}

void kwrite_string(const struct kwriter *w, struct node *n, struct str text)
{
	place(w, n);
	n->style = style_of(n);
	n->type = NODE_STRING;
	n->untagged = false;
	n->text = text;
}

void kwrite_int(const struct kwriter *w, struct node *n, struct str text)
{
	place(w, n);
	n->style = style_of(n);
	/* With quotes, too: these make it a text when it is printed, but a text that is no number is refused.
	 */
	n->type = NODE_INT;
	n->untagged = false;
	n->text = text;
}

void kwrite_text(const struct kwriter *w, struct node *n, struct str text)
{
	place(w, n);
	if (n->untagged)
		read_anew(w->build->a, n, text);
	else
		n->text = text;
}

void kwrite_node(const struct kwriter *w, struct node *n, const struct node *value)
{
	struct node before = *n;
	*n = *value;
	n->origin = origin_step(w->build->origins, w->file, w->step, &before);
	n->line = w->line;
	n->column = w->column;
}

struct node *kvalue_new(const struct kwriter *w, enum node_type kind)
{
	struct node *n = arena_new(w->build->a, struct node);
	n->type = kind;
	n->line = w->line;
	n->column = w->column;
	n->origin = origin_step(w->build->origins, w->file, w->step, NULL);
	if (kind == NODE_STRING)
		read_anew(w->build->a, n, (struct str){ "", 0 });
	return n;
}

struct node *kvalue_string(const struct kwriter *w, struct str text)
{
	struct node *n = kvalue_new(w, NODE_NULL);
	n->type = NODE_STRING;
	n->text = text;
	return n;
}

int kvalue_field(const struct node *n, struct str name, struct node **out, struct error *err)
{
	*out = NULL;
	if (kvalue_expect(n, NODE_MAP, err))
		return -1;
	*out = node_get_str(n, name);
	return 0;
}

int kwrite_entry(const struct kwriter *w, struct node *map, struct str name, struct node *value,
		 struct error *err)
{
	struct node *there;
	if (kvalue_field(map, name, &there, err))
		return -1;
	if (there) {
		enum node_style style = style_of(there);
		kwrite_node(w, there, value);
		there->style = style;
		return 0;
	}
	/* Upstream puts the entry into a null, too, where nobody will ever see it. */
	return map->type == NODE_MAP ? kvalue_append(w, map, name, value, err) : 0;
}

int kvalue_append(const struct kwriter *w, struct node *map, struct str name, struct node *value,
		  struct error *err)
{
	const struct node *read = yaml_kyaml_scalar(w->build->a, name);
	if (read->type != NODE_STRING || read->style == NODE_TIMESTAMP || str_is(name, "<<"))
		return error_set(err,
				 "`%.*s` cannot be a new key: kustomize writes it without quotes, and so it "
				 "is no text",
				 STR_ARG(name));
	node_set(w->build->a, map, name, value);
	return 0;
}

struct str kvalue_join(struct arena *arena, struct str a, struct str b)
{
	char *p = arena_alloc(arena, a.n + b.n + 1);
	if (a.n)
		memcpy(p, a.p, a.n);
	if (b.n)
		memcpy(p + a.n, b.p, b.n);
	return (struct str){ p, a.n + b.n };
}

static void print_quoted(struct buf *out, const struct node *n)
{
	char quote = n->style == NODE_SINGLE_QUOTED ? '\'' : '"';
	buf_addc(out, quote);
	for (size_t i = 0; i < n->text.n; i++) {
		char c = n->text.p[i];
		if (quote == '\'' && c == '\'')
			buf_addc(out, '\'');
		else if (quote == '"' && c == '\n')
			buf_addc(out, '\\'), c = 'n';
		else if (quote == '"' && (c == '"' || c == '\\'))
			buf_addc(out, '\\');
		buf_addc(out, c);
	}
	buf_addc(out, quote);
}

void kvalue_print(struct buf *out, const struct node *n)
{
	if (!kvalue_is_scalar(n)) {
		yaml_write(out, n);
		return;
	}
	bool quoted = n->style == NODE_SINGLE_QUOTED || n->style == NODE_DOUBLE_QUOTED;
	bool text = n->type == NODE_STRING && n->style == NODE_PLAIN && !n->untagged;
	/* What does not read as a text by itself is quoted to stay one. */
	if (text && !quoted) {
		struct arena scratch = ARENA_INIT;
		quoted = yaml_kyaml_scalar(&scratch, n->text)->type != NODE_STRING;
		arena_release(&scratch);
	}
	if (quoted)
		print_quoted(out, n);
	else if (n->style == NODE_LITERAL || n->style == NODE_FOLDED)
		yaml_write(out, n);
	else
		buf_add_str(out, n->text);
}
