/*
 * yaml_words.c - libyaml's complaints in plain words: what to look for, at the place where the
 * mistake is rather than where it was noticed.
 */
#include <stdio.h>

#include "doc/yaml_parts.h"

struct words {
	const char *problem; /* libyaml's text begins like this */
	bool at_context;     /* the mistake is where the construct began */
	bool names_start;    /* the text takes the line where it began */
	const char *text;
};

static const struct words table[] = {
	{ "found unexpected end of stream", true, false, "the quote that opens here is never closed" },
	{ "found unexpected document indicator", true, false, "the quote that opens here is never closed" },
	{ "could not find expected ':'", true, false,
	  "a `:` is missing behind this key, or this line continues a text that must be quoted or indented" },
	{ "mapping values are not allowed in this context", false, false,
	  "a `:` followed by a space is not allowed here: quote the text, or check the indentation" },
	{ "did not find expected key", false, true,
	  "this does not fit the map that begins on line %u: check the indentation, and quotes inside the text" },
	{ "did not find expected '-' indicator", false, true,
	  "this is no item (`- `) of the list that begins on line %u: check the indentation" },
	{ "did not find expected ',' or ']'", false, true,
	  "the list `[` that begins on line %u lacks a `,` or its `]` before this" },
	{ "did not find expected ',' or '}'", false, true,
	  "the map `{` that begins on line %u lacks a `,` or its `}` before this" },
	{ "block sequence entries are not allowed in this context", false, false,
	  "a list item (`- `) is not allowed here: put it on a line of its own below its key" },
	{ "block mapping is not allowed", false, false, "a map cannot begin here: check the indentation" },
	{ "mapping keys are not allowed in this context", false, false,
	  "`?` begins a key and is not allowed here: quote the text" },
	{ "did not find expected node content", false, false, "a value is missing before this" },
	{ "did not find expected <document start>", false, false,
	  "there is content behind the end of the document, or a % directive, which kubectl does not take: remove it" },
	{ "did not find expected alphabetic or numeric character", true, false,
	  "`*` begins an alias and `&` an anchor: quote the text if it is meant as it stands" },
	{ "found unknown escape character", false, false,
	  "this escape (\\) is not known in double quotes: write \\\\ for a backslash, or use single quotes" },
	{ "found undefined tag handle", false, false,
	  "`!` begins a tag: quote the text if it is meant as it stands" },
	{ "found a tab character", false, false, "a tab is used for indentation: YAML takes spaces only" },
	{ "found invalid Unicode character escape code", true, false,
	  "this text has a \\u escape that is no character (write characters beyond U+FFFF as \\U0001F600)" },
};

/* The byte at a mark, which counts characters; '\0' at the end. */
static char byte_at(struct str text, size_t index)
{
	size_t at = 0;
	for (; at < text.n; at++) {
		if (((unsigned char)text.p[at] & 0xc0) == 0x80)
			continue;
		if (index-- == 0)
			return text.p[at];
	}
	return '\0';
}

static void set_place(struct yaml_place *place, const yaml_mark_t *mark, uint32_t first_line)
{
	place->line = first_line + (uint32_t)mark->line;
	place->column = (uint32_t)mark->column + 1;
}

static void explain_character(char c, struct error *err)
{
	if (c == '\t')
		error_set(err, "a tab is used for indentation: YAML takes spaces only");
	else
		error_set(err, "a text cannot begin with `%c`: quote it", c);
}

void yaml_explain(const yaml_parser_t *parser, struct str text, uint32_t first_line, struct yaml_place *place,
		  struct error *err)
{
	struct str problem = str_of(parser->problem ? parser->problem : "the text is broken");
	set_place(place, &parser->problem_mark, first_line);
	if (str_is(problem, "found character that cannot start any token")) {
		explain_character(byte_at(text, parser->problem_mark.index), err);
		return;
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct words *w = &table[i];
		if (!str_starts(problem, str_of(w->problem)))
			continue;
		if (w->at_context && parser->context)
			set_place(place, &parser->context_mark, first_line);
		if (w->names_start) {
			cleanup_buf struct buf line = BUF_INIT;
			const char *hole = strstr(w->text, "%u");
			buf_add(&line, w->text, (size_t)(hole - w->text));
			buf_printf(&line, "%u", first_line + (uint32_t)parser->context_mark.line);
			buf_adds(&line, hole + 2);
			error_set(err, "%s", line.p);
		} else {
			error_set(err, "%s", w->text);
		}
		return;
	}
	error_set(err, "not valid YAML: %s%s%.*s", parser->context ? parser->context : "",
		  parser->context ? ": " : "", STR_ARG(problem));
}
