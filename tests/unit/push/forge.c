/*
 * Pull requests: which host a url is of, what is sent there, and what its answers (tests/golden/forges, in
 * the form of the hosts' documentation) say. And the calls themselves, to a server of this test.
 */
#include "unit/cmocka_all.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "push/forge.h"

#define TOKEN "tok-0123456789-secret"
#define BRANCH "capstan/prod-0123456789ab"

static const struct forge_review review = {
	.title = "deploy web to prod", .body = "web", .branch = BRANCH, .target = "main"
};

/* --- which host --- */

struct place {
	const char *url, *given;
	int rc;
	enum forge_type type;
	const char *api, *path;
};

static const struct place places[] = {
	{ "https://github.com/acme/cfg.git", NULL, 0, FORGE_GITHUB, "https://api.github.com", "acme/cfg" },
	{ "git@github.com:acme/cfg.git", NULL, 0, FORGE_GITHUB, "https://api.github.com", "acme/cfg" },
	{ "ssh://git@ssh.github.com:443/acme/cfg.git", NULL, 0, FORGE_GITHUB, "https://api.github.com",
	  "acme/cfg" },
	{ "https://GitHub.Acme.example/acme/cfg", NULL, 0, FORGE_GITHUB, "https://github.acme.example/api/v3",
	  "acme/cfg" },
	{ "https://ci:" TOKEN "@gitlab.com/acme/infra/cfg.git", NULL, 0, FORGE_GITLAB,
	  "https://gitlab.com/api/v4", "acme/infra/cfg" },
	{ "https://example.com/gitlab/acme/cfg.git", "gitlab=https://example.com/gitlab", 0, FORGE_GITLAB,
	  "https://example.com/gitlab/api/v4", "acme/cfg" },
	{ "https://codeberg.org/acme/cfg.git", NULL, 0, FORGE_GITEA, "https://codeberg.org/api/v1",
	  "acme/cfg" },
	{ "http://127.0.0.1:3000/acme/cfg.git", "gitea", 0, FORGE_GITEA, "http://127.0.0.1:3000/api/v1",
	  "acme/cfg" },
	{ "https://example.com/git/acme/cfg.git", "gitea", 0, FORGE_GITEA, "https://example.com/git/api/v1",
	  "acme/cfg" },
	{ "ssh://git@example.com:2222/acme/cfg.git", "gitea=https://example.com:8443/git", 0, FORGE_GITEA,
	  "https://example.com:8443/git/api/v1", "acme/cfg" },
	{ "ssh://git@[::1]:22/acme/cfg", "gitea=http://[::1]:3000", 0, FORGE_GITEA,
	  "http://[::1]:3000/api/v1", "acme/cfg" },
	{ "git@bitbucket.org:acme/cfg.git", NULL, 0, FORGE_BITBUCKET, "https://api.bitbucket.org/2.0",
	  "acme/cfg" },
	{ "https://bitbucket.example.com/scm/ACME/cfg.git", NULL, 0, FORGE_BITBUCKET_SERVER,
	  "https://bitbucket.example.com/rest/api/1.0", "ACME/cfg" },
	{ "ssh://git@bitbucket.example.com:7999/~ann/cfg.git", NULL, 0, FORGE_BITBUCKET_SERVER,
	  "https://bitbucket.example.com/rest/api/1.0", "~ann/cfg" },
	{ "https://acme@dev.azure.com/acme/shop/_git/cfg", NULL, 0, FORGE_AZURE, "https://dev.azure.com",
	  "acme/shop/cfg" },
	{ "https://dev.azure.com/acme/_git/cfg", NULL, 0, FORGE_AZURE, "https://dev.azure.com",
	  "acme/cfg/cfg" },
	{ "git@ssh.dev.azure.com:v3/acme/shop/cfg", NULL, 0, FORGE_AZURE, "https://dev.azure.com",
	  "acme/shop/cfg" },
	{ "https://acme.visualstudio.com/shop/_git/cfg", NULL, 0, FORGE_AZURE,
	  "https://acme.visualstudio.com", "shop/cfg" },
	/* Nothing tells what it is. */
	{ "https://git.example.com/acme/cfg.git", NULL, 1, 0, NULL, NULL },
	{ "/srv/cfg.git", NULL, 1, 0, NULL, NULL },
	{ "file:///srv/github.com/acme/cfg.git", NULL, 1, 0, NULL, NULL },
	/* It cannot be. */
	{ "/srv/cfg.git", "gitea", -1, 0, NULL, NULL },
	{ "https://git.example.com/acme/cfg.git", "sourceforge", -1, 0, NULL, NULL },
	{ "https://git.example.com/acme/cfg.git", "gitea=ftp://git.example.com", -1, 0, NULL, NULL },
	{ "https://git.example.com/acme/cfg.git", "gitea=https://evil.example", -1, 0, NULL, NULL },
	{ "https://git.example.com/acme/cfg.git", "gitea=https://git.example.com@evil.example", -1, 0, NULL,
	  NULL },
	{ "https://github.com/acme/..", NULL, -1, 0, NULL, NULL },
	{ "https://github.com/acme/%2e%2E", NULL, -1, 0, NULL, NULL },
	{ "https://gitlab.com/acme//cfg", NULL, -1, 0, NULL, NULL },
	{ "https://github.com/acme/c%0afg", NULL, -1, 0, NULL, NULL },
	{ "https://github.com/acme", NULL, -1, 0, NULL, NULL },
	{ "https://github.com/", NULL, -1, 0, NULL, NULL },
	{ "https://dev.azure.com/acme/shop", NULL, -1, 0, NULL, NULL },
	{ "https://git hub.com/acme/cfg", "github", -1, 0, NULL, NULL },
};

