/*
 * check.c - `capstan check DIR...|--env ENVIRONMENT|--all`: everything that can be known of the rendered
 * objects without a cluster, all at once; with one (--cluster) also what its API server says to a dry run.
 */
#include "cmd/commands.h"

#include <limits.h>
#include <stdlib.h>

#include "check/report.h"
#include "cmd/checking.h"
#include "cmd/diff.h"
#include "cmd/local_objects.h"
#include "cmd/print_check.h"
#include "deploy/key.h"
#include "doc/json.h"
#include "doc/yaml.h"
#include "io/file.h"

struct check_command {
	const char *namespace, *version, *schema, *allow, *rules;
	bool strict, all, cluster;
	struct local_objects_given given;
};

/* One directory or environment, rendered; memory of its own arena. */
struct checked {
	struct local_objects objects;
	struct arena arena;
	struct render_output output;
	struct check_environment environment;
	VEC(struct render_file) texts; /* as they lie there: for secrets in plain text */
};

typedef VEC(struct checked *) checked_list;

/* --- environments --- */

static void on_text(void *ctx, const char *file, struct str text)
{
	struct checked *e = ctx;
	vec_push(&e->texts, ((struct render_file){ file, text }));
}

static struct checked *add(checked_list *list)
{
	struct checked *e = mem_alloc(sizeof(*e));
	vec_push(list, e);
	return e;
}

static int render_one(const struct cli *cli, struct checked *e, struct error *err)
{
	const struct check_command *own = cli->own;
	struct local_objects *o = &e->objects;
	o->on_text = on_text;
	o->on_text_ctx = e;
	if (local_objects_render(o, &e->arena, &e->output, err) < 0)
		return -1;
	e->environment = (struct check_environment){
		.name = o->environment ? o->environment->name : "",
		.objects = e->output.objects,
		.n = e->output.n,
		.diags = e->output.diags,
		.n_diags = e->output.n_diags,
		.origins = e->output.origins,
		.namespace = own->namespace ? own->namespace : local_objects_namespace(o, NULL),
		.cluster = o->environment ? (o->environment->context ? o->environment->context : "") : NULL,
	};
	return 0;
}

static int open_directories(struct cli *cli, checked_list *list, struct error *err)
{
	static const char *const here[] = { "." };
	const struct check_command *own = cli->own;
	const char *const *dirs = cli->n_operands ? cli->operands : here;
	size_t n = cli->n_operands ? cli->n_operands : 1;
	for (size_t i = 0; i < n; i++) {
		struct checked *e = add(list);
		if (local_objects_open(&e->objects, cli, &own->given, dirs[i], err) < 0 ||
		    render_one(cli, e, err) < 0)
			return -1;
		if (n > 1)
			e->environment.name = dirs[i];
	}
	return 0;
}

static int open_all(struct cli *cli, checked_list *list, struct error *err)
{
	const struct check_command *own = cli->own;
	struct local_objects file;
	int rc = local_objects_open(&file, cli, &own->given, cli->n_operands ? cli->operands[0] : NULL, err);
	if (rc == 0)
		rc = local_objects_open_file(&file, err);
	for (size_t i = 0; rc == 0 && i < file.all.n; i++) {
		struct checked *e = add(list);
		rc = local_objects_open_environment(&e->objects, &file, file.all.list[i].name, err);
		if (rc == 0)
			rc = render_one(cli, e, err);
	}
	local_objects_close(&file);
	return rc;
}

static void release(checked_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		local_objects_close(&list->at[i]->objects);
		arena_release(&list->at[i]->arena);
		vec_release(&list->at[i]->texts);
		free(list->at[i]);
	}
	vec_release(list);
}

/* --- a cluster's word --- */

static void add_diag(struct checked *e, const struct compared *about)
{
	struct check_environment *to = &e->environment;
	struct render_diag *diags = arena_array(&e->arena, struct render_diag, to->n_diags + 1);
	if (to->n_diags)
		memcpy(diags, to->diags, to->n_diags * sizeof(*diags));
	diags[to->n_diags++] = (struct render_diag){
		.severity = RENDER_ERROR,
		.file = arena_strdup(&e->arena, about->file ? about->file : ""),
		.line = about->line,
		.object = key_display(&e->arena, about->key),
		.text = arena_printf(&e->arena, "the API server refuses it: %s", about->failure),
	};
	to->diags = diags;
}

