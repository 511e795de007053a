/* change_flags.c: Flags, expunge, copy and move: what changes messages that are there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/change_int.h"
#include <string.h>

struct flag_walk {
	struct mail_account *ma;
	const struct mail_flag_change *fc;
	struct mail_op op;
	uint32_t kwset;
	struct ranges *touched, *failed;
	enum rc rc;
};

static enum rc flag_one(struct flag_walk *fw, const struct mail_entry *e)
{
	struct mail_account *ma = fw->ma;
	const struct mail_flag_change *fc = fw->fc;
	uint32_t flags = fc->op == MAIL_FLAGS_SET   ? fc->flags
			 : fc->op == MAIL_FLAGS_ADD ? e->flags | fc->flags
						    : e->flags & ~fc->flags;
	uint32_t kwset = fc->op == MAIL_FLAGS_SET ? fw->kwset
			 : fc->op == MAIL_FLAGS_ADD
				 ? mail_kwset_join(&ma->keywords, e->kwset, fw->kwset)
				 : mail_kwset_less(&ma->keywords, e->kwset, fw->kwset);
	if (fc->check && e->modseq > fc->unchanged_since)
		return fw->failed ? ranges_add(fw->failed, e->uid, e->uid) : RC_OK;
	if (flags == e->flags && kwset == e->kwset)
		return RC_OK;
	fw->op.unseen += !(flags & MAIL_SEEN) - !(e->flags & MAIL_SEEN);
	fw->op.deleted += !!(flags & MAIL_DELETED) - !!(e->flags & MAIL_DELETED);
	TRY(ranges_add(&fw->op.uids, e->uid, e->uid));
	return fw->touched ? ranges_add(fw->touched, e->uid, e->uid) : RC_OK;
}

static size_t flag_run(void *ctx, struct mail_box *, const struct mail_entry *at, size_t n)
{
	struct flag_walk *fw = ctx;
	for (size_t i = 0; fw->rc == RC_OK && i < n; i++)
		fw->rc = flag_one(fw, &at[i]);
	return fw->rc == RC_OK ? n : 0;
}

static enum rc flag_all(
	struct mail_change *ch, uint32_t box, const struct ranges *uids, struct flag_walk *fw)
{
	struct mail_walk walk = { .box = box, .uids = uids };
	lock_enter(&fw->ma->lock);
	enum rc rc =
		mail_kwset_of(&fw->ma->keywords, fw->fc->keywords, fw->fc->keywords_n, &fw->kwset);
	lock_leave(&fw->ma->lock);
	TRY(rc);
	TRY(mail_walk(fw->ma, &walk, flag_run, fw, ch->why));
	return fw->rc;
}

enum rc mail_change_flags(struct mail_change *ch, uint32_t box, const struct ranges *uids,
	const struct mail_flag_change *given, struct ranges *touched, struct ranges *failed)
{
	struct mail_flag_change fc = *given;
	struct flag_walk fw = { .ma = ch->ma, .fc = &fc, .touched = touched, .failed = failed };
	fc.flags &= MAIL_FLAGS_ALL;
	if (fc.keywords_n > MAIL_OP_WORDS_MAX)
		return RC_LIMIT;
	fw.op.kind = MAIL_OP_FLAGS;
	fw.op.box = box;
	fw.op.flag_op = (uint8_t)fc.op;
	fw.op.flags = fc.flags;
	fw.op.words_n = fc.keywords_n;
	for (size_t i = 0; i < fc.keywords_n; i++)
		fw.op.words[i] = fc.keywords[i];
	enum rc rc = flag_all(ch, box, uids, &fw);
	if (rc == RC_OK && fw.op.uids.n)
		mail_log_op(&ch->log, &fw.op);
	mail_op_done(&fw.op);
	return rc;
}

static void count_out(struct mail_op *op, const struct mail_entry *e)
{
	op->count++;
	op->unseen += !(e->flags & MAIL_SEEN);
	op->deleted += !!(e->flags & MAIL_DELETED);
	op->bytes += e->size;
}

struct expunge_walk {
	struct mail_change *ch;
	struct mail_op op;
	bool only_deleted;
	enum rc rc;
};

static size_t expunge_run(void *ctx, struct mail_box *, const struct mail_entry *at, size_t n)
{
	struct expunge_walk *ew = ctx;
	for (size_t i = 0; ew->rc == RC_OK && i < n; i++) {
		const struct mail_entry *e = &at[i];
		if (ew->only_deleted && !(e->flags & MAIL_DELETED))
			continue;
		ew->rc = ranges_add(&ew->op.uids, e->uid, e->uid);
		count_out(&ew->op, e);
		mail_change_unplace(ew->ch, ew->op.box, e, true);
	}
	return ew->rc == RC_OK ? n : 0;
}

enum rc mail_change_expunge(struct mail_change *ch, uint32_t box, const struct ranges *uids,
	bool only_deleted, struct ranges *done)
{
	struct expunge_walk ew = { .ch = ch, .only_deleted = only_deleted };
	struct mail_walk walk = {
		.box = box, .uids = uids, .may = only_deleted ? MAIL_MAY_DELETED : 0
	};
	struct mail_op *op = &ew.op;
	op->kind = MAIL_OP_EXPUNGE;
	op->box = box;
	enum rc rc = mail_walk(ch->ma, &walk, expunge_run, &ew, ch->why);
	rc = rc == RC_OK ? ew.rc : rc;
	if (rc == RC_OK && op->uids.n)
		mail_log_op(&ch->log, op);
	for (size_t i = 0; rc == RC_OK && done && i < op->uids.n; i++)
		rc = ranges_add(done, op->uids.at[i].lo, op->uids.at[i].hi);
	mail_op_done(op);
	return rc;
}

static enum rc copy_one(
	struct mail_change *ch, uint32_t to, const struct mail_entry *e, uint32_t *uid)
{
	struct slice words[MAIL_OP_WORDS_MAX];
	size_t n = 0;
	const char *const *names = mail_keywords(ch->ma, e->kwset, &n);
	if (n > MAIL_OP_WORDS_MAX)
		n = MAIL_OP_WORDS_MAX;
	for (size_t i = 0; i < n; i++)
		words[i] = slice_str(names[i]);
	TRY(mail_change_place(ch, to, e, words, n, uid));
	mail_change_where(ch, to, e->mid, *uid);
	return RC_OK;
}

struct some {
	struct mail_entry at[64];
	size_t n;
};

static size_t some_run(void *ctx, struct mail_box *, const struct mail_entry *at, size_t n)
{
	struct some *some = ctx;
	size_t room = sizeof(some->at) / sizeof(some->at[0]) - some->n;
	n = n < room ? n : room;
	memcpy(some->at + some->n, at, n * sizeof(*at));
	some->n += n;
	return n;
}

struct copy_walk {
	struct mail_op op;
	uint32_t to;
	bool move;
	struct ranges *src, *dst;
};

static enum rc copy_next(struct mail_change *ch, struct copy_walk *cw, const struct mail_entry *e)
{
	uint32_t uid;
	TRY(copy_one(ch, cw->to, e, &uid));
	TRY(ranges_add(cw->src, e->uid, e->uid));
	TRY(ranges_add(cw->dst, uid, uid));
	if (!cw->move) {
		mail_change_where(ch, cw->op.box, e->mid, e->uid);
		return RC_OK;
	}
	TRY(ranges_add(&cw->op.uids, e->uid, e->uid));
	count_out(&cw->op, e);
	mail_change_unplace(ch, cw->op.box, e, false);
	return RC_OK;
}

/* A handful at a time: what is done with an entry takes the lock. */
static enum rc copy_all(struct mail_change *ch, struct copy_walk *cw, const struct ranges *uids)
{
	struct mail_walk walk = { .box = cw->op.box, .uids = uids };
	struct some some;
	do {
		some.n = 0;
		TRY(mail_walk(ch->ma, &walk, some_run, &some, ch->why));
		for (size_t i = 0; i < some.n; i++)
			TRY(copy_next(ch, cw, &some.at[i]));
	} while (some.n == sizeof(some.at) / sizeof(some.at[0]));
	return RC_OK;
}

enum rc mail_change_copy(struct mail_change *ch, uint32_t from, const struct ranges *uids,
	uint32_t to, bool move, struct ranges *src, struct ranges *dst)
{
	struct copy_walk cw = { .to = to, .move = move, .src = src, .dst = dst };
	cw.op.kind = MAIL_OP_EXPUNGE;
	cw.op.box = from;
	lock_enter(&ch->ma->lock);
	uint64_t quota = ch->ma->quota;
	lock_leave(&ch->ma->lock);
	enum rc rc = copy_all(ch, &cw, uids);
	if (rc == RC_OK && cw.op.uids.n)
		mail_log_op(&ch->log, &cw.op);
	mail_op_done(&cw.op);
	if (rc == RC_OK && !move && quota && mail_bytes(ch->ma) + ch->bytes > quota)
		return RC_LIMIT;
	return rc;
}
