/* plain_file.c - the file of a plain machine: documents in, entries and problems with their lines out. */
#include "operator/plain_parts.h"

#include <stdio.h>

#include "doc/json.h"
#include "doc/yaml.h"
#include "io/file.h"

enum { FILE_MAX = 16 << 20 };

/* The line of the field that a message begins with ("spec.sync.timeout: ..."), or of the deepest part that is
 * there. */
static uint32_t line_of(const struct node *object, uint32_t line, const char *message)
{
	struct str path = { message, strcspn(message, ": ") };
	const struct node *n = object;
	while (path.n && n && n->type == NODE_MAP) {
		struct str part = str_cut(path, '.', &path);
		const struct node *next = NULL;
		for (size_t i = 0; i < n->map.n; i++) {
			if (!str_eq(n->map.pairs[i].key, part))
				continue;
			line = n->map.pairs[i].key_line ? n->map.pairs[i].key_line : line;
			next = n->map.pairs[i].value;
		}
		n = next;
	}
	return line;
}

static void add_problem(struct plain_file *f, uint32_t line, const struct plain_entry *about,
			const char *text)
{
	struct plain_problem p = {
		.line = line,
		.text = arena_strdup(&f->arena, text),
		.kind = about ? about->kind : PLAIN_APP,
		.key = about ? about->key : "",
	};
	vec_push(&f->problems, p);
}

static const char *kind_name(enum plain_kind kind)
{
	return kind == PLAIN_APP ? "App" : "Repo";
}

static int read_kind(const struct node *object, enum plain_kind *out, struct error *err)
{
	struct str version = node_text(node_get(object, "apiVersion")),
		   kind = node_text(node_get(object, "kind"));
	if (object->type != NODE_MAP)
		return error_set(err, "this document is no object; expected are Repo and App");
	if (!kind.n)
		return error_set(err, "kind: is missing; expected is Repo or App");
	if (!str_is(version, CAPSTAN_GROUP "/" CAPSTAN_VERSION_NAME) ||
	    (!str_is(kind, "App") && !str_is(kind, "Repo")))
		return error_set(
			err,
			"kind: %.*s of %.*s is not known here; known are Repo and App of " CAPSTAN_GROUP
			"/" CAPSTAN_VERSION_NAME,
			STR_ARG(kind), STR_ARG(version.n ? version : STR("no apiVersion")));
	*out = str_is(kind, "App") ? PLAIN_APP : PLAIN_REPO;
	return 0;
}

/* By name, as far as it has one: then the entry goes on as it was before. */
static const char *key_of(struct arena *a, const struct node *object)
{
	struct str name = node_text(node_at(object, "metadata.name"));
	struct str namespace = node_text(node_at(object, "metadata.namespace"));
	if (!name.n)
		return "";
	return arena_printf(a, "%.*s/%.*s", STR_ARG(namespace.n ? namespace : STR("default")), STR_ARG(name));
}

static int check(struct arena *a, const struct plain_entry *e, struct error *err)
{
	if (plain_check_fields(e->kind, e->object, err) < 0)
		return -1;
	if (e->kind == PLAIN_APP) {
		struct app_spec app;
		return app_spec_read(a, e->object, &app, err) < 0 ? -1 : plain_check_app(&app, err);
	}
	struct repo_spec repo;
	return repo_spec_read(a, e->object, &repo, err) < 0 ? -1 : plain_check_repo(&repo, err);
}

static const struct plain_entry *same_name(const struct plain_file *f, const struct plain_entry *e)
{
	for (size_t i = 0; i < f->entries.n; i++)
		if (f->entries.at[i].kind == e->kind && strcmp(f->entries.at[i].key, e->key) == 0)
			return &f->entries.at[i];
	return NULL;
}

static void add_document(struct plain_file *f, const struct yaml_document *d)
{
	struct error err = ERROR_INIT;
	struct plain_entry e = { .line = d->line, .object = d->root };
	if (read_kind(d->root, &e.kind, &err) < 0) {
		f->whole = false; /* it may be one that we know, misspelt */
		add_problem(f, line_of(d->root, d->line, err.text), NULL, err.text);
		return;
	}
	e.key = key_of(&f->arena, d->root);
	const struct plain_entry *other = *e.key ? same_name(f, &e) : NULL;
	int rc = other ? error_set(&err, "is there already, in line %u; names must differ", other->line)
		       : check(&f->arena, &e, &err);
	if (rc < 0) {
		uint32_t line = line_of(d->root, d->line, err.text);
		error_wrap(&err, "%s %s", kind_name(e.kind), *e.key ? e.key : "without a name");
		f->whole = f->whole && *e.key;
		add_problem(f, line, &e, err.text);
		return;
	}
	e.hash = json_hash(d->root);
	vec_push(&f->entries, e);
}

int plain_file_read(const char *path, struct plain_file *out, struct error *err)
{
	*out = (struct plain_file){ .whole = true };
	cleanup_buf struct buf text = BUF_INIT;
	if (file_read(path, FILE_MAX, &text, err) != 0)
		return error_wrap(err, "read");
	out->hash = hash_of(buf_str(&text));
	struct yaml_stream stream = { 0 };
	out->whole = yaml_parse(&out->arena, buf_str(&text), &stream, NULL) == 0;
	for (size_t i = 0; i < stream.n_errors; i++)
		add_problem(out, stream.errors[i].line, NULL, stream.errors[i].text);
	for (size_t i = 0; i < stream.n; i++)
		add_document(out, &stream.documents[i]);
	return 0;
}

void plain_file_release(struct plain_file *f)
{
	vec_release(&f->entries);
	vec_release(&f->problems);
	arena_release(&f->arena);
}
