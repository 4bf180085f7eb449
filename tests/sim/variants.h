/*
 * variants.h - deliberately broken worlds, to prove that the checks can fail. Each breaks one promise in the
 * port or the host around the unchanged state machine and driver.
 */
#pragma once

enum variant {
	VARIANT_NONE,
	VARIANT_PERSIST_LIES,
	VARIANT_FORGET_INVENTORY,
	VARIANT_STALE_RESTORE,
	VARIANT_IGNORE_OWNER,
	VARIANT_ALL_OURS,
	VARIANT_DROP_DRIFT,
	VARIANT_DROP_DELETES,
	VARIANT_LATE_NEWS,
	VARIANT_NO_TIMER,
	VARIANT_HIDE_ERRORS,
	VARIANT_BROKEN_IS_EMPTY,
	VARIANT_LEAK_SECRET,
	VARIANT_REMOVED_EARLY,
	VARIANT_CHATTY,
	VARIANT_LOST_ANSWER,
	VARIANT_RENDER_AGAIN,
	VARIANTS,
};

struct variant_info {
	const char *name, *what;
};

extern const struct variant_info VARIANT_INFO[VARIANTS];
