/*
 * environments.c - capstan.yaml: the tables read the file, and what no table can say is checked here.
 */
#include "render/environments.h"

#include "base/guess.h"
#include "doc/yaml.h"
#include "render/environments_table.h"

_Static_assert(RENDER_AUTO == 0 && RENDER_PLAIN == 1 && RENDER_KUSTOMIZE == 2 && RENDER_EXEC == 3,
	       "the choices of render.type are in the order of enum render_type");
_Static_assert(ENVIRONMENTS_FAILURE_ROLLBACK == 1 && ENVIRONMENTS_FAILURE_KEEP == 2,
	       "the choices of onFailure are in the order of enum environments_failure");

struct read {
	struct fields_reader fields;
	const struct node *root;
	struct environments_raw_file file;
	struct environments *out;
};

static void complain(struct read *r, const struct environment *e, const char *what)
{
	struct fields_place at = { NULL, e->line, 0 };
	buf_clear(&r->fields.path);
	buf_printf(&r->fields.path, "environments.%s", e->name ? e->name : "?");
	fields_complain(&r->fields, &at, "%s", what);
}

/* --- what renders --- */

static void find_renderer(struct read *r, struct environment *e, const char *name)
{
	struct guess guess = guess_start(str_of(name));
	for (size_t i = 0; i < r->file.n_renderers; i++) {
		const char *known = r->file.renderers[i].name;
		if (known && strcmp(known, name) == 0) {
			e->program = &r->file.renderers[i];
			return;
		}
		guess_try(&guess, str_of(known ? known : ""));
	}
	if (guess.best.p)
		complain(r, e,
			 arena_printf(r->fields.a,
				      "render.renderer: `%s` is not among `renderers`; did you mean `%s`?",
				      name, guess.best.p));
	else
		complain(
			r, e,
			arena_printf(
				r->fields.a,
				"render.renderer: `%s` is not among `renderers`; add `renderers: {%s: {command: "
				"[...]}}`",
				name, name));
}

static bool has_limits(const struct environments_program *p)
{
	return p->n_env || p->n_inputs || p->timeout_ms || p->memory_bytes || p->disk_bytes ||
	       p->output_bytes || p->pids;
}

static void settle_exec(struct read *r, struct environments_raw *raw)
{
	const struct environments_program *p = &raw->render.program;
	if (raw->render.renderer && p->command)
		complain(r, &raw->e, "render: has both `renderer` and `command`; keep one of them");
	else if (raw->render.renderer && has_limits(p))
		complain(
			r, &raw->e,
			"render: env, inputs and limits of a `renderer` stand in `renderers`; move them there");
	else if (raw->render.renderer)
		find_renderer(r, &raw->e, raw->render.renderer);
	else if (!p->n_command)
		complain(
			r, &raw->e,
			"render: type exec needs a program; write `render: {type: exec, command: [./render.sh]}`, or "
			"`renderer: NAME` of one in `renderers`");
	else
		raw->e.program = memcpy(arena_new(r->fields.a, struct environments_program), p, sizeof(*p));
}

static void settle_render(struct read *r, struct environments_raw *raw)
{
	const struct environments_program *p = &raw->render.program;
	raw->e.type = raw->render.type ? (enum render_type)(raw->render.type - 1) : RENDER_AUTO;
	if (raw->e.type == RENDER_EXEC)
		settle_exec(r, raw);
	else if (raw->render.renderer || p->command || has_limits(p))
		complain(r, &raw->e, "render: names a program, but its type is not exec; write `type: exec`");
}

static void settle_additions(struct read *r, struct environment *e, const struct node *map)
{
	struct error err = ERROR_INIT;
	const struct node *kustomize = node_get(map, "kustomize");
	if (node_count(kustomize) == 0 || kustomize->type != NODE_MAP)
		return;
	if (e->type == RENDER_PLAIN || e->type == RENDER_EXEC)
		complain(
			r, e,
			arena_printf(
				r->fields.a,
				"kustomize: adds to what kustomize renders, but the type of render is %s; write "
				"`render: {type: kustomize}`",
				render_type_name(e->type)));
	e->additions = node_clone(r->fields.a, kustomize);
	fields_make_texts(e->additions, &environments_kustomize_record);
	if (yaml_settle(r->fields.a, e->additions, &err))
		complain(r, e, arena_printf(r->fields.a, "kustomize: %s", err.text));
}

