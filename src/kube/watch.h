/*
 * watch.h - list and watch of one kind, for ever: pages, bookmarks, 410, cuts and server restarts are handled
 * inside.
 *
 * After a relist, objects that vanished meanwhile cannot be told one by one (nothing is cached here): the
 * consumer gets WATCH_LIST_BEGIN, each object as WATCH_OBJECT, then WATCH_LIST_END, and sweeps what it knew
 * and did not see. A list that breaks off starts anew with another WATCH_LIST_BEGIN; within one, an object
 * may come twice. Objects always have apiVersion and kind, also where the server leaves them out of a list.
 * Retries back off with jitter from 50 ms to 10 s (3 s while the server cannot be reached); a watch that was
 * cut normally resumes at its resourceVersion at once. An unknown kind (CRD not there yet or deleted) is not
 * an error: reported as WATCH_NO_KIND once, retried with backoff and whenever discovery is refreshed.
 */
#pragma once

#include "kube/client.h"

struct kube_watch;

enum kube_watch_type {
	WATCH_LIST_BEGIN,
	WATCH_OBJECT, /* added or modified, or part of a list */
	WATCH_DELETED,
	WATCH_LIST_END, /* everything up to here is in sync */
	WATCH_NO_KIND,
	WATCH_FAILING, /* message says why; it goes on trying */
};

struct kube_watch_event {
	enum kube_watch_type type;
	struct node *object;	   /* WATCH_OBJECT, WATCH_DELETED (last state); valid during the call */
	struct arena *arena;	   /* holds it */
	bool in_list;		   /* WATCH_OBJECT came from a list page */
	const char *message;	   /* WATCH_FAILING */
	uint64_t resource_version; /* WATCH_LIST_END: the list's own; 0 when it is no number */
};

typedef void kube_watch_fn(void *arg, const struct kube_watch_event *event);

struct kube_watch_spec {
	struct str group, version, kind; /* version "": preferred */
	struct str namespace;		 /* "" : all */
	const char *label_selector;	 /* or NULL */
	const char *field_selector;	 /* or NULL */
	int page;			 /* list page size; 0: 500 */
};

struct kube_watch *kube_watch_start(struct kube_client *client, const struct kube_watch_spec *spec,
				    kube_watch_fn *fn, void *arg);
void kube_watch_stop(struct kube_watch *w); /* no call after; NULL is fine; from inside fn too. Before
					       kube_client_free() */
