/*
 * gitkube.c - see gitkube.h; fields and their meaning as in Gitkube's types.go and its pre-receive hook.
 *
 * There, a Dockerfile's path begins at the root of the repository; ours begins at the context. Branches could
 * be forced, and an object has no field that would say otherwise: none is protected.
 */
#include "push/gitkube.h"

#include <stdio.h>

#include "push/access.h"
#include "push/hosted.h"

static const char *text_at(struct arena *a, const struct node *map, const char *path)
{
	struct str text = node_text(node_at(map, path));
	return text.n ? arena_strndup(a, text.p, text.n) : NULL;
}

/* ---- keys ---- */

static const char *who_of(struct arena *a, const struct access_key *key, size_t i)
{
	struct buf name = BUF_INIT;
	for (const char *c = key->comment; *c && name.n < 63; c++)
		if ((unsigned char)*c > ' ' && *c != 0x7f)
			buf_addc(&name, *c);
	const char *who = name.n ? arena_strndup(a, name.p, name.n) : arena_printf(a, "key-%zu", i + 1);
	buf_release(&name);
	return who;
}

static int read_keys(struct arena *a, const struct node *spec, struct hosted_repo *out, struct error *err)
{
	const struct node *list = node_get(spec, "authorizedKeys");
	size_t n = node_count(list);
	if (n >= HOSTED_KEYS_MAX)
		return error_set(err, "spec.authorizedKeys: %zu are more than %u", n, HOSTED_KEYS_MAX - 1);
	struct hosted_key *keys = arena_array(a, struct hosted_key, n);
	out->keys = keys;
	for (size_t i = 0; i < n; i++) {
		struct access_key key;
		struct str line = str_trim(node_text(node_item(list, i)));
		if (line.n == 0)
			continue;
		if (access_key_read(a, line, &key, err) < 0)
			return error_wrap(err, "spec.authorizedKeys[%zu]", i);
		keys[out->n_keys++] = (struct hosted_key){
			.who = who_of(a, &key, i),
			.key = key.key,
			.right = HOSTED_PUSH,
		};
	}
	return 0;
}

/* ---- containers ---- */

/* "src/web/", "./src/web" and "/src/web" are all "src/web"; the root is ".". NULL: it leaves the repository.
 */
static const char *clean_path(struct arena *a, struct str path)
{
	struct buf out = BUF_INIT;
	const char *clean = NULL;
	bool outside = false;
	while (path.n) {
		struct str part = str_cut(path, '/', &path);
		if (part.n == 0 || str_is(part, "."))
			continue;
		outside = outside || str_is(part, "..") || memchr(part.p, '\0', part.n);
		buf_printf(&out, "%s%.*s", out.n ? "/" : "", STR_ARG(part));
	}
	if (!outside)
		clean = out.n ? arena_strndup(a, out.p, out.n) : ".";
	buf_release(&out);
	return clean;
}

/* From the context to a file; both begin at the root. */
static const char *from_context(struct arena *a, const char *context, const char *file)
{
	size_t n = strlen(context);
	if (strcmp(context, ".") == 0)
		return file;
	if (strncmp(file, context, n) == 0 && file[n] == '/')
		return file + n + 1;
	struct buf up = BUF_INIT;
	buf_adds(&up, "../");
	for (const char *c = context; *c; c++)
		if (*c == '/')
			buf_adds(&up, "../");
	const char *path = arena_printf(a, "%s%s", up.p, file);
	buf_release(&up);
	return path;
}

static int read_args(struct arena *a, const struct node *list, struct hosted_container *out,
		     struct error *err)
{
	size_t n = node_count(list);
	const char **args = arena_array(a, const char *, n);
	for (size_t i = 0; i < n; i++) {
		const struct node *item = node_item(list, i);
		struct str name = node_text(node_get(item, "name")),
			   value = node_text(node_get(item, "value"));
		if (name.n == 0 || memchr(name.p, '=', name.n))
			return error_set(err, "buildArgs[%zu].name: \"%.*s\" is no name", i, STR_ARG(name));
		args[i] = arena_printf(a, "%.*s=%.*s", STR_ARG(name), STR_ARG(value));
	}
	out->build_args = args;
	out->n_build_args = n;
	return 0;
}

