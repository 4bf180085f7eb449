/* What the JSON reader accepts, the writers must print so that it reads back equal. */
#include <stdlib.h>

#include "doc/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void round_trip(struct arena *a, const struct node *n,
		       void (*write)(struct buf *, const struct node *))
{
	cleanup_buf struct buf text = BUF_INIT;
	struct node *again;
	write(&text, n);
	check(json_parse(a, buf_str(&text), true, &again, NULL) == 0);
	check(node_equal(n, again));
	check(hash_eq(json_hash(n), json_hash(again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct node *strict, *lax;
	struct str text = { (const char *)data, size };
	int strict_rc = json_parse(&a, text, true, &strict, &err);
	if (json_parse(&a, text, false, &lax, NULL)) {
		check(strict_rc != 0 && err.text[0]);
		return 0;
	}
	round_trip(&a, lax, json_write);
	round_trip(&a, lax, json_write_sorted);
	round_trip(&a, lax, json_write_pretty);
	check(node_equal(lax, node_clone(&a, lax)));
	if (strict_rc == 0)
		check(node_equal(strict, lax));
	return 0;
}
