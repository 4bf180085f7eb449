/*
 * controllers.h - what moves objects in a cluster after they were written: rollouts, jobs, namespaces, CRDs.
 */
#pragma once

#include "server.h"

/* Admission: fields that the server adds to a new object. */
void controllers_default(struct version *v, const char *kind);
/* An object has a new version: plans what its controller will do. */
void controllers_changed(struct server *s, struct object *o);
/* Whether a deletion must wait for a controller (namespaces and CRDs with content). */
bool controllers_hold(struct server *s, const struct object *o);
bool controllers_established(const struct node *crd);
