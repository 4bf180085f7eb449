/*
 * remote.c - `git` children with a closed environment, one after the other.
 *
 * Secrets reach git only through files of mode 0600 in a private directory that is removed with the remote,
 * or through the child's environment; never through its arguments.
 */
#include "repo/remote.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/log.h"
#include "base/vec.h"
#include "io/process.h"
#include "repo/files.h"
#include "repo/objects.h"
#include "repo/remote_internal.h"
#include "repo/tree.h"

enum {
	STDERR_MAX = 64 * 1024,
	MESSAGE_MAX = 600,
	WATCH_SIZE_MS = 250,
	GC_TIMEOUT_MS = 300000,
};

static const struct remote_hints repo_hints = {
	.size = "raise spec.maxSize",
	.timeout = "(spec.timeout)",
	.login = "correct username and password, or bearerToken, in the Secret that spec.secretRef names",
	.moved = "write that address as spec.url (often the same with .git at its end)",
};

/* --- URLs --- */

static bool is_scp_like(const char *url)
{
	const char *colon = strchr(url, ':'), *slash = strchr(url, '/'), *at = strchr(url, '@');
	return colon && at && at < colon && (!slash || colon < slash) && colon[1];
}

static bool is_ssh(const char *url)
{
	return strncmp(url, "ssh://", 6) == 0 || is_scp_like(url);
}

int remote_check_url(const char *url, struct error *err)
{
	static const char *const schemes[] = { "https://", "http://", "ssh://", "file:///" };
	for (const char *c = url; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return error_set(err, "the url holds a space or a control character");
	if (url[0] == '/' || is_scp_like(url))
		return url[0] == '-' ? error_set(err, "the url starts with '-'") : 0;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncmp(url, schemes[i], strlen(schemes[i])) == 0 && url[strlen(schemes[i])])
			return url[strlen(schemes[i])] == '-'
				       ? error_set(err, "the url's host starts with '-'")
				       : 0;
	return error_set(
		err, "the url must begin with https://, http://, ssh:// or file:///, or be user@host:path");
}

void remote_redact(const char *url, char *out, size_t size)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + 3 : url;
	const char *slash = strchr(host, '/'), *at = strchr(host, '@');
	if (scheme && at && (!slash || at < slash))
		snprintf(out, size, "%.*s%s", (int)(host - url), url, at + 1);
	else
		snprintf(out, size, "%s", url);
}

/* --- environment --- */

