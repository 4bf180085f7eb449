/* local_exec.c - see local_exec.h. A loop of its own runs the program to its end. */
#include "cmd/local_exec.h"

#include "base/vec.h"
#include "io/process.h"

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

/* The environment of ours, with what the function and the command line add. */
static const char *const *environment(struct arena *a, const struct node *envs, const char *extra)
{
	size_t n = 0, own = 0;
	while (environ[own])
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

int local_exec(void *ctx, struct arena *a, const char *dir, const struct node *function, struct str input,
	       struct str *out, struct error *err)
{
	const struct node *args = node_get(function, "args");
	const char **argv = arena_array(a, const char *, node_count(args) + 2);
	argv[0] = arena_str(a, node_text(node_get(function, "path"))).p;
	for (size_t i = 0; i < node_count(args); i++)
		argv[i + 1] = arena_str(a, node_text(node_item(args, i))).p;
	struct run run = { .a = a };
	struct process_spec spec = {
		.argv = argv,
		.env = environment(a, node_get(function, "envs"), ctx),
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
	if (rc || verdict(&run, argv[0], err))
		return -1;
	*out = run.result.out;
	return 0;
}
