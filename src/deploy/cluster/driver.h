/*
 * driver.h - the Kubernetes driver: plan, staged server-side apply, prune, health and drift of one app's
 * objects.
 *
 * Promises kept here: what may exist is in the persisted inventory before it is created; nothing is pruned
 * that this app did not create and still own; an empty or failed render prunes nothing; one bad object does
 * not hold up another; every error is kept with its place. Pure: it acts through a port (port.h) and learns
 * from answers and the view (view.h).
 */
#pragma once

#include "deploy/cluster/port.h"
#include "deploy/cluster/view.h"
#include "deploy/driver.h"

#define CLUSTER_IN_FLIGHT_MAX 64 /* requests one app has under way */
#define CLUSTER_REQUEST_TIMEOUT_MS 30000
#define CLUSTER_STAGE_WAIT_MS \
	30000 /* longest wait for CRDs, namespaces and classes before going on without them */
#define CLUSTER_LOST_GRACE_MS 30000 /* a request whose answer was lost may take effect for so long */
#define CLUSTER_SYNC_WAIT_MS \
	3000 /* longest wait for a kind's first list before asking for objects one by one */

struct cluster_driver;

/* app_name, app_namespace: for owner labels; copied. restored: the inventory an earlier process wrote
 * (copied), or NULL. */
struct driver *cluster_driver_new(struct view *view, const struct port_ops *port, void *port_ctx,
				  const char *app_namespace, const char *app_name,
				  const struct inventory *restored, int64_t now);

/* From the port. */
void cluster_driver_answer(struct cluster_driver *d, uint64_t token, const struct port_answer *answer);
void cluster_driver_persisted(struct cluster_driver *d, uint64_t token, const char *failure);
/* From the view: a record this driver claimed changed, or a kind came in sync. */
void cluster_driver_live(struct cluster_driver *d, struct record *r);
void cluster_driver_kind_synced(struct cluster_driver *d);

/* The inventory to store: every key that may exist, with hashes. Strings live as long as the driver does not
 * change. */
void cluster_driver_inventory(struct cluster_driver *d, struct arena *a, struct inventory *out);
/* Changes with every change of the inventory; key_serial only when a key was added that is not yet persisted.
 */
uint64_t cluster_driver_inventory_serial(const struct cluster_driver *d);
const char *cluster_driver_owner(const struct cluster_driver *d); /* "NAMESPACE/NAME" */
struct driver *cluster_driver_base(struct cluster_driver *d);
struct cluster_driver *cluster_driver_of(struct driver *d);
