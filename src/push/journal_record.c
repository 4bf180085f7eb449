/*
 * journal_record.c - record.json: a struct journal_record as JSON and back. A volume may be damaged and an
 * older or newer program may have written it: what is read is checked as if a stranger had sent it, because
 * names and URLs of it go to git and to the API server.
 */
#include "push/journal.h"

#include <stdio.h>

#include "doc/json.h"
#include "push/home_record.h"

#define TIMEOUT_MAX_MS (7ll * 24 * 3600 * 1000)

bool journal_id_ok(struct str id)
{
	if (id.n == 0 || id.n > JOURNAL_ID_MAX || id.p[0] < '0' || id.p[0] > '9')
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-'))
			return false;
	}
	return true;
}

bool journal_finished(const struct journal_record *record)
{
	return record->state == PIPE_DONE || record->state == PIPE_REFUSED;
}

/* ---- out ---- */

static void set_int(struct arena *a, struct node *map, const char *key, int64_t value)
{
	if (value)
		node_set(a, map, str_of(key), node_int_new(a, value));
}

static void set_some(struct arena *a, struct node *map, const char *key, const char *text)
{
	record_set_text(a, map, key, *text ? text : NULL);
}

/* Words of others (a build's last line, a key's comment) as one line that is read back. */
static void set_words(struct arena *a, struct node *map, const char *key, const char *words)
{
	if (!words)
		return;
	size_t n = strnlen(words, JOURNAL_TEXT_MAX);
	/* Not in the middle of a character. */
	while (words[n] && n && ((unsigned char)words[n] & 0xc0) == 0x80)
		n--;
	char *line = arena_strndup(a, words, n);
	bool utf8 = str_utf8((struct str){ line, n });
	for (char *c = line; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
		else if ((unsigned char)*c >= 0x80 && !utf8)
			*c = '?';
	}
	record_set_text(a, map, key, line);
}

static struct node *write_ref(struct arena *a, const struct journal_ref *ref)
{
	struct node *n = node_map(a);
	record_set_text(a, n, "name", ref->name);
	set_some(a, n, "old", ref->old);
	set_some(a, n, "new", ref->new);
	return n;
}

static struct node *write_target(struct arena *a, const struct journal_target *t)
{
	struct node *n = node_map(a);
	record_set_text(a, n, "environment", t->environment);
	record_set_text(a, n, "kind", t->kind == JOURNAL_CONFIG ? "config" : "direct");
	record_set_text(a, n, "key", t->key);
	record_set_text(a, n, "namespace", t->namespace);
	record_set_text(a, n, "app", t->app);
	record_set_text(a, n, "before", t->before);
	record_set_flag(a, n, "known", t->known);
	record_set_text(a, n, "url", t->url);
	record_set_text(a, n, "branch", t->branch);
	record_set_text(a, n, "path", t->path);
	set_some(a, n, "parent", t->parent);
	set_some(a, n, "commit", t->commit);
	set_int(a, n, "timeoutMilliseconds", t->timeout_ms);
	record_set_flag(a, n, "keep", t->keep);
	return n;
}

void journal_record_write(struct buf *out, const struct journal_record *r)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct node *root = node_map(&a), *refs = node_seq(&a), *targets = node_seq(&a);
	record_set_text(&a, root, "id", r->id);
	record_set_text(&a, root, "repo", r->repo);
	set_words(&a, root, "who", r->who);
	set_int(&a, root, "began", r->began_ms);
	set_int(&a, root, "ended", r->ended_ms);
	record_set_text(&a, root, "state", push_state_name(r->state));
	record_set_flag(&a, root, "unclean", r->unclean);
	set_words(&a, root, "reason", r->reason);
	for (size_t i = 0; i < r->n_refs; i++)
		node_push(&a, refs, write_ref(&a, &r->refs[i]));
	node_set(&a, root, STR("refs"), refs);
	for (size_t i = 0; i < r->n_targets; i++)
		node_push(&a, targets, write_target(&a, &r->targets[i]));
	node_set(&a, root, STR("targets"), targets);
	set_int(&a, root, "receiverPID", r->receiver_pid);
	set_int(&a, root, "receiverStart", r->receiver_start);
	json_write_pretty(out, root);
}

/* ---- in ---- */

enum need { OPTIONAL, REQUIRED };

static bool no_controls(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return false;
	return true;
}

