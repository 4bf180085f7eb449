/* render_branch.c - see render_branch.h. */
#include "cmd/render_branch.h"

#include "base/clock.h"
#include "cmd/style.h"
#include "operator/hydrate.h"
#include "repo/commit_local.h"

enum {
	CALL_TIMEOUT_MS = 60000, /* of one fetch or push */
	DEADLINE_MS = 180000,	 /* of all */
};

static char *branch_name(struct arena *a, const char *pattern, const char *env)
{
	const char *at = strstr(pattern, "{env}");
	return at ? arena_printf(a, "%.*s%s%s", (int)(at - pattern), pattern, env, at + 5)
		  : arena_strdup(a, pattern);
}

static int make_spec(struct arena *a, const struct branch_given *given, const struct local_objects *objects,
		     const char *dir, const struct render_output *out, struct commit_spec *spec,
		     struct error *err)
{
	const struct environment *e = objects->environment;
	struct hydrate_options options = {
		.namespace = local_objects_namespace(objects, NULL),
		.secrets = given->secrets,
	};
	struct commit_file *files;
	char sha[SHA_HEX_MAX + 1];
	bool dirty;
	if (commit_local_head(dir, sha, &dirty, err) < 0 ||
	    hydrate_files(a, out->objects, out->n, &options, &files, &spec->n, err) < 0)
		return -1;
	struct hydrate_source source = {
		.what = "environment",
		.name = e ? e->name : objects->dir,
		.commit = arena_printf(a, "%s%s", sha, dirty ? "-dirty" : ""),
	};
	spec->files = files;
	spec->dir = "";
	spec->goes = hydrate_is_ours;
	spec->when_ms = clock_wall_ms();
	hydrate_message(a, &source, spec);
	return 0;
}

static void say(const struct cli *cli, const char *branch, const struct commit_spec *spec,
		const struct local_result *result)
{
	cleanup_buf struct buf line = BUF_INIT;
	style_safe(&line, str_of(branch), false);
	buf_printf(&line, ": %s", result->changed ? "committed" : "unchanged");
	if (result->sha[0])
		buf_printf(&line, " at %.12s", result->sha);
	if (result->pushed) {
		buf_adds(&line, ", pushed to ");
		style_safe(&line, str_of(result->remote), false);
	}
	fprintf(cli->out, "%s, %zu objects\n", line.p, spec->n);
}

static int render_to(struct arena *a, struct cli *cli, const struct branch_given *given,
		     const struct local_objects *objects, const char *name, const struct render_output *out,
		     struct error *err)
{
	struct commit_spec spec = { 0 };
	struct local_result result;
	struct local_options options = {
		.dir = arena_printf(a, "/%s", objects->root),
		.remote = given->push,
		.push = given->push != NULL,
		.timeout_ms = CALL_TIMEOUT_MS,
		.deadline_ms = DEADLINE_MS,
	};
	char *branch = branch_name(a, given->to_branch, name);
	if (commit_check_branch(branch, err) < 0 ||
	    make_spec(a, given, objects, options.dir, out, &spec, err) < 0 ||
	    commit_local(&options, branch, &spec, &result, err) < 0)
		return -1;
	say(cli, branch, &spec, &result);
	return 0;
}

int render_branch(struct cli *cli, const struct branch_given *given, const struct local_objects *objects,
		  const struct render_output *out, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	char name[COMMAND_APP_NAME_MAX];
	local_objects_name(objects, name);
	return render_to(&a, cli, given, objects, name, out, err) < 0 ? error_wrap(err, "%s", name) : 0;
}
