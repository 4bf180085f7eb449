/*
 * The first byte chooses a change, the first line is "PATH TEXT", the rest is the file. A change that is made
 * leaves a text that both readers take, and differs from the old one; one that is refused says why and leaves
 * all as it was.
 */
#include <stdlib.h>

#include "doc/edit.h"
#include "doc/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static int change(struct arena *a, struct edit *e, char op, struct str path, struct str text,
		  struct error *err)
{
	struct node *value = node_string(a, text), *map = node_map(a);
	node_set(a, map, STR("name"), value);
	switch (op) {
	case 'r':
		return edit_replace(e, 0, path, value, EDIT_BLOCK_SCALARS, err);
	case 'a':
		return edit_append(e, 0, path, value, err);
	case 'm':
		return edit_append(e, 0, path, map, err);
	case 'k':
		return edit_add(e, 0, path, text, map, err);
	default:
		return edit_remove(e, 0, path, text, err);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct yaml_stream was, is;
	struct edit *e;
	struct str all = { (const char *)data, size }, file, text;
	if (size < 2)
		return 0;
	struct str line = str_cut(str_from(all, 1), '\n', &file), path = str_cut(line, ' ', &text);
	struct yaml_options options = { .dialect = YAML_KYAML };
	if (edit_open(&a, "f", file, &e, &err) < 0) {
		check(err.text[0]);
		return 0;
	}
	if (change(&a, e, all.p[0], path, text, &err) < 0) {
		check(err.text[0] && str_eq(edit_text(e), file));
		return 0;
	}
	if (yaml_parse_as(&a, file, &options, &was, NULL) == 0)
		check(yaml_parse_as(&a, edit_text(e), &options, &is, NULL) == 0 && is.n == was.n);
	return 0;
}
