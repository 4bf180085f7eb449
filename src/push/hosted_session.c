/*
 * hosted_session.c - the environment of one git process for somebody.
 *
 * The user's and the machine's git configuration are out of reach. The operator alone sees what waits in
 * HOME/pushes: the objects of pushes that are not accepted yet are alternates of its process, and it may name
 * commits that no branch has.
 */
#include <stdio.h>

#include "push/hosted.h"
#include "push/journal.h"

#define ALTERNATES_MAX 200u /* pushes under way whose objects one fetch sees */

#define ALLOC_LIMIT "512m" /* of one object in memory; larger files are streams (core.bigFileThreshold) */

bool hosted_key_is_operators(const struct hosted_key *key)
{
	return key->token_sha256 && strcmp(key->who, HOSTED_OPERATOR) == 0;
}

struct environment {
	struct arena *a;
	VEC(const char *) lines;
	size_t n_config;
};

static void add(struct environment *e, const char *name, const char *value)
{
	if (value)
		vec_push(&e->lines, arena_printf(e->a, "%s=%s", name, value));
}

static void add_config(struct environment *e, const char *key, const char *value)
{
	add(e, arena_printf(e->a, "GIT_CONFIG_KEY_%zu", e->n_config), key);
	add(e, arena_printf(e->a, "GIT_CONFIG_VALUE_%zu", e->n_config++), value);
}

/* Paths with a colon or a quote would mean something else there; HOME's owner chose them. */
static void add_pending(struct environment *e, const struct hosted_session *s)
{
	cleanup_buf struct buf list = BUF_INIT;
	struct journal_record *open;
	size_t n = 0, unreadable;
	if (journal_unfinished(e->a, s->home, s->key, &open, &n, &unreadable, NULL) < 0)
		n = 0;
	for (size_t i = 0; i < n && i < ALTERNATES_MAX; i++)
		buf_printf(&list, "%s%s/pushes/%s/tree.git/objects", i ? ":" : "", s->home, open[i].id);
	if (n)
		add(e, "GIT_ALTERNATE_OBJECT_DIRECTORIES", list.p);
	add_config(e, "uploadpack.allowAnySHA1InWant", "true");
}

const char **hosted_environment(struct arena *a, const struct hosted_session *s, const char *const *extra)
{
	static const char *const passed[] = { "PATH",
					      "TMPDIR",
					      "TZ",
					      "KUBECONFIG",
					      "KUBERNETES_SERVICE_HOST",
					      "KUBERNETES_SERVICE_PORT",
					      "POD_NAMESPACE",
					      "HOME",
					      "USER",
					      "XDG_RUNTIME_DIR",
					      "HTTP_PROXY",
					      "HTTPS_PROXY",
					      "NO_PROXY",
					      "http_proxy",
					      "https_proxy",
					      "no_proxy",
					      "SSL_CERT_FILE",
					      "SSL_CERT_DIR",
					      "ASAN_OPTIONS",
					      "UBSAN_OPTIONS" };
	struct environment e = { .a = a };
	for (size_t i = 0; i < sizeof(passed) / sizeof(*passed); i++)
		add(&e, passed[i], getenv(passed[i]));
	add(&e, "LC_ALL", "C.UTF-8");
	add(&e, "GIT_CONFIG_NOSYSTEM", "1");
	add(&e, "GIT_CONFIG_GLOBAL", "/dev/null");
	add(&e, "GIT_TERMINAL_PROMPT", "0");
	/* A hostile delta says itself how large its result is. */
	add(&e, "GIT_ALLOC_LIMIT", ALLOC_LIMIT);
	/* Of reflogs. */
	add(&e, "GIT_COMMITTER_NAME", s->who);
	add(&e, "GIT_COMMITTER_EMAIL", "push@capstan");
	add(&e, "CAPSTAN_PUSH_HOME", s->home);
	add(&e, "CAPSTAN_PUSH_REPO", s->key);
	add(&e, "CAPSTAN_PUSH_WHO", s->who);
	add(&e, "CAPSTAN_PUSH_KEY", arena_printf(a, "%zu", s->index));
	/* The owner is whom the service runs as, whatever the volume says. */
	add_config(&e, "safe.directory", "*");
	if (s->by_operator)
		add_pending(&e, s);
	add(&e, "GIT_CONFIG_COUNT", arena_printf(a, "%zu", e.n_config));
	for (; extra && *extra; extra++)
		vec_push(&e.lines, *extra);
	const char **out = arena_array(a, const char *, e.lines.n + 1);
	memcpy(out, e.lines.at, e.lines.n * sizeof(*out));
	vec_release(&e.lines);
	return out;
}
