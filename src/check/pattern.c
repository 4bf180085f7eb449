/*
 * pattern.c - see pattern.h. PCRE2 takes what Go's RE2 takes, apart from a few escapes; the other way round a
 * pattern with look-around, which the API server refuses, is simply evaluated.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "check/pattern.h"

#include "check/schema.h"

#define PATTERN_MATCH_LIMIT 100000u
#define PATTERN_DEPTH_LIMIT 1000u

struct pattern {
	struct str source;
	bool tried;
	pcre2_code *code;
};

struct pattern *pattern_new(struct arena *a, struct str source)
{
	struct pattern *p = arena_new(a, struct pattern);
	p->source = source;
	return p;
}

void pattern_release(struct pattern *p)
{
	pcre2_code_free(p->code);
	p->code = NULL;
	p->tried = false;
}

struct str pattern_source(const struct pattern *p)
{
	return p->source;
}

static void compile(struct pattern *p)
{
	int code;
	size_t at;
	p->tried = true;
	if (p->source.n > SCHEMA_PATTERN_MAX)
		return;
	/* Go: `$` is the end of the text, not a place before a final newline. */
	p->code = pcre2_compile((PCRE2_SPTR)p->source.p, p->source.n,
				PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
}

enum pattern_answer pattern_find(struct pattern *p, struct str text)
{
	if (!p->tried)
		compile(p);
	if (!p->code)
		return PATTERN_UNKNOWN;
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	if (!limits || !data)
		abort();
	pcre2_set_match_limit(limits, PATTERN_MATCH_LIMIT);
	pcre2_set_depth_limit(limits, PATTERN_DEPTH_LIMIT);
	int rc = pcre2_match(p->code, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, 0, 0, data, limits);
	pcre2_match_data_free(data);
	pcre2_match_context_free(limits);
	return rc >= 0 ? PATTERN_YES : rc == PCRE2_ERROR_NOMATCH ? PATTERN_NO : PATTERN_UNKNOWN;
}
