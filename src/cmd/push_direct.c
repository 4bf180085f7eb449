/*
 * push_direct.c - `deliver: direct`: an App of the pushed commit is made or changed; the operator does the
 * rest (push_watch.c looks on). Undone, the App says what it said before, or goes with its objects.
 *
 * Every write names what it builds on: the App's generation and the mark (PUSH_ANNOTATION) of the push that
 * wrote it last. So a write of a process that was killed meanwhile, and that arrives late, changes nothing.
 */
#include "base/clock.h"
#include "cmd/apps.h"
#include "cmd/push_app.h"
#include "cmd/push_watch.h"
#include "doc/json.h"

enum { LATE_WRITE_MS = 1000 }; /* for a dead process's request that is under way to arrive */

static const char *undone_mark(struct push_run *run)
{
	return arena_printf(&run->arena, "undone %s", run->record.id);
}

/* --- claim: what is there --- */

/* All Apps of the repository, once a push. */
static int read_apps(struct push_run *run, struct error *err)
{
	struct reply reply;
	struct cluster *c = push_cluster(run, err);
	if (!c)
		return -1;
	struct kube_request request = apps_request(KUBE_LIST, run->repo.namespace, "");
	request.label_selector = arena_printf(&run->arena, PUSH_LABEL "=%s", run->repo.name);
	cluster_call(c, &run->arena, &request, &reply);
	if (reply.result != KUBE_OK)
		return cluster_error(err, &reply, "Apps of %s", run->record.repo);
	run->apps = node_get(reply.body, "items");
	if (!run->apps)
		run->apps = node_seq(&run->arena);
	return 0;
}

/* One of that name that is somebody else's is not taken over. 0: there is none. */
static int check_unclaimed(struct push_run *run, const struct push_target *t, struct error *err)
{
	struct reply reply;
	struct kube_request request = apps_request(KUBE_GET, t->record->namespace, t->record->app);
	cluster_call(&run->cluster, &run->arena, &request, &reply);
	if (reply.result == KUBE_STATUS && reply.code == 404)
		return 0;
	if (reply.result != KUBE_OK)
		return cluster_error(err, &reply, "App %s/%s", t->record->namespace, t->record->app);
	return error_set(err,
			 "App %s/%s exists and was not made by pushes to this repository; delete it, or give "
			 "it the label " PUSH_LABEL "=%s to let pushes change it",
			 t->record->namespace, t->record->app, run->repo.name);
}

static const char *json_of(struct arena *a, const struct node *n)
{
	cleanup_buf struct buf text = BUF_INIT;
	json_write(&text, n);
	return arena_strndup(a, text.p, text.n);
}

/* What a push that could not be undone left is not what was before: its own `before` is. */
static bool take_unclean(struct push_run *run, struct push_target *t, struct str mark)
{
	struct journal_record *left = arena_new(&run->arena, struct journal_record);
	const char *id = arena_strndup(&run->arena, mark.p, mark.n);
	if (!mark.n || mark.n > JOURNAL_ID_MAX || journal_read(&run->arena, run->home, id, left, NULL) != 0 ||
	    !left->unclean)
		return false;
	for (size_t i = 0; i < left->n_targets; i++) {
		const struct journal_target *from = &left->targets[i];
		if (from->kind != JOURNAL_DIRECT || !from->known || !from->app ||
		    strcmp(from->app, t->record->app) != 0)
			continue;
		t->record->before = from->before;
		return true;
	}
	return false;
}

enum step_outcome direct_claim(struct push_run *run, struct push_target *t, struct error *err)
{
	if (!run->apps && read_apps(run, err) < 0)
		return STEP_FAILED;
	t->app = push_app_find(run->apps, t);
	if (!t->app && check_unclaimed(run, t, err) < 0)
		return STEP_FAILED;
	if (t->app) {
		t->record->app = apps_text(&run->arena, node_at(t->app, "metadata.name"));
		if (node_bool(node_at(t->app, "spec.suspend"), false)) {
			error_set(err, "App %s/%s is suspended; `capstan resume %s -n %s` lets pushes deploy",
				  t->record->namespace, t->record->app, t->record->app, t->record->namespace);
			return STEP_FAILED;
		}
		if (!take_unclean(run, t, push_app_mark(t->app)))
			t->record->before = json_of(&run->arena, node_get(t->app, "spec"));
	}
	t->record->known = true;
	return STEP_OK;
}

/* --- deliver --- */

static void tell_unused(struct push_run *run, const struct push_target *t, const struct node *spec)
{
	const struct node *images = node_at(spec, "render.kustomize.images");
	if (run->n_images && !node_count(images) && !node_at(spec, "render.kustomize.patches"))
		tell_word(run->tell, "hint", "%s: no object uses an image that was built",
			  t->record->environment);
}

static void send(struct push_run *run, struct push_target *t, struct reply *reply)
{
	cleanup_buf struct buf body = BUF_INIT;
	struct kube_request request = apps_request(t->app ? KUBE_JSON_PATCH : KUBE_CREATE,
						   t->record->namespace, t->app ? t->record->app : "");
	if (t->app) {
		struct node *spec = push_app_spec(run, t, node_get(t->app, "spec"));
		tell_unused(run, t, spec);
		push_app_patch(&run->arena, t->app, spec, run->record.id, &body);
	} else {
		push_app_create(run, t, &body);
	}
	request.body = buf_str(&body);
	request.field_manager = PUSH_FIELD_MANAGER;
	request.priority = KUBE_PRIORITY_HIGH;
	cluster_call(&run->cluster, &run->arena, &request, reply);
}

