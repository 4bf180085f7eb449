/*
 * Any text as record.json: what is accepted is within its caps, names nothing but refs, objects and
 * repositories, holds no option for git, and comes back the same when it is written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "push/home.h"
#include "push/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_line(const char *text, bool argument)
{
	if (!text)
		return;
	check(strlen(text) <= JOURNAL_TEXT_MAX && !(argument && *text == '-'));
	for (; *text; text++)
		check((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_sha(const char *sha)
{
	size_t n = strspn(sha, "0123456789abcdef");
	check(!sha[n] && (n == 0 || n == 40 || n == 64));
}

static void check_target(const struct journal_target *t)
{
	check_line(t->environment, false);
	check_line(t->key, false);
	check(t->environment && t->key && *t->key && t->timeout_ms >= 0);
	check_line(t->url, true);
	check_line(t->branch, true);
	check_line(t->path, true);
	check_sha(t->parent);
	check_sha(t->commit);
	if (t->kind == JOURNAL_DIRECT)
		check(hosted_name_ok(str_of(t->namespace)) && hosted_name_ok(str_of(t->app)));
	else
		check(t->url && *t->url);
	check(!t->before || strlen(t->before) <= JOURNAL_BEFORE_MAX);
}

static void check_record(const struct journal_record *r)
{
	struct str name, namespace = str_cut(str_of(r->repo), '/', &name);
	check(hosted_name_ok(namespace) && hosted_name_ok(name));
	check(r->n_refs <= JOURNAL_REFS_MAX && r->n_targets <= JOURNAL_TARGETS_MAX);
	check(r->began_ms >= 0 && r->ended_ms >= 0 && r->receiver_pid >= 0 && r->receiver_start >= 0);
	check(strcmp(push_state_name(r->state), "unknown") != 0);
	check_line(r->who, false);
	check_line(r->reason, false);
	for (size_t i = 0; i < r->n_refs; i++) {
		check_line(r->refs[i].name, true);
		check(strncmp(r->refs[i].name, "refs/", 5) == 0 && !strstr(r->refs[i].name, ".."));
		check_sha(r->refs[i].old);
		check_sha(r->refs[i].new);
	}
	for (size_t i = 0; i < r->n_targets; i++)
		check_target(&r->targets[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf once = BUF_INIT, twice = BUF_INIT;
	struct journal_record record, back;
	struct error err = ERROR_INIT;
	if (journal_record_read(&a, (struct str){ (const char *)data, size }, "1", &record, &err) < 0) {
		check(err.text[0]);
		return 0;
	}
	check_record(&record);
	journal_record_write(&once, &record);
	check(journal_record_read(&a, buf_str(&once), "1", &back, &err) == 0);
	journal_record_write(&twice, &back);
	check(str_eq(buf_str(&once), buf_str(&twice)));
	return 0;
}
