/*
 * check.c - `capstan check DIR...`: everything that can be known of the rendered objects without a cluster,
 * all at once.
 *
 * Each directory is an environment. struct rendered is what one of them comes down to; whoever renders
 * otherwise than from plain manifests fills it in another way, and the rest stays.
 */
#include "cmd/commands.h"

#include <limits.h>

#include "check/report.h"
#include "cmd/manifests.h"
#include "cmd/print_check.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "io/file.h"
#include "repo/tree.h"

struct check_command {
	const char *namespace, *version, *schema, *allow, *rules;
	bool strict;
};

/* One environment, rendered; memory of the arena that it was rendered into. */
struct rendered {
	struct check_environment environment;
	struct repo_files files; /* as they lie there: for secrets in plain text */
};

/* --- environments --- */

static bool is_manifest(struct str name)
{
	return str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml")) || str_ends(name, STR(".json"));
}

/* What could not be read, behind what the renderer said. */
static void add_problems(struct arena *a, const struct repo_files *files, struct render_output *out)
{
	struct render_diag *diags = arena_array(a, struct render_diag, out->n_diags + files->n_problems + 1);
	if (out->n_diags)
		memcpy(diags, out->diags, out->n_diags * sizeof(*diags));
	for (size_t i = 0; i < files->n_problems; i++)
		diags[out->n_diags++] = (struct render_diag){ .severity = RENDER_ERROR,
							      .file = files->problems[i].path,
							      .text = files->problems[i].text };
	out->diags = diags;
}

/* A directory of plain manifests. */
static int render_directory(struct arena *a, const char *dir, const char *namespace, struct rendered *out,
			    struct error *err)
{
	if (repo_dir_read(dir, NULL, a, &out->files, err) != 0)
		return err->text[0] ? -1 : error_set(err, "%s: no such directory", dir);
	struct render_input in = { .root = dir };
	struct render_file *list = arena_array(a, struct render_file, out->files.n + 1);
	for (size_t i = 0; i < out->files.n; i++)
		if (is_manifest(str_of(out->files.files[i].path)))
			list[in.n++] = (struct render_file){ .path = out->files.files[i].path,
							     .data = out->files.files[i].data };
	in.files = list;
	struct render_output objects;
	render_plain(a, &in, &objects);
	add_problems(a, &out->files, &objects);
	out->environment = (struct check_environment){ .objects = objects.objects,
						       .n = objects.n,
						       .diags = objects.diags,
						       .n_diags = objects.n_diags,
						       .namespace = namespace };
	return 0;
}

/* App and Repo are known without their definitions lying in the repository; read when there is one of them.
 */
static int know_own_kinds(struct check *c, const struct check_environment *e, bool *known, struct error *err)
{
	bool any = false;
	for (size_t i = 0; i < e->n && !any; i++)
		any = str_is(e->objects[i].group, "capstan.dev");
	for (size_t i = 0; any && !*known && embedded_manifests[i].path; i++)
		if (str_starts(str_of(embedded_manifests[i].path), STR("crds/")) &&
		    check_schema(c, embedded_manifests[i].path, str_of(embedded_manifests[i].text), err) != 0)
			return -1;
	*known = *known || any;
	return 0;
}

static int check_directories(struct cli *cli, struct arena *a, struct check *c, struct error *err)
{
	static const char *const here[] = { "." };
	const struct check_command *own = cli->own;
	const char *const *dirs = cli->n_operands ? cli->operands : here;
	size_t n = cli->n_operands ? cli->n_operands : 1;
	struct rendered *all = arena_array(a, struct rendered, n);
	bool known = false;
	for (size_t i = 0; i < n; i++) {
		if (render_directory(a, dirs[i], own->namespace, &all[i], err) != 0)
			return -1;
		all[i].environment.name = n > 1 ? dirs[i] : "";
		if (know_own_kinds(c, &all[i].environment, &known, err) != 0)
			return -1;
		check_definitions(c, &all[i].environment);
	}
	for (size_t i = 0; i < n; i++) {
		check_environment(c, &all[i].environment);
		for (size_t k = 0; k < all[i].files.n; k++)
			check_text(c, all[i].files.files[k].path, all[i].files.files[k].data);
	}
	return 0;
}

