/*
 * The input is what a program printed. As stderr it becomes lines that are short, UTF-8 and free of control
 * characters; as stdout it becomes objects or errors with a place.
 */
#include <stdlib.h>

#include "render/exec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *line)
{
	size_t n = strlen(line);
	if (n == 0 || n > EXEC_LINE_MAX + 3 || !str_utf8((struct str){ line, n }))
		abort();
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str text = { (const char *)data, size };
	const char **lines;
	struct render_output out;
	struct render_input in = { .n = 0 };
	size_t n = exec_lines(&a, text, &lines);
	if (n > EXEC_LINES_MAX || lines[n])
		abort();
	for (size_t i = 0; i < n; i++)
		check_line(lines[i]);
	render_exec(&a, "output", text, lines, n, &in, &out);
	for (size_t i = 0; i < out.n; i++)
		if (!out.objects[i].file || !out.objects[i].name.n)
			abort();
	return 0;
}
