/* intake.h: A message on its way in, from whatever door: hashed, parsed and written while it comes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_INTAKE_H
#define MAIL_INTAKE_H

#include "blob/upload.h"
#include "mail/record.h"

/* A message of any size costs a few frames of memory and what its headers take. After the end blob_upload_store(&in->up)
 * adds its content to a batch, and `parsed` is what mail_change_append wants.
 *
 *	mail_intake_begin → mail_intake_add ... → mail_intake_end → (store → commit) ... → mail_intake_done */
struct mail_intake {
	struct blob_upload up;
	struct mail_making *making;
	struct mail_parsed parsed; /* after the end, in its arena */
};

/* `frame` (on the heap, empty) and `work` may be shared by intakes that come one after the other: both are the caller's
 * again after the end; `work` must not be reset before. Faults of all: STORE, STORE_FULL, MEMORY, CONFLICT; then only
 * mail_intake_done is left. */
enum rc mail_intake_begin(struct mail_intake *in, struct blob *blob, struct buf *frame,
	struct arena *work, struct fault *why);
enum rc mail_intake_add(struct mail_intake *in, struct slice bytes, struct fault *why);
/* `spill`: even a small message's content leaves the memory. */
enum rc mail_intake_end(struct mail_intake *in, bool spill, struct arena *a, struct fault *why);
/* `stored`: its batch was committed. Nothing happens to one that is zeroed or done. */
void mail_intake_done(struct mail_intake *in, bool stored);

#endif
