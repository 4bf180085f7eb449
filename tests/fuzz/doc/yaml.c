/*
 * What the YAML reader accepts must come out as valid JSON that reads back equal through both
 * readers, and as YAML that reads back equal; what it refuses must say why and where.
 */
#include <stdlib.h>

#include "doc/json.h"
#include "doc/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void read_back(struct arena *a, const struct node *n, const struct buf *text)
{
	struct yaml_stream stream;
	check(yaml_parse(a, buf_str(text), &stream, NULL) == 0);
	check(stream.n == 1 && node_equal(n, stream.documents[0].root));
}

/* Empty lines and lines that look like a document's start make a scalar at the root unlike its text. */
static bool is_collection(const struct node *n)
{
	return n->type == NODE_MAP || n->type == NODE_SEQ;
}

static void check_document(struct arena *a, const struct node *n)
{
	cleanup_buf struct buf json = BUF_INIT, yaml = BUF_INIT;
	struct node *again;
	json_write_sorted(&json, n);
	check(json_parse(a, buf_str(&json), true, &again, NULL) == 0);
	check(node_equal(n, again));
	if (!is_collection(n))
		return;
	if (n->type == NODE_MAP)
		read_back(a, n, &json);
	yaml_write(&yaml, n);
	read_back(a, n, &yaml);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct yaml_stream stream;
	int rc = yaml_parse(&a, (struct str){ (const char *)data, size }, &stream, &err);
	check((rc != 0) == (stream.n_errors > 0));
	check(rc == 0 || err.text[0]);
	for (size_t i = 0; i < stream.n_errors; i++)
		check(stream.errors[i].line > 0 && stream.errors[i].text[0]);
	for (size_t i = 0; i < stream.n; i++)
		check_document(&a, stream.documents[i].root);
	return 0;
}
