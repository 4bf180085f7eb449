/*
 * option.c - one pass over argv. A reader holds where it is; each form of option ends in store().
 */
#include "cmd/option.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/guess.h"
#include "base/str.h"

struct reader {
	const struct option_def *defs;
	size_t n;
	int argc, at;
	const char *const *argv;
	const struct option_target *target;
	struct error *err;
};

static const struct option_def *find_name(const struct option_def *defs, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(name, defs[i].name))
			return &defs[i];
	return NULL;
}

static const struct option_def *find_letter(const struct option_def *defs, size_t n, char letter)
{
	for (size_t i = 0; i < n; i++)
		if (defs[i].letter == letter)
			return &defs[i];
	return NULL;
}

/* --- the nearest name --- */

const char *option_nearest(const char *typed, const char *const *names, size_t n)
{
	struct guess guess = guess_start(str_of(typed));
	for (size_t i = 0; i < n; i++)
		guess_try(&guess, str_of(names[i]));
	return guess.best.p;
}

static int unknown_name(struct reader *r, struct str name)
{
	const char *names[128];
	size_t n = 0;
	for (size_t i = 0; i < r->n && n < 128; i++)
		names[n++] = r->defs[i].name;
	char typed[GUESS_LENGTH_MAX + 2];
	snprintf(typed, sizeof(typed), "%.*s", STR_ARG(name));
	const char *nearest = option_nearest(typed, names, n);
	if (nearest)
		return error_set(r->err, "unknown option --%.*s; did you mean --%s?", STR_ARG(name), nearest);
	return error_set(r->err, "unknown option --%.*s", STR_ARG(name));
}

/* --- values --- */

static int bad_value(struct reader *r, const struct option_def *def, const char *value, const char *wanted)
{
	return error_set(r->err, "--%s: \"%s\" is not %s", def->name, value, wanted);
}

static int store_item(struct reader *r, const struct option_def *def, const char *value, void *field)
{
	struct option_list *list = field;
	if (list->n == OPTION_LIST_MAX)
		return bad_value(r, def, value, "not given that often");
	list->at[list->n++] = value;
	return 0;
}

static int store_choice(struct reader *r, const struct option_def *def, const char *value, const char **field)
{
	struct buf words = BUF_INIT;
	for (size_t i = 0; def->choices[i]; i++) {
		if (strcmp(def->choices[i], value) == 0) {
			*field = def->choices[i];
			buf_release(&words);
			return 0;
		}
		buf_printf(&words, "%s%s", i == 0 ? "one of " : ", ", def->choices[i]);
	}
	bad_value(r, def, value, words.p);
	buf_release(&words);
	return -1;
}

static int store(struct reader *r, const struct option_def *def, const char *value)
{
	void *base = def->home == OPTION_COMMON ? r->target->common : r->target->own;
	void *field = (char *)base + def->offset;
	int64_t number;
	switch (def->kind) {
	case OPTION_FLAG:
		if (value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			return bad_value(r, def, value, "true or false");
		*(bool *)field = !value || value[0] == 't';
		return 0;
	case OPTION_TEXT:
		*(const char **)field = value;
		return 0;
	case OPTION_LIST:
		return store_item(r, def, value, field);
	case OPTION_CHOICE:
		return store_choice(r, def, value, field);
	case OPTION_DURATION:
		if (strcmp(value, "0") == 0)
			number = 0;
		else if (!clock_parse_duration(str_of(value), &number) || number < 0)
			return bad_value(r, def, value, "a duration such as 30s, 5m or 1h30m");
		*(int64_t *)field = number;
		return 0;
	case OPTION_COUNT:
		if (!str_int64(str_of(value), &number) || number < 0)
			return bad_value(r, def, value, "a whole number");
		*(int64_t *)field = number;
		return 0;
	}
	return -1;
}

/* value: what stood behind `=` or the letter; NULL: the next argument is it. */
static int take(struct reader *r, const struct option_def *def, const char *value)
{
	if (def->kind != OPTION_FLAG && !value) {
		if (r->at + 1 >= r->argc)
			return error_set(r->err, "--%s needs a value: --%s=%s", def->name, def->name,
					 def->value);
		value = r->argv[++r->at];
	}
	return store(r, def, value);
}

static int read_long(struct reader *r, const char *text)
{
	const char *equals = strchr(text, '=');
	struct str name = { text, equals ? (size_t)(equals - text) : strlen(text) };
	const struct option_def *def = find_name(r->defs, r->n, name);
	if (!def)
		return unknown_name(r, name);
	return take(r, def, equals ? equals + 1 : NULL);
}

static int read_letters(struct reader *r, const char *letters)
{
	for (const char *p = letters; *p; p++) {
		const struct option_def *def = find_letter(r->defs, r->n, *p);
		if (!def && p == letters && find_name(r->defs, r->n, str_of(letters)))
			return error_set(r->err, "unknown option -%s; did you mean --%s?", letters, letters);
		if (!def)
			return error_set(r->err, "unknown option -%c", *p);
		if (p[1] == '=')
			return take(r, def, p + 2);
		if (def->kind != OPTION_FLAG)
			return take(r, def, p[1] ? p + 1 : NULL);
		if (store(r, def, NULL) != 0)
			return -1;
	}
	return 0;
}

int option_parse(const struct option_def *defs, size_t n, int argc, const char *const *argv,
		 const struct option_target *target, struct operands *operands, struct error *err)
{
	struct reader r = { .defs = defs, .n = n, .argc = argc, .argv = argv, .target = target, .err = err };
	bool ended = false;
	for (; r.at < argc; r.at++) {
		const char *word = argv[r.at];
		int rc = 0;
		if (ended || word[0] != '-' || word[1] == '\0')
			operands->at[operands->n++] = word;
		else if (strcmp(word, "--") == 0)
			ended = true;
		else if (word[1] == '-')
			rc = read_long(&r, word + 2);
		else
			rc = read_letters(&r, word + 1);
		if (rc != 0)
			return -1;
	}
	return 0;
}

int option_span(const struct option_def *defs, size_t n, int argc, const char *const *argv)
{
	const char *word = argv[0];
	if (argc == 0 || word[0] != '-' || word[1] == '\0' || strcmp(word, "--") == 0)
		return 0;
	const struct option_def *def = NULL;
	bool inside = false;
	if (word[1] == '-') {
		size_t length = strcspn(word + 2, "=");
		def = find_name(defs, n, (struct str){ word + 2, length });
		inside = word[2 + length] == '=';
	} else {
		def = find_letter(defs, n, word[1]);
		inside = word[2] != '\0';
	}
	if (!def)
		return 0;
	return def->kind != OPTION_FLAG && !inside && argc > 1 ? 2 : 1;
}
