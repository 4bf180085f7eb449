/*
 * auth.c - the Authorization header and client certificate of the moment.
 *
 * What is in force lives in `header`, `cert` and `key`; a plugin's answer replaces all three at once.
 * A plugin runs again when its credential is about to expire and after a 401, one at a time.
 * Source: client.authentication.k8s.io/v1 (ExecCredential).
 */
#include "kube/auth.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/vec.h"
#include "doc/json.h"
#include "io/process.h"
#include "io/file.h"

enum {
	RENEW_BEFORE_MS = 10000, /* a credential this close to its end is not used any more */
	FAILED_FOR_MS = 5000	 /* a plugin that failed is not run again before */
};

struct kube_auth {
	struct loop *loop;
	const struct kube_config *config;
	loop_fn *changed;
	void *arg;

	char *header;
	struct buf cert, key;
	unsigned generation;

	int64_t token_read_ms; /* monotonic; 0: not yet */
	struct process *plugin;
	bool have;	    /* the plugin's answer is in force */
	int64_t expires_ms; /* wall clock; 0: never */
	int64_t failed_ms;  /* monotonic; 0: it did not */
	int64_t ran_ms;	    /* monotonic; when the answer in force came */
	struct error failure;
	VEC(char *) env; /* of the plugin: each "K=V" owned, NULL at the end */
};

static void set_header(struct kube_auth *auth, const char *scheme, const char *value)
{
	struct buf b = BUF_INIT;
	buf_printf(&b, "%s %s", scheme, value);
	if (auth->header)
		OPENSSL_cleanse(auth->header, strlen(auth->header));
	free(auth->header);
	auth->header = b.p;
}

static void set_basic(struct kube_auth *auth)
{
	struct buf plain = BUF_INIT;
	buf_printf(&plain, "%s:%s", auth->config->username, auth->config->password);
	unsigned char *coded = mem_alloc(4 * ((plain.n + 2) / 3) + 1);
	EVP_EncodeBlock(coded, (const unsigned char *)plain.p, (int)plain.n);
	set_header(auth, "Basic", (const char *)coded);
	free(coded);
	buf_release(&plain);
}

struct kube_auth *kube_auth_new(struct loop *loop, const struct kube_config *config, loop_fn *changed,
				void *arg)
{
	struct kube_auth *auth = mem_alloc(sizeof(*auth));
	auth->loop = loop;
	auth->config = config;
	auth->changed = changed;
	auth->arg = arg;
	if (config->token)
		set_header(auth, "Bearer", config->token);
	else if (config->username && config->password)
		set_basic(auth);
	buf_add(&auth->cert, config->cert_pem.p, config->cert_pem.n);
	buf_add(&auth->key, config->key_pem.p, config->key_pem.n);
	return auth;
}

static void free_env(struct kube_auth *auth)
{
	for (size_t i = 0; i < auth->env.n; i++)
		free(auth->env.at[i]);
	auth->env.n = 0;
}

void kube_auth_free(struct kube_auth *auth)
{
	if (!auth)
		return;
	process_cancel(auth->plugin);
	free_env(auth);
	vec_release(&auth->env);
	free(auth->header);
	buf_release(&auth->cert);
	buf_release(&auth->key);
	free(auth);
}

/* A projected service account token is replaced in place about once an hour. */
static enum kube_auth_state check_token_file(struct kube_auth *auth, struct error *err)
{
	int64_t now = clock_mono_ms();
	if (auth->token_read_ms && now - auth->token_read_ms < KUBE_AUTH_TOKEN_FILE_MS)
		return KUBE_AUTH_READY;
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	if (file_read(auth->config->token_file, KUBE_FILE_MAX, &text, err) != 0) {
		/* An old token may still be good: the server decides. */
		return auth->header ? KUBE_AUTH_READY : KUBE_AUTH_FAILED;
	}
	auth->token_read_ms = now;
	set_header(auth, "Bearer", arena_str(&a, str_trim(buf_str(&text))).p);
	return KUBE_AUTH_READY;
}

