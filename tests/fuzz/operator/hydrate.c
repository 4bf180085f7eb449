/* Any identity becomes the name of a file in one directory, safe on every file system, and one of ours. */
#include <stdlib.h>

#include "operator/hydrate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str rest = { (const char *)data, size };
	struct render_object o = { 0 };
	o.group = str_cut(rest, '\n', &rest);
	o.kind = str_cut(rest, '\n', &rest);
	o.namespace = str_cut(rest, '\n', &rest);
	o.name = rest;
	const char *path = hydrate_path(&a, &o, "target"), *slash = strchr(path, '/');
	if (!slash || slash != strrchr(path, '/') || path[0] == '.' || slash[1] == '.' ||
	    strlen(slash) > HYDRATE_NAME_MAX + 6 || !hydrate_is_ours(path))
		abort();
	for (const char *c = path; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("\\:*?\"<>|", *c))
			abort();
	return 0;
}
