/* repo_show.c - what there is, and how to reach it. */
#include <string.h>

#include "cmd/repo_parts.h"
#include "cmd/style.h"

enum { POLL_MS = 200 };

static bool is_hosted(const struct node *repo)
{
	return node_at(repo, "spec.hosted") != NULL;
}

/* A place that serves it. */
static const char *address(struct arena *a, const struct node *repo)
{
	const char *ssh = apps_text(a, node_at(repo, "status.hosted.ssh"));
	return *ssh ? ssh : apps_text(a, node_at(repo, "status.hosted.http"));
}

static void print_size(struct buf *out, int64_t bytes)
{
	if (bytes >= 1 << 20)
		buf_printf(out, "%.1f MiB", (double)bytes / (1 << 20));
	else
		buf_printf(out, "%lld KiB", (long long)(bytes + 1023) / 1024);
}

/* What others wrote moves no cursor. */
static void line(struct buf *out, const char *name, const char *value)
{
	if (!*value)
		return;
	buf_printf(out, "%-10s ", name);
	style_safe(out, str_of(value), false);
	buf_addc(out, '\n');
}

int repo_list(struct cluster *c, const char *const *operands, size_t n, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf out = BUF_INIT;
	struct node *all, *hosted = node_seq(&a);
	bool everywhere = c->cli->common.all_namespaces;
	if (apps_list_kind(c, &a, "Repo", everywhere ? "" : c->namespace, &all, err) != 0)
		return -1;
	for (size_t i = 0; i < node_count(all); i++)
		if (is_hosted(node_item(all, i)))
			node_push(&a, hosted, node_item(all, i));
	if (c->cli->common.output) {
		apps_print(c->cli, hosted);
		return EXIT_OK;
	}
	if (node_count(hosted) == 0) {
		fprintf(c->cli->err, "there is no hosted repository; `capstan repo create NAME` makes one\n");
		return EXIT_OK;
	}
	for (size_t i = 0; i < node_count(hosted); i++) {
		const struct node *repo = node_item(hosted, i);
		const char *url = address(&a, repo);
		const char *name = apps_text(&a, node_at(repo, "metadata.name"));
		if (everywhere)
			buf_printf(&out, "%-20s ", apps_text(&a, node_at(repo, "metadata.namespace")));
		buf_printf(&out, "%-24s ", name);
		style_safe(&out, str_of(*url ? url : "not served yet"), false);
		const char *message = apps_text(&a, node_at(repo, "status.hosted.message"));
		buf_adds(&out, *message ? "  " : "");
		style_safe(&out, str_of(message), false);
		buf_addc(&out, '\n');
	}
	fwrite(out.p, 1, out.n, c->cli->out);
	return EXIT_OK;
}

static void print_people(struct arena *a, struct buf *out, const struct node *list, const char *what)
{
	for (size_t i = 0; i < node_count(list); i++) {
		const struct node *item = node_item(list, i), *branches = node_get(item, "branches");
		buf_printf(out, "%-10s ", i == 0 ? what : "");
		style_safe(out, node_text(node_get(item, "name")), false);
		buf_printf(out, " (%s", apps_text(a, node_get(item, "right")));
		for (size_t k = 0; k < node_count(branches); k++) {
			buf_adds(out, k ? ", " : " to ");
			style_safe(out, node_text(node_item(branches, k)), false);
		}
		buf_adds(out, ")\n");
	}
}

int repo_show(struct cluster *c, const char *const *operands, size_t n, struct error *err)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf out = BUF_INIT, size = BUF_INIT;
	struct node *repo;
	int64_t bytes = 0;
	if (repo_get(c, &a, operands[0], &repo, err) < 0)
		return -1;
	if (c->cli->common.output) {
		apps_print(c->cli, repo);
		return EXIT_OK;
	}
	const struct node *spec = node_at(repo, "spec.hosted"), *status = node_at(repo, "status.hosted");
	const char *url = address(&a, repo);
	line(&out, "ssh", apps_text(&a, node_get(status, "ssh")));
	line(&out, "http", apps_text(&a, node_get(status, "http")));
	line(&out, "host key", apps_text(&a, node_get(status, "hostKey")));
	if (node_int(node_get(status, "bytes"), &bytes)) {
		print_size(&size, bytes);
		buf_printf(&size, " of %s", apps_text(&a, node_get(spec, "maxSize")));
		line(&out, "size", size.p);
	}
	line(&out, "pushed", apps_text(&a, node_at(repo, "status.fetch.pushed")));
	print_people(&a, &out, node_get(spec, "keys"), "keys");
	print_people(&a, &out, node_get(spec, "tokens"), "tokens");
	line(&out, "mirror", apps_text(&a, node_at(spec, "mirror.url")));
	line(&out, "registry", apps_text(&a, node_at(spec, "registry.url")));
	line(&out, "trouble", apps_text(&a, node_get(status, "message")));
	if (*url)
		line(&out, "add it", arena_printf(&a, "git remote add capstan %s", url));
	else
		line(&out, "served", "not yet: is `capstan serve` running?");
	fwrite(out.p, 1, out.n, c->cli->out);
	return EXIT_OK;
}

int repo_tell(struct cluster *c, const char *name, bool wait, struct error *err)
{
	for (;;) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct node *repo;
		if (repo_get(c, &a, name, &repo, err) < 0)
			return -1;
		const char *url = address(&a, repo);
		const char *message = apps_text(&a, node_at(repo, "status.hosted.message"));
		if (*message)
			fprintf(c->cli->err, "%s: repo %s: %s\n", c->cli->program, name, message);
		if (*url) {
			fprintf(c->cli->out, "  git remote add capstan %s\n  git push capstan %s\n", url,
				apps_text(&a, node_at(repo, "spec.hosted.defaultBranch")));
			return *message ? EXIT_TROUBLE : EXIT_OK;
		}
		if (!wait)
			return EXIT_OK;
		if (cluster_left_ms(c) == 0) {
			fprintf(c->cli->err,
				"%s: repo %s: no push service has taken it yet: is `capstan serve` running?\n",
				c->cli->program, name);
			return EXIT_TIMED_OUT;
		}
		cluster_pause(c, POLL_MS);
	}
}
