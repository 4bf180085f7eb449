/*
 * json_read.h - the JSON reader's room-internal face: one value out of a stream of them.
 */
#pragma once

#include "base/error.h"
#include "doc/node.h"

struct json_reader {
	struct arena *a;
	struct str text;     /* the source, untouched: positions are counted here */
	char *work;	     /* a copy that yyjson unescapes in place and nodes borrow from */
	size_t pos;	     /* bytes of text that were read */
	uint32_t line;	     /* 1-based line at pos */
	size_t line_start;   /* offset of that line */
	bool strict;	     /* duplicate keys are an error */
	bool canonical;	     /* numbers become what kubectl sends (number.h) */
	bool many;	     /* stop behind the value instead of asking for the end of the text */
	uint32_t error_line; /* place of the last failure */
	uint32_t error_column;
	bool refused; /* the failure is a rule of ours (duplicate, depth, range), not a syntax error */
};

void json_reader_init(struct json_reader *r, struct arena *a, struct str text);
/*
 * Reads the next value. err: what is wrong, without the place. After a syntax error pos has not
 * moved; a value that was refused is read over.
 */
int json_reader_next(struct json_reader *r, struct node **out, struct error *err);
/* Moves over white space; false at the end of the text. */
bool json_reader_more(struct json_reader *r);
