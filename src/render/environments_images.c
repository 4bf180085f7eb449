/*
 * environments_images.c - `images` of capstan.yaml: images whose latest tags an App of an environment keeps
 * up with. The fields are those of an ImageRule, which each line becomes (operator/rendered_images.c).
 */
#include "doc/yaml.h"
#include "render/environments_table.h"

PLACED(environments_image);

static const char *const orders[] = { "asc", "desc", NULL };
static const char *const providers[] = { "generic", "aws", "google", "azure", NULL };
static const char *const digests[] = { "none", "pin", "follow", NULL };

static const struct field semver_fields[] = {
	{ .name = "range",
	  .required = true,
	  NOT_KEPT,
	  .help = "Such as 1.x, `>=1.2.0 <2.0.0` or ~1.4.",
	  .example = "1.x" },
	{ .name = NULL },
};
static const struct field_record semver = { .fields = semver_fields };

static const struct field order_fields[] = {
	{ .name = "order",
	  .kind = FIELD_CHOICE,
	  .choices = orders,
	  NOT_KEPT,
	  .help = "`asc`, the default: the last one is the latest; `desc`: the first.",
	  .example = "desc" },
	{ .name = NULL },
};
static const struct field_record order = { .fields = order_fields };

static const struct field no_fields[] = { { .name = NULL } };
static const struct field_record nothing = { .fields = no_fields };

static const struct field policy_fields[] = {
	{ .name = "semver",
	  .kind = FIELD_RECORD,
	  .record = &semver,
	  NOT_KEPT,
	  .help = "The highest version in a range.",
	  .example = "{range: 1.x}" },
	{ .name = "numerical",
	  .kind = FIELD_RECORD,
	  .record = &order,
	  NOT_KEPT,
	  .help = "The largest number.",
	  .example = "{}" },
	{ .name = "alphabetical",
	  .kind = FIELD_RECORD,
	  .record = &order,
	  NOT_KEPT,
	  .help = "The last one by its bytes.",
	  .example = "{}" },
	{ .name = "time",
	  .kind = FIELD_RECORD,
	  .record = &nothing,
	  NOT_KEPT,
	  .help = "The image that was built last.",
	  .example = "{}" },
	{ .name = NULL },
};
static const struct field_record policy = { .fields = policy_fields };

static const struct field filter_fields[] = {
	{ .name = "pattern",
	  NOT_KEPT,
	  .help = "A regular expression that a tag must match.",
	  .example = "^v" },
	{ .name = "extract",
	  NOT_KEPT,
	  .help = "What of it is compared, as `$1` or `${name}`.",
	  .example = "$1" },
	{ .name = "exclude",
	  NOT_KEPT,
	  .help = "A regular expression; tags that match do not count.",
	  .example = "-dev$" },
	{ .name = NULL },
};
static const struct field_record filter = { .fields = filter_fields };

static const struct field secret_fields[] = {
	{ .name = "name",
	  .rule = RULE_NAME,
	  .required = true,
	  NOT_KEPT,
	  .help = "Name of a Secret of the App's namespace.",
	  .example = "registry" },
	{ .name = NULL },
};
static const struct field_record secret = { .fields = secret_fields };

static const struct field image_fields[] = {
	{ .name = "image",
	  .rule = RULE_IMAGE,
	  .required = true,
	  AT(environments_image, image),
	  .help = "The image in the registry, without tag and digest.",
	  .example = "registry.example.com/team/web" },
	{ .name = "policy",
	  .kind = FIELD_RECORD,
	  .record = &policy,
	  .required = true,
	  NOT_KEPT,
	  .help = "How the latest tag is found; one of `semver`, `numerical`, `alphabetical` and `time`.",
	  .example = "{semver: {range: 1.x}}" },
	{ .name = "filter",
	  .kind = FIELD_RECORD,
	  .record = &filter,
	  NOT_KEPT,
	  .help = "Which tags count, and what of them is compared.",
	  .example = "{pattern: \"^v\"}" },
	{ .name = "digest",
	  .kind = FIELD_CHOICE,
	  .choices = digests,
	  NOT_KEPT,
	  .help = "Whether the digest is written, too: `none`, `pin` or `follow`.",
	  .example = "pin" },
	{ .name = "interval",
	  .kind = FIELD_DURATION,
	  .low = 5000,
	  .high = 720ll * 3600000,
	  NOT_KEPT,
	  .help = "How often the registry is asked. Default: `5m`.",
	  .example = "10m" },
	{ .name = "secretRef",
	  .kind = FIELD_RECORD,
	  .record = &secret,
	  NOT_KEPT,
	  .help = "An imagePullSecret of the App's namespace, with the registry's credentials.",
	  .example = "{name: registry}" },
	{ .name = "provider",
	  .kind = FIELD_CHOICE,
	  .choices = providers,
	  NOT_KEPT,
	  .help = "Whose credentials are used without it: `generic` (nobody's), or Capstan's own in a cloud: `aws`, `google`, "
		  "`azure`.",
	  .example = "aws" },
	{ .name = "insecure",
	  .kind = FIELD_FLAG,
	  NOT_KEPT,
	  .help = "Speak http:// with the registry.",
	  .example = "true" },
	{ .name = "environments",
	  .kind = FIELD_TEXTS,
	  .rule = RULE_LABEL,
	  LIST_AT(environments_image, environments, n_environments),
	  .help = "The environments that it is written to. Default: all that have a `branch`.",
	  .example = "[staging]" },
	{ .name = "message",
	  AT(environments_image, message),
	  .help = "First line of the commit's message.",
	  .example = "new web" },
	{ .name = NULL },
};
const struct field_record environments_image_record = {
	.fields = image_fields,
	.size = sizeof(struct environments_image),
	.help = "An image whose latest tag is committed to the environments that use it; fields of an ImageRule.",
};

/* Fields that are the line's own, and not of an ImageRule's spec. */
static const char *const own[] = { "environments", "message" };

static void complain(struct fields_reader *r, const struct environments_image *image, const char *what)
{
	struct fields_place at = { NULL, image->line, image->column };
	buf_clear(&r->path);
	buf_printf(&r->path, "images.%s", image->name ? image->name : "?");
	fields_complain(r, &at, "%s", what);
}

static bool is_known(const struct environments *e, const char *name)
{
	for (size_t i = 0; i < e->n; i++)
		if (strcmp(e->list[i].name, name) == 0)
			return true;
	return false;
}

void environments_settle_images(struct fields_reader *r, struct environments *e, const struct node *maps)
{
	for (size_t i = 0; i < e->n_images; i++) {
		struct environments_image *image = &e->images[i];
		const struct node *map = maps->map.pairs[i].value;
		if (map->type != NODE_MAP)
			continue;
		if (node_get(map, "policy") && node_count(node_get(map, "policy")) != 1)
			complain(r, image,
				 "policy: has to be one of semver, numerical, alphabetical and time");
		for (size_t k = 0; k < image->n_environments; k++)
			if (!is_known(e, image->environments[k]))
				complain(r, image,
					 arena_printf(r->a, "environments: there is no environment `%s`",
						      image->environments[k]));
		struct node *spec = node_clone(r->a, map);
		for (size_t k = 0; k < sizeof(own) / sizeof(*own); k++)
			node_del(spec, str_of(own[k]));
		fields_make_texts(spec, &environments_image_record);
		if (yaml_settle(r->a, spec, NULL) == 0)
			image->spec = spec;
	}
}