static void add_env(struct repo_remote *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add_env(struct repo_remote *r, const char *fmt, ...)
{
	cleanup_buf struct buf text = BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	vec_push(&r->env, mem_strdup(text.p));
}

static void add_config(struct repo_remote *r, const char *key, const char *value)
{
	add_env(r, "GIT_CONFIG_KEY_%zu=%s", r->config_n, key);
	add_env(r, "GIT_CONFIG_VALUE_%zu=%s", r->config_n, value);
	r->config_n++;
}

/* For requests to the scheme, host and port of our URL alone: a submodule may lie elsewhere. */
static void add_config_for_host(struct repo_remote *r, const char *name, const char *value)
{
	cleanup_buf struct buf key = BUF_INIT;
	const char *host = strstr(r->url, "://");
	host = host ? host + 3 : r->url;
	const char *slash = strchr(host, '/'),
		   *at = memrchr(host, '@', slash ? (size_t)(slash - host) : strlen(host));
	const char *from = at ? at + 1 : host;
	buf_printf(&key, "http.%.*s%.*s/.%s", (int)(host - r->url), r->url,
		   (int)(slash ? slash - from : (int)strlen(from)), from, name);
	add_config(r, key.p, value);
}

static void pass_env(struct repo_remote *r, const char *name)
{
	const char *value = getenv(name);
	if (value)
		add_env(r, "%s=%s", name, value);
}

/* What git takes from a person's environment beyond what is no business of git: where a repository lies,
 * which the caller may have set for itself, never counts. */
static bool is_users(const char *entry)
{
	static const char *const git[] = { "GIT_ASKPASS=",	 "GIT_SSH",
					   "GIT_SSL_",		 "GIT_PROXY_",
					   "GIT_HTTP_",		 "GIT_CONFIG_GLOBAL=",
					   "GIT_CONFIG_SYSTEM=", "GIT_CONFIG_NOSYSTEM=" };
	if (strncmp(entry, "LC_", 3) == 0 || strncmp(entry, "LANG", 4) == 0)
		return false;
	if (strncmp(entry, "GIT_", 4) != 0)
		return true;
	for (size_t i = 0; i < sizeof(git) / sizeof(git[0]); i++)
		if (strncmp(entry, git[i], strlen(git[i])) == 0)
			return true;
	return false;
}

/* Settings that the person numbered in the environment; ours come behind them. */
static void users_config(struct repo_remote *r)
{
	enum { SETTINGS_MAX = 1000 };
	int64_t count = 0;
	const char *given = getenv("GIT_CONFIG_COUNT");
	if (!given || !str_int64(str_of(given), &count) || count > SETTINGS_MAX)
		return;
	for (int64_t i = 0; i < count; i++) {
		char name[40];
		snprintf(name, sizeof(name), "GIT_CONFIG_KEY_%d", (int)i);
		const char *key = getenv(name);
		snprintf(name, sizeof(name), "GIT_CONFIG_VALUE_%d", (int)i);
		const char *value = getenv(name);
		if (key && value)
			add_config(r, key, value);
	}
}

/* All that the person's helpers may need: a token in a variable, an agent's socket. */
static void users_env(struct repo_remote *r)
{
	for (char **entry = environ; *entry; entry++)
		if (is_users(*entry))
			add_env(r, "%s", *entry);
	users_config(r);
}

static void common_env(struct repo_remote *r)
{
	static const char *const passed[] = { "PATH",	      "http_proxy",  "https_proxy", "no_proxy",
					      "HTTP_PROXY",   "HTTPS_PROXY", "NO_PROXY",    "SSL_CERT_FILE",
					      "SSL_CERT_DIR", "TMPDIR" };
	if (r->user_environment)
		users_env(r);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]) && !r->user_environment; i++)
		pass_env(r, passed[i]);
	add_env(r, "LC_ALL=C");
	add_env(r, "GIT_TERMINAL_PROMPT=0");
	if (r->user_environment)
		return;
	add_env(r, "GIT_CONFIG_NOSYSTEM=1");
	add_env(r, "GIT_CONFIG_GLOBAL=/dev/null");
	add_env(r, "GIT_ASKPASS=/bin/false");
	add_env(r, "SSH_ASKPASS=/bin/false");
	add_env(r, "HOME=%s", r->private_dir ? r->private_dir : "/nonexistent");
	add_config(r, "credential.helper", "");
}

static void common_config(struct repo_remote *r)
{
	static const char *const pairs[][2] = {
		{ "core.hooksPath", "/dev/null" },
		{ "protocol.allow", "never" },
		{ "protocol.https.allow", "always" },
		{ "protocol.http.allow", "always" },
		{ "protocol.ssh.allow", "always" },
		{ "protocol.file.allow", "always" },
		{ "transfer.fsckObjects", "true" },
		{ "fetch.fsck.zeroPaddedFilemode", "ignore" },
		{ "gc.auto", "0" },
		{ "maintenance.auto", "false" },
		{ "protocol.version", "2" },
		{ "advice.detachedHead", "false" },
		{ "http.followRedirects", "initial" },
		{ "core.fsmonitor", "false" },
		{ "http.lowSpeedLimit", "1" },
		{ "http.lowSpeedTime", "30" },
		{ "safe.directory", "*" },
	};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		add_config(r, pairs[i][0], pairs[i][1]);
}

/* --- secrets --- */

