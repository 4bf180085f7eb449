/* local_exec.c - see local_exec.h. A loop of its own runs the program to its end. */
#include "cmd/local_exec.h"

#include <stdio.h>

#include "base/vec.h"
#include "cmd/style.h"
#include "io/process.h"
#include "operator/exec_render.h"

extern char **environ;

struct run {
	struct arena *a;
	struct process_result result;
};

static void done(void *arg, const struct process_result *result)
{
	struct run *run = arg;
	run->result = *result;
	run->result.out = arena_str(run->a, result->out);
	run->result.err = arena_str(run->a, result->err);
}

/* What the function and the command line add to the environment, and behind that ours when it has it. */
static const char *const *environment(struct arena *a, const struct node *envs, const char *extra, bool ours)
{
	size_t n = 0, own = 0;
	while (ours && environ[own])
		own++;
	const char **env = arena_array(a, const char *, own + node_count(envs) + 2);
	for (size_t i = 0; i < node_count(envs); i++)
		env[n++] = arena_str(a, node_text(node_item(envs, i))).p;
	if (extra)
		env[n++] = extra;
	/* The first of equal names counts for getenv(3). */
	for (size_t i = 0; i < own; i++)
		env[n++] = environ[i];
	return env;
}

static int verdict(const struct run *run, const char *program, struct error *err)
{
	const struct process_result *r = &run->result;
	if (r->timed_out)
		return error_set(err, "%s did not end within %d s", program, LOCAL_EXEC_TIMEOUT_MS / 1000);
	if (r->overflow)
		return error_set(err, "%s printed more than %u MiB", program, LOCAL_EXEC_OUTPUT_MAX >> 20);
	if (r->signal)
		return error_set(err, "%s was ended by signal %d", program, r->signal);
	if (r->exit_code)
		return error_set(err, "%s ended with status %d", program, r->exit_code);
	return 0;
}

static const char *const *arguments(struct arena *a, const struct node *function)
{
	const struct node *args = node_get(function, "args");
	const char **argv = arena_array(a, const char *, node_count(args) + 2);
	argv[0] = arena_str(a, node_text(node_get(function, "path"))).p;
	for (size_t i = 0; i < node_count(args); i++)
		argv[i + 1] = arena_str(a, node_text(node_item(args, i))).p;
	return argv;
}

static int run_freely(const struct local_exec *e, struct arena *a, const char *dir,
		      const struct node *function, struct str input, struct str *out, struct error *err)
{
	struct run run = { .a = a };
	struct process_spec spec = {
		.argv = arguments(a, function),
		.env = environment(a, node_get(function, "envs"), e->env, true),
		.dir = arena_printf(a, "/%s", dir),
		.input = input,
		.output_max = LOCAL_EXEC_OUTPUT_MAX,
		.timeout_ms = LOCAL_EXEC_TIMEOUT_MS,
		.inherit_stderr = true,
	};
	struct loop *loop = loop_new();
	int rc = process_start(loop, &spec, done, &run, err) ? 0 : -1;
	if (rc == 0)
		loop_run(loop);
	loop_free(loop);
	if (rc || verdict(&run, spec.argv[0], err))
		return -1;
	*out = run.result.out;
	return 0;
}

/* A program in another directory of the tree: that directory is copied, too. */
static const char *const *inputs(struct arena *a, const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	if (!slash || argv0[0] == '/' || strncmp(argv0, "../", 3) != 0)
		return NULL;
	const char **list = arena_array(a, const char *, 2);
	list[0] = arena_strndup(a, argv0, (size_t)(slash - argv0));
	return list;
}

static void show(const struct local_exec *e, const struct exec_output *output)
{
	for (size_t i = 0; i < output->n_warnings; i++) {
		cleanup_buf struct buf line = BUF_INIT;
		style_safe(&line, str_of(output->warnings[i]), false);
		fprintf(stderr, "%s: %s\n", e->program, line.p ? line.p : "");
	}
}

static int run_confined(struct local_exec *e, struct arena *a, const char *dir, const struct node *function,
			struct str input, struct str *out, struct error *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct exec_render render = { .any = true, .policy = CONFINE_REQUIRE };
	struct exec_output output;
	const char *const *argv = arguments(a, function);
	struct exec_spec spec = {
		.argv = argv,
		.env = environment(a, node_get(function, "envs"), e->env, false),
		.inputs = inputs(a, argv[0]),
		.input = input,
		.output_max = LOCAL_EXEC_OUTPUT_MAX,
	};
	if (!e->begun && exec_render_begin(&render, &text, err) < 0)
		return error_wrap(err, "--confine");
	e->begun = true;
	if (exec_render(&render, a, e->tree, dir, &spec, &output, err) < 0)
		return -1;
	show(e, &output);
	*out = output.text;
	return 0;
}

int local_exec(void *ctx, struct arena *a, const char *dir, const struct node *function, struct str input,
	       struct str *out, struct error *err)
{
	struct local_exec *e = ctx;
	return e->confine ? run_confined(e, a, dir, function, input, out, err)
			  : run_freely(e, a, dir, function, input, out, err);
}
