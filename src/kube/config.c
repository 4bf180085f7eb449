/*
 * config.c - kubectl's loading rules.
 *
 * Several files are never merged into one: a name is looked up file after file and the first that has it
 * wins, which is what merging would give, and each path stays relative to its own file.
 */
#include "kube/config.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/vec.h"
#include "doc/yaml.h"
#include "io/file.h"

#define SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

enum { FILES_MAX = 64, EXEC_WORDS_MAX = 1024 };

struct config_file {
	const struct node *root;
	const char *dir;
};

struct loader {
	struct arena *a;
	VEC(struct config_file) files;
	struct kube_config *out;
	struct error *err;
	const char *no_string; /* a key whose value should have been one */
};

static int parse_file(struct loader *l, struct str text, const char *dir)
{
	struct yaml_stream stream;
	if (yaml_parse(l->a, text, &stream, l->err) < 0)
		return -1;
	if (stream.n == 0)
		return 0;
	const struct node *root = stream.documents[0].root;
	if (root->type != NODE_MAP)
		return error_set(l->err, "this is no kubeconfig");
	struct str kind = node_text(node_get(root, "kind"));
	if (kind.n && !str_is(kind, "Config"))
		return error_set(l->err, "kind is %.*s, not Config: this is no kubeconfig", STR_ARG(kind));
	struct config_file file = { root, dir };
	vec_push(&l->files, file);
	return 0;
}

/* The entry `name` of clusters, users or contexts; NULL: no file has it. */
static const struct node *find(const struct loader *l, const char *list, const char *part, struct str name,
			       const char **dir)
{
	for (size_t f = 0; f < l->files.n; f++) {
		const struct node *entries = node_get(l->files.at[f].root, list);
		for (size_t i = 0; i < node_count(entries); i++) {
			const struct node *entry = node_item(entries, i);
			if (!str_eq(node_text(node_get(entry, "name")), name))
				continue;
			*dir = l->files.at[f].dir;
			return node_get(entry, part);
		}
	}
	return NULL;
}

static const char *text_of(struct loader *l, const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);
	struct str text = node_text(n);
	/* `namespace: n` is a boolean in YAML 1.1: to go on with the default would be wrong and silent. */
	if (n && n->type != NODE_STRING && n->type != NODE_NULL)
		l->no_string = key;
	return text.n ? arena_str(l->a, text).p : NULL;
}

static const char *resolve(struct loader *l, const char *dir, const char *path)
{
	if (path[0] == '/' || !dir || !*dir)
		return path;
	return arena_printf(l->a, "%s/%s", dir, path);
}

/* NUL-terminated. 1: it does not exist. */
static int read_file(struct loader *l, const char *path, struct str *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	int rc = file_read(path, KUBE_FILE_MAX, &text, err);
	if (rc == 0)
		*out = arena_str(l->a, buf_str(&text));
	return rc;
}

static int decode(struct loader *l, const char *key, struct str coded, struct str *out)
{
	/* As Go's decoder: line breaks inside are skipped. */
	char *clean = arena_alloc(l->a, coded.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < coded.n; i++)
		if (!strchr("\r\n \t", coded.p[i]) || !coded.p[i])
			clean[n++] = coded.p[i];
	char *plain = arena_alloc(l->a, n / 4 * 3 + 1);
	int got = n % 4 || n > KUBE_FILE_MAX
			  ? -1
			  : EVP_DecodeBlock((unsigned char *)plain, (unsigned char *)clean, (int)n);
	for (size_t i = n; got > 0 && i > 0 && i > n - 2 && clean[i - 1] == '='; i--)
		got--;
	if (got <= 0)
		return error_set(l->err, "%s is not base64", key);
	*out = (struct str){ plain, (size_t)got };
	return 0;
}