static int secret_file(struct repo_remote *r, const char *name, struct str text, char **path,
		       struct error *err)
{
	cleanup_buf struct buf full = BUF_INIT;
	buf_printf(&full, "%s/%s", r->private_dir, name);
	cleanup_buf struct buf body = BUF_INIT;
	buf_add_str(&body, text);
	if (!str_ends(text, STR("\n")))
		buf_addc(&body, '\n'); /* ssh refuses a key without its last newline */
	*path = mem_strdup(full.p);
	return files_write(full.p, buf_str(&body), 0600, err);
}

static void add_authorization(struct repo_remote *r, const struct remote_credentials *c)
{
	cleanup_buf struct buf value = BUF_INIT;
	if (c->bearer_token.n) {
		buf_printf(&value, "Authorization: Bearer %.*s", STR_ARG(str_trim(c->bearer_token)));
	} else if (c->password.n || c->username.n) {
		cleanup_buf struct buf pair = BUF_INIT;
		/* A token alone: hosts take any user name beside it, but not none. */
		buf_printf(&pair, "%.*s:%.*s", c->username.n ? (int)c->username.n : 3,
			   c->username.n ? c->username.p : "git", STR_ARG(str_trim(c->password)));
		cleanup_free char *encoded = mem_alloc(4 * (pair.n / 3 + 1) + 1);
		EVP_EncodeBlock((unsigned char *)encoded, (unsigned char *)pair.p, (int)pair.n);
		buf_printf(&value, "Authorization: Basic %s", encoded);
	}
	if (!value.n)
		return;
	add_config_for_host(r, "extraHeader", value.p);
	/* git would send the header on, to whatever host it is sent to. */
	add_config_for_host(r, "followRedirects", "false");
}

static int add_ssh(struct repo_remote *r, const struct remote_credentials *c, struct error *err)
{
	cleanup_buf struct buf command = BUF_INIT;
	cleanup_free char *path = NULL;
	buf_adds(
		&command,
		"ssh -F /dev/null -o BatchMode=yes -o ConnectTimeout=10 -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes");
	if (!c || !c->known_hosts.n)
		return error_set(
			err,
			"ssh needs the host's key: put `ssh-keyscan HOST` into key known_hosts of the Secret that secretRef names");
	if (!c->identity.n)
		return error_set(
			err,
			"ssh needs a private key: put it into key identity of the Secret that secretRef names");
	if (secret_file(r, "known_hosts", c->known_hosts, &path, err) < 0)
		return -1;
	buf_printf(&command, " -o UserKnownHostsFile=%s -o GlobalKnownHostsFile=/dev/null", path);
	free(path);
	if (secret_file(r, "identity", c->identity, &path, err) < 0)
		return -1;
	buf_printf(&command, " -i %s", path);
	add_env(r, "GIT_SSH_COMMAND=%s", command.p);
	add_env(r, "GIT_SSH_VARIANT=ssh");
	return 0;
}

static int add_tls_file(struct repo_remote *r, const char *name, struct str text, const char *key,
			struct error *err)
{
	cleanup_free char *path = NULL;
	if (!text.n)
		return 0;
	if (secret_file(r, name, text, &path, err) < 0)
		return -1;
	add_config_for_host(r, key, path);
	return 0;
}

static int add_credentials(struct repo_remote *r, const struct remote_credentials *c, struct error *err)
{
	if (is_ssh(r->url))
		return r->user_environment ? 0 : add_ssh(r, c, err);
	if (!c)
		return 0;
	add_authorization(r, c);
	if (add_tls_file(r, "ca.crt", c->ca_crt, "sslCAInfo", err) < 0 ||
	    add_tls_file(r, "tls.crt", c->tls_crt, "sslCert", err) < 0 ||
	    add_tls_file(r, "tls.key", c->tls_key, "sslKey", err) < 0)
		return -1;
	return 0;
}

static int make_private_dir(struct repo_remote *r, struct error *err)
{
	cleanup_buf struct buf path = BUF_INIT;
	buf_printf(&path, "%s.private", r->mirror);
	files_remove(path.p);
	if (mkdir(path.p, 0700) < 0)
		return error_set(err, "%s: %s", path.p, strerror(errno));
	r->private_dir = mem_strdup(path.p);
	return 0;
}

