/*
 * fields.c - a walk over a map and its table side by side. Each kind of field has one reader, which is given
 * the place of the field in the file and in the struct; paths of complaints grow and shrink with the walk.
 */
#include "render/fields.h"

#include "base/clock.h"
#include "base/guess.h"

void fields_reader_release(struct fields_reader *r)
{
	buf_release(&r->path);
}

/* --- complaints --- */

void fields_complain(struct fields_reader *r, const struct fields_place *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text = arena_vprintf(r->a, fmt, ap);
	va_end(ap);
	bool top = r->path.n == 0;
	collect_diag(r->c, RENDER_ERROR, r->file, at->line, at->column, NULL, "%s%s%s", top ? "" : r->path.p,
		     top ? "" : ": ", text);
}

static struct fields_place place_of(const struct node *n)
{
	return (struct fields_place){ NULL, n->line, n->column };
}

/* As much of a text from the file as a message needs. */
static struct str shown(struct str s)
{
	size_t n = s.n < 80 ? s.n : 80;
	while (n < s.n && n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return (struct str){ s.p, n };
}

/* Enters a field or an item; what comes back is for leave(). */
static size_t enter(struct fields_reader *r, struct str name)
{
	size_t before = r->path.n;
	name = shown(name);
	if (before)
		buf_addc(&r->path, '.');
	buf_add_str(&r->path, name);
	return before;
}

static size_t enter_item(struct fields_reader *r, size_t i)
{
	size_t before = r->path.n;
	buf_printf(&r->path, "[%zu]", i);
	return before;
}

static void leave(struct fields_reader *r, size_t before)
{
	r->path.n = before;
	if (r->path.p)
		r->path.p[before] = '\0';
}

static const char *type_name(const struct node *n)
{
	static const char *const names[] = {
		[NODE_NULL] = "empty",	   [NODE_BOOL] = "a boolean", [NODE_INT] = "a number",
		[NODE_FLOAT] = "a number", [NODE_STRING] = "a text",  [NODE_MAP] = "a map",
		[NODE_SEQ] = "a list",
	};
	return names[n->type];
}

/* One field under way. */
struct spot {
	const struct field *field;
	const struct node *value;
	char *out; /* the struct, or NULL */
};

static void complain_type(struct fields_reader *r, const struct spot *s, const char *wanted)
{
	struct fields_place at = place_of(s->value);
	fields_complain(r, &at, "must be %s, this is %s; write `%s: %s`", wanted, type_name(s->value),
			s->field->name, s->field->example);
}

static void *slot(const struct spot *s)
{
	return s->out && s->field->at != FIELD_NOWHERE ? s->out + s->field->at : NULL;
}

#define put(s, T, x)                       \
	do {                               \
		void *slot_ = slot(s);     \
		if (slot_)                 \
			*(T *)slot_ = (x); \
	} while (0)

static void put_list(const struct spot *s, void *list, size_t n)
{
	void *to = slot(s);
	if (!to)
		return;
	memcpy(to, &list, sizeof(list));
	if (s->field->n != FIELD_NOWHERE)
		*(size_t *)(s->out + s->field->n) = n;
}

/* --- texts --- */

/* A text that may be kept, in the arena; NULL: it was complained of. */
static const char *check_text(struct fields_reader *r, enum field_rule rule, const struct fields_place *at,
			      struct str s)
{
	cleanup_buf struct buf clean = BUF_INIT;
	const char *bad = fields_rule_broken(rule, s, &clean);
	if (bad) {
		struct str part = shown(s);
		fields_complain(r, at, "`%.*s` %s", STR_ARG(part), bad);
		return NULL;
	}
	if (rule == RULE_PATH)
		return clean.n ? arena_strndup(r->a, clean.p, clean.n) : arena_strdup(r->a, ".");
	return arena_strndup(r->a, s.p ? s.p : "", s.n);
}

/* A scalar as it is written; null is "". */
static bool scalar_text(const struct node *n, struct str *out)
{
	if (n->type == NODE_MAP || n->type == NODE_SEQ)
		return false;
	*out = n->type == NODE_NULL ? (struct str){ "", 0 } : n->text;
	return true;
}

static void read_text(struct fields_reader *r, const struct spot *s)
{
	struct str text;
	struct fields_place at = place_of(s->value);
	if (!scalar_text(s->value, &text)) {
		complain_type(r, s, "a text");
		return;
	}
	put(s, const char *, check_text(r, s->field->rule, &at, text));
}

static void read_choice(struct fields_reader *r, const struct spot *s)
{
	struct str text;
	cleanup_buf struct buf words = BUF_INIT;
	if (!scalar_text(s->value, &text)) {
		complain_type(r, s, "a text");
		return;
	}
	struct guess guess = guess_start(text);
	for (int i = 0; s->field->choices[i]; i++) {
		if (str_is(text, s->field->choices[i])) {
			put(s, int, i + 1);
			return;
		}
		guess_try(&guess, str_of(s->field->choices[i]));
		buf_printf(&words, "%s%s", i ? ", " : "", s->field->choices[i]);
	}
	struct fields_place at = place_of(s->value);
	struct str part = shown(text);
	if (guess.best.p)
		fields_complain(r, &at, "`%.*s` is not known; did you mean `%s`? There are: %s",
				STR_ARG(part), guess.best.p, words.p);
	else
		fields_complain(r, &at, "`%.*s` is not known; there are: %s", STR_ARG(part), words.p);
}

/* --- numbers --- */

static void read_flag(struct fields_reader *r, const struct spot *s)
{
	if (s->value->type == NODE_BOOL)
		put(s, bool, s->value->boolean);
	else
		complain_type(r, s, "true or false");
}

bool fields_size(struct str s, int64_t *out)
{
	static const struct {
		const char *unit;
		int64_t bytes;
	} units[] = { { "Ki", 1 << 10 }, { "Mi", 1 << 20 }, { "Gi", 1 << 30 },
		      { "k", 1000 },	 { "M", 1000000 },  { "G", 1000000000 } };
	int64_t scale = 1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!str_ends(s, str_of(units[i].unit)))
			continue;
		s.n -= strlen(units[i].unit);
		scale = units[i].bytes;
		break;
	}
	return s.n && s.p[0] >= '0' && s.p[0] <= '9' && str_int64(s, out) &&
	       !__builtin_mul_overflow(*out, scale, out);
}

