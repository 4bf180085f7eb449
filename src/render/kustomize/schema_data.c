/* schema_data.c - lookups in the tables of schema_data.inc: all are sorted, and halved until found. */
#include "render/kustomize/schema_data.h"

#include <stdio.h>

struct field {
	uint16_t name, type;
};

struct kind {
	uint16_t group, version, kind, type;
	uint8_t scope;
};

struct definition {
	uint16_t prefix, name;
};

#include "render/kustomize/schema_data.inc"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

struct str schema_data_text(uint16_t offset)
{
	return str_of(strings + offset);
}

const struct kschema_type *schema_data_type(uint16_t number)
{
	return number ? &types[number] : NULL;
}

/* As str_cmp(), with a text of the block. */
static int compare(struct str s, uint16_t offset)
{
	return str_cmp(s, schema_data_text(offset));
}

uint16_t schema_data_field(const struct kschema_type *map, struct str name)
{
	size_t from = map->first, to = from + map->n;
	while (from < to) {
		size_t middle = (from + to) / 2;
		int order = compare(name, fields[middle].name);
		if (order == 0)
			return fields[middle].type;
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return map->form == FORM_MAP ? map->item : 0;
}

uint16_t schema_data_kind(struct str group, struct str version, struct str kind, enum kscope *scope)
{
	size_t from = 0, to = COUNT(kinds);
	*scope = KSCOPE_UNKNOWN;
	while (from < to) {
		size_t middle = (from + to) / 2;
		const struct kind *k = &kinds[middle];
		int order = compare(kind, k->kind);
		order = order ? order : compare(group, k->group);
		order = order ? order : compare(version, k->version);
		if (order == 0) {
			*scope = k->scope;
			return k->type;
		}
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return 0;
}

struct str schema_data_name(uint16_t number, char buf[256])
{
	if (number < FIRST_DEFINITION || number >= FIRST_DEFINITION + COUNT(definitions))
		return (struct str){ "", 0 };
	const struct definition *d = &definitions[number - FIRST_DEFINITION];
	int n = snprintf(buf, 256, "%s.%s", strings + prefixes[d->prefix], strings + d->name);
	return (struct str){ buf, (size_t)n };
}

/* Definitions are sorted by their whole names. */
uint16_t schema_data_definition(struct str name)
{
	size_t from = 0, to = COUNT(definitions);
	while (from < to) {
		size_t middle = (from + to) / 2;
		char buf[256];
		uint16_t number = (uint16_t)(FIRST_DEFINITION + middle);
		int order = str_cmp(name, schema_data_name(number, buf));
		if (order == 0)
			return number;
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return 0;
}