/* --- the mirror --- */

/* A bare repository needs no more; made by hand it costs no child. */
static int make_mirror(const char *mirror, struct error *err)
{
	static const char *const dirs[] = { "",	     "/objects",   "/objects/pack", "/objects/info",
					    "/refs", "/refs/heads" };
	cleanup_buf struct buf path = BUF_INIT;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		buf_clear(&path);
		buf_printf(&path, "%s%s", mirror, dirs[i]);
		if (mkdir(path.p, 0755) < 0 && errno != EEXIST)
			return error_set(err, "%s: %s", path.p, strerror(errno));
	}
	buf_clear(&path);
	buf_printf(&path, "%s/config", mirror);
	if (files_write(path.p, STR("[core]\n\trepositoryformatversion = 0\n\tbare = true\n"), 0644, err) < 0)
		return -1;
	buf_clear(&path);
	buf_printf(&path, "%s/HEAD", mirror);
	return files_write(path.p, STR("ref: refs/heads/none\n"), 0644, err);
}

/* What a commit has to have there is written in the mirror, for readers on other threads. */
static int mark_submodules(struct repo_remote *r, struct error *err)
{
	cleanup_buf struct buf path = BUF_INIT;
	buf_printf(&path, "%s/" OBJECTS_SUBMODULES, r->mirror);
	if (r->submodules_wanted)
		return files_write(path.p, STR("submodules are part of the commits\n"), 0644, err);
	if (unlink(path.p) < 0 && errno != ENOENT)
		return error_set(err, "%s: %s", path.p, strerror(errno));
	return 0;
}

static int open_mirror(struct repo_remote *r, struct error *err)
{
	struct stat st;
	cleanup_buf struct buf head = BUF_INIT;
	buf_printf(&head, "%s/HEAD", r->mirror);
	if (stat(head.p, &st) < 0 || st.st_size == 0) {
		files_remove(r->mirror);
		if (make_mirror(r->mirror, err) < 0)
			return -1;
	} else {
		files_remove_leftovers(r->mirror); /* *.lock and tmp_* of a process that was killed */
	}
	return mark_submodules(r, err);
}

struct repo_remote *remote_new(struct loop *loop, const struct remote_options *o, struct error *err)
{
	if (remote_check_url(o->url, err) < 0)
		return NULL;
	struct repo_remote *r = mem_alloc(sizeof(*r));
	r->loop = loop;
	r->url = mem_strdup(o->url);
	r->mirror = mem_strdup(o->mirror);
	r->timeout_ms = o->timeout_ms;
	r->max_bytes = o->max_bytes;
	r->submodules_wanted = o->submodules;
	r->user_environment = o->user_environment;
	r->hints = o->hints ? o->hints : &repo_hints;
	r->check = o->check;
	r->check_ctx = o->check_ctx;
	if (open_mirror(r, err) < 0 || make_private_dir(r, err) < 0) {
		remote_free(r);
		return NULL;
	}
	common_env(r);
	common_config(r);
	if (add_credentials(r, o->credentials, err) < 0) {
		remote_free(r);
		return NULL;
	}
	add_env(r, "GIT_CONFIG_COUNT=%zu", r->config_n);
	vec_push(&r->env, NULL);
	return r;
}

static void forget_moved(struct repo_remote *r)
{
	for (size_t i = 0; i < r->moved.n; i++)
		free(r->moved.at[i].name);
	vec_release(&r->moved);
}

void remote_free(struct repo_remote *r)
{
	if (!r)
		return;
	if (r->child)
		process_cancel(r->child);
	loop_timer_free(r->size_timer);
	loop_timer_free(r->now_timer);
	if (r->private_dir)
		files_remove(r->private_dir);
	for (size_t i = 0; i < r->env.n; i++)
		free(r->env.at[i]);
	vec_release(&r->env);
	refs_release(&r->refs);
	submodules_free(r->submodules);
	forget_moved(r);
	free(r->refusal);
	free(r->push_branch);
	repo_tree_forget(r->mirror);
	free(r->private_dir);
	free(r->url);
	free(r->mirror);
	free(r);
}

