/* environments_table.c - capstan.yaml field by field: what the reader, the JSON schema and the messages go
 * by. */
#include "render/environments_table.h"

PLACED(environment);
PLACED(environments_program);
PLACED(environments_value);
PLACED(environments_source);
PLACED(environments_allowance);
_Static_assert(offsetof(struct environments_value, text) == offsetof(struct fields_variable, text),
	       "environments_value must be a fields_variable");

/* --- kustomize: the fields of a kustomization that make sense here --- */

static const struct field target_fields[] = {
	{ .name = "group", NOT_KEPT, .help = "API group, a regular expression.", .example = "apps" },
	{ .name = "version", NOT_KEPT, .help = "API version, a regular expression.", .example = "v1" },
	{ .name = "kind", NOT_KEPT, .help = "Kind, a regular expression.", .example = "Deployment" },
	{ .name = "name", NOT_KEPT, .help = "Name, a regular expression.", .example = "web" },
	{ .name = "namespace", NOT_KEPT, .help = "Namespace, a regular expression.", .example = "shop" },
	{ .name = "labelSelector",
	  NOT_KEPT,
	  .help = "Labels, as `kubectl -l` takes them.",
	  .example = "app=web" },
	{ .name = "annotationSelector", NOT_KEPT, .help = "The same for annotations.", .example = "a=b" },
	{ .name = NULL },
};
static const struct field_record target = { .fields = target_fields };

static const struct field patch_option_fields[] = {
	{ .name = "allowNameChange",
	  .kind = FIELD_FLAG,
	  NOT_KEPT,
	  .help = "The patch may give the object another name.",
	  .example = "true" },
	{ .name = "allowKindChange",
	  .kind = FIELD_FLAG,
	  NOT_KEPT,
	  .help = "The patch may give the object another kind.",
	  .example = "true" },
	{ .name = NULL },
};
static const struct field_record patch_options = { .fields = patch_option_fields };

static const struct field patch_fields[] = {
	{ .name = "patch",
	  .required = true,
	  NOT_KEPT,
	  .help = "The patch itself: a strategic merge patch, or a list of JSON 6902 operations.",
	  .example = "|" },
	{ .name = "target",
	  .kind = FIELD_RECORD,
	  .record = &target,
	  NOT_KEPT,
	  .help = "Which objects; every field given must match. Without it, the object that the patch names.",
	  .example = "{kind: Deployment}" },
	{ .name = "options",
	  .kind = FIELD_RECORD,
	  .record = &patch_options,
	  NOT_KEPT,
	  .help = "What the patch may do.",
	  .example = "{allowNameChange: true}" },
	{ .name = NULL },
};
static const struct field_record patch = { .fields = patch_fields };

static const struct field image_fields[] = {
	{ .name = "name",
	  .required = true,
	  NOT_KEPT,
	  .help = "Name in the manifests, without tag.",
	  .example = "nginx" },
	{ .name = "newName", NOT_KEPT, .help = "The name it gets.", .example = "registry.example/nginx" },
	{ .name = "newTag", NOT_KEPT, .help = "The tag it gets.", .example = "1.27" },
	{ .name = "tagSuffix", NOT_KEPT, .help = "What is put behind the tag.", .example = "-alpine" },
	{ .name = "digest", NOT_KEPT, .help = "The digest it gets.", .example = "sha256:..." },
	{ .name = NULL },
};
static const struct field_record image = { .fields = image_fields };

static const struct field label_fields[] = {
	{ .name = "pairs",
	  .kind = FIELD_MAP,
	  .required = true,
	  NOT_KEPT,
	  .help = "The labels.",
	  .example = "{team: shop}" },
	{ .name = "includeSelectors",
	  .kind = FIELD_FLAG,
	  NOT_KEPT,
	  .help = "Into selectors and Pod templates, too.",
	  .example = "true" },
	{ .name = "includeTemplates",
	  .kind = FIELD_FLAG,
	  NOT_KEPT,
	  .help = "Into Pod templates, too.",
	  .example = "true" },
	{ .name = NULL },
};
static const struct field_record label = { .fields = label_fields };

static const struct field replica_fields[] = {
	{ .name = "name", .required = true, NOT_KEPT, .help = "Name of the workload.", .example = "web" },
	{ .name = "count",
	  .kind = FIELD_COUNT,
	  .required = true,
	  .high = INT32_MAX,
	  NOT_KEPT,
	  .help = "Its number of replicas.",
	  .example = "3" },
	{ .name = NULL },
};
static const struct field_record replica = { .fields = replica_fields };

