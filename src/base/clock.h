/*
 * clock.h - the two clocks. Nothing in render/ or deploy/ reads them: time is handed in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

int64_t clock_mono_ms(void); /* CLOCK_MONOTONIC, milliseconds: for every deadline and duration */
int64_t clock_wall_ms(void); /* milliseconds since 1970 UTC: only for what people and Leases read */

#define CLOCK_RFC3339_MAX 32

/* RFC 3339 in UTC: "2026-01-02T03:04:05Z", or with micro: "2026-01-02T03:04:05.678000Z" (MicroTime). */
void clock_format(int64_t wall_ms, bool micro, char out[CLOCK_RFC3339_MAX]);
bool clock_parse(struct str text, int64_t *wall_ms); /* both forms */

/* Kubernetes' metav1.Duration as Go writes it ("60s", "1m30s", "500ms", "1h"); false when malformed. */
bool clock_parse_duration(struct str text, int64_t *ms);
