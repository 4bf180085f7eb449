/* wait.c - see wait.h. */
#include "registry/wait.h"

#include <string.h>

#include "render/images.h"

enum { WAIT_MS = 60000, TURN_MS = 50 };

int registry_login_of(struct arena *a, const struct registry_access *access,
		      const struct registry_place *place, struct registry_login *out, struct error *err)
{
	int rc = 1;
	*out = (struct registry_login){ 0 };
	if (access->config.n) {
		rc = registry_login_read(a, access->config, place, access->any_helper, out, err);
		if (rc < 0)
			return error_wrap(err, "credentials of %s", place->name);
	}
	if (rc == 0)
		return 0;
	if (access->username && access->password) {
		out->username = access->username;
		out->password = access->password;
	} else if (access->cloud) {
		out->helper = registry_cloud_helper(place->host);
	}
	return 0;
}

struct waiting {
	struct loop *loop;
	struct registry *registry;
	struct registry_place place;
	struct arena arena;
	struct arena *out; /* of tags */
	struct str *tags;
	size_t n_tags;
	const atomic_bool *cancel;
	struct loop_timer *look; /* at *cancel */
	enum registry_result result;
	char digest[REGISTRY_DIGEST_LEN + 1];
	int64_t created_ms;
	struct error error;
};

static void out_of_time(void *arg)
{
	struct waiting *w = arg;
	error_set(&w->error, "registry %s: no answer in time", w->place.name);
	loop_stop(w->loop);
}

static void look_at_cancel(void *arg)
{
	struct waiting *w = arg;
	if (!atomic_load(w->cancel)) {
		loop_timer_set(w->look, TURN_MS);
		return;
	}
	error_set(&w->error, "registry %s: cancelled", w->place.name);
	loop_stop(w->loop);
}

static void on_answer(void *ctx, const struct registry_answer *answer)
{
	struct waiting *w = ctx;
	w->result = answer->result;
	memcpy(w->digest, answer->digest, sizeof(w->digest));
	w->created_ms = answer->created_ms;
	if (answer->error)
		error_set(&w->error, "%s", answer->error);
	if (w->out && answer->n_tags) {
		w->tags = arena_array(w->out, struct str, answer->n_tags);
		for (size_t i = 0; i < answer->n_tags; i++)
			w->tags[i] = arena_str(w->out, answer->tags[i]);
		w->n_tags = answer->n_tags;
	}
	loop_stop(w->loop);
}

static int open_registry(struct waiting *w, struct str repository, const struct registry_access *access,
			 struct error *err)
{
	struct registry_options options = { .place = &w->place,
					    .ca_pem = access->ca_pem,
					    .insecure = access->insecure };
	if (registry_place_read(&w->arena, repository, &w->place, err) < 0 ||
	    registry_login_of(&w->arena, access, &w->place, &options.login, err) < 0)
		return -1;
	w->result = REGISTRY_FAILED;
	w->loop = loop_new();
	w->registry = registry_new(w->loop, &options, err);
	return w->registry ? 0 : -1;
}

static void run(struct waiting *w, const struct registry_access *access)
{
	struct loop_timer *timer = loop_timer_new(w->loop, out_of_time, w);
	loop_timer_set(timer, access->timeout_ms ? access->timeout_ms : WAIT_MS);
	if (access->cancel) {
		w->cancel = access->cancel;
		w->look = loop_timer_new(w->loop, look_at_cancel, w);
		loop_timer_set(w->look, TURN_MS);
	}
	loop_run(w->loop);
	loop_timer_free(timer);
	loop_timer_free(w->look);
}

static int close_registry(struct waiting *w, int rc, struct error *err)
{
	registry_free(w->registry);
	if (w->loop)
		loop_free(w->loop);
	arena_release(&w->arena);
	if (rc < 0)
		return -1;
	if (w->result == REGISTRY_MISSING)
		return 1;
	return w->result == REGISTRY_OK ? 0 : error_set(err, "%s", w->error.text);
}

static int look(const char *image, const struct registry_access *access, char digest[REGISTRY_DIGEST_LEN + 1],
		int64_t *created_ms, struct error *err)
{
	struct waiting w = { .loop = NULL };
	struct image_ref ref = image_ref_split(str_of(image));
	if (!ref.tag.n && !ref.digest.n)
		return error_set(err, "%s: the image has neither a tag nor a digest", image);
	if (ref.digest.n && !registry_is_digest(ref.digest))
		return error_set(err, "%s: only sha256 digests are known here", image);
	int rc = open_registry(&w, ref.name, access, err);
	if (rc == 0) {
		const char *reference = arena_str(&w.arena, ref.digest.n ? ref.digest : ref.tag).p;
		if (created_ms)
			registry_created(w.registry, w.place.path, reference, on_answer, &w);
		else
			registry_resolve(w.registry, w.place.path, reference, on_answer, &w);
		run(&w, access);
		memcpy(digest, w.digest, sizeof(w.digest));
		if (created_ms)
			*created_ms = w.created_ms;
	}
	return close_registry(&w, rc, err);
}

int registry_find(const char *image, const struct registry_access *access,
		  char digest[REGISTRY_DIGEST_LEN + 1], struct error *err)
{
	return look(image, access, digest, NULL, err);
}

int registry_look(const char *image, const struct registry_access *access,
		  char digest[REGISTRY_DIGEST_LEN + 1], int64_t *created_ms, struct error *err)
{
	return look(image, access, digest, created_ms, err);
}

int registry_list(struct arena *a, const char *repository, const struct registry_access *access,
		  struct str **tags, size_t *n, struct error *err)
{
	struct waiting w = { .out = a };
	int rc = open_registry(&w, str_of(repository), access, err);
	if (rc == 0) {
		registry_tags(w.registry, w.place.path, NULL, on_answer, &w);
		run(&w, access);
		*tags = w.tags;
		*n = w.n_tags;
	}
	return close_registry(&w, rc, err);
}

int registry_remove(const char *image, const struct registry_access *access, struct error *err)
{
	struct waiting w = { .loop = NULL };
	struct image_ref ref = image_ref_split(str_of(image));
	if (!registry_is_digest(ref.digest))
		return error_set(err, "%s: an image is deleted by its sha256 digest only", image);
	int rc = open_registry(&w, ref.name, access, err);
	if (rc == 0) {
		registry_delete(w.registry, w.place.path, arena_str(&w.arena, ref.digest).p, on_answer, &w);
		run(&w, access);
	}
	return close_registry(&w, rc, err);
}
