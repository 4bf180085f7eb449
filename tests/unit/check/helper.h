/* helper.h - one check of a few texts, for tests. */
#pragma once

#include "../cmocka_all.h"

#include <stdio.h>

#include "check/check.h"

struct checked {
	struct arena a;
	struct check *c;
	struct check_result result;
};

static inline void checked_release(struct checked *k)
{
	check_free(k->c);
	arena_release(&k->a);
}

#define CHECKED_INIT \
	{            \
		0    \
	}
#define cleanup_checked cleanup(checked_release)

static inline void checked_environment(struct checked *k, const char *name, const char *text)
{
	struct render_output out;
	struct render_file *file = arena_new(&k->a, struct render_file);
	*file = (struct render_file){ "a.yaml", str_of(text) };
	render_plain(&k->a, &(struct render_input){ .files = file, .n = 1 }, &out);
	struct check_environment e = {
		.name = name, .objects = out.objects, .n = out.n, .diags = out.diags, .n_diags = out.n_diags
	};
	check_definitions(k->c, &e);
	check_environment(k->c, &e);
}

static inline void checked_text(struct checked *k, const char *text, const struct check_options *options)
{
	k->c = check_new(options ? options : &(struct check_options){ .minor = 0 });
	checked_environment(k, "", text);
	check_finish(k->c, &k->result);
}

/* The findings as "LINE RULE severity; ..." */
static inline const char *checked_said(struct checked *k)
{
	cleanup_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < k->result.n; i++) {
		const struct check_finding *f = &k->result.findings[i];
		buf_printf(&text, "%s%u %s %s", i ? "; " : "", f->line, check_rules[f->rule].id,
			   check_severity_name(f->severity));
	}
	return arena_str(&k->a, buf_str(&text)).p;
}
