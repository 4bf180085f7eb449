/*
 * Any request to a webhook: its first line is "TYPE EVENT SIGNATURE", the rest the body. Nobody without the
 * secret is let in; what is read is bounded, clean and NUL-terminated; and whatever it says can be compared
 * with revisions, urls and what was taken before.
 */
#include <stdlib.h>
#include <string.h>

#include "operator/webhook.h"
#include "repo/refs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

struct request {
	const char *event, *signature;
};

static const char *header(const void *ctx, const char *name)
{
	const struct request *r = ctx;
	if (strstr(name, "Event-UUID") || strstr(name, "Delivery") || strstr(name, "X-Request"))
		return r->signature;
	return strstr(name, "Event") ? r->event : r->signature;
}

static void check_text(const char *text, size_t max)
{
	check(*text && strlen(text) <= max);
	for (const char *c = text; *c; c++)
		check((unsigned char)*c >= ' ' && *c != 0x7f);
}

static void check_event(const struct webhook_event *event, struct arena *a, enum webhook_type type,
			struct str body)
{
	static const char *const revisions[] = { "main", "HEAD", "semver:1.x", ">=1 <2", "0123456789abcdef" };
	struct webhook_ring ring = { 0 };
	check(event->n_refs <= WEBHOOK_REFS_MAX && event->n_urls <= WEBHOOK_URLS_MAX);
	check(event->kind == WEBHOOK_PUSH || (!event->n_refs && !event->any_ref));
	if (event->default_branch)
		check_text(event->default_branch, REVISION_MAX + sizeof("refs/heads/"));
	for (size_t i = 0; i < sizeof(revisions) / sizeof(revisions[0]); i++)
		webhook_moves(event, revisions[i], NULL);
	for (size_t i = 0; i < event->n_refs; i++) {
		check_text(event->refs[i], REVISION_MAX + sizeof("refs/heads/"));
		check(webhook_moves(event, event->refs[i], NULL));
		/* What an App may follow is no less hostile. */
		webhook_moves(event, event->refs[i] + strlen("refs/"), event->refs[0]);
	}
	for (size_t i = 0; i < event->n_urls; i++) {
		check_text(event->urls[i], body.n);
		check(webhook_is_of(event, event->urls[i]));
	}
	check(event->n_images <= WEBHOOK_IMAGES_MAX && (!event->n_images || event->kind == WEBHOOK_PUSH));
	for (size_t i = 0; i < event->n_images; i++) {
		check_text(event->images[i].path, body.n + REVISION_MAX);
		check(webhook_names_image(event, event->images[i].path));
		if (event->images[i].tag)
			check_text(event->images[i].tag, 128);
	}
	struct webhook_mark mark = webhook_mark_of(type, event, body, 0);
	check(!webhook_ring_has(&ring, &mark));
	webhook_ring_add(&ring, &mark);
	check(webhook_ring_has(&ring, &mark) == (type != WEBHOOK_QUAY));
	webhook_ring_release(&ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct str body, rest, line = str_cut((struct str){ (const char *)data, size }, '\n', &body);
	struct str name = str_cut(line, ' ', &rest), event = str_cut(rest, ' ', &rest);
	struct request request = { arena_str(&a, event).p, arena_str(&a, rest).p };
	struct webhook_headers headers = { header, &request };
	struct webhook_event out;
	enum webhook_type type;
	if (!webhook_type_parse(name, &type))
		return 0;
	check(webhook_verify(type, &headers, body, STR("no input can know this: f4c1a9"), &err) < 0 &&
	      err.text[0]);
	err.text[0] = '\0';
	if (webhook_parse(&a, type, &headers, body, &out, &err) < 0)
		check(err.text[0]);
	else
		check_event(&out, &a, type, body);
	return 0;
}
