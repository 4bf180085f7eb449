/*
 * build.c - all images of a push: a few threads take one build after the other. The first that fails stops
 * the others, for the push is refused anyhow.
 */
#include "push/build.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "io/file.h"
#include "push/build_parts.h"

#define TURN_MS 20 /* between two looks at the request's *cancel */

struct building {
	const struct build_request *request;
	struct built *out;
	struct arena *arenas; /* of each image */
	pthread_mutex_t lock;
	pthread_cond_t ended;
	atomic_bool stop;
	size_t next, running, failed;
	struct error err; /* of the first that failed */
};

/* --- what a builder says --- */

/* Replaces a secret wherever it is in the line. */
static void hide(struct buf *line, struct str secret)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct str rest = buf_str(line);
	while (rest.n) {
		const char *at = memmem(rest.p, rest.n, secret.p, secret.n);
		size_t n = at ? (size_t)(at - rest.p) : rest.n;
		buf_add(&out, rest.p, n);
		if (at)
			buf_adds(&out, "***");
		rest = str_from(rest, n + (at ? secret.n : 0));
	}
	buf_clear(line);
	buf_add_str(line, buf_str(&out));
}

/* Each line of a secret by itself; short ones are in every other word, and are let be. */
static void hide_secrets(const struct build_job *job, struct buf *line)
{
	for (size_t i = 0; i < job->n_secrets; i++) {
		struct str rest = job->secrets[i].data;
		while (rest.n) {
			struct str part = str_trim(str_cut(rest, '\n', &rest));
			if (part.n >= 4 && line->n && memmem(line->p, line->n, part.p, part.n))
				hide(line, part);
		}
	}
}

/* The front of a line, in whole characters. */
static void keep(char out[BUILD_LINE_KEPT], struct str line)
{
	size_t n = line.n < BUILD_LINE_KEPT ? line.n : BUILD_LINE_KEPT - 1;
	while (n < line.n && n && ((unsigned char)line.p[n] & 0xc0) == 0x80)
		n--;
	memcpy(out, line.n ? line.p : "", n);
	out[n] = '\0';
}

void build_line(void *ctx, const char *text)
{
	struct build_job *job = ctx;
	cleanup_buf struct buf line = BUF_INIT;
	buf_adds(&line, text);
	hide_secrets(job, &line);
	keep(job->kept[job->n_lines++ % BUILD_LINES_KEPT], buf_str(&line));
	job->request->tell(job->request->ctx, job->build->name, line.n ? line.p : "");
}

int build_failed(struct build_job *job, struct error *err, const char *fmt, ...)
{
	va_list ap;
	cleanup_buf struct buf text = BUF_INIT;
	va_start(ap, fmt);
	buf_adds(&text, arena_vprintf(&job->a, fmt, ap));
	va_end(ap);
	size_t n = job->n_lines < BUILD_LINES_KEPT ? job->n_lines : BUILD_LINES_KEPT;
	if (n)
		buf_adds(&text, "; it said last:");
	for (size_t i = job->n_lines - n; i < job->n_lines; i++)
		buf_printf(&text, "\n  %s", job->kept[i % BUILD_LINES_KEPT]);
	return error_set(err, "%s", text.p);
}

/* --- one image --- */

/* One that the caller has, or a file of the push service's directory. */
static int find_secret(struct build_job *job, const char *name, struct str *out, struct error *err)
{
	const struct build_request *r = job->request;
	cleanup_buf struct buf data = BUF_INIT;
	for (size_t i = 0; i < r->n_secrets; i++) {
		if (strcmp(r->secrets[i].name, name) != 0)
			continue;
		*out = r->secrets[i].data;
		return 0;
	}
	const char *dir = push_path(&job->a, r->home, "repos", r->repo->namespace,
				    arena_printf(&job->a, "%s" BUILD_SECRETS, r->repo->name), NULL);
	int rc = file_read(push_path(&job->a, dir, name, NULL), BUILD_SECRET_MAX, &data, err);
	if (rc > 0 && r->repo->build_secret)
		return error_set(err, "secret %s: Secret %s/%s has no such key", name, r->repo->namespace,
				 r->repo->build_secret);
	if (rc > 0)
		return error_set(
			err,
			"secret %s: the repository has no build secrets: name a Secret with that key in "
			"spec.hosted.buildSecretRef of its Repo",
			name);
	*out = arena_str(&job->a, buf_str(&data));
	return rc;
}

