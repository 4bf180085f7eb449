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
	inventory_write(&text, &inv);
	if (inventory_read(&a, buf_str(&text), &back, NULL) != 0 || back.n != inv.n)
		abort();
	return 0;
}
