/*
 * push_check.c - the first step of a push: what the pushed capstan.yaml says is deployed, rendered and
 * checked straight from the pushed objects. Errors refuse, warnings are counted.
 */
#include <stdio.h>

#include "base/vec.h"
#include "cmd/commit_rendered.h"
#include "cmd/commit_secrets.h"
#include "cmd/print_findings.h"
#include "cmd/push_containers.h"
#include "cmd/push_run.h"
#include "push/hosted.h"
#include "push/receive.h"
#include "push/tree.h"
#include "render/images.h"

#define CHECK_TIME_MS 180000 /* beside builds and rollouts: check, claims, undisturbed deliveries */
#define BUILD_TIME_MAX_MS 14400000
#define RENDERED_SHOWN_MAX 20u

/* What looks at the commit that deploys. */
struct checking {
	struct push_run *run;
	struct commit_check *check;
	/* Other repositories are not fetched here: which may be read, and with whose keys, is the operator's.
	 */
	struct bases bases;
	struct findings_printer printer;
	char *text; /* what it printed */
	size_t size;
	size_t refused; /* reasons that are no findings */
};

/* --- what is pushed --- */

static int check_object(struct push_run *run, const struct journal_ref *ref, struct error *err)
{
	char commit[SHA_HEX_MAX + 1];
	int rc = push_tree_commit(run->git_dir, ref->new, commit, err);
	return rc > 0 ? error_set(err, "%s: a branch is to be at a commit, and %.12s is none", ref->name,
				  ref->new)
		      : rc;
}

/* The one commit that deploys; "" none. Two branches at the same one are fine. */
static int check_refs(struct push_run *run, struct error *err)
{
	for (size_t i = 0; i < run->record.n_refs; i++)
		if (run->record.refs[i].new[0] && receive_branch(&run->record.refs[i]) &&
		    check_object(run, &run->record.refs[i], err) < 0)
			return -1;
	return push_tree_check(run->git_dir, err);
}

/* --- targets --- */

struct found {
	VEC(struct receive_target) list;
	const char *sha, *branch; /* that deploys */
};

/* Gitkube deploys master; a repository whose branch is called otherwise is no worse. */
static bool is_remotes(struct push_run *run, const struct journal_ref *ref)
{
	const char *branch = receive_branch(ref);
	return strcmp(branch, "master") == 0 || strcmp(branch, "main") == 0 ||
	       push_tree_is_head(hosted_git_dir(&run->arena, run->home, run->record.repo), ref->name);
}

/* A Remote's manifests, when the repository has no capstan.yaml of its own; without any, its containers. */
static void take_remote(struct push_run *run, const char *branch, struct environments *all)
{
	struct environment *e = arena_new(&run->arena, struct environment);
	*e = (struct environment){
		.name = "default", .branch = branch, .path = run->repo.manifests, .type = RENDER_AUTO
	};
	*all = (struct environments){ .file = ENVIRONMENTS_FILE, .list = e, .n = 1 };
}

static int look_at_branch(struct checking *c, struct found *found, const struct journal_ref *ref,
			  struct error *err)
{
	struct push_run *run = c->run;
	struct receive_target *targets;
	size_t n = 0;
	const char *branch = receive_branch(ref);
	struct commit_check_options options = { .git_dir = run->git_dir,
						.sha = ref->new,
						.bases = &c->bases };
	struct commit_check *check = commit_check_open(&options, err);
	if (!check)
		return -1;
	const struct environments *file = commit_check_file(check);
	struct environments all = file ? *file : (struct environments){ .file = ENVIRONMENTS_FILE };
	if (!file && run->repo.remote && is_remotes(run, ref))
		take_remote(run, branch, &all);
	int rc = receive_targets(&run->arena, &run->repo, &all, branch, &targets, &n, err);
	if (rc == 0 && n && found->sha && strcmp(found->sha, ref->new) != 0)
		rc = error_set(
			err, "%s and %s both deploy, and are at different commits; push one after the other",
			found->branch, branch);
	if (rc < 0 || !n) {
		commit_check_free(check);
		return rc;
	}
	for (size_t i = 0; i < n; i++)
		vec_push(&found->list, targets[i]);
	found->sha = ref->new;
	found->branch = branch;
	run->environments = all;
	/* It holds the texts of the environments: it goes with the run. */
	commit_check_free(run->check);
	run->check = c->check = check;
	return 0;
}

static void fill_record(struct push_run *run, const struct receive_target *from, struct journal_target *to)
{
	const struct environment *e = from->environment;
	*to = (struct journal_target){
		.environment = e->name,
		.kind = from->deliver ? JOURNAL_CONFIG : JOURNAL_DIRECT,
		.namespace = run->repo.namespace,
		.app = from->app,
		.timeout_ms = e->timeout_ms ? e->timeout_ms : PUSH_TIMEOUT_MS,
		.keep = e->on_failure == ENVIRONMENTS_FAILURE_KEEP,
	};
	/* By the environment: the App's own name may change when others come and go. Which place of a
	 * configuration repository it is, is seen before it is claimed (push_claim.c). */
	if (from->deliver) {
		to->url = from->deliver->url;
		to->key = arena_printf(&run->arena, "config %s", to->url);
	} else if (!e->path) {
		to->key = arena_printf(&run->arena, PUSH_CONTAINERS_KEY "%s/%s", run->repo.namespace,
				       run->repo.name);
	} else {
		to->key = arena_printf(&run->arena, "app %s/%s %s", run->repo.namespace, run->repo.name,
				       e->name);
	}
}

