/* build_image.c - one Dockerfile: what it is known by, and whether the registry has it. */
#include <ctype.h>
#include <sys/utsname.h>

#include "base/vec.h"
#include "push/build_parts.h"

/* --- names --- */

static const char *host_of(struct arena *a, const char *image)
{
	struct str rest;
	struct str host = str_cut(str_of(image), '/', &rest);
	return arena_strndup(a, host.p, host.n);
}

const char *build_repository(struct arena *a, const struct build_request *request,
			     const struct environments_build *build, struct error *err)
{
	const char *url = request->repo->registry.url;
	if (!url) {
		error_set(err,
			  "the repository has no registry that images are pushed to; name one in its object");
		return NULL;
	}
	struct str base = str_of(url);
	while (str_ends(base, STR("/")))
		base.n--;
	if (!build->image)
		return arena_printf(a, "%.*s/%s-%s", STR_ARG(base), request->repo->name, build->name);
	struct str image = str_of(build->image);
	if (image.n <= base.n || !str_starts(image, base) || image.p[base.n] != '/') {
		error_set(err, "image: %s is not below the repository's registry, %.*s", build->image,
			  STR_ARG(base));
		return NULL;
	}
	return build->image;
}

static int by_name(const void *x, const void *y)
{
	const struct environments_value *a = x, *b = y;
	return strcmp(a->name, b->name);
}

typedef VEC(struct str) parts;

static void add_count(struct arena *a, parts *p, const char *what, size_t n)
{
	vec_push(p, str_of(arena_printf(a, "%s %zu", what, n)));
}

static void add_args(struct arena *a, parts *p, const struct environments_build *b)
{
	struct environments_value *sorted = arena_array(a, struct environments_value, b->n_args + 1);
	for (size_t i = 0; i < b->n_args; i++)
		sorted[i] = b->args[i];
	if (b->n_args)
		qsort(sorted, b->n_args, sizeof(*sorted), by_name);
	add_count(a, p, "args", b->n_args);
	for (size_t i = 0; i < b->n_args; i++) {
		vec_push(p, str_of(sorted[i].name));
		vec_push(p, sorted[i].text);
	}
}

const char *build_tag(struct arena *a, const struct environments_build *b,
		      const struct build_context *context, const struct dockerfile *dockerfile)
{
	parts p = { 0 };
	char hex[HASH_HEX_LEN + 1];
	struct utsname machine = { 0 };
	(void)uname(&machine);
	hash_hex(context->hash, hex);
	vec_push(&p, STR("capstan image 1"));
	vec_push(&p, str_of(hex));
	vec_push(&p, context->text);
	add_args(a, &p, b);
	add_count(a, &p, "platforms", b->n_platforms);
	for (size_t i = 0; i < b->n_platforms; i++)
		vec_push(&p, str_of(b->platforms[i]));
	if (!b->n_platforms)
		vec_push(&p, str_of(machine.machine));
	add_count(a, &p, "bases", dockerfile->n_bases);
	for (size_t i = 0; i < dockerfile->n_bases; i++)
		vec_push(&p, str_of(dockerfile_pinned(a, &dockerfile->bases[i])));
	add_count(a, &p, "secrets", b->n_secrets);
	for (size_t i = 0; i < b->n_secrets; i++)
		vec_push(&p, str_of(b->secrets[i]));
	struct hash hash = hash_parts(p.at, p.n);
	vec_release(&p);
	hash_hex(hash, hex);
	return arena_printf(a, "c-%s", hex);
}

/* --- the image --- */

