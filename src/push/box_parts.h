/* box_parts.h - what the files of the box share; see box.h. Room-internal. */
#pragma once

#include <sys/types.h>

#include "push/box.h"

#define BOX_CONTROL                                                                            \
	3 /* the inside's end: the spec comes in, one struct box_note after the other goes out \
	   */

struct box_note {
	enum {
		BOX_NOTE_FAILED,   /* text: what could not be set up */
		BOX_NOTE_LISTENER, /* with a socket: what builds see of the network */
		BOX_NOTE_EXIT,	   /* end, code */
	} kind;
	enum box_end end;
	int code;
	uint64_t memory, written;
	char text[400];
};

/* box_spec.c: the spec as text, both ways. */
void box_write(const struct box *box, struct buf *out);
int box_read(struct arena *a, struct str text, struct box *out, struct error *err);

void box_note(const struct box_note *note);
/* What could not be set up, with errno's reason; ends the process. */
_Noreturn void box_fail(const char *what);

/* box_spaces.c: namespaces and accounts of this process; its next child is the first of the pid namespace.
 * fds: as of box_open_binds(). */
void box_enter_spaces(const struct box *box, int *fds);

/* box_root.c: the root directory. fds: of the binds' sources, opened in the new mount namespace (those of
 * another cannot be bound), and before the account is changed (which may not come there). */
void box_open_binds(const struct box *box, int *fds);
void box_enter_root(const struct box *box, const int *fds);
/* Whether an overlay can be mounted in dir. */
bool box_overlay_works(const char *dir);

/* box_keep.c: the first process of the namespace. */
_Noreturn void box_keep(const struct box *box, const char *const *env);