static void urls_tell_their_host(void **state)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		const struct place *p = &places[i];
		struct forge_repo repo;
		struct error err = ERROR_INIT;
		int rc = forge_recognise(&a, p->url, p->given, &repo, &err);
		if (rc != p->rc)
			fail_msg("%s: %d %s", p->url, rc, err.text);
		assert_null(strstr(err.text, TOKEN));
		assert_true((rc == -1) == (err.text[0] != '\0'));
		if (rc != 0)
			continue;
		assert_int_equal(repo.type, p->type);
		assert_string_equal(repo.api, p->api);
		assert_string_equal(repo.path, p->path);
		assert_null(strstr(repo.web, "@"));
		assert_true(repo.plain == (strncmp(p->api, "http://", 7) == 0));
	}
}

/* --- requests --- */

struct wanted {
	const char *url; /* of the repository */
	const char *find, *open, *body;
};

static const struct wanted wanted[FORGE_TYPES] = {
	[FORGE_GITHUB] = { "https://github.com/acme/cfg",
			   "https://api.github.com/repos/acme/cfg/pulls?state=open&head=acme%3Acapstan%2Fprod-0123456789ab&base=main&per_page=10",
			   "https://api.github.com/repos/acme/cfg/pulls",
			   "{\"title\":\"deploy web to prod\",\"body\":\"web\",\"head\":\"" BRANCH
			   "\",\"base\":\"main\"}" },
	[FORGE_GITLAB] = { "https://gitlab.example.com/acme/infra/cfg",
			   "https://gitlab.example.com/api/v4/projects/acme%2Finfra%2Fcfg/merge_requests?state=opened&source_branch=capstan%2Fprod-0123456789ab&target_branch=main&per_page=10",
			   "https://gitlab.example.com/api/v4/projects/acme%2Finfra%2Fcfg/merge_requests",
			   "{\"title\":\"deploy web to prod\",\"description\":\"web\",\"source_branch\":\"" BRANCH
			   "\",\"target_branch\":\"main\",\"remove_source_branch\":true}" },
	[FORGE_GITEA] = { "https://gitea.example.com/acme/cfg",
			  "https://gitea.example.com/api/v1/repos/acme/cfg/pulls?state=open&base_branch=main&limit=50",
			  "https://gitea.example.com/api/v1/repos/acme/cfg/pulls",
			  "{\"title\":\"deploy web to prod\",\"body\":\"web\",\"head\":\"" BRANCH
			  "\",\"base\":\"main\"}" },
	[FORGE_BITBUCKET] = { "https://bitbucket.org/acme/cfg",
			      "https://api.bitbucket.org/2.0/repositories/acme/cfg/pullrequests?pagelen=10&q=state%3D%22OPEN%22%20AND%20source.branch.name%3D%22capstan%2Fprod-0123456789ab%22%20AND%20destination.branch.name%3D%22main%22",
			      "https://api.bitbucket.org/2.0/repositories/acme/cfg/pullrequests",
			      "{\"title\":\"deploy web to prod\",\"description\":\"web\",\"source\":{\"branch\":{\"name\":\"" BRANCH
			      "\"}},\"destination\":{\"branch\":{\"name\":\"main\"}},\"close_source_branch\":true}" },
	[FORGE_BITBUCKET_SERVER] = { "https://bitbucket.example.com/scm/ACME/cfg.git",
				     "https://bitbucket.example.com/rest/api/1.0/projects/ACME/repos/cfg/pull-requests?state=OPEN&direction=OUTGOING&limit=50&at=refs%2Fheads%2Fcapstan%2Fprod-0123456789ab",
				     "https://bitbucket.example.com/rest/api/1.0/projects/ACME/repos/cfg/pull-requests",
				     "{\"title\":\"deploy web to prod\",\"description\":\"web\",\"fromRef\":{\"id\":\"refs/heads/" BRANCH
				     "\",\"repository\":{\"slug\":\"cfg\",\"project\":{\"key\":\"ACME\"}}},\"toRef\":{\"id\":\"refs/heads/main\",\"repository\":{\"slug\":\"cfg\",\"project\":{\"key\":\"ACME\"}}}}" },
	[FORGE_AZURE] = { "https://dev.azure.com/acme/my%20shop/_git/cfg",
			  "https://dev.azure.com/acme/my%20shop/_apis/git/repositories/cfg/pullrequests?searchCriteria.status=active&searchCriteria.sourceRefName=refs%2Fheads%2Fcapstan%2Fprod-0123456789ab&searchCriteria.targetRefName=refs%2Fheads%2Fmain&$top=10&api-version=7.1",
			  "https://dev.azure.com/acme/my%20shop/_apis/git/repositories/cfg/pullrequests?api-version=7.1",
			  "{\"title\":\"deploy web to prod\",\"description\":\"web\",\"sourceRefName\":\"refs/heads/" BRANCH
			  "\",\"targetRefName\":\"refs/heads/main\"}" },
};