/* "2", "1.5", "500m": as Kubernetes writes processors, to a thousandth. */
static bool parse_cpus(struct str s, int64_t *out)
{
	int64_t whole, part = 0, scale = 100;
	struct str rest;
	if (!s.n || s.p[0] < '0' || s.p[0] > '9')
		return false;
	if (str_ends(s, STR("m")))
		return str_int64((struct str){ s.p, s.n - 1 }, out);
	if (!str_int64(str_cut(s, '.', &rest), &whole) || rest.n > 3)
		return false;
	for (size_t i = 0; i < rest.n; i++, scale /= 10) {
		if (rest.p[i] < '0' || rest.p[i] > '9')
			return false;
		part += (rest.p[i] - '0') * scale;
	}
	return !__builtin_mul_overflow(whole, 1000, out) && !__builtin_add_overflow(*out, part, out);
}

static bool parse_number(enum field_kind kind, struct str s, int64_t *out)
{
	if (kind == FIELD_CPUS)
		return parse_cpus(s, out);
	if (kind == FIELD_DURATION)
		return clock_parse_duration(s, out);
	return kind == FIELD_SIZE ? fields_size(s, out) : str_int64(s, out);
}

static void print_number(struct buf *out, enum field_kind kind, int64_t n)
{
	if (kind == FIELD_COUNT || (kind == FIELD_CPUS && n % 1000 == 0))
		buf_printf(out, "%lld", (long long)(kind == FIELD_CPUS ? n / 1000 : n));
	else if (kind == FIELD_CPUS)
		buf_printf(out, "%lldm", (long long)n);
	else if (kind == FIELD_SIZE)
		buf_printf(out, n % (1 << 20) ? "%lldKi" : "%lldMi",
			   (long long)(n % (1 << 20) ? n >> 10 : n >> 20));
	else if (n % 3600000 == 0)
		buf_printf(out, "%lldh", (long long)(n / 3600000));
	else
		buf_printf(out, n % 1000 ? "%lldms" : "%llds", (long long)(n % 1000 ? n : n / 1000));
}

