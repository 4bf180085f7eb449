/*
 * build.c - `capstan build`: what `kustomize build` prints, by the renderer that syncs use. Options, exit
 * status and the bytes of the output are kustomize's, so that it can stand in for it.
 */
#include "cmd/commands.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "cmd/local_exec.h"
#include "cmd/local_tree.h"
#include "cmd/style.h"
#include "doc/yaml.h"
#include "render/kustomize/kustomize.h"

struct build_options {
	const char *output, *reorder, *restrictor;
	const char *env, *mount, *network_name, *helm_command, *helm_api_versions, *helm_kube_version;
	bool plugins, exec, confine, helm, helm_debug, network, as_current_user, managed_by, stack_trace,
		offline, refresh;
};

/* Upstream ends with 1 whatever is wrong with a kustomization. */
static int fail(const struct cli *cli, const struct error *err)
{
	command_fail(cli, err);
	return EXIT_DIFFERS;
}

/* --- output --- */

static int write_file(const char *path, struct str text, struct error *err)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_set(err, "%s: %s", path, strerror(errno));
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, "%s: %s", path, strerror(errno));
		text = str_from(text, (size_t)n);
	}
	return 0;
}

static void add_lower(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_addc(out, (char)tolower((unsigned char)s.p[i]));
}

/* "apps_v1_deployment_web.yaml", with the namespace in front when there are several. */
static void add_name(struct buf *out, const struct kustomize_object *o, bool namespaces)
{
	struct str parts[] = { o->namespace, o->group, o->version, o->kind, o->name };
	for (size_t i = namespaces && o->namespace.n ? 0 : 1; i < 5; i++) {
		if (parts[i].n == 0 && i < 4)
			continue;
		if (i > 0 && out->n && out->p[out->n - 1] != '/')
			buf_addc(out, '_');
		add_lower(out, parts[i]);
	}
	buf_adds(out, ".yaml");
}

static int write_one(const char *dir, const struct kustomize_object *o, bool namespaces, struct error *err)
{
	cleanup_buf struct buf path = BUF_INIT, text = BUF_INIT;
	struct str parts[] = { o->namespace, o->group, o->version, o->kind, o->name };
	for (size_t i = 0; i < 5; i++)
		if (str_find(parts[i], '/', 0) != SIZE_MAX || str_find(parts[i], '\0', 0) != SIZE_MAX)
			return error_set(err, "%s:%u: its name is none that a file could have", o->file,
					 o->line);
	buf_printf(&path, "%s/", dir);
	add_name(&path, o, namespaces);
	yaml_write(&text, o->root);
	return write_file(path.p, buf_str(&text), err);
}

static int write_directory(const char *dir, const struct kustomize_result *result, struct error *err)
{
	struct map seen = MAP_INIT;
	for (size_t i = 0; i < result->n; i++)
		if (result->objects[i].namespace.n)
			map_put(&seen, result->objects[i].namespace, &seen);
	bool namespaces = seen.n > 1;
	map_release(&seen);
	for (size_t i = 0; i < result->n; i++)
		if (write_one(dir, &result->objects[i], namespaces, err))
			return -1;
	return 0;
}

static int print(const struct cli *cli, const struct kustomize_result *result, struct error *err)
{
	const struct build_options *own = cli->own;
	cleanup_buf struct buf text = BUF_INIT;
	struct stat st;
	if (own->output && *own->output && stat(own->output, &st) == 0 && S_ISDIR(st.st_mode))
		return write_directory(own->output, result, err);
	kustomize_print(result, &text);
	if (own->output && *own->output)
		return write_file(own->output, buf_str(&text), err);
	fwrite(text.n ? text.p : "", 1, text.n, cli->out);
	return 0;
}

/* --- the command --- */

static void warn(const struct cli *cli, const char *text)
{
	cleanup_buf struct buf line = BUF_INIT;
	style_safe(&line, str_of(text), false);
	fprintf(cli->err, "%s: warning: %s\n", cli->program, line.p ? line.p : "");
}

/* Options that kustomize has for programs which are not run here. */
static void warn_unused(const struct cli *cli)
{
	const struct build_options *own = cli->own;
	if (own->mount || own->network || own->network_name || own->as_current_user)
		warn(cli,
		     "--mount, --network, --network-name and --as-current-user have no effect: functions "
		     "in containers are not run");
	if (own->helm_command || own->helm_api_versions || own->helm_kube_version || own->helm_debug)
		warn(cli, "--helm-command, --helm-api-versions, --helm-kube-version and --helm-debug have no "
			  "effect: Helm charts are not rendered yet");
}

