/*
 * commit_secrets.c - see commit_secrets.h. Which files are new is git's to say, since it alone knows shallow
 * clones and merges: of a merge only what none of its parents has.
 */
#include "cmd/commit_secrets.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"
#include "cmd/checking.h"
#include "cmd/commit_check.h"
#include "cmd/git.h"
#include "repo/blobs.h"

struct blob {
	const char *sha, *path;
	size_t commit; /* the oldest that has it: index in log.commits */
};

struct log {
	struct arena arena;
	VEC(const char *) heads; /* commits that are pushed */
	VEC(const char *) commits;
	VEC(struct blob) blobs;
	struct map known; /* "SHA PATH" -> index + 1 */
};

static void release_log(struct log *l)
{
	vec_release(&l->heads);
	vec_release(&l->commits);
	vec_release(&l->blobs);
	map_release(&l->known);
	arena_release(&l->arena);
}

/* --- what git says --- */

/* The fields of ":100644 100644 SHA SHA M", or of a merge "::MODE MODE MODE SHA SHA SHA MM". */
static bool read_change(struct str line, struct str *mode, struct str *sha)
{
	size_t parents = 0;
	while (parents < line.n && line.p[parents] == ':')
		parents++;
	line = str_from(line, parents);
	for (size_t i = 0; i <= 2 * parents + 1; i++) {
		struct str field = str_cut(line, ' ', &line);
		if (field.n == 0)
			return false;
		if (i == parents)
			*mode = field;
		*sha = field;
	}
	return parents > 0;
}

/* The same file in several commits counts for the oldest. The same bytes under another name may be allowed
 * there and not here. */
static void add_blob(struct log *l, struct str sha, struct str path)
{
	cleanup_buf struct buf key = BUF_INIT;
	buf_printf(&key, "%.*s %.*s", STR_ARG(sha), STR_ARG(path));
	size_t known = (size_t)(uintptr_t)map_get(&l->known, buf_str(&key));
	if (known) {
		l->blobs.at[known - 1].commit = l->commits.n - 1;
		return;
	}
	struct blob blob = {
		.sha = arena_str(&l->arena, sha).p,
		.path = arena_str(&l->arena, path).p,
		.commit = l->commits.n - 1,
	};
	vec_push(&l->blobs, blob);
	map_put(&l->known, buf_str(&key), (void *)(uintptr_t)l->blobs.n);
}

/* A link's text and a submodule's commit are no files; a file that goes has no bytes. */
static bool is_file(struct str mode, struct str sha)
{
	size_t zeros = 0;
	while (zeros < sha.n && sha.p[zeros] == '0')
		zeros++;
	return str_starts(mode, STR("100")) && zeros < sha.n;
}

static void read_log(struct log *l, struct str text)
{
	while (text.n) {
		struct str mode = { 0 }, sha = { 0 }, path, part = str_cut(text, '\0', &text);
		if (part.n && part.p[0] == '\n')
			part = str_from(part, 1);
		if (str_starts(part, STR("commit "))) {
			vec_push(&l->commits, arena_str(&l->arena, str_from(part, 7)).p);
			continue;
		}
		if (!read_change(part, &mode, &sha))
			continue;
		path = str_cut(text, '\0', &text);
		if (l->commits.n && path.n && is_file(mode, sha))
			add_blob(l, sha, path);
	}
}

/* A tag of something else than a commit brings none. */
static int find_heads(const struct commit_secrets_options *o, struct log *l, struct error *err)
{
	char sha[SHA_HEX_MAX + 1];
	struct repo_blobs *objects = repo_blobs_open(o->git_dir, err);
	for (size_t i = 0; objects && i < o->n_heads; i++)
		if (repo_blobs_commit(objects, o->heads[i], sha))
			vec_push(&l->heads, arena_strdup(&l->arena, sha));
	repo_blobs_close(objects);
	return objects ? 0 : -1;
}

