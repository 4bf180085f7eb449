/* webhook_parts.h - what the readers of bodies share: git hosts' (webhook_parse.c), registries'
 * (webhook_registry.c). */
#pragma once

#include "doc/node.h"
#include "operator/webhook.h"

struct webhook_reading {
	struct arena *a;
	const struct webhook_headers *headers;
	const struct node *body;
	struct webhook_event *out;
	struct error *err;
};

struct str webhook_header(const struct webhook_reading *p, const char *name); /* "": absent */
bool webhook_has_control(struct str text);

int webhook_read_distribution(struct webhook_reading *p);
int webhook_read_harbor(struct webhook_reading *p);
int webhook_read_dockerhub(struct webhook_reading *p);
int webhook_read_ghcr(struct webhook_reading *p);
int webhook_read_quay(struct webhook_reading *p);
int webhook_read_generic_image(struct webhook_reading *p);
