/* values.h - texts that have a form: whether they have it. Room-internal. */
#pragma once

#include "check/schema.h"

bool value_is_quantity(struct str text); /* 500m, 1.5Gi, 1e3 */
bool value_is_time(struct str text);	 /* RFC 3339 */
bool value_is_date(struct str text);	 /* 2006-01-02 */
bool value_is_base64(struct str text);	 /* standard alphabet, padded; line ends are passed over */
bool value_has_format(enum schema_format format, struct str text);
/* Unicode code points. */
size_t value_length(struct str text);
/* Number of an INT or FLOAT. */
double value_number(const struct node *n);
/* Decodes base64 into a; n is SIZE_MAX when it is none. */
struct str value_decode(struct arena *a, struct str text);