static const char *header(const struct forge_call *call, const char *name)
{
	for (size_t i = 0; i < call->n_headers; i++)
		if (strcmp(call->headers[i].name, name) == 0)
			return call->headers[i].value;
	return "";
}

static struct forge_repo repo_of(struct arena *a, enum forge_type type)
{
	struct forge_repo repo;
	assert_int_equal(forge_recognise(a, wanted[type].url, NULL, &repo, NULL), 0);
	assert_int_equal(repo.type, type);
	return repo;
}

static void requests_are_as_documented(void **state)
{
	struct remote_credentials token = { .password = STR(TOKEN "\n") };
	for (int type = 0; type < FORGE_TYPES; type++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct forge_repo repo = repo_of(&a, (enum forge_type)type);
		struct forge_call call;
		struct error err = ERROR_INIT;
		assert_int_equal(forge_find_request(&a, &repo, &review, &token, &call, &err), 0);
		assert_string_equal(call.method, "GET");
		assert_string_equal(call.url, wanted[type].find);
		assert_int_equal(call.body.n, 0);
		assert_int_equal(forge_open_request(&a, &repo, &review, &token, &call, &err), 0);
		assert_string_equal(call.method, "POST");
		assert_string_equal(call.url, wanted[type].open);
		assert_string_equal(arena_str(&a, call.body).p, wanted[type].body);
		assert_string_equal(header(&call, "Content-Type"), "application/json");
		assert_string_equal(header(&call, "User-Agent"), "capstan");
		assert_true(call.n_headers <= FORGE_HEADERS_MAX);
	}
}