/* `key`-data wins over the file named by `key`, as in kubectl. */
static int load_pem(struct loader *l, const struct node *map, const char *key, const char *dir,
		    struct str *out)
{
	const char *data_key = arena_printf(l->a, "%s-data", key);
	struct str data = node_text(node_get(map, data_key));
	if (data.n)
		return decode(l, data_key, data, out);
	const char *path = text_of(l, map, key);
	if (!path)
		return 0;
	if (read_file(l, resolve(l, dir, path), out, l->err) != 0)
		return error_wrap(l->err, "%s", key);
	return 0;
}

static const char *server_url(struct loader *l, const char *given)
{
	size_t n = strlen(given);
	while (n > 0 && given[n - 1] == '/')
		n--;
	bool tls = l->out->ca_pem.n || l->out->insecure;
	const char *scheme = strstr(given, "://") ? "" : tls ? "https://" : "http://";
	return arena_printf(l->a, "%s%.*s", scheme, (int)n, given);
}

static int load_cluster(struct loader *l, struct str name)
{
	struct kube_config *out = l->out;
	const char *dir = NULL;
	const struct node *cluster = find(l, "clusters", "cluster", name, &dir);
	if (!cluster)
		return error_set(l->err, "context %s: no cluster is named \"%.*s\"", out->context,
				 STR_ARG(name));
	const char *server = text_of(l, cluster, "server");
	if (!server)
		return error_set(l->err, "cluster %.*s has no server", STR_ARG(name));
	out->insecure = node_bool(node_get(cluster, "insecure-skip-tls-verify"), false);
	out->tls_server_name = text_of(l, cluster, "tls-server-name");
	out->proxy_url = text_of(l, cluster, "proxy-url");
	if (load_pem(l, cluster, "certificate-authority", dir, &out->ca_pem) < 0)
		return error_wrap(l->err, "cluster %.*s", STR_ARG(name));
	if (out->insecure && out->ca_pem.n)
		return error_set(
			l->err,
			"cluster %.*s: insecure-skip-tls-verify and a certificate authority exclude each other",
			STR_ARG(name));
	out->server = server_url(l, server);
	return 0;
}

static int load_exec_words(struct loader *l, const struct node *exec, struct kube_exec_plugin *plugin)
{
	const struct node *args = node_get(exec, "args"), *env = node_get(exec, "env");
	size_t n_args = node_count(args), n_env = node_count(env);
	if (n_args > EXEC_WORDS_MAX || n_env > EXEC_WORDS_MAX)
		return error_set(l->err, "exec: more than %d args or env", EXEC_WORDS_MAX);
	const char **words = arena_array(l->a, const char *, n_args + 1);
	for (size_t i = 0; i < n_args; i++)
		words[i] = arena_str(l->a, node_text(node_item(args, i))).p;
	plugin->args = words;
	words = arena_array(l->a, const char *, n_env + 1);
	for (size_t i = 0, n = 0; i < n_env; i++) {
		const struct node *pair = node_item(env, i);
		struct str key = node_text(node_get(pair, "name")),
			   value = node_text(node_get(pair, "value"));
		if (!key.n || memchr(key.p, '=', key.n))
			return error_set(l->err, "exec: env has an entry without a proper name");
		words[n++] = arena_printf(l->a, "%.*s=%.*s", STR_ARG(key), STR_ARG(value));
	}
	plugin->env = words;
	return 0;
}

