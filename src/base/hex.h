/*
 * hex.h - bytes as hexadecimal digits, as RFC 4648, 8 has them, but written in lower case.
 */
#pragma once

#include "base/str.h"

int hex_value(char digit); /* of either case; -1: it is none */
int hex_lower(char digit); /* of what hex_write() writes; -1: it is none */
/* Whether text is digits of lower case alone; an empty one is. */
bool hex_is(struct str text);
/* 2 * n digits and a NUL. */
void hex_write(const void *bytes, size_t n, char *out);
