/* confine_report.c - what confines a program here and what ended it, in words. */
#include <errno.h>
#include <signal.h>

#include "io/confine_parts.h"

static const char *const names[CONFINE_LAYERS] = {
	[CONFINE_ROOT] = "root directory of its own",
	[CONFINE_PID] = "pid namespace",
	[CONFINE_NETWORK] = "network namespace",
	[CONFINE_IPC] = "ipc and uts namespaces",
	[CONFINE_ACCOUNT] = "account that is not root",
	[CONFINE_LANDLOCK] = "Landlock",
	[CONFINE_FILTER] = "filter of system calls",
	[CONFINE_PRIVILEGES] = "no privileges",
	[CONFINE_SIGNALS] = "signals only to its own processes",
	[CONFINE_DISK] = "directory in memory of limited size",
	[CONFINE_MEMORY] = "cgroup for memory",
	[CONFINE_PIDS_CAPPED] = "limit of processes",
	[CONFINE_WATCH] = "watch over memory and time",
};

/* What stands in for a layer that is missing, or what is open without it. */
static const char *const instead[CONFINE_LAYERS] = {
	[CONFINE_ROOT] = "only Landlock keeps it in its directory",
	[CONFINE_PID] = "its process group is ended instead",
	[CONFINE_NETWORK] = "only the filter keeps it from sockets",
	[CONFINE_ACCOUNT] = "it runs as root",
	[CONFINE_SIGNALS] = "it may signal processes of its account",
	[CONFINE_DISK] = "its directory is on a disk and is watched",
	[CONFINE_MEMORY] = "RLIMIT_DATA for each process, and the watch over their sum",
	[CONFINE_PIDS_CAPPED] = "only the watch",
};

const char *confine_layer_name(enum confine_layer layer)
{
	return (unsigned)layer < CONFINE_LAYERS ? names[layer] : "?";
}

bool confine_report_suffices(const struct confine_report *report)
{
	const uint32_t spaces = 1u << CONFINE_ROOT | 1u << CONFINE_PID | 1u << CONFINE_NETWORK;
	const uint32_t rules = 1u << CONFINE_LANDLOCK | 1u << CONFINE_FILTER;
	return (report->held & spaces) == spaces || (report->held & rules) == rules;
}

void confine_report_text(const struct confine_report *report, struct buf *out)
{
	const char *between = "confined by ";
	for (int i = 0; i < CONFINE_LAYERS; i++) {
		if (!(report->held & 1u << i))
			continue;
		buf_printf(out, "%s%s", between, names[i]);
		if (i == CONFINE_LANDLOCK)
			buf_printf(out, " %d", report->landlock);
		between = ", ";
	}
	if (!report->held)
		buf_adds(out, "confined by nothing");
	between = "; missing: ";
	for (int i = 0; i < CONFINE_LAYERS; i++) {
		if (report->held & 1u << i)
			continue;
		buf_printf(out, "%s%s", between, names[i]);
		if (report->why[i])
			buf_printf(out, " (%s)", strerror(report->why[i]));
		if (instead[i])
			buf_printf(out, ": %s", instead[i]);
		between = ", ";
	}
}

static const char *program_name(const struct confine_spec *spec)
{
	return spec->argv && spec->argv[0] ? spec->argv[0] : "program";
}

static unsigned long long mebibytes(uint64_t bytes)
{
	return (unsigned long long)((bytes + (1u << 20) - 1) >> 20);
}

#define OR_DEFAULT(value, otherwise) ((value) ? (value) : (otherwise))

static int over(const struct confine_spec *spec, const struct confine_result *r, struct error *err)
{
	const char *name = program_name(spec);
	int64_t timeout = OR_DEFAULT(spec->timeout_ms, CONFINE_TIMEOUT_MS);
	switch (r->end) {
	case CONFINE_TIMED_OUT:
		return error_set(
			err,
			"%.200s: did not end within %lld ms and was killed: give it a longer timeout, "
			"or see what it waits for (it has no network)",
			name, (long long)timeout);
	case CONFINE_OVER_OUTPUT:
		return error_set(
			err,
			"%.200s: printed more than %llu MiB and was killed: print less, or raise the cap",
			name, mebibytes(OR_DEFAULT(spec->output_max, CONFINE_OUTPUT_MAX)));
	case CONFINE_OVER_MEMORY:
		return error_set(
			err,
			"%.200s: used more than %llu MiB of memory and was killed: raise its cap of memory",
			name, mebibytes(OR_DEFAULT(spec->memory_bytes, CONFINE_MEMORY_BYTES)));
	case CONFINE_OVER_CPU:
		return error_set(err, "%.200s: used more than %lld ms of processor time and was killed", name,
				 (long long)OR_DEFAULT(spec->cpu_ms, 4 * timeout));
	case CONFINE_OVER_DISK:
		return error_set(
			err,
			"%.200s: wrote more than %llu MiB, or too many or too deep files, and was killed: "
			"raise its cap of disk space",
			name, mebibytes(OR_DEFAULT(spec->disk_bytes, CONFINE_DISK_BYTES)));
	case CONFINE_OVER_PIDS:
		return error_set(err, "%.200s: started more than %u processes and was killed", name,
				 OR_DEFAULT(spec->pids_max, CONFINE_PIDS));
	case CONFINE_CANCELLED:
		return error_set(err, "%.200s: was cancelled", name);
	default:
		return error_set(err, "%.200s: was killed from outside", name);
	}
}

int confine_verdict(const struct confine_spec *spec, const struct confine_result *r, struct error *err)
{
	if (r->end == CONFINE_EXITED && r->exit_code == 0)
		return 0;
	if (r->end != CONFINE_EXITED && r->end != CONFINE_SIGNALED)
		return over(spec, r, err);
	const char *hint = "";
	if (r->disk_full)
		hint = "; its directory was full: raise its cap of disk space";
	else if (r->pids_reached)
		hint = "; it had as many processes and threads as it may have: raise its cap of processes";
	else if (r->memory_peak > OR_DEFAULT(spec->memory_bytes, CONFINE_MEMORY_BYTES) / 8 * 7)
		hint = "; it was near its cap of memory";
	if (r->end == CONFINE_SIGNALED)
		return error_set(err, "%.200s: ended by signal %d (%s)%s", program_name(spec), r->signal,
				 strsignal(r->signal), hint);
	return error_set(err, "%.200s: exit code %d%s", program_name(spec), r->exit_code, hint);
}
