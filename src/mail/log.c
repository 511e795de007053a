/* log.c: Writing and reading the operations of a mail change. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/log.h"
#include "base/must.h"

enum { UNTIMED = 1, VERSION = 2 };

void mail_put_signed(struct buf *out, int64_t n)
{
	buf_varint(out, (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0));
}

enum rc mail_take_signed(struct slice *in, int64_t *n)
{
	uint64_t u;
	TRY(take_varint(in, &u));
	*n = (int64_t)(u >> 1 ^ (u & 1 ? UINT64_MAX : 0));
	return RC_OK;
}

static enum rc take_u32(struct slice *in, uint32_t *n)
{
	uint64_t u;
	TRY(take_varint(in, &u));
	if (u > UINT32_MAX)
		return RC_BAD;
	*n = (uint32_t)u;
	return RC_OK;
}

void mail_put_info(struct buf *out, const struct mail_box_info *info)
{
	buf_varint(out, info->id);
	buf_varint(out, info->uid_validity);
	buf_byte(out, (uint8_t)info->use);
	buf_byte(out, (uint8_t)(info->subscribed | info->selectable << 1 | info->ghost << 2));
	buf_vslice(out, info->name);
}

enum rc mail_take_info(struct slice *in, struct mail_box_info *info)
{
	uint8_t use, bits;
	TRY(take_u32(in, &info->id));
	TRY(take_u32(in, &info->uid_validity));
	TRY(take_byte(in, &use));
	TRY(take_byte(in, &bits));
	info->use = use <= MAIL_USE_TRASH ? (enum mail_use)use : MAIL_USE_NONE;
	info->subscribed = bits & 1;
	info->selectable = bits & 2;
	info->ghost = bits & 4;
	return take_vslice(in, &info->name);
}

static void put_words(struct buf *out, const struct mail_op *op)
{
	buf_varint(out, op->words_n);
	for (size_t i = 0; i < op->words_n; i++)
		buf_vslice(out, op->words[i]);
}

static enum rc take_words(struct slice *in, struct mail_op *op)
{
	uint64_t n;
	TRY(take_varint(in, &n));
	if (n > MAIL_OP_WORDS_MAX)
		return RC_BAD;
	op->words_n = (size_t)n;
	for (size_t i = 0; i < op->words_n; i++)
		TRY(take_vslice(in, &op->words[i]));
	return RC_OK;
}

static void put_counts(struct buf *out, const struct mail_op *op)
{
	mail_put_signed(out, op->count);
	mail_put_signed(out, op->unseen);
	mail_put_signed(out, op->deleted);
	mail_put_signed(out, op->bytes);
}

static enum rc take_counts(struct slice *in, struct mail_op *op)
{
	TRY(mail_take_signed(in, &op->count));
	TRY(mail_take_signed(in, &op->unseen));
	TRY(mail_take_signed(in, &op->deleted));
	return mail_take_signed(in, &op->bytes);
}

static void put_entry(struct buf *out, const struct mail_op *op)
{
	const struct mail_entry *e = &op->entry;
	buf_varint(out, e->uid);
	buf_varint(out, e->mid);
	buf_varint(out, e->size);
	mail_put_signed(out, e->received);
	buf_varint(out, e->flags);
	put_words(out, op);
}

static enum rc take_entry(struct slice *in, struct mail_op *op)
{
	struct mail_entry *e = &op->entry;
	*e = (struct mail_entry){ 0 };
	TRY(take_u32(in, &e->uid));
	TRY(take_varint(in, &e->mid));
	TRY(take_u32(in, &e->size));
	TRY(mail_take_signed(in, &e->received));
	TRY(take_u32(in, &e->flags));
	TRY(take_words(in, op));
	if (e->uid == 0)
		return RC_BAD;
	op->count = 1;
	op->unseen = !(e->flags & MAIL_SEEN);
	op->deleted = !!(e->flags & MAIL_DELETED);
	op->bytes = e->size;
	return RC_OK;
}

void mail_log_begin(struct buf *out, int64_t made)
{
	buf_byte(out, VERSION);
	mail_put_signed(out, made);
}

void mail_log_op(struct buf *out, const struct mail_op *op)
{
	buf_byte(out, (uint8_t)op->kind);
	buf_varint(out, op->box);
	switch (op->kind) {
	case MAIL_OP_APPEND:
		put_entry(out, op);
		break;
	case MAIL_OP_FLAGS:
		buf_byte(out, op->flag_op);
		buf_varint(out, op->flags);
		put_words(out, op);
		put_counts(out, op);
		ranges_write(&op->uids, out);
		break;
	case MAIL_OP_EXPUNGE:
		put_counts(out, op);
		ranges_write(&op->uids, out);
		break;
	case MAIL_OP_BOX:
		mail_put_info(out, &op->info);
		break;
	case MAIL_OP_BOX_GONE:
		break;
	}
}

enum rc mail_log_open(struct slice *record, int64_t *made)
{
	uint8_t version;
	*made = 0;
	if (take_byte(record, &version) != RC_OK)
		return RC_LOST;
	if (version == UNTIMED)
		return RC_OK;
	return version == VERSION && mail_take_signed(record, made) == RC_OK ? RC_OK : RC_LOST;
}

static enum rc take_op(struct slice *in, struct mail_op *op)
{
	switch (op->kind) {
	case MAIL_OP_APPEND:
		return take_entry(in, op);
	case MAIL_OP_FLAGS:
		TRY(take_byte(in, &op->flag_op));
		TRY(take_u32(in, &op->flags));
		TRY(take_words(in, op));
		TRY(take_counts(in, op));
		return ranges_read(in, &op->uids);
	case MAIL_OP_EXPUNGE:
		TRY(take_counts(in, op));
		return ranges_read(in, &op->uids);
	case MAIL_OP_BOX:
		return mail_take_info(in, &op->info);
	case MAIL_OP_BOX_GONE:
		return RC_OK;
	}
	return RC_BAD;
}

enum rc mail_op_next(struct slice *record, struct mail_op *op)
{
	uint8_t kind;
	if (record->len == 0)
		return RC_NONE;
	if (take_byte(record, &kind) != RC_OK || take_u32(record, &op->box) != RC_OK)
		return RC_LOST;
	op->kind = (enum mail_op_kind)kind;
	op->words_n = 0;
	return take_op(record, op) == RC_OK ? RC_OK : RC_LOST;
}

void mail_op_done(struct mail_op *op)
{
	ranges_done(&op->uids);
}
