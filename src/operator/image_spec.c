/* image_spec.c - see image_spec.h; every refusal names the field. */
#include "operator/image_spec.h"

#include "operator/spec_parts.h"
#include "registry/credentials.h"
#include "repo/commit.h"

static char *text_at(struct arena *a, const struct node *root, const char *path, const char *otherwise)
{
	struct str text = node_text(node_at(root, path));
	if (text.n)
		return arena_strndup(a, text.p, text.n);
	return otherwise ? arena_strdup(a, otherwise) : NULL;
}

static struct str part_of(struct arena *a, const struct node *root, const char *path)
{
	return arena_str(a, node_text(node_at(root, path)));
}

static bool is_map(const struct node *n)
{
	return n && n->type == NODE_MAP;
}

static int read_policy(struct arena *a, const struct node *object, struct image_policy *out,
		       struct error *err)
{
	static const struct {
		const char *name;
		enum image_policy_kind kind;
	} kinds[] = {
		{ "semver", IMAGE_POLICY_SEMVER },
		{ "numerical", IMAGE_POLICY_NUMERICAL },
		{ "alphabetical", IMAGE_POLICY_ALPHABETICAL },
		{ "time", IMAGE_POLICY_TIME },
	};
	const struct node *policy = node_at(object, "spec.policy"), *found = NULL;
	size_t n = 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct node *one = node_get(policy, kinds[i].name);
		if (!is_map(one))
			continue;
		found = one;
		out->kind = kinds[i].kind;
		n++;
	}
	if (n != 1)
		return error_set(err,
				 "spec.policy: must have one of semver, numerical, alphabetical and time");
	out->range = part_of(a, found, "range");
	out->lowest = str_is(node_text(node_get(found, "order")), "desc");
	out->filter = part_of(a, object, "spec.filter.pattern");
	out->extract = part_of(a, object, "spec.filter.extract");
	out->exclude = part_of(a, object, "spec.filter.exclude");
	return image_policy_check(out, err) < 0 ? error_wrap(err, "spec") : 0;
}

static int read_provider(const struct node *object, struct image_rule_spec *out, struct error *err)
{
	static const struct {
		const char *name, *helper;
	} providers[] = { { "aws", "ecr-login" }, { "google", "gcr" }, { "azure", "acr-env" } };
	struct str provider = node_text(node_at(object, "spec.provider"));
	if (!provider.n || str_is(provider, "generic"))
		return 0;
	for (size_t i = 0; i < sizeof(providers) / sizeof(*providers); i++)
		if (str_is(provider, providers[i].name))
			out->helper = providers[i].helper;
	if (!out->helper)
		return error_set(err, "spec.provider: \"%.*s\" must be generic, aws, google or azure",
				 STR_ARG(provider));
	const char *right = registry_cloud_helper(out->place.host);
	/* Else whoever names a host of their own would get what the cloud's registry gives Capstan. */
	if (!right || strcmp(right, out->helper) != 0)
		return error_set(err, "spec.provider: %s is no registry of %.*s; name a Secret in secretRef",
				 out->place.name, STR_ARG(provider));
	return 0;
}

static int read_digest(const struct node *object, struct image_rule_spec *out, struct error *err)
{
	struct str digest = node_text(node_at(object, "spec.digest"));
	out->digest = str_is(digest, "pin")	 ? IMAGE_DIGEST_PIN
		      : str_is(digest, "follow") ? IMAGE_DIGEST_FOLLOW
						 : IMAGE_DIGEST_NONE;
	if (digest.n && out->digest == IMAGE_DIGEST_NONE && !str_is(digest, "none"))
		return error_set(err, "spec.digest: \"%.*s\" must be none, pin or follow", STR_ARG(digest));
	return 0;
}

static bool has_parent_segment(struct str path)
{
	while (path.n) {
		struct str segment = str_cut(path, '/', &path);
		if (str_is(segment, "..") || str_is(segment, ".git"))
			return true;
	}
	return false;
}

