/*
 * lease.h - leader election by a coordination.k8s.io/v1 Lease, as client-go's leaderelection does it.
 *
 * Held for LEASE_DURATION_MS since the last renewal that the server confirmed, by our own monotonic clock; a
 * holder that cannot renew for LEASE_RENEW_DEADLINE_MS stops being leader (lost() is called; the process must
 * exit: crash-only). Another's lease is judged expired when it did not change for its leaseDurationSeconds on
 * our clock, so clocks need not agree.
 */
#pragma once

#include "kube/client.h"

#define LEASE_DURATION_MS 10000
#define LEASE_RENEW_DEADLINE_MS 8000
#define LEASE_RETRY_MS 2000

struct lease;

struct lease_callbacks {
	void (*won)(void *ctx);
	void (*lost)(void *ctx, const char *why);
	void (*released)(void *ctx);
};

struct lease *lease_new(struct loop *loop, struct kube_client *client, const char *namespace,
			const char *name, const char *identity, const struct lease_callbacks *callbacks,
			void *ctx);
bool lease_held(const struct lease *l);
/* Gives it up so that another may have it at once; released() comes within 2 s, whatever happens. */
void lease_release(struct lease *l);
void lease_free(struct lease *l);
