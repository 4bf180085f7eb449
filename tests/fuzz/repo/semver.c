/* Any text as a version and as a range: no crash, and the order is an order. */
#include <stdlib.h>

#include "repo/semver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str second, text = { (const char *)data, size }, first = str_cut(text, '\n', &second);
	struct semver a, b;
	if (semver_parse(second, &b))
		semver_matches(first, &b);
	semver_is_range(text);
	if (!semver_parse(first, &a) || !semver_parse(second, &b))
		return 0;
	if ((semver_compare(&a, &b) < 0) != (semver_compare(&b, &a) > 0) || semver_compare(&a, &a) != 0)
		abort();
	return 0;
}
