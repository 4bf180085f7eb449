/* limit.c - see limit.h for the thought behind it. */
#include "kube/limit.h"

enum {
	WINDOW_SAMPLES = 20,
	WINDOW_MS = 100,
	GROW_PART = 16 /* grows by a sixteenth a window */
};

void kube_limit_init(struct kube_limit *l)
{
	*l = (struct kube_limit){ .limit = KUBE_LIMIT_START, .cut_at = INT64_MIN };
}

int kube_limit_value(const struct kube_limit *l)
{
	return (int)l->limit;
}

static void new_window(struct kube_limit *l, int64_t now_ms)
{
	l->window_start = now_ms;
	l->samples = 0;
	l->latency_sum = l->load_sum = 0;
	l->full = false;
}

static void cut(struct kube_limit *l, int64_t now_ms, double factor, double floor)
{
	double limit = l->limit * factor;
	if (limit < floor)
		limit = l->limit < floor ? l->limit : floor;
	l->limit = limit;
	l->cut_at = now_ms;
	new_window(l, now_ms);
}

static void grow(struct kube_limit *l)
{
	double step = l->limit / GROW_PART;
	l->limit += step < 1 ? 1 : step;
	if (l->limit > KUBE_LIMIT_MAX)
		l->limit = KUBE_LIMIT_MAX;
}

/* Two buckets of time: the best is never forgotten before one whole bucket has passed. */
static double remember(struct kube_limit *l, int64_t now_ms, double cost)
{
	if (now_ms - l->bucket_start >= KUBE_LIMIT_MEMORY_MS) {
		l->best_before = l->best;
		l->best = 0;
		l->bucket_start = now_ms;
	}
	if (l->best == 0 || cost < l->best)
		l->best = cost;
	return l->best_before != 0 && l->best_before < l->best ? l->best_before : l->best;
}

static void close_window(struct kube_limit *l, int64_t now_ms)
{
	double latency = l->latency_sum / l->samples;
	double load = l->load_sum / l->samples;
	double cost = (latency > 0.5 ? latency : 0.5) / (load > 1 ? load : 1);
	double best = remember(l, now_ms, cost);
	bool full = l->full;
	new_window(l, now_ms);
	if (latency >= KUBE_LIMIT_SLOW_MS && cost >= best * KUBE_LIMIT_WORSE)
		cut(l, now_ms, 0.75, KUBE_LIMIT_LATENCY_MIN);
	else if (full && (latency <= KUBE_LIMIT_FAST_MS || l->limit < KUBE_LIMIT_START))
		grow(l);
}

void kube_limit_sample(struct kube_limit *l, int64_t now_ms, int64_t start_ms, int load,
		       enum kube_limit_outcome outcome)
{
	if (outcome == KUBE_LIMIT_FAILED || start_ms < l->cut_at)
		return;
	if (outcome == KUBE_LIMIT_THROTTLED) {
		cut(l, now_ms, 0.5, KUBE_LIMIT_MIN);
		return;
	}
	if (l->samples == 0 && l->window_start == 0)
		l->window_start = l->bucket_start = now_ms;
	l->samples++;
	l->latency_sum += (double)(now_ms - start_ms);
	l->load_sum += load;
	l->full |= load >= (int)(l->limit * 0.9);
	if (l->samples >= WINDOW_SAMPLES && now_ms - l->window_start >= WINDOW_MS)
		close_window(l, now_ms);
}
