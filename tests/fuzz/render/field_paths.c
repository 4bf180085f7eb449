/*
 * Input: a path on the first line, a value on the second, then an object as YAML. The path is followed in all
 * the ways there are, and the value written where it leads.
 */
#include <stdint.h>

#include "doc/yaml.h"
#include "render/kustomize/fieldspec.h"
#include "render/kustomize/replacement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int write_value(void *ctx, struct node *n, struct error *err)
{
	const struct kwriter *w = ctx;
	kwrite_scalar(w, n, STR("written"));
	return 0;
}

static struct node *object_of(struct arena *a, struct str text)
{
	struct yaml_options options = { .dialect = YAML_KYAML };
	struct yaml_stream stream;
	if (yaml_parse_as(a, text, &options, &stream, NULL) || stream.n == 0)
		return NULL;
	return stream.documents[0].root->type == NODE_MAP ? stream.documents[0].root : NULL;
}

static void print(struct arena *a, struct node *object)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct error err;
	if (yaml_settle(a, object, &err) == 0)
		yaml_write(&out, object);
}

static void as_field_spec(const struct kwriter *w, struct str path, struct node *object)
{
	struct kfieldspec spec = { .path = path, .create = true };
	struct kfield_walk walk = { w, KFIELD_STRING, write_value, (void *)w };
	struct kgvk gvk = { .kind = STR("Thing") };
	struct kfield field;
	struct error err;
	if (kfield_ready(w->build->a, &spec, &field, &err) == 0)
		kfield_apply(&walk, &field, &gvk, object, &err);
}

static void write_found(const struct kwriter *w, struct node *n, const struct node *value)
{
	if (kvalue_is_scalar(n))
		kwrite_text(w, n, value->text);
	else
		kwrite_node(w, n, value);
}

static void as_replacement(const struct kwriter *w, const struct kpath *path, struct node *object,
			   const struct node *value, bool create)
{
	struct kmatch how = { w->build->a, create ? w : NULL, NODE_STRING };
	struct error err;
	knode_list found = { 0 };
	kreplace_in_text(w, "thing.yaml", object, path, value, create);
	if (kpath_match(&how, object, path, &found, &err) == 0)
		for (size_t i = 0; i < found.n; i++)
			write_found(w, found.at[i], value);
	vec_release(&found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kustomize_options options;
	struct arena a = ARENA_INIT;
	struct kbuild b = { .a = &a, .options = &options };
	struct kwriter w = { .build = &b };
	struct str rest = { (const char *)data, size };
	struct str text = str_cut(rest, '\n', &rest), value_text = str_cut(rest, '\n', &rest);
	struct node *object = object_of(&a, rest), *found;
	struct node *value = yaml_kyaml_scalar(&a, value_text);
	struct kpath path;
	struct error err;
	if (object && str_utf8(text) && str_utf8(value_text) &&
	    kpath_split_smart(&a, text, '.', &path, &err) == 0) {
		kpath_lookup(object, &path, &found, &err);
		as_replacement(&w, &path, object, value, false);
		as_replacement(&w, &path, object, value, true);
		as_field_spec(&w, text, object);
		print(&a, object);
	}
	vec_release(&b.warnings);
	arena_release(&a);
	return 0;
}
