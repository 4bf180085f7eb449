/*
 * main.c - runs histories, in several processes when asked; a broken promise is shrunk and printed with its
 * replay.
 *
 * Exit codes: 0 every promise held (with --check-variants: every variant was caught); 1 a promise was broken
 * (a variant was not caught); 2 wrong use.
 */
#include "history.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct options {
	uint64_t from, count;
	bool replay; /* --seed: one history, told step by step with --verbose */
	bool verbose, check_variants, no_shrink;
	int jobs;
	enum variant variant;
	struct only only;
};

/* Table order must not differ between two runs of one seed: the tables' own seed is fixed. Linked by --wrap.
 */
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags)
{
	memset(p, 0x5a, n);
	return (ssize_t)n;
}

static uint64_t running_here;
static uint64_t *running = &running_here; /* seed, for the watchdog and for who waits for a job */

enum { HISTORY_MAX_S = 60 };

/* One event that never ends is a failure like any other; only the alarm can tell. */
static void on_alarm(int number)
{
	char text[96];
	int n = snprintf(text, sizeof(text), "FAILED seed %llu: promise 1: one event does not end\n",
			 (unsigned long long)*running);
	if (n > 0 && write(STDOUT_FILENO, text, (size_t)n) < 0)
		_exit(2);
	_exit(1);
}

static void run_watched(uint64_t seed, const struct options *o, enum variant variant, struct verdict *v)
{
	*running = seed;
	alarm(o->verbose ? 600 : HISTORY_MAX_S);
	history_run(seed, &o->only, variant, o->verbose, v);
	alarm(0);
}

static int usage(void)
{
	fputs("usage: sim [--from SEED] [--count N] [--jobs N] [--variant NAME] [--no-shrink]\n"
	      "       sim --seed SEED [--only WHAT] [--variant NAME] [--verbose]\n"
	      "       sim --check-variants [--count N] | --list-variants\n",
	      stderr);
	return 2;
}

static void print_replay(const struct options *o, uint64_t seed, const struct only *only)
{
	cleanup_buf struct buf text = BUF_INIT;
	only_print(only, &text);
	printf("  replay: sim --seed %llu --only %s%s%s --verbose\n", (unsigned long long)seed, text.p,
	       o->variant ? " --variant " : "", o->variant ? VARIANT_INFO[o->variant].name : "");
	fflush(stdout);
}

static void report(const struct options *o, uint64_t seed, const struct verdict *v)
{
	struct only only = o->only;
	struct verdict smaller;
	printf("FAILED seed %llu: %s\n", (unsigned long long)seed, v->failure);
	fflush(stdout);
	if (o->no_shrink) {
		print_replay(o, seed, &only);
		return;
	}
	history_shrink(seed, o->variant, &only);
	history_run(seed, &only, o->variant, false, &smaller);
	printf("  shrunk to %zu steps: %s\n", smaller.steps, smaller.failure);
	print_replay(o, seed, &only);
}

/* Seeds from + k * stride. Returns how many failed; stops at the tenth. */
static int run_seeds(const struct options *o, uint64_t first, uint64_t stride)
{
	int failed = 0;
	for (uint64_t i = first; i < o->count && failed < 10; i += stride) {
		struct verdict v;
		run_watched(o->from + i, o, o->variant, &v);
		if (!v.failure[0])
			continue;
		failed++;
		report(o, o->from + i, &v);
	}
	return failed;
}

/* A crash is a failure like any other: which seed it was must be told by whoever is left. */
static void tell_crash(const struct options *o, const pid_t *pids, const uint64_t *seeds, pid_t pid,
		       int signal)
{
	for (int i = 0; i < o->jobs; i++)
		if (pids[i] == pid)
			printf("FAILED seed %llu: the program died of signal %d (%s)\n",
			       (unsigned long long)seeds[i], signal, strsignal(signal));
}

