/* report.c - see report.h. */
#include "check/report.h"

static void set_text(struct arena *a, struct node *map, struct str key, const char *text)
{
	if (text && text[0])
		node_set(a, map, key, node_string(a, str_of(text)));
}

static void set_number(struct arena *a, struct node *map, struct str key, size_t number)
{
	node_set(a, map, key, node_int_new(a, (int64_t)number));
}

static struct node *finding_node(struct arena *a, const struct check_finding *f)
{
	struct node *n = node_map(a);
	set_text(a, n, STR("rule"), check_rules[f->rule].id);
	set_text(a, n, STR("severity"), check_severity_name(f->severity));
	set_text(a, n, STR("file"), f->file);
	if (f->line)
		set_number(a, n, STR("line"), f->line);
	if (f->column)
		set_number(a, n, STR("column"), f->column);
	set_text(a, n, STR("object"), f->object);
	set_text(a, n, STR("path"), f->path);
	set_text(a, n, STR("message"), f->text);
	set_text(a, n, STR("help"), check_rules[f->rule].help);
	set_text(a, n, STR("fingerprint"), f->fingerprint);
	set_text(a, n, STR("allowed"), f->allowed);
	if (f->n_environments == 0)
		return n;
	struct node *environments = node_seq(a);
	for (size_t i = 0; i < f->n_environments; i++)
		node_push(a, environments, node_string(a, str_of(f->environments[i])));
	node_set(a, n, STR("environments"), environments);
	return n;
}

struct node *report_node(struct arena *a, const struct check_result *result)
{
	struct node *root = node_map(a), *findings = node_seq(a), *summary = node_map(a);
	for (size_t i = 0; i < result->n; i++)
		node_push(a, findings, finding_node(a, &result->findings[i]));
	set_number(a, summary, STR("errors"), result->errors);
	set_number(a, summary, STR("warnings"), result->warnings);
	set_number(a, summary, STR("notes"), result->notes);
	set_number(a, summary, STR("allowed"), result->allowed);
	set_number(a, summary, STR("objects"), result->objects);
	set_number(a, summary, STR("environments"), result->environments);
	set_number(a, summary, STR("texts"), result->texts);
	if (result->dropped)
		set_number(a, summary, STR("dropped"), result->dropped);
	node_set(a, root, STR("kubernetes"),
		 node_string(a, str_of(arena_printf(a, "1.%u", result->wanted_minor))));
	node_set(a, root, STR("findings"), findings);
	node_set(a, root, STR("summary"), summary);
	return root;
}
