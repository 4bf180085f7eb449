/* push_images.c - the images of a pushed commit, built on threads of their own while this one listens for a
 * newer push. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cmd/push_run.h"
#include "operator/credentials.h"

struct building {
	struct push_run *run;
	struct build_request request;
	struct error err;
	int rc;
	bool over;
	unsigned lines; /* that were told */
	int64_t told_ms;
	pthread_mutex_t lock;
	pthread_cond_t ended;
};

enum { LINES = 16, LATER_MS = 2000 };

/* A build that talks much is told of whole at its beginning, then now and then; what came out, always. */
static bool is_told(struct building *b, const char *line)
{
	bool result = strstr(line, "@sha256:") && !strchr(line, ' ');
	int64_t now = clock_mono_ms();
	pthread_mutex_lock(&b->lock);
	bool told = result || b->lines < LINES || now - b->told_ms >= LATER_MS;
	if (told) {
		b->lines++;
		b->told_ms = now;
	}
	pthread_mutex_unlock(&b->lock);
	return told;
}

static void on_line(void *ctx, const char *name, const char *line)
{
	struct building *b = ctx;
	if (!is_told(b, line))
		return;
	tell_step(b->run->tell, "build", "%s: %s", name, line);
}

static void *build(void *arg)
{
	struct building *b = arg;
	int rc = build_images(&b->run->arena, &b->request, b->run->images, &b->err);
	pthread_mutex_lock(&b->lock);
	b->rc = rc;
	b->over = true;
	pthread_cond_signal(&b->ended);
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* The run's arena is the builder's meanwhile: nothing here takes memory of it. */
static void listen(struct building *b)
{
	pthread_mutex_lock(&b->lock);
	while (!b->over) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PUSH_POLL_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&b->ended, &b->lock, &until);
		if (!b->over)
			push_stopped(b->run);
	}
	pthread_mutex_unlock(&b->lock);
}

static int run_build(struct building *b, struct error *err)
{
	pthread_t thread;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->ended, NULL);
	if (pthread_create(&thread, NULL, build, b) != 0)
		return error_set(err, "no thread for the builds");
	listen(b);
	pthread_join(thread, NULL);
	pthread_cond_destroy(&b->ended);
	pthread_mutex_destroy(&b->lock);
	if (b->rc < 0)
		error_set(err, "%s", b->err.text);
	return b->rc;
}

/* docker, by which Gitkube builds, speaks http to registries of the same machine; a Remote cannot say so. */
static bool is_loopback(const char *registry)
{
	struct str url = str_of(registry);
	return str_starts(url, STR("127.")) || str_starts(url, STR("localhost")) ||
	       str_starts(url, STR("[::1]"));
}

/* A Remote's containers, in their order, where the repository has no capstan.yaml of its own. */
static void take_containers(struct push_run *run)
{
	struct environments *all = &run->environments;
	const struct hosted_repo *repo = &run->repo;
	struct arena *a = &run->arena;
	if (repo->remote && repo->registry.url && is_loopback(repo->registry.url))
		run->repo.registry.insecure = true;
	all->builds = arena_array(a, struct environments_build, repo->n_containers + 1);
	for (size_t i = 0; i < repo->n_containers; i++) {
		const struct hosted_container *c = &repo->containers[i];
		struct environments_build *b = &all->builds[all->n_builds++];
		*b = (struct environments_build){
			.name = arena_printf(a, "%s-%s", c->deployment, c->container),
			.image = repo->registry.url ? arena_printf(a, "%s/%s-%s-%s", repo->registry.url,
								   repo->name, c->deployment, c->container)
						    : NULL,
			.context = c->path ? c->path : ".",
			.dockerfile = c->dockerfile ? c->dockerfile : "Dockerfile",
			.args = arena_array(a, struct environments_value, c->n_build_args + 1),
			.n_args = c->n_build_args,
			.no_cache = c->no_cache,
		};
		for (size_t k = 0; k < c->n_build_args; k++) {
			struct str value, name = str_cut(str_of(c->build_args[k]), '=', &value);
			b->args[k] = (struct environments_value){ .name = arena_strndup(a, name.p, name.n),
								  .text = value };
		}
	}
}

static bool wants_secrets(const struct push_run *run)
{
	for (size_t i = 0; i < run->environments.n_builds; i++)
		if (run->environments.builds[i].n_secrets)
			return true;
	return false;
}

/* Straight from the cluster into the builds' memory: nothing of them is ever on the disk. */
static int take_secrets(struct push_run *run, struct build_request *request, struct error *err)
{
	struct reply reply;
	struct arena *a = &run->arena;
	struct kube_request get = { .verb = KUBE_GET,
				    .group = STR(""),
				    .version = STR("v1"),
				    .kind = STR("Secret"),
				    .namespace = str_of(run->repo.namespace),
				    .name = str_of(run->repo.build_secret ? run->repo.build_secret : "") };
	if (!get.name.n || !wants_secrets(run))
		return 0;
	struct cluster *c = push_cluster(run, err);
	if (!c)
		return -1;
	cluster_call(c, a, &get, &reply);
	if (reply.result != KUBE_OK)
		return cluster_error(err, &reply, "Secret %s/%s", run->repo.namespace,
				     run->repo.build_secret);
	const struct node *data = node_get(reply.body, "data");
	struct build_secret *out = arena_array(a, struct build_secret, node_count(data) + 1);
	for (size_t i = 0; i < node_count(data); i++) {
		struct str name = data->map.pairs[i].key;
		out[i].name = arena_strndup(a, name.p, name.n);
		out[i].data = credentials_key(a, data, out[i].name);
	}
	request->secrets = out;
	request->n_secrets = node_count(data);
	return 0;
}

static void tell_images(struct push_run *run)
{
	for (size_t i = 0; i < run->n_images; i++)
		tell_step(run->tell, "build", "%s: %s%s", run->images[i].name, run->images[i].image,
			  run->images[i].cached ? " (as before)" : "");
}

enum step_outcome push_build(struct push_run *run, struct error *err)
{
	if (run->n_targets && run->targets[0].environment->line == 0)
		take_containers(run);
	size_t n = run->environments.n_builds;
	if (!n)
		return STEP_OK;
	run->images = arena_array(&run->arena, struct built, n);
	struct building b = { .run = run,
			      .request = {
				      .home = run->home,
				      .git_dir = run->git_dir,
				      .commit = run->targets[0].commit,
				      .repo = &run->repo,
				      .builds = run->environments.builds,
				      .n_builds = n,
				      .require_confinement = run->settings.require_confinement,
				      .tell = on_line,
				      .cancel = &run->cancel,
				      .deadline_ms = run->machine.deadline_ms,
			      } };
	b.request.ctx = &b;
	if (take_secrets(run, &b.request, err) < 0 || run_build(&b, err) < 0)
		return STEP_FAILED;
	run->n_images = n;
	tell_images(run);
	return STEP_OK;
}