const char *remote_mirror(const struct repo_remote *r)
{
	return r->mirror;
}

const struct refs *remote_refs(const struct repo_remote *r)
{
	return &r->refs;
}

/* --- children --- */

void remote_finish(struct repo_remote *r, bool changed, const char *error)
{
	remote_done_fn *done = r->done;
	r->done = NULL;
	done(r->ctx, changed, error);
}

/* The lines of git's stderr that say what is wrong, on one line, without control characters and without the
 * URL's password. */
static void add_git_message(struct buf *out, struct str text, const char *url)
{
	char shown[400];
	remote_redact(url, shown, sizeof(shown));
	bool first = true;
	while (text.n && out->n < MESSAGE_MAX) {
		struct str line = str_trim(str_cut(text, '\n', &text));
		bool useful = str_starts(line, STR("fatal:")) || str_starts(line, STR("error:")) ||
			      str_starts(line, STR("remote:")) || memmem(line.p, line.n, "denied", 6) ||
			      memmem(line.p, line.n, "verification failed", 19) ||
			      memmem(line.p, line.n, "REMOTE HOST", 11);
		if (!useful || !line.n)
			continue;
		buf_adds(out, first ? "" : "; ");
		first = false;
		for (size_t i = 0; i < line.n && out->n < MESSAGE_MAX; i++) {
			if (strcmp(shown, url) != 0 && str_starts(str_from(line, i), str_of(url))) {
				buf_adds(out, shown);
				i += strlen(url) - 1;
			} else {
				buf_addc(out, (unsigned char)line.p[i] < ' ' || line.p[i] == 0x7f
						      ? '?'
						      : line.p[i]);
			}
		}
	}
}

/* The remote answered 401: git asks for a name or a password, and nobody is there to give one. */
static bool wants_login(const struct repo_remote *r, struct str text)
{
	return !r->user_environment && (memmem(text.p, text.n, "could not read Username", 23) ||
					memmem(text.p, text.n, "could not read Password", 23));
}

char *remote_failure(struct repo_remote *r, const char *what, const char *url,
		     const struct process_result *result)
{
	if (result->exit_code == 0 && !result->timed_out && !result->overflow && !r->too_large)
		return NULL;
	char shown[400];
	remote_redact(url, shown, sizeof(shown));
	cleanup_buf struct buf text = BUF_INIT;
	buf_printf(&text, "%s %s: ", what, shown);
	size_t before = text.n;
	if (r->too_large)
		buf_printf(&text, "the repository is larger than %llu %s; %s",
			   (unsigned long long)(r->max_bytes >> 20 ? r->max_bytes >> 20 : r->max_bytes >> 10),
			   r->max_bytes >> 20 ? "MiB" : "KiB", r->hints->size);
	else if (result->timed_out)
		buf_printf(&text, "no end within the timeout; is the remote reachable? %s",
			   r->hints->timeout);
	else if (result->overflow)
		buf_adds(&text, "the remote lists too many refs");
	else if (wants_login(r, result->err))
		buf_printf(&text, "the remote wants a login that it accepts (401): %s", r->hints->login);
	else if (memmem(result->err.p, result->err.n, "returned error: 30", 18))
		buf_printf(&text, "the remote sends us to another address, and credentials do not follow; %s",
			   r->hints->moved);
	else
		add_git_message(&text, result->err, url);
	if (text.n == before)
		buf_printf(&text, "git ended with exit code %d", result->exit_code);
	return mem_strdup(text.p);
}

static void on_now(void *arg)
{
	remote_finish(arg, false, NULL);
}

static void on_size(void *arg);

