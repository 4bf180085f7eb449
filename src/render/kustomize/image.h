/* image.h - image references: registry.example.com:5000/team/app:tag@sha256:digest. Room-internal. */
#pragma once

#include "base/str.h"

struct kimage {
	struct str name, tag, digest; /* of the text; tag without ":", digest without "@" */
};

/* Takes a reference apart (upstream: image.Split). Every text is one. */
struct kimage kimage_split(struct str text);
