/* Input: the value of the var A on the first line, then a text. A text without $ stays, a reference ends. */
#include <stdint.h>
#include <stdlib.h>

#include "render/kustomize/expand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool value_of(void *ctx, struct str name, bool whole, struct str *value)
{
	*value = *(const struct str *)ctx;
	return str_is(name, "A");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_INIT;
	struct str text = { (const char *)data, size }, value = str_cut(text, '\n', &text), out, whole;
	struct error err;
	if (kexpand(&a, text, value_of, &value, &out, &whole, &err) == 0) {
		bool dollar = str_find(text, '$', 0) != SIZE_MAX;
		if (!dollar && !str_eq(text, out))
			abort();
		if (whole.n && text.n != whole.n + 3)
			abort();
	}
	arena_release(&a);
	return 0;
}