static int run_jobs(const struct options *o)
{
	bool failed = false;
	if (o->jobs <= 1)
		return run_seeds(o, 0, 1) > 0;
	size_t size = (size_t)o->jobs * sizeof(uint64_t);
	uint64_t *seeds = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cleanup_free pid_t *pids = mem_alloc((size_t)o->jobs * sizeof(*pids));
	if (seeds == MAP_FAILED) {
		perror("sim: mmap");
		return 1;
	}
	for (int i = 0; i < o->jobs; i++) {
		fflush(stdout);
		pids[i] = fork();
		if (pids[i] < 0) {
			perror("sim: fork");
			return 1;
		}
		if (pids[i] == 0) {
			running = &seeds[i];
			exit(run_seeds(o, (uint64_t)i, (uint64_t)o->jobs) > 0);
		}
	}
	int status;
	for (pid_t pid; (pid = wait(&status)) > 0; failed |= status != 0)
		if (WIFSIGNALED(status))
			tell_crash(o, pids, seeds, pid, WTERMSIG(status));
	munmap(seeds, size);
	return failed;
}

static int check_variants(struct options *o)
{
	int missed = 0;
	uint64_t count = o->count ? o->count : 3000;
	for (int i = VARIANT_NONE + 1; i < VARIANTS; i++) {
		struct verdict v = { .failure = "" };
		uint64_t seed = 0;
		while (seed < count && !v.failure[0])
			run_watched(o->from + seed++, o, (enum variant)i, &v);
		if (v.failure[0])
			printf("caught %-18s after %4llu histories: %s\n", VARIANT_INFO[i].name,
			       (unsigned long long)seed, v.failure);
		else
			printf("MISSED %-18s in %llu histories: %s\n", VARIANT_INFO[i].name,
			       (unsigned long long)count, VARIANT_INFO[i].what);
		fflush(stdout);
		missed += !v.failure[0];
	}
	return missed > 0;
}

static int find_variant(const char *name, enum variant *out)
{
	for (int i = 0; i < VARIANTS; i++) {
		if (strcmp(VARIANT_INFO[i].name, name) == 0) {
			*out = (enum variant)i;
			return 0;
		}
	}
	fprintf(stderr, "sim: no variant %s (see --list-variants)\n", name);
	return -1;
}

static int replay(const struct options *o)
{
	struct verdict v;
	run_watched(o->from, o, o->variant, &v);
	printf("seed %llu: %zu steps, %llu events, %llu requests, %lld virtual s: %s\n",
	       (unsigned long long)o->from, v.steps, (unsigned long long)v.events,
	       (unsigned long long)v.requests, (long long)v.virtual_ms / 1000,
	       v.failure[0] ? v.failure : "every promise held");
	return v.failure[0] != 0;
}

static int run_all(const struct options *o)
{
	struct timespec start, end;
	clock_gettime(CLOCK_MONOTONIC, &start);
	int failed = run_jobs(o);
	clock_gettime(CLOCK_MONOTONIC, &end);
	double s = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	printf("%llu histories from seed %llu in %.1f s (%.0f/s): %s\n", (unsigned long long)o->count,
	       (unsigned long long)o->from, s, (double)o->count / s,
	       failed ? "a promise was broken" : "every promise held");
	return failed;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "seed", 1, NULL, 's' },
		{ "from", 1, NULL, 'f' },
		{ "count", 1, NULL, 'n' },
		{ "jobs", 1, NULL, 'j' },
		{ "variant", 1, NULL, 'v' },
		{ "only", 1, NULL, 'o' },
		{ "verbose", 0, NULL, 'V' },
		{ "no-shrink", 0, NULL, 'S' },
		{ "check-variants", 0, NULL, 'c' },
		{ "list-variants", 0, NULL, 'l' },
		{ 0 },
	};
	struct options o = { .jobs = 1, .only = ONLY_ALL };
	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
		switch (c) {
		case 's':
			o.replay = true;
			o.from = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			o.from = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			o.count = strtoull(optarg, NULL, 0);
			break;
		case 'j':
			o.jobs = atoi(optarg);
			break;
		case 'v':
			if (find_variant(optarg, &o.variant))
				return 2;
			break;
		case 'o':
			if (!only_parse(optarg, &o.only))
				return usage();
			break;
		case 'V':
			o.verbose = true;
			break;
		case 'S':
			o.no_shrink = true;
			break;
		case 'c':
			o.check_variants = true;
			break;
		case 'l':
			for (int i = 0; i < VARIANTS; i++)
				printf("%-18s %s\n", VARIANT_INFO[i].name, VARIANT_INFO[i].what);
			return 0;
		default:
			return usage();
		}
	}
	if (optind < argc)
		return usage();
	signal(SIGALRM, on_alarm);
	if (o.check_variants)
		return check_variants(&o);
	if (o.replay)
		return replay(&o);
	o.count = o.count ? o.count : 1000;
	return run_all(&o);
}
