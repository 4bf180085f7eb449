/* exec_krm.c - see exec_krm.h. */
#include "operator/exec_krm.h"

enum { WORDS_MAX = 1000 };

static int add_texts(struct arena *a, const struct node *list, const char *field, const char **out, size_t *n,
		     struct error *err)
{
	size_t count = node_count(list);
	if (list && (list->type != NODE_SEQ || count > WORDS_MAX))
		return error_set(err, "exec.%s must be a list of at most %d texts", field, WORDS_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct node *item = node_item(list, i);
		if (!node_is_string(item))
			return error_set(err, "exec.%s must be a list of texts: quote item %zu", field,
					 i + 1);
		out[(*n)++] = arena_str(a, item->text).p;
	}
	return 0;
}

static size_t count_list(const char *const *list)
{
	size_t n = 0;
	while (list && list[n])
		n++;
	return n;
}

/* Later settings of a name win. Names without a value would be taken from our own environment, which is not
 * theirs. */
static int take_env(struct arena *a, const struct exec_krm *k, const struct node *function, const char ***out,
		    struct error *err)
{
	const struct node *envs = node_get(function, "envs");
	size_t n = 0, more = count_list(k->env);
	const char **env = arena_array(a, const char *, node_count(envs) + more + 1);
	if (add_texts(a, envs, "envs", env, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < more; i++)
		env[n++] = k->env[i];
	for (size_t i = 0; i < n; i++)
		if (!strchr(env[i], '='))
			return error_set(
				err,
				"exec.envs: %.100s: a confined program gets no variable of ours: write "
				"NAME=VALUE",
				env[i]);
	*out = env;
	return 0;
}

int exec_krm_run(void *ctx, struct arena *a, const char *dir, const struct node *function, struct str input,
		 struct str *out, struct error *err)
{
	const struct exec_krm *k = ctx;
	const struct node *path = node_get(function, "path"), *args = node_get(function, "args");
	const char **argv = arena_array(a, const char *, node_count(args) + 2), **env = NULL;
	const char *inputs[2] = { NULL, NULL };
	size_t n = 1;
	struct exec_output output;
	if (!node_is_string(path) || path->text.n == 0)
		return error_set(err, "exec.path must be a text that names a program");
	argv[0] = arena_str(a, path->text).p;
	if (add_texts(a, args, "args", argv, &n, err) < 0 || take_env(a, k, function, &env, err) < 0)
		return -1;
	if (argv[0][0] != '/' && strchr(argv[0], '/'))
		inputs[0] = argv[0]; /* it may lie outside of the directory */
	struct exec_spec spec = { .argv = argv, .env = env, .inputs = inputs, .input = input };
	if (exec_render(k->options, a, k->tree, dir, &spec, &output, err) < 0)
		return -1;
	*out = output.text;
	return 0;
}