static int load_exec(struct loader *l, const struct node *exec, const char *dir)
{
	struct kube_exec_plugin *plugin = arena_new(l->a, struct kube_exec_plugin);
	const char *command = text_of(l, exec, "command");
	if (!command)
		return error_set(l->err, "exec has no command");
	/* A bare name is looked up in PATH; one with a slash is relative to its kubeconfig. */
	plugin->command = strchr(command, '/') ? resolve(l, dir, command) : command;
	plugin->api_version = text_of(l, exec, "apiVersion");
	if (!plugin->api_version ||
	    (strcmp(plugin->api_version, "client.authentication.k8s.io/v1") != 0 &&
	     strcmp(plugin->api_version, "client.authentication.k8s.io/v1beta1") != 0))
		return error_set(
			l->err,
			"exec: apiVersion must be client.authentication.k8s.io/v1 or v1beta1, it is \"%s\"",
			plugin->api_version ? plugin->api_version : "");
	if (str_is(node_text(node_get(exec, "interactiveMode")), "Always"))
		return error_set(
			l->err,
			"exec: %s wants a terminal (interactiveMode: Always), which it cannot have here",
			command);
	plugin->provide_cluster_info = node_bool(node_get(exec, "provideClusterInfo"), false);
	plugin->install_hint = text_of(l, exec, "installHint");
	if (load_exec_words(l, exec, plugin) < 0)
		return -1;
	l->out->exec = plugin;
	return 0;
}

static int load_credentials(struct loader *l, const struct node *user, const char *dir)
{
	struct kube_config *out = l->out;
	if (load_pem(l, user, "client-certificate", dir, &out->cert_pem) < 0 ||
	    load_pem(l, user, "client-key", dir, &out->key_pem) < 0)
		return -1;
	if (!out->cert_pem.n != !out->key_pem.n)
		return error_set(l->err, "client-certificate and client-key must be given together");
	out->token = text_of(l, user, "token");
	const char *file = text_of(l, user, "tokenFile");
	out->token_file = file ? resolve(l, dir, file) : NULL;
	out->username = text_of(l, user, "username");
	out->password = text_of(l, user, "password");
	out->impersonate = text_of(l, user, "as");
	if (node_count(node_get(user, "as-groups")) || node_count(node_get(user, "as-user-extra")))
		return error_set(l->err, "as-groups and as-user-extra are not supported; `as` is");
	const struct node *provider = node_get(user, "auth-provider");
	if (provider)
		return error_set(
			l->err,
			"auth-provider \"%.*s\" was removed from Kubernetes clients; use an exec plugin",
			STR_ARG(node_text(node_get(provider, "name"))));
	const struct node *exec = node_get(user, "exec");
	/* As in kubectl, a token or password that is written down wins over the plugin. */
	if (exec && exec->type == NODE_MAP && !out->token && !out->token_file && !out->username)
		return load_exec(l, exec, dir);
	return 0;
}

static int load_user(struct loader *l, struct str name)
{
	const char *dir = NULL;
	if (name.n == 0)
		return 0;
	const struct node *user = find(l, "users", "user", name, &dir);
	if (!user)
		return error_set(l->err, "context %s: no user is named \"%.*s\"", l->out->context,
				 STR_ARG(name));
	if (load_credentials(l, user, dir) < 0)
		return error_wrap(l->err, "user %.*s", STR_ARG(name));
	return 0;
}

/* Texts go into header lines. */
static int check_texts(struct loader *l)
{
	const struct kube_config *c = l->out;
	const char *texts[] = { c->server,	c->token,     c->username,	 c->password,
				c->impersonate, c->proxy_url, c->tls_server_name };
	if (l->no_string)
		return error_set(l->err, "%s must be a string; put it in quotes", l->no_string);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (const char *p = texts[i]; p && *p; p++)
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				return error_set(l->err,
						 "a value has a line break or control character in it");
	return 0;
}

static int load_context(struct loader *l, const char *wanted)
{
	struct str name = str_of(wanted);
	for (size_t f = 0; f < l->files.n && name.n == 0; f++)
		name = node_text(node_get(l->files.at[f].root, "current-context"));
	if (name.n == 0)
		return error_set(l->err, "no current-context is set; name one with --context");
	const char *dir = NULL;
	const struct node *context = find(l, "contexts", "context", name, &dir);
	if (!context)
		return error_set(l->err, "no context is named \"%.*s\"", STR_ARG(name));
	l->out->context = arena_str(l->a, name).p;
	const char *namespace = text_of(l, context, "namespace");
	l->out->namespace = namespace ? namespace : "default";
	if (load_cluster(l, node_text(node_get(context, "cluster"))) < 0 ||
	    load_user(l, node_text(node_get(context, "user"))) < 0)
		return -1;
	return check_texts(l);
}

