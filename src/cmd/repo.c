/*
 * repo.c - `capstan repo VERB ...`: hosted repositories, kept as Repo objects. What is written here is what
 * anybody may keep in git and apply instead.
 */
#include "cmd/repo_parts.h"

#include <limits.h>
#include <string.h>

#include "cmd/ask.h"
#include "cmd/commands.h"
#include "doc/json.h"
#include "operator/spec.h"
#include "push/hosted_spec.h"

enum { REPO_TIMEOUT_MS = 60000 };

#define FIELD(f) .offset = offsetof(struct repo_options, f)

static const char *const rights[] = { "read", "push", NULL };

static const struct option_def options[] = {
	{ .name = "key",
	  .kind = OPTION_LIST,
	  .value = "FILE",
	  FIELD(keys),
	  .complete = COMPLETE_FILE,
	  .help = "create: a public ssh key (a .pub file, or the text of a key) that may push; may be given again and again." },
	{ .name = "right",
	  .kind = OPTION_CHOICE,
	  .value = "RIGHT",
	  .choices = rights,
	  FIELD(right),
	  .help = "key add, token create: `read` is to clone and fetch, `push` also to push. Default: `push`." },
	{ .name = "branch",
	  .kind = OPTION_LIST,
	  .value = "GLOB",
	  FIELD(branches),
	  .help = "key add, token create: push to these branches only, such as `release/*`; may be given again and again." },
	{ .name = "default-branch",
	  .kind = OPTION_TEXT,
	  .value = "NAME",
	  FIELD(branch),
	  .help = "create: the branch that a clone checks out. Default: `main`." },
	{ .name = "protect",
	  .kind = OPTION_LIST,
	  .value = "GLOB",
	  FIELD(protected),
	  .help = "create: branches that nobody can force or delete; may be given again and again. Default: the default branch." },
	{ .name = "max-size",
	  .kind = OPTION_TEXT,
	  .value = "SIZE",
	  FIELD(max_size),
	  .help = "create: most that the repository may have on disk, such as `500Mi`. Default: `1Gi`." },
	{ .name = "mirror",
	  .kind = OPTION_TEXT,
	  .value = "URL",
	  FIELD(mirror),
	  .help = "create: a repository elsewhere that gets all branches and tags after each push." },
	{ .name = "mirror-secret",
	  .kind = OPTION_TEXT,
	  .value = "NAME",
	  FIELD(mirror_secret),
	  .help = "create: Secret with the credentials for `--mirror`." },
	{ .name = "registry",
	  .kind = OPTION_TEXT,
	  .value = "URL",
	  FIELD(registry),
	  .help = "create: where images that pushes build go, such as `registry.example.com/team`." },
	{ .name = "registry-secret",
	  .kind = OPTION_TEXT,
	  .value = "NAME",
	  FIELD(registry_secret),
	  .help = "create: Secret with the login for `--registry`." },
	{ .name = "registry-insecure",
	  .kind = OPTION_FLAG,
	  FIELD(insecure),
	  .help = "create: the registry speaks http." },
	{ .name = "service-account",
	  .kind = OPTION_TEXT,
	  .value = "NAME",
	  FIELD(account),
	  .help = "create: by whose rights pushed environments are applied." },
	{ .name = "yes", .letter = 'y', .kind = OPTION_FLAG, FIELD(yes), .help = "delete: do not ask." },
	{ .name = "no-wait",
	  .kind = OPTION_FLAG,
	  FIELD(no_wait),
	  .help = "create: return once the object is there, without waiting for the service." },
	{ .name = NULL },
};

/* --- objects --- */

struct kube_request repo_request(enum kube_verb verb, const char *namespace, const char *name)
{
	struct kube_request request = apps_request(verb, namespace, name);
	request.kind = STR("Repo");
	return request;
}

int repo_get(struct cluster *c, struct arena *a, const char *name, struct node **out, struct error *err)
{
	struct kube_request request = repo_request(KUBE_GET, c->namespace, name);
	struct reply reply;
	cluster_call(c, a, &request, &reply);
	if (reply.code == 404 || reply.result == KUBE_NO_KIND)
		return error_set(err, "there is no Repo %s in namespace %s; `capstan repo list` lists all",
				 name, c->namespace);
	if (reply.result != KUBE_OK)
		return cluster_error(err, &reply, "repo %s/%s", c->namespace, name);
	if (!node_at(reply.body, "spec.hosted"))
		return error_set(err, "Repo %s is hosted elsewhere: it has a url", name);
	*out = reply.body;
	return 0;
}

