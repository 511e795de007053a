/* fetch.h: Records and bytes of messages. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_FETCH_H
#define MAIL_FETCH_H

#include "mail/mail.h"

/* Any thread; each call may block on the store. Faults: STORE, MEMORY; of bytes NO_SUCH_MESSAGE and DAMAGED too. */

/* The record of a message (mail/record.h reads it); lives in `a`. RC_NONE: expunged meanwhile. */
enum rc mail_record_get(struct mail_account *ma, uint64_t mid, struct arena *a,
	struct slice *record, struct fault *why);
/* Records of many, in the order of `mids`: visits those that exist; bytes are borrowed until the visitor returns.
 * One scan where the mids lie close together. */
typedef bool mail_record_fn(void *ctx, size_t index, struct slice record);
struct mail_wanted {
	const struct mail_entry *entries;
	size_t n;
	uint64_t
		before; /* bytes of records that the command has read: after many, they are kept in no cache */
};
enum rc mail_records(struct mail_account *ma, const struct mail_wanted *wanted,
	mail_record_fn *visit, void *ctx, struct fault *why);
/* Bytes of the message from the blob store, at most `len`, in `a`. */
enum rc mail_bytes_get(struct mail_account *ma, const struct blob_ref *ref, uint64_t offset,
	uint64_t len, struct arena *a, struct slice *out, struct fault *why);
/* The same at the end of `out`; it is over when there is no room. */
enum rc mail_bytes_append(struct mail_account *ma, const struct blob_ref *ref, uint64_t offset,
	uint64_t len, struct buf *out, struct fault *why);

#endif
