/* mirror.c - `git push` by repo/remote.c, which knows credentials; its own bare repository stays empty. */
#include "push/mirror.h"

#include "push/hosted.h"

struct mirror {
	struct repo_remote *remote;
	char *git_dir;
	bool busy;
	void (*done)(void *ctx, const char *error);
	void *ctx;
};

static const struct remote_hints hints = {
	.size = "",
	.timeout = "(spec.hosted.mirror)",
	.login =
		"correct username and password, or bearerToken, in the Secret that spec.hosted.mirror.secretRef names",
	.moved = "write that address as spec.hosted.mirror.url",
};

struct mirror *mirror_new(struct loop *loop, const char *home, const char *key, const char *url,
			  const struct remote_credentials *credentials, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	char *name = arena_printf(&a, "%s.git", key);
	*strchr(name, '/') = '_';
	struct remote_options options = {
		.url = url,
		.mirror = push_path(&a, home, "mirrors", name, NULL),
		.timeout_ms = MIRROR_TIMEOUT_MS,
		.max_bytes = UINT64_MAX / 2,
		.credentials = credentials,
		.hints = &hints,
	};
	struct repo_remote *remote = remote_new(loop, &options, err);
	if (!remote)
		return NULL;
	struct mirror *m = mem_alloc(sizeof(*m));
	m->remote = remote;
	m->git_dir = mem_strdup(hosted_git_dir(&a, home, key));
	return m;
}

void mirror_free(struct mirror *m)
{
	if (!m)
		return;
	remote_free(m->remote);
	free(m->git_dir);
	free(m);
}

bool mirror_busy(const struct mirror *m)
{
	return m->busy;
}

static void on_pushed(void *ctx, bool changed, const char *error)
{
	struct mirror *m = ctx;
	m->busy = false;
	m->done(m->ctx, error);
}

void mirror_push(struct mirror *m, void (*done)(void *ctx, const char *error), void *ctx)
{
	m->busy = true;
	m->done = done;
	m->ctx = ctx;
	remote_push_all(m->remote, m->git_dir, on_pushed, m);
}
