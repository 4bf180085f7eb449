/*
 * push_steps_config.c - `deliver: config` of one target, step by step (push_steps.h), by means of
 * push_config.h. Of what is needed to undo it the record has all: url, branch, path, the commit and the one
 * before it.
 */
#include "cmd/exit.h"
#include "cmd/push_config.h"
#include "cmd/push_login.h"
#include "cmd/push_steps.h"

#include <stdio.h>

enum { LATE_PUSH_MS = 3000 }; /* for a dead process's push that is under way to arrive */

struct config_step {
	struct config_login login;
	struct config_place place;
	bool changed;
	char undone[SHA_HEX_MAX + 1]; /* "": nothing was taken back */
};

/* --- what all steps share --- */

static bool stopped(void *ctx)
{
	return push_stopped(ctx);
}

struct voice {
	struct push_run *run;
	const char *step, *environment;
};

static void on_line(void *ctx, const char *line)
{
	const struct voice *v = ctx;
	tell_step(v->run->tell, v->step, "%s: %s", v->environment, line);
}

static struct config_request request_of(struct push_run *run, struct push_target *t, struct voice *voice,
					const char *step)
{
	*voice = (struct voice){ run, step, t->record->environment };
	return (struct config_request){
		.cache = push_path(&run->arena, run->home, "config", NULL),
		.login = &t->config->login,
		.push = run->record.id,
		.repository = run->record.repo,
		.tell = on_line,
		.ctx = voice,
		.stop = { stopped, run },
		.deadline_ms = push_machine_deadline(&run->machine),
	};
}

static int login(struct push_run *run, struct push_target *t, const char *url, struct error *err)
{
	struct cluster *c = push_cluster(run, err);
	if (!c)
		return -1;
	if (!t->config)
		t->config = arena_new(&run->arena, struct config_step);
	if (t->config->login.url)
		return 0;
	return push_login_find(c, &run->arena, run->repo.namespace, run->repo.name, url, &t->config->login,
			       err);
}

static enum step_outcome failed(const struct push_target *t, struct error *err)
{
	error_wrap(err, "%s: the configuration repository", t->record->environment);
	return STEP_FAILED;
}

/* --- claim --- */

int repository_place(struct push_run *run, struct push_target *t, struct error *err)
{
	struct voice voice;
	struct journal_target *record = t->record;
	if (login(run, t, t->deliver->url, err) < 0)
		return error_wrap(err, "%s", record->environment);
	struct config_request request = request_of(run, t, &voice, "claim");
	struct config_step *step = t->config;
	if (config_find(&run->arena, &request, t->deliver, record->environment, &step->place, err) < 0) {
		failed(t, err);
		return -1;
	}
	record->url = step->login.url;
	record->branch = step->place.branch;
	record->path = step->place.path;
	record->key = arena_printf(&run->arena, "config %s %s %s", record->url, record->branch, record->path);
	return 0;
}

enum step_outcome repository_claim(struct push_run *run, struct push_target *t, struct error *err)
{
	return STEP_OK; /* what it is on top of is known when the commit is made */
}

/* --- deliver --- */

struct making {
	struct push_run *run;
	struct push_target *t;
};

static int on_made(void *ctx, const char *parent, const char *commit, struct error *err)
{
	struct making *m = ctx;
	snprintf(m->t->record->parent, sizeof(m->t->record->parent), "%s", parent);
	snprintf(m->t->record->commit, sizeof(m->t->record->commit), "%s", commit);
	return push_save(m->run, err);
}

static enum step_outcome review(struct push_run *run, struct push_target *t,
				const struct config_source *source, struct error *err)
{
	struct voice voice;
	struct config_review out;
	struct config_request request = request_of(run, t, &voice, "deliver");
	if (config_review(&run->arena, &request, &t->config->place, source, &out, err) < 0)
		return failed(t, err);
	t->proposed = out.branch != NULL;
	if (!out.branch)
		tell_step(run->tell, "deliver", "%s: nothing to review, %s has it all",
			  t->record->environment, t->record->branch);
	else if (out.url)
		tell_step(run->tell, "deliver", "%s: %s %s", t->record->environment,
			  out.reused ? "the pull request is up to date:" : "to be reviewed:", out.url);
	return STEP_OK;
}

static void tell_delivered(struct push_run *run, const struct push_target *t,
			   const struct config_delivered *out)
{
	char shown[256];
	remote_redact(t->record->url, shown, sizeof(shown));
	if (!out->changed) {
		tell_step(run->tell, "deliver", "%s: nothing to change; %s of %s is at %.12s",
			  t->record->environment, t->record->branch, shown, out->commit);
		return;
	}
	tell_step(run->tell, "deliver", "%s: %.12s on %s of %s (%s%s)", t->record->environment, out->commit,
		  t->record->branch, shown, out->n_files ? out->files[0] : "",
		  out->n_files > 1 ? ", ..." : "");
}

