/* change.h: The one way to change an account's mail: build a change, commit it, apply it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_CHANGE_H
#define MAIL_CHANGE_H

#include "mail/mail.h"

/* A change is built by the visitor inside the account's turnstile, committed with its batch, and applied when the
 * commit has returned RC_OK:
 *
 *	TRY(account_enter(mail_account_of(ma), &visit, task));
 *	TRY(mail_change_begin(ma, batch, arena, &ch, why));
 *	TRY(mail_change_append(ch, box, &msg, &uid, why)); ...
 *	TRY(mail_change_end(ch, why));            adds counter, log and records to the batch
 *	task_commit(task, data, batch);  return STEP_COMMIT;
 *	... woken: batch->rc == RC_OK:  mail_change_apply(ch, view);   then account_leave(&visit)
 *
 * Deliveries follow each other without waiting for the flush (account_follow, account_pass): each builds upon those that
 * are submitted, and asserts the record of the one before it, so that it fails with it.
 *
 *	... mail_change_end(ch, why);  ahead = mail_change_ahead(ch);  data_submit(...);  if (ahead) account_pass(&visit)
 *	in the batch's done:           mail_change_answered(ch, batch->rc);
 *	... woken: batch->rc == RC_OK: mail_change_finish(ch);  then account_leave(&visit)
 *
 * Several accounts' changes may share one batch (one delivery to many). After any other rc: forget the change (it
 * lives in the arena) and leave the turnstile; on RC_TAKEN call mail_refresh and build it again. */
struct mail_change;

struct mail_new {
	struct blob_ref blob;
	struct slice record; /* from mail_record_make */
	uint64_t size;
	int64_t received; /* unix seconds */
	uint32_t flags;
	const struct slice *keywords;
	size_t keywords_n;
	uint64_t msgid_hash; /* of its own Message-ID; 0: none */
	const uint64_t *ref_hash; /* of References and In-Reply-To */
	size_t ref_n;
};

enum mail_flag_op { MAIL_FLAGS_ADD, MAIL_FLAGS_REMOVE, MAIL_FLAGS_SET };

struct mail_flag_change {
	enum mail_flag_op op;
	uint32_t flags;
	const struct slice *keywords;
	size_t keywords_n;
	bool check; /* UNCHANGEDSINCE given */
	uint64_t unchanged_since; /* RFC 7162 3.1.3 */
};

/* `why` serves the change until mail_change_end: also functions without one of their own set it. Those that look at messages
 * read pages from the store when these are not in memory. */
enum rc mail_change_begin(struct mail_account *ma, struct data_batch *b, struct arena *a,
	struct mail_change **out, struct fault *why);
/* Adds a message; blob must be linked or written in the same batch by mail (it links it to mid). RC_LIMIT: quota. */
enum rc mail_change_append(struct mail_change *ch, uint32_t box, const struct mail_new *msg,
	uint32_t *uid, struct fault *why);
/* Only messages whose flags really change are touched: `touched` gets their UIDs, `failed` those newer than
 * unchanged_since. Both may be NULL. */
enum rc mail_change_flags(struct mail_change *ch, uint32_t box, const struct ranges *uids,
	const struct mail_flag_change *fc, struct ranges *touched, struct ranges *failed);
/* `only_deleted`: those that have \Deleted. `done` gets the UIDs. */
enum rc mail_change_expunge(struct mail_change *ch, uint32_t box, const struct ranges *uids,
	bool only_deleted, struct ranges *done);
/* Copies or moves in UID order; `src` and `dst` get the pairs in the same order (for COPYUID). */
enum rc mail_change_copy(struct mail_change *ch, uint32_t from, const struct ranges *uids,
	uint32_t to, bool move, struct ranges *src, struct ranges *dst);
/* Makes the box and the levels above it. RC_TAKEN: exists. RC_BAD: not a name. */
enum rc mail_change_create(struct mail_change *ch, struct slice name, enum mail_use use,
	uint32_t *id, struct fault *why);
enum rc mail_change_delete(struct mail_change *ch, uint32_t box, struct fault *why);
/* Renames with all below; INBOX moves its messages (RFC 9051 6.3.6). */
enum rc mail_change_rename(
	struct mail_change *ch, uint32_t box, struct slice name, struct fault *why);
enum rc mail_change_subscribe(
	struct mail_change *ch, struct slice name, bool on, struct fault *why);

enum rc mail_change_end(struct mail_change *ch, struct fault *why);
/* True when nothing was changed: no commit is needed. */
bool mail_change_empty(const struct mail_change *ch);
/* The change id (modseq) it has or will have. */
uint64_t mail_change_id(const struct mail_change *ch);
/* After the commit: tables, views and watchers see it. `self`: the view that made it and is not told of flags. */
void mail_change_apply(struct mail_change *ch, struct mail_view *self);
/* After RC_TAKEN: reads what others have logged. */
enum rc mail_refresh(struct mail_account *ma, struct fault *why);

/* Notes an ended change that only appends to one mailbox as what the next one builds upon; before it is submitted. False:
 * it cannot be: keep the turnstile. */
bool mail_change_ahead(struct mail_change *ch);
/* The batch's answer; on any thread, in the order in which batches are answered: a durable one is applied. */
void mail_change_answered(struct mail_change *ch, enum rc rc);
/* After RC_OK: reads what could not be applied, and checkpoints when due. May block on the store. */
void mail_change_finish(struct mail_change *ch);

#endif
