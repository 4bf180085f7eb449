/* build.c - a build from end to end. */
#include "render/kustomize/build.h"

void kbuild_warn(struct kbuild *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *text = arena_vprintf(b->a, fmt, ap);
	va_end(ap);
	vec_push(&b->warnings, text);
}

int kbuild_check_memory(const struct kbuild *b, struct error *err)
{
	if (b->a->used - b->memory_before <= KUSTOMIZE_MEMORY_MAX)
		return 0;
	return error_set(err, "the build grows over %llu MiB (KUSTOMIZE_MEMORY_MAX); split it",
			 KUSTOMIZE_MEMORY_MAX >> 20);
}
