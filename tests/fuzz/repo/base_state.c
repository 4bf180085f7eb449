/* Any file beside a mirror: what is taken of it is well-formed, and written and read again is the same. */
#include <stdlib.h>

#include "repo/remote_base_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void release(struct base *b)
{
	for (size_t i = 0; i < b->refs.n; i++)
		free(b->refs.at[i]);
	vec_release(&b->refs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base one = { .shown = (char[]){ "x" } }, two = one;
	cleanup_buf struct buf first = BUF_INIT, second = BUF_INIT;
	base_state_parse(&one, (struct str){ (const char *)data, size });
	base_state_format(&one, &first);
	base_state_parse(&two, buf_str(&first));
	base_state_format(&two, &second);
	if (one.refs.n > REMOTE_BASE_REFS_MAX || two.refs.n > one.refs.n)
		abort();
	for (size_t i = 0; i < one.refs.n; i++)
		if (one.refs.at[i]->sha[0] && !base_ref_is_sha(one.refs.at[i]->sha))
			abort();
	release(&one);
	release(&two);
	return 0;
}
