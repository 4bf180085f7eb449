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

static int wait_done(struct waiting *w, const struct wait_stop *stop)
{
	if (!loop_run_until(w->loop, &w->done, stop ? stop->stopped : NULL, stop ? stop->ctx : NULL))
		return error_set(w->err, "ended before the remote answered");
	return w->rc;
}

int remote_poll_wait(struct loop *loop, struct repo_remote *r, const struct wait_stop *stop,
		     struct error *err)
{
	struct waiting w = { .loop = loop, .err = err };
	remote_poll(r, on_done, &w);
	return wait_done(&w, stop);
}

int remote_fetch_wait(struct loop *loop, struct repo_remote *r, const struct resolved *wants, size_t n,
		      const struct wait_stop *stop, struct error *err)
{
	struct waiting w = { .loop = loop, .err = err };
	remote_fetch(r, wants, n, on_done, &w);
	return wait_done(&w, stop);
}
