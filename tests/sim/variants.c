/* variants.c - names of the broken worlds, for the command line and README.md. */
#include "variants.h"

const struct variant_info VARIANT_INFO[VARIANTS] = {
	[VARIANT_NONE] = { "none", "the real thing" },
	[VARIANT_PERSIST_LIES] = { "persist-lies", "the inventory is said to be stored before it is" },
	[VARIANT_FORGET_INVENTORY] = { "forget-inventory", "a restart begins without the stored inventory" },
	[VARIANT_STALE_RESTORE] = { "stale-restore",
				    "a restart believes that the newest commit was applied" },
	[VARIANT_IGNORE_OWNER] = { "ignore-owner", "owner labels of live objects are not seen" },
	[VARIANT_ALL_OURS] = { "all-ours", "every live object looks as if it carried this app's labels" },
	[VARIANT_DROP_DRIFT] = { "drop-drift", "watch events of changed objects are swallowed" },
	[VARIANT_DROP_DELETES] = { "drop-deletes", "watch events of deleted objects are swallowed" },
	[VARIANT_LATE_NEWS] = { "late-news", "a new commit is told only once the last one is through" },
	[VARIANT_NO_TIMER] = { "no-timer", "the timer that the app asks for never fires" },
	[VARIANT_HIDE_ERRORS] = { "hide-errors", "refused writes are answered as done" },
	[VARIANT_BROKEN_IS_EMPTY] = { "broken-is-empty",
				      "a render with errors comes without them and without its broken file" },
	[VARIANT_LEAK_SECRET] = { "leak-secret", "the server's messages repeat what was sent" },
	[VARIANT_REMOVED_EARLY] = { "removed-early", "the finalizer goes before the objects are gone" },
	[VARIANT_CHATTY] = { "chatty", "a converged app is synced again every ten minutes" },
	[VARIANT_LOST_ANSWER] = { "lost-answer", "one answer in a hundred never comes, not even as lost" },
	[VARIANT_RENDER_AGAIN] = { "render-again",
				   "commits of the past are told as the newest now and then" },
};
