/*
 * init_choose.c - environments by the habits of repositories:
 *
 *   1. Kustomizations that no other one uses, and those right below a directory named overlays, environments,
 *      envs, clusters or deploy.
 *   2. In the same places, directories of plain manifests.
 *   3. Where there is neither: the topmost directories with manifests.
 *
 * Bases, components, charts, tests and examples are none.
 */
#include "cmd/init_choose.h"

#include "cmd/command.h"
#include "render/environments.h"

void choices_release(struct choices *c)
{
	vec_release(&c->list);
	vec_release(&c->notes);
}

static bool is_among(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

static const char *const groups[] = { "overlays", "environments", "envs", "clusters", "deploy", NULL };
static const char *const shared[] = { "base", "bases", "common", "components", "shared", "crds", NULL };
static const char *const asides[] = { "test",	 "tests", "testdata",  "example",  "examples", "docs", "doc",
				      "samples", "hack",  "templates", "fixtures", "scripts",  NULL };

static struct look_dir *find(struct look *l, const char *path)
{
	return path ? map_get(&l->by_path, str_of(path)) : NULL;
}

/* Whether d, or a directory above it, is aside of what is deployed. */
static bool is_aside(struct look *l, const struct look_dir *d)
{
	for (const char *at = d->path; at; at = look_parent(l->a, at))
		if (is_among(look_name(at), asides))
			return true;
	return false;
}

static bool is_in_group(struct look *l, const struct look_dir *d)
{
	const char *parent = look_parent(l->a, d->path);
	return parent && is_among(look_name(parent), groups) && !is_among(look_name(d->path), shared);
}

static bool is_chosen(const struct choices *c, const struct look_dir *d)
{
	for (size_t i = 0; i < c->list.n; i++)
		if (c->list.at[i].dir == d)
			return true;
	return false;
}

/* Whether d, or a directory above it, is rendered by something else than plain manifests, or is chosen. */
static bool is_taken(struct look *l, const struct choices *c, const struct look_dir *d)
{
	for (const char *at = d->path; at; at = look_parent(l->a, at)) {
		const struct look_dir *above = find(l, at);
		if (above && (above->kustomization || above->chart || is_chosen(c, above)))
			return true;
	}
	return d->used;
}

static bool is_below(const struct look_dir *d, const struct look_dir *top)
{
	size_t n = strlen(top->path);
	return strcmp(top->path, ".") == 0 ||
	       (strncmp(d->path, top->path, n) == 0 && (d->path[n] == '/' || !d->path[n]));
}

static void add(struct choices *c, const struct look_dir *d, const char *why)
{
	if (c->list.n >= ENVIRONMENTS_MAX)
		return;
	vec_push(&c->list, ((struct choice){ .dir = d, .why = why }));
}

/* --- the three ways --- */

static void choose_kustomizations(struct look *l, struct choices *c)
{
	for (size_t i = 0; i < l->dirs.n; i++) {
		const struct look_dir *d = l->dirs.at[i];
		if (!d->kustomization || d->component || is_aside(l, d))
			continue;
		if (is_in_group(l, d))
			add(c, d, arena_printf(l->a, "a kustomization in %s", look_parent(l->a, d->path)));
		else if (!d->used)
			add(c, d, "a kustomization that no other one uses");
	}
}

/* Manifests in d or below it, and nothing that needs another way to render. */
static bool is_plain(struct look *l, const struct choices *c, const struct look_dir *d)
{
	bool manifests = false;
	for (size_t i = 0; i < l->dirs.n; i++) {
		const struct look_dir *other = l->dirs.at[i];
		if (!is_below(other, d))
			continue;
		if (other->kustomization || other->chart)
			return false;
		manifests |= other->manifests && !is_taken(l, c, other);
	}
	return manifests;
}

static void choose_plain_groups(struct look *l, struct choices *c)
{
	for (size_t i = 0; i < l->dirs.n; i++) {
		const struct look_dir *d = l->dirs.at[i];
		const struct look_dir *parent = find(l, look_parent(l->a, d->path));
		/* deploy/ with manifests of its own is one thing, and what is below it belongs to it. */
		if (is_in_group(l, d) && !is_aside(l, d) && !parent->manifests && !is_taken(l, c, d) &&
		    is_plain(l, c, d))
			add(c, d, arena_printf(l->a, "plain manifests in %s", parent->path));
	}
}

static void choose_plain(struct look *l, struct choices *c)
{
	for (size_t i = 0; i < l->dirs.n; i++) {
		const struct look_dir *d = l->dirs.at[i];
		if (d->manifests && !is_aside(l, d) && !is_taken(l, c, d) && is_plain(l, c, d))
			add(c, d, "plain manifests");
	}
}

/* --- names --- */

static const char *clean_name(struct arena *a, const char *text)
{
	char name[COMMAND_APP_NAME_MAX], *flat = arena_strdup(a, text);
	for (char *p = flat; *p; p++)
		if (*p == '/')
			*p = '-';
	command_app_name(flat, name);
	return arena_strdup(a, name);
}

static const char *short_name(struct look *l, const struct look_dir *d)
{
	return clean_name(l->a, look_name(strcmp(d->path, ".") == 0 ? l->root : d->path));
}

/* web-prod for apps/web/overlays/prod; else the whole path. */
static const char *long_name(struct look *l, const struct look_dir *d)
{
	const char *group = look_parent(l->a, d->path), *owner = group ? look_parent(l->a, group) : NULL;
	if (is_in_group(l, d) && owner && strcmp(owner, ".") != 0)
		return clean_name(l->a, arena_printf(l->a, "%s-%s", look_name(owner), look_name(d->path)));
	return clean_name(l->a, d->path);
}

static size_t count_name(const struct choices *c, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < c->list.n; i++)
		n += c->list.at[i].name && strcmp(c->list.at[i].name, name) == 0;
	return n;
}

