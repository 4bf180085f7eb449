/*
 * home.h - what the push service keeps on its volume, and where. Everything about it that must outlive a
 * process is here; the API server has the rest.
 *
 *     HOME/settings.json            how the service was started: what hooks need to reach the cluster
 *     HOME/repos/NS/NAME.git        a hosted repository, bare
 *     HOME/repos/NS/NAME.json       what its Repo (or Remote) object says: a struct hosted_repo
 *     HOME/keys.json                which ssh key belongs to whom, for AuthorizedKeysCommand
 *     HOME/hooks/                   core.hooksPath of every repository; nothing of a pushed tree ever runs
 *     HOME/pushes/ID/               one push: record.json (journal.h), log, lock, tree.git
 *     HOME/pushes/ID/tree.git       a bare repository that has the pushed objects, quarantined ones too, and
 *                                   those of the hosted one (objects/info/alternates)
 *     HOME/targets/                 who holds an environment (claim.h)
 *     HOME/builds/                  images and caches of builds, with a cap
 *
 * NS and NAME are a Repo's namespace and name. All files are mode 0600, directories 0700. Files are replaced
 * whole (written aside, synced, renamed), so that a reader never sees half of one.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define HOSTED_NAME_MAX 253		 /* letters of a namespace or a name, each as Kubernetes has them */
#define HOSTED_KEYS_MAX 1000u		 /* of one repository */
#define HOSTED_BRANCHES_MAX 100u	 /* of one key, and protected ones of one repository */
#define HOSTED_SIZE_DEFAULT (1ull << 30) /* bytes of a repository when its object names no cap */

/* What a key or a token may do with one repository; each includes the one before. */
enum hosted_right {
	HOSTED_NONE,
	HOSTED_READ,
	HOSTED_PUSH_BRANCHES, /* to the branches that are named */
	HOSTED_PUSH,
};

struct hosted_key {
	const char *who;	  /* a name for people: of the key in the object, or its comment */
	const char *key;	  /* "ssh-ed25519 AAAA...", without options and comment; NULL: a token */
	const char *token_sha256; /* 64 hex digits of the token's hash; NULL: a key */
	enum hosted_right right;
	const char *const *branches; /* globs, with HOSTED_PUSH_BRANCHES */
	size_t n_branches;
};

/* Where images of builds go. */
struct hosted_registry {
	const char *url;		 /* "registry.example.com/team", no scheme; NULL: none */
	const char *username, *password; /* or NULL */
	bool insecure;			 /* http, for a registry of the same machine */
};

/* A container of a Deployment that is built here, as gitkube's Remote has them. */
struct hosted_container {
	const char *deployment, *container;
	const char *path, *dockerfile; /* directory of the context; the file, from there */
	const char *const *build_args; /* "NAME=VALUE" */
	size_t n_build_args;
	bool no_cache;
};

struct hosted_repo {
	const char *namespace, *name; /* of its object; also where direct deliveries go by default */
	bool remote;		      /* a gitkube.sh Remote, not a Repo */
	const struct hosted_key *keys;
	size_t n_keys;
	const char *const *protected; /* globs of branches: no force-push, no deletion */
	size_t n_protected;
	uint64_t max_bytes;
	const char *mirror_url; /* pushed to after each accepted push; NULL: none */
	struct hosted_registry registry;
	const char *service_account; /* of Apps made for it; NULL: none */
	const char *build_secret;    /* Secret of the namespace whose keys are build secrets; NULL: none */
	/* gitkube's: */
	const char *manifests; /* directory; NULL: not said */
	const struct hosted_container *containers;
	size_t n_containers;
};

/* How hooks reach the cluster and talk; written by the service when it starts. */
struct push_settings {
	const char *kubeconfig,
		*context;	  /* a list as in KUBECONFIG; NULL: not given; in a cluster both are */
	const char *address;	  /* "ssh://git@host:2222", as people see it; NULL: not known */
	const char *fetch_url;	  /* "http://127.0.0.1:8081/git": where the operator fetches; NULL: none */
	const char *program;	  /* this program's path, for hooks */
	bool require_confinement; /* builds by programs need a full sandbox */
};

/* HOME from --state, $CAPSTAN_PUSH_HOME, or /var/lib/capstan/push; into a. */
const char *push_home(struct arena *a, const char *given);
/* HOME/PART..., parts joined by slashes, into a; ends with NULL. */
char *push_path(struct arena *a, const char *home, ...) __attribute__((sentinel));

/* A namespace or name as Kubernetes has them; nothing else ever becomes a path. */
bool hosted_name_ok(struct str text);

int push_settings_read(struct arena *a, const char *home, struct push_settings *out, struct error *err);
int push_settings_write(const char *home, const struct push_settings *settings, struct error *err);
/* key: "NS/NAME". 1: there is no such repository. */
int hosted_read(struct arena *a, const char *home, const char *key, struct hosted_repo *out,
		struct error *err);
int hosted_write(const char *home, const struct hosted_repo *repo, struct error *err);
/* What of a written file a power cut leaves: perhaps nothing of it (an empty file); the old or the new one;
 * the new one. Whatever kills a process, a reader finds the old or the new one. */
enum push_durable { PUSH_VISIBLE, PUSH_WHOLE, PUSH_DURABLE };
/* Writes a file aside, syncs it and puts it in place. */
int push_write(const char *path, struct str data, enum push_durable durable, struct error *err);
int push_replace(const char *path, struct str data, struct error *err); /* PUSH_DURABLE */
