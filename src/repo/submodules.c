/*
 * submodules.c - the submodules of the commits that are wanted, fetched into the same mirror.
 *
 * For each commit: `git config` reads its .gitmodules (no includes are followed), its gitlinks say which
 * commits are meant, and each that is not there is fetched by its SHA. Submodules have submodules: what was
 * fetched is looked at in the same way. A URL is relative to that of the repository around it, or absolute; a
 * path of this machine is only followed from a repository that itself is one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "repo/objects.h"
#include "repo/remote_internal.h"

enum {
	DEPTH_MAX = 8,	  /* submodules of submodules of ... */
	VISITS_MAX = 500, /* commits looked at in one fetch */
	LIST_MAX = 256 * 1024,
	CONFIG_TIMEOUT_MS = 10000,
};

struct visit {
	char sha[SHA_HEX_MAX + 1];
	char *url;	  /* where it came from */
	const char *path; /* of the submodule, for messages; "" for the commits that are wanted */
	unsigned depth;
	bool looked; /* its .gitmodules was read */
	bool there;
};

struct submodules {
	VEC(struct visit) visits; /* the first n_wants are what the apps want */
	size_t n_wants, at;
	struct arena arena;
};

void submodules_free(struct submodules *s)
{
	if (!s)
		return;
	vec_release(&s->visits);
	arena_release(&s->arena);
	free(s);
}

static void end(struct repo_remote *r, const char *error)
{
	struct submodules *s = r->submodules;
	r->submodules = NULL;
	remote_fetched(r, error);
	submodules_free(s);
}

void submodules_begin(struct repo_remote *r, const struct resolved *wants, size_t n)
{
	submodules_free(r->submodules);
	struct submodules *s = r->submodules = mem_alloc(sizeof(*s));
	for (size_t i = 0; i < n; i++) {
		struct visit v = { .url = arena_strdup(&s->arena, r->url), .path = "", .there = true };
		snprintf(v.sha, sizeof(v.sha), "%s", wants[i].sha);
		vec_push(&s->visits, v);
	}
	s->n_wants = n;
}

/* --- URLs --- */

static bool is_of_this_machine(const char *url)
{
	return url[0] == '/' || strncmp(url, "file://", 7) == 0;
}

/* "../lib.git" against "https://host/team/app.git" is "https://host/team/lib.git". */
static const char *resolve_url(struct arena *a, const char *base, const char *url)
{
	if (strncmp(url, "./", 2) != 0 && strncmp(url, "../", 3) != 0)
		return url;
	size_t n = strlen(base);
	while (n && base[n - 1] == '/')
		n--;
	for (;;) {
		if (strncmp(url, "./", 2) == 0) {
			url += 2;
		} else if (strncmp(url, "../", 3) == 0) {
			url += 3;
			while (n && base[n - 1] != '/' && base[n - 1] != ':')
				n--;
			while (n > 1 && base[n - 1] == '/')
				n--;
		} else {
			bool scp = n && base[n - 1] == ':';
			return arena_printf(a, "%.*s%s%s", (int)n, base, scp ? "" : "/", url);
		}
	}
}

static int check_url(const struct repo_remote *r, const struct visit *parent, const char *url,
		     struct error *err)
{
	if (is_of_this_machine(url) && !is_of_this_machine(parent->url))
		return error_set(err, "its url is a path of this machine");
	if (remote_check_url(url, err) < 0)
		return -1;
	return r->check ? r->check(r->check_ctx, url, err) : 0;
}

/* --- what a commit has --- */

/* The SHA that the commit's tree has at path, if it is a gitlink. */
static bool gitlink_at(struct objects *o, const char *sha, const char *path, char out[SHA_HEX_MAX + 1])
{
	git_oid oid;
	cleanup_tree git_tree *root = NULL;
	git_tree_entry *entry = NULL;
	if (git_oid_fromstr(&oid, sha) < 0 || objects_commit_tree(o, &oid, &root, NULL) < 0)
		return false;
	bool found = git_tree_entry_bypath(&entry, root, path) == 0 &&
		     git_tree_entry_filemode(entry) == GIT_FILEMODE_COMMIT;
	if (found)
		snprintf(out, SHA_HEX_MAX + 1, "%s", git_oid_tostr_s(git_tree_entry_id(entry)));
	git_tree_entry_free(entry);
	return found;
}