void remote_run(struct repo_remote *r, const char *const *argv, int64_t timeout_ms, size_t output_max,
		process_fn *done)
{
	struct error err = ERROR_INIT;
	struct process_spec spec = {
		.argv = argv,
		.env = (const char *const *)r->env.at,
		.dir = r->mirror,
		.output_max = output_max,
		.stderr_max = STDERR_MAX,
		.timeout_ms = timeout_ms,
	};
	r->too_large = false;
	r->child = process_start(r->loop, &spec, done, r, &err);
	if (!r->child)
		remote_finish(r, false, err.text);
}

static void on_listed(void *arg, const struct process_result *result)
{
	struct repo_remote *r = arg;
	r->child = NULL;
	cleanup_free char *failure = remote_failure(r, "list", r->url, result);
	if (failure) {
		remote_finish(r, false, failure);
		return;
	}
	struct refs refs;
	struct error err = ERROR_INIT;
	if (refs_parse(result->out, &refs, &err) < 0) {
		remote_finish(r, false, err.text);
		return;
	}
	bool changed = !hash_eq(refs.hash, r->refs.hash);
	refs_release(&r->refs);
	r->refs = refs;
	remote_finish(r, changed, NULL);
}

/* A reader found objects missing: the mirror is made anew, and everything is fetched again. */
static void mend(struct repo_remote *r)
{
	cleanup_buf struct buf marker = BUF_INIT;
	struct error err = ERROR_INIT;
	buf_printf(&marker, "%s/" OBJECTS_DAMAGED, r->mirror);
	if (access(marker.p, F_OK) != 0)
		return;
	log_warn("mirror is damaged, made anew", "mirror", r->mirror, NULL);
	repo_tree_forget(r->mirror);
	files_remove(r->mirror);
	if (open_mirror(r, &err) < 0)
		log_warn("mirror cannot be made", "error", err.text, NULL);
}

void remote_poll(struct repo_remote *r, remote_done_fn *done, void *ctx)
{
	r->done = done;
	r->ctx = ctx;
	mend(r);
	const char *argv[] = { "git", "ls-remote", "--quiet", "--", r->url, NULL };
	remote_run(r, argv, REMOTE_LS_TIMEOUT_MS, REFS_TEXT_MAX, on_listed);
}

/* --- fetch --- */

static void on_size(void *arg)
{
	struct repo_remote *r = arg;
	if (!r->child)
		return;
	if (files_size(r->mirror) <= r->size_before + r->max_bytes) {
		loop_timer_set(r->size_timer, WATCH_SIZE_MS);
		return;
	}
	process_cancel(r->child);
	r->child = NULL;
	r->too_large = true;
	struct process_result ended = { .exit_code = -1 };
	cleanup_free char *failure = remote_failure(r, "fetch", r->url, &ended);
	files_remove_leftovers(r->mirror);
	/* It may have been through already, but for its exit. */
	remote_fetched(r, failure);
}

static void on_cleaned(void *arg, const struct process_result *result)
{
	struct repo_remote *r = arg;
	cleanup_free char *refusal = r->refusal;
	r->refusal = NULL;
	r->child = NULL;
	repo_tree_forget(r->mirror);
	remote_finish(r, !refusal, refusal); /* a clean-up that fails is tried again later */
}

static void clean_up(struct repo_remote *r)
{
	const char *argv[] = { "git", "gc", "--quiet", "--prune=now", NULL };
	remote_run(r, argv, GC_TIMEOUT_MS, 4096, on_cleaned);
}

/* "+SOURCE:TARGET" */
static void note_moved(struct repo_remote *r, const char *refspec)
{
	struct moved_ref m = { .name = mem_strdup(strchr(refspec, ':') + 1) };
	objects_ref_read(r->mirror, m.name, m.before);
	vec_push(&r->moved, m);
}

/* Nothing is kept of a fetch that brought too much: refs point to what they did, and the objects go. */
static void undo(struct repo_remote *r, const char *refusal)
{
	for (size_t i = 0; i < r->moved.n; i++)
		objects_ref_write(r->mirror, r->moved.at[i].name,
				  r->moved.at[i].before[0] ? r->moved.at[i].before : NULL);
	free(r->refusal);
	r->refusal = mem_strdup(refusal);
	clean_up(r);
}

