/*
 * secrets.c - see secrets.h.
 *
 * A token is known by how it begins, how long it is and what letters it has; a body with little entropy is an
 * example. What a password looks like, secrets_password.c knows.
 */
#include "check/secrets_parts.h"

#define PEM_BODY_MIN 40u  /* letters of base64 behind the header: less is an example */
#define RUN_MAX 4096u	  /* letters of one token that are looked at */
#define ENTROPY_MIN 3.0	  /* bits a letter of a token's body */
#define BINARY_LOOK 8000u /* bytes looked at, as git does */

struct token {
	const char *begins;
	enum letters letters;
	unsigned least, most; /* letters behind the beginning; most 0: no end */
	enum check_rule rule;
	const char *what;
};

/* Sorted by their first letters: secrets_scan() notes where those of each begin. */
static const struct token tokens[] = {
	{ "AGE-SECRET-KEY-1", UPPER, 50, 70, RULE_PRIVATE_KEY, "an age private key" },
	{ "AIza", WORD, 35, 35, RULE_CLOUD_KEY, "a Google API key" },
	{ "AKIA", UPPER, 16, 16, RULE_CLOUD_KEY, "an AWS access key" },
	{ "ASIA", UPPER, 16, 16, RULE_CLOUD_KEY, "a temporary AWS access key" },
	{ "ATATT3xFfGF0", WORD, 100, 0, RULE_TOKEN, "an Atlassian API token" },
	{ "AccountKey=", BASE64, 80, 90, RULE_CLOUD_KEY, "an Azure storage key" },
	{ "GOCSPX-", WORD, 28, 28, RULE_CLOUD_KEY, "a Google client secret" },
	{ "NRAK-", UPPER, 27, 27, RULE_TOKEN, "a New Relic key" },
	{ "SG.", DOTTED, 60, 70, RULE_TOKEN, "a SendGrid key" },
	{ "SharedAccessKey=", BASE64, 40, 50, RULE_CLOUD_KEY, "an Azure shared access key" },
	{ "dapi", HEX, 32, 32, RULE_TOKEN, "a Databricks token" },
	{ "dckr_pat_", WORD, 27, 0, RULE_TOKEN, "a Docker Hub token" },
	{ "dop_v1_", HEX, 64, 64, RULE_CLOUD_KEY, "a DigitalOcean token" },
	{ "dp.pt.", ALNUM, 40, 44, RULE_TOKEN, "a Doppler token" },
	{ "ghp_", ALNUM, 36, 255, RULE_TOKEN, "a GitHub access token" },
	{ "gho_", ALNUM, 36, 255, RULE_TOKEN, "a GitHub access token" },
	{ "ghu_", ALNUM, 36, 255, RULE_TOKEN, "a GitHub access token" },
	{ "ghs_", ALNUM, 36, 255, RULE_TOKEN, "a GitHub access token" },
	{ "ghr_", ALNUM, 36, 255, RULE_TOKEN, "a GitHub refresh token" },
	{ "github_pat_", WORD, 70, 255, RULE_TOKEN, "a GitHub access token" },
	{ "glpat-", DOTTED, 20, 300, RULE_TOKEN, "a GitLab access token" },
	{ "gldt-", DOTTED, 20, 300, RULE_TOKEN, "a GitLab deploy token" },
	{ "glrt-", DOTTED, 20, 300, RULE_TOKEN, "a GitLab runner token" },
	{ "glsoat-", DOTTED, 20, 300, RULE_TOKEN, "a GitLab SCIM token" },
	{ "glagent-", DOTTED, 20, 300, RULE_TOKEN, "a GitLab agent token" },
	{ "glsa_", WORD, 40, 50, RULE_TOKEN, "a Grafana service account token" },
	{ "hf_", ALNUM, 34, 40, RULE_TOKEN, "a Hugging Face token" },
	{ "hvs.", WORD, 24, 0, RULE_TOKEN, "a Vault token" },
	{ "hvb.", WORD, 24, 0, RULE_TOKEN, "a Vault token" },
	{ "lin_api_", ALNUM, 40, 40, RULE_TOKEN, "a Linear key" },
	{ "npm_", ALNUM, 36, 36, RULE_TOKEN, "an npm token" },
	{ "pscale_tkn_", DOTTED, 32, 64, RULE_TOKEN, "a PlanetScale token" },
	{ "pul-", HEX, 40, 40, RULE_TOKEN, "a Pulumi token" },
	{ "pypi-AgE", WORD, 50, 0, RULE_TOKEN, "a PyPI token" },
	{ "rk_live_", ALNUM, 24, 255, RULE_TOKEN, "a Stripe key" },
	{ "shpat_", HEX, 32, 32, RULE_TOKEN, "a Shopify token" },
	{ "sk-ant-", WORD, 60, 0, RULE_TOKEN, "an Anthropic key" },
	{ "sk-proj-", WORD, 40, 0, RULE_TOKEN, "an OpenAI key" },
	{ "sk_live_", ALNUM, 24, 255, RULE_TOKEN, "a Stripe key" },
	{ "tskey-", WORD, 20, 80, RULE_TOKEN, "a Tailscale key" },
	{ "whsec_", BASE64, 32, 64, RULE_TOKEN, "a Stripe webhook secret" },
	{ "xapp-", WORD, 40, 0, RULE_TOKEN, "a Slack token" },
	{ "xoxa-", WORD, 20, 0, RULE_TOKEN, "a Slack token" },
	{ "xoxb-", WORD, 20, 0, RULE_TOKEN, "a Slack token" },
	{ "xoxe.", DOTTED, 60, 0, RULE_TOKEN, "a Slack token" },
	{ "xoxp-", WORD, 20, 0, RULE_TOKEN, "a Slack token" },
	{ "xoxr-", WORD, 20, 0, RULE_TOKEN, "a Slack token" },
	{ "xoxs-", WORD, 20, 0, RULE_TOKEN, "a Slack token" },
	{ "ya29.", WORD, 60, 0, RULE_CLOUD_KEY, "a Google access token" },
};

