/* What git or a server prints to a push: a reason is a part of it. */
#include <stdlib.h>

#include "repo/remote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str reason, text = { (const char *)data, size };
	enum push_outcome outcome = push_read(text, &reason);
	if (reason.n && (reason.p < text.p || reason.p + reason.n > text.p + text.n))
		abort();
	if ((outcome == PUSH_RACED || outcome == PUSH_REFUSED) && !memchr(text.p, '!', text.n))
		abort();
	return 0;
}