char *remote_fetch_failure(struct repo_remote *r, const char *what, const char *url,
			   const struct process_result *result)
{
	loop_timer_clear(r->size_timer);
	r->too_large = files_size(r->mirror) > r->size_before + r->max_bytes;
	char *failure = remote_failure(r, what, url, result);
	if (failure)
		files_remove_leftovers(r->mirror);
	return failure;
}

void remote_fetched(struct repo_remote *r, const char *error)
{
	if (error && r->too_large)
		undo(r, error);
	else if (error || ++r->fetches % REMOTE_GC_AFTER != 0)
		remote_finish(r, !error, error);
	else
		clean_up(r);
	forget_moved(r);
}

static void on_fetched(void *arg, const struct process_result *result)
{
	struct repo_remote *r = arg;
	r->child = NULL;
	cleanup_free char *failure = remote_fetch_failure(r, "fetch", r->url, result);
	if (!failure && r->submodules_wanted)
		submodules_continue(r);
	else
		remote_fetched(r, failure);
}

/* "+refs/heads/main:refs/capstan/refs/heads/main", or for a bare commit "+SHA:refs/capstan/commits/SHA". */
static char *refspec(struct arena *a, const struct resolved *want)
{
	if (want->ref[0])
		return arena_printf(a, "+%s:refs/capstan/%s", want->ref, want->ref);
	return arena_printf(a, "+%s:refs/capstan/commits/%s", want->sha, want->sha);
}

void remote_run_fetch(struct repo_remote *r, const char *url, const char *const *refspecs, process_fn *done)
{
	static const char *const head[] = { "git",
					    "fetch",
					    "--quiet",
					    "--no-tags",
					    "--force",
					    "--no-write-fetch-head",
					    "--depth=1",
					    "--no-auto-maintenance",
					    "--no-recurse-submodules",
					    "--" };
	enum { HEAD = sizeof(head) / sizeof(head[0]) };
	size_t n = 0;
	while (refspecs[n])
		n++;
	cleanup_arena struct arena a = ARENA_INIT;
	const char **argv = arena_array(&a, const char *, HEAD + n + 2);
	memcpy(argv, head, sizeof(head));
	argv[HEAD] = url;
	memcpy(argv + HEAD + 1, refspecs, n * sizeof(*argv));
	argv[HEAD + 1 + n] = NULL;
	for (size_t i = 0; i < n; i++)
		note_moved(r, refspecs[i]);
	loop_timer_set(r->size_timer, WATCH_SIZE_MS);
	remote_run(r, argv, r->timeout_ms, 4096, done);
}

void remote_fetch(struct repo_remote *r, const struct resolved *wants, size_t n, remote_done_fn *done,
		  void *ctx)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char **refspecs = arena_array(&a, const char *, n + 1);
	size_t missing = 0;
	for (size_t i = 0; i < n; i++)
		if (!repo_tree_has(r->mirror, wants[i].sha))
			refspecs[missing++] = refspec(&a, &wants[i]);
	refspecs[missing] = NULL;
	r->done = done;
	r->ctx = ctx;
	if (!r->now_timer) {
		r->now_timer = loop_timer_new(r->loop, on_now, r);
		r->size_timer = loop_timer_new(r->loop, on_size, r);
	}
	if (missing == 0) {
		loop_timer_set(r->now_timer, 0);
		return;
	}
	forget_moved(r);
	r->size_before = files_size(r->mirror);
	if (r->submodules_wanted)
		submodules_begin(r, wants, n);
	remote_run_fetch(r, r->url, refspecs, on_fetched);
}

void remote_clean_up(struct repo_remote *r, remote_done_fn *done, void *ctx)
{
	r->done = done;
	r->ctx = ctx;
	clean_up(r);
}