static void set_text(struct arena *a, struct node *map, const char *key, const char *text)
{
	if (text)
		node_set(a, map, str_of(key), node_string(a, str_of(text)));
}

/* {KEY: {url: URL, secretRef: {name: SECRET}}} */
static struct node *set_place(struct arena *a, struct node *map, const char *key, const char *url,
			      const char *secret)
{
	if (!url)
		return NULL;
	struct node *place = node_map(a), *ref = node_map(a);
	set_text(a, place, "url", url);
	set_text(a, ref, "name", secret);
	if (secret)
		node_set(a, place, STR("secretRef"), ref);
	node_set(a, map, str_of(key), place);
	return place;
}

static int add_keys(struct arena *a, const struct repo_options *own, struct node *hosted, struct error *err)
{
	struct node *keys = node_seq(a);
	for (size_t i = 0; i < own->keys.n; i++) {
		const char *key, *comment;
		struct node *n = node_map(a);
		if (repo_read_key(a, own->keys.at[i], &key, &comment, err) < 0)
			return error_wrap(err, "--key");
		const char *name = repo_key_name(a, comment);
		for (size_t k = 0; k < i; k++)
			if (str_is(node_text(node_get(node_item(keys, k), "name")), name))
				name = arena_printf(a, "%s-%zu", name, i + 1);
		set_text(a, n, "name", name);
		set_text(a, n, "key", key);
		node_push(a, keys, n);
	}
	if (own->keys.n)
		node_set(a, hosted, STR("keys"), keys);
	return 0;
}

static int new_repo(struct arena *a, const struct repo_options *own, const char *name, struct node **out,
		    struct error *err)
{
	struct node *root = node_map(a), *metadata = node_map(a), *spec = node_map(a), *hosted = node_map(a),
		    *protected = node_seq(a);
	uint64_t size;
	if (own->max_size && !hosted_size(str_of(own->max_size), &size))
		return error_set(err, "--max-size: \"%s\" is no size; write for example 500Mi",
				 own->max_size);
	set_text(a, root, "apiVersion", CAPSTAN_GROUP "/" CAPSTAN_VERSION_NAME);
	set_text(a, root, "kind", "Repo");
	set_text(a, metadata, "name", name);
	node_set(a, root, STR("metadata"), metadata);
	set_text(a, hosted, "defaultBranch", own->branch);
	set_text(a, hosted, "maxSize", own->max_size);
	set_text(a, hosted, "serviceAccountName", own->account);
	set_place(a, hosted, "mirror", own->mirror, own->mirror_secret);
	struct node *registry = set_place(a, hosted, "registry", own->registry, own->registry_secret);
	if (registry && own->insecure)
		node_set(a, registry, STR("insecure"), node_bool_new(a, true));
	for (size_t i = 0; i < own->protected.n; i++)
		node_push(a, protected, node_string(a, str_of(own->protected.at[i])));
	if (own->protected.n)
		node_set(a, hosted, STR("protectedBranches"), protected);
	node_set(a, spec, STR("hosted"), hosted);
	node_set(a, root, STR("spec"), spec);
	*out = root;
	return add_keys(a, own, hosted, err);
}

/* --- verbs --- */

int repo_create(struct cluster *c, const char *const *operands, size_t n, struct error *err)
{
	const struct repo_options *own = c->cli->own;
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf body = BUF_INIT;
	struct node *root = NULL;
	struct reply reply;
	if (new_repo(&a, own, operands[0], &root, err) < 0)
		return -1;
	json_write(&body, root);
	struct kube_request request = repo_request(KUBE_CREATE, c->namespace, operands[0]);
	request.body = buf_str(&body);
	cluster_call(c, &a, &request, &reply);
	if (reply.result == KUBE_NO_KIND)
		return error_set(err, "the cluster has no kind Repo; run `capstan install` first");
	if (reply.result != KUBE_OK)
		return cluster_error(err, &reply, "repo %s/%s", c->namespace, operands[0]);
	fprintf(c->cli->out, "repo/%s created\n", operands[0]);
	return repo_tell(c, operands[0], !own->no_wait, err);
}

int repo_delete(struct cluster *c, const char *const *operands, size_t n, struct error *err)
{
	const struct repo_options *own = c->cli->own;
	cleanup_arena struct arena a = ARENA_INIT;
	struct node *repo;
	struct reply reply;
	const char *name = operands[0];
	if (repo_get(c, &a, name, &repo, err) < 0)
		return -1;
	const char *question =
		arena_printf(&a, "Delete repository %s/%s? It is kept on the service's disk for a week.",
			     c->namespace, name);
	if (!own->yes && !ask(c->cli, question))
		return EXIT_TROUBLE;
	struct kube_request request = repo_request(KUBE_DELETE, c->namespace, name);
	cluster_call(c, &a, &request, &reply);
	if (reply.result != KUBE_OK && reply.code != 404)
		return cluster_error(err, &reply, "repo %s/%s", c->namespace, name);
	fprintf(c->cli->out, "repo/%s deleted\n", name);
	return EXIT_OK;
}

