/* error.c - messages in caller-owned memory; nothing here can fail. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

static void mark_cut(char *text, int wanted)
{
	if (wanted >= ERROR_TEXT_MAX)
		memcpy(text + ERROR_TEXT_MAX - 4, "...", 4);
}

int error_vset(struct error *err, const char *fmt, va_list ap)
{
	if (!err)
		return -1;
	/* Arguments may point into err->text itself, so format beside it first. */
	char text[ERROR_TEXT_MAX];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	mark_cut(text, n);
	memcpy(err->text, text, sizeof(text));
	return -1;
}

int error_set(struct error *err, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	error_vset(err, fmt, ap);
	va_end(ap);
	return -1;
}

int error_wrap(struct error *err, const char *fmt, ...)
{
	if (!err)
		return -1;
	char prefix[ERROR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);

	char text[ERROR_TEXT_MAX];
	int n = snprintf(text, sizeof(text), "%s: %s", prefix, err->text);
	mark_cut(text, n);
	memcpy(err->text, text, sizeof(text));
	return -1;
}
