/* Any paths, a line each: packed, each is there or below a directory that counts as a whole. */
#include <stdlib.h>

#include "repo/reads.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct looking {
	const char *path;
	char kind;
	bool found;
};

static void look(void *ctx, char kind, const char *path)
{
	struct looking *l = ctx;
	size_t n = strlen(path);
	bool below = n == 0 || (strncmp(l->path, path, n) == 0 && (l->path[n] == '/' || !l->path[n]));
	if ((kind == l->kind && strcmp(path, l->path) == 0) || (kind == 't' && below))
		l->found = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reads_notes notes = { 0 };
	struct reads reads = { 0 };
	struct str rest = { (const char *)data, size };
	while (rest.n) {
		struct str line = str_cut(rest, '\n', &rest);
		struct view_entry e = { .kind = VIEW_FILE };
		char kind = line.n ? line.p[0] : 'p';
		cleanup_free char *path = mem_strndup(line.n ? line.p + 1 : "", line.n ? line.n - 1 : 0);
		e.links = kind == 'l';
		if (kind == 't')
			reads_note_dir(&notes, path, false);
		else
			reads_note_path(&notes, path, &e);
	}
	reads_pack(&notes, &reads);
	if (reads.size > READS_PACKED_MAX && reads_count(&reads) > 1)
		abort();
	for (size_t i = 0; i < notes.list.n && i < 100; i++) {
		struct looking l = { notes.list.at[i].path, notes.list.at[i].kind, false };
		reads_each(&reads, look, &l);
		if (!l.found)
			abort();
	}
	reads_notes_release(&notes);
	reads_release(&reads);
	return 0;
}