static const struct field kustomize_fields[] = {
	{ .name = "patches",
	  .kind = FIELD_RECORDS,
	  .record = &patch,
	  NOT_KEPT,
	  .help = "Patches, written inline.",
	  .example = "[{target: {kind: Deployment}, patch: ...}]" },
	{ .name = "images",
	  .kind = FIELD_RECORDS,
	  .record = &image,
	  NOT_KEPT,
	  .help = "Images to replace, by name.",
	  .example = "[{name: nginx, newTag: \"1.27\"}]" },
	{ .name = "components",
	  .kind = FIELD_TEXTS,
	  NOT_KEPT,
	  .help = "Directories of kustomize components, relative to the path.",
	  .example = "[../../components/tls]" },
	{ .name = "namePrefix",
	  .rule = RULE_EMPTY_TOO,
	  NOT_KEPT,
	  .help = "Put in front of every name.",
	  .example = "prod-" },
	{ .name = "nameSuffix",
	  .rule = RULE_EMPTY_TOO,
	  NOT_KEPT,
	  .help = "Put behind every name.",
	  .example = "-eu" },
	{ .name = "namespace",
	  .rule = RULE_LABEL,
	  NOT_KEPT,
	  .help = "Written into every namespaced object.",
	  .example = "shop" },
	{ .name = "labels",
	  .kind = FIELD_RECORDS,
	  .record = &label,
	  NOT_KEPT,
	  .help = "Labels to add.",
	  .example = "[{pairs: {team: shop}}]" },
	{ .name = "commonAnnotations",
	  .kind = FIELD_MAP,
	  NOT_KEPT,
	  .help = "Annotations of every object.",
	  .example = "{team: shop}" },
	{ .name = "replicas",
	  .kind = FIELD_RECORDS,
	  .record = &replica,
	  NOT_KEPT,
	  .help = "Numbers of replicas, by name of the workload.",
	  .example = "[{name: web, count: 3}]" },
	{ .name = NULL },
};
const struct field_record environments_kustomize_record = {
	.fields = kustomize_fields,
	.help = "What is laid over the kustomization of the path, as one more overlay would; fields of a kustomization.",
};

/* --- programs --- */

#define PROGRAM_FIELDS(T, base)                                                               \
	{ .name = "env",                                                                      \
	  .kind = FIELD_MAP,                                                                  \
	  .rule = RULE_VARIABLE,                                                              \
	  LIST_AT(T, base env, base n_env),                                                   \
	  .help = "Variables of its environment, which is else as good as empty.",            \
	  .example = "{REGION: eu}" },                                                        \
		{ .name = "timeout",                                                          \
		  .kind = FIELD_DURATION,                                                     \
		  .low = 100,                                                                 \
		  .high = 3600000,                                                            \
		  AT(T, base timeout_ms),                                                     \
		  .help = "How long it may run.",                                             \
		  .example = "30s" },                                                         \
		{ .name = "memory",                                                           \
		  .kind = FIELD_SIZE,                                                         \
		  .low = 1 << 20,                                                             \
		  .high = 1ll << 40,                                                          \
		  AT(T, base memory_bytes),                                                   \
		  .help = "How much memory it may take.",                                     \
		  .example = "512Mi" },                                                       \
		{ .name = "disk",                                                             \
		  .kind = FIELD_SIZE,                                                         \
		  .low = 1 << 20,                                                             \
		  .high = 1ll << 40,                                                          \
		  AT(T, base disk_bytes),                                                     \
		  .help = "How much it may write.",                                           \
		  .example = "256Mi" },                                                       \
		{ .name = "pids",                                                             \
		  .kind = FIELD_COUNT,                                                        \
		  .low = 1,                                                                   \
		  .high = 32768,                                                              \
		  AT(T, base pids),                                                           \
		  .help = "How many processes and threads it may have at a time.",            \
		  .example = "64" },                                                          \
		{ .name = "inputs",                                                           \
		  .kind = FIELD_TEXTS,                                                        \
		  LIST_AT(T, base inputs, base n_inputs),                                     \
		  .help = "More files and directories that it reads, from the path.",         \
		  .example = "[../lib]" },                                                    \
	{                                                                                     \
		.name = "output", .kind = FIELD_SIZE, .low = 1 << 10, .high = 1 << 30,        \
		AT(T, base output_bytes), .help = "How much it may print.", .example = "16Mi" \
	}

static const struct field renderer_fields[] = {
	{ .name = "command",
	  .kind = FIELD_TEXTS,
	  .required = true,
	  LIST_AT(environments_program, command, n_command),
	  .help = "The program, then its arguments. A name with a slash is a file below the path.",
	  .example = "[cue, export, --out, yaml]" },
	PROGRAM_FIELDS(environments_program, ),
	{ .name = NULL },
};
static const struct field_record renderer = {
	.fields = renderer_fields,
	.size = sizeof(struct environments_program),
	.help = "A program that prints objects.",
};