/* A dry run of each object; a refusal is a finding. */
static int ask_cluster(struct cli *cli, struct checked *e, struct error *err)
{
	struct cluster c = { 0 };
	struct common before = cli->common;
	char name[COMMAND_APP_NAME_MAX];
	local_objects_context(&e->objects, &cli->common);
	local_objects_name(&e->objects, name);
	struct comparison comparison = { .cluster = &c, .name = name, .objects = &e->objects };
	int rc = cluster_open(&c, cli, 0, err) < 0 || cluster_discover(&c, err) < 0 ||
				 local_objects_values(&e->objects, &c, err) < 0
			 ? -1
			 : comparison_run(&comparison, err);
	for (size_t i = 0; rc == 0 && i < comparison.n; i++)
		if (comparison.all[i].failure)
			add_diag(e, &comparison.all[i]);
	comparison_release(&comparison);
	cluster_close(&c);
	cli->common = before;
	return rc;
}

/* --- the check --- */

/* A base that many environments read is looked at once. */
static void check_texts(struct check *c, const checked_list *list)
{
	struct map seen = MAP_INIT;
	for (size_t i = 0; i < list->n; i++) {
		for (size_t k = 0; k < list->at[i]->texts.n; k++) {
			const struct render_file *text = &list->at[i]->texts.at[k];
			if (!map_put(&seen, str_of(text->path), &seen))
				check_text(c, text->path, text->data);
		}
	}
	map_release(&seen);
}

static int check_list(struct cli *cli, struct check *c, checked_list *list, struct error *err)
{
	const struct check_command *own = cli->own;
	bool known = false;
	if (list->n && checking_allow(c, &list->at[0]->objects.all, err) < 0)
		return -1;
	for (size_t i = 0; i < list->n; i++) {
		if (own->cluster && ask_cluster(cli, list->at[i], err) < 0)
			return -1;
		if (checking_own_kinds(c, &list->at[i]->environment, &known, err) != 0)
			return -1;
		check_definitions(c, &list->at[i]->environment);
	}
	for (size_t i = 0; i < list->n; i++)
		check_environment(c, &list->at[i]->environment);
	check_texts(c, list);
	return 0;
}

static int check_all(struct cli *cli, struct check *c, struct error *err)
{
	const struct check_command *own = cli->own;
	checked_list list = { 0 };
	int rc;
	if (own->all && own->given.env)
		return error_set(err, "--all and --env: give one of them");
	rc = own->all ? open_all(cli, &list, err) : open_directories(cli, &list, err);
	if (rc == 0)
		rc = check_list(cli, c, &list, err);
	release(&list);
	return rc;
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
	if (prepare(own, &a, &c, &err) == 0 && check_all(cli, c, &err) == 0) {
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
	{ .name = "all",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct check_command, all),
	  .help = "Every environment of `capstan.yaml`." },
	{ .name = "cluster",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct check_command, cluster),
	  .help = "Ask the API server of the environment's context, too: a dry run of each object." },
	LOCAL_OBJECTS_OPTIONS(struct check_command),
	{ .name = NULL },
};

static const struct example examples[] = {
	{ "check deploy/prod", "Check a directory of manifests" },
	{ "check --kubernetes-version 1.34 deploy/prod deploy/staging",
	  "Two environments, for an older cluster" },
	{ "check --all", "Every environment of `capstan.yaml`" },
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
	.operands = "[DIR...]|--env ENVIRONMENT|--all",
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
	.common = COMMON_COLOR | COMMON_CLUSTER | COMMON_TIMEOUT,
	.operands_min = 0,
	.operands_max = UINT_MAX,
	.complete = COMPLETE_DIRECTORY,
	.examples = examples,
	.exits = exits,
	.run = run,
};
