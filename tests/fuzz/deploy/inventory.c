/* A stored inventory that reads must write and read back the same. */
#include <stdlib.h>

#include "deploy/inventory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct inventory inv, back;
	if (inventory_read(&a, (struct str){ (const char *)data, size }, &inv, &err) < 0) {
		if (!err.text[0])
			abort();
		return 0;
	}
	/* One text for each inventory: what reads is what would be written. */
	inventory_write(&text, &inv);
	if (!str_eq(buf_str(&text), (struct str){ (const char *)data, size }))
		abort();
	size_t n, entries = 0;
	struct str *chunks;
	inventory_chunks(&a, buf_str(&text), 64, &chunks, &n);
	for (size_t i = 0; i < n; i++) {
		if (inventory_read(&a, chunks[i], &back, NULL) != 0)
			abort();
		entries += back.n;
	}
	if (entries != inv.n)
		abort();
	return 0;
}