static void take_targets(struct push_run *run, const struct found *found)
{
	size_t n = found->list.n;
	run->targets = arena_array(&run->arena, struct push_target, n + 1);
	run->record.targets = arena_array(&run->arena, struct journal_target, n + 1);
	run->record.n_targets = run->n_targets = n;
	for (size_t i = 0; i < n; i++) {
		const struct receive_target *from = &found->list.at[i];
		fill_record(run, from, &run->record.targets[i]);
		run->targets[i] = (struct push_target){
			.record = &run->record.targets[i],
			.environment = from->environment,
			.deliver = from->deliver,
			.namespace = from->namespace,
			.commit = found->sha,
		};
	}
}

static int find_targets(struct checking *c, struct error *err)
{
	struct push_run *run = c->run;
	struct found found = { .sha = NULL };
	int rc = 0;
	for (size_t i = 0; i < run->record.n_refs && rc == 0; i++) {
		const struct journal_ref *ref = &run->record.refs[i];
		if (ref->new[0] && receive_branch(ref))
			rc = look_at_branch(c, &found, ref, err);
	}
	if (rc == 0)
		take_targets(run, &found);
	vec_release(&found.list);
	return rc;
}

/* --- environments --- */

struct noting {
	struct push_run *run;
	VEC(const char *) names;
};

static void note_image(void *ctx, const struct node *image)
{
	struct noting *n = ctx;
	struct str name = image_ref_split(node_text(image)).name;
	for (size_t i = 0; i < n->names.n; i++)
		if (str_is(name, n->names.at[i]))
			return;
	if (name.n)
		vec_push(&n->names, arena_strndup(&n->run->arena, name.p, name.n));
}

/* What the target needs later of its objects: which images they use, where it answers. */
static void note_objects(struct push_run *run, struct push_target *t, const struct render_output *objects)
{
	struct noting noting = { .run = run };
	for (size_t i = 0; i < objects->n; i++)
		images_of(objects->objects[i].root, note_image, &noting);
	t->images_used = arena_array(&run->arena, const char *, noting.names.n + 1);
	t->n_images_used = noting.names.n;
	for (size_t i = 0; i < noting.names.n; i++)
		t->images_used[i] = noting.names.at[i];
	vec_release(&noting.names);
	t->address = push_address(&run->arena, objects, t->namespace, &t->balancer);
}

static void tell_rendered(struct checking *c, const struct environment *e, const struct rendered_file *files,
			  size_t n)
{
	fprintf(c->printer.out,
		"%s is not what environment %s renders to (`capstan hook install` keeps it):\n", e->rendered,
		e->name);
	for (size_t i = 0; i < n && i < RENDERED_SHOWN_MAX; i++)
		fprintf(c->printer.out, "  %s\n", files[i].path);
	if (n > RENDERED_SHOWN_MAX)
		fprintf(c->printer.out, "  ... and %zu more\n", n - RENDERED_SHOWN_MAX);
	c->refused++;
}

static int check_rendered(struct checking *c, const struct commit_environment *made, struct error *err)
{
	struct rendered_file *files;
	size_t n = 0;
	if (!made->environment->rendered || made->output.n_errors)
		return 0;
	if (commit_rendered_changes(&c->run->arena, c->run->git_dir, c->run->targets[0].commit, made, &files,
				    &n, err) < 0)
		return -1;
	if (n)
		tell_rendered(c, made->environment, files, n);
	return 0;
}

static int check_target(struct checking *c, struct push_target *t, struct error *err)
{
	struct error why = ERROR_INIT;
	const struct environment *e = t->environment;
	if (push_is_containers(t))
		return 0;
	if (e->type == RENDER_EXEC) {
		tell_step(c->run->tell, "check", "%s: a program renders it; the operator will tell", e->name);
		return 0;
	}
	const struct commit_environment *made = commit_check_render(c->check, e, &why);
	if (!made) {
		tell_word(c->run->tell, "warning", "environment %s is not checked: %s", e->name, why.text);
		return 0;
	}
	note_objects(c->run, t, &made->output);
	t->n_objects = made->output.n;
	return check_rendered(c, made, err);
}

/* --- secrets --- */

