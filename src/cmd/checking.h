/* checking.h - what every check of capstan.yaml's environments tells the checker first (check/check.h). */
#pragma once

#include "check/check.h"
#include "render/environments.h"

/* Secrets that capstan.yaml says may lie in plain text. */
int checking_allow(struct check *c, const struct environments *all, struct error *err);
/* App and Repo are known without their definitions lying in the repository; read when there is one of them,
 * once: *known. */
int checking_own_kinds(struct check *c, const struct check_environment *e, bool *known, struct error *err);
