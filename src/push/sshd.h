/*
 * sshd.h - the system's sshd, made to serve git and nothing else.
 *
 * It runs as whoever the service runs as, root or not, and lets that one account in, by key alone. Keys come
 * from `capstan push-keys`; whatever a key's owner asks for runs `capstan push-shell`. HOME/ssh has the host
 * key, which is made once, and the configuration, which is written at each start.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct sshd_options {
	const char *home, *program;
	const char *address; /* "ADDR:PORT", ":PORT" or "[v6]:PORT" */
	const char *user;    /* the account we run as */
};

/* argv: what to run, NULL-terminated, memory from a. err: what is missing, and what to do. */
int sshd_prepare(struct arena *a, const struct sshd_options *options, const char *const **argv,
		 struct error *err);
/* The text of the configuration; of the environment, what leads sessions to the cluster. */
int sshd_config(struct arena *a, const struct sshd_options *options, char **out, struct error *err);
/* The host key's public half, "ssh-ed25519 AAAA...", for known_hosts; NULL: it cannot be read. */
const char *sshd_host_key(struct arena *a, const char *home);
