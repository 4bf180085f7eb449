/* hook_summary.c - see hook_summary.h: the side of the hook. What asks is in hook_summary_ask.c. */
#include "cmd/hook_summary.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/vec.h"
#include "cmd/session.h"
#include "io/process.h"

#define OUTPUT_MAX (1u << 20)
#define PATH_BYTES 4096

/* One cluster: a context of the kubeconfig, or its current one. */
struct asked {
	struct hook_summary *summary;
	const char *context;   /* NULL: the current one */
	const char *namespace; /* NULL: the context's */
	struct buf input;
	struct process *process; /* NULL: it has ended, or never began */
	struct buf answer;
};

struct hook_summary {
	struct cli *cli;
	const char *git_dir, *url;
	struct loop *loop;
	VEC(struct asked *) list;
	size_t environments, open;
};

struct hook_summary *hook_summary_new(struct cli *cli, const char *git_dir, const char *url)
{
	struct hook_summary *s = mem_alloc(sizeof(*s));
	s->cli = cli;
	s->git_dir = git_dir;
	s->url = url ? url : "";
	return s;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

void hook_summary_add(struct hook_summary *s, const char *sha, const struct environment *e)
{
	const char *context = s->cli->common.context ? s->cli->common.context : e->context;
	struct asked *found = NULL;
	if (s->environments++ >= HOOK_SUMMARY_ENVIRONMENTS)
		return;
	for (size_t i = 0; i < s->list.n && !found; i++)
		if (same_text(s->list.at[i]->context, context))
			found = s->list.at[i];
	if (!found) {
		found = mem_alloc(sizeof(*found));
		found->summary = s;
		found->context = context;
		vec_push(&s->list, found);
	}
	buf_printf(&found->input, "%s %s\n", sha, e->name);
}

static void on_end(void *arg, const struct process_result *result)
{
	struct asked *q = arg;
	q->process = NULL;
	if (result->exit_code == 0)
		buf_add_str(&q->answer, result->out);
	if (--q->summary->open == 0)
		loop_stop(q->summary->loop);
}

/* Without a kubeconfig that has it there is nobody to ask. */
static bool is_known(const struct asked *q)
{
	cleanup_arena struct arena a = ARENA_INIT;
	struct cli cli = *q->summary->cli;
	struct kube_config config;
	cli.common.context = q->context;
	return session_config(&cli, &a, &config, NULL) == 0;
}

static void start(struct asked *q, const char *program)
{
	struct hook_summary *s = q->summary;
	const char *argv[12] = { program, "hook" };
	const char *const operands[] = { "--", "run", "summary", s->git_dir, s->url };
	size_t n = 2;
	if (q->context) {
		argv[n++] = "--context";
		argv[n++] = q->context;
	}
	if (s->cli->common.kubeconfig) {
		argv[n++] = "--kubeconfig";
		argv[n++] = s->cli->common.kubeconfig;
	}
	for (size_t i = 0; i < sizeof(operands) / sizeof(operands[0]); i++)
		argv[n++] = operands[i];
	struct process_spec spec = {
		.argv = argv,
		.input = buf_str(&q->input),
		.output_max = OUTPUT_MAX,
		.timeout_ms = (HOOK_SUMMARY_REACH_S + HOOK_SUMMARY_TIME_S + 1) * 1000,
	};
	q->process = process_start(s->loop, &spec, on_end, q, NULL);
	s->open += q->process != NULL;
}

void hook_summary_start(struct hook_summary *s)
{
	char program[PATH_BYTES];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (n <= 0)
		return;
	program[n] = '\0';
	for (size_t i = 0; i < s->list.n; i++) {
		if (!is_known(s->list.at[i]))
			continue;
		if (!s->loop)
			s->loop = loop_new();
		start(s->list.at[i], program);
	}
}

void hook_summary_print(struct hook_summary *s)
{
	if (s->open)
		loop_run(s->loop);
	for (size_t i = 0; i < s->list.n; i++) {
		const struct buf *answer = &s->list.at[i]->answer;
		fwrite(answer->n ? answer->p : "", 1, answer->n, s->cli->err);
	}
}

void hook_summary_free(struct hook_summary *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->list.n; i++) {
		struct asked *q = s->list.at[i];
		if (q->process)
			process_cancel(q->process);
		buf_release(&q->input);
		buf_release(&q->answer);
		free(q);
	}
	vec_release(&s->list);
	if (s->loop)
		loop_free(s->loop);
	free(s);
}