static void settle(struct read *r, struct environments_raw *raw, const struct node *map)
{
	settle_render(r, raw);
	settle_additions(r, &raw->e, map);
	raw->e.substitutes = node_get(map, "substitute") || node_get(map, "substituteFrom");
	if (raw->e.n_from > ENVIRONMENTS_SOURCES_MAX)
		complain(r, &raw->e,
			 arena_printf(r->fields.a,
				      "substituteFrom: has more than %u sources (ENVIRONMENTS_SOURCES_MAX)",
				      ENVIRONMENTS_SOURCES_MAX));
}

/* --- between environments --- */

static void add_part(struct buf *key, const char *part)
{
	buf_printf(key, "%s\n", part ? part : "\t"); /* no part can hold either */
}

/* Two environments that would deploy the same to the same place undo each other's values for ever. */
static void check_targets(struct read *r)
{
	struct map seen = MAP_INIT;
	for (size_t i = 0; i < r->file.n; i++) {
		const struct environment *e = &r->file.list[i].e;
		cleanup_buf struct buf key = BUF_INIT;
		if (!e->path)
			continue;
		add_part(&key, e->branch);
		add_part(&key, e->path);
		add_part(&key, e->namespace);
		add_part(&key, e->context);
		const struct environment *first = map_get(&seen, buf_str(&key));
		if (!first) {
			map_put(&seen, buf_str(&key), (void *)e);
			continue;
		}
		complain(
			r, e,
			arena_printf(
				r->fields.a,
				"deploys the same path of the same branch to the same place as `%s` (line %u); give "
				"it another branch, path, namespace or context",
				first->name ? first->name : "?", first->line));
	}
	map_release(&seen);
}