static bool has_gitmodules(struct objects *o, const char *sha)
{
	git_oid oid;
	cleanup_tree git_tree *root = NULL;
	if (git_oid_fromstr(&oid, sha) < 0 || objects_commit_tree(o, &oid, &root, NULL) < 0)
		return false;
	const git_tree_entry *entry = git_tree_entry_byname(root, ".gitmodules");
	return entry && git_tree_entry_type(entry) == GIT_OBJECT_BLOB;
}

static bool is_visited(const struct submodules *s, const char *sha)
{
	for (size_t i = s->n_wants; i < s->visits.n; i++)
		if (strcmp(s->visits.at[i].sha, sha) == 0)
			return true;
	return false;
}

static int add_visit(struct repo_remote *r, struct objects *o, struct visit parent, struct str path,
		     struct str url, struct error *err)
{
	struct submodules *s = r->submodules;
	struct visit v = { .depth = parent.depth + 1 };
	v.path = arena_printf(&s->arena, "%s%s%.*s", parent.path, *parent.path ? "/" : "", STR_ARG(path));
	if (!gitlink_at(o, parent.sha, arena_strndup(&s->arena, path.p, path.n), v.sha) ||
	    is_visited(s, v.sha))
		return 0; /* listed, and not (or no more) part of the tree */
	char *text = arena_strndup(&s->arena, url.p, url.n);
	v.url = arena_strdup(&s->arena, resolve_url(&s->arena, parent.url, text));
	if (check_url(r, &parent, v.url, err) < 0)
		return error_wrap(err, "submodule %s", v.path);
	if (v.depth > DEPTH_MAX || s->visits.n >= VISITS_MAX)
		return error_set(
			err,
			"submodule %s: submodules are nested more than %d deep, or there are more than %d",
			v.path, DEPTH_MAX, VISITS_MAX);
	git_tree *tree;
	git_oid oid;
	if (git_oid_fromstr(&oid, v.sha) == 0 && objects_module(o, &oid, &tree) == 0) {
		v.there = true;
		git_tree_free(tree);
	}
	vec_push(&s->visits, v);
	return 0;
}

struct module {
	struct str name, path, url;
};

/* `git config -z --get-regexp`: "submodule.NAME.path\nVALUE\0". */
static size_t read_modules(struct arena *a, struct str text, struct module **out)
{
	size_t n = 0, cap = 0;
	for (size_t i = 0; i < text.n; i++)
		cap += text.p[i] == '\0';
	struct module *all = arena_array(a, struct module, cap + 1);
	while (text.n) {
		struct str value, line = str_cut(text, '\0', &text);
		struct str key = str_cut(line, '\n', &value);
		bool is_path = str_ends(key, STR(".path"));
		struct str name = { key.p, key.n - (is_path ? 5 : 4) };
		size_t i = 0;
		while (i < n && !str_eq(all[i].name, name))
			i++;
		if (i == n)
			all[n++] = (struct module){ .name = name };
		*(is_path ? &all[i].path : &all[i].url) = value;
	}
	*out = all;
	return n;
}

static void go_on(struct repo_remote *r);

static void on_modules(void *arg, const struct process_result *result)
{
	struct repo_remote *r = arg;
	struct submodules *s = r->submodules;
	struct visit visit = s->visits.at[s->at];
	struct error err = ERROR_INIT;
	struct objects o;
	struct module *modules;
	r->child = NULL;
	/* 1: no such key. */
	cleanup_free char *failure =
		result->exit_code == 1 ? NULL : remote_failure(r, "read .gitmodules", visit.url, result);
	if (failure || objects_open(&o, r->mirror, &err) < 0) {
		end(r, failure ? failure : err.text);
		return;
	}
	size_t n = read_modules(&s->arena, result->out, &modules);
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		if (modules[i].path.n && modules[i].url.n)
			rc = add_visit(r, &o, visit, modules[i].path, modules[i].url, &err);
	objects_close(&o);
	s->visits.at[s->at].looked = true;
	if (rc < 0)
		end(r, err.text);
	else
		go_on(r);
}