static const char *const types[] = { "auto", "plain", "kustomize", "exec", NULL };

static const struct field render_fields[] = {
	{ .name = "type",
	  .kind = FIELD_CHOICE,
	  .choices = types,
	  AT(environments_raw_render, type),
	  .help = "`auto`: kustomize where the path holds a kustomization file, else plain. `plain`: every manifest below "
		  "the path. `kustomize`: as `kustomize build` of the path. `exec`: what a program prints.",
	  .example = "kustomize" },
	{ .name = "renderer",
	  .rule = RULE_LABEL,
	  AT(environments_raw_render, renderer),
	  .help = "With `exec`: one of `renderers`.",
	  .example = "cue" },
	{ .name = "command",
	  .kind = FIELD_TEXTS,
	  LIST_AT(environments_raw_render, program.command, program.n_command),
	  .help = "With `exec`, instead of `renderer`: the program, then its arguments.",
	  .example = "[./render.sh]" },
	PROGRAM_FIELDS(environments_raw_render, program.),
	{ .name = NULL },
};
static const struct field_record render = {
	.fields = render_fields,
	.size = sizeof(struct environments_raw_render),
	.help = "How objects are made of the files.",
};

/* --- environments --- */

static const char *const source_kinds[] = { "ConfigMap", "Secret", NULL };

static const struct field source_fields[] = {
	{ .name = "kind",
	  .kind = FIELD_CHOICE,
	  .choices = source_kinds,
	  .required = true,
	  AT(environments_source, kind),
	  .help = "ConfigMap or Secret.",
	  .example = "ConfigMap" },
	{ .name = "name",
	  .rule = RULE_NAME,
	  .required = true,
	  AT(environments_source, name),
	  .help = "Its name, in the namespace of the environment.",
	  .example = "settings" },
	{ .name = "optional",
	  .kind = FIELD_FLAG,
	  AT(environments_source, optional),
	  .help = "Go on without it when it is not there.",
	  .example = "true" },
	{ .name = NULL },
};
static const struct field_record source = {
	.fields = source_fields,
	.size = sizeof(struct environments_source),
};

static const char *const failures[] = { "rollback", "keep", NULL };

static const struct field environment_fields[] = {
	{ .name = "branch",
	  .rule = RULE_BRANCH,
	  AT(environment, branch),
	  .help = "The branch that deploys this environment. Without it, no branch does so by itself.",
	  .example = "main" },
	{ .name = "path",
	  .rule = RULE_PATH,
	  .required = true,
	  AT(environment, path),
	  .help = "Directory of the repository that is rendered, relative to its root; `.` is the root.",
	  .example = "deploy/prod" },
	{ .name = "namespace",
	  .rule = RULE_LABEL,
	  AT(environment, namespace),
	  .help = "Namespace of objects that name none.",
	  .example = "shop" },
	{ .name = "context",
	  AT(environment, context),
	  .help = "Context of the kubeconfig, for the command line. Without it, the current one.",
	  .example = "prod" },
	{ .name = "render",
	  .kind = FIELD_RECORD,
	  .record = &render,
	  AT(environments_raw, render),
	  .help = "How objects are made of the files. Default: `{type: auto}`.",
	  .example = "{type: kustomize}" },
	{ .name = "kustomize",
	  .kind = FIELD_RECORD,
	  .record = &environments_kustomize_record,
	  NOT_KEPT,
	  .help = "What is laid over the kustomization of the path, as one more overlay would.",
	  .example = "{namePrefix: prod-}" },
	{ .name = "substitute",
	  .kind = FIELD_MAP,
	  .rule = RULE_VARIABLE,
	  LIST_AT(environment, substitute, n_substitute),
	  .help = "Values for variables (`${NAME}`) in the rendered objects; they win over those of `substituteFrom`.",
	  .example = "{REGION: eu}" },
	{ .name = "substituteFrom",
	  .kind = FIELD_RECORDS,
	  .record = &source,
	  LIST_AT(environment, from, n_from),
	  .help = "ConfigMaps and Secrets whose keys are variables; later ones win.",
	  .example = "[{kind: ConfigMap, name: settings}]" },
	{ .name = "strict",
	  .kind = FIELD_FLAG,
	  .otherwise = true,
	  AT(environment, strict),
	  .help = "A variable with neither value nor default is an error. When false, it is empty.",
	  .example = "false" },
	{ .name = "timeout",
	  .kind = FIELD_DURATION,
	  .low = 1000,
	  .high = 86400000,
	  AT(environment, timeout_ms),
	  .help = "Deadline of one deployment, until everything is healthy.",
	  .example = "5m" },
	{ .name = "rendered",
	  .rule = RULE_PATH,
	  AT(environment, rendered),
	  .help = "Directory of the repository that keeps the rendered objects, one file each, for reviews. The hook before "
		  "a push brings it up to date.",
	  .example = "rendered/prod" },
	{ .name = "onFailure",
	  .kind = FIELD_CHOICE,
	  .choices = failures,
	  AT(environment, on_failure),
	  .help = "What a deployment by push does when it fails: `rollback` to what was there, or `keep` what is.",
	  .example = "rollback" },
	{ .name = "deliver",
	  .kind = FIELD_RECORD,
	  .word = "direct",
	  .record = &environments_deliver_record,
	  AT(environments_raw, deliver),
	  .help = "How a push gets to this environment, instead of what the file says.",
	  .example = "direct" },
	{ .name = NULL },
};
static const struct field_record environment = {
	.fields = environment_fields,
	.size = sizeof(struct environments_raw),
	.help = "One place that the repository is deployed to.",
};