static void logins_are_those_of_git(void **state)
{
	static const struct {
		enum forge_type type;
		const char *username, *password, *bearer, *header;
	} cases[] = {
		{ FORGE_GITHUB, "x-access-token", "t", NULL, "Bearer t" },
		{ FORGE_GITLAB, "ci", "t", NULL, "Bearer t" },
		{ FORGE_GITEA, "ann", "t", NULL, "Basic YW5uOnQ=" },
		{ FORGE_GITEA, NULL, "t", NULL, "token t" },
		{ FORGE_GITEA, "ann", "p", "t", "token t" },
		{ FORGE_BITBUCKET, "ann", "t", NULL, "Basic YW5uOnQ=" },
		{ FORGE_BITBUCKET, "x-token-auth", "t", NULL, "Bearer t" },
		{ FORGE_BITBUCKET_SERVER, NULL, NULL, "t", "Bearer t" },
		{ FORGE_AZURE, NULL, "t", NULL, "Basic OnQ=" },
		{ FORGE_AZURE, NULL, NULL, "t", "Bearer t" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct forge_repo repo = repo_of(&a, cases[i].type);
		struct remote_credentials c = { .username = str_of(cases[i].username),
						.password = str_of(cases[i].password),
						.bearer_token = str_of(cases[i].bearer) };
		struct forge_call call;
		assert_int_equal(forge_find_request(&a, &repo, &review, &c, &call, NULL), 0);
		assert_string_equal(header(&call, "Authorization"), cases[i].header);
	}
}

static void bad_tokens_are_not_sent(void **state)
{
	static const char *const bad[] = { "", " ", "a b", "a\r\nX-Evil: 1", "a\nb", "\x01", "t\xc3\xa4" };
	cleanup_arena struct arena a = ARENA_INIT;
	struct forge_repo repo = repo_of(&a, FORGE_GITHUB);
	struct forge_call call;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct remote_credentials c = { .password = str_of(bad[i]) };
		struct error err = ERROR_INIT;
		assert_int_equal(forge_find_request(&a, &repo, &review, &c, &call, &err), -1);
		assert_true(err.text[0] != '\0');
		assert_null(strstr(err.text, "Evil"));
	}
	assert_int_equal(forge_find_request(&a, &repo, &review, NULL, &call, NULL), -1);
	char *giant = arena_alloc(&a, 5001);
	memset(giant, 'x', 5000);
	struct remote_credentials c = { .password = str_of(giant) };
	assert_int_equal(forge_find_request(&a, &repo, &review, &c, &call, NULL), -1);
}

static void texts_are_cut_and_made_safe(void **state)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct forge_repo repo = repo_of(&a, FORGE_GITHUB);
	struct remote_credentials c = { .password = STR("t") };
	struct forge_call call;
	char *body = arena_alloc(&a, 20001), *title = arena_alloc(&a, 1001);
	memset(body, 'b', 20000);
	for (size_t i = 0; i + 1 < 1000; i += 2)
		memcpy(title + i, "\xc3\xa4", 2);
	title[1] = title[0] = '\n';
	struct forge_review large = { .title = title, .body = body, .branch = BRANCH, .target = "a\"b" };
	assert_int_equal(forge_open_request(&a, &repo, &large, &c, &call, NULL), 0);
	assert_true(call.body.n < FORGE_BODY_MAX + FORGE_TITLE_MAX + 200);
	assert_true(str_utf8(call.body));
	assert_null(memchr(call.body.p, '\n', call.body.n));
	assert_non_null(strstr(arena_str(&a, call.body).p, "\"base\":\"a\\\"b\""));
}

/* --- answers --- */

static struct str slurp(struct arena *a, const char *type, const char *what)
{
	char *path = arena_printf(a, "%s/forges/%s-%s.json", GOLDEN_DIR, type, what);
	FILE *file = fopen(path, "rb");
	if (!file)
		fail_msg("%s cannot be opened", path);
	char *text = arena_alloc(a, 65536);
	size_t n = fread(text, 1, 65535, file);
	fclose(file);
	return (struct str){ text, n };
}

static const char *const pages[FORGE_TYPES] = {
	[FORGE_GITHUB] = "https://github.com/acme/cfg/pull/1347",
	[FORGE_GITLAB] = "https://gitlab.example.com/acme/infra/cfg/-/merge_requests/7",
	[FORGE_GITEA] = "https://git.example.com/acme/cfg/pulls/4",
	[FORGE_BITBUCKET] = "https://bitbucket.org/acme/cfg/pull-requests/5",
	[FORGE_BITBUCKET_SERVER] = "https://bitbucket.example.com/projects/ACME/repos/cfg/pull-requests/101",
	[FORGE_AZURE] = "https://dev.azure.com/acme/my%20shop/_git/cfg/pullrequest/22",
};