/* --- options --- */

/* "1.36", "v1.36" or "1.36.2" */
static int read_version(const char *text, unsigned *minor, struct error *err)
{
	struct str rest = str_of(text), part;
	int64_t major, value;
	if (rest.n && rest.p[0] == 'v')
		rest = str_from(rest, 1);
	part = str_cut(rest, '.', &rest);
	bool good = str_int64(part, &major) && major == 1;
	part = str_cut(rest, '.', &rest);
	if (!good || !str_int64(part, &value) || value < 1 || value > 999)
		return error_set(err, "--kubernetes-version: %s is none; it is of the form 1.%u", text,
				 check_newest_minor());
	*minor = (unsigned)value;
	return 0;
}

/* "RULE=SEVERITY,..." */
static int read_rules(const char *text, enum check_severity severities[RULE_COUNT], struct error *err)
{
	struct str rest = str_of(text);
	for (size_t i = 0; i < RULE_COUNT; i++)
		severities[i] = check_rules[i].severity;
	while (rest.n) {
		struct str severity, entry = str_cut(rest, ',', &rest);
		struct str id = str_trim(str_cut(entry, '=', &severity));
		enum check_rule rule = check_rule_find(id);
		if (rule == RULE_COUNT)
			return error_set(err, "--rule: there is no rule `%.*s`", STR_ARG(id));
		if (!check_severity_find(str_trim(severity), &severities[rule]))
			return error_set(err, "--rule: %.*s=%.*s: it takes off, note, warning or error",
					 STR_ARG(id), STR_ARG(severity));
	}
	return 0;
}

/* Files named in an option, separated by commas. */
static int each_file(struct arena *a, struct check *c, const char *list,
		     int (*use)(struct check *, const char *, struct str, struct error *), struct error *err)
{
	struct str rest = str_of(list);
	while (rest.n) {
		struct str name = str_cut(rest, ',', &rest);
		cleanup_buf struct buf text = BUF_INIT;
		const char *file = arena_strndup(a, name.p, name.n);
		if (name.n == 0)
			continue;
		if (file_read(file, RENDER_FILE_MAX, &text, err) != 0 ||
		    use(c, file, buf_str(&text), err) != 0)
			return -1;
	}
	return 0;
}

static int prepare(const struct check_command *own, struct arena *a, struct check **out, struct error *err)
{
	struct check_options options = { .minor = 0 };
	enum check_severity severities[RULE_COUNT];
	if (own->version && read_version(own->version, &options.minor, err) != 0)
		return -1;
	if (own->rules && read_rules(own->rules, severities, err) != 0)
		return -1;
	options.severities = own->rules ? severities : NULL;
	struct check *c = check_new(&options);
	*out = c;
	if (own->schema && each_file(a, c, own->schema, check_schema, err) != 0)
		return -1;
	return own->allow ? each_file(a, c, own->allow, check_allow_text, err) : 0;
}

/* --- the command --- */

static void print_result(const struct cli *cli, const struct check_result *result)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	const char *format = cli->common.output;
	if (!format) {
		struct style style = style_of(cli->out, cli->common.color);
		print_check(cli->out, &style, result);
		return;
	}
	if (strcmp(format, "sarif") == 0)
		json_write_pretty(&text, report_sarif(&a, result, CAPSTAN_VERSION));
	else if (strcmp(format, "json") == 0)
		json_write_pretty(&text, report_node(&a, result));
	else
		yaml_write(&text, report_node(&a, result));
	fwrite(text.p, 1, text.n, cli->out);
}

