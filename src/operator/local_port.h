/*
 * local_port.h - the port of an app that a person runs: a link_port that also notes what is done with each
 * object, and that goes on when the person may list objects in one namespace only.
 */
#pragma once

#include "operator/link.h"

/* What was done with one object in the attempt under way, for people. */
enum deed {
	DEED_NOTHING,
	DEED_CREATED,
	DEED_UPDATED,
	DEED_PRUNED,
};

struct local_watch;

struct local_port {
	struct link_port base; /* first: link_port_ops take it as it is */
	const char *namespace; /* to list in when the cluster as a whole may not be listed; borrowed */
	struct map deeds;      /* key -> enum deed, as a pointer */
	struct map watches;    /* "group/Kind" -> struct local_watch */
};

extern const struct port_ops local_port_ops;

enum deed local_port_deed(const struct local_port *port, struct str key);
void local_port_forget_deeds(struct local_port *port);
void local_port_release(struct local_port *port); /* after its driver's app was released */