static void answers_are_understood(void **state)
{
	for (int type = 0; type < FORGE_TYPES; type++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct forge_repo repo = repo_of(&a, (enum forge_type)type);
		const char *name = forge_type_name((enum forge_type)type);
		struct forge_answer list = { 200, slurp(&a, name, "list") };
		struct forge_answer opened = { 201, slurp(&a, name, "opened") };
		struct forge_review other = review;
		struct forge_opened out;
		struct error err = ERROR_INIT;
		assert_int_equal(forge_find_answer(&a, &repo, &review, &list, &out, &err), FORGE_FOUND);
		assert_string_equal(out.url, pages[type]);
		assert_true(out.reused);
		other.branch = "capstan/prod-ffffffffffff";
		assert_int_equal(forge_find_answer(&a, &repo, &other, &list, &out, &err), FORGE_NONE);
		other = review;
		other.target = "release";
		assert_int_equal(forge_find_answer(&a, &repo, &other, &list, &out, &err), FORGE_NONE);
		assert_int_equal(forge_open_answer(&a, &repo, &opened, &out, &err), FORGE_FOUND);
		assert_string_equal(out.url, pages[type]);
		assert_false(out.reused);
		assert_string_equal(err.text, "");
	}
}

static void refusals_are_told_in_the_hosts_words(void **state)
{
	static const struct {
		enum forge_type type;
		const char *what;
		int status;
		enum forge_verdict verdict;
		const char *words;
	} cases[] = {
		{ FORGE_GITHUB, "exists", 422, FORGE_NONE, "A pull request already exists" },
		{ FORGE_GITLAB, "exists", 409, FORGE_NONE, "Another open merge request" },
		{ FORGE_GITEA, "exists", 409, FORGE_NONE, "pull request already exists" },
		{ FORGE_BITBUCKET_SERVER, "exists", 409, FORGE_NONE, "Only one pull request" },
		{ FORGE_BITBUCKET, "exists", 409, FORGE_NONE, "There is already an open" },
		{ FORGE_AZURE, "exists", 409, FORGE_NONE, "TF401179" },
		{ FORGE_GITHUB, "bad-token", 401, FORGE_FAILED, "Bad credentials" },
		{ FORGE_GITLAB, "bad-token", 401, FORGE_FAILED, "401 Unauthorized" },
		{ FORGE_GITLAB, "invalid", 400, FORGE_FAILED, "target_branch is missing" },
		{ FORGE_GITEA, "bad-token", 401, FORGE_FAILED, "user does not exist" },
		{ FORGE_BITBUCKET, "bad-token", 401, FORGE_FAILED, "Access token expired" },
		{ FORGE_BITBUCKET_SERVER, "bad-token", 401, FORGE_FAILED, "Authentication failed" },
		{ FORGE_AZURE, "bad-token", 403, FORGE_FAILED, "TF400813" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct forge_repo repo = repo_of(&a, cases[i].type);
		struct forge_answer answer = { cases[i].status,
					       slurp(&a, forge_type_name(cases[i].type), cases[i].what) };
		struct forge_opened out;
		struct error err = ERROR_INIT;
		assert_int_equal(forge_open_answer(&a, &repo, &answer, &out, &err), cases[i].verdict);
		if (!strstr(err.text, cases[i].words))
			fail_msg("%s-%s: %s", forge_type_name(cases[i].type), cases[i].what, err.text);
	}
}

static void answers_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[",
		"null",
		"\"x\"",
		"<html>",
		"[[]]",
		"[{}]",
		"[null]",
		"{\"values\":7}",
		"{\"value\":[{\"pullRequestId\":-1}]}",
		"{\"html_url\":\"javascript:alert(1)\",\"web_url\":\"file:///etc/passwd\"}",
		"{\"html_url\":\"https://x\\u001b[2J\",\"web_url\":\"https://x y\"}",
		"{\"html_url\":{},\"web_url\":[],\"links\":{\"html\":[],\"self\":{}}}",
	};
	for (int type = 0; type < FORGE_TYPES; type++) {
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			cleanup_arena struct arena a = ARENA_INIT;
			struct forge_repo repo = repo_of(&a, (enum forge_type)type);
			struct forge_answer answer = { 201, str_of(bad[i]) };
			struct forge_opened out;
			struct error err = ERROR_INIT;
			assert_int_equal(forge_open_answer(&a, &repo, &answer, &out, &err), FORGE_FAILED);
			assert_true(err.text[0] != '\0');
			answer.status = 200;
			assert_int_not_equal(forge_find_answer(&a, &repo, &review, &answer, &out, &err),
					     FORGE_FOUND);
			answer.status = 301;
			assert_int_equal(forge_find_answer(&a, &repo, &review, &answer, &out, &err),
					 FORGE_FAILED);
			assert_non_null(strstr(err.text, "new url"));
		}
	}
	/* What a terminal would act on is not passed on. */
	cleanup_arena struct arena a = ARENA_INIT;
	struct forge_repo repo = repo_of(&a, FORGE_GITHUB);
	struct forge_answer answer = { 500, STR("{\"message\":\"\\u001b[31mred\\nline\"}") };
	struct forge_opened out;
	struct error err = ERROR_INIT;
	assert_int_equal(forge_open_answer(&a, &repo, &answer, &out, &err), FORGE_FAILED);
	assert_null(strchr(err.text, '\x1b'));
	assert_null(strchr(err.text, '\n'));
}