static void look(struct repo_remote *r, const struct visit *v)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *argv[] = { "git",
			       "config",
			       "-z",
			       "--blob",
			       arena_printf(&a, "%s:.gitmodules", v->sha),
			       "--get-regexp",
			       "^submodule\\..*\\.(path|url)$",
			       NULL };
	remote_run(r, argv, CONFIG_TIMEOUT_MS, LIST_MAX, on_modules);
}

/* --- fetching --- */

static void on_fetched(void *arg, const struct process_result *result)
{
	struct repo_remote *r = arg;
	struct visit *v = &r->submodules->visits.at[r->submodules->at];
	r->child = NULL;
	cleanup_buf struct buf what = BUF_INIT;
	buf_printf(&what, "fetch submodule %s", v->path);
	cleanup_free char *failure = remote_fetch_failure(r, what.p, v->url, result);
	if (failure) {
		end(r, failure);
		return;
	}
	v->there = true;
	go_on(r);
}

static void fetch(struct repo_remote *r, const struct visit *v)
{
	cleanup_arena struct arena a = ARENA_INIT;
	const char *refspecs[] = { arena_printf(&a, "+%s:" OBJECTS_MODULE_REF "%s", v->sha, v->sha), NULL };
	remote_run_fetch(r, v->url, refspecs, on_fetched);
}

static bool is_needed(const struct submodules *s, const char *name)
{
	bool module = strncmp(name, OBJECTS_MODULE_REF, strlen(OBJECTS_MODULE_REF)) == 0;
	const char *sha = name + strlen(module ? OBJECTS_MODULE_REF : OBJECTS_COMPLETE_REF);
	for (size_t i = module ? s->n_wants : 0; i < (module ? s->visits.n : s->n_wants); i++)
		if (strcmp(s->visits.at[i].sha, sha) == 0)
			return true;
	return false;
}

/* What no commit needs any more: the clean-up that follows then removes the objects. */
static void drop_old(struct submodules *s, struct objects *o)
{
	static const char *const globs[] = { OBJECTS_MODULE_REF "*", OBJECTS_COMPLETE_REF "*" };
	for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
		git_reference_iterator *all = NULL;
		git_reference *ref;
		if (git_reference_iterator_glob_new(&all, o->repository, globs[i]) < 0)
			continue;
		while (git_reference_next(&ref, all) == 0) {
			if (!is_needed(s, git_reference_name(ref)))
				git_reference_delete(ref);
			git_reference_free(ref);
		}
		git_reference_iterator_free(all);
	}
}

/* Every commit that is wanted has all it needs. */
static void keep_all(struct repo_remote *r)
{
	struct submodules *s = r->submodules;
	struct error err = ERROR_INIT;
	struct objects o;
	if (objects_open(&o, r->mirror, &err) < 0) {
		end(r, err.text);
		return;
	}
	int rc = 0;
	for (size_t i = 0; i < s->n_wants && rc == 0; i++)
		rc = objects_keep(&o, OBJECTS_COMPLETE_REF, s->visits.at[i].sha, &err);
	if (rc == 0 && (r->fetches + 1) % REMOTE_GC_AFTER == 0)
		drop_old(s, &o);
	objects_close(&o);
	end(r, rc < 0 ? err.text : NULL);
}

static void go_on(struct repo_remote *r)
{
	struct submodules *s = r->submodules;
	struct error err = ERROR_INIT;
	struct objects o;
	if (objects_open(&o, r->mirror, &err) < 0) {
		end(r, err.text);
		return;
	}
	for (; s->at < s->visits.n; s->at++) {
		struct visit *v = &s->visits.at[s->at];
		if (!v->there || (!v->looked && has_gitmodules(&o, v->sha)))
			break;
	}
	objects_close(&o);
	if (s->at == s->visits.n)
		keep_all(r);
	else if (!s->visits.at[s->at].there)
		fetch(r, &s->visits.at[s->at]);
	else
		look(r, &s->visits.at[s->at]);
}

void submodules_continue(struct repo_remote *r)
{
	go_on(r);
}