static int run(struct cli *cli)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const struct check_command *own = cli->own;
	struct error err = ERROR_INIT;
	struct check *c = NULL;
	int exit = EXIT_TROUBLE;
	if (prepare(own, &a, &c, &err) == 0 && check_directories(cli, &a, c, &err) == 0) {
		struct check_result result;
		check_finish(c, &result);
		print_result(cli, &result);
		exit = result.errors || (own->strict && result.warnings) ? EXIT_DIFFERS : EXIT_OK;
	} else {
		error_wrap(&err, "check");
		command_fail(cli, &err);
	}
	check_free(c);
	return exit;
}

static const char *const formats[] = { "json", "yaml", "sarif", NULL };

static const struct option_def options[] = {
	{ .name = "kubernetes-version",
	  .kind = OPTION_TEXT,
	  .value = "VERSION",
	  .offset = offsetof(struct check_command, version),
	  .help = "Kubernetes that the objects are for, such as `1.36`. Default: the newest that is known." },
	{ .name = "namespace",
	  .letter = 'n',
	  .kind = OPTION_TEXT,
	  .value = "NAMESPACE",
	  .offset = offsetof(struct check_command, namespace),
	  .complete = COMPLETE_NAMESPACE,
	  .help = "Namespace of objects that name none. Default: `default`." },
	{ .name = "schema",
	  .kind = OPTION_TEXT,
	  .value = "FILE,...",
	  .offset = offsetof(struct check_command, schema),
	  .complete = COMPLETE_FILE,
	  .help = "CustomResourceDefinitions or OpenAPI documents of kinds that are neither built in nor defined in DIR." },
	{ .name = "allow",
	  .kind = OPTION_TEXT,
	  .value = "FILE,...",
	  .offset = offsetof(struct check_command, allow),
	  .complete = COMPLETE_FILE,
	  .help = "Findings that are let be, each with a reason." },
	{ .name = "rule",
	  .kind = OPTION_TEXT,
	  .value = "RULE=SEVERITY,...",
	  .offset = offsetof(struct check_command, rules),
	  .help = "Severity of rules: `off`, `note`, `warning` or `error`." },
	{ .name = "strict",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct check_command, strict),
	  .help = "Warnings are a reason to fail, too." },
	{ .name = NULL },
};

static const struct example examples[] = {
	{ "check deploy/prod", "Check a directory of manifests" },
	{ "check --kubernetes-version 1.34 deploy/prod deploy/staging",
	  "Two environments, for an older cluster" },
	{ "check --strict -o sarif deploy/prod", "For a code scanner; fails for warnings too" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "Nothing was found that is a reason to fail." },
	{ EXIT_DIFFERS, "There are errors; with --strict, errors or warnings." },
	{ EXIT_TROUBLE,
	  "Nothing could be checked: wrong usage, no such directory, a bad --schema or --allow file." },
	{ 0, NULL },
};

const struct command command_check = {
	.name = "check",
	.operands = "[DIR...]",
	.summary = "Validate rendered objects with no cluster",
	.help = "Reads DIR (default: the working directory) as `render` does and says everything that is wrong with the "
		"objects, each with file, line and column: fields and values against the schemas of a Kubernetes version, "
		"removed and deprecated API versions, objects that are there twice, references to ConfigMaps, Secrets, "
		"Services, ServiceAccounts and claims that nothing provides, selectors that match no pods, ports that "
		"nobody opens, and secrets in plain text, in every file of DIR.\n\n"
		"Each DIR is an environment of its own: objects refer to others of the same. CustomResourceDefinitions that "
		"are among the objects are used to check custom resources.\n\n"
		"A finding is silenced by an entry of an allow-list (--allow), which gives a reason; by the annotation "
		"`capstan.dev/check-allow` on its object; or, a rule as a whole, by `--rule RULE=off`.",
	.options = options,
	.options_size = sizeof(struct check_command),
	.formats = formats,
	.common = COMMON_COLOR,
	.operands_min = 0,
	.operands_max = UINT_MAX,
	.complete = COMPLETE_DIRECTORY,
	.examples = examples,
	.exits = exits,
	.run = run,
};