static const char *get_environment(void *ctx, const char *name)
{
	return getenv(name);
}

static bool is_managed_by(const struct build_options *own)
{
	const char *set = getenv("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL");
	return own->managed_by || (set && strcmp(set, "on") == 0);
}

static struct kustomize_options options_of(const struct build_options *own)
{
	struct kustomize_options options = {
		.unrestricted = own->restrictor && strcmp(own->restrictor, "LoadRestrictionsNone") == 0,
		.managed_by = is_managed_by(own),
		.enable_helm = own->helm || own->plugins,
		.exec = own->plugins && own->exec ? local_exec : NULL,
		.getenv = get_environment,
	};
	if (own->reorder)
		options.order =
			strcmp(own->reorder, "none") == 0 ? KUSTOMIZE_ORDER_NONE : KUSTOMIZE_ORDER_LEGACY;
	return options;
}

static int build_once(struct cli *cli, struct local_tree *files, struct arena *a, struct error *err)
{
	const char *dir = cli->n_operands ? cli->operands[0] : ".";
	struct kustomize_options options = options_of(cli->own);
	struct kustomize_result result;
	const struct build_options *own = cli->own;
	struct local_exec exec = {
		.env = own->env, .confine = own->confine, .tree = &files->tree, .program = cli->program
	};
	options.exec_ctx = &exec;
	int rc = kustomize_is_remote(dir)
			 ? kustomize_build_remote(a, &files->tree, dir, &options, &result, err)
			 : kustomize_build(a, &files->tree, local_tree_path(files, dir), &options, &result,
					   err);
	for (size_t i = 0; rc <= 0 && i < result.n_warnings; i++)
		warn(cli, result.warnings[i]);
	return rc ? rc : print(cli, &result, err);
}

/* Again with the remote bases that were missing. */
static int build(struct cli *cli, struct bases *bases, struct arena *a, struct error *err)
{
	int rc = 1;
	for (unsigned round = 0; rc > 0; round++) {
		struct local_tree files;
		if (bases_round(bases, round, err) < 0 || local_tree_init(&files, err) < 0)
			return -1;
		files.bases = bases;
		rc = build_once(cli, &files, a, err);
		local_tree_release(&files);
	}
	return rc;
}

static int check_options(const struct cli *cli, struct error *err)
{
	const char *restrictor = ((const struct build_options *)cli->own)->restrictor;
	if (cli->n_operands && *cli->operands[0] == '\0')
		return error_set(err, "the name of the directory is empty");
	const struct build_options *own = cli->own;
	if (own->confine && !(own->plugins && own->exec))
		return error_set(err, "--confine is for functions that are programs: it goes with "
				      "--enable-alpha-plugins --enable-exec");
	if (restrictor && *restrictor && strcmp(restrictor, "LoadRestrictionsRootOnly") != 0 &&
	    strcmp(restrictor, "LoadRestrictionsNone") != 0)
		return error_set(
			err, "--load-restrictor %s: it is LoadRestrictionsRootOnly or LoadRestrictionsNone",
			restrictor);
	return 0;
}

static int run(struct cli *cli)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const struct build_options *own = cli->own;
	struct bases bases = { .offline = own->offline, .refresh = own->refresh };
	struct error err = ERROR_INIT;
	warn_unused(cli);
	int rc = check_options(cli, &err);
	if (rc == 0)
		rc = build(cli, &bases, &a, &err);
	bases_release(&bases);
	return rc ? fail(cli, &err) : EXIT_OK;
}

static const char *const orders[] = { "none", "legacy", NULL };

#define FIELD(f) .offset = offsetof(struct build_options, f)