enum step_outcome direct_deliver(struct push_run *run, struct push_target *t, struct error *err)
{
	struct reply reply;
	send(run, t, &reply);
	if (reply.result == KUBE_STATUS && (reply.code == 409 || reply.code == 422) && t->app)
		error_set(err, "App %s/%s was changed by somebody else at the same moment; push again (%s)",
			  t->record->namespace, t->record->app, reply.message);
	else if (reply.result != KUBE_OK)
		cluster_error(err, &reply, "App %s/%s", t->record->namespace, t->record->app);
	if (reply.result != KUBE_OK)
		return STEP_FAILED;
	tell_step(run->tell, "deliver", "%s: App %s/%s", t->record->environment, t->record->namespace,
		  t->record->app);
	return STEP_OK;
}

/* --- undo --- */

/* 0: *app; 1: there is none. */
static int get(struct push_run *run, const struct push_target *t, const struct node **app, struct error *err)
{
	struct reply reply;
	if (!push_cluster(run, err))
		return -1;
	struct kube_request request = apps_request(KUBE_GET, t->record->namespace, t->record->app);
	cluster_call(&run->cluster, &run->arena, &request, &reply);
	*app = reply.body;
	if (reply.result == KUBE_STATUS && reply.code == 404)
		return 1;
	if (reply.result != KUBE_OK)
		return cluster_error(err, &reply, "App %s/%s", t->record->namespace, t->record->app);
	return 0;
}

/* A push that began later has written it since, or undone what it wrote: of one that is tried again because
 * it could not be undone nothing is left there. */
static bool taken_over(struct push_run *run, const struct node *app)
{
	struct str mark = push_app_mark(app), undone = STR("undone ");
	if (str_starts(mark, undone))
		mark = str_from(mark, undone.n);
	return journal_id_ok(mark) && str_cmp(mark, str_of(run->record.id)) > 0;
}

static int patch(struct push_run *run, const struct push_target *t, const struct node *app,
		 const struct node *spec, struct error *err)
{
	cleanup_buf struct buf body = BUF_INIT;
	struct reply reply;
	struct kube_request request = apps_request(KUBE_JSON_PATCH, t->record->namespace, t->record->app);
	push_app_patch(&run->arena, app, spec, undone_mark(run), &body);
	request.body = buf_str(&body);
	request.field_manager = PUSH_FIELD_MANAGER;
	request.priority = KUBE_PRIORITY_HIGH;
	cluster_call(&run->cluster, &run->arena, &request, &reply);
	if (reply.result == KUBE_OK || (reply.result == KUBE_STATUS && reply.code == 404))
		return 0;
	return cluster_error(err, &reply, "App %s/%s: putting back", t->record->namespace, t->record->app);
}

static int put_back(struct push_run *run, const struct push_target *t, const struct node *app,
		    struct error *err)
{
	struct node *spec;
	if (t->record->before) {
		if (json_parse(&run->arena, str_of(t->record->before), true, &spec, err) < 0)
			return error_wrap(err, "the record of push %s", run->record.id);
		return patch(run, t, app, spec, err);
	}
	return node_at(app, "metadata.deletionTimestamp") ? 0 : apps_delete(&run->cluster, app, false, err);
}

/* An App without our mark is as before, or somebody else's since; a write of ours that is still under way
 * must not change it any more. */
static int keep_out(struct push_run *run, const struct push_target *t, const struct node *app,
		    struct error *err)
{
	struct str label = node_text(node_get(node_at(app, "metadata.labels"), PUSH_LABEL));
	if (!run->machine.resumed || !str_is(label, run->repo.name) ||
	    str_is(push_app_mark(app), undone_mark(run)))
		return 0;
	return patch(run, t, app, NULL, err);
}

enum step_outcome direct_undo(struct push_run *run, struct push_target *t, struct error *err)
{
	const struct node *app;
	if (!t->record->known)
		return STEP_OK;
	int rc = get(run, t, &app, err);
	if (rc > 0 && run->machine.resumed && !t->record->before && !t->waited) {
		t->waited = true;
		cluster_pause(&run->cluster, LATE_WRITE_MS);
		rc = get(run, t, &app, err);
	}
	if (rc == 0 && taken_over(run, app))
		return STEP_OK;
	if (rc == 0)
		rc = str_is(push_app_mark(app), run->record.id) ? put_back(run, t, app, err)
								: keep_out(run, t, app, err);
	return rc < 0 ? STEP_FAILED : STEP_OK;
}

enum step_outcome direct_undo_watch(struct push_run *run, struct push_target *t, struct error *err)
{
	const struct node *app;
	int rc = t->record->known ? get(run, t, &app, err) : 1;
	if (!t->record->known || rc < 0)
		return rc < 0 ? STEP_FAILED : STEP_OK;
	if (rc == 0 && taken_over(run, app))
		return STEP_OK;
	/* Without its Repo an App does nothing any more. */
	if (run->gone)
		return STEP_OK;
	return t->record->before ? push_watch_restored(run, t, err) : push_watch_gone(run, t, err);
}
