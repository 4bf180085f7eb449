/*
 * plain.c - plain manifests: each file that looks like one is parsed on its own, in the byte order of
 * the paths, so that the same tree gives the same objects and messages wherever it is rendered.
 */
#include "doc/origin.h"
#include "doc/yaml.h"
#include "render/collect.h"
#include "render/kustomize/kustomize.h"

static struct str base_name(struct str path)
{
	for (size_t i = path.n; i-- > 0;)
		if (path.p[i] == '/')
			return str_from(path, i + 1);
	return path;
}

/* Whether a name below root begins with a dot: an app that lives in `.deploy/` itself is meant. */
static bool is_hidden(struct str path, struct str root)
{
	if (str_starts(path, root))
		path = str_from(path, root.n);
	while (path.n) {
		struct str part = str_cut(path, '/', &path);
		if (part.n && part.p[0] == '.')
			return true;
	}
	return false;
}

bool render_is_manifest(struct str path)
{
	return str_ends(path, STR(".yaml")) || str_ends(path, STR(".yml")) || str_ends(path, STR(".json"));
}

static bool is_kustomization(struct str path)
{
	return kustomize_is_file(base_name(path));
}

static bool is_lfs_pointer(struct str data)
{
	return str_starts(data, STR("version https://git-lfs.github.com/spec/v1"));
}

/* What makes the file as a whole unreadable; false: go on. */
static bool refuse_file(struct render_collect *c, const struct render_file *file)
{
	if (file->data.n > RENDER_FILE_MAX) {
		collect_diag(c, RENDER_ERROR, file->path, 0, 0, NULL,
			     "the file is larger than %u MiB (RENDER_FILE_MAX): split it",
			     RENDER_FILE_MAX >> 20);
		return true;
	}
	if (is_lfs_pointer(file->data)) {
		collect_diag(c, RENDER_ERROR, file->path, 1, 0, NULL,
			     "this is a Git LFS pointer, not the content: keep manifests out of Git LFS "
			     "(`git lfs migrate export` takes them out)");
		return true;
	}
	return false;
}

void collect_text(struct render_collect *c, const struct render_file *file)
{
	struct yaml_stream stream;
	struct yaml_options options = { .dialect = YAML_KUBECTL,
					.origin = origin_file(c->origins, file->path),
					.keys = c->keys };
	(void)yaml_parse_as(c->a, file->data, &options, &stream, NULL); /* all errors are in stream.errors */
	for (size_t i = 0; i < stream.n_warnings; i++)
		collect_diag(c, RENDER_WARNING, file->path, stream.warnings[i].line,
			     stream.warnings[i].column, NULL, "%s", stream.warnings[i].text);
	for (size_t i = 0; i < stream.n_errors; i++)
		collect_diag(c, RENDER_ERROR, file->path, stream.errors[i].line, stream.errors[i].column,
			     NULL, "%s", stream.errors[i].text);
	for (size_t i = 0; i < stream.n; i++)
		collect_document(c, file->path, stream.documents[i].root);
}

static void render_one(struct render_collect *c, const struct render_file *file)
{
	if (!refuse_file(c, file))
		collect_text(c, file);
}

static int by_path(const void *a, const void *b)
{
	const struct render_file *const *x = a, *const *y = b;
	return strcmp((*x)->path, (*y)->path);
}

void render_plain(struct arena *a, const struct render_input *in, struct render_output *out)
{
	struct render_collect c = {
		.a = a, .templates = in->templates, .origins = in->origins, .keys = yaml_keys_new(a)
	};
	const struct render_file **files = mem_alloc((in->n + 1) * sizeof(const struct render_file *));
	for (size_t i = 0; i < in->n; i++)
		files[i] = &in->files[i];
	qsort(files, in->n, sizeof(const struct render_file *), by_path);
	for (size_t i = 0; i < in->n; i++) {
		struct str path = str_of(files[i]->path);
		if (is_hidden(path, str_of(in->root ? in->root : "")))
			continue;
		if (is_kustomization(path))
			collect_diag(&c, RENDER_WARNING, files[i]->path, 0, 0, NULL,
				     "plain manifests are read without Kustomize: this file is not used");
		else if (render_is_manifest(path))
			render_one(&c, files[i]);
	}
	free(files);
	collect_finish(&c, out);
}
