/* hydrate.c - see hydrate.h. */
#include "operator/hydrate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "deploy/cluster/kinds.h"
#include "deploy/key.h"
#include "doc/yaml.h"
#include "repo/remote.h"

enum { HASH_DIGITS = 10, SUBJECT_MAX = 100, SHORT_SHA = 12 };

/* --- names --- */

static bool in_list(struct str text, const char *const *list)
{
	for (; *list; list++)
		if (str_is(text, *list))
			return true;
	return false;
}

/*
 * Groups whose kinds are known by their kind alone. A fixed list: a kind that Kubernetes adds later must not
 * rename the files of a custom one. events.k8s.io is not in it, because Event is in the core group, too.
 */
static bool is_plain_group(struct str group)
{
	static const char *const groups[] = { "",
					      "apps",
					      "batch",
					      "autoscaling",
					      "policy",
					      "networking.k8s.io",
					      "rbac.authorization.k8s.io",
					      "storage.k8s.io",
					      "scheduling.k8s.io",
					      "coordination.k8s.io",
					      "discovery.k8s.io",
					      "node.k8s.io",
					      "admissionregistration.k8s.io",
					      "apiextensions.k8s.io",
					      "apiregistration.k8s.io",
					      "certificates.k8s.io",
					      "flowcontrol.apiserver.k8s.io",
					      NULL };
	return in_list(group, groups);
}

/* Names that are devices on Windows, whatever follows a dot. */
static bool is_device(struct str name)
{
	static const char *const devices[] = { "con",  "prn",  "aux",  "nul",  "com1", "com2", "com3", "com4",
					       "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2", "lpt3",
					       "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", NULL };
	return in_list(name, devices);
}

/* Adds letters, digits and what is in `also`, others as "_"; true: all of it is safe. */
static bool add_safe(struct buf *out, struct str text, const char *also, bool capitals)
{
	bool safe = text.n > 0;
	if (!safe)
		buf_addc(out, '_');
	for (size_t i = 0; i < text.n && i < HYDRATE_NAME_MAX; i++) {
		char c = text.p[i];
		bool lower = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr(also, c));
		bool upper = c >= 'A' && c <= 'Z';
		safe = safe && (lower || (upper && capitals));
		buf_addc(out, lower || upper ? c : '_');
	}
	return safe && text.n <= HYDRATE_NAME_MAX;
}

static void add_hash(struct buf *out, const struct render_object *o, const char *namespace)
{
	char hex[HASH_HEX_LEN + 1];
	struct str parts[] = { o->group, o->kind, o->namespace.n ? o->namespace : str_of(namespace),
			       o->name };
	hash_hex(hash_parts(parts, 4), hex);
	if (out->n > HYDRATE_NAME_MAX - HASH_DIGITS - 1)
		out->n = HYDRATE_NAME_MAX - HASH_DIGITS - 1;
	buf_printf(out, "-%.*s", HASH_DIGITS, hex);
}

static void add_directory(struct buf *out, const struct render_object *o, const char *namespace)
{
	struct str ns = o->namespace.n ? o->namespace : str_of(namespace);
	if (!o->namespace.n && kind_scope(o->group, o->kind) == 0) {
		buf_adds(out, "_cluster");
		return;
	}
	if (!ns.n) {
		buf_adds(out, "_none");
		return;
	}
	if (add_safe(out, ns, "-", false) && !is_device(ns))
		return;
	struct render_object only = { .namespace = ns };
	add_hash(out, &only, "");
}

static char *path_of(struct arena *a, const struct render_object *o, const char *namespace, bool hashed)
{
	cleanup_buf struct buf dir = BUF_INIT, file = BUF_INIT;
	add_directory(&dir, o, namespace);
	bool safe = add_safe(&file, o->kind, "", true);
	if (!is_plain_group(o->group)) {
		buf_addc(&file, '.');
		safe &= add_safe(&file, o->group, ".-", false);
	}
	buf_addc(&file, '-');
	safe &= add_safe(&file, o->name, ".-", false);
	if (!safe || hashed || file.n > HYDRATE_NAME_MAX)
		add_hash(&file, o, namespace);
	return arena_printf(a, "%s/%.*s.yaml", dir.p, (int)file.n, file.p);
}

char *hydrate_path(struct arena *a, const struct render_object *object, const char *namespace)
{
	return path_of(a, object, namespace ? namespace : "", false);
}

bool hydrate_is_ours(const char *path)
{
	const char *slash = strchr(path, '/');
	if (!slash || strchr(slash + 1, '/'))
		return false;
	struct str dir = { path, (size_t)(slash - path) }, file = str_of(slash + 1);
	if (!str_ends(file, STR(".yaml")) || file.p[0] == '-' || !memchr(file.p, '-', file.n))
		return false;
	for (size_t i = 0; i < dir.n; i++)
		if (dir.p[i] == '.' || (dir.p[i] >= 'A' && dir.p[i] <= 'Z'))
			return false;
	return dir.n > 0;
}

/* --- all of them --- */

