/* What a remote lists is hostile: names that are kept are names that git allows, and lookups find what they
 * name. */
#include <stdlib.h>

#include "repo/refs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct refs refs;
	struct error err = ERROR_INIT;
	struct str listing, text = { (const char *)data, size }, revision = str_cut(text, '\n', &listing);
	if (refs_parse(listing, &refs, &err) < 0) {
		if (!err.text[0])
			abort();
		return 0;
	}
	cleanup_free char *wanted = mem_strndup(revision.p, revision.n);
	struct resolved out;
	if (refs_resolve(&refs, wanted, &out, &err) == 0 && strlen(out.sha) != 40 && strlen(out.sha) != 64)
		abort();
	for (size_t i = 0; i < refs.n; i++)
		if (refs.refs[i].name.p[0] == '-' || memchr(refs.refs[i].name.p, ' ', refs.refs[i].name.n))
			abort();
	refs_release(&refs);
	return 0;
}
