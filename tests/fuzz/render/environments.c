/*
 * Any capstan.yaml: what is wrong has a place and words, what is given out is whole, and every environment is
 * found again by its name.
 */
#include <stdlib.h>

#include "render/environments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_environment(const struct environments *e, const struct environment *one)
{
	struct error err = ERROR_INIT;
	const struct environment *found = environments_find(e, str_of(one->name), &err);
	check(found && strcmp(found->name, one->name) == 0 && one->line > 0);
	for (size_t i = 0; i < one->n_substitute; i++)
		check(one->substitute[i].name && str_utf8(one->substitute[i].text));
	if (e->n_errors)
		return;
	check(one->path && *one->path && one->path[0] != '/');
	check(strncmp(one->path, "../", 3) != 0 && !strstr(one->path, "/../"));
	check((one->type == RENDER_EXEC) == (one->program != NULL));
	check(!one->program || (one->program->n_command && one->program->command[0]));
	for (size_t i = 0; i < one->n_from; i++)
		check(one->from[i].name && one->from[i].kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct environments e;
	environments_read(&a, "capstan.yaml", (struct str){ (const char *)data, size }, &e);
	check((environments_check(&e, &err) != 0) == (e.n_errors > 0));
	check(e.n_errors > 0 || e.n > 0);
	for (size_t i = 0; i < e.n_diags; i++)
		check(e.diags[i].text[0]);
	for (size_t i = 0; i < e.n; i++)
		check_environment(&e, &e.list[i]);
	return 0;
}
