/*
 * The live hash of what a real API server answered: tests/golden/fields/CASE has the answer to our apply
 * (base.json), answers with the same hash (same-*.json) and with another one (differs-*.json).
 * tests/golden/fields/record made them.
 */
#include "unit/cmocka_all.h"

#include "deploy/cluster/live.h"
#include "doc/json.h"
#include "repo/tree.h"

enum { CASES = 4, ANSWERS_LEAST = 60 };

static struct node *parse(struct arena *a, const struct repo_file *file)
{
	struct node *object;
	struct error err = ERROR_INIT;
	if (json_parse(a, file->data, true, &object, &err) != 0)
		fail_msg("%s: %s", file->path, err.text);
	return object;
}

/* "deployment" of ".../fields/deployment/base.json". */
static struct str case_of(const struct repo_file *file, struct str *what)
{
	struct str path = str_of(file->path);
	const char *slash = memrchr(path.p, '/', path.n);
	*what = str_of(slash + 1);
	return (struct str){ path.p, (size_t)(slash - path.p) };
}

static const struct repo_file *base_of(const struct repo_files *files, struct str name)
{
	struct str what;
	for (size_t i = 0; i < files->n; i++)
		if (str_eq(case_of(&files->files[i], &what), name) && str_is(what, "base.json"))
			return &files->files[i];
	fail_msg("%.*s has no base.json", STR_ARG(name));
	return NULL;
}

static bool check(struct arena *a, const struct repo_files *files, const struct repo_file *file)
{
	struct str what, name = case_of(file, &what);
	struct hash base = fields_hash(parse(a, base_of(files, name)), "capstan");
	struct hash hash = fields_hash(parse(a, file), "capstan");
	bool want = !str_starts(what, STR("differs-"));
	if (!hash_is_zero(base) && hash_eq(base, hash) == want)
		return true;
	print_error("%s: the hash is %s\n", file->path, want ? "another one" : "the same");
	return false;
}

static void every_answer_hashes_as_its_name_says(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	size_t answers = 0, bases = 0, wrong = 0;
	assert_int_equal(repo_dir_read(GOLDEN_DIR "/fields", NULL, &a, &files, NULL), 0);
	for (size_t i = 0; i < files.n; i++) {
		struct str what, path = str_of(files.files[i].path);
		if (!str_ends(path, STR(".json")))
			continue;
		case_of(&files.files[i], &what);
		bases += str_is(what, "base.json");
		wrong += !check(&a, &files, &files.files[i]);
		answers++;
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(bases, CASES);
	assert_in_range(answers, ANSWERS_LEAST, 10000);
}

enum { DEPTH_MAX = 32 };

/* An object whose manager "m" owns the one path that chain spells out, last element first. */
static struct node *owner_of(struct arena *a, const struct node *object, const struct str *chain,
			     size_t depth)
{
	struct node *copy = object ? node_clone(a, object) : node_map(a), *fields = node_map(a),
		    *entry = node_map(a);
	struct node *list = node_seq(a);
	for (size_t i = depth; i-- > 0;) {
		struct node *outer = node_map(a);
		node_set(a, outer, chain[i], fields);
		fields = outer;
	}
	if (!object)
		node_set(a, copy, STR("metadata"), node_map(a));
	node_set(a, entry, STR("manager"), node_string(a, STR("m")));
	node_set(a, entry, STR("operation"), node_string(a, STR("Apply")));
	node_set(a, entry, STR("fieldsV1"), fields);
	node_push(a, list, entry);
	node_set(a, node_get(copy, "metadata"), STR("managedFields"), list);
	return copy;
}

static size_t require_found(const struct node *fields, const struct node *object, struct str *chain,
			    size_t depth)
{
	size_t paths = 0;
	for (size_t i = 0; i < node_count(fields); i++) {
		const struct node_pair *pair = &fields->map.pairs[i];
		assert_in_range(depth, 0, DEPTH_MAX - 1);
		chain[depth] = pair->key;
		if (node_count(pair->value)) {
			paths += require_found(pair->value, object, chain, depth + 1);
			continue;
		}
		cleanup_arena struct arena a = ARENA_INIT;
		struct hash there = fields_hash(owner_of(&a, object, chain, depth + 1), "m");
		if (hash_eq(there, fields_hash(owner_of(&a, NULL, chain, depth + 1), "m")))
			fail_msg("nothing found for %.*s", STR_ARG(pair->key));
		paths++;
	}
	return paths;
}

/* A field of ours that is not found in the object would be one whose changes go unseen. */
static void all_that_is_ours_is_found(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct repo_files files;
	struct str chain[DEPTH_MAX];
	size_t paths = 0;
	assert_int_equal(repo_dir_read(GOLDEN_DIR "/fields", NULL, &a, &files, NULL), 0);
	for (size_t i = 0; i < files.n; i++) {
		if (!str_ends(str_of(files.files[i].path), STR("base.json")))
			continue;
		const struct node *object = parse(&a, &files.files[i]);
		const struct node *entry = node_item(node_at(object, "metadata.managedFields"), 0);
		paths += require_found(node_get(entry, "fieldsV1"), object, chain, 0);
	}
	assert_in_range(paths, 60, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_hashes_as_its_name_says),
		cmocka_unit_test(all_that_is_ours_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
