/*
 * restyle.c - upstream turns a resource into JSON for a JSON patch, and what comes back into YAML by
 * go-yaml's encoder, which it then parses. So numbers are doubles printed with %g, and a text is quoted when
 * it could be taken for something else, or when the emitter (libyaml's, in Go) would not write it plain.
 */
#include <stdlib.h>

#include "doc/number.h"
#include "doc/yaml.h"
#include "render/kustomize/patch.h"

static void restyle_number(struct arena *a, struct node *n)
{
	char text[NUMBER_TEXT_MAX];
	number_shortest_g(strtod(arena_strndup(a, n->text.p, n->text.n), NULL), 64, text);
	n->type = number_is_integer(str_of(text)) ? NODE_INT : NODE_FLOAT;
	if (!str_is(n->text, text))
		n->text = arena_str(a, str_of(text));
}

/* The emitter's rules for a plain text in a block, outside of keys. */
static bool may_be_plain(struct str s)
{
	char first = s.p[0], last = s.p[s.n - 1];
	bool space_behind = s.n == 1 || s.p[1] == ' ';
	if (strchr("#,[]{}&*!|>'\"%@`", first) || (strchr("-?:", first) && space_behind) || first == ' ' ||
	    last == ' ' || last == ':' || str_starts(s, STR("---")) || str_starts(s, STR("...")))
		return false;
	for (size_t i = 1; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c == '#' && s.p[i - 1] == ' ') || (c == ' ' && s.p[i - 1] == ':') || c < ' ' ||
		    c == 0x7f)
			return false;
	}
	return true;
}

static void restyle_text(struct node *n)
{
	if (n->text.n && str_find(n->text, '\n', 0) != SIZE_MAX)
		n->style = NODE_LITERAL;
	else if (yaml_needs_quotes(n->text))
		n->style = NODE_DOUBLE_QUOTED;
	else
		n->style = may_be_plain(n->text) ? NODE_PLAIN : NODE_SINGLE_QUOTED;
}

void krestyle(struct arena *a, struct node *n)
{
	n->untagged = false;
	switch (n->type) {
	case NODE_MAP:
		for (uint32_t i = 0; i < n->map.n; i++)
			krestyle(a, n->map.pairs[i].value);
		return;
	case NODE_SEQ:
		for (uint32_t i = 0; i < n->seq.n; i++)
			krestyle(a, n->seq.items[i]);
		return;
	case NODE_STRING:
		restyle_text(n);
		return;
	case NODE_INT:
	case NODE_FLOAT:
		restyle_number(a, n);
		break;
	case NODE_BOOL:
		n->text = n->boolean ? STR("true") : STR("false");
		break;
	case NODE_NULL:
		n->text = STR("null");
		break;
	}
	n->style = NODE_PLAIN;
}