static int read_update(struct arena *a, const struct node *object, struct image_rule_spec *out,
		       struct error *err)
{
	const struct node *update = node_at(object, "spec.update");
	if (!is_map(update))
		return 0;
	out->repo = text_at(a, update, "repo", NULL);
	out->branch = text_at(a, update, "branch", NULL);
	out->environment = text_at(a, update, "environment", NULL);
	out->path = text_at(a, update, "path", ".");
	out->message = text_at(a, update, "message", NULL);
	out->author = text_at(a, update, "author.name", NULL);
	out->email = text_at(a, update, "author.email", NULL);
	out->policy_name = text_at(a, update, "name", arena_printf(a, "%s:%s", out->namespace, out->name));
	if (!out->repo || !out->branch)
		return error_set(err, "spec.update: repo and branch must be there; repo names a Repo");
	if (commit_check_branch(out->branch, err) < 0)
		return error_wrap(err, "spec.update.branch");
	if (out->environment && node_text(node_get(update, "path")).n)
		return error_set(err, "spec.update: write one of path and environment");
	if (out->path[0] == '/' || has_parent_segment(str_of(out->path)))
		return error_set(err, "spec.update.path: \"%s\" must be inside the repository, without '..'",
				 out->path);
	if (!strchr(out->policy_name, ':'))
		return error_set(err, "spec.update.name: \"%s\" must be NAMESPACE:NAME", out->policy_name);
	return 0;
}

static int read_webhook(struct arena *a, const struct node *object, struct image_rule_spec *out,
			struct error *err)
{
	const struct node *webhook = node_at(object, "spec.webhook");
	struct str type = node_text(node_get(webhook, "type"));
	if (!is_map(webhook))
		return 0;
	if (!webhook_type_parse(type, &out->webhook_type) || !webhook_of_registry(out->webhook_type))
		return error_set(
			err,
			"spec.webhook.type: \"%.*s\" must be distribution, harbor, dockerhub, ghcr, quay or "
			"generic",
			STR_ARG(type));
	out->webhook_secret = text_at(a, webhook, "secretRef.name", NULL);
	if (!out->webhook_secret)
		return error_set(err,
				 "spec.webhook.secretRef.name: is missing; it names a Secret with key token");
	return 0;
}

int image_rule_read(struct arena *a, const struct node *object, struct image_rule_spec *out,
		    struct error *err)
{
	*out = (struct image_rule_spec){ 0 };
	out->name = text_at(a, object, "metadata.name", NULL);
	out->namespace = text_at(a, object, "metadata.namespace", "default");
	if (!out->name)
		return error_set(err, "metadata.name: is missing");
	node_int(node_at(object, "metadata.generation"), &out->generation);
	out->image = text_at(a, object, "spec.image", "");
	out->secret = text_at(a, object, "spec.secretRef.name", NULL);
	out->insecure = node_bool(node_at(object, "spec.insecure"), false);
	out->suspend = node_bool(node_at(object, "spec.suspend"), false);
	/* First, so that a webhook is there whatever else is wrong. */
	if (read_webhook(a, object, out, err) < 0)
		return -1;
	if (registry_place_read(a, str_of(out->image), &out->place, err) < 0)
		return error_wrap(err, "spec.image");
	if (spec_duration(object, "spec.interval", IMAGE_INTERVAL_MS, &out->interval_ms, err) < 0 ||
	    read_policy(a, object, &out->policy, err) < 0 || read_digest(object, out, err) < 0 ||
	    read_update(a, object, out, err) < 0)
		return -1;
	return out->secret ? 0 : read_provider(object, out, err);
}

void image_rule_change(struct arena *a, const struct image_rule_spec *spec, struct str tag, struct str digest,
		       struct image_change *out)
{
	struct str text = str_of(arena_printf(a, "%s:%.*s%s%.*s", spec->image, STR_ARG(tag),
					      digest.n ? "@" : "", STR_ARG(digest)));
	*out = (struct image_change){
		.name = str_of(arena_strdup(a, spec->image)),
		.image = image_ref_split(text),
		.text = text,
	};
}

struct hash image_rule_source_hash(const struct image_rule_spec *spec)
{
	struct str parts[] = { str_of(spec->image), str_of(spec->secret), str_of(spec->helper),
			       spec->insecure ? STR("http") : STR("https") };
	return hash_parts(parts, sizeof(parts) / sizeof(*parts));
}
