/*
 * print_status.h - the table of `capstan status`.
 */
#pragma once

#include "cmd/style.h"

struct status_row {
	const char *namespace, *name;
	const char *ready;    /* "True", "False", "Unknown" */
	const char *revision; /* what is applied, or being applied; "" none */
	const char *sync;     /* "Synced", "OutOfSync", "Syncing", "Suspended", ... */
	const char *health;   /* worst of its objects: "Current", "Progressing", "Failed", ... */
	int64_t age_s;	      /* < 0: not known */
	const char *message;  /* "" none */
};

struct status_table {
	const struct status_row *rows;
	size_t n;
	bool namespaces; /* a NAMESPACE column (with -A) */
	bool wide;	 /* whole revisions and messages; otherwise cut to the terminal */
};

void print_status(FILE *out, const struct style *style, const struct status_table *table);

/* kubectl's ages: "5s", "2m10s", "3h4m", "5d", "1y20d". */
#define PRINT_AGE_MAX 24
void print_age(int64_t seconds, char out[PRINT_AGE_MAX]);

/* A git revision for people: "main@sha1:0123456789abcdef..." becomes "main@0123456". */
#define PRINT_REVISION_MAX 128
void print_revision(const char *revision, char out[PRINT_REVISION_MAX]);
