/*
 * checks.h - the promises. A broken one ends the history by world_fail().
 */
#pragma once

#include "operator.h"

/* What was known when a request was sent, for the check when it arrives. */
struct send_facts {
	bool replaces; /* a delete by force: git still has the key */
	bool stored;   /* the key was in the stored inventory */
	bool may_lag;  /* a watch of that kind was behind: what it decided on may be old */
};

void check_send(struct world *w, const struct runner *runner, const struct port_request *request,
		struct send_facts *facts);
void check_created(struct world *w, const struct resource *r, struct str key);
void check_delete_arrives(struct world *w, const struct resource *r, const struct server_request *request,
			  const struct send_facts *facts);
/* After every event. */
void check_runner(struct world *w, const struct runner *runner);
/* Texts that people see. */
void check_text(struct world *w, const struct resource *r, const char *text);

/* Whether an app is as git says; else why not. */
bool check_converged(struct world *w, struct resource *r, char *why, size_t size);
/* Whether nothing at all is wrong with it, so that it must be quiet. */
bool check_clean(struct world *w, struct resource *r);
/* Every labelled object is in some stored inventory. */
bool check_no_orphans(struct world *w, char *why, size_t size);
