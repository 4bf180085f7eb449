/*
 * local_objects.h - the objects that a directory, or an environment of capstan.yaml, stands for: what
 * `render`, `diff`, `sync`, `check` and `explain-field` begin with. Files of this machine, as they lie there.
 *
 *     local_objects_open()     finds the directory, and what capstan.yaml says of the environment
 *     local_objects_values()   with a cluster: the ConfigMaps and Secrets that it takes variables from
 *     local_objects_render()   any number of times, one at a time, on any thread
 *     local_objects_close()
 */
#pragma once

#include "cmd/bases.h"
#include "cmd/cluster.h"
#include "operator/rendered.h"

/* Options that these commands share; a command has a struct local_objects_given in its own options. */
struct local_objects_given {
	const char *env;    /* --env */
	const char *render; /* --render */
	struct option_list set;
	bool offline, refresh;
};

#define LOCAL_OBJECTS_OPTION(T, field) offsetof(T, given) + offsetof(struct local_objects_given, field)

/* For the table of a command whose options are a struct T with `struct local_objects_given given`. */
#define LOCAL_OBJECTS_OPTIONS(T)                                                                                 \
	{ .name = "env",                                                                                         \
	  .letter = 'e',                                                                                         \
	  .kind = OPTION_TEXT,                                                                                   \
	  .value = "ENVIRONMENT",                                                                                \
	  .offset = LOCAL_OBJECTS_OPTION(T, env),                                                                \
	  .help = "An environment of `capstan.yaml`, which is looked for in the directory and above." },         \
		{ .name = "render",                                                                              \
		  .kind = OPTION_CHOICE,                                                                         \
		  .value = "TYPE",                                                                               \
		  .choices = local_objects_types,                                                                \
		  .offset = LOCAL_OBJECTS_OPTION(T, render),                                                     \
		  .help = "How objects are made of the files: `auto` (the default: kustomize where there is a "  \
			  "kustomization file), `plain` or `kustomize`." },                                      \
		{ .name = "set",                                                                                 \
		  .kind = OPTION_LIST,                                                                           \
		  .value = "NAME=VALUE",                                                                         \
		  .offset = LOCAL_OBJECTS_OPTION(T, set),                                                        \
		  .help = "A variable for `${NAME}` in the objects; may be given again and again. It wins over " \
			  "those of the environment." },                                                         \
		{ .name = "offline",                                                                             \
		  .kind = OPTION_FLAG,                                                                           \
		  .offset = LOCAL_OBJECTS_OPTION(T, offline),                                                    \
		  .help = "Ask no other repository for bases: what was fetched before must do." },               \
	{                                                                                                        \
		.name = "refresh", .kind = OPTION_FLAG, .offset = LOCAL_OBJECTS_OPTION(T, refresh),              \
		.help = "Ask for the branches and tags of remote bases once more, however new what is known."    \
	}

extern const char *const local_objects_types[];

struct local_objects {
	const struct cli *cli;
	const struct local_objects_given *given;
	struct arena arena;
	const char *dir; /* as a person would write it, for messages and names */
	const char *
		root; /* of the repository (where capstan.yaml is), as a path of the tree; or the directory */
	const char *path;		       /* as a path of the tree */
	struct environments all;	       /* of capstan.yaml; n is 0 without one */
	const struct environment *environment; /* or NULL */
	struct render_spec spec;
	struct substitute_values values, from_cluster;
	bool has_values, has_file;
	struct bases bases;
	struct exec_render exec; /* a person's own programs: all may run */
	bool exec_begun;
	/* Told of every file that a render reads, when it is set; file is as shown to people. Both live as
	 * long as the arena of the render. */
	void (*on_text)(void *ctx, const char *file, struct str text);
	void *on_text_ctx;
	struct origins origins; /* of the last local_objects_render() */
};

/* dir: the operand, or NULL: the working directory. To be closed whatever is returned. */
int local_objects_open(struct local_objects *o, const struct cli *cli,
		       const struct local_objects_given *given, const char *dir, struct error *err);
/* Reads its capstan.yaml, where no environment was asked for (`--all`); -1: there is none. */
int local_objects_open_file(struct local_objects *o, struct error *err);
/* The same for one environment more of a capstan.yaml that was opened (`--all`). */
int local_objects_open_environment(struct local_objects *o, const struct local_objects *opened,
				   const char *name, struct error *err);
void local_objects_close(struct local_objects *o);

/*
 * Programs of one's own repository, run with what confines them here: all may run. When that is too little it
 * is said on cli->err. out lives as long as a.
 */
int local_objects_exec(const struct cli *cli, struct arena *a, struct exec_render *out, struct error *err);

/* What an App would be called, when nobody says: the environment, or the directory's last name. */
void local_objects_name(const struct local_objects *o, char out[COMMAND_APP_NAME_MAX]);
/* The namespace that the environment is for, or otherwise. */
const char *local_objects_namespace(const struct local_objects *o, const char *otherwise);
/* The context of the kubeconfig that it is for: set in cli->common before a cluster is opened, unless given.
 */
void local_objects_context(const struct local_objects *o, struct common *common);

int local_objects_values(struct local_objects *o, struct cluster *c, struct error *err);

/* As struct standalone_options.render; arg is the struct local_objects. */
int local_objects_render(void *arg, struct arena *a, struct render_output *out, struct error *err);