static void replace(struct buf *b, struct str with)
{
	buf_clear(b);
	buf_add(b, with.p, with.n);
}

static void take(struct kube_auth *auth, const struct kube_exec_credential *c)
{
	if (c->token)
		set_header(auth, "Bearer", c->token);
	if (c->cert_pem.n &&
	    (!str_eq(c->cert_pem, buf_str(&auth->cert)) || !str_eq(c->key_pem, buf_str(&auth->key)))) {
		replace(&auth->cert, c->cert_pem);
		replace(&auth->key, c->key_pem);
		auth->generation++;
	}
	auth->have = true;
	auth->expires_ms = c->expires_ms;
	auth->ran_ms = clock_mono_ms();
	auth->failed_ms = 0;
}

static void fail(struct kube_auth *auth)
{
	const struct kube_exec_plugin *plugin = auth->config->exec;
	auth->failed_ms = clock_mono_ms();
	error_wrap(&auth->failure, "credential plugin %s", plugin->command);
	if (plugin->install_hint) {
		struct error text = auth->failure;
		error_set(&auth->failure, "%s (%s)", text.text, plugin->install_hint);
	}
}

static void plugin_done(void *arg, const struct process_result *r)
{
	struct kube_auth *auth = arg;
	cleanup_arena struct arena a = ARENA_INIT;
	struct kube_exec_credential credential = { 0 };
	auth->plugin = NULL;
	struct str said = str_trim(r->err);
	int rc = -1;
	if (r->timed_out)
		error_set(&auth->failure, "did not answer within %d s", KUBE_AUTH_PLUGIN_MS / 1000);
	else if (r->exit_code != 0)
		error_set(&auth->failure, "exit code %d: %.*s", r->exit_code, STR_ARG(said));
	else
		rc = kube_exec_credential_parse(&a, r->out, &credential, &auth->failure);
	if (rc < 0)
		fail(auth);
	else
		take(auth, &credential);
	auth->changed(auth->arg);
}

/* spec.cluster of KUBERNETES_EXEC_INFO, for a plugin that asked for it. */
static void write_cluster(struct buf *b, const struct kube_config *c)
{
	buf_adds(b, ",\"cluster\":{\"server\":");
	json_write_string(b, str_of(c->server));
	if (c->tls_server_name) {
		buf_adds(b, ",\"tls-server-name\":");
		json_write_string(b, str_of(c->tls_server_name));
	}
	if (c->ca_pem.n) {
		unsigned char *coded = mem_alloc(4 * ((c->ca_pem.n + 2) / 3) + 1);
		EVP_EncodeBlock(coded, (const unsigned char *)c->ca_pem.p, (int)c->ca_pem.n);
		buf_printf(b, ",\"certificate-authority-data\":\"%s\"", (char *)coded);
		free(coded);
	}
	buf_printf(b, ",\"insecure-skip-tls-verify\":%s}", c->insecure ? "true" : "false");
}

static void add_env(struct kube_auth *auth, char *owned)
{
	size_t key_n = strcspn(owned, "=") + 1;
	for (size_t i = 0; i < auth->env.n; i++) {
		if (strncmp(auth->env.at[i], owned, key_n) == 0) {
			free(auth->env.at[i]);
			auth->env.at[i] = owned;
			return;
		}
	}
	vec_push(&auth->env, owned);
}

static void make_env(struct kube_auth *auth)
{
	const struct kube_exec_plugin *plugin = auth->config->exec;
	struct buf info = BUF_INIT;
	free_env(auth);
	for (char **e = environ; *e; e++)
		vec_push(&auth->env, mem_strdup(*e));
	for (size_t i = 0; plugin->env && plugin->env[i]; i++)
		add_env(auth, mem_strdup(plugin->env[i]));
	buf_adds(&info, "KUBERNETES_EXEC_INFO={\"kind\":\"ExecCredential\",\"apiVersion\":");
	json_write_string(&info, str_of(plugin->api_version));
	buf_adds(&info, ",\"spec\":{\"interactive\":false");
	if (plugin->provide_cluster_info)
		write_cluster(&info, auth->config);
	buf_adds(&info, "}}");
	add_env(auth, info.p);
	vec_push(&auth->env, (char *)NULL);
}

