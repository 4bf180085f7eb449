/* log.c - one write(2) a line, so that lines of several threads do not mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

static struct {
	enum log_level least;
	enum log_format format;
} config = { LOG_INFO, LOG_LOGFMT };

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void log_setup(enum log_level least, enum log_format format)
{
	config.least = least;
	config.format = format;
}

static void add_quoted(struct buf *b, const char *z)
{
	buf_addc(b, '"');
	for (; *z; z++) {
		unsigned char c = (unsigned char)*z;
		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c == '\n')
			buf_adds(b, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\u%04x", c);
		else
			buf_addc(b, (char)c);
	}
	buf_addc(b, '"');
}

static bool is_plain(const char *z)
{
	if (!*z)
		return false;
	for (; *z; z++)
		if (*z <= ' ' || *z == '"' || *z == '=' || *z == '\\' || *z == 0x7f)
			return false;
	return true;
}

static void add_pair(struct buf *b, const char *key, const char *value)
{
	if (config.format == LOG_JSON) {
		buf_adds(b, b->n > 1 ? "," : "");
		add_quoted(b, key);
		buf_addc(b, ':');
		add_quoted(b, value);
		return;
	}
	buf_printf(b, "%s%s=", b->n ? " " : "", key);
	if (is_plain(value))
		buf_adds(b, value);
	else
		add_quoted(b, value);
}

void log_write(enum log_level level, const char *message, ...)
{
	if (level < config.least)
		return;
	cleanup_buf struct buf line = BUF_INIT;
	if (config.format == LOG_JSON)
		buf_addc(&line, '{');
	char now[CLOCK_RFC3339_MAX];
	clock_format(clock_wall_ms(), true, now);
	add_pair(&line, "ts", now);
	add_pair(&line, "level", level_names[level]);
	add_pair(&line, "msg", message);

	va_list ap;
	va_start(ap, message);
	for (const char *key; (key = va_arg(ap, const char *));) {
		const char *value = va_arg(ap, const char *);
		if (value)
			add_pair(&line, key, value);
	}
	va_end(ap);

	buf_adds(&line, config.format == LOG_JSON ? "}\n" : "\n");
	if (write(STDERR_FILENO, line.p, line.n) < 0)
		return; /* nowhere is left to say so */
}
