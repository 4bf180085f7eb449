/* Any input of a pre-push hook: what is taken of it is well-formed, and written as git does it is read the
 * same. */
#include <stdlib.h>

#include "cmd/hook_refs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char zeros[] = "0000000000000000000000000000000000000000";

static void check(const struct hook_ref *ref, struct buf *out)
{
	size_t n = strlen(ref->sha), m = strlen(ref->old);
	if ((n && n != 40 && n != 64) || (m && m != 40 && m != 64) || !*ref->remote)
		abort();
	const char *branch = hook_ref_branch(ref);
	if (branch && !*branch)
		abort();
	buf_printf(out, "%s %s %s %s\n", ref->local, n ? ref->sha : zeros, ref->remote, m ? ref->old : zeros);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf first = BUF_INIT, second = BUF_INIT;
	struct hook_ref *refs;
	size_t n, again;
	struct str text = { (const char *)data, size };
	/* C strings cannot hold what is behind a NUL. */
	if ((size && memchr(data, '\0', size)) || hook_refs_read(&a, text, &refs, &n, NULL) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		check(&refs[i], &first);
	if (hook_refs_read(&a, buf_str(&first), &refs, &again, NULL) < 0 || again != n)
		abort();
	for (size_t i = 0; i < n; i++)
		check(&refs[i], &second);
	if (!str_eq(buf_str(&first), buf_str(&second)))
		abort();
	return 0;
}
