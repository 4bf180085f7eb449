/*
 * hook_summary_ask.c - asks one cluster what a push will change in it: a dry run of each object, as `capstan
 * diff` does. Whatever goes wrong is silence: the push does not depend on it.
 *
 * The deadlines are alarms, which end the process wherever it is: in a resolver, or in a program that logs
 * in.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cmd/apps.h"
#include "cmd/commit_check.h"
#include "cmd/deploy_repo.h"
#include "cmd/diff.h"
#include "cmd/hook_input.h"
#include "cmd/hook_summary.h"
#include "cmd/print_diff.h"
#include "cmd/value_source.h"
#include "deploy/key.h"
#include "operator/rendered.h"

#define NAMES_SHOWN 10u /* objects of one environment */
#define OWN_PREFIX "capstan.dev/"

struct asking {
	struct cli *cli;
	struct cluster cluster;
	const char *git_dir, *url;
	struct bases bases;
	FILE *nowhere; /* print_diff() tells whether there is a difference, and prints it */
};

struct changes {
	size_t added, changed, removed, unknown;
	struct buf names;
	size_t shown;
};

/* --- one environment --- */

static void drop_own(struct node *object, const char *part)
{
	struct node *map = node_get(node_get(object, "metadata"), part);
	for (size_t i = map && map->type == NODE_MAP ? map->map.n : 0; i-- > 0;)
		if (str_starts(map->map.pairs[i].key, STR(OWN_PREFIX)))
			node_del(map, map->map.pairs[i].key);
	if (map && node_count(map) == 0)
		node_del(node_get(object, "metadata"), str_of(part));
}

/* Without the labels that say which App it is of: that is no matter of the push. */
static struct node *without_owner(struct arena *a, const struct node *object)
{
	struct node *clean = comparison_clean(a, object);
	if (clean) {
		drop_own(clean, "labels");
		drop_own(clean, "annotations");
	}
	return clean;
}

static bool differs(struct asking *q, const struct compared *c)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct style plain = { .width = 80, .height = 24 };
	struct diff_object o = {
		.name = "",
		.place = "",
		.git = without_owner(&a, c->git),
		.cluster = without_owner(&a, c->live),
	};
	return print_diff(q->nowhere, &plain, &o);
}

static void count(struct asking *q, const struct compared *c, struct changes *to)
{
	cleanup_arena struct arena a = ARENA_INIT;
	char sign = '~';
	if (c->failure) {
		to->unknown++;
		return;
	}
	if ((!c->git && !c->live) || (c->git && c->live && !differs(q, c)))
		return;
	if (!c->live) {
		to->added++;
		sign = '+';
	} else if (!c->git) {
		to->removed++;
		sign = '-';
	} else {
		to->changed++;
	}
	if (to->shown++ >= NAMES_SHOWN)
		return;
	buf_printf(&to->names, "    %c ", sign);
	style_safe(&to->names, str_of(key_display(&a, c->key)), false);
	buf_addc(&to->names, '\n');
}

static void tell(struct asking *q, const char *environment, const char *app, const struct changes *n)
{
	cleanup_buf struct buf line = BUF_INIT;
	buf_adds(&line, "  ");
	style_safe(&line, str_of(environment), false);
	if (app) {
		buf_adds(&line, " (");
		style_safe(&line, str_of(app), false);
		buf_addc(&line, ')');
	}
	if (n->added + n->changed + n->removed)
		buf_printf(&line, ": %zu added, %zu changed, %zu removed", n->added, n->changed, n->removed);
	else
		buf_adds(&line, ": nothing changes in the cluster");
	if (n->unknown)
		buf_printf(&line, "; %zu refused by the API server (`capstan check --cluster` tells why)",
			   n->unknown);
	fprintf(q->cli->out, "%s\n%s", line.p, n->names.p ? n->names.p : "");
	if (n->shown > NAMES_SHOWN)
		fprintf(q->cli->out, "    ... and %zu more\n", n->shown - NAMES_SHOWN);
}

static void compare(struct asking *q, struct comparison *comparison, const char *environment, const char *app)
{
	struct error err = ERROR_INIT;
	struct changes changes = { 0 };
	comparison->cluster = &q->cluster;
	comparison->prune = true;
	if (comparison_run(comparison, &err) == 0) {
		for (size_t i = 0; i < comparison->n; i++)
			count(q, &comparison->all[i], &changes);
		/* Where nothing may be asked at all, there is nothing to tell. */
		if (!comparison->n || changes.unknown < comparison->n)
			tell(q, environment, app, &changes);
	}
	comparison_release(comparison);
	buf_release(&changes.names);
}