static void start_plugin(struct kube_auth *auth)
{
	const struct kube_exec_plugin *plugin = auth->config->exec;
	VEC(const char *) argv = { 0 };
	vec_push(&argv, plugin->command);
	for (size_t i = 0; plugin->args && plugin->args[i]; i++)
		vec_push(&argv, plugin->args[i]);
	vec_push(&argv, (const char *)NULL);
	make_env(auth);
	struct process_spec spec = {
		.argv = argv.at,
		.env = (const char *const *)auth->env.at,
		.output_max = KUBE_AUTH_PLUGIN_OUTPUT_MAX,
		.stderr_max = 1024,
		.timeout_ms = KUBE_AUTH_PLUGIN_MS,
	};
	auth->plugin = process_start(auth->loop, &spec, plugin_done, auth, &auth->failure);
	vec_release(&argv);
	free_env(auth);
	if (!auth->plugin)
		fail(auth);
}

static enum kube_auth_state check_plugin(struct kube_auth *auth, struct error *err)
{
	if (auth->plugin)
		return KUBE_AUTH_WAIT;
	if (auth->have && (!auth->expires_ms || auth->expires_ms - RENEW_BEFORE_MS > clock_wall_ms()))
		return KUBE_AUTH_READY;
	if (!auth->failed_ms || clock_mono_ms() - auth->failed_ms >= FAILED_FOR_MS) {
		start_plugin(auth);
		if (auth->plugin)
			return KUBE_AUTH_WAIT;
	}
	error_set(err, "%s", auth->failure.text);
	return KUBE_AUTH_FAILED;
}

enum kube_auth_state kube_auth_check(struct kube_auth *auth, struct error *err)
{
	if (auth->config->exec)
		return check_plugin(auth, err);
	if (auth->config->token_file)
		return check_token_file(auth, err);
	return KUBE_AUTH_READY;
}

const char *kube_auth_header(const struct kube_auth *auth)
{
	return auth->header;
}

void kube_auth_certificate(const struct kube_auth *auth, struct str *cert_pem, struct str *key_pem,
			   unsigned *generation)
{
	*cert_pem = buf_str(&auth->cert);
	*key_pem = buf_str(&auth->key);
	*generation = auth->generation;
}

bool kube_auth_rejected(struct kube_auth *auth)
{
	if (auth->config->token_file) {
		auth->token_read_ms = 0;
		return true;
	}
	if (!auth->config->exec)
		return false;
	/* Many requests may hear the same 401: one fresh answer serves them all. */
	if (clock_mono_ms() - auth->ran_ms >= 1000)
		auth->have = false;
	return true;
}

int kube_exec_credential_parse(struct arena *a, struct str text, struct kube_exec_credential *out,
			       struct error *err)
{
	struct node *root;
	*out = (struct kube_exec_credential){ 0 };
	if (json_parse(a, text, false, &root, err) < 0)
		return error_wrap(err, "its answer is no JSON");
	if (!str_is(node_text(node_get(root, "kind")), "ExecCredential"))
		return error_set(err, "its answer is no ExecCredential");
	const struct node *status = node_get(root, "status");
	struct str token = node_text(node_get(status, "token"));
	out->cert_pem = node_text(node_get(status, "clientCertificateData"));
	out->key_pem = node_text(node_get(status, "clientKeyData"));
	if (token.n && memchr(token.p, '\n', token.n))
		return error_set(err, "the token it gave has a line break in it");
	if (token.n)
		out->token = arena_str(a, token).p;
	if (!token.n && !out->cert_pem.n)
		return error_set(err, "it gave neither a token nor a certificate");
	if (!out->cert_pem.n != !out->key_pem.n)
		return error_set(err, "a client certificate needs its key, and a key its certificate");
	struct str expires = node_text(node_get(status, "expirationTimestamp"));
	if (expires.n && !clock_parse(expires, &out->expires_ms))
		return error_set(err, "expirationTimestamp is no RFC 3339 time");
	return 0;
}