/* --- the pass --- */

struct scan {
	uint8_t first[256], behind[256]; /* of tokens that begin with a letter */
	struct str text;
	size_t at;
	size_t counted, line_start; /* lines are counted up to here */
	uint32_t line;
	secret_fn *fn;
	void *ctx;
};

/* Hands over text[from, to), and goes on behind it. */
static void report(struct scan *s, struct secret found, size_t from, size_t to)
{
	for (; s->counted < from; s->counted++) {
		if (s->text.p[s->counted] != '\n')
			continue;
		s->line++;
		s->line_start = s->counted + 1;
	}
	found.value = (struct str){ s->text.p + from, to - from };
	found.line = s->line;
	found.column = (uint32_t)(from - s->line_start + 1);
	s->fn(s->ctx, &found);
	s->at = to > s->at ? to : s->at + 1;
}

static bool begins(const struct scan *s, size_t at, const char *text)
{
	size_t n = strlen(text);
	return at + n <= s->text.n && memcmp(s->text.p + at, text, n) == 0;
}

static size_t run_of(const struct scan *s, size_t at, enum letters letters)
{
	size_t n = 0;
	while (at + n < s->text.n && n < RUN_MAX && is_of(letters, s->text.p[at + n]))
		n++;
	return n;
}

/* --- tokens --- */

static const struct token *token_at(const struct scan *s, size_t at, size_t *length)
{
	unsigned char c = (unsigned char)s->text.p[at];
	for (size_t i = s->first[c]; i < s->behind[c]; i++) {
		const struct token *t = &tokens[i];
		if (!begins(s, at, t->begins))
			continue;
		size_t head = strlen(t->begins), n = run_of(s, at + head, t->letters);
		struct str body = { s->text.p + at + head, n };
		if (n < t->least || (t->most && n > t->most) || entropy(body) < ENTROPY_MIN ||
		    has_word(body, "example") || has_word(body, "xxxx"))
			continue;
		*length = head + n;
		return t;
	}
	return NULL;
}

/* Three parts of base64url, the first two of which are JSON maps: eyJ is `{"`. */
static size_t jwt_at(const struct scan *s, size_t at)
{
	if (!begins(s, at, "eyJ"))
		return 0;
	size_t head = run_of(s, at, WORD);
	if (head < 15 || !begins(s, at + head, ".eyJ"))
		return 0;
	size_t body = run_of(s, at + head + 1, WORD);
	size_t end = at + head + 1 + body;
	if (end >= s->text.n || s->text.p[end] != '.')
		return 0;
	size_t sign = run_of(s, end + 1, WORD);
	return sign >= 20 ? end + 1 + sign - at : 0;
}

