/*
 * serve.h - the push service: what `capstan serve` runs.
 *
 *   Repo, Remote watch -> serve_objects.c -> serve_repo.c: HOME/repos, keys.json, Secret, status
 *   ssh   -> sshd (a child) -> push-keys, push-shell -> git           } each a process of its own,
 *   http  -> io/httpd -> git_http.c -> git http-backend               } by files of HOME alone
 *   HOME/changed -> serve_repo.c: size, packing, mirror, the operator is told
 *   HOME/pushes  -> `capstan push-recover` for what killed processes left
 *   each hour    -> `capstan push-clean` for what builds keep; each day for old images, too
 *
 * One loop thread. Nothing of a push lives in this process but its bytes on the way: it may be killed and
 * started again at any time.
 */
#pragma once

#include "base/error.h"
#include "kube/config.h"

struct serve_options {
	const char *home;    /* absolute */
	const char *program; /* this program's path */
	const char *user;    /* the account we run as */
	const struct kube_config *kube;
	const char *kubeconfig, *context; /* as given, for hooks and the operator; or NULL */
	const char *namespace;		  /* whose Repos are served; NULL: all */
	const char *ssh, *http;		  /* "ADDR:PORT"; NULL: not served */
	const char *ssh_url, *http_url;	  /* as people see them; NULL: made of the above */
	const char *fetch_url;		  /* as the operator sees it; NULL: made of http */
	bool with_operator;		  /* `capstan run` is a part of it */
	bool recover;			  /* there is `push-recover`, */
	bool clean;			  /* and `push-clean` */
	bool require_confinement;	  /* for builds by programs */
};

/* Until SIGTERM or SIGINT (0), or until it cannot go on (-1). */
int serve_run(const struct serve_options *options, struct error *err);
