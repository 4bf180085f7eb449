/*
 * origins.c - where each value of a kustomize build comes from, as golden data: tests/golden/origins/CASE has
 * files in in/, of which in/target is built, and want: a line for each value. With CAPSTAN_GOLDEN_UPDATE set,
 * want is written anew: read the difference before committing it.
 *
 *     origins DIRECTORY
 */
#include "case_files.h"

#include "render/kustomize/kustomize.h"

/* "FILE:LINE (step)", then the same of what stood there before. */
static void put_origin(struct buf *out, const struct origins *o, uint32_t entry, uint32_t line)
{
	for (unsigned i = 0; i < 20; i++) {
		const struct origin *origin = origin_get(o, entry);
		if (!origin) {
			buf_adds(out, line ? "?" : "-");
			return;
		}
		buf_printf(out, "%s:%u", origin->file ? origin->file : "-", line);
		if (origin->step)
			buf_printf(out, " (%s)", origin->step);
		if (!origin->before)
			return;
		buf_adds(out, " <- ");
		line = origin->before_line;
		entry = origin->before;
	}
}

static void put_value(struct buf *out, const struct origins *o, const struct node *n, const char *path)
{
	char below[512];
	if (n->type == NODE_MAP || n->type == NODE_SEQ) {
		for (size_t i = 0; i < node_count(n); i++) {
			if (n->type == NODE_MAP)
				snprintf(below, sizeof(below), "%s.%.*s", path, STR_ARG(n->map.pairs[i].key));
			else
				snprintf(below, sizeof(below), "%s[%zu]", path, i);
			put_value(out, o, n->type == NODE_MAP ? n->map.pairs[i].value : n->seq.items[i],
				  below);
		}
		return;
	}
	buf_printf(out, "  %s: ", path + 1);
	for (size_t i = 0; i < n->text.n; i++)
		buf_addc(out, n->text.p[i] == '\n' ? '|' : n->text.p[i]);
	buf_adds(out, "  from  ");
	put_origin(out, o, n->origin, n->line);
	buf_addc(out, '\n');
}

static void build(struct files *f, struct buf *out)
{
	struct tree_memory memory = { f->paths.at, f->texts.at, f->paths.n };
	struct render_tree tree = tree_memory(&memory);
	struct origins origins = { 0 };
	struct kustomize_options options = { .order = KUSTOMIZE_ORDER_NONE, .origins = &origins };
	struct kustomize_result result;
	struct error err = ERROR_INIT;
	if (kustomize_build(&f->a, &tree, "target", &options, &result, &err))
		buf_printf(out, "%s\n", err.text);
	for (size_t i = 0; i < result.n; i++) {
		const struct kustomize_object *k = &result.objects[i];
		buf_printf(out, "%.*s %.*s, %s:%u\n", STR_ARG(k->kind), STR_ARG(k->name), k->file, k->line);
		put_value(out, &origins, k->root, "");
	}
	origins_release(&origins);
}

static bool check(const char *directory)
{
	char path[4096];
	struct files f = { .a = ARENA_INIT };
	cleanup_buf struct buf got = BUF_INIT, want = BUF_INIT;
	snprintf(path, sizeof(path), "%s/in", directory);
	read_files(&f, path);
	build(&f, &got);
	vec_release(&f.paths);
	vec_release(&f.texts);
	arena_release(&f.a);
	snprintf(path, sizeof(path), "%s/want", directory);
	if (getenv("CAPSTAN_GOLDEN_UPDATE")) {
		FILE *file = fopen(path, "wb");
		return file && fwrite(got.p, 1, got.n, file) == got.n && fclose(file) == 0;
	}
	read_file(path, &want);
	if (str_eq(buf_str(&got), buf_str(&want)))
		return true;
	printf("%s\n--- want\n%s+++ got\n%s\n", directory, want.n ? want.p : "", got.p);
	return false;
}

int main(int argc, char **argv)
{
	return each_case(argc, argv, check);
}
