/* check.h: The proof of the queue. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QUEUE_CHECK_H
#define QUEUE_CHECK_H

#include "blob/blob.h"
#include "data/check.h"

/* While nobody serves from the store, and behind blob_check: parks records that cannot be read or whose content is gone;
 * mends the index and the count. `relay_host`: as in queue_deps. */
enum rc queue_check(
	struct blob *blob, const char *relay_host, struct check *check, struct fault *why);
/* Is there a record of the message, or a parked one? RC_NONE: no. */
enum rc queue_check_holds(struct check *check, uint64_t id, struct fault *why);

#endif
