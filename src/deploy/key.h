/*
 * key.h - the identity of a thing an app manages, as one short text.
 *
 * Cluster objects: "GROUP/Kind/NAMESPACE/NAME" with the core group and cluster scope empty:
 * "apps/Deployment/web/api", "/ConfigMap/web/conf", "/Namespace//web". The version is no part of it:
 * a version change never prunes (apply-semantics: ownership). Files: their relative path.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct key {
	struct str group, kind, namespace, name; /* slices of the text they were split from */
};

char *key_text(struct arena *a, struct key k);
bool key_split(struct str text, struct key *out); /* false: not of that form */
/* For people: "Deployment web/api", "Namespace web". */
char *key_display(struct arena *a, struct str text);
