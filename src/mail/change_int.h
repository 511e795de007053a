/* change_int.h: A change while it is built. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_CHANGE_INT_H
#define MAIL_CHANGE_INT_H

#include "mail/mail_int.h"

enum { CHANGE_BOXES = 64, CHANGE_MESSAGES = 65535 };

/* A box that this change appends to or makes: what it will be after it. */
struct mail_pending {
	uint32_t box;
	uint32_t uid_next;
	struct slice name; /* of a box that it makes or renames; else empty */
};

struct mail_change {
	struct mail_account *ma;
	struct data_batch *batch;
	struct arena *arena;
	struct fault *why; /* of who makes the change; may be NULL */
	uint32_t account;
	uint64_t before; /* change id it builds on */
	uint32_t messages; /* new message ids given */
	uint64_t bytes; /* that it adds */
	struct buf log;
	size_t log_empty; /* length of a log without operations */
	struct buf reap; /* message ids whose last place may be gone */
	struct mail_pending pending[CHANGE_BOXES];
	size_t pending_n;
	uint32_t box_last, uid_validity_last;
	struct slice below; /* the record it builds upon, when that was not durable */
	uint64_t msgid, thread; /* of the message it adds */
	uint64_t chain; /* in which it is noted */
	bool noted; /* as what the next one builds upon */
	bool applied;
};

/* The pending state of a box; NULL: more boxes than one change takes. */
struct mail_pending *mail_pending(struct mail_change *ch, uint32_t box);
/* One message more in `to`, at the next UID. */
enum rc mail_change_place(struct mail_change *ch, uint32_t to, const struct mail_entry *e,
	const struct slice *words, size_t words_n, uint32_t *uid);
/* Notes where a message is. Of one that lies where it was delivered nothing is noted: whoever takes it out there knows
 * that no mailbox holds it. A copy notes both places, so all are known of whatever has more than one. */
void mail_change_where(struct mail_change *ch, uint32_t box, uint64_t mid, uint32_t uid);
/* Forgets where a message was; `reap`: perhaps its last place. */
void mail_change_unplace(
	struct mail_change *ch, uint32_t box, const struct mail_entry *e, bool reap);

#endif
