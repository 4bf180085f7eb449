/*
 * golden.c - the cases of tests/golden/check: `golden DIRECTORY`.
 *
 * NAME/in holds files of one environment, or with the option `environments` a folder for each. Every file is
 * also looked at as a text. NAME/options, if it is there, has a word and a value a line: minor, namespace,
 * cluster, schema and allow (files beside it), environments. NAME/want.json is what must be found, a finding
 * a line; with CAPSTAN_GOLDEN_UPDATE set it is written anew instead of compared: read the difference before
 * committing it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "check/check.h"
#include "doc/json.h"

#define FILES_MAX 256

struct files {
	struct render_file at[FILES_MAX];
	size_t n;
};

static void fail(const char *what)
{
	fprintf(stderr, "golden: %s\n", what);
	exit(1);
}

static struct str read_file(struct arena *a, const char *path)
{
	cleanup_buf struct buf text = BUF_INIT;
	char chunk[65536];
	FILE *file = fopen(path, "rb");
	if (!file)
		return (struct str){ NULL, 0 };
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file));)
		buf_add(&text, chunk, n);
	fclose(file);
	return arena_str(a, buf_str(&text));
}

/* Files below directory, named by their path below it with `prefix` in front. */
static void read_files(struct arena *a, const char *directory, const char *prefix, struct files *out)
{
	struct dirent **names;
	int n = scandir(directory, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		const char *path = arena_printf(a, "%s/%s", directory, names[i]->d_name);
		const char *shown = arena_printf(a, "%s%s", prefix, names[i]->d_name);
		struct stat st;
		if (names[i]->d_name[0] == '.' || stat(path, &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode))
			read_files(a, path, arena_printf(a, "%s/", shown), out);
		else if (out->n < FILES_MAX)
			out->at[out->n++] = (struct render_file){ shown, read_file(a, path) };
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	if (n >= 0)
		free(names);
}

struct golden {
	struct arena *a;
	const char *directory, *namespace, *cluster;
	const char *schema[8], *allow[8];
	size_t n_schema, n_allow;
	unsigned minor;
	bool environments;
};

static void read_options(struct golden *g)
{
	struct str text = read_file(g->a, arena_printf(g->a, "%s/options", g->directory));
	while (text.n) {
		struct str line = str_cut(text, '\n', &text), value, word = str_cut(line, ' ', &value);
		const char *z = arena_strndup(g->a, value.p ? value.p : "", value.n);
		if (str_is(word, "minor"))
			g->minor = (unsigned)atoi(z);
		else if (str_is(word, "namespace"))
			g->namespace = z;
		else if (str_is(word, "cluster"))
			g->cluster = z;
		else if (str_is(word, "environments"))
			g->environments = true;
		else if (str_is(word, "schema") && g->n_schema < 8)
			g->schema[g->n_schema++] = z;
		else if (str_is(word, "allow") && g->n_allow < 8)
			g->allow[g->n_allow++] = z;
		else if (word.n)
			fail("an option is not known");
	}
}

static void check_files(struct golden *g, struct check *c, const char *name, struct files *files,
			bool only_definitions)
{
	struct render_output out;
	render_plain(g->a, &(struct render_input){ .files = files->at, .n = files->n }, &out);
	struct check_environment e = { .name = name,
				       .objects = out.objects,
				       .n = out.n,
				       .diags = out.diags,
				       .n_diags = out.n_diags,
				       .namespace = g->namespace,
				       .cluster = g->cluster };
	if (only_definitions) {
		check_definitions(c, &e);
		return;
	}
	check_environment(c, &e);
	for (size_t i = 0; i < files->n; i++)
		check_text(c, files->at[i].path, files->at[i].data);
}

static void check_all(struct golden *g, struct check *c)
{
	const char *in = arena_printf(g->a, "%s/in", g->directory);
	struct files *files = arena_new(g->a, struct files);
	if (!g->environments) {
		read_files(g->a, in, "", files);
		check_files(g, c, "", files, true);
		check_files(g, c, "", files, false);
		return;
	}
	struct dirent **names;
	int n = scandir(in, &names, NULL, alphasort);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < n; i++) {
			const char *name = names[i]->d_name;
			files->n = 0;
			if (name[0] == '.' || strcmp(name, "base") == 0)
				continue;
			/* What environments share lies in base, and is found once for all of them. */
			read_files(g->a, arena_printf(g->a, "%s/base", in), "base/", files);
			read_files(g->a, arena_printf(g->a, "%s/%s", in, name),
				   arena_printf(g->a, "%s/", name), files);
			check_files(g, c, arena_strdup(g->a, name), files, pass == 0);
		}
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static void set(struct arena *a, struct node *n, struct str key, const char *text)
{
	if (text)
		node_set(a, n, key, node_string(a, str_of(text)));
}

static void put_finding(struct arena *a, struct buf *out, const struct check_finding *f)
{
	struct node *n = node_map(a), *environments = node_seq(a);
	set(a, n, STR("at"), arena_printf(a, "%s:%u:%u", f->file, f->line, f->column));
	set(a, n, STR("rule"), check_rules[f->rule].id);
	set(a, n, STR("severity"), check_severity_name(f->severity));
	set(a, n, STR("object"), f->object);
	set(a, n, STR("path"), f->path);
	set(a, n, STR("message"), f->text);
	set(a, n, STR("allowed"), f->allowed);
	for (size_t i = 0; i < f->n_environments; i++)
		node_push(a, environments, node_string(a, str_of(f->environments[i])));
	if (f->n_environments)
		node_set(a, n, STR("environments"), environments);
	json_write(out, n);
}

static void found(struct golden *g, struct buf *out)
{
	struct error err = ERROR_INIT;
	struct check *c = check_new(&(struct check_options){ .minor = g->minor });
	for (size_t i = 0; i < g->n_schema; i++)
		if (check_schema(c, g->schema[i],
				 read_file(g->a, arena_printf(g->a, "%s/%s", g->directory, g->schema[i])),
				 &err))
			fail(err.text);
	for (size_t i = 0; i < g->n_allow; i++)
		if (check_allow_text(c, g->allow[i],
				     read_file(g->a, arena_printf(g->a, "%s/%s", g->directory, g->allow[i])),
				     &err))
			fail(err.text);
	check_all(g, c);
	struct check_result result;
	check_finish(c, &result);
	buf_adds(out, "[");
	for (size_t i = 0; i < result.n; i++) {
		buf_adds(out, i ? ",\n" : "\n");
		put_finding(g->a, out, &result.findings[i]);
	}
	buf_adds(out, "\n]\n");
	check_free(c);
}

/* Whether a case is as it should be. */
static bool run(const char *directory)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf got = BUF_INIT;
	struct golden g = { .a = &a, .directory = directory };
	const char *path = arena_printf(&a, "%s/want.json", directory);
	read_options(&g);
	found(&g, &got);
	if (getenv("CAPSTAN_GOLDEN_UPDATE")) {
		FILE *file = fopen(path, "wb");
		if (!file || fwrite(got.p, 1, got.n, file) != got.n || fclose(file))
			fail(path);
		return true;
	}
	struct str want = read_file(&a, path);
	if (str_eq(want, buf_str(&got)))
		return true;
	printf("%s\n--- want\n%.*s+++ got\n%s\n", directory, STR_ARG(want), got.p);
	return false;
}

int main(int argc, char **argv)
{
	struct dirent **names;
	int n = argc == 2 ? scandir(argv[1], &names, NULL, alphasort) : -1, cases = 0, failures = 0;
	for (int i = 0; i < n; i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		if (names[i]->d_name[0] != '.') {
			cases++;
			failures += !run(arena_printf(&a, "%s/%s", argv[1], names[i]->d_name));
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	printf("%d cases, %d failed\n", cases, failures);
	return failures || cases == 0;
}
