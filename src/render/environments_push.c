/* environments_push.c - `build` and `deliver` of capstan.yaml: what a push builds, and how it gets to a
 * cluster.
 */
#include "render/environments_table.h"

PLACED(environments_build);

static const struct field build_fields[] = {
	{ .name = "image",
	  .rule = RULE_IMAGE,
	  AT(environments_build, image),
	  .help = "Where it is pushed to, below the registry of the repository. Default: the registry, then the "
		  "repository's name, `-` and the name here.",
	  .example = "registry.example.com/team/web" },
	{ .name = "context",
	  .rule = RULE_PATH,
	  AT(environments_build, context),
	  .help = "Directory of the repository that the build sees; `.` is the root, and the default.",
	  .example = "services/web" },
	{ .name = "dockerfile",
	  .rule = RULE_PATH,
	  AT(environments_build, dockerfile),
	  .help = "The Dockerfile, from the context. Default: `Dockerfile`.",
	  .example = "Dockerfile" },
	{ .name = "args",
	  .kind = FIELD_MAP,
	  .rule = RULE_VARIABLE,
	  LIST_AT(environments_build, args, n_args),
	  .help = "Values of the Dockerfile's `ARG`s.",
	  .example = "{VERSION: \"1\"}" },
	{ .name = "platforms",
	  .kind = FIELD_TEXTS,
	  .rule = RULE_PLATFORM,
	  LIST_AT(environments_build, platforms, n_platforms),
	  .help = "What it is built for; more than one make an image index. Default: the platform of the service.",
	  .example = "[linux/amd64]" },
	{ .name = "secrets",
	  .kind = FIELD_TEXTS,
	  .rule = RULE_KEY,
	  LIST_AT(environments_build, secrets, n_secrets),
	  .help = "Build secrets of the repository that `RUN --mount=type=secret,id=NAME` may read.",
	  .example = "[npm-token]" },
	{ .name = "exec",
	  .kind = FIELD_TEXTS,
	  LIST_AT(environments_build, command, n_command),
	  .help = "Instead of a Dockerfile: a program, then its arguments, run in the context. It prints an image "
		  "reference with digest.",
	  .example = "[./build.sh]" },
	{ .name = "noCache",
	  .kind = FIELD_FLAG,
	  AT(environments_build, no_cache),
	  .help = "Build at every push, even when nothing has changed, and from no cached layer.",
	  .example = "true" },
	{ .name = "timeout",
	  .kind = FIELD_DURATION,
	  .low = 1000,
	  .high = 86400000,
	  AT(environments_build, timeout_ms),
	  .help = "How long it may take.",
	  .example = "10m" },
	{ .name = "memory",
	  .kind = FIELD_SIZE,
	  .low = 64 << 20,
	  .high = 1ll << 40,
	  AT(environments_build, memory_bytes),
	  .help = "How much memory it may take.",
	  .example = "2Gi" },
	{ .name = "disk",
	  .kind = FIELD_SIZE,
	  .low = 1 << 20,
	  .high = 1ll << 44,
	  AT(environments_build, disk_bytes),
	  .help = "How much it may write.",
	  .example = "10Gi" },
	{ .name = "cpus",
	  .kind = FIELD_CPUS,
	  .low = 10,
	  .high = 1024000,
	  AT(environments_build, cpus_milli),
	  .help = "How many processors it may use.",
	  .example = "\"1.5\"" },
	{ .name = NULL },
};
const struct field_record environments_build_record = {
	.fields = build_fields,
	.size = sizeof(struct environments_build),
	.help = "An image that a push builds from this repository.",
};

static const struct field deliver_fields[] = {
	{ .name = "config",
	  .rule = RULE_URL,
	  .required = true,
	  AT(environments_raw_deliver, url),
	  .help = "The configuration repository that images are written to.",
	  .example = "ssh://git@git.example.com/team/config.git" },
	{ .name = "branch",
	  .rule = RULE_BRANCH,
	  AT(environments_raw_deliver, branch),
	  .help = "Its branch. Default: the one that its capstan.yaml says for the environment, or its default "
		  "branch.",
	  .example = "main" },
	{ .name = "path",
	  .rule = RULE_PATH,
	  AT(environments_raw_deliver, path),
	  .help = "The directory there.",
	  .example = "deploy/prod" },
	{ .name = "environment",
	  .rule = RULE_LABEL,
	  AT(environments_raw_deliver, environment),
	  .help = "Instead of `path`: the environment of its capstan.yaml. Default: the one that is pushed to.",
	  .example = "prod" },
	{ .name = "review",
	  .kind = FIELD_FLAG,
	  AT(environments_raw_deliver, review),
	  .help = "Open a branch, and a pull request where the host takes one, instead of committing.",
	  .example = "true" },
	{ .name = NULL },
};
const struct field_record environments_deliver_record = {
	.fields = deliver_fields,
	.size = sizeof(struct environments_raw_deliver),
	.help = "How what was pushed gets to a cluster.",
};

static void complain(struct fields_reader *r, const char *path, uint32_t line, uint32_t column,
		     const char *what)
{
	struct fields_place at = { NULL, line, column };
	buf_clear(&r->path);
	buf_adds(&r->path, path);
	fields_complain(r, &at, "%s", what);
	buf_clear(&r->path);
}

static void settle_build(struct fields_reader *r, struct environments_build *b)
{
	const char *path = arena_printf(r->a, "build.%s", b->name ? b->name : "?");
	if (b->command && (b->dockerfile || b->n_args || b->n_platforms || b->n_secrets || b->image))
		complain(
			r, path, b->line, b->column,
			"a program (`exec`) decides on these itself: take image, dockerfile, args, platforms and "
			"secrets away");
	if (b->command && !b->n_command)
		complain(r, path, b->line, b->column, "exec: is empty; write `exec: [./build.sh]`");
	if (!b->context)
		b->context = ".";
	if (!b->command && !b->dockerfile)
		b->dockerfile = "Dockerfile";
	if (b->dockerfile && strcmp(b->dockerfile, ".") == 0)
		complain(r, path, b->line, b->column,
			 "dockerfile: is a directory; write `dockerfile: Dockerfile`");
}

void environments_settle_builds(struct fields_reader *r, struct environments_build *builds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		settle_build(r, &builds[i]);
}

const struct environments_deliver *environments_settle_deliver(struct fields_reader *r, const char *path,
							       const struct environments_raw_deliver *raw)
{
	if (!raw->at.line)
		return NULL;
	if (raw->path && raw->environment)
		complain(r, path, raw->at.line, raw->at.column,
			 "has both `path` and `environment`; keep one of them");
	struct environments_deliver *d = arena_new(r->a, struct environments_deliver);
	*d = (struct environments_deliver){
		.line = raw->at.line,
		.column = raw->at.column,
		.config = raw->url != NULL,
		.url = raw->url,
		.branch = raw->branch,
		.path = raw->path,
		.environment = raw->environment,
		.review = raw->review,
	};
	return d;
}