/* Whether a path is that of a directory, or below it; "." is the root. */
static bool is_in(const char *path, const char *dir)
{
	size_t n = strlen(dir);
	return strcmp(dir, ".") == 0 || (strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/'));
}

/* What is rendered must not fall on what it is made of, nor on another environment's. */
static void check_rendered(struct read *r, size_t i)
{
	const struct environment *e = &r->file.list[i].e;
	if (!e->rendered)
		return;
	if (e->path && is_in(e->path, e->rendered)) {
		complain(r, e, "rendered: holds the path that is rendered; give it a directory of its own");
		return;
	}
	for (size_t k = 0; k < i; k++) {
		const struct environment *other = &r->file.list[k].e;
		if (!other->rendered ||
		    (!is_in(other->rendered, e->rendered) && !is_in(e->rendered, other->rendered)))
			continue;
		complain(r, e,
			 arena_printf(
				 r->fields.a,
				 "rendered: is, holds or is in the directory of `%s` (line %u); give each "
				 "environment one of its own",
				 other->name ? other->name : "?", other->line));
		return;
	}
}

static void check_allowances(struct read *r)
{
	for (size_t i = 0; i < r->file.n_allow_secrets; i++) {
		const struct environments_allowance *w = &r->file.allow_secrets[i];
		struct fields_place at = { NULL, w->line, w->column };
		buf_clear(&r->fields.path);
		buf_printf(&r->fields.path, "allowSecrets[%zu]", i);
		if (!w->path && !w->object && !w->fingerprint)
			fields_complain(&r->fields, &at,
					"says not what is allowed; add `path`, `object` or `fingerprint`");
	}
}

/* --- what a push builds and where it goes --- */

static void read_push(struct read *r)
{
	struct environments *out = r->out;
	const struct node *builds = node_get(r->root, "build");
	if (r->file.n_builds > ENVIRONMENTS_BUILDS_MAX)
		collect_diag(r->fields.c, RENDER_ERROR, out->file, builds->line, builds->column, NULL,
			     "build: has more than %u images (ENVIRONMENTS_BUILDS_MAX)",
			     ENVIRONMENTS_BUILDS_MAX);
	environments_settle_builds(&r->fields, r->file.builds, r->file.n_builds);
	out->builds = r->file.builds;
	out->n_builds = r->file.n_builds;
	out->deliver = environments_settle_deliver(&r->fields, "deliver", &r->file.deliver);
	for (size_t i = 0; i < r->file.n; i++) {
		struct environments_raw *raw = &r->file.list[i];
		const char *path =
			arena_printf(r->fields.a, "environments.%s.deliver", raw->e.name ? raw->e.name : "?");
		raw->e.deliver = environments_settle_deliver(&r->fields, path, &raw->deliver);
	}
}

/* --- the file --- */

static void read_root(struct read *r)
{
	struct environments *out = r->out;
	const struct node *maps = node_get(r->root, "environments");
	fields_read(&r->fields, r->root, &environments_record, &r->file);
	if (r->file.n > ENVIRONMENTS_MAX)
		collect_diag(r->fields.c, RENDER_ERROR, out->file, maps->line, maps->column, NULL,
			     "environments: has more than %u (ENVIRONMENTS_MAX)", ENVIRONMENTS_MAX);
	if (maps && maps->type == NODE_MAP && r->file.n == 0)
		collect_diag(r->fields.c, RENDER_ERROR, out->file, maps->line, maps->column, NULL,
			     "environments: is empty; write `environments: {prod: {path: deploy/prod}}`");
	for (size_t i = 0; i < r->file.n; i++)
		settle(r, &r->file.list[i], maps->map.pairs[i].value);
	check_targets(r);
	for (size_t i = 0; i < r->file.n; i++)
		check_rendered(r, i);
	check_allowances(r);
	read_push(r);
	out->list = arena_array(r->fields.a, struct environment, r->file.n + 1);
	for (size_t i = 0; i < r->file.n; i++)
		if (r->file.list[i].e.name)
			out->list[out->n++] = r->file.list[i].e;
	out->images = r->file.images;
	out->n_images = r->file.n_images;
	const struct node *images = node_get(r->root, "images");
	if (out->n_images > ENVIRONMENTS_IMAGES_MAX)
		collect_diag(r->fields.c, RENDER_ERROR, out->file, images->line, images->column, NULL,
			     "images: has more than %u lines (ENVIRONMENTS_IMAGES_MAX)",
			     ENVIRONMENTS_IMAGES_MAX);
	else
		environments_settle_images(&r->fields, out, images);
	out->renderers = r->file.renderers;
	out->n_renderers = r->file.n_renderers;
	out->allow_secrets = r->file.allow_secrets;
	out->n_allow_secrets = r->file.n_allow_secrets;
}

static void read_stream(struct read *r, const struct yaml_stream *stream)
{
	const char *file = r->out->file;
	for (size_t i = 0; i < stream->n_warnings; i++)
		collect_diag(r->fields.c, RENDER_WARNING, file, stream->warnings[i].line,
			     stream->warnings[i].column, NULL, "%s", stream->warnings[i].text);
	for (size_t i = 0; i < stream->n_errors; i++)
		collect_diag(r->fields.c, RENDER_ERROR, file, stream->errors[i].line,
			     stream->errors[i].column, NULL, "%s", stream->errors[i].text);
	if (stream->n > 1)
		collect_diag(r->fields.c, RENDER_ERROR, file, stream->documents[1].line, 0, NULL,
			     "there is a second document in this file; put everything into one");
	r->root = stream->n ? stream->documents[0].root : NULL;
	if (r->root && r->root->type == NODE_MAP)
		read_root(r);
	else if (stream->n_errors == 0)
		collect_diag(r->fields.c, RENDER_ERROR, file, 1, 0, NULL,
			     "the file is not a map; write `environments: {prod: {path: deploy/prod}}`");
}

/* In the order of the file; the count of what is not shown stays at the end. */
static int by_place(const void *x, const void *y)
{
	const struct render_diag *a = x, *b = y;
	uint32_t line_a = a->file[0] ? a->line : UINT32_MAX, line_b = b->file[0] ? b->line : UINT32_MAX;
	if (line_a != line_b)
		return line_a < line_b ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	return strcmp(a->text, b->text);
}

void environments_read(struct arena *a, const char *file, struct str text, struct environments *out)
{
	struct render_collect c = { .a = a };
	struct read r = { .fields = { .a = a, .c = &c, .file = file }, .out = out };
	struct yaml_stream stream;
	struct render_output found;
	*out = (struct environments){ .file = file };
	if (text.n > ENVIRONMENTS_FILE_MAX) {
		collect_diag(&c, RENDER_ERROR, file, 0, 0, NULL,
			     "the file is larger than %u KiB (ENVIRONMENTS_FILE_MAX)",
			     ENVIRONMENTS_FILE_MAX >> 10);
	} else {
		(void)yaml_parse_as(a, text, &(struct yaml_options){ .dialect = YAML_KYAML }, &stream, NULL);
		read_stream(&r, &stream);
	}
	collect_finish(&c, &found);
	if (found.n_diags)
		qsort(found.diags, found.n_diags, sizeof(*found.diags), by_place);
	out->diags = found.diags;
	out->n_diags = found.n_diags;
	out->n_errors = found.n_errors;
	fields_reader_release(&r.fields);
}

int environments_check(const struct environments *e, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	if (e->n_errors == 0)
		return 0;
	for (size_t i = 0; i < e->n_diags; i++)
		if (e->diags[i].severity == RENDER_ERROR)
			buf_printf(&text, "%s%s", text.n ? "\n" : "", render_diag_text(&a, &e->diags[i]));
	return error_set(err, "%s", text.n ? text.p : e->file);
}

/* --- looking up --- */

static void list_names(const struct environments *e, struct buf *out)
{
	for (size_t i = 0; i < e->n && i < ENVIRONMENTS_SUGGESTIONS_MAX; i++)
		buf_printf(out, "%s%s", i ? ", " : "", e->list[i].name);
	if (e->n > ENVIRONMENTS_SUGGESTIONS_MAX)
		buf_printf(out, " and %zu more", e->n - ENVIRONMENTS_SUGGESTIONS_MAX);
}

const struct environment *environments_find(const struct environments *e, struct str name, struct error *err)
{
	struct guess guess = guess_start(name);
	cleanup_buf struct buf names = BUF_INIT;
	for (size_t i = 0; i < e->n; i++) {
		if (str_is(name, e->list[i].name))
			return &e->list[i];
		guess_try(&guess, str_of(e->list[i].name));
	}
	list_names(e, &names);
	if (e->n == 0)
		error_set(err, "%s: there is no environment `%.*s`: the file has none", e->file,
			  STR_ARG(name));
	else if (guess.best.p)
		error_set(err, "%s: there is no environment `%.*s`; did you mean `%s`? There are: %s",
			  e->file, STR_ARG(name), guess.best.p, names.p);
	else
		error_set(err, "%s: there is no environment `%.*s`; there are: %s", e->file, STR_ARG(name),
			  names.p);
	return NULL;
}

struct node *environments_schema(struct arena *a)
{
	struct node *n = node_map(a), *body = fields_schema(a, &environments_record);
	node_set(a, n, STR("$schema"), node_string(a, STR("http://json-schema.org/draft-07/schema#")));
	node_set(a, n, STR("title"), node_string(a, STR("capstan.yaml")));
	for (size_t i = 0; i < body->map.n; i++)
		node_set(a, n, body->map.pairs[i].key, body->map.pairs[i].value);
	return n;
}

bool environments_size(struct str text, int64_t *out)
{
	return fields_size(text, out);
}
