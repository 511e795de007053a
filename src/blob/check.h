/* check.h: The proof of stored content. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BLOB_CHECK_H
#define BLOB_CHECK_H

#include "blob/blob.h"
#include "data/check.h"

/* Does what the link names still exist? RC_OK: yes; RC_NONE: no; else it cannot be told now. */
typedef enum rc blob_holder_fn(
	void *ctx, uint32_t account, uint8_t kind, uint64_t item, struct fault *why);

/* While nobody serves from the store: reads all content and compares it with its hash; what does not bear it is parked by
 * its figures, so that it counts as absent, and whoever links it is found by its own room's proof. Links of what no
 * longer exists go; content that nobody links and nobody asks about is asked about. */
enum rc blob_check(struct blob *blob, struct check *check, blob_holder_fn *holder, void *ctx,
	struct fault *why);

/* Are there figures of such content? RC_NONE: no. RC_LOST: they are damaged. Reads one key. */
enum rc blob_has(struct blob *blob, const struct blob_ref *ref, struct fault *why);

#endif
