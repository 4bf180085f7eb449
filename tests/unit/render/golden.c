/*
 * golden.c - the cases of tests/golden that the real kubectl's modules answered.
 *
 *     golden documents|objects|marshal DIRECTORY
 *     golden print FILE        the documents, one a line; 1 when one is refused (for check-kubectl)
 *
 * documents, objects: want.json is what must come out, an object a line. With want.err kubectl refused
 * the file, and so must we; objects behind the mistake may come in addition. messages holds our
 * warnings and errors. With CAPSTAN_GOLDEN_UPDATE set, messages (and want.json of deviations) are written
 * anew instead of compared: read the difference before committing it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "doc/json.h"
#include "doc/yaml.h"
#include "render/render.h"

static unsigned cases, failures;
static bool update;

static bool read_file(const char *directory, const char *name, struct buf *out)
{
	char path[4096], chunk[65536];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "rb");
	buf_clear(out);
	if (!file)
		return false;
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file));)
		buf_add(out, chunk, n);
	fclose(file);
	return true;
}

static void write_file(const char *directory, const char *name, const struct buf *text)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (text->n == 0) {
		remove(path);
		return;
	}
	FILE *file = fopen(path, "wb");
	if (!file || fwrite(text->p, 1, text->n, file) != text->n || fclose(file)) {
		perror(path);
		exit(1);
	}
}

static void complain(const char *directory, const char *what, const struct buf *want, const struct buf *got)
{
	failures++;
	printf("%s: %s\n--- want\n%s+++ got\n%s\n", directory, what, want->n ? want->p : "",
	       got->n ? got->p : "");
}

static void put_json(struct buf *out, const struct node *root)
{
	json_write_sorted(out, root);
	buf_addc(out, '\n');
}

static bool read_documents(struct arena *a, const struct buf *in, struct buf *objects, struct buf *messages)
{
	struct yaml_stream s;
	int rc = yaml_parse(a, buf_str(in), &s, NULL);
	for (size_t i = 0; i < s.n; i++)
		put_json(objects, s.documents[i].root);
	for (size_t i = 0; i < s.n_warnings; i++)
		buf_printf(messages, "%u:%u: warning: %s\n", s.warnings[i].line, s.warnings[i].column,
			   s.warnings[i].text);
	for (size_t i = 0; i < s.n_errors; i++)
		buf_printf(messages, "%u:%u: error: %s\n", s.errors[i].line, s.errors[i].column,
			   s.errors[i].text);
	return rc == 0;
}

static bool read_objects(struct arena *a, const struct buf *in, struct buf *objects, struct buf *messages)
{
	struct render_file file = { .path = "in.yaml", .data = buf_str(in) };
	struct render_output out;
	render_plain(a, &(struct render_input){ .files = &file, .n = 1 }, &out);
	for (size_t i = 0; i < out.n; i++)
		put_json(objects, out.objects[i].root);
	for (size_t i = 0; i < out.n_diags; i++)
		buf_printf(messages, "%s\n", render_diag_text(a, &out.diags[i]));
	return out.n_errors == 0;
}

static void check_input(const char *directory, bool as_objects)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf in = BUF_INIT, want = BUF_INIT, want_messages = BUF_INIT, ignored = BUF_INIT;
	cleanup_buf struct buf got = BUF_INIT, messages = BUF_INIT;
	read_file(directory, "in.yaml", &in);
	bool good = as_objects ? read_objects(&a, &in, &got, &messages)
			       : read_documents(&a, &in, &got, &messages);
	bool deviation = read_file(directory, "deviation", &ignored);
	if (update) {
		write_file(directory, "messages", &messages);
		if (deviation)
			write_file(directory, "want.json", &got);
	}
	read_file(directory, "want.json", &want);
	read_file(directory, "messages", &want_messages);
	bool refused = read_file(directory, "want.err", &ignored);
	if (refused ? !str_starts(buf_str(&got), buf_str(&want)) : !str_eq(buf_str(&got), buf_str(&want)))
		complain(directory, "other objects than kubectl's", &want, &got);
	if (!deviation && good == refused)
		complain(directory, refused ? "kubectl refuses this" : "kubectl takes this", &ignored,
			 &messages);
	if (!str_eq(buf_str(&messages), buf_str(&want_messages)))
		complain(directory, "other messages", &want_messages, &messages);
}

static void check_marshal(const char *directory)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf in = BUF_INIT, want = BUF_INIT, got = BUF_INIT;
	struct node *root;
	struct error err = ERROR_INIT;
	read_file(directory, "in.json", &in);
	read_file(directory, "want.yaml", &want);
	if (json_parse(&a, buf_str(&in), true, &root, &err))
		buf_adds(&got, err.text);
	else
		yaml_write(&got, root);
	if (!str_eq(buf_str(&got), buf_str(&want)))
		complain(directory, "other YAML than sigs.k8s.io/yaml's", &want, &got);
}

static int print_file(const char *path)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf in = BUF_INIT, objects = BUF_INIT, messages = BUF_INIT;
	if (!read_file(path[0] == '/' ? "" : ".", path, &in)) {
		perror(path);
		return 2;
	}
	bool good = read_documents(&a, &in, &objects, &messages);
	fputs(objects.n ? objects.p : "", stdout);
	fputs(messages.n ? messages.p : "", stderr);
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && str_is(str_of(argv[1]), "print"))
		return print_file(argv[2]);
	struct dirent **names;
	int n = argc == 3 ? scandir(argv[2], &names, NULL, alphasort) : -1;
	if (n < 0) {
		fprintf(stderr, "usage: golden documents|objects|marshal DIRECTORY\n");
		return 2;
	}
	update = getenv("CAPSTAN_GOLDEN_UPDATE") != NULL;
	for (int i = 0; i < n; i++) {
		char directory[4096];
		snprintf(directory, sizeof(directory), "%s/%s", argv[2], names[i]->d_name);
		if (names[i]->d_name[0] != '.') {
			cases++;
			if (str_is(str_of(argv[1]), "marshal"))
				check_marshal(directory);
			else
				check_input(directory, str_is(str_of(argv[1]), "objects"));
		}
		free(names[i]);
	}
	free(names);
	printf("%s: %u passed, %u failed\n", argv[1], cases - failures, failures);
	return failures || !cases ? 1 : 0;
}
