/*
 * yaml.c - a file becomes documents, as kubectl's decoder cuts it: JSON values for as long as the
 * text reads as JSON, then YAML documents between lines that begin with `---`. Every document is
 * parsed on its own, so that a bad one hides no other.
 */
#include "doc/json_read.h"
#include "doc/yaml_parts.h"

struct yaml_file {
	struct yaml_result result;
	struct str text;
	/* The complaint of the JSON reader about the text that is now tried as YAML. */
	struct yaml_place json_place;
	struct error json_error;
	bool was_json;
};

static void add_error(struct yaml_file *f, struct yaml_place at, const char *text)
{
	if (f->result.errors.n >= YAML_MESSAGES_MAX)
		return;
	struct yaml_error error = { at.line, at.column, arena_strdup(f->result.a, text) };
	yaml_one_line(error.text);
	vec_push(&f->result.errors, error);
}

static void add_document(struct yaml_file *f, struct yaml_document document)
{
	if (document.root && document.root->type != NODE_NULL)
		vec_push(&f->result.documents, document);
}

static bool is_blank(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\n' && text.p[i] != '\r' && text.p[i] != ' ')
			return false;
	return true;
}

static void read_chunk(struct yaml_file *f, struct str text, uint32_t line)
{
	struct yaml_document document;
	struct yaml_place place = { line, 1 };
	struct error err = ERROR_INIT;
	if (is_blank(text))
		return;
	if (yaml_build(&f->result, text, line, &document, &place, &err) == 0)
		add_document(f, document);
	else if (f->was_json)
		add_error(f, f->json_place, f->json_error.text);
	else
		add_error(f, place, err.text);
	f->was_json = false;
}

static bool only_comment(struct str rest)
{
	rest = str_trim(rest);
	return rest.n == 0 || rest.p[0] == '#';
}

/* Cuts the text from byte `at` on, which is on `line`, into documents. */
static void read_yaml(struct yaml_file *f, size_t at, uint32_t line)
{
	struct str text = f->text;
	size_t begin = at;
	uint32_t begin_line = line;
	bool skip = false; /* behind a bad separator: its document is refused with it */
	for (; at < text.n; line++) {
		size_t end = str_find(text, '\n', at);
		end = end == SIZE_MAX ? text.n : end;
		struct str row = { text.p + at, end - at };
		if (str_starts(row, STR("---"))) {
			if (!skip)
				read_chunk(f, (struct str){ text.p + begin, at - begin }, begin_line);
			skip = !only_comment(str_from(row, 3));
			if (skip)
				add_error(
					f, (struct yaml_place){ line, 4 },
					"only a comment may follow `---` on its line (kubectl refuses more): begin the "
					"document on the next line");
			begin = end + 1;
			begin_line = line + 1;
		}
		at = end + 1;
	}
	if (!skip && begin < text.n)
		read_chunk(f, (struct str){ text.p + begin, text.n - begin }, begin_line);
}

/* Whether a text that begins with `{` is meant as JSON, to choose whose complaint to show. */
static bool looks_like_json(struct str text)
{
	text = str_trim(text);
	text = str_trim(str_from(text, 1));
	return text.n == 0 || text.p[0] == '"' || text.p[0] == '}';
}

/* kubectl drops white space up to the first line break when it turns from JSON to YAML. */
static void turn_to_yaml(struct yaml_file *f, struct json_reader *r)
{
	while (r->pos < f->text.n && strchr(" \t\r", f->text.p[r->pos]))
		r->pos++;
	if (r->pos < f->text.n && f->text.p[r->pos] == '\n') {
		r->pos++;
		r->line++;
	}
	read_yaml(f, r->pos, r->line);
}

/* How many JSON values make a stream that kubectl no longer takes for YAML. */
enum { SURELY_JSON = 2 };

static void read_json(struct yaml_file *f)
{
	struct json_reader r;
	json_reader_init(&r, f->result.a, f->text);
	r.line += f->result.options.lines_before;
	r.strict = r.canonical = r.many = true;
	for (unsigned count = 0;; count++) {
		struct json_reader before = r;
		if (!json_reader_more(&r))
			return;
		uint32_t line = r.line;
		struct node *root;
		struct error err = ERROR_INIT;
		if (json_reader_next(&r, &root, &err) == 0) {
			add_document(f, (struct yaml_document){ root, line, r.line });
			continue;
		}
		struct yaml_place place = { r.error_line, r.error_column };
		if (r.refused) {
			add_error(f, place, err.text);
		} else if (count >= SURELY_JSON) {
			bool yaml = str_starts(str_from(f->text, r.pos), STR("---"));
			add_error(
				f, place,
				yaml ? "behind several JSON values only JSON is read (as kubectl does): separate them "
				       "all with `---`, or none"
				     : err.text);
			return;
		} else {
			f->was_json = looks_like_json(str_from(f->text, r.pos));
			f->json_place = place;
			f->json_error = err;
			turn_to_yaml(f, &before);
			return;
		}
	}
}

static void read_file(struct yaml_file *f, struct str bytes)
{
	struct yaml_place place = { 0 };
	struct error err = ERROR_INIT;
	if (bytes.n > YAML_INPUT_MAX) {
		error_set(&err, "the file is larger than %u MiB (YAML_INPUT_MAX)", YAML_INPUT_MAX >> 20);
		add_error(f, (struct yaml_place){ 1, 0 }, err.text);
		return;
	}
	if (yaml_text(f->result.a, bytes, f->result.options.as_it_ends, &f->text, &place, &err)) {
		add_error(f, place, err.text);
		return;
	}
	struct str begin = str_trim(f->text);
	if (f->result.options.dialect == YAML_KUBECTL && begin.n && begin.p[0] == '{')
		read_json(f);
	else
		read_yaml(f, 0, 1 + f->result.options.lines_before);
}

/* Moves a vector's content to the arena. */
#define keep(a, vec, T) ((vec).n ? memcpy(arena_array((a), T, (vec).n), (vec).at, (vec).n * sizeof(T)) : NULL)

int yaml_parse(struct arena *a, struct str text, struct yaml_stream *out, struct error *err)
{
	struct yaml_options options = { .dialect = YAML_KUBECTL };
	return yaml_parse_as(a, text, &options, out, err);
}

int yaml_parse_as(struct arena *a, struct str text, const struct yaml_options *options,
		  struct yaml_stream *out, struct error *err)
{
	struct yaml_keys own;
	struct yaml_file f = { .result = { .a = a, .options = *options } };
	if (!options->keys)
		f.result.options.keys = memset(&own, 0, sizeof(own));
	read_file(&f, text);
	*out = (struct yaml_stream){
		.documents = keep(a, f.result.documents, struct yaml_document),
		.n = f.result.documents.n,
		.warnings = keep(a, f.result.warnings, struct yaml_warning),
		.n_warnings = f.result.warnings.n,
		.errors = keep(a, f.result.errors, struct yaml_error),
		.n_errors = f.result.errors.n,
	};
	vec_release(&f.result.documents);
	vec_release(&f.result.warnings);
	vec_release(&f.result.errors);
	if (out->n_errors == 0)
		return 0;
	const struct yaml_error *first = &out->errors[0];
	return error_set(err, "%u:%u: %s", first->line, first->column, first->text);
}