static int check_secrets(struct checking *c, struct error *err)
{
	struct push_run *run = c->run;
	struct commit_secrets found;
	const char **heads = arena_array(&run->arena, const char *, run->record.n_refs + 1);
	const char *const *known;
	const struct environments *files[] = { &run->environments };
	struct commit_secrets_options options = {
		.git_dir = run->git_dir, .heads = heads, .files = files, .n_files = 1
	};
	const char *hosted = hosted_git_dir(&run->arena, run->home, run->record.repo);
	for (size_t i = 0; i < run->record.n_refs; i++)
		if (run->record.refs[i].new[0])
			heads[options.n_heads++] = run->record.refs[i].new;
	if (push_tree_tips(&run->arena, hosted, &known, &options.n_known, err) < 0)
		return -1;
	options.known = known;
	int rc = commit_secrets_scan(&options, &found, err);
	for (size_t i = 0; rc == 0 && i < found.n; i++)
		print_findings(&c->printer, &found.list[i].result, found.list[i].sha);
	commit_secrets_release(&found);
	return rc;
}

/* --- the check --- */

static int check_all(struct checking *c, struct error *err)
{
	struct check_result result;
	const struct commit_environment *const *made;
	struct push_run *run = c->run;
	for (size_t i = 0; i < run->n_targets; i++)
		if (run->targets[i].record->kind == JOURNAL_DIRECT &&
		    check_target(c, &run->targets[i], err) < 0)
			return -1;
	if (c->check && commit_check_rendered(c->check, &made) > 0) {
		if (commit_check_finish(c->check, &result, err) < 0)
			return -1;
		print_findings(&c->printer, &result, NULL);
	}
	if (check_secrets(c, err) < 0)
		return -1;
	print_findings_rest(&c->printer);
	return 0;
}

static void tell_good(const struct checking *c)
{
	cleanup_buf struct buf line = BUF_INIT;
	const struct push_run *run = c->run;
	for (size_t i = 0; i < run->n_targets; i++)
		if (run->targets[i].n_objects)
			buf_printf(&line, "%s%s: %zu object%s", line.n ? ", " : "",
				   run->targets[i].record->environment, run->targets[i].n_objects,
				   run->targets[i].n_objects == 1 ? "" : "s");
	if (line.n && c->printer.warnings)
		buf_printf(&line, ", %zu warning%s (`capstan check` tells them)", c->printer.warnings,
			   c->printer.warnings == 1 ? "" : "s");
	if (line.n)
		tell_step(run->tell, "check", "%s", line.p);
}

static int run_check(struct checking *c, struct error *err)
{
	c->printer = (struct findings_printer){ .out = open_memstream(&c->text, &c->size),
						.style = { .width = 80, .height = 24 } };
	int rc = check_all(c, err);
	fclose(c->printer.out);
	struct str rest = { c->text, c->size };
	while (rest.n)
		tell_plain(c->run->tell, str_cut(rest, '\n', &rest));
	free(c->text);
	print_findings_release(&c->printer);
	if (rc == 0 && c->printer.errors)
		return error_set(err, "the check found %zu error%s; nothing was changed", c->printer.errors,
				 c->printer.errors == 1 ? "" : "s");
	if (rc == 0 && c->refused)
		return error_set(err, "what is kept rendered is not what it renders to; nothing was changed");
	if (rc == 0)
		tell_good(c);
	return rc;
}

/* --- the machine's times --- */

static void configure(struct push_run *run)
{
	struct push_config config = { .nothing = run->n_targets == 0,
				      .keep = run->n_targets > 0,
				      .timeout_ms = CHECK_TIME_MS,
				      .undo_timeout_ms = PUSH_UNDO_TIMEOUT_MS };
	int64_t longest = 0, build = 0;
	for (size_t i = 0; i < run->n_targets; i++) {
		const struct journal_target *t = run->targets[i].record;
		config.keep = config.keep && t->keep;
		longest = t->timeout_ms > longest ? t->timeout_ms : longest;
	}
	for (size_t i = 0; i < run->environments.n_builds; i++) {
		int64_t one = run->environments.builds[i].timeout_ms;
		build += one ? one : BUILD_TIMEOUT_MS;
	}
	run->builds = build > 0 || (run->n_targets && run->targets[0].environment->line == 0);
	if (run->n_targets)
		config.timeout_ms += longest + (build < BUILD_TIME_MAX_MS ? build : BUILD_TIME_MAX_MS);
	push_machine_configure(&run->machine, &config);
}

static void tell_nothing(struct push_run *run)
{
	bool deleted = run->record.n_refs > 0, any = false;
	for (size_t i = 0; i < run->record.n_refs; i++) {
		deleted = deleted && !run->record.refs[i].new[0];
		any = any || receive_branch(&run->record.refs[i]);
	}
	tell_step(run->tell, "check", "%s",
		  deleted ? "what is deleted deploys nothing; what it deployed stays"
		  : any	  ? "no environment of " ENVIRONMENTS_FILE " has this branch: nothing is deployed"
			  : "no branch is pushed: nothing is deployed");
}

enum step_outcome push_check(struct push_run *run, struct error *err)
{
	struct checking c = { .run = run, .bases.offline = true };
	int rc = check_refs(run, err);
	if (rc == 0)
		rc = find_targets(&c, err);
	if (rc == 0)
		rc = run_check(&c, err);
	if (rc == 0 && !run->n_targets)
		tell_nothing(run);
	configure(run);
	bases_release(&c.bases);
	return rc < 0 ? STEP_FAILED : STEP_OK;
}