static int ask_git(const struct commit_secrets_options *o, struct log *l, bool *cut, struct error *err)
{
	cleanup_buf struct buf input = BUF_INIT;
	struct str text;
	const char *argv[] = {
		"git",
		"--no-replace-objects",
		arena_printf(&l->arena, "--git-dir=%s", o->git_dir),
		"-c",
		"log.showRoot=true",
		"-c",
		"log.showSignature=false",
		"log",
		"--ignore-missing",
		"--no-color",
		"--no-ext-diff",
		"--no-textconv",
		"--no-renames",
		"--no-abbrev",
		"--no-mailmap",
		"--no-notes",
		"--raw",
		"-z",
		"-c",
		"--format=commit %H",
		arena_printf(&l->arena, "--max-count=%u", COMMIT_SECRETS_COMMITS_MAX),
		"--stdin",
		"--not",
		arena_printf(&l->arena, "--remotes=%s", o->remote ? o->remote : ""),
		NULL,
	};
	if (!o->remote)
		argv[sizeof(argv) / sizeof(argv[0]) - 3] = NULL;
	if (find_heads(o, l, err) < 0)
		return -1;
	if (l->heads.n == 0)
		return 0;
	for (size_t i = 0; i < l->heads.n; i++)
		buf_printf(&input, "%s\n", l->heads.at[i]);
	for (size_t i = 0; i < o->n_known; i++)
		buf_printf(&input, "^%s\n", o->known[i]);
	if (git_feed(&l->arena, "log", argv, buf_str(&input), &text, cut, err) < 0)
		return error_wrap(err, "what the push brings");
	while (*cut && text.n && text.p[text.n - 1])
		text.n--;
	read_log(l, text);
	*cut = *cut || l->commits.n >= COMMIT_SECRETS_COMMITS_MAX;
	return 0;
}

/* --- looking --- */

struct looking {
	const struct commit_secrets_options *options;
	struct commit_secrets *out;
	struct log *log;
	struct repo_blobs *objects;
	size_t total;
	bool allowing;			  /* `files` are read */
	VEC(struct commit_check *) files; /* of the heads */
};

/* What may lie in plain text matters once something was found: mostly nothing is. A bad file allows nothing.
 */
static void read_files(struct looking *l)
{
	l->allowing = true;
	for (size_t i = 0; i < l->log->heads.n && i < COMMIT_SECRETS_HEADS_MAX; i++) {
		struct commit_check_options options = { .git_dir = l->options->git_dir,
							.sha = l->log->heads.at[i] };
		struct commit_check *c = commit_check_open(&options, NULL);
		const struct environments *file = c ? commit_check_file(c) : NULL;
		if (file && file->n_allow_secrets)
			vec_push(&l->files, c);
		else
			commit_check_free(c);
	}
}

static int allow(const struct looking *l, struct check *c, struct error *err)
{
	for (size_t i = 0; i < l->options->n_files; i++)
		if (checking_allow(c, l->options->files[i], err) < 0)
			return -1;
	for (size_t i = 0; i < l->files.n; i++)
		if (checking_allow(c, commit_check_file(l->files.at[i]), err) < 0)
			return -1;
	return 0;
}

static struct check *new_check(const struct looking *l, struct error *err)
{
	enum check_severity severities[RULE_COUNT];
	struct check_options options = { .severities = severities };
	for (size_t i = 0; i < RULE_COUNT; i++)
		severities[i] = check_rule_is_secret(i) ? check_rules[i].severity : CHECK_OFF;
	severities[RULE_PLAINTEXT_SECRET] = CHECK_ERROR;
	struct check *c = check_new(&options);
	if (allow(l, c, err) == 0)
		return c;
	check_free(c);
	return NULL;
}

/* A manifest that no environment reads may hold a Secret, too. What is no manifest, a template of a chart, is
 * looked at as a text alone. */
static void check_objects(struct check *c, struct arena *a, const char *path, struct str text)
{
	struct render_output output;
	const char *slash = strrchr(path, '/');
	struct render_file file = { path, text };
	struct render_input input = {
		.files = &file,
		.n = 1,
		.root = slash ? arena_strndup(a, path, (size_t)(slash - path)) : NULL,
		.templates = true,
	};
	if (!render_is_manifest(str_of(path)) || !text.n || !memmem(text.p, text.n, "Secret", 6))
		return;
	render_plain(a, &input, &output);
	struct check_environment e = { .name = "", .objects = output.objects, .n = output.n };
	check_environment(c, &e);
}

