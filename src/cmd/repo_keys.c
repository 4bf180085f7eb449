/* repo_keys.c - who may do what: entries of spec.hosted.keys and .tokens, put in and taken out. */
#include <string.h>
#include <sys/random.h>

#include "cmd/repo_parts.h"
#include "doc/json.h"
#include "io/file.h"
#include "push/access.h"

enum { TRIES = 5, NAME_MAX_LEN = 63, TOKEN_BYTES = 32 };

#define TOKEN_PREFIX "capstan_" /* so that scanners of secrets know it */

int repo_read_key(struct arena *a, const char *given, const char **key, const char **comment,
		  struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct access_key read;
	bool is_text = strchr(given, ' ') && !strchr(given, '/') ? true : strncmp(given, "ssh-", 4) == 0;
	if (is_text)
		buf_adds(&text, given);
	else if (file_read(strcmp(given, "-") == 0 ? "/dev/stdin" : given, ACCESS_KEY_MAX, &text, err) != 0)
		return -1;
	if (access_key_read(a, buf_str(&text), &read, err) < 0)
		return is_text ? -1 : error_wrap(err, "%s", given);
	*key = *read.comment ? arena_printf(a, "%s %s", read.key, read.comment) : read.key;
	*comment = read.comment;
	return 0;
}

const char *repo_key_name(struct arena *a, const char *comment)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	char *name = arena_strdup(a, comment);
	size_t n = 0;
	for (const char *c = comment; *c && n < NAME_MAX_LEN; c++)
		if (strchr(letters, *c) || (n && strchr("._@+-", *c)))
			name[n++] = *c;
	name[n] = '\0';
	return n ? name : "key";
}

/* --- lists --- */

static struct node *without(struct arena *a, const struct node *list, const char *name, bool *found)
{
	struct node *out = node_seq(a);
	*found = false;
	for (size_t i = 0; i < node_count(list); i++) {
		struct node *item = node_item(list, i);
		if (str_is(node_text(node_get(item, "name")), name))
			*found = true;
		else
			node_push(a, out, item);
	}
	return out;
}

/*
 * Puts entry (NULL: nothing) in the place of the one of its name. 1: there was none of that name to be taken
 * out. Somebody else's change meanwhile is kept: the patch names the version it was made for.
 */
static int edit(struct cluster *c, const char *repo, const char *list, const char *name, struct node *entry,
		struct error *err)
{
	for (int tries = 0;; tries++) {
		cleanup_arena struct arena a = ARENA_INIT;
		cleanup_buf struct buf body = BUF_INIT;
		struct node *object, *root = node_map(&a), *metadata = node_map(&a), *spec = node_map(&a),
				     *hosted = node_map(&a);
		struct reply reply;
		bool found;
		if (repo_get(c, &a, repo, &object, err) < 0)
			return -1;
		struct node *now = node_get(node_at(object, "spec.hosted"), list);
		struct node *then = without(&a, now, name, &found);
		if (!entry && !found)
			return 1;
		if (entry)
			node_push(&a, then, entry);
		node_set(&a, metadata, STR("resourceVersion"), node_at(object, "metadata.resourceVersion"));
		node_set(&a, hosted, str_of(list), then);
		node_set(&a, spec, STR("hosted"), hosted);
		node_set(&a, root, STR("metadata"), metadata);
		node_set(&a, root, STR("spec"), spec);
		json_write(&body, root);
		struct kube_request request = repo_request(KUBE_MERGE_PATCH, c->namespace, repo);
		request.body = buf_str(&body);
		cluster_call(c, &a, &request, &reply);
		if (reply.result == KUBE_OK)
			return 0;
		if (reply.code != 409 || tries == TRIES)
			return cluster_error(err, &reply, "repo %s/%s", c->namespace, repo);
	}
}

static struct node *entry_of(struct arena *a, const struct repo_options *own, const char *name,
			     const char *field, const char *value)
{
	struct node *n = node_map(a), *branches = node_seq(a);
	node_set(a, n, STR("name"), node_string(a, str_of(name)));
	node_set(a, n, str_of(field), node_string(a, str_of(value)));
	node_set(a, n, STR("right"), node_string(a, str_of(own->right ? own->right : "push")));
	for (size_t i = 0; i < own->branches.n; i++)
		node_push(a, branches, node_string(a, str_of(own->branches.at[i])));
	if (own->branches.n)
		node_set(a, n, STR("branches"), branches);
	return n;
}

static int check_right(const struct repo_options *own, struct error *err)
{
	if (own->branches.n && own->right && strcmp(own->right, "read") == 0)
		return error_set(err, "--branch goes with --right push: to read is to read all");
	for (size_t i = 0; i < own->branches.n; i++)
		if (!access_glob_ok(str_of(own->branches.at[i])))
			return error_set(err, "--branch \"%s\": it is no glob of branches",
					 own->branches.at[i]);
	return 0;
}

static int remove_entry(struct cluster *c, const char *list, const char *what, const char *const *operands,
			struct error *err)
{
	int rc = edit(c, operands[0], list, operands[1], NULL, err);
	if (rc > 0)
		return error_set(err, "repo %s has no %s of %s", operands[0], what, operands[1]);
	if (rc == 0)
		fprintf(c->cli->out, "repo/%s: %s of %s removed\n", operands[0], what, operands[1]);
	return rc;
}

/* --- verbs --- */

int repo_key_add(struct cluster *c, const char *const *operands, size_t n, struct error *err)
{
	const struct repo_options *own = c->cli->own;
	cleanup_arena struct arena a = ARENA_INIT;
	const char *key, *comment;
	if (check_right(own, err) < 0 || repo_read_key(&a, operands[n - 1], &key, &comment, err) < 0)
		return -1;
	const char *who = n == 3 ? operands[1] : repo_key_name(&a, comment);
	if (edit(c, operands[0], "keys", who, entry_of(&a, own, who, "key", key), err) < 0)
		return -1;
	fprintf(c->cli->out, "repo/%s: key of %s added\n", operands[0], who);
	return EXIT_OK;
}

int repo_key_remove(struct cluster *c, const char *const *operands, size_t n, struct error *err)
{
	return remove_entry(c, "keys", "key", operands, err);
}

int repo_token_create(struct cluster *c, const char *const *operands, size_t n, struct error *err)
{
	const struct repo_options *own = c->cli->own;
	cleanup_arena struct arena a = ARENA_INIT;
	unsigned char bytes[TOKEN_BYTES];
	char token[sizeof(TOKEN_PREFIX) + 2 * TOKEN_BYTES], hash[ACCESS_TOKEN_HEX + 1];
	if (check_right(own, err) < 0)
		return -1;
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return error_set(err, "there are no random numbers");
	size_t at = (size_t)snprintf(token, sizeof(token), "%s", TOKEN_PREFIX);
	for (size_t i = 0; i < sizeof(bytes); i++)
		at += (size_t)snprintf(token + at, sizeof(token) - at, "%02x", bytes[i]);
	access_token_sha256(str_of(token), hash);
	if (edit(c, operands[0], "tokens", operands[1], entry_of(&a, own, operands[1], "sha256", hash), err) <
	    0)
		return -1;
	fprintf(c->cli->err, "repo/%s: token of %s; it is shown this once:\n", operands[0], operands[1]);
	fprintf(c->cli->out, "%s\n", token);
	return EXIT_OK;
}

int repo_token_remove(struct cluster *c, const char *const *operands, size_t n, struct error *err)
{
	return remove_entry(c, "tokens", "token", operands, err);
}
