/* remote_wait.c - see remote_wait.h. */
#include "cmd/remote_wait.h"

struct waiting {
	struct loop *loop;
	struct error *err;
	int rc;
	bool done;
};

static void on_done(void *ctx, bool changed, const char *error)
{
	struct waiting *w = ctx;
	w->rc = error ? error_set(w->err, "%s", error) : 0;
	w->done = true;
	loop_stop(w->loop);
}

static int wait_done(struct waiting *w)
{
	while (!w->done)
		loop_run(w->loop);
	return w->rc;
}

int remote_poll_wait(struct loop *loop, struct repo_remote *r, struct error *err)
{
	struct waiting w = { .loop = loop, .err = err };
	remote_poll(r, on_done, &w);
	return wait_done(&w);
}

int remote_fetch_wait(struct loop *loop, struct repo_remote *r, const struct resolved *wants, size_t n,
		      struct error *err)
{
	struct waiting w = { .loop = loop, .err = err };
	remote_fetch(r, wants, n, on_done, &w);
	return wait_done(&w);
}