static const char *numbered(struct look *l, const struct choices *c, const char *name)
{
	const char *with = name;
	for (unsigned i = 2; count_name(c, with); i++)
		with = arena_printf(l->a, "%s-%u", name, i);
	return with;
}

static void give_names(struct look *l, struct choices *c)
{
	const char **names = arena_array(l->a, const char *, c->list.n + 1);
	for (size_t i = 0; i < c->list.n; i++)
		c->list.at[i].name = short_name(l, c->list.at[i].dir);
	for (size_t i = 0; i < c->list.n; i++) {
		const struct choice *one = &c->list.at[i];
		names[i] = count_name(c, one->name) > 1 ? long_name(l, one->dir) : one->name;
	}
	for (size_t i = 0; i < c->list.n; i++)
		c->list.at[i].name = NULL;
	for (size_t i = 0; i < c->list.n; i++)
		c->list.at[i].name = numbered(l, c, names[i]);
}

/* --- what else is there --- */

static void note_rest(struct look *l, struct choices *c)
{
	for (size_t i = 0; i < l->dirs.n; i++) {
		const struct look_dir *d = l->dirs.at[i];
		if (d->chart && !is_aside(l, d))
			vec_push(
				&c->notes,
				arena_printf(
					l->a,
					"%s: a Helm chart, left out: Helm is not native yet; render it by a program "
					"(render: {type: exec, command: [helm, template, .]}) or commit what "
					"`helm template` prints",
					d->path));
		else if (d->manifests && !is_aside(l, d) && !is_taken(l, c, d))
			vec_push(&c->notes,
				 arena_printf(
					 l->a,
					 "%s: plain manifests, left out: add an environment if they are one",
					 d->path));
	}
	if (l->cut || c->list.n >= ENVIRONMENTS_MAX)
		vec_push(&c->notes, "the repository is large: not all of it was looked at");
}

void choose(struct look *l, struct choices *out)
{
	*out = (struct choices){ 0 };
	choose_kustomizations(l, out);
	choose_plain_groups(l, out);
	if (out->list.n == 0)
		choose_plain(l, out);
	give_names(l, out);
	note_rest(l, out);
}

/* --- the file --- */

/* A text that YAML reads as itself: in quotes when in doubt. */
static void add_text(struct buf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/.";
	bool safe = text[strspn(text, plain)] == '\0' &&
		    ((*text >= 'a' && *text <= 'z') || strcmp(text, ".") == 0);
	if (safe) {
		buf_adds(out, text);
		return;
	}
	buf_addc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_addc(out, '\'');
		buf_addc(out, *text);
	}
	buf_addc(out, '\'');
}

static void add_field(struct buf *out, const char *field, const char *text)
{
	if (!text)
		return;
	buf_printf(out, "    %s: ", field);
	add_text(out, text);
	buf_addc(out, '\n');
}

void choices_write(const struct look *l, const struct choices *c, struct buf *out)
{
	buf_adds(out,
		 "# Which branch deploys which directory to where. `capstan check --all` checks all of it.\n"
		 "environments:\n");
	for (size_t i = 0; i < c->list.n; i++) {
		const struct choice *one = &c->list.at[i];
		buf_adds(out, "  ");
		add_text(out, one->name);
		buf_printf(out, ": # %s\n", one->why);
		add_field(out, "branch", l->branch);
		add_field(out, "path", one->dir->path);
		add_field(out, "namespace", one->dir->namespace);
	}
}
