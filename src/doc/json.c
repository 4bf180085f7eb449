/*
 * json.c - JSON in. yyjson checks the syntax and unescapes strings in place, in a copy that the
 * nodes borrow from; numbers stay text. yyjson keeps no positions, so a cursor walks the
 * untouched source beside the finished values: in valid JSON, what lies before the next value is only
 * white space and punctuation.
 */
#include "doc/json.h"

#include <yyjson.h>

#include "doc/json_read.h"
#include "doc/keys.h"
#include "doc/number.h"

void json_reader_init(struct json_reader *r, struct arena *a, struct str text)
{
	*r = (struct json_reader){ .a = a, .text = text, .line = 1 };
	r->work = arena_alloc(a, text.n + YYJSON_PADDING_SIZE);
	if (text.n)
		memcpy(r->work, text.p, text.n);
}

static bool skip_any(struct json_reader *r, const char *set)
{
	for (; r->pos < r->text.n; r->pos++) {
		char c = r->text.p[r->pos];
		if (c == '\n') {
			r->line++;
			r->line_start = r->pos + 1;
		} else if (c == '\0' || !strchr(set, c)) {
			return true;
		}
	}
	return false;
}

bool json_reader_more(struct json_reader *r)
{
	return skip_any(r, " \t\r");
}

/* Moves over a string literal, which cannot hold a raw line break. */
static void skip_string(struct json_reader *r)
{
	for (r->pos++; r->text.p[r->pos] != '"'; r->pos++)
		if (r->text.p[r->pos] == '\\')
			r->pos++;
	r->pos++;
}

static int refuse(struct json_reader *r, const struct node *at)
{
	r->refused = true;
	r->error_line = at->line;
	r->error_column = at->column;
	return -1;
}

static int convert(struct json_reader *r, yyjson_val *val, unsigned depth, struct node *n, struct error *err);

static int convert_seq(struct json_reader *r, yyjson_val *val, unsigned depth, struct node *n,
		       struct error *err)
{
	size_t count = yyjson_arr_size(val);
	n->seq.items = count ? arena_array(r->a, struct node *, count) : NULL;
	n->seq.cap = (uint32_t)count;
	struct node *items = count ? arena_array(r->a, struct node, count) : NULL;
	yyjson_arr_iter iter = yyjson_arr_iter_with(val);
	for (yyjson_val *item; (item = yyjson_arr_iter_next(&iter)); n->seq.n++) {
		n->seq.items[n->seq.n] = &items[n->seq.n];
		if (convert(r, item, depth + 1, &items[n->seq.n], err))
			return -1;
	}
	return 0;
}

/* Where the value for key goes: a new pair, or with strict false the pair that has the key. */
static struct node_pair *place_key(struct json_reader *r, struct keys *keys, struct node *map, struct str key,
				   struct error *err)
{
	struct node here = { .line = r->line, .column = (uint32_t)(r->pos - r->line_start) + 1 };
	size_t same = keys_find(keys, map->map.pairs, sizeof(*map->map.pairs), map->map.n, key);
	if (same == SIZE_MAX) {
		struct node_pair *pair = &map->map.pairs[map->map.n++];
		*pair = (struct node_pair){ .key = key, .key_line = here.line };
		return pair;
	}
	if (!r->strict)
		return &map->map.pairs[same];
	refuse(r, &here);
	error_set(err, "the key `%.*s` is there twice: on line %u and on line %u; keep one of them",
		  (int)(key.n > 200 ? 200 : key.n), key.p, map->map.pairs[same].key_line, here.line);
	return NULL;
}

static int convert_map(struct json_reader *r, yyjson_val *val, unsigned depth, struct node *n,
		       struct error *err)
{
	cleanup_keys struct keys keys = KEYS_INIT;
	size_t count = yyjson_obj_size(val);
	n->map.pairs = count ? arena_array(r->a, struct node_pair, count) : NULL;
	n->map.cap = (uint32_t)count;
	struct node *values = count ? arena_array(r->a, struct node, count) : NULL;
	yyjson_obj_iter iter = yyjson_obj_iter_with(val);
	for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));) {
		skip_any(r, " \t\r,:]}");
		struct str name = { yyjson_get_str(key), yyjson_get_len(key) };
		struct node_pair *pair = place_key(r, &keys, n, name, err);
		if (!pair)
			return -1;
		skip_string(r);
		pair->value = values++;
		if (convert(r, yyjson_obj_iter_get_val(key), depth + 1, pair->value, err))
			return -1;
	}
	return 0;
}