int kube_config_parse(struct arena *a, struct str text, const char *dir, const char *context,
		      struct kube_config *out, struct error *err)
{
	*out = (struct kube_config){ 0 };
	struct loader l = { .a = a, .out = out, .err = err };
	int rc = parse_file(&l, text, dir);
	if (rc == 0)
		rc = load_context(&l, context);
	vec_release(&l.files);
	return rc;
}

static int add_path(struct loader *l, const char *path, bool must_exist)
{
	struct str text;
	int rc = read_file(l, path, &text, l->err);
	if (rc == 1 && !must_exist)
		return 0;
	if (rc != 0)
		return -1;
	const char *slash = strrchr(path, '/');
	const char *dir = !slash	  ? ""
			  : slash == path ? "/"
					  : arena_strndup(l->a, path, (size_t)(slash - path));
	if (parse_file(l, text, dir) < 0)
		return error_wrap(l->err, "%s", path);
	return 0;
}

static int add_list(struct loader *l, const char *list)
{
	struct str rest = str_of(list);
	while (rest.n) {
		struct str path = str_cut(rest, ':', &rest);
		if (path.n == 0)
			continue;
		if (l->files.n >= FILES_MAX)
			return error_set(l->err, "KUBECONFIG names more than %d files", FILES_MAX);
		if (add_path(l, arena_str(l->a, path).p, false) < 0)
			return -1;
	}
	return 0;
}

static int load_in_cluster(struct loader *l, const char *host, const char *port)
{
	struct kube_config *out = l->out;
	struct str token, namespace;
	bool v6 = strchr(host, ':') != NULL;
	out->server = arena_printf(l->a, "https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "",
				   port && *port ? port : "443");
	out->context = "in-cluster";
	out->token_file = SERVICE_ACCOUNT_DIR "/token";
	if (read_file(l, out->token_file, &token, l->err) != 0 ||
	    read_file(l, SERVICE_ACCOUNT_DIR "/ca.crt", &out->ca_pem, l->err) != 0)
		return error_wrap(l->err, "service account (automountServiceAccountToken off?)");
	out->namespace = "default";
	if (read_file(l, SERVICE_ACCOUNT_DIR "/namespace", &namespace, NULL) == 0)
		out->namespace = arena_str(l->a, str_trim(namespace)).p;
	return 0;
}

static int load_found(struct loader *l, const struct kube_config_options *options)
{
	const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	if (options->kubeconfig) {
		if (add_path(l, options->kubeconfig, true) < 0)
			return -1;
	} else if (list && *list) {
		if (add_list(l, list) < 0)
			return -1;
	} else if (home && add_path(l, arena_printf(l->a, "%s/.kube/config", home), false) < 0) {
		return -1;
	}
	if (l->files.n)
		return load_context(l, options->context);
	if (host && *host && !options->kubeconfig)
		return load_in_cluster(l, host, getenv("KUBERNETES_SERVICE_PORT"));
	return error_set(l->err, "no cluster: %s%s; set KUBECONFIG or give --kubeconfig",
			 list && *list ? "no file is at KUBECONFIG=" : "there is no ~/.kube/config",
			 list && *list ? list : "");
}

int kube_config_load(struct arena *a, const struct kube_config_options *options, struct kube_config *out,
		     struct error *err)
{
	*out = (struct kube_config){ 0 };
	struct loader l = { .a = a, .out = out, .err = err };
	int rc = load_found(&l, options);
	vec_release(&l.files);
	return rc < 0 ? error_wrap(err, "kubeconfig") : 0;
}
