/* records.h - a home in a temporary directory, and records to put into it. */
#pragma once

#include "unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "push/journal.h"
#include "repo/files.h"

#define SHA_OLD "1111111111111111111111111111111111111111"
#define SHA_NEW "2222222222222222222222222222222222222222"

static inline int home_setup(void **state)
{
	char *home = mem_strdup("/tmp/capstan-push-XXXXXX");
	*state = home;
	return mkdtemp(home) ? 0 : -1;
}

static inline int home_teardown(void **state)
{
	files_remove(*state);
	free(*state);
	return 0;
}

static inline struct journal_record record_plain(void)
{
	static const struct journal_ref refs[] = { { "refs/heads/main", SHA_OLD, SHA_NEW },
						   { "refs/heads/new", "", SHA_NEW } };
	static struct journal_target targets[2];
	targets[0] = (struct journal_target){
		.environment = "prod",
		.kind = JOURNAL_DIRECT,
		.key = "app shop/web",
		.namespace = "shop",
		.app = "web",
		.before = "{\"source\":{\"url\":\"\xc3\xa9 \\\" \"}}",
		.known = true,
		.timeout_ms = 300000,
		.keep = true,
	};
	targets[1] = (struct journal_target){
		.environment = "stage",
		.kind = JOURNAL_CONFIG,
		.key = "config ssh://git@host/config.git deploy/stage",
		.url = "ssh://git@host/config.git",
		.branch = "main",
		.path = "deploy/stage",
		.parent = SHA_OLD,
	};
	return (struct journal_record){
		.repo = "team/shop",
		.who = "ann",
		.state = PIPE_NEW,
		.refs = refs,
		.n_refs = 2,
		.targets = targets,
		.n_targets = 2,
	};
}

static inline struct journal *record_create(const char *home, struct journal_record *record)
{
	struct error err = ERROR_INIT;
	struct journal *j = journal_create(home, record, &err);
	if (!j)
		fail_msg("%s", err.text);
	return j;
}

static inline void record_save(struct journal *j, struct journal_record *record, enum push_state state)
{
	struct error err = ERROR_INIT;
	record->state = state;
	if (journal_save(j, record, &err) < 0)
		fail_msg("%s", err.text);
}
