/*
 * print_diff.c - both sides as YAML in one unified diff under a header that says what, where in git, and who.
 *
 * The third side is managedFields: who wrote to the live object last, other than us.
 */
#include "cmd/print_diff.h"

#include "cmd/hide.h"
#include "doc/diff.h"
#include "doc/yaml.h"

enum { AUTHORS_SHOWN = 3, CONTEXT = 3 };

static const char our_manager[] = "capstan";

/* --- who changed it --- */

/* An entry that holds nothing but status: controllers, whatever subresource they used. */
static bool only_status(const struct node *entry)
{
	const struct node *fields = node_get(entry, "fieldsV1");
	if (str_is(node_text(node_get(entry, "subresource")), "status"))
		return true;
	return node_count(fields) == 1 && node_get(fields, "f:status");
}

/* Keeps out[] newest first; RFC 3339 times of one server compare as text. */
static size_t insert_author(struct diff_author *out, size_t n, size_t max, struct diff_author author)
{
	size_t at = n;
	while (at > 0 && str_cmp(out[at - 1].time, author.time) < 0)
		at--;
	if (at >= max)
		return n;
	size_t end = n < max ? n : max - 1;
	memmove(out + at + 1, out + at, (end - at) * sizeof(*out));
	out[at] = author;
	return end + 1;
}

size_t diff_authors(const struct node *live, const char *ours, struct diff_author *out, size_t max)
{
	const struct node *entries = node_at(live, "metadata.managedFields");
	size_t n = 0;
	if (!entries || entries->type != NODE_SEQ || max == 0)
		return 0;
	for (size_t i = 0; i < entries->seq.n; i++) {
		const struct node *entry = entries->seq.items[i];
		struct diff_author author = {
			.manager = node_text(node_get(entry, "manager")),
			.operation = node_text(node_get(entry, "operation")),
			.time = node_text(node_get(entry, "time")),
		};
		if (author.manager.n > 0 && !str_is(author.manager, ours) && !only_status(entry))
			n = insert_author(out, n, max, author);
	}
	return n;
}

/* --- what is shown --- */

/* The value that stands for a Secret's: it differs between the two sides exactly when the values do. */
static struct node *stand_in(struct arena *a, const struct node *mine, const struct node *other, bool git)
{
	if (!other)
		return node_string(a, STR("(hidden)"));
	if (node_equal(mine, other))
		return node_string(a, STR("(hidden, unchanged)"));
	return git ? node_string(a, STR("(hidden, changed)")) : node_string(a, STR("(hidden, before)"));
}

static void hide_part(struct arena *a, struct node *mine, const struct node *other, const char *part,
		      bool git)
{
	struct node *values = node_get(mine, part);
	if (!values)
		return;
	if (values->type != NODE_MAP) {
		*values = *node_string(a, STR("(hidden)"));
		return;
	}
	for (size_t i = 0; i < values->map.n; i++) {
		struct node_pair *pair = &values->map.pairs[i];
		const struct node *same = node_get_str(node_get(other, part), pair->key);
		pair->value = stand_in(a, pair->value, same, git);
	}
}

/* One side as YAML, fit to be shown. other: the other side as it is. */
static void add_side(struct arena *a, struct buf *out, const struct node *side, const struct node *other,
		     bool git)
{
	if (!side)
		return;
	struct node *shown = node_clone(a, side);
	if (hide_is_secret(side) || hide_is_secret(other)) {
		hide_part(a, shown, other, "data", git);
		hide_part(a, shown, other, "stringData", git);
		struct node *annotations = node_at(shown, "metadata.annotations");
		if (annotations)
			node_del(annotations, STR("kubectl.kubernetes.io/last-applied-configuration"));
	}
	cleanup_buf struct buf text = BUF_INIT;
	yaml_write(&text, shown);
	style_safe(out, buf_str(&text), true);
}

static void add_authors(struct buf *out, const struct style *style, const struct node *live)
{
	struct diff_author authors[AUTHORS_SHOWN];
	size_t n = diff_authors(live, our_manager, authors, AUTHORS_SHOWN);
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s%s", i == 0 ? "  changed by " : ", ", style_on(style, TINT_YELLOW));
		style_safe(out, authors[i].manager, false);
		buf_adds(out, style_off(style));
		if (authors[i].time.n > 0) {
			buf_adds(out, " at ");
			style_safe(out, authors[i].time, false);
		}
	}
}

static void add_header(struct buf *out, const struct style *style, const struct diff_object *o)
{
	buf_adds(out, style_on(style, TINT_BOLD));
	style_safe(out, str_of(o->name), false);
	buf_adds(out, style_off(style));
	if (o->place[0]) {
		buf_adds(out, "  (");
		style_safe(out, str_of(o->place), false);
		buf_adds(out, ")");
	}
	if (!o->cluster)
		buf_adds(out, "  not in the cluster: would be created");
	else if (!o->git)
		buf_adds(out, "  no longer in git: would be removed");
	else
		add_authors(out, style, o->live);
	buf_addc(out, '\n');
}

bool print_diff(FILE *out, const struct style *style, const struct diff_object *object)
{
	cleanup_arena struct arena a = ARENA_INIT;
	cleanup_buf struct buf cluster = BUF_INIT, git = BUF_INIT, text = BUF_INIT;
	add_side(&a, &cluster, object->cluster, object->git, false);
	add_side(&a, &git, object->git, object->cluster, true);
	struct diff_options options = {
		.old_label = object->cluster ? "cluster" : "/dev/null",
		.new_label = object->git ? "git" : "/dev/null",
		.context = CONTEXT,
		.colour = style->color,
	};
	add_header(&text, style, object);
	size_t header = text.n;
	diff_unified(&text, buf_str(&cluster), buf_str(&git), &options);
	if (text.n == header)
		return false;
	fwrite(text.p, 1, text.n, out);
	return true;
}
