/*
 * report_sarif.c - SARIF 2.1.0 (OASIS), in the parts that code scanners read: rules with their help, results
 * with a physical and a logical place, fingerprints that stay when lines move, suppressions with their
 * reason.
 */
#include "check/report.h"

static struct node *text_node(struct arena *a, const char *text)
{
	return node_string(a, str_of(text));
}

/* {key: text} */
static struct node *one(struct arena *a, struct str key, struct node *value)
{
	struct node *n = node_map(a);
	node_set(a, n, key, value);
	return n;
}

static struct node *list_of(struct arena *a, struct node *item)
{
	struct node *n = node_seq(a);
	node_push(a, n, item);
	return n;
}

static const char *level_of(enum check_severity severity)
{
	return severity == CHECK_ERROR ? "error" : severity == CHECK_WARNING ? "warning" : "note";
}

static struct node *rule_node(struct arena *a, enum check_rule rule)
{
	const struct check_rule_info *info = &check_rules[rule];
	struct node *n = node_map(a);
	node_set(a, n, STR("id"), text_node(a, info->id));
	node_set(a, n, STR("shortDescription"), one(a, STR("text"), text_node(a, info->summary)));
	node_set(a, n, STR("help"), one(a, STR("text"), text_node(a, info->help)));
	node_set(a, n, STR("defaultConfiguration"),
		 one(a, STR("level"), text_node(a, level_of(info->severity))));
	return n;
}

/* Bytes that a URI reference may not hold as they are (RFC 3986), encoded. */
static const char *uri_of(struct arena *a, const char *file)
{
	cleanup_buf struct buf out = BUF_INIT;
	for (const unsigned char *p = (const unsigned char *)file; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			     (*p >= '0' && *p <= '9') || strchr("-._~/!$&'()*+,;=@", *p);
		if (plain)
			buf_addc(&out, (char)*p);
		else
			buf_printf(&out, "%%%02X", *p);
	}
	/* A first part with a colon would be a scheme; encoded above. */
	return arena_str(a, buf_str(&out)).p;
}

static struct node *location_node(struct arena *a, const struct check_finding *f)
{
	struct node *location = node_map(a), *physical = node_map(a), *artifact = node_map(a);
	node_set(a, artifact, STR("uri"), text_node(a, uri_of(a, f->file)));
	node_set(a, physical, STR("artifactLocation"), artifact);
	if (f->line) {
		struct node *region = one(a, STR("startLine"), node_int_new(a, f->line));
		if (f->column)
			node_set(a, region, STR("startColumn"), node_int_new(a, f->column));
		node_set(a, physical, STR("region"), region);
	}
	if (f->file[0])
		node_set(a, location, STR("physicalLocation"), physical);
	if (f->object || f->path) {
		struct node *logical = node_map(a);
		const char *name = arena_printf(a, "%s%s%s", f->object ? f->object : "",
						f->object && f->path ? ": " : "", f->path ? f->path : "");
		node_set(a, logical, STR("fullyQualifiedName"), text_node(a, name));
		node_set(a, location, STR("logicalLocations"), list_of(a, logical));
	}
	return location;
}

static struct node *result_node(struct arena *a, const struct check_finding *f, size_t rule_index)
{
	struct node *n = node_map(a);
	const char *text = arena_printf(a, "%s%s%s%s%s", f->object ? f->object : "", f->object ? ": " : "",
					f->path ? f->path : "", f->path ? ": " : "", f->text);
	node_set(a, n, STR("ruleId"), text_node(a, check_rules[f->rule].id));
	node_set(a, n, STR("ruleIndex"), node_int_new(a, (int64_t)rule_index));
	node_set(a, n, STR("level"), text_node(a, level_of(f->severity)));
	node_set(a, n, STR("message"), one(a, STR("text"), text_node(a, text)));
	node_set(a, n, STR("locations"), list_of(a, location_node(a, f)));
	node_set(a, n, STR("partialFingerprints"), one(a, STR("capstan/v1"), text_node(a, f->fingerprint)));
	if (f->allowed) {
		struct node *suppression = one(a, STR("kind"), text_node(a, "external"));
		node_set(a, suppression, STR("justification"), text_node(a, f->allowed));
		node_set(a, n, STR("suppressions"), list_of(a, suppression));
	}
	if (f->n_environments) {
		struct node *names = node_seq(a);
		for (size_t i = 0; i < f->n_environments; i++)
			node_push(a, names, text_node(a, f->environments[i]));
		node_set(a, n, STR("properties"), one(a, STR("environments"), names));
	}
	return n;
}

struct node *report_sarif(struct arena *a, const struct check_result *result, const char *version)
{
	struct node *rules = node_seq(a), *results = node_seq(a), *driver = node_map(a), *run = node_map(a);
	size_t index[RULE_COUNT];
	memset(index, 0xff, sizeof(index));
	for (size_t i = 0; i < result->n; i++) {
		const struct check_finding *f = &result->findings[i];
		if (index[f->rule] == SIZE_MAX) {
			index[f->rule] = node_count(rules);
			node_push(a, rules, rule_node(a, f->rule));
		}
		node_push(a, results, result_node(a, f, index[f->rule]));
	}
	node_set(a, driver, STR("name"), text_node(a, "capstan"));
	node_set(a, driver, STR("version"), text_node(a, version));
	node_set(a, driver, STR("rules"), rules);
	node_set(a, run, STR("tool"), one(a, STR("driver"), driver));
	node_set(a, run, STR("columnKind"), text_node(a, "unicodeCodePoints"));
	node_set(a, run, STR("results"), results);
	struct node *root = node_map(a);
	node_set(
		a, root, STR("$schema"),
		text_node(
			a,
			"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"));
	node_set(a, root, STR("version"), text_node(a, "2.1.0"));
	node_set(a, root, STR("runs"), list_of(a, run));
	return root;
}
