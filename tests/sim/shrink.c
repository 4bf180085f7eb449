/* shrink.c - greedy: leave one thing out, keep that when the history still fails. */
#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fails(uint64_t seed, const struct only *only, enum variant variant)
{
	struct verdict v;
	history_run(seed, only, variant, false, &v);
	return v.failure[0];
}

static bool keep_if(uint64_t seed, enum variant variant, struct only *only, const struct only *smaller)
{
	if (!fails(seed, smaller, variant))
		return false;
	*only = *smaller;
	return true;
}

static void skip_range(struct only *o, size_t from, size_t to)
{
	for (size_t i = from; i < to && i < 256; i++)
		o->skip[i / 64] |= (uint64_t)1 << (i % 64);
}

static void shrink_steps(uint64_t seed, enum variant variant, struct only *only)
{
	/* Of pushes there are more: what happens to each has a number, too. */
	size_t steps = only->part == PART_PUSHES ? 48 : 24;
	for (size_t width = steps / 2; width; width /= 2) {
		for (size_t at = 0; at < steps; at += width) {
			struct only smaller = *only;
			skip_range(&smaller, at, at + width);
			if (memcmp(&smaller, only, sizeof(smaller)) != 0)
				keep_if(seed, variant, only, &smaller);
		}
	}
}

void history_shrink(uint64_t seed, enum variant variant, struct only *only)
{
	only->faults &= (1u << FAULT_CLASSES) - 1;
	struct only smaller = *only;
	smaller.part = PART_PUSHES;
	if (!keep_if(seed, variant, only, &smaller)) {
		smaller.part = PART_APPS;
		keep_if(seed, variant, only, &smaller);
	}
	smaller = *only;
	smaller.faults = 0;
	if (!keep_if(seed, variant, only, &smaller)) {
		for (int i = 0; i < FAULT_CLASSES; i++) {
			smaller = *only;
			smaller.faults &= ~(1u << i);
			keep_if(seed, variant, only, &smaller);
		}
	}
	shrink_steps(seed, variant, only);
	if (only->part == PART_PUSHES) {
		shrink_steps(seed, variant, only);
		return;
	}
	for (int i = 1; i < APPS_MAX; i++) {
		smaller = *only;
		smaller.apps = i;
		if ((!only->apps || i < only->apps) && keep_if(seed, variant, only, &smaller))
			break;
	}
	for (int i = 1; i < 12; i++) {
		smaller = *only;
		smaller.objects = i;
		if ((!only->objects || i < only->objects) && keep_if(seed, variant, only, &smaller))
			break;
	}
	shrink_steps(seed, variant, only);
}

static bool parse_faults(char *text, struct only *out)
{
	char *state = NULL;
	out->faults = 0;
	for (char *name = strtok_r(text, "+", &state); name; name = strtok_r(NULL, "+", &state)) {
		int i = 0;
		while (i < FAULT_CLASSES && strcmp(FAULT_NAMES[i], name) != 0)
			i++;
		if (i == FAULT_CLASSES && strcmp(name, "none") != 0)
			return false;
		if (i < FAULT_CLASSES)
			out->faults |= 1u << i;
	}
	return true;
}

static bool parse_skip(char *text, struct only *out)
{
	char *state = NULL;
	for (char *item = strtok_r(text, ".", &state); item; item = strtok_r(NULL, ".", &state)) {
		char *end;
		unsigned long from = strtoul(item, &end, 10), to = from;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (*end || to < from || to > 255)
			return false;
		skip_range(out, from, to + 1);
	}
	return true;
}

static const char *const PARTS[] = {
	[PART_BOTH] = "both",
	[PART_APPS] = "apps",
	[PART_PUSHES] = "pushes",
};

static bool parse_part(const char *text, struct only *out)
{
	for (int i = PART_BOTH; i <= PART_PUSHES; i++) {
		out->part = (enum part)i;
		if (strcmp(text, PARTS[i]) == 0)
			return true;
	}
	return false;
}

bool only_parse(const char *text, struct only *out)
{
	*out = (struct only)ONLY_ALL;
	cleanup_free char *copy = mem_strdup(text);
	char *state = NULL;
	for (char *part = strtok_r(copy, ",", &state); part; part = strtok_r(NULL, ",", &state)) {
		char *value = strchr(part, '=');
		if (!value)
			return false;
		*value++ = '\0';
		bool good = true;
		if (strcmp(part, "part") == 0)
			good = parse_part(value, out);
		else if (strcmp(part, "apps") == 0)
			out->apps = atoi(value);
		else if (strcmp(part, "objects") == 0)
			out->objects = atoi(value);
		else if (strcmp(part, "faults") == 0)
			good = parse_faults(value, out);
		else if (strcmp(part, "skip") == 0)
			good = parse_skip(value, out);
		else
			good = false;
		if (!good)
			return false;
	}
	return true;
}

void only_print(const struct only *only, struct buf *out)
{
	if (only->part != PART_BOTH)
		buf_printf(out, "part=%s,", PARTS[only->part]);
	buf_adds(out, "faults=");
	size_t n = 0;
	for (int i = 0; i < FAULT_CLASSES; i++)
		if (only->faults >> i & 1)
			buf_printf(out, "%s%s", n++ ? "+" : "", FAULT_NAMES[i]);
	if (!n)
		buf_adds(out, "none");
	if (only->apps)
		buf_printf(out, ",apps=%d", only->apps);
	if (only->objects)
		buf_printf(out, ",objects=%d", only->objects);
	n = 0;
	for (size_t i = 0; i < 256; i++) {
		if (!(only->skip[i / 64] >> (i % 64) & 1))
			continue;
		size_t end = i;
		while (end + 1 < 256 && (only->skip[(end + 1) / 64] >> ((end + 1) % 64) & 1))
			end++;
		buf_printf(out, n++ ? ".%zu" : ",skip=%zu", i);
		if (end > i)
			buf_printf(out, "-%zu", end);
		i = end;
	}
}