/* One line of text. */
static int get_line(const struct node *map, const char *key, enum need need, const char **out,
		    struct error *err)
{
	const struct node *n = node_get(map, key);
	*out = NULL;
	if (!n && need == OPTIONAL)
		return 0;
	struct str text = node_text(n);
	if (!node_is_string(n) || (need == REQUIRED && text.n == 0))
		return error_set(err, "%s: a text is expected", key);
	if (text.n > JOURNAL_TEXT_MAX || !no_controls(text))
		return error_set(err, "%s: longer than %u bytes, or with control characters", key,
				 JOURNAL_TEXT_MAX);
	*out = text.p;
	return 0;
}

/* A name that git could take for an option is none. */
static int get_argument(const struct node *map, const char *key, enum need need, const char **out,
			struct error *err)
{
	if (get_line(map, key, need, out, err) < 0)
		return -1;
	return *out && **out == '-' ? error_set(err, "%s: begins with '-'", key) : 0;
}

static int get_int(const struct node *map, const char *key, int64_t max, int64_t *out, struct error *err)
{
	const struct node *n = node_get(map, key);
	*out = 0;
	if (n && (!node_int(n, out) || *out < 0 || *out > max))
		return error_set(err, "%s: a number from 0 to %lld is expected", key, (long long)max);
	return 0;
}

static int get_sha(const struct node *map, const char *key, char out[SHA_HEX_MAX + 1], struct error *err)
{
	const struct node *n = node_get(map, key);
	struct str text = node_text(n);
	bool good = !n || text.n == 40 || text.n == 64;
	for (size_t i = 0; good && i < text.n; i++)
		good = (text.p[i] >= '0' && text.p[i] <= '9') || (text.p[i] >= 'a' && text.p[i] <= 'f');
	if (!good)
		return error_set(err, "%s: no commit", key);
	memcpy(out, text.p ? text.p : "", text.n);
	out[text.n] = '\0';
	return 0;
}

static int get_state(const struct node *root, enum push_state *out, struct error *err)
{
	struct str name = node_text(node_get(root, "state"));
	for (int i = PIPE_NEW; i <= PIPE_REFUSED; i++) {
		if (str_is(name, push_state_name((enum push_state)i))) {
			*out = (enum push_state)i;
			return 0;
		}
	}
	return error_set(err, "state: \"%.*s\" is not known", (int)(name.n < 40 ? name.n : 40), name.p);
}

static int get_repo(struct arena *a, const struct node *root, const char **out, struct error *err)
{
	struct str name, text = node_text(node_get(root, "repo")), namespace = str_cut(text, '/', &name);
	if (!hosted_name_ok(namespace) || !hosted_name_ok(name))
		return error_set(err, "repo: NAMESPACE/NAME is expected");
	*out = arena_strndup(a, text.p, text.n);
	return 0;
}

static int read_ref(const struct node *n, struct journal_ref *out, struct error *err)
{
	if (get_line(n, "name", REQUIRED, &out->name, err) < 0 || get_sha(n, "old", out->old, err) < 0 ||
	    get_sha(n, "new", out->new, err) < 0)
		return -1;
	struct str name = str_of(out->name);
	if (!str_starts(name, STR("refs/")) || name.n > REVISION_MAX || strstr(out->name, "..") ||
	    strpbrk(out->name, " ~^:?*[\\"))
		return error_set(err, "name: no ref");
	return 0;
}

static int read_direct(const struct node *n, struct journal_target *out, struct error *err)
{
	const struct node *before = node_get(n, "before");
	if (get_line(n, "namespace", REQUIRED, &out->namespace, err) < 0 ||
	    get_line(n, "app", REQUIRED, &out->app, err) < 0)
		return -1;
	if (!hosted_name_ok(str_of(out->namespace)) || !hosted_name_ok(str_of(out->app)))
		return error_set(err, "namespace, app: no names of Kubernetes");
	if (before && (!node_is_string(before) || before->text.n > JOURNAL_BEFORE_MAX ||
		       memchr(before->text.p, '\0', before->text.n)))
		return error_set(err, "before: a text of at most %u bytes is expected", JOURNAL_BEFORE_MAX);
	out->before = before ? before->text.p : NULL;
	return 0;
}

