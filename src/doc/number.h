/*
 * number.h - number literals as kubectl would send them, without losing a digit.
 *
 * kubectl reads a number as int64 or else as a double, and prints the double in Go's shortest
 * form: `1.0` is sent as 1, `0.10` as 0.1, `1e3` as 1000. So do we, as long as that text stands for
 * exactly the same value. Where the double would lose digits (18446744073709551615, or
 * 0.1000000000000000055) the literal's own digits are kept.
 *
 * strtod and snprintf read the locale: the program stays in the "C" locale for numbers.
 */
#pragma once

#include "doc/node.h"

/* Longest text number_shortest() writes, with the final NUL. */
#define NUMBER_TEXT_MAX 40

/* Go's encoding/json form of a finite double. */
void number_shortest(double value, char out[NUMBER_TEXT_MAX]);

/*
 * Go's strconv.FormatFloat(value, 'g', -1, bits) with bits 32 (names of map keys) or 64 (YAML
 * out); not finite: "+Inf", "-Inf", "NaN".
 */
void number_shortest_g(double value, unsigned bits, char out[NUMBER_TEXT_MAX]);

/*
 * Sets n to NODE_INT or NODE_FLOAT with the text that is sent for `literal`: an optional sign, decimal
 * digits with an optional point (".5" and "5." are fine), an optional exponent. The literal must be
 * of that form. False when the value overflows a double (n is untouched).
 */
bool number_set(struct arena *a, struct node *n, struct str literal);

/* Whether literal is a JSON integer (no point, no exponent) or a JSON fraction. */
bool number_is_integer(struct str literal);
