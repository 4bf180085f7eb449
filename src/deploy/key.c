/* key.c - see key.h. */
#include "deploy/key.h"

char *key_text(struct arena *a, struct key k)
{
	return arena_printf(a, "%.*s/%.*s/%.*s/%.*s", STR_ARG(k.group), STR_ARG(k.kind), STR_ARG(k.namespace),
			    STR_ARG(k.name));
}

bool key_split(struct str text, struct key *out)
{
	struct str rest;
	out->group = str_cut(text, '/', &rest);
	out->kind = str_cut(rest, '/', &rest);
	out->namespace = str_cut(rest, '/', &rest);
	out->name = rest;
	return out->kind.n > 0 && out->name.n > 0 && str_find(out->name, '/', 0) == SIZE_MAX;
}

char *key_display(struct arena *a, struct str text)
{
	struct key k;
	if (!key_split(text, &k))
		return arena_strndup(a, text.p, text.n);
	return arena_printf(a, "%.*s %.*s%s%.*s", STR_ARG(k.kind), STR_ARG(k.namespace),
			    k.namespace.n ? "/" : "", STR_ARG(k.name));
}