static const struct {
	const char *words[2]; /* the second may be NULL */
	unsigned operands_min, operands_max;
	const char *usage;
	repo_verb_fn *run;
} verbs[] = {
	{ { "create" }, 1, 1, "create NAME", repo_create },
	{ { "list" }, 0, 0, "list", repo_list },
	{ { "show" }, 1, 1, "show NAME", repo_show },
	{ { "delete" }, 1, 1, "delete NAME", repo_delete },
	{ { "key", "add" }, 2, 3, "key add NAME [WHO] FILE", repo_key_add },
	{ { "key", "remove" }, 2, 2, "key remove NAME WHO", repo_key_remove },
	{ { "token", "create" }, 2, 2, "token create NAME WHO", repo_token_create },
	{ { "token", "remove" }, 2, 2, "token remove NAME WHO", repo_token_remove },
};

enum { VERBS = sizeof(verbs) / sizeof(*verbs) };

static size_t find(const struct cli *cli, size_t *words)
{
	for (size_t i = 0; i < VERBS; i++) {
		*words = verbs[i].words[1] ? 2 : 1;
		if (cli->n_operands >= *words && strcmp(cli->operands[0], verbs[i].words[0]) == 0 &&
		    (*words == 1 || strcmp(cli->operands[1], verbs[i].words[1]) == 0))
			return i;
	}
	return VERBS;
}

static int run(struct cli *cli)
{
	struct error err = ERROR_INIT;
	struct cluster c;
	size_t words = 0, verb = find(cli, &words);
	if (verb == VERBS) {
		error_set(
			&err,
			"repo: say create, list, show, delete, key add, key remove, token create or token remove");
		return command_fail(cli, &err);
	}
	size_t n = cli->n_operands - words;
	if (n < verbs[verb].operands_min || n > verbs[verb].operands_max) {
		error_set(&err, "usage: %s repo %s", cli->program, verbs[verb].usage);
		return command_fail(cli, &err);
	}
	int rc = cluster_open(&c, cli, REPO_TIMEOUT_MS, &err);
	if (rc == 0)
		rc = verbs[verb].run(&c, cli->operands + words, n, &err);
	cluster_close(&c);
	return rc < 0 ? command_fail(cli, &err) : rc;
}

static const char *const formats[] = { "json", "yaml", NULL };

static const struct example examples[] = {
	{ "repo create shop --key ~/.ssh/id_ed25519.pub", "A repository that you may push to; says how" },
	{ "repo key add shop ann ann.pub --branch 'feature/*'", "Ann may push to her branches" },
	{ "repo token create shop ci --right read", "A token for clones over https, printed once" },
	{ "repo show shop", "Addresses, size and who may do what" },
	{ NULL, NULL },
};

static const struct exit_note exits[] = {
	{ EXIT_OK, "Done." },
	{ EXIT_TROUBLE, "Wrong usage, no cluster or any other error." },
	{ EXIT_TIMED_OUT, "create: the object is there, and no service took it in time." },
	{ 0, NULL },
};

const struct command command_repo = {
	.name = "repo",
	.operands = "VERB [NAME...]",
	.summary = "Create and look after hosted repositories",
	.help = "Repositories that the push service (`capstan serve`) keeps: Repo objects with `spec.hosted`. The verbs are:\n\n"
		"`create NAME`, `list`, `show NAME`, `delete NAME`;\n\n"
		"`key add NAME [WHO] FILE` and `key remove NAME WHO` for ssh keys; FILE is a .pub file, `-` for standard input, or "
		"the text of a key; WHO is made of the key's comment when it is left out;\n\n"
		"`token create NAME WHO` and `token remove NAME WHO` for https. A token is printed once and kept as its SHA-256.\n\n"
		"A change counts at once. Everything is in the Repo object, so that `kubectl` and git do as well.",
	.options = options,
	.options_size = sizeof(struct repo_options),
	.formats = formats,
	.common = COMMON_CLUSTER | COMMON_NAMESPACE | COMMON_ALL_NAMESPACES | COMMON_TIMEOUT,
	.operands_min = 1,
	.operands_max = 5,
	.examples = examples,
	.exits = exits,
	.run = run,
};