static int find_bases(struct build_job *job, struct dockerfile *d, struct error *err)
{
	for (size_t i = 0; i < d->n_bases; i++) {
		struct dockerfile_base *base = &d->bases[i];
		char digest[BUILD_DIGEST_LEN + 1];
		const char *refused = build_host_refused(&job->a, job->request, base->image);
		if (refused)
			return error_set(err, "%s:%u: %s: %s", d->file, base->line, base->image, refused);
		for (size_t k = 0; k < i && !base->digest; k++)
			if (strcmp(d->bases[k].image, base->image) == 0)
				base->digest = d->bases[k].digest;
		if (base->digest)
			continue;
		int rc = build_find(job, base->image, digest, err);
		if (rc > 0)
			error_set(err, "there is no such image");
		if (rc)
			return error_wrap(err, "%s:%u: %s", d->file, base->line, base->image);
		base->digest = arena_strdup(&job->a, digest);
	}
	return 0;
}

/* What was pushed is there, by its own bytes, and the tag leads to it: else the registry lies, or somebody
 * else pushed meanwhile. */
static int look(struct build_job *job, const char *repository, const char *tag, const char *digest,
		struct error *err)
{
	char found[BUILD_DIGEST_LEN + 1];
	int rc = build_find(job, arena_printf(&job->a, "%s@%s", repository, digest), found, err);
	if (rc > 0)
		return error_set(err, "%s: the registry took %s, and does not have it", repository, digest);
	if (rc < 0)
		return error_wrap(err, "%s@%s was pushed; looking for it", repository, digest);
	rc = build_find(job, tag, found, err);
	if (rc < 0)
		return error_wrap(err, "%s was pushed; looking for it", tag);
	if (rc > 0 || strcmp(found, digest) != 0)
		return error_set(
			err,
			"%s was pushed with %s, and the registry says that it is %s; nothing is deployed "
			"from a registry that says other things than what it was given",
			tag, digest, rc ? "not there" : found);
	return 0;
}

static void tell(struct build_job *job, const char *line)
{
	job->request->tell(job->request->ctx, job->build->name, line);
}

/* With the store to itself: what another push built meanwhile is taken. */
static int build_it(struct build_job *job, const struct build_context *context,
		    const struct dockerfile *dockerfile, const char *repository, const char *tag,
		    char digest[BUILD_DIGEST_LEN + 1], bool *cached, struct error *err)
{
	int rc = build_store_open(&job->store, job->request->home, job->request->repo, job->build->name,
				  job->stop, job->request->deadline_ms, err);
	if (rc == 0 && job->store.waited && !job->build->no_cache) {
		rc = build_find(job, tag, digest, err);
		*cached = rc == 0;
		rc = rc > 0 ? 0 : rc;
	}
	if (rc == 0 && !*cached) {
		tell(job, arena_printf(&job->a, "building %s", tag));
		rc = build_by_buildah(job, context, dockerfile, tag, digest, err);
	}
	build_store_close(&job->store);
	return rc == 0 && !*cached ? look(job, repository, tag, digest, err) : rc;
}

int build_image(struct build_job *job, struct built *out, struct error *err)
{
	struct build_context context;
	struct dockerfile dockerfile;
	char digest[BUILD_DIGEST_LEN + 1];
	const struct environments_build *b = job->build;
	const char *repository = build_repository(&job->a, job->request, b, err);
	if (!repository ||
	    build_context_open(&job->a, job->request->git_dir, job->request->commit, b->context,
			       b->dockerfile, &context, err) < 0 ||
	    dockerfile_read(&job->a, context.dockerfile, context.text, b->args, b->n_args, &dockerfile, err) <
		    0 ||
	    find_bases(job, &dockerfile, err) < 0)
		return -1;
	const char *tag =
		arena_printf(&job->a, "%s:%s", repository, build_tag(&job->a, b, &context, &dockerfile));
	int rc = b->no_cache ? 1 : build_find(job, tag, digest, err);
	if (rc < 0)
		return error_wrap(err, "%s: looking whether it is built already", host_of(&job->a, tag));
	out->cached = rc == 0;
	if (rc > 0 && build_it(job, &context, &dockerfile, repository, tag, digest, &out->cached, err) < 0)
		return -1;
	out->image = arena_printf(&job->a, "%s@%s", repository, digest);
	return 0;
}
