/*
 * Any text as a url and as a host's answer: the first line is the url, the second what was said of its type
 * (or nothing), the rest the answer. What is understood names an http address of one line, and a token goes
 * to the url's own host.
 */
#include <stdlib.h>
#include <string.h>

#include "push/forge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_line(const char *text)
{
	for (; *text; text++)
		check((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_answer(enum forge_verdict verdict, const struct forge_opened *out, const struct error *err)
{
	if (verdict == FORGE_FOUND) {
		check(strncmp(out->url, "http", 4) == 0 && strlen(out->url) <= FORGE_URL_MAX);
		check_line(out->url);
	}
	check(verdict != FORGE_FAILED || err->text[0]);
}

static void try_answers(struct arena *a, const struct forge_repo *repo, struct str body)
{
	static const int statuses[] = { 200, 201, 404, 409, 500 };
	static const struct forge_review review = {
		.title = "t", .body = "b", .branch = "capstan/prod-0123456789ab", .target = "main"
	};
	static const struct remote_credentials login = { .username = { "u", 1 }, .password = { "p", 1 } };
	struct forge_call call;
	check(forge_find_request(a, repo, &review, &login, &call, NULL) == 0);
	check(strncmp(call.url, repo->api, strlen(repo->api)) == 0);
	check_line(call.url);
	check(forge_open_request(a, repo, &review, &login, &call, NULL) == 0);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct forge_answer answer = { statuses[i], body };
		struct forge_opened out;
		struct error err = ERROR_INIT;
		check_answer(forge_find_answer(a, repo, &review, &answer, &out, &err), &out, &err);
		check_answer(forge_open_answer(a, repo, &answer, &out, &err), &out, &err);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct str given, body, text = { (const char *)data, size };
	struct str url = arena_str(&a, str_cut(text, '\n', &text));
	given = arena_str(&a, str_cut(text, '\n', &body));
	struct forge_repo repo;
	struct error err = ERROR_INIT;
	int rc = forge_recognise(&a, url.p, given.n ? given.p : NULL, &repo, &err);
	check((rc < 0) == (err.text[0] != '\0'));
	if (rc != 0)
		return 0;
	check(!strchr(repo.web, '@') && strncmp(repo.api, repo.plain ? "http://" : "https://", 7) == 0);
	check_line(repo.path);
	try_answers(&a, &repo, body);
	return 0;
}