static bool scan_token(struct scan *s)
{
	size_t n = 0, at = s->at;
	const struct token *t = token_at(s, at, &n);
	if (t) {
		report(s, (struct secret){ t->rule, CHECK_ERROR, t->what }, at, at + n);
		return true;
	}
	n = s->text.p[at] == 'e' ? jwt_at(s, at) : 0;
	if (n)
		report(s, (struct secret){ RULE_TOKEN, CHECK_WARNING, "a JSON web token" }, at, at + n);
	return n > 0;
}

/* --- private keys --- */

/* Letters of base64 from `at` on, with line ends and indentation (also those escaped in a string) between. */
static size_t pem_body(const struct scan *s, size_t at)
{
	size_t n = 0;
	for (size_t i = at; i < s->text.n && i < at + 400; i++) {
		char c = s->text.p[i];
		bool escape = c == '\\' && i + 1 < s->text.n &&
			      (s->text.p[i + 1] == 'n' || s->text.p[i + 1] == 'r');
		if (escape)
			i++;
		else if (is_of(BASE64, c))
			n++;
		else if (c != '\n' && c != '\r' && c != ' ' && c != '\t' && c != '"' && c != '\'')
			break;
	}
	return n;
}

static bool scan_pem(struct scan *s)
{
	size_t at = s->at, end = at + 11;
	if (!begins(s, at, "-----BEGIN "))
		return false;
	while (end < s->text.n && (is_of(UPPER, s->text.p[end]) || s->text.p[end] == ' '))
		end++;
	struct str label = { s->text.p + at + 11, end - at - 11 };
	bool key = str_ends(label, STR("PRIVATE KEY")) || str_is(label, "PGP PRIVATE KEY BLOCK");
	if (!key || !begins(s, end, "-----") || has_word(label, "encrypted"))
		return false;
	size_t body = end + 5;
	struct str start = { s->text.p + body, s->text.n - body < 120 ? s->text.n - body : 120 };
	if (has_word(start, "proc-type: 4,encrypted") ||
	    (!str_is(label, "PGP PRIVATE KEY BLOCK") && pem_body(s, body) < PEM_BODY_MIN))
		return false;
	/* The value is the key's first line and a little more: that is enough to tell it from others. */
	size_t to = body + 200 < s->text.n ? body + 200 : s->text.n;
	report(s, (struct secret){ RULE_PRIVATE_KEY, CHECK_ERROR, "a private key" }, at, to);
	return true;
}

/* "-----BEGIN " in base64, as kubeconfigs and Secrets have it, and PRIVATE KEY within the next line. */
static bool scan_encoded_pem(struct scan *s)
{
	static const char *const private_key[] = { "UFJJVkFURSBLRV", "BSSVZBVEUgS0", "QUklWQVRFIEtFW" };
	size_t at = s->at;
	if (!begins(s, at, "LS0tLS1CRUdJTi"))
		return false;
	size_t n = run_of(s, at, BASE64);
	struct str head = { s->text.p + at, n < 64 ? n : 64 };
	for (size_t i = 0; i < 3 && n > 100; i++) {
		if (!memmem(head.p, head.n, private_key[i], strlen(private_key[i])) ||
		    memmem(head.p, head.n, "RU5DUllQVEVE",
			   12)) /* ENCRYPTED, as it falls in the usual header */
			continue;
		report(s, (struct secret){ RULE_PRIVATE_KEY, CHECK_ERROR, "a private key in base64" }, at,
		       at + n);
		return true;
	}
	return false;
}

/* --- passwords --- */

static bool is_name_letter(char c)
{
	return is_of(ALNUM, c) || c == '_' || c == '-' || c == '.' || c == '/';
}

/* The name in front of the separator at `at`. */
static struct str name_before(const struct scan *s, size_t at)
{
	size_t end = at;
	while (end > 0 &&
	       (s->text.p[end - 1] == ' ' || s->text.p[end - 1] == '"' || s->text.p[end - 1] == '\''))
		end--;
	size_t start = end;
	while (start > 0 && end - start < 100 && is_name_letter(s->text.p[start - 1]))
		start--;
	return (struct str){ s->text.p + start, end - start };
}