static void read_number(struct fields_reader *r, const struct spot *s)
{
	static const char *const wanted[] = {
		[FIELD_COUNT] = "a whole number",
		[FIELD_DURATION] = "a duration such as 30s or 5m",
		[FIELD_SIZE] = "a size such as 64Mi",
		[FIELD_CPUS] = "a number of processors such as 2 or 500m",
	};
	struct str text;
	int64_t number;
	if (!scalar_text(s->value, &text)) {
		complain_type(r, s, wanted[s->field->kind]);
		return;
	}
	struct fields_place at = place_of(s->value);
	struct str part = shown(text);
	cleanup_buf struct buf low = BUF_INIT, high = BUF_INIT;
	print_number(&low, s->field->kind, s->field->low);
	print_number(&high, s->field->kind, s->field->high);
	if (!parse_number(s->field->kind, text, &number))
		fields_complain(r, &at, "`%.*s` is not %s", STR_ARG(part), wanted[s->field->kind]);
	else if (number < s->field->low || number > s->field->high)
		fields_complain(r, &at, "`%.*s` is not between %s and %s", STR_ARG(part), low.p, high.p);
	else
		put(s, int64_t, number);
}

/* --- lists and maps --- */

/* False: it is no list (no map), or too long. */
static bool check_collection(struct fields_reader *r, const struct spot *s, enum node_type type)
{
	if (s->value->type != type) {
		complain_type(r, s, type == NODE_SEQ ? "a list" : "a map");
		return false;
	}
	if (node_count(s->value) > FIELDS_COUNT_MAX) {
		struct fields_place at = place_of(s->value);
		fields_complain(r, &at, "has more than %u entries (FIELDS_COUNT_MAX)", FIELDS_COUNT_MAX);
		return false;
	}
	return true;
}

static void read_texts(struct fields_reader *r, const struct spot *s)
{
	if (!check_collection(r, s, NODE_SEQ))
		return;
	size_t n = 0, all = node_count(s->value);
	const char **list = arena_array(r->a, const char *, all + 1);
	for (size_t i = 0; i < all; i++) {
		const struct node *item = node_item(s->value, i);
		struct fields_place at = place_of(item);
		struct str text;
		size_t before = enter_item(r, i);
		if (!scalar_text(item, &text))
			fields_complain(r, &at, "must be a text, this is %s", type_name(item));
		else if ((list[n] = check_text(r, s->field->rule, &at, text)))
			n++;
		leave(r, before);
	}
	put_list(s, list, n);
}

static struct fields_place key_place(const struct node_pair *pair)
{
	return (struct fields_place){ NULL, pair->key_line, 0 };
}

static void read_map(struct fields_reader *r, const struct spot *s)
{
	if (!check_collection(r, s, NODE_MAP))
		return;
	size_t n = 0;
	struct fields_variable *list = arena_array(r->a, struct fields_variable, node_count(s->value) + 1);
	for (size_t i = 0; i < node_count(s->value); i++) {
		const struct node_pair *pair = &s->value->map.pairs[i];
		struct fields_place at = key_place(pair);
		struct fields_variable *to = &list[n];
		to->at.name = check_text(r, s->field->rule, &at, pair->key);
		to->at.line = pair->key_line;
		size_t before = enter(r, pair->key);
		at = place_of(pair->value);
		if (!scalar_text(pair->value, &to->text))
			fields_complain(r, &at, "must be a text, this is %s", type_name(pair->value));
		else if (to->at.name)
			n++;
		leave(r, before);
		to->text = arena_str(r->a, to->text);
	}
	put_list(s, list, n);
}

