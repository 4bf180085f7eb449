/*
 * auth.h - who we are, as a header and a client certificate: fixed tokens, token files, basic, exec plugins.
 *
 * A plugin runs as a child process; until it has answered, requests wait.
 */
#pragma once

#include "io/loop.h"
#include "kube/config.h"

#define KUBE_AUTH_TOKEN_FILE_MS 60000 /* a token file is looked at again after this */
#define KUBE_AUTH_PLUGIN_MS 60000     /* deadline of an exec plugin */
#define KUBE_AUTH_PLUGIN_OUTPUT_MAX (1u << 20)

struct kube_auth;

enum kube_auth_state {
	KUBE_AUTH_READY,
	KUBE_AUTH_WAIT,	  /* a plugin is running; `changed` will be called */
	KUBE_AUTH_FAILED, /* err says why; the plugin is tried again some seconds later */
};

/* config must live as long as the auth. changed is called on the loop when a plugin has ended. */
struct kube_auth *kube_auth_new(struct loop *loop, const struct kube_config *config, loop_fn *changed,
				void *arg);
void kube_auth_free(struct kube_auth *auth);
enum kube_auth_state kube_auth_check(struct kube_auth *auth, struct error *err);
const char *kube_auth_header(const struct kube_auth *auth); /* value of Authorization, or NULL */
/* The client certificate to use; *generation changes when they do. */
void kube_auth_certificate(const struct kube_auth *auth, struct str *cert_pem, struct str *key_pem,
			   unsigned *generation);
/* The server said 401 to what check() gave: true when something newer may be had, and it is worth one more
 * try. */
bool kube_auth_rejected(struct kube_auth *auth);

/* Reads an ExecCredential; exposed for tests. expires_ms: wall clock, 0: never. Memory from a. */
struct kube_exec_credential {
	const char *token;
	struct str cert_pem, key_pem;
	int64_t expires_ms;
};
int kube_exec_credential_parse(struct arena *a, struct str text, struct kube_exec_credential *out,
			       struct error *err);