/* --- calls --- */

/* Answers one connection after the other with the texts given, and keeps what it was asked. */
struct server {
	int fd, port;
	const char *const *answers; /* ends with NULL */
	char asked[8][4096];
	size_t n;
	pthread_t thread;
};

/* All of a request, its body too: an answer to half of one is lost when the connection is closed. */
static void read_request(int fd, char *to, size_t max)
{
	size_t all = 0, whole = SIZE_MAX;
	while (all < max && all < whole) {
		ssize_t got = read(fd, to + all, max - all);
		if (got <= 0)
			return;
		all += (size_t)got;
		to[all] = '\0';
		const char *end = strstr(to, "\r\n\r\n"), *length = strstr(to, "Content-Length: ");
		if (end)
			whole = (size_t)(end + 4 - to) + (length ? strtoul(length + 16, NULL, 10) : 0);
	}
}

static void *serve(void *arg)
{
	struct server *s = arg;
	for (size_t i = 0; s->answers[i]; i++) {
		int fd = accept(s->fd, NULL, NULL);
		if (fd < 0)
			break;
		char *to = s->asked[s->n++];
		read_request(fd, to, sizeof(s->asked[0]) - 1);
		if (*s->answers[i] && write(fd, s->answers[i], strlen(s->answers[i])) < 0)
			perror("write");
		if (*s->answers[i])
			close(fd);
	}
	return NULL;
}

static void start(struct server *s, const char *const *answers)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	*s = (struct server){ .fd = socket(AF_INET, SOCK_STREAM, 0), .answers = answers };
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->fd, 8), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	close(s->fd);
	pthread_join(s->thread, NULL);
}

static int ask(struct arena *a, struct server *s, int64_t ms, struct forge_opened *out, struct error *err)
{
	struct forge_repo repo;
	struct remote_credentials c = { .username = STR("ann"), .password = STR(TOKEN) };
	const char *url = arena_printf(a, "http://127.0.0.1:%d/acme/cfg.git", s->port);
	assert_int_equal(forge_recognise(a, url, "gitea", &repo, err), 0);
	return forge_review_wait(a, &repo, &review, &c, clock_mono_ms() + ms, out, err);
}

#define ANSWER(status, body) \
	"HTTP/1.1 " status "\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n" body
#define PULL(n)                                                                       \
	"{\"html_url\":\"http://h/acme/cfg/pulls/" n "\",\"head\":{\"ref\":\"" BRANCH \
	"\",\"repo_id\":1},\"base\":{\"ref\":\"main\",\"repo_id\":1}}"

static void one_is_opened_where_there_is_none(void **state)
{
	static const char *const answers[] = { ANSWER("200 OK", "[]"), ANSWER("201 Created", PULL("9")),
					       NULL };
	cleanup_arena struct arena a = ARENA_INIT;
	struct server s;
	struct forge_opened out;
	struct error err = ERROR_INIT;
	start(&s, answers);
	assert_int_equal(ask(&a, &s, 60000, &out, &err), 0);
	stop(&s);
	assert_string_equal(out.url, "http://h/acme/cfg/pulls/9");
	assert_false(out.reused);
	assert_int_equal(s.n, 2);
	assert_int_equal(strncmp(s.asked[0], "GET /api/v1/repos/acme/cfg/pulls?", 33), 0);
	assert_int_equal(strncmp(s.asked[1], "POST /api/v1/repos/acme/cfg/pulls ", 34), 0);
	assert_non_null(strstr(s.asked[1], "Authorization: Basic "));
}

