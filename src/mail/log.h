/* log.h: Records of the mail change log: the operations a change is made of, written and read. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_LOG_H
#define MAIL_LOG_H

#include "mail/mail.h"

/* A record is a version byte, the time when it was made, and operations. A reader knows every version ever written; an
 * unknown operation is RC_LOST. Deltas of counts ride along so that heads follow without the table. */
enum mail_op_kind {
	MAIL_OP_APPEND = 1,
	MAIL_OP_FLAGS = 2,
	MAIL_OP_EXPUNGE = 3,
	MAIL_OP_BOX = 4,
	MAIL_OP_BOX_GONE = 5
};

enum { MAIL_OP_WORDS_MAX = 128 };

struct mail_op {
	enum mail_op_kind kind;
	uint32_t box;
	/* FLAGS, EXPUNGE */
	struct ranges uids; /* owned: mail_op_done */
	int64_t unseen, deleted, bytes, count; /* what the head's figures change by */
	/* FLAGS */
	uint8_t flag_op; /* enum mail_flag_op */
	uint32_t flags;
	/* FLAGS: keywords; APPEND: of the one entry */
	struct slice words[MAIL_OP_WORDS_MAX];
	size_t words_n;
	/* APPEND: one message; modseq and kwset are filled by who applies it */
	struct mail_entry entry;
	/* BOX */
	struct mail_box_info info; /* id, uid_validity, use, subscribed, selectable, name */
};

/* `made`: unix seconds. */
void mail_log_begin(struct buf *out, int64_t made);
void mail_log_op(struct buf *out, const struct mail_op *op);
/* Takes what stands before the operations; `made` is 0 in records of version 1. RC_LOST: not a record. */
enum rc mail_log_open(struct slice *record, int64_t *made);
/* Takes one operation; views into the record. RC_NONE: the end. RC_LOST: damaged. */
enum rc mail_op_next(struct slice *record, struct mail_op *op);
void mail_op_done(struct mail_op *op);

/* Signed numbers as varints. */
void mail_put_signed(struct buf *out, int64_t n);
enum rc mail_take_signed(struct slice *in, int64_t *n);
/* The durable part of a mailbox's head, for log and checkpoint. */
void mail_put_info(struct buf *out, const struct mail_box_info *info);
enum rc mail_take_info(struct slice *in, struct mail_box_info *info);

#endif
