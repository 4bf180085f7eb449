/*
 * schema_data.h - the built-in part of what OpenAPI says, as tables that need no start: schema_data.inc, made
 * by scripts/gen-kustomize-schema. For schema.c alone.
 */
#pragma once

#include "render/kustomize/schema.h"

enum kschema_form {
	FORM_NONE,
	FORM_LEAF, /* neither fields nor elements */
	FORM_MAP,  /* n fields from `first` on; others are of type `item` (0: not known) */
	FORM_LIST, /* elements are of type `item` */
	FORM_OWN,  /* not of the tables: the head of a struct own_type (schema.c) */
};

/* Texts are offsets into one block; 0 is "". */
struct kschema_type {
	uint8_t form;
	uint16_t strategy, key, other_key;
	uint16_t item;
	uint16_t first, n;
};

const struct kschema_type *schema_data_type(uint16_t number); /* 0: NULL */
struct str schema_data_text(uint16_t offset);
/* The type of a field, or 0. */
uint16_t schema_data_field(const struct kschema_type *map, struct str name);
/* 0: not known. *scope: KSCOPE_UNKNOWN when that is not. */
uint16_t schema_data_kind(struct str group, struct str version, struct str kind, enum kscope *scope);
/* A definition by its name ("io.k8s.api.core.v1.Container"), or 0. */
uint16_t schema_data_definition(struct str name);
/* The name of a definition, built in buf; "" when number is a type without a name. */
struct str schema_data_name(uint16_t number, char buf[256]);