static bool ends_value(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t' || c == ',' || c == ';' || c == '"' ||
	       c == '\'' || c == '}' || c == ']' || c == '&' || c == '`';
}

/* The value behind the separator: in quotes, or up to what ends a word. */
static bool value_behind(const struct scan *s, size_t at, size_t *from, size_t *to)
{
	size_t i = at + 1, end = s->text.n;
	while (i < end && (s->text.p[i] == ' ' || s->text.p[i] == '\t' || s->text.p[i] == '='))
		i++;
	char quote = i < end && (s->text.p[i] == '"' || s->text.p[i] == '\'') ? s->text.p[i++] : '\0';
	*from = i;
	while (i < end && i - *from <= PASSWORD_LENGTH_MAX &&
	       (quote ? s->text.p[i] != quote && s->text.p[i] != '\n' : !ends_value(s->text.p[i])))
		i++;
	*to = i;
	return i > *from && (quote || !is_identifier((struct str){ s->text.p + *from, i - *from }));
}

static bool scan_password(struct scan *s)
{
	size_t from, to, n;
	struct str name = name_before(s, s->at);
	if (name.n == 0 || !secret_is_named(name) || !value_behind(s, s->at, &from, &to))
		return false;
	struct str value = { s->text.p + from, to - from };
	if (!secret_is_password(value) || token_at(s, from, &n) || jwt_at(s, from))
		return false;
	report(s, (struct secret){ RULE_PASSWORD, CHECK_WARNING, "a password", name }, from, to);
	return true;
}

/* scheme://user:password@host */
static bool scan_url(struct scan *s)
{
	size_t at = s->at + 3, colon = 0, i = at;
	if (!begins(s, s->at, "://"))
		return false;
	for (; i < s->text.n && i - at < 200 && s->text.p[i] != '@'; i++) {
		char c = s->text.p[i];
		if (c == ':' && !colon)
			colon = i;
		if (c == '/' || c == '?' || c == '#' || ends_value(c))
			return false;
	}
	if (i >= s->text.n || s->text.p[i] != '@' || !colon)
		return false;
	struct str user = { s->text.p + at, colon - at }, value = { s->text.p + colon + 1, i - colon - 1 };
	static const char *const words[] = { "password", "passwd", "pass", "secret", "pwd", NULL };
	if (value.n < 6 || str_eq(user, value) || is_placeholder(value) || is_word(value, words) ||
	    memchr(value.p, '$', value.n) || memchr(value.p, '<', value.n) || memchr(value.p, '{', value.n))
		return false;
	report(s, (struct secret){ RULE_PASSWORD, CHECK_WARNING, "a password in an address", user },
	       colon + 1, i);
	return true;
}

void secrets_scan(struct str text, secret_fn *fn, void *ctx)
{
	struct scan s = { .text = text, .line = 1, .fn = fn, .ctx = ctx };
	for (size_t i = sizeof(tokens) / sizeof(tokens[0]); i-- > 0;) {
		unsigned char c = (unsigned char)tokens[i].begins[0];
		s.first[c] = (uint8_t)i;
		s.behind[c] = s.behind[c] ? s.behind[c] : (uint8_t)(i + 1);
	}
	while (s.at < text.n) {
		char c = text.p[s.at];
		bool found = false;
		if (is_of(ALNUM, c)) {
			bool starts = s.at == 0 || !is_of(WORD, text.p[s.at - 1]);
			found = starts && (scan_token(&s) || (c == 'L' && scan_encoded_pem(&s)));
		} else if (c == '-') {
			found = scan_pem(&s);
		} else if (c == ':' || c == '=') {
			found = (c == ':' && scan_url(&s)) || scan_password(&s);
		}
		s.at += !found;
	}
}

struct str secret_identity(const struct secret *s)
{
	return s->rule == RULE_PASSWORD ? (s->name.n ? s->name : STR("-")) : s->value;
}

bool secrets_is_binary(struct str text)
{
	return memchr(text.p ? text.p : "", '\0', text.n < BINARY_LOOK ? text.n : BINARY_LOOK) != NULL;
}