static int read_container(struct arena *a, const struct node *n, struct hosted_container *out,
			  struct error *err)
{
	struct str dockerfile = node_text(node_get(n, "dockerfile"));
	out->container = text_at(a, n, "name");
	out->path = clean_path(a, node_text(node_get(n, "path")));
	out->no_cache = node_bool(node_get(n, "noCache"), false);
	if (!out->container)
		return error_set(err, "name: is missing");
	if (!out->path)
		return error_set(err, "path: it leaves the repository");
	out->dockerfile = "Dockerfile";
	if (dockerfile.n) {
		const char *file = clean_path(a, dockerfile);
		if (!file)
			return error_set(err, "dockerfile: it leaves the repository");
		out->dockerfile = from_context(a, out->path, file);
	}
	return read_args(a, node_get(n, "buildArgs"), out, err);
}

static int read_deployments(struct arena *a, const struct node *spec, struct hosted_repo *out,
			    struct error *err)
{
	enum { CONTAINERS_MAX = 64 };
	const struct node *list = node_get(spec, "deployments");
	struct hosted_container *all = arena_array(a, struct hosted_container, CONTAINERS_MAX);
	out->containers = all;
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *deployment = node_item(list, i),
				  *containers = node_get(deployment, "containers");
		const char *name = text_at(a, deployment, "name");
		if (!name)
			return error_set(err, "spec.deployments[%zu].name: is missing", i);
		for (size_t k = 0; k < node_count(containers); k++) {
			if (out->n_containers == CONTAINERS_MAX)
				return error_set(err, "spec.deployments: more than %d containers",
						 CONTAINERS_MAX);
			struct hosted_container *c = &all[out->n_containers];
			c->deployment = name;
			if (read_container(a, node_item(containers, k), c, err) < 0)
				return error_wrap(err, "spec.deployments[%zu].containers[%zu]", i, k);
			out->n_containers++;
		}
	}
	return 0;
}

/* ---- the whole ---- */

static int read_manifests(struct arena *a, const struct node *spec, struct hosted_repo *out,
			  struct error *err)
{
	const struct node *helm = node_at(spec, "manifests.helm");
	struct str path = node_text(node_at(spec, "manifests.path"));
	if (node_count(helm))
		return error_set(
			err,
			"spec.manifests.helm: charts are not installed by pushes yet; keep what the chart "
			"renders in the repository, and name its directory in spec.manifests.path");
	if (path.n == 0)
		return 0;
	out->manifests = clean_path(a, path);
	return out->manifests ? 0 : error_set(err, "spec.manifests.path: it leaves the repository");
}

int gitkube_read(struct arena *a, const struct node *object, struct hosted_spec *out, struct error *err)
{
	const struct node *spec = node_get(object, "spec");
	const struct node *credentials = node_at(spec, "registry.credentials");
	*out = (struct hosted_spec){
		.repo = {
			.namespace = text_at(a, object, "metadata.namespace"),
			.name = text_at(a, object, "metadata.name"),
			.remote = true,
			.max_bytes = HOSTED_SIZE_DEFAULT,
			.registry.url = text_at(a, spec, "registry.url"),
		},
		.branch = "master",
		.operator_right = HOSTED_READ,
		.registry_secret = text_at(a, credentials, "secretRef"),
	};
	if (!out->registry_secret) {
		out->registry_secret = text_at(a, credentials, "secretKeyRef.name");
		out->registry_key = text_at(a, credentials, "secretKeyRef.key");
		out->registry_optional = node_bool(node_at(credentials, "secretKeyRef.optional"), false);
	}
	if (!out->repo.namespace || !out->repo.name || !hosted_name_ok(str_of(out->repo.namespace)) ||
	    !hosted_name_ok(str_of(out->repo.name)))
		return error_set(err, "metadata: such a name cannot be hosted");
	if (read_manifests(a, spec, &out->repo, err) < 0 || read_keys(a, spec, &out->repo, err) < 0)
		return -1;
	return read_deployments(a, spec, &out->repo, err);
}