static void read_records(struct fields_reader *r, const struct spot *s)
{
	const struct field_record *record = s->field->record;
	if (!check_collection(r, s, NODE_SEQ))
		return;
	char *list = arena_alloc(r->a, record->size * node_count(s->value) + 1);
	for (size_t i = 0; i < node_count(s->value); i++) {
		const struct node *item = node_item(s->value, i);
		struct fields_place at = place_of(item);
		char *out = record->size ? list + i * record->size : NULL;
		size_t before = enter_item(r, i);
		if (out)
			memcpy(out, &at, sizeof(at));
		if (item->type != NODE_MAP)
			fields_complain(r, &at, "must be a map, this is %s; write `%s: %s`", type_name(item),
					s->field->name, s->field->example);
		else
			fields_read(r, item, record, out);
		leave(r, before);
	}
	put_list(s, list, node_count(s->value));
}

static void read_named(struct fields_reader *r, const struct spot *s)
{
	const struct field_record *record = s->field->record;
	if (!check_collection(r, s, NODE_MAP))
		return;
	char *list = arena_alloc(r->a, record->size * node_count(s->value) + 1);
	size_t n = 0;
	for (size_t i = 0; i < node_count(s->value); i++) {
		const struct node_pair *pair = &s->value->map.pairs[i];
		struct fields_place at = key_place(pair);
		char *out = list + n * record->size;
		at.name = check_text(r, s->field->rule, &at, pair->key);
		memcpy(out, &at, sizeof(at));
		size_t before = enter(r, pair->key);
		at = place_of(pair->value);
		if (pair->value->type != NODE_MAP)
			fields_complain(r, &at, "must be a map, this is %s; write `%s: %s`",
					type_name(pair->value), s->field->name, s->field->example);
		else
			fields_read(r, pair->value, record, out);
		leave(r, before);
		n++;
	}
	put_list(s, list, n);
}

static void read_record(struct fields_reader *r, const struct spot *s)
{
	struct fields_place at = place_of(s->value);
	char *out = slot(s);
	struct str text;
	bool word = s->field->word && scalar_text(s->value, &text);
	if (word && !str_is(text, s->field->word)) {
		struct str part = shown(text);
		fields_complain(r, &at, "`%.*s` is not known; write `%s`, or a map", STR_ARG(part),
				s->field->word);
		return;
	}
	if (!word && !check_collection(r, s, NODE_MAP))
		return;
	if (out)
		memcpy(out, &at, sizeof(at));
	if (word)
		return;
	fields_read(r, s->value, s->field->record, out);
}

static void read_node(struct fields_reader *r, const struct spot *s)
{
	if (check_collection(r, s, NODE_MAP))
		put(s, const struct node *, s->value);
}

/* --- a map --- */

static void read_field(struct fields_reader *r, const struct spot *s)
{
	switch (s->field->kind) {
	case FIELD_TEXT:
		read_text(r, s);
		break;
	case FIELD_FLAG:
		read_flag(r, s);
		break;
	case FIELD_CHOICE:
		read_choice(r, s);
		break;
	case FIELD_COUNT:
	case FIELD_DURATION:
	case FIELD_SIZE:
	case FIELD_CPUS:
		read_number(r, s);
		break;
	case FIELD_TEXTS:
		read_texts(r, s);
		break;
	case FIELD_MAP:
		read_map(r, s);
		break;
	case FIELD_RECORD:
		read_record(r, s);
		break;
	case FIELD_RECORDS:
		read_records(r, s);
		break;
	case FIELD_NAMED:
		read_named(r, s);
		break;
	case FIELD_NODE:
		read_node(r, s);
		break;
	}
}

static const struct field *find(const struct field_record *record, struct str name)
{
	for (const struct field *f = record->fields; f->name; f++)
		if (str_is(name, f->name))
			return f;
	return NULL;
}

