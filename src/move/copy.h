/* copy.h: All keys of one data store into another of any engine, resumable and verified. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOVE_COPY_H
#define MOVE_COPY_H

#include "data/data.h"

/* One key of the target bears the state of a copy that is not finished:
 *   'C' 'c'                     version, source's name, space, last key copied (or, while it verifies, compared)
 *
 * [copy 1] It is put by the batch that puts what it speaks of, so a copy that was cut off goes on behind the last key.
 * [copy 2] A store that has it must not be served (copy_pending).
 * [copy 3] The last batch deletes it, after every key and value of both sides was compared.
 *
 * Nobody else writes to either store meanwhile. */

struct copy_progress {
	enum data_space space;
	bool verifying;
	unsigned percent; /* of this space; an estimate, from where the last key lies */
	uint64_t keys, bytes; /* since this run began */
};
typedef void copy_tell_fn(void *ctx, const struct copy_progress *progress);

struct copy_ask {
	struct data *from, *to;
	struct slice name; /* the source's: a copy of another source is not continued */
	copy_tell_fn *tell; /* after each batch; NULL: nobody */
	void *ctx;
	uint64_t
		keys_max; /* stops behind so many, RC_MORE; 0: no limit (tests cut it off with this) */
};

/* RC_TAKEN: CONFLICT: the target holds other data, or another source's unfinished copy. RC_LOST: DAMAGED: they differ after
 * all, the state stays. RC_MORE: keys_max. Blocks; one thread. */
enum rc copy_run(const struct copy_ask *ask, struct copy_progress *done, struct fault *why);
/* RC_OK: an unfinished copy lies there; `name` of its source in `a`. RC_NONE: no. */
enum rc copy_pending(struct data *data, struct arena *a, struct slice *name, struct fault *why);

#endif
