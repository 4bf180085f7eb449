/*
 * log.h - structured lines on stderr: logfmt (default) or JSON.
 *
 *     log_info("applied", "app", "default/shop", "revision", sha, NULL);
 *
 * Keys and values are strings; the list ends with a NULL key. A NULL value skips its key.
 * Secrets are never handed to the log. Loop thread and workers may both log.
 */
#pragma once

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
};

enum log_format {
	LOG_LOGFMT,
	LOG_JSON,
};

void log_setup(enum log_level least, enum log_format format);
void log_write(enum log_level level, const char *message, ...) __attribute__((sentinel));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