/* A field of a record inside this one that somebody wrote one level too high. */
static const struct field *find_inside(const struct field_record *record, struct str name)
{
	for (const struct field *f = record->fields; f->name; f++)
		if (f->kind == FIELD_RECORD && !f->word && find(f->record, name))
			return f;
	return NULL;
}

static void complain_unknown(struct fields_reader *r, const struct field_record *record,
			     const struct node_pair *pair)
{
	cleanup_buf struct buf names = BUF_INIT;
	struct fields_place at = key_place(pair);
	struct guess guess = guess_start(pair->key);
	struct str key = shown(pair->key);
	const struct field *inside = find_inside(record, pair->key);
	for (const struct field *f = record->fields; f->name; f++) {
		guess_try(&guess, str_of(f->name));
		buf_printf(&names, "%s%s", names.n ? ", " : "", f->name);
	}
	if (inside)
		fields_complain(r, &at, "`%.*s` belongs into `%s`; write `%s: {%.*s: ...}`", STR_ARG(key),
				inside->name, inside->name, STR_ARG(key));
	else if (guess.best.p)
		fields_complain(r, &at, "`%.*s` is not known; did you mean `%s`?", STR_ARG(key),
				guess.best.p);
	else
		fields_complain(r, &at, "`%.*s` is not known; there are: %s", STR_ARG(key), names.p);
}

/* `field:` with nothing behind it is as good as absent, but where a text may be empty. */
static bool is_absent(const struct field *f, const struct node *value)
{
	return !value || (value->type == NODE_NULL && f->rule != RULE_EMPTY_TOO);
}

static void complain_missing(struct fields_reader *r, const struct node *map,
			     const struct field_record *record)
{
	struct fields_place at = place_of(map);
	for (const struct field *f = record->fields; f->name; f++)
		if (f->required && is_absent(f, node_get(map, f->name)))
			fields_complain(r, &at, "`%s` is missing; write `%s: %s`", f->name, f->name,
					f->example);
}

void fields_read(struct fields_reader *r, const struct node *map, const struct field_record *record,
		 void *out)
{
	for (const struct field *f = record->fields; f->name; f++)
		if (f->kind == FIELD_FLAG)
			put(&((struct spot){ f, NULL, out }), bool, f->otherwise);
	complain_missing(r, map, record);
	for (size_t i = 0; i < node_count(map); i++) {
		const struct node_pair *pair = &map->map.pairs[i];
		const struct field *f = find(record, pair->key);
		if (!f) {
			complain_unknown(r, record, pair);
			continue;
		}
		if (is_absent(f, pair->value))
			continue;
		size_t before = enter(r, pair->key);
		read_field(r, &(struct spot){ f, pair->value, out });
		leave(r, before);
	}
}

/* --- as texts --- */

static void make_text(struct node *n)
{
	if (n->type == NODE_MAP || n->type == NODE_SEQ || n->type == NODE_STRING)
		return;
	if (n->type == NODE_NULL)
		n->text = (struct str){ "", 0 };
	n->type = NODE_STRING;
	n->style = NODE_DOUBLE_QUOTED;
}

static void make_field(struct node *value, const struct field *f)
{
	for (size_t i = 0; value->type == NODE_SEQ && i < value->seq.n; i++) {
		if (f->kind == FIELD_TEXTS)
			make_text(value->seq.items[i]);
		else if (f->kind == FIELD_RECORDS)
			fields_make_texts(value->seq.items[i], f->record);
	}
	for (size_t i = 0; f->kind == FIELD_MAP && value->type == NODE_MAP && i < value->map.n; i++)
		make_text(value->map.pairs[i].value);
	if (f->kind == FIELD_RECORD)
		fields_make_texts(value, f->record);
	if (f->kind == FIELD_TEXT)
		make_text(value);
}

void fields_make_texts(struct node *map, const struct field_record *record)
{
	for (size_t i = 0; map->type == NODE_MAP && i < map->map.n; i++) {
		const struct field *f = find(record, map->map.pairs[i].key);
		if (f)
			make_field(map->map.pairs[i].value, f);
	}
}
