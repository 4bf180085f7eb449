/* Any text: what is found lies in it, at the line and column that are said, one behind the other. */
#include <stdlib.h>

#include "check/secrets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct str text;
	size_t behind;
};

static void must(bool good)
{
	if (!good)
		abort();
}

static void see(void *ctx, const struct secret *s)
{
	struct seen *seen = ctx;
	size_t at = (size_t)(s->value.p - seen->text.p), line = 1, start = 0;
	must(at >= seen->behind && at + s->value.n <= seen->text.n && s->value.n > 0);
	seen->behind = at + s->value.n;
	for (size_t i = 0; i < at; i++) {
		if (seen->text.p[i] != '\n')
			continue;
		line++;
		start = i + 1;
	}
	must(s->line == line && s->column == at - start + 1);
	must(s->rule >= RULE_PRIVATE_KEY && s->rule <= RULE_PASSWORD && s->what[0]);
	must(secret_identity(s).n > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = { .text = { (const char *)data, size } };
	secrets_scan(seen.text, see, &seen);
	return 0;
}