static int convert_number(struct json_reader *r, yyjson_val *val, struct node *n, struct error *err)
{
	struct str literal = { yyjson_get_raw(val), yyjson_get_len(val) };
	r->pos += literal.n;
	if (!r->canonical) {
		n->type = number_is_integer(literal) ? NODE_INT : NODE_FLOAT;
		n->text = literal;
		return 0;
	}
	if (number_set(r->a, n, literal))
		return 0;
	error_set(err, "the number %.*s is larger than any that can be sent", STR_ARG(literal));
	return refuse(r, n);
}

static int convert(struct json_reader *r, yyjson_val *val, unsigned depth, struct node *n, struct error *err)
{
	skip_any(r, " \t\r,:]}");
	n->line = r->line;
	n->column = (uint32_t)(r->pos - r->line_start) + 1;
	if (depth > NODE_DEPTH_MAX) {
		error_set(err, "nested deeper than %d levels", NODE_DEPTH_MAX);
		return refuse(r, n);
	}
	switch (yyjson_get_type(val)) {
	case YYJSON_TYPE_RAW:
		return convert_number(r, val, n, err);
	case YYJSON_TYPE_STR:
		n->type = NODE_STRING;
		n->text = (struct str){ yyjson_get_str(val), yyjson_get_len(val) };
		skip_string(r);
		return 0;
	case YYJSON_TYPE_ARR:
		n->type = NODE_SEQ;
		r->pos++;
		return convert_seq(r, val, depth, n, err);
	case YYJSON_TYPE_OBJ:
		n->type = NODE_MAP;
		r->pos++;
		return convert_map(r, val, depth, n, err);
	case YYJSON_TYPE_BOOL:
		n->type = NODE_BOOL;
		n->boolean = yyjson_get_bool(val);
		r->pos += n->boolean ? 4 : 5;
		return 0;
	default:
		n->type = NODE_NULL;
		r->pos += 4;
		return 0;
	}
}

/* The place of byte `at`, counted from the reader's position. */
static void set_error_place(struct json_reader *r, size_t at)
{
	r->error_line = r->line;
	size_t start = r->line_start;
	for (size_t i = r->pos; i < at && i < r->text.n; i++) {
		if (r->text.p[i] == '\n') {
			r->error_line++;
			start = i + 1;
		}
	}
	r->error_column = (uint32_t)(at - start) + 1;
}

int json_reader_next(struct json_reader *r, struct node **out, struct error *err)
{
	r->refused = false;
	yyjson_read_err why = { 0 };
	yyjson_read_flag flags = YYJSON_READ_INSITU | YYJSON_READ_NUMBER_AS_RAW;
	if (r->many)
		flags |= YYJSON_READ_STOP_WHEN_DONE;
	size_t left = r->text.n - r->pos;
	if (left > UINT32_MAX) { /* a node counts with 32 bits */
		set_error_place(r, r->pos);
		return error_set(err, "the text is larger than 4 GiB");
	}
	yyjson_doc *doc = left ? yyjson_read_opts(r->work + r->pos, left, flags, NULL, &why) : NULL;
	if (!doc) {
		set_error_place(r, r->pos + why.pos);
		return error_set(err, "not valid JSON: %s", left ? why.msg : "the text is empty");
	}
	size_t end = r->pos + yyjson_doc_get_read_size(doc);
	struct node *root = arena_new(r->a, struct node);
	int rc = convert(r, yyjson_doc_get_root(doc), 1, root, err);
	yyjson_doc_free(doc);
	for (; r->pos < end; r->pos++) { /* closing brackets, or all that follows a refusal */
		if (r->text.p[r->pos] == '\n') {
			r->line++;
			r->line_start = r->pos + 1;
		}
	}
	*out = root;
	return rc;
}

int json_parse(struct arena *a, struct str text, bool strict, struct node **out, struct error *err)
{
	struct json_reader r;
	json_reader_init(&r, a, text);
	r.strict = strict;
	if (json_reader_next(&r, out, err) == 0)
		return 0;
	return error_wrap(err, "%u:%u", r.error_line, r.error_column);
}
