/*
 * A Dockerfile, and with the same bytes a .dockerignore and the head of a request to the proxy of builds:
 * names are where the file has them, and the file with digests in their place begins from the same images.
 */
#include <stdlib.h>

#include "push/dockerfile.h"
#include "push/dockerignore.h"
#include "push/egress.h"

#define DIGEST "sha256:0123456789012345678901234567890123456789012345678901234567890123"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_pinned(struct arena *a, struct dockerfile *d)
{
	struct error err = ERROR_INIT;
	cleanup_buf struct buf text = BUF_INIT;
	struct dockerfile again;
	for (size_t i = 0; i < d->n_bases; i++)
		if (!d->bases[i].digest)
			d->bases[i].digest = DIGEST;
	dockerfile_pin(d, &text);
	check(dockerfile_read(a, "Dockerfile", buf_str(&text), NULL, 0, &again, &err) == 0 ||
	      d->n_bases == 0);
	check(d->n_bases == 0 || again.n_bases == d->n_bases);
	for (size_t i = 0; i < d->n_bases; i++)
		check(strcmp(dockerfile_pinned(a, &again.bases[i]), dockerfile_pinned(a, &d->bases[i])) == 0);
}

static void check_dockerfile(struct str text)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct dockerfile d;
	size_t at = 0;
	if (dockerfile_read(&a, "Dockerfile", text, NULL, 0, &d, &err) < 0) {
		check(err.text[0]);
		return;
	}
	for (size_t i = 0; i < d.n_bases; i++) {
		check(d.bases[i].at >= at && d.bases[i].n > 0 && d.bases[i].at + d.bases[i].n <= text.n);
		check(d.bases[i].line > 0 && strchr(d.bases[i].image, '/'));
		at = d.bases[i].at + d.bases[i].n;
	}
	check_pinned(&a, &d);
}

static void check_ignore(struct str text)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct error err = ERROR_INIT;
	struct dockerignore d;
	if (dockerignore_read(&a, ".dockerignore", text, &d, &err) < 0) {
		check(err.text[0]);
		return;
	}
	check(!dockerignore_drops_all(&d, "a/b") || dockerignore_drops(&d, "a/b"));
	check(!dockerignore_drops_all(&d, "a/b") || dockerignore_drops(&d, "a/b/c"));
}

static void check_head(struct str head)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct egress_request r;
	if (egress_read(head, &r) != 0)
		return;
	check(r.host[0] && r.port > 0 && r.port < 65536 && !strpbrk(r.host, "/@ \r\n"));
	if (!r.connect)
		egress_write(head, &r, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	check_dockerfile(text);
	check_ignore(text);
	check_head(text);
	return 0;
}
