/* check.h: The proof of mailboxes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_CHECK_H
#define MAIL_CHECK_H

#include "data/check.h"
#include "mail/mail.h"

/* While nobody serves from the store, and behind blob_check: of every account the change log is read, the figures of its
 * mailboxes (and with them its quota) are counted anew, and each message has its record, its content and its places.
 * Mends figures, places and records that no mailbox holds. A message without record or content is taken out of its
 * mailboxes, its record is parked. */
enum rc mail_check(struct mail *mail, struct check *check, struct fault *why);
/* Is there a record of the message, or a parked one? RC_NONE: no. */
enum rc mail_check_holds(struct check *check, uint32_t account, uint64_t mid, struct fault *why);

#endif
