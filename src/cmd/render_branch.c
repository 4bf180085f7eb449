/* render_branch.c - see render_branch.h. */
#include "cmd/render_branch.h"

#include "base/clock.h"
#include "cmd/git.h"
#include "cmd/session.h"
#include "cmd/style.h"
#include "operator/hydrate.h"
#include "repo/files.h"
#include "repo/publish.h"

enum {
	PUSH_TIMEOUT_MS = 120000,
	FETCH_TIMEOUT_MS = 60000,
};
#define MIRROR_MAX_BYTES (1ull << 30)

struct branching {
	struct cli *cli;
	const struct branch_given *given;
	const struct local_objects *objects;
	struct arena arena;
	char *dir; /* a directory of the working tree */
	char *branch;
	struct git_head head;
	struct commit_spec spec;
};

static char *branch_name(struct arena *a, const char *pattern, const char *env)
{
	const char *at = strstr(pattern, "{env}");
	return at ? arena_printf(a, "%.*s%s%s", (int)(at - pattern), pattern, env, at + 5)
		  : arena_strdup(a, pattern);
}

static int make_spec(struct branching *b, const struct render_output *out, struct error *err)
{
	struct arena *a = &b->arena;
	const struct environment *e = b->objects->environment;
	struct hydrate_options options = {
		.namespace = local_objects_namespace(b->objects, NULL),
		.secrets = b->given->secrets,
	};
	struct commit_file *files;
	struct hydrate_source source = {
		.what = "environment",
		.name = e ? e->name : b->objects->dir,
		.commit = b->head.commit,
		.subject = b->head.subject,
	};
	if (hydrate_files(a, out->objects, out->n, &options, &files, &b->spec.n, err) < 0)
		return -1;
	b->spec.files = files;
	b->spec.dir = "";
	b->spec.goes = hydrate_is_ours;
	b->spec.when_ms = clock_wall_ms();
	hydrate_message(a, &source, &b->spec);
	return 0;
}

static void say(const struct branching *b, const char *what, const char *sha)
{
	cleanup_buf struct buf name = BUF_INIT;
	style_safe(&name, str_of(b->branch), false);
	fprintf(b->cli->out, "%s: %s%s%.12s, %zu objects\n", name.p, what, *sha ? " at " : "", sha,
		b->spec.n);
}

static int commit_local(struct branching *b, struct error *err)
{
	char *before, sha[SHA_HEX_MAX + 1];
	if (git_branch(&b->arena, b->dir, b->branch, &before, err) < 0)
		return -1;
	int rc = commit_make(b->head.git_dir, before, &b->spec, sha, err);
	if (rc == 0 && git_move_branch(&b->arena, b->dir, b->branch, before, sha, err) < 0)
		return -1;
	if (rc >= 0)
		say(b, rc ? "unchanged" : "committed", sha);
	return rc < 0 ? -1 : 0;
}

static int push(struct branching *b, struct error *err)
{
	struct arena *a = &b->arena;
	char *url, hex[HASH_HEX_LEN + 1];
	struct publish_result result;
	if (git_remote_url(a, b->dir, b->given->push, &url, err) < 0)
		return -1;
	hash_hex(hash_of(str_of(url)), hex);
	char *parent = arena_printf(a, "%s/publish", session_cache_dir(a));
	if (files_make_dirs(parent, err) < 0)
		return -1;
	struct remote_options options = {
		.url = url,
		.mirror = arena_printf(a, "%s/%.24s.git", parent, hex),
		.timeout_ms = FETCH_TIMEOUT_MS,
		.max_bytes = MIRROR_MAX_BYTES,
		.user_environment = true,
	};
	if (publish_wait(&options, b->branch, &b->spec, PUSH_TIMEOUT_MS, &result, err) < 0)
		return -1;
	say(b, result.changed ? "pushed" : "unchanged", result.sha);
	return 0;
}

int render_branch(struct cli *cli, const struct branch_given *given, const struct local_objects *objects,
		  const struct render_output *out, struct error *err)
{
	struct branching b = { .cli = cli, .given = given, .objects = objects };
	char name[COMMAND_APP_NAME_MAX];
	local_objects_name(objects, name);
	b.dir = arena_printf(&b.arena, "/%s", objects->root);
	b.branch = branch_name(&b.arena, given->to_branch, name);
	int rc = commit_check_branch(b.branch, err);
	if (rc == 0)
		rc = git_head(&b.arena, b.dir, &b.head, err);
	if (rc == 0)
		rc = make_spec(&b, out, err);
	if (rc == 0)
		rc = given->push ? push(&b, err) : commit_local(&b, err);
	arena_release(&b.arena);
	return rc < 0 ? error_wrap(err, "%s", name) : 0;
}