static void look_at_blob(struct looking *l, struct check *c, const struct blob *blob)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str text;
	size_t size;
	int rc = repo_blobs_read(l->objects, blob->sha, COMMIT_SECRETS_FILE_MAX, &a, &text, &size);
	if (rc) {
		l->out->large += rc == BLOBS_TOO_LARGE;
		return;
	}
	l->total += size;
	l->out->texts++;
	check_text(c, blob->path, text);
	check_objects(c, &a, blob->path, text);
}

/* Blobs of one commit, from *i on, which becomes where those of the next begin. NULL: err. */
static struct check *check_commit(struct looking *l, size_t *i, struct check_result *result,
				  struct error *err)
{
	const struct log *log = l->log;
	struct commit_secrets *out = l->out;
	size_t commit = log->blobs.at[*i].commit;
	struct check *c = new_check(l, err);
	for (; c && *i < log->blobs.n && log->blobs.at[*i].commit == commit; ++*i) {
		out->capped = out->capped || l->total >= COMMIT_SECRETS_TOTAL_MAX;
		if (l->total < COMMIT_SECRETS_TOTAL_MAX)
			look_at_blob(l, c, &log->blobs.at[*i]);
	}
	if (c)
		check_finish(c, result);
	return c;
}

static int look_at_commit(struct looking *l, size_t *i, struct error *err)
{
	struct commit_secrets *out = l->out;
	struct check_result result;
	size_t first = *i, texts = out->texts, large = out->large, total = l->total;
	struct check *c = check_commit(l, i, &result, err);
	if (c && result.n && !l->allowing) {
		check_free(c);
		read_files(l);
		*i = first, out->texts = texts, out->large = large, l->total = total;
		c = check_commit(l, i, &result, err);
	}
	if (!c)
		return -1;
	if (result.n == 0) {
		check_free(c);
		return 0;
	}
	out->errors += result.errors;
	out->list[out->n++] = (struct commit_secrets_found){
		.sha = arena_strdup(&out->arena, l->log->commits.at[l->log->blobs.at[first].commit]),
		.result = result,
	};
	out->checks[out->n_checks++] = c;
	return 0;
}

static int by_commit(const void *a, const void *b)
{
	const struct blob *x = a, *y = b;
	if (x->commit != y->commit)
		return x->commit < y->commit ? -1 : 1;
	return strcmp(x->path, y->path);
}

static int look(struct looking *l, struct error *err)
{
	struct log *log = l->log;
	struct commit_secrets *out = l->out;
	if (log->blobs.n == 0)
		return 0;
	qsort(log->blobs.at, log->blobs.n, sizeof(*log->blobs.at), by_commit);
	l->objects = repo_blobs_open(l->options->git_dir, err);
	if (!l->objects)
		return -1;
	out->list = arena_array(&out->arena, struct commit_secrets_found, log->commits.n);
	out->checks = arena_array(&out->arena, struct check *, log->commits.n);
	int rc = 0;
	for (size_t i = 0; i < log->blobs.n && rc == 0;)
		rc = look_at_commit(l, &i, err);
	repo_blobs_close(l->objects);
	for (size_t i = 0; i < l->files.n; i++)
		commit_check_free(l->files.at[i]);
	vec_release(&l->files);
	return rc;
}

int commit_secrets_scan(const struct commit_secrets_options *options, struct commit_secrets *out,
			struct error *err)
{
	struct log log = { 0 };
	struct looking l = { .options = options, .out = out, .log = &log };
	struct error own = ERROR_INIT;
	*out = (struct commit_secrets){ 0 };
	int rc = options->n_heads ? ask_git(options, &log, &out->capped, &own) : 0;
	out->commits = log.commits.n;
	if (rc == 0)
		rc = look(&l, &own);
	release_log(&log);
	return rc < 0 ? error_set(err, "%s", own.text) : 0;
}

void commit_secrets_release(struct commit_secrets *s)
{
	for (size_t i = 0; i < s->n_checks; i++)
		check_free(s->checks[i]);
	arena_release(&s->arena);
	*s = (struct commit_secrets){ 0 };
}
