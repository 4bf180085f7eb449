/* base_logins.c - see base_logins.h. */
#include "operator/base_logins.h"

#include <string.h>
#include <sys/stat.h>

#include "io/file.h"
#include "repo/remote_allow.h"

struct login {
	const char *prefix, *dir;
};

struct base_logins {
	struct arena a; /* of the texts */
	struct login *at;
	size_t n;
	struct arena found; /* of what was read last */
	struct remote_credentials credentials;
};

/* The "=" before an absolute path: a url may have others. */
static const char *split_at(const char *text)
{
	const char *found = NULL;
	for (const char *p = strstr(text, "=/"); p; p = strstr(p + 1, "=/"))
		found = p;
	return found;
}

static int read_login(struct base_logins *l, const char *text, struct login *out, struct error *err)
{
	struct stat st;
	const char *at = split_at(text);
	if (!at || at == text)
		return error_set(err,
				 "%.200s: write URL=DIR, with the whole path of a directory that holds files "
				 "named as the keys of a Repo's Secret",
				 text);
	out->prefix = arena_strndup(&l->a, text, (size_t)(at - text));
	out->dir = arena_strdup(&l->a, at + 1);
	if (remote_allow_check(out->prefix, err) < 0)
		return -1;
	if (stat(out->dir, &st) < 0 || !S_ISDIR(st.st_mode))
		return error_set(err, "%.200s: there is no such directory", out->dir);
	return 0;
}

int base_logins_new(const char *const *texts, size_t n, struct base_logins **out, struct error *err)
{
	struct base_logins *l = mem_alloc(sizeof(*l));
	*out = l;
	l->at = arena_array(&l->a, struct login, n + 1);
	for (; l->n < n; l->n++)
		if (read_login(l, texts[l->n], &l->at[l->n], err) < 0) {
			base_logins_free(l);
			*out = NULL;
			return -1;
		}
	return 0;
}

void base_logins_free(struct base_logins *l)
{
	if (!l)
		return;
	arena_release(&l->a);
	arena_release(&l->found);
	free(l);
}

static const struct login *longest(const struct base_logins *l, const char *url)
{
	const struct login *best = NULL;
	for (size_t i = 0; i < l->n; i++)
		if (remote_allow_matches(l->at[i].prefix, url) &&
		    (!best || strlen(l->at[i].prefix) > strlen(best->prefix)))
			best = &l->at[i];
	return best;
}

/* A file's bytes, without the line break that editors and `echo` leave at its end; absent: empty. */
static int read_key(struct base_logins *l, const char *dir, const char *key, struct str *out,
		    struct error *err)
{
	cleanup_buf struct buf path = BUF_INIT, text = BUF_INIT;
	*out = STR("");
	buf_printf(&path, "%s/%s", dir, key);
	int rc = file_read(path.p, BASE_LOGINS_FILE_MAX, &text, err);
	if (rc == 0) {
		struct str s = buf_str(&text);
		bool pem =
			strcmp(key, "identity") == 0 || strchr(key, '.') || strcmp(key, "known_hosts") == 0;
		if (!pem && str_ends(s, STR("\n")))
			s.n--;
		*out = arena_str(&l->found, s);
	}
	return rc < 0 ? -1 : 0;
}

const struct remote_credentials *base_logins_find(struct base_logins *l, const char *url, int *rc,
						  struct error *err)
{
	const struct login *login = longest(l, url);
	struct remote_credentials *c = &l->credentials;
	const struct {
		const char *key;
		struct str *to;
	} keys[] = {
		{ "username", &c->username },	     { "password", &c->password },
		{ "bearerToken", &c->bearer_token }, { "identity", &c->identity },
		{ "known_hosts", &c->known_hosts },  { "ca.crt", &c->ca_crt },
		{ "tls.crt", &c->tls_crt },	     { "tls.key", &c->tls_key },
	};
	*rc = 0;
	if (!login)
		return NULL;
	arena_release(&l->found);
	for (size_t i = 0; *rc == 0 && i < sizeof(keys) / sizeof(keys[0]); i++)
		*rc = read_key(l, login->dir, keys[i].key, keys[i].to, err);
	return *rc == 0 ? c : NULL;
}