static int read_config(const struct node *n, struct journal_target *out, struct error *err)
{
	if (get_argument(n, "url", REQUIRED, &out->url, err) < 0 ||
	    get_argument(n, "branch", OPTIONAL, &out->branch, err) < 0 ||
	    get_argument(n, "path", OPTIONAL, &out->path, err) < 0 ||
	    get_sha(n, "parent", out->parent, err) < 0)
		return -1;
	return get_sha(n, "commit", out->commit, err);
}

static int read_target(const struct node *n, struct journal_target *out, struct error *err)
{
	struct str kind = node_text(node_get(n, "kind"));
	out->kind = str_is(kind, "config") ? JOURNAL_CONFIG : JOURNAL_DIRECT;
	if (out->kind == JOURNAL_DIRECT && !str_is(kind, "direct"))
		return error_set(err, "kind: direct or config is expected");
	if (get_line(n, "environment", REQUIRED, &out->environment, err) < 0 ||
	    get_line(n, "key", REQUIRED, &out->key, err) < 0 ||
	    get_int(n, "timeoutMilliseconds", TIMEOUT_MAX_MS, &out->timeout_ms, err) < 0)
		return -1;
	out->known = node_bool(node_get(n, "known"), false);
	out->keep = node_bool(node_get(n, "keep"), false);
	return out->kind == JOURNAL_DIRECT ? read_direct(n, out, err) : read_config(n, out, err);
}

static int count(const struct node *root, const char *key, size_t max, size_t *n, struct error *err)
{
	const struct node *list = node_get(root, key);
	*n = node_count(list);
	if (list && list->type != NODE_SEQ)
		return error_set(err, "%s: a list is expected", key);
	if (*n > max)
		return error_set(err, "%s: %zu are more than %zu", key, *n, max);
	return 0;
}

static int read_lists(struct arena *a, const struct node *root, struct journal_record *out, struct error *err)
{
	if (count(root, "refs", JOURNAL_REFS_MAX, &out->n_refs, err) < 0 ||
	    count(root, "targets", JOURNAL_TARGETS_MAX, &out->n_targets, err) < 0)
		return -1;
	struct journal_ref *refs = arena_array(a, struct journal_ref, out->n_refs);
	for (size_t i = 0; i < out->n_refs; i++)
		if (read_ref(node_item(node_get(root, "refs"), i), &refs[i], err) < 0)
			return error_wrap(err, "refs[%zu]", i);
	out->refs = refs;
	out->targets = arena_array(a, struct journal_target, out->n_targets);
	for (size_t i = 0; i < out->n_targets; i++)
		if (read_target(node_item(node_get(root, "targets"), i), &out->targets[i], err) < 0)
			return error_wrap(err, "targets[%zu]", i);
	return 0;
}

static int read_root(struct arena *a, const struct node *root, struct journal_record *out, struct error *err)
{
	if (get_repo(a, root, &out->repo, err) < 0 || get_line(root, "who", OPTIONAL, &out->who, err) < 0 ||
	    get_line(root, "reason", OPTIONAL, &out->reason, err) < 0 ||
	    get_int(root, "began", INT64_MAX, &out->began_ms, err) < 0 ||
	    get_int(root, "ended", INT64_MAX, &out->ended_ms, err) < 0 ||
	    get_int(root, "receiverPID", INT32_MAX, &out->receiver_pid, err) < 0 ||
	    get_int(root, "receiverStart", INT64_MAX, &out->receiver_start, err) < 0 ||
	    get_state(root, &out->state, err) < 0)
		return -1;
	out->unclean = node_bool(node_get(root, "unclean"), false);
	return read_lists(a, root, out, err);
}

int journal_record_read(struct arena *a, struct str text, const char *id, struct journal_record *out,
			struct error *err)
{
	struct node *root;
	struct journal_record record = { .state = PIPE_NEW };
	if (text.n > JOURNAL_RECORD_MAX)
		return error_set(err, "larger than %u MiB", JOURNAL_RECORD_MAX >> 20);
	if (json_parse(a, text, true, &root, err) < 0)
		return -1;
	if (!str_is(node_text(node_get(root, "id")), id) || !journal_id_ok(str_of(id)))
		return error_set(err, "id: not %s", id);
	snprintf(record.id, sizeof(record.id), "%s", id);
	if (read_root(a, root, &record, err) < 0)
		return -1;
	*out = record;
	return 0;
}
