/*
 * environments.h - capstan.yaml, the file at a repository's root that names its environments: which branch
 * deploys which directory, with which values, to which namespace and cluster context.
 *
 * Pure: text in, structs out. docs/reference/capstan-yaml.md tells the fields to people.
 */
#pragma once

#include "base/error.h"
#include "render/render.h"

#define ENVIRONMENTS_FILE "capstan.yaml"

/* Caps; each breach is an error that names the cap. */
#define ENVIRONMENTS_FILE_MAX (1u << 20)
#define ENVIRONMENTS_MAX 1000u		/* environments of one file */
#define ENVIRONMENTS_SOURCES_MAX 32u	/* substituteFrom of one environment */
#define ENVIRONMENTS_SUGGESTIONS_MAX 12 /* names that a message lists */
#define ENVIRONMENTS_IMAGES_MAX 256u	/* lines of `images` */
#define ENVIRONMENTS_BUILDS_MAX 64u	/* images of one file */

/* A program of the repository that prints objects; how it is confined is the caller's. */
struct environments_program {
	const char *name; /* in `renderers`; NULL: written in the environment */
	uint32_t line, column;
	const char **command; /* ended by NULL */
	size_t n_command;
	struct environments_value *env;
	size_t n_env;
	const char **inputs; /* more paths that it reads, from the environment's; ended by NULL */
	size_t n_inputs;
	int64_t timeout_ms, memory_bytes, disk_bytes, output_bytes, pids; /* 0: not said */
};

struct environments_value {
	const char *name;
	uint32_t line, column;
	struct str text;
};

enum environments_source_kind {
	ENVIRONMENTS_CONFIG_MAP = 1,
	ENVIRONMENTS_SECRET,
};

/* A ConfigMap or Secret whose keys are variables. */
struct environments_source {
	const char *unused;
	uint32_t line, column;
	enum environments_source_kind kind;
	const char *name;
	bool optional;
};

enum environments_failure {
	ENVIRONMENTS_FAILURE_UNSET,
	ENVIRONMENTS_FAILURE_ROLLBACK,
	ENVIRONMENTS_FAILURE_KEEP,
};

struct environment {
	const char *name;
	uint32_t line, column;
	const char *branch;			    /* NULL: no branch deploys it by itself */
	const char *path;			    /* of the repository, cleaned; "." is its root */
	const char *namespace;			    /* NULL: not said */
	const char *context;			    /* of the kubeconfig; NULL: not said */
	enum render_type type;			    /* RENDER_AUTO, _PLAIN, _KUSTOMIZE or _EXEC */
	const struct environments_program *program; /* with RENDER_EXEC */
	bool substitutes;			    /* substitute or substituteFrom is there, be it empty */
	struct environments_value *substitute;
	size_t n_substitute;
	struct environments_source *from; /* in order: later ones win, and substitute over all */
	size_t n_from;
	bool strict;
	int64_t timeout_ms; /* 0: not said */
	enum environments_failure on_failure;
	const struct environments_deliver *deliver; /* of this environment alone; NULL: that of the file */
	const char
		*rendered; /* directory of the repository that keeps the rendered objects, cleaned; or NULL */
	struct node *additions; /* fields of a kustomization to lay over the path's, settled; or NULL */
};

/* An image that is built from the repository; one of dockerfile and command. */
struct environments_build {
	const char *name; /* images of this name in the manifests become what was built */
	uint32_t line, column;
	const char *image;	/* where it is pushed to, without tag; NULL: REGISTRY/REPO-NAME */
	const char *context;	/* directory of the repository, cleaned; "." is its root */
	const char *dockerfile; /* from the context, cleaned; NULL: command */
	struct environments_value *args;
	size_t n_args;
	const char **platforms;
	size_t n_platforms;
	const char **secrets; /* names of the repository's build secrets, mounted while it builds */
	size_t n_secrets;
	const char **command; /* a program that prints an image reference with digest; ended by NULL */
	size_t n_command;
	bool no_cache;
	int64_t timeout_ms, memory_bytes, disk_bytes, cpus_milli; /* 0: not said */
};

/* An image whose latest tag is committed to the environments that use it. */
struct environments_image {
	const char *name; /* in setter comments, behind the App's namespace */
	uint32_t line, column;
	const char *image;
	const char **environments; /* that it is written to; none: all with a branch */
	size_t n_environments;
	const char *message;	 /* of the commit; or NULL */
	const struct node *spec; /* of an ImageRule, without its update; NULL: something is wrong with it */
};

/* How what was built and pushed gets to a cluster. */
struct environments_deliver {
	uint32_t line, column;
	bool config;		 /* written to a configuration repository; else an App of the pushed commit */
	const char *url;	 /* of that repository */
	const char *branch;	 /* NULL: the one that its capstan.yaml says, or its default */
	const char *path;	 /* directory there, cleaned; or NULL with environment */
	const char *environment; /* of that repository's capstan.yaml; NULL: the one that is pushed to */
	bool review;		 /* a branch of its own, and a pull request where the host takes one */
};

/* A secret in plain text that may stay: for the check. */
struct environments_allowance {
	const char *unused;
	uint32_t line, column;
	const char *path, *object, *fingerprint; /* globs, and hex digits; NULL: not said */
	const char *reason;
};

struct environments {
	const char *file;
	struct environment *list; /* in the order of the file */
	size_t n;
	struct environments_program *renderers;
	size_t n_renderers;
	struct environments_allowance *allow_secrets;
	size_t n_allow_secrets;
	struct environments_build *builds;
	size_t n_builds;
	const struct environments_deliver *deliver; /* NULL: direct */
	struct environments_image *images;
	size_t n_images;
	struct render_diag *diags; /* all that is wrong, and warnings; in the order of the file */
	size_t n_diags, n_errors;
};

/* Reads a file; what is wrong is in out->diags, what is good in the rest. Memory from a; file is borrowed. */
void environments_read(struct arena *a, const char *file, struct str text, struct environments *out);

/* All of e->diags that are errors, a line each, in err; 0 when there are none. */
int environments_check(const struct environments *e, struct error *err);

/* NULL: there is none; err says which are there, and which was probably meant. */
const struct environment *environments_find(const struct environments *e, struct str name, struct error *err);

/* Bytes of "64Mi", "1Gi", "4096", as capstan.yaml and Apps have them; false: it is no size. */
bool environments_size(struct str text, int64_t *out);

/* The JSON schema that editors read (deploy/schema/capstan.schema.json). */
struct node *environments_schema(struct arena *a);