static int read_secrets(struct build_job *job, struct error *err)
{
	const struct environments_build *b = job->build;
	job->secrets = arena_array(&job->a, struct build_secret, b->n_secrets + 1);
	for (size_t i = 0; i < b->n_secrets; i++) {
		struct build_secret *to = &job->secrets[job->n_secrets];
		to->name = b->secrets[i];
		if (find_secret(job, to->name, &to->data, err) < 0)
			return -1;
		job->n_secrets++;
	}
	return 0;
}

static int build_one(struct building *b, size_t i, struct error *err)
{
	struct build_job job = {
		.request = b->request,
		.build = &b->request->builds[i],
		.stop = &b->stop,
		.store = { .lock = -1 },
	};
	int64_t began = clock_mono_ms();
	int rc = read_secrets(&job, err);
	if (rc == 0)
		rc = job.build->command ? build_exec(&job, &b->out[i], err)
					: build_image(&job, &b->out[i], err);
	b->out[i].name = job.build->name;
	b->out[i].took_ms = clock_mono_ms() - began;
	b->arenas[i] = job.a;
	if (rc < 0)
		error_wrap(err, "build.%s (" ENVIRONMENTS_FILE ":%u)", job.build->name, job.build->line);
	return rc;
}

static void *work(void *ctx)
{
	struct building *b = ctx;
	pthread_mutex_lock(&b->lock);
	while (b->next < b->request->n_builds && !atomic_load(&b->stop)) {
		struct error err = ERROR_INIT;
		size_t i = b->next++;
		pthread_mutex_unlock(&b->lock);
		int rc = build_one(b, i, &err);
		pthread_mutex_lock(&b->lock);
		if (rc < 0 && b->failed++ == 0)
			b->err = err;
		if (rc < 0)
			atomic_store(&b->stop, true);
	}
	b->running--;
	pthread_cond_signal(&b->ended);
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* --- all of them --- */

static void wait_for_all(struct building *b)
{
	pthread_mutex_lock(&b->lock);
	while (b->running) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += TURN_MS * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&b->ended, &b->lock, &until);
		if (b->request->cancel && atomic_load(b->request->cancel))
			atomic_store(&b->stop, true);
	}
	pthread_mutex_unlock(&b->lock);
}

static void run_all(struct building *b)
{
	pthread_t threads[BUILD_PARALLEL];
	size_t n = 0;
	size_t want = b->request->n_builds < BUILD_PARALLEL ? b->request->n_builds : BUILD_PARALLEL;
	b->running = want;
	for (; n < want; n++)
		if (pthread_create(&threads[n], NULL, work, b) != 0)
			break;
	if (n < want) {
		pthread_mutex_lock(&b->lock);
		b->running -= want - n;
		if (n == 0)
			b->failed = 1;
		if (n == 0)
			error_set(&b->err, "no thread can be started");
		pthread_mutex_unlock(&b->lock);
	}
	wait_for_all(b);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void take_results(struct arena *a, struct building *b, int rc)
{
	for (size_t i = 0; i < b->request->n_builds; i++) {
		if (rc == 0)
			b->out[i].image = arena_strdup(a, b->out[i].image);
		arena_release(&b->arenas[i]);
	}
}

int build_images(struct arena *a, const struct build_request *request, struct built *out, struct error *err)
{
	struct building b = { .request = request,
			      .out = out,
			      .lock = PTHREAD_MUTEX_INITIALIZER,
			      .ended = PTHREAD_COND_INITIALIZER,
			      .err = ERROR_INIT };
	if (request->n_builds == 0)
		return 0;
	if (request->n_builds > BUILD_IMAGES_MAX)
		return error_set(err, "%zu images are to be built, more than %u (BUILD_IMAGES_MAX)",
				 request->n_builds, BUILD_IMAGES_MAX);
	b.arenas = arena_array(a, struct arena, request->n_builds);
	memset(out, 0, sizeof(*out) * request->n_builds);
	run_all(&b);
	bool cancelled = request->cancel && atomic_load(request->cancel);
	int rc = b.failed || cancelled ? -1 : 0;
	take_results(a, &b, rc);
	if (cancelled)
		return error_set(err, "the builds were cancelled");
	return rc < 0 ? error_set(err, "%s", b.err.text) : 0;
}
