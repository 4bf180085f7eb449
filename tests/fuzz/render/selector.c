/* A regular expression, a NUL, a label selector, a NUL, and a text that both are tried on. */
#include <stdlib.h>

#include "base/regex.h"
#include "doc/yaml.h"
#include "render/kustomize/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str rest, text, pattern = str_cut((struct str){ (const char *)data, size }, '\0', &rest);
	struct str selector_text = str_cut(rest, '\0', &text);
	struct error err = ERROR_INIT;
	struct regex *regex;
	struct klabel_selector *selector;
	struct yaml_stream stream;
	if (size > 1 << 12)
		return 0;
	if (regex_compile(&a, pattern, &regex, &err)) {
		check(err.text[0]);
	} else {
		bool match = regex_match(regex, text);
		check(match == regex_match(regex, text)); /* nothing is left of the first time */
		if (regex_is_literal(pattern) && str_utf8(pattern) && str_utf8(text))
			check(match == (pattern.n == 0 || memmem(text.p, text.n, pattern.p, pattern.n)));
	}
	if (klabels_parse(&a, selector_text, &selector, &err))
		check(err.text[0]);
	else if (yaml_parse(&a, text, &stream, NULL) == 0 && stream.n)
		klabels_fit(selector, stream.documents[0].root);
	return 0;
}
