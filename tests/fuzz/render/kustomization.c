/*
 * A kustomization file, and behind a NUL the env file it may name (x.env): built over a fixed base, it fails
 * with a word, or gives objects whose text reads back as the same objects.
 */
#include <stdlib.h>

#include "doc/yaml.h"
#include "render/kustomize/kustomize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static const char base[] = "resources: [web.yaml]\nconfigMapGenerator:\n- {name: cm, literals: [a=b]}\n";
static const char web[] =
	"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels: {app: web}\n"
	"spec:\n  replicas: 1\n  selector: {matchLabels: {app: web}}\n  template:\n"
	"    metadata: {labels: {app: web}}\n    spec:\n      containers:\n"
	"      - name: web\n        image: web:1\n        args: [\"$(NAME)\"]\n"
	"        envFrom: [{configMapRef: {name: cm}}]\n        ports: [{containerPort: 80}]\n"
	"---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";
static const char patch[] =
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n";
static const char transformer[] =
	"apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: q-\n"
	"fieldSpecs: [{path: metadata/name}]\n";

/* Objects that read back: what JSON cannot say as YAML would is left to the tests of doc. */
static void check_text(struct arena *a, const struct kustomize_result *result)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct yaml_stream stream;
	kustomize_print(result, &text);
	check(yaml_parse(a, buf_str(&text), &stream, NULL) == 0);
	check(stream.n == result->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {
		"app/kustomization.yaml",  "app/patch.yaml", "app/t.yaml", "app/x.env",
		"base/kustomization.yaml", "base/web.yaml"
	};
	cleanup_arena struct arena a = ARENA_INIT;
	struct str env, file = str_cut((struct str){ (const char *)data, size }, '\0', &env);
	const struct str texts[] = {
		file, str_of(patch), str_of(transformer), env, str_of(base), str_of(web)
	};
	struct tree_memory memory = { paths, texts, 6 };
	struct render_tree tree = tree_memory(&memory);
	struct origins origins = { 0 };
	struct kustomize_options options = { .origins = &origins };
	struct kustomize_result result;
	struct error err = ERROR_INIT;
	if (size > 1 << 16)
		return 0;
	int rc = kustomize_build(&a, &tree, "app", &options, &result, &err);
	check(rc == 0 || (rc == -1 && err.text[0]));
	if (rc == 0)
		check_text(&a, &result);
	origins_release(&origins);
	return 0;
}