/* --- the file --- */

static const struct field allowance_fields[] = {
	{ .name = "path",
	  AT(environments_allowance, path),
	  .help = "Files, as a glob.",
	  .example = "tests/**" },
	{ .name = "object",
	  AT(environments_allowance, object),
	  .help = "Objects, as a glob over `KIND/NAMESPACE/NAME` or `KIND/NAME`.",
	  .example = "Secret/shop/demo" },
	{ .name = "fingerprint",
	  .rule = RULE_DIGEST,
	  AT(environments_allowance, fingerprint),
	  .help = "One finding, by the fingerprint that `capstan check` prints.",
	  .example = "0123abcd" },
	{ .name = "reason",
	  .required = true,
	  AT(environments_allowance, reason),
	  .help = "Why it may stay.",
	  .example = "\"a test key, valid nowhere\"" },
	{ .name = NULL },
};
static const struct field_record allowance = {
	.fields = allowance_fields,
	.size = sizeof(struct environments_allowance),
	.help = "A secret in plain text that `capstan check` lets be. One of path, object and fingerprint must be given.",
};

static const struct field file_fields[] = {
	{ .name = "environments",
	  .kind = FIELD_NAMED,
	  .rule = RULE_LABEL,
	  .record = &environment,
	  .required = true,
	  LIST_AT(environments_raw_file, list, n),
	  .help = "The environments, by name.",
	  .example = "{prod: {path: deploy/prod}}" },
	{ .name = "renderers",
	  .kind = FIELD_NAMED,
	  .rule = RULE_LABEL,
	  .record = &renderer,
	  LIST_AT(environments_raw_file, renderers, n_renderers),
	  .help = "Programs of this repository that print objects, by name; for `render: {type: exec, renderer: NAME}`.",
	  .example = "{cue: {command: [cue, export, --out, yaml]}}" },
	{ .name = "allowSecrets",
	  .kind = FIELD_RECORDS,
	  .record = &allowance,
	  LIST_AT(environments_raw_file, allow_secrets, n_allow_secrets),
	  .help = "Secrets in plain text that `capstan check` lets be.",
	  .example = "[{path: \"tests/**\", reason: \"made up\"}]" },
	{ .name = "build",
	  .kind = FIELD_NAMED,
	  .rule = RULE_LABEL,
	  .record = &environments_build_record,
	  LIST_AT(environments_raw_file, builds, n_builds),
	  .help = "Images that a push builds, by the name that the manifests give them.",
	  .example = "{web: {context: services/web}}" },
	{ .name = "deliver",
	  .kind = FIELD_RECORD,
	  .word = "direct",
	  .record = &environments_deliver_record,
	  AT(environments_raw_file, deliver),
	  .help = "How a push gets to its environments: `direct`, which is the default, or by a configuration repository.",
	  .example = "direct" },
	{ .name = "images",
	  .kind = FIELD_NAMED,
	  .rule = RULE_LABEL,
	  .record = &environments_image_record,
	  LIST_AT(environments_raw_file, images, n_images),
	  .help = "Images whose latest tags are committed to this repository, by name.",
	  .example = "{web: {image: registry.example.com/web, policy: {semver: {range: 1.x}}}}" },
	{ .name = NULL },
};
const struct field_record environments_record = {
	.fields = file_fields,
	.size = sizeof(struct environments_raw_file),
	.help = "capstan.yaml: which branch deploys which directory, with which values, to which namespace and cluster.",
};