static const struct option_def options[] = {
	{ .name = "output",
	  .letter = 'o',
	  .kind = OPTION_TEXT,
	  .value = "PATH",
	  FIELD(output),
	  .complete = COMPLETE_FILE,
	  .help = "Write to this file, or, when it is a directory, one file for each object into it." },
	{ .name = "reorder",
	  .kind = OPTION_CHOICE,
	  .value = "ORDER",
	  FIELD(reorder),
	  .choices = orders,
	  .help = "Order of the objects: `none` as the files have them, `legacy` namespaces first and webhooks last. "
		  "Default: `sortOptions` of the kustomization, or `legacy`." },
	{ .name = "load-restrictor",
	  .kind = OPTION_TEXT,
	  .value = "WHICH",
	  FIELD(restrictor),
	  .help = "`LoadRestrictionsRootOnly`, or `LoadRestrictionsNone`, with which kustomizations may read files that "
		  "are not below their own directory." },
	{ .name = "offline",
	  .kind = OPTION_FLAG,
	  FIELD(offline),
	  .help = "Ask no other repository for bases: what was fetched before must do." },
	{ .name = "refresh",
	  .kind = OPTION_FLAG,
	  FIELD(refresh),
	  .help = "Ask for the branches and tags of remote bases once more, however new what is known." },
	{ .name = "enable-helm",
	  .kind = OPTION_FLAG,
	  FIELD(helm),
	  .help = "Allow `helmCharts`. They are not rendered yet." },
	{ .name = "enable-alpha-plugins",
	  .kind = OPTION_FLAG,
	  FIELD(plugins),
	  .help = "Allow generators and transformers that are not built in." },
	{ .name = "enable-exec",
	  .kind = OPTION_FLAG,
	  FIELD(exec),
	  .help = "With `--enable-alpha-plugins`: run functions that are programs of the repository. Only for "
		  "repositories that you trust." },
	{ .name = "confine",
	  .kind = OPTION_FLAG,
	  FIELD(confine),
	  .help = "With `--enable-exec`: run such functions as renderers are run, on a copy of their directory, without "
		  "network and with limits. Where this machine cannot confine programs the build fails." },
	{ .name = "env",
	  .letter = 'e',
	  .kind = OPTION_TEXT,
	  .value = "NAME=VALUE",
	  FIELD(env),
	  .help = "An environment variable for functions; the last one counts." },
	{ .name = "enable-managedby-label",
	  .kind = OPTION_FLAG,
	  FIELD(managed_by),
	  .help = "Label objects with app.kubernetes.io/managed-by; better say so in `buildMetadata`." },
	{ .name = "as-current-user",
	  .kind = OPTION_FLAG,
	  FIELD(as_current_user),
	  .help = "Accepted, without effect: functions in containers are not run." },
	{ .name = "mount",
	  .kind = OPTION_TEXT,
	  .value = "MOUNT",
	  FIELD(mount),
	  .help = "Accepted, without effect: functions in containers are not run." },
	{ .name = "network",
	  .kind = OPTION_FLAG,
	  FIELD(network),
	  .help = "Accepted, without effect: functions in containers are not run." },
	{ .name = "network-name",
	  .kind = OPTION_TEXT,
	  .value = "NAME",
	  FIELD(network_name),
	  .help = "Accepted, without effect: functions in containers are not run." },
	{ .name = "helm-command",
	  .kind = OPTION_TEXT,
	  .value = "FILE",
	  FIELD(helm_command),
	  .help = "Accepted, without effect: Helm charts are not rendered yet." },
	{ .name = "helm-api-versions",
	  .kind = OPTION_TEXT,
	  .value = "VERSION",
	  FIELD(helm_api_versions),
	  .help = "Accepted, without effect: Helm charts are not rendered yet." },
	{ .name = "helm-kube-version",
	  .kind = OPTION_TEXT,
	  .value = "VERSION",
	  FIELD(helm_kube_version),
	  .help = "Accepted, without effect: Helm charts are not rendered yet." },
	{ .name = "helm-debug",
	  .kind = OPTION_FLAG,
	  FIELD(helm_debug),
	  .help = "Accepted, without effect: Helm charts are not rendered yet." },
	{ .name = "stack-trace",
	  .kind = OPTION_FLAG,
	  FIELD(stack_trace),
	  .help = "Accepted, without effect: messages name the file and line that is wrong." },
	{ .name = NULL },
};

static const struct example examples[] = {
	{ "build overlays/production", "What `kustomize build overlays/production` prints" },
	{ "build overlays/production -o rendered/",
	  "One file for each object, into a directory that is there" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "The objects are written." },
	{ EXIT_DIFFERS,
	  "The kustomization, DIR or an option's value is wrong, or a file cannot be read or written. Nothing is printed on "
	  "standard output then." },
	{ EXIT_TROUBLE, "Wrong usage." },
	{ 0, NULL },
};

const struct command command_build = {
	.name = "build",
	.operands = "[DIR]",
	.summary = "Print what `kustomize build` prints",
	.help = "Builds the kustomization in DIR, which is `.` unless it is given, and prints its objects as `kustomize "
		"build` of version 5.8.1 does, byte for byte. No other program is needed.\n\n"
		"DIR may also name a directory of a git repository, as a kustomization would: "
		"`https://host/org/repo//dir?ref=v1`.\n\n"
		"Values of Secrets are printed as they are. Warnings go to standard error.",
	.options = options,
	.options_size = sizeof(struct build_options),
	.operands_min = 0,
	.operands_max = 1,
	.complete = COMPLETE_DIRECTORY,
	.examples = examples,
	.exits = exits,
	.run = run,
};