static char *folded(struct arena *a, const char *path)
{
	char *copy = arena_strdup(a, path);
	for (char *c = copy; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
	return copy;
}

static const char *shown(struct arena *a, const struct render_object *o)
{
	struct key key = { o->group, o->kind, o->namespace, o->name };
	return key_display(a, str_of(key_text(a, key)));
}

/* Gives each its path; those that meet get a hash, and who still meets then is the same object. */
static int name_all(struct arena *a, const struct render_object *objects, size_t n, const char *namespace,
		    struct commit_file *files, struct error *err)
{
	struct map first = MAP_INIT, final = MAP_INIT;
	int rc = 0;
	for (size_t i = 0; i < n; i++) {
		files[i].path = path_of(a, &objects[i], namespace, false);
		uintptr_t seen = (uintptr_t)map_get(&first, str_of(folded(a, files[i].path)));
		map_put(&first, str_of(folded(a, files[i].path)), (void *)(seen + 1));
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		if ((uintptr_t)map_get(&first, str_of(folded(a, files[i].path))) > 1)
			files[i].path = path_of(a, &objects[i], namespace, true);
		const struct render_object *other =
			map_put(&final, str_of(folded(a, files[i].path)), (void *)(uintptr_t)&objects[i]);
		if (other)
			rc = error_set(err, "%s (%s:%u) and %s (%s:%u) are one object in the branch: %s",
				       shown(a, other), other->file, other->line, shown(a, &objects[i]),
				       objects[i].file, objects[i].line, files[i].path);
	}
	map_release(&first);
	map_release(&final);
	return rc;
}

/* --- Secrets --- */

/* Whether all values of a map are as SOPS leaves them; it does not encrypt empty ones. A key `sops` alone
 * shows nothing: anybody can write one. */
static bool is_encrypted(const struct node *values)
{
	for (size_t i = 0; i < node_count(values); i++) {
		const struct node *value =
			values->type == NODE_MAP ? values->map.pairs[i].value : values->seq.items[i];
		struct str text = node_text(value);
		if (value->type != NODE_STRING || (text.n && !str_starts(text, STR("ENC["))))
			return false;
	}
	return true;
}

static bool shows_secrets(const struct render_object *o)
{
	const struct node *data = node_get(o->root, "data"), *texts = node_get(o->root, "stringData");
	if (o->group.n || !str_is(o->kind, "Secret"))
		return false;
	if (node_get(o->root, "sops"))
		return !is_encrypted(data) || !is_encrypted(texts);
	return node_count(data) > 0 || node_count(texts) > 0;
}

static int check_secrets(struct arena *a, const struct render_object *objects, size_t n, struct error *err)
{
	cleanup_buf struct buf list = BUF_INIT;
	for (size_t i = 0; i < n; i++)
		if (shows_secrets(&objects[i]))
			buf_printf(&list, "%s%s (%s:%u)", list.n ? ", " : "", shown(a, &objects[i]),
				   objects[i].file, objects[i].line);
	if (!list.n)
		return 0;
	return error_set(
		err,
		"values of Secrets would be committed for everybody who reads the branch: %s; encrypt them (SOPS), create them in the cluster by other means, or allow it",
		list.p);
}

/* --- files --- */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct commit_file *)a)->path, ((const struct commit_file *)b)->path);
}

int hydrate_files(struct arena *a, const struct render_object *objects, size_t n,
		  const struct hydrate_options *options, struct commit_file **out, size_t *n_out,
		  struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct commit_file *files = arena_array(a, struct commit_file, n + 1);
	*out = files;
	*n_out = n;
	if (!options->secrets && check_secrets(a, objects, n, err) < 0)
		return -1;
	if (name_all(a, objects, n, options->namespace ? options->namespace : "", files, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		buf_clear(&text);
		yaml_write(&text, objects[i].root);
		files[i].data = arena_str(a, buf_str(&text));
	}
	if (n)
		qsort(files, n, sizeof(*files), by_path);
	return 0;
}

/* --- the message --- */

/* At most max bytes, without cutting a UTF-8 character in two. */
static size_t fitting(const char *text, size_t max)
{
	size_t n = strlen(text);
	if (n <= max)
		return n;
	for (n = max; n && ((unsigned char)text[n] & 0xc0) == 0x80;)
		n--;
	return n;
}

void hydrate_message(struct arena *a, const struct hydrate_source *source, struct commit_spec *spec)
{
	bool subject = source->subject && *source->subject, app = strcmp(source->what, "app") == 0;
	char *line = arena_printf(a, "Render %s at %.*s%s%s", source->name, SHORT_SHA, source->commit,
				  subject ? ": " : "", subject ? source->subject : "");
	line[fitting(line, SUBJECT_MAX)] = '\0';
	struct commit_trailer *trailers = arena_array(a, struct commit_trailer, 2);
	size_t n = 0;
	trailers[n++] = (struct commit_trailer){ "Source-Commit", source->commit };
	trailers[n++] = (struct commit_trailer){ app ? "Capstan-App" : "Capstan-Environment", source->name };
	spec->subject = line;
	spec->trailers = trailers;
	spec->n_trailers = n;
}