enum step_outcome repository_deliver(struct push_run *run, struct push_target *t, struct error *err)
{
	struct voice voice;
	struct config_delivered out;
	struct making making = { run, t };
	struct config_source source = {
		.git_dir = run->git_dir, .commit = t->commit, .images = run->images, .n_images = run->n_images
	};
	if (t->deliver->review)
		return review(run, t, &source, err);
	struct config_request request = request_of(run, t, &voice, "deliver");
	if (config_deliver(&run->arena, &request, &t->config->place, &source, on_made, &making, &out, err) <
	    0)
		return failed(t, err);
	t->config->changed = out.changed;
	tell_delivered(run, t, &out);
	return STEP_OK;
}

/* --- watch --- */

static enum step_outcome watch(struct push_run *run, struct push_target *t, const char *step,
			       const char *parent, const char *commit, int *status, struct error *err)
{
	struct voice voice;
	size_t n_apps;
	struct cluster *c = push_cluster(run, err);
	if (!c)
		return STEP_FAILED;
	struct config_request request = request_of(run, t, &voice, step);
	*status = config_watch(&run->arena, &request, &t->config->place, c, parent, commit, &n_apps, err);
	if (*status == EXIT_OK && !n_apps)
		tell_step(run->tell, step,
			  "%s: no App of this cluster that may be read deploys it; not waited for",
			  t->record->environment);
	switch (*status) {
	case EXIT_OK:
		return STEP_OK;
	case EXIT_SUPERSEDED: /* somebody committed on top of it, and that is rolled out */
		tell_step(run->tell, step, "%s: a newer commit of the configuration took its place",
			  t->record->environment);
		return STEP_OK;
	case EXIT_TIMED_OUT:
	case EXIT_INTERRUPTED:
		return STEP_LATE;
	default:
		return STEP_FAILED;
	}
}

enum step_outcome repository_watch(struct push_run *run, struct push_target *t, struct error *err)
{
	int status;
	if (t->proposed || !t->config->changed)
		return STEP_OK;
	enum step_outcome outcome =
		watch(run, t, "watch", t->record->parent, t->record->commit, &status, err);
	if (outcome == STEP_FAILED)
		error_wrap(err, "%s: the rollout of configuration %.12s failed", t->record->environment,
			   t->record->commit);
	return outcome;
}

/* --- undo --- */

enum step_outcome repository_undo(struct push_run *run, struct push_target *t, struct error *err)
{
	struct voice voice;
	struct journal_target *record = t->record;
	if (!record->commit[0])
		return STEP_OK;
	if (login(run, t, record->url, err) < 0)
		return failed(t, err);
	struct config_request request = request_of(run, t, &voice, "undo");
	int rc = config_undo(&run->arena, &request, record->branch, record->parent, record->commit,
			     t->config->undone, err);
	/* A killed process may have left a git that is still pushing. */
	if (rc == 0 && !t->config->undone[0] && run->machine.resumed && !t->waited) {
		t->waited = true;
		cluster_pause(&run->cluster, LATE_PUSH_MS);
		rc = config_undo(&run->arena, &request, record->branch, record->parent, record->commit,
				 t->config->undone, err);
	}
	if (rc == CONFIG_OTHERS) {
		/* What is there now is somebody's will: to change it would be worse. */
		tell_step(run->tell, "undo", "%s: %.12s stays on %s: %s", record->environment, record->commit,
			  record->branch, err->text);
		*err = (struct error)ERROR_INIT;
		return STEP_OK;
	}
	if (rc < 0)
		return failed(t, err);
	if (t->config->undone[0])
		tell_step(run->tell, "undo", "%s: %.12s on %s takes back %.12s", record->environment,
			  t->config->undone, record->branch, record->commit);
	return STEP_OK;
}

enum step_outcome repository_undo_watch(struct push_run *run, struct push_target *t, struct error *err)
{
	int status = EXIT_OK;
	struct voice voice;
	struct journal_target *record = t->record;
	struct config_step *step = t->config;
	if (!record->commit[0] || !step || !step->undone[0])
		return STEP_OK;
	struct config_request request = request_of(run, t, &voice, "undo");
	if (config_find_again(&run->arena, &request, record->branch, record->path, &step->place, err) < 0)
		return failed(t, err);
	enum step_outcome outcome = watch(run, t, "undo", record->commit, step->undone, &status, err);
	if (outcome != STEP_FAILED || status != EXIT_DIFFERS)
		return outcome;
	tell_step(run->tell, "undo", "%s: is as before, which is not healthy either", record->environment);
	*err = (struct error)ERROR_INIT;
	return STEP_OK;
}
