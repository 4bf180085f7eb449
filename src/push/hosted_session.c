/*
 * hosted_session.c - the environment of one git process for somebody.
 *
 * The user's and the machine's git configuration are out of reach. The operator alone sees what waits in
 * HOME/pushes: the objects of pushes that are not accepted yet are alternates of its process, and it may name
 * commits that no branch has.
 */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "io/file.h"
#include "push/hosted.h"
#include "push/home_record.h"
#include "doc/json.h"

#define ALTERNATES_MAX 200u /* pushes under way whose objects one fetch sees */
#define PUSH_RECORD_MAX (1u << 20)

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

/* Whether the push that HOME/pushes/ID is of goes to this repository. */
static bool is_of(struct arena *a, const char *push, const char *key)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct node *root;
	if (file_read(push_path(a, push, "record.json", NULL), PUSH_RECORD_MAX, &text, NULL) != 0 ||
	    json_parse(a, buf_str(&text), false, &root, NULL) < 0)
		return false;
	return str_is(node_text(node_get(root, "repo")), key);
}

/* Paths with a colon or a quote would mean something else there; HOME's owner chose them. */
static void add_pending(struct environment *e, const struct hosted_session *s)
{
	cleanup_buf struct buf list = BUF_INIT;
	const char *root = push_path(e->a, s->home, "pushes", NULL);
	size_t n = 0;
	DIR *d = opendir(root);
	for (struct dirent *entry; d && n < ALTERNATES_MAX && (entry = readdir(d));) {
		struct stat st;
		if (entry->d_name[0] == '.')
			continue;
		const char *push = push_path(e->a, root, entry->d_name, NULL);
		const char *objects = push_path(e->a, push, "tree.git", "objects", NULL);
		if (stat(objects, &st) < 0 || !is_of(e->a, push, s->key))
			continue;
		buf_printf(&list, "%s%s", n++ ? ":" : "", objects);
	}
	if (d)
		closedir(d);
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
