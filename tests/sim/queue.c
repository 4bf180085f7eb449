/* queue.c - a binary heap ordered by (time, order of planning). */
#include "queue.h"

#include "base/mem.h"

static bool earlier(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct event *a, struct event *b)
{
	struct event kept = *a;
	*a = *b;
	*b = kept;
}

void queue_release(struct queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->heap[i].drop)
			q->heap[i].drop(q->heap[i].arg);
	free(q->heap);
	*q = (struct queue){ 0 };
}

void queue_add(struct queue *q, int64_t at, event_fn *fn, void *arg, void (*drop)(void *))
{
	if (q->n == q->cap) {
		q->cap = q->cap ? q->cap * 2 : 64;
		q->heap = mem_realloc(q->heap, q->cap * sizeof(*q->heap));
	}
	size_t i = q->n++;
	q->heap[i] = (struct event){ at, q->planned++, fn, arg, drop };
	for (; i && earlier(&q->heap[i], &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&q->heap[i], &q->heap[(i - 1) / 2]);
}

bool queue_next(struct queue *q, struct event *out)
{
	if (!q->n)
		return false;
	*out = q->heap[0];
	q->heap[0] = q->heap[--q->n];
	for (size_t i = 0;;) {
		size_t least = i, left = 2 * i + 1;
		for (size_t child = left; child < left + 2 && child < q->n; child++)
			if (earlier(&q->heap[child], &q->heap[least]))
				least = child;
		if (least == i)
			return true;
		swap(&q->heap[i], &q->heap[least]);
		i = least;
	}
}