static void who_was_first_is_found(void **state)
{
	static const char *const answers[] = { ANSWER("200 OK", "[]"),
					       ANSWER("409 Conflict", "{\"message\":\"exists\"}"),
					       ANSWER("200 OK", "[" PULL("8") "]"), NULL };
	cleanup_arena struct arena a = ARENA_INIT;
	struct server s;
	struct forge_opened out;
	struct error err = ERROR_INIT;
	start(&s, answers);
	assert_int_equal(ask(&a, &s, 60000, &out, &err), 0);
	stop(&s);
	assert_string_equal(out.url, "http://h/acme/cfg/pulls/8");
	assert_true(out.reused);
}

static void a_refusal_that_is_no_race_is_told(void **state)
{
	static const char *const answers[] = { ANSWER("200 OK", "[]"),
					       ANSWER("422 Unprocessable",
						      "{\"message\":\"no commits between them\"}"),
					       ANSWER("200 OK", "[]"), NULL };
	cleanup_arena struct arena a = ARENA_INIT;
	struct server s;
	struct forge_opened out;
	struct error err = ERROR_INIT;
	start(&s, answers);
	assert_int_equal(ask(&a, &s, 60000, &out, &err), -1);
	stop(&s);
	assert_non_null(strstr(err.text, "no commits between them"));
}

static void our_own_token_is_never_told(void **state)
{
	static const char *const answers[] = {
		ANSWER("403 Forbidden", "{\"message\":\"token " TOKEN " is bad\"}"), NULL
	};
	cleanup_arena struct arena a = ARENA_INIT;
	struct server s;
	struct forge_opened out;
	struct error err = ERROR_INIT;
	start(&s, answers);
	assert_int_equal(ask(&a, &s, 60000, &out, &err), -1);
	stop(&s);
	assert_non_null(strstr(err.text, "403"));
	assert_null(strstr(err.text, TOKEN));
}

static void credentials_do_not_follow_a_redirect(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		NULL
	};
	cleanup_arena struct arena a = ARENA_INIT;
	struct server s;
	struct forge_opened out;
	struct error err = ERROR_INIT;
	start(&s, answers);
	assert_int_equal(ask(&a, &s, 60000, &out, &err), -1);
	stop(&s);
	assert_non_null(strstr(err.text, "302"));
	assert_int_equal(s.n, 1);
}

static void silence_and_floods_end(void **state)
{
	static const char *const silent[] = { "", NULL };
	cleanup_arena struct arena a = ARENA_INIT;
	struct server s;
	struct forge_opened out;
	struct error err = ERROR_INIT;
	start(&s, silent);
	int64_t begun = clock_mono_ms();
	assert_int_equal(ask(&a, &s, 500, &out, &err), -1);
	assert_true(clock_mono_ms() - begun < 5000);
	stop(&s);
	assert_true(err.text[0] != '\0');
	size_t n = FORGE_ANSWER_MAX + 100000;
	char *flood = arena_alloc(&a, n + 1);
	memset(flood, ' ', n);
	memcpy(flood, ANSWER("200 OK", "["), sizeof(ANSWER("200 OK", "[")) - 1);
	const char *const floods[] = { flood, NULL };
	signal(SIGPIPE, SIG_IGN);
	start(&s, floods);
	assert_int_equal(ask(&a, &s, 60000, &out, &err), -1);
	stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_tell_their_host),
		cmocka_unit_test(requests_are_as_documented),
		cmocka_unit_test(logins_are_those_of_git),
		cmocka_unit_test(bad_tokens_are_not_sent),
		cmocka_unit_test(texts_are_cut_and_made_safe),
		cmocka_unit_test(answers_are_understood),
		cmocka_unit_test(refusals_are_told_in_the_hosts_words),
		cmocka_unit_test(answers_that_are_none_are_refused),
		cmocka_unit_test(one_is_opened_where_there_is_none),
		cmocka_unit_test(who_was_first_is_found),
		cmocka_unit_test(a_refusal_that_is_no_race_is_told),
		cmocka_unit_test(our_own_token_is_never_told),
		cmocka_unit_test(credentials_do_not_follow_a_redirect),
		cmocka_unit_test(silence_and_floods_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
