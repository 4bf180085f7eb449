/*
 * config.h - where the API server is and who we are: kubeconfig files and the in-cluster service account.
 *
 * Source: kubectl's loading rules (KUBECONFIG list merge, ~/.kube/config, --context, --kubeconfig) and
 * client.authentication.k8s.io/v1 for exec plugins.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define KUBE_FILE_MAX (4u << 20) /* bytes of a kubeconfig, certificate or token */

struct kube_exec_plugin { /* users[].user.exec */
	const char *command;
	const char *const *args; /* NULL-terminated */
	const char *const *env;	 /* NULL-terminated "K=V" pairs to add */
	const char *api_version; /* client.authentication.k8s.io/v1 or v1beta1 */
	bool provide_cluster_info;
	const char *install_hint; /* may be NULL */
};

struct kube_config {
	const char *server;    /* https://host:port[/prefix], no final slash */
	const char *namespace; /* of the context; "default" when it names none */
	const char *context;   /* its name; "in-cluster" for the service account */
	struct str ca_pem;     /* may be empty */
	struct str cert_pem, key_pem;
	const char *token;		 /* bearer, or NULL */
	const char *token_file;		 /* re-read when it changes (at most once a minute), or NULL */
	const char *username, *password; /* basic, or NULL */
	const char *impersonate;	 /* kubeconfig `as`, or NULL */
	const char *tls_server_name, *proxy_url; /* or NULL */
	bool insecure;
	struct kube_exec_plugin *exec; /* or NULL */
};

struct kube_config_options {
	const char *kubeconfig; /* --kubeconfig; NULL: KUBECONFIG, then ~/.kube/config, then in-cluster */
	const char *context;	/* --context; NULL: current-context */
};

/* All memory from a. err names the file, and what to do. */
int kube_config_load(struct arena *a, const struct kube_config_options *options, struct kube_config *out,
		     struct error *err);
/* Parses one kubeconfig's text; dir resolves relative paths. Exposed for tests and the fuzzer. */
int kube_config_parse(struct arena *a, struct str text, const char *dir, const char *context,
		      struct kube_config *out, struct error *err);