static void compare_with_app(struct asking *q, const struct commit_environment *made, const char *key)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct checkout co = { .output = made->output };
	struct str name, namespace = str_cut(str_of(key), '/', &name);
	struct error err = ERROR_INIT;
	struct reply reply;
	struct kube_request request =
		apps_request(KUBE_GET, arena_str(&a, namespace).p, arena_str(&a, name).p);
	cluster_call(&q->cluster, &a, &request, &reply);
	if (reply.result == KUBE_OK && app_spec_read(&co.arena, reply.body, &co.app, &err) == 0 &&
	    checkout_inventory(&q->cluster, reply.body, &co, &err) == 0) {
		struct comparison comparison = { .name = co.app.name, .checkout = &co };
		q->cluster.namespace = co.app.namespace;
		compare(q, &comparison, made->environment->name, key);
	}
	co.output = (struct render_output){ 0 };
	checkout_release(&co);
}

static void compare_environment(struct asking *q, const struct commit_environment *made)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const struct environment *e = made->environment;
	struct error err = ERROR_INIT;
	struct deploy_apps apps = { 0 };
	struct deploy_repo repo = {
		.options.url = arena_strdup(&a, q->url),
		.branch = arena_strdup(&a, e->branch ? e->branch : ""),
		.path = arena_strdup(&a, rendered_path(&a, e->path)),
		.environment = e->name,
	};
	const char *namespace = q->cluster.namespace;
	if (*q->url && deploy_repo_apps(&q->cluster, &a, &repo, NULL, &apps, &err) < 0)
		apps.n = 0;
	for (size_t i = 0; i < apps.n; i++)
		compare_with_app(q, made, apps.keys[i]);
	if (apps.n == 0) {
		struct comparison comparison = { .name = e->name, .output = &made->output };
		q->cluster.namespace = e->namespace ? e->namespace : namespace;
		compare(q, &comparison, e->name, NULL);
	}
	q->cluster.namespace = namespace;
}

/* --- all of them --- */

static int read_values(void *ctx, const struct environment *e, struct substitute_values *out,
		       struct error *err)
{
	struct asking *q = ctx;
	const char *namespace = e->namespace ? e->namespace : q->cluster.namespace;
	for (size_t i = 0; i < e->n_from; i++)
		if (environment_source_get(&q->cluster, out->a, namespace, &e->from[i], out, err) < 0)
			return -1;
	return 0;
}

static void ask_about(struct asking *q, const char *sha, struct str name)
{
	struct error err = ERROR_INIT;
	struct commit_check_options options = {
		.git_dir = q->git_dir, .sha = sha, .bases = &q->bases, .values = read_values, .ctx = q
	};
	struct commit_check *c = commit_check_open(&options, &err);
	const struct environments *all = c ? commit_check_file(c) : NULL;
	const struct environment *e = all ? environments_find(all, name, &err) : NULL;
	/* Programs have run once already, for the check. */
	const struct commit_environment *made =
		e && e->type != RENDER_EXEC ? commit_check_render(c, e, &err) : NULL;
	if (made && !made->output.n_errors)
		compare_environment(q, made);
	commit_check_free(c);
}

int hook_summary_ask(struct cli *cli, const char *git_dir, const char *url)
{
	struct asking q = { .cli = cli, .git_dir = git_dir, .url = url, .bases.offline = true };
	struct error err = ERROR_INIT;
	cleanup_buf struct buf input = BUF_INIT;
	alarm(HOOK_SUMMARY_REACH_S);
	bool good = hook_input_text(&input, &err) == 0 && cluster_open(&q.cluster, cli, 0, &err) == 0 &&
		    cluster_discover(&q.cluster, &err) == 0;
	alarm(HOOK_SUMMARY_TIME_S);
	q.nowhere = good ? fopen("/dev/null", "we") : NULL;
	struct str rest = buf_str(&input);
	while (q.nowhere && rest.n) {
		cleanup_arena struct arena a = ARENA_INIT;
		struct str name, line = str_cut(rest, '\n', &rest);
		struct str sha = str_cut(line, ' ', &name);
		ask_about(&q, arena_str(&a, sha).p, name);
	}
	if (q.nowhere)
		fclose(q.nowhere);
	bases_release(&q.bases);
	cluster_close(&q.cluster);
	return good ? EXIT_OK : EXIT_TROUBLE;
}
