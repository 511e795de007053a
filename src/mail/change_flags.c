/* change_flags.c: Flags, expunge, copy and move: what changes messages that are there. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"
#include "mail/change_int.h"

/* Walks entries of `uids` in a loaded box, under the lock. */
struct walk {
	struct mail_box *box;
	const struct ranges *uids;
	size_t range;
	uint32_t from;
	size_t page;
	uint16_t at;
};

static struct mail_entry *walk_next(struct walk *w)
{
	for (; w->range < w->uids->n; w->range++, w->from = 0) {
		struct range r = w->uids->at[w->range];
		uint32_t from = w->from > r.lo ? w->from : r.lo;
		struct mail_table *t = &w->box->table;
		if (w->from == 0) {
			w->page = mail_table_seek(t, from);
			w->at = 0;
		}
		for (; w->page < t->n; w->page++, w->at = 0) {
			struct mail_page *p = &t->pages[w->page];
			while (w->at < p->n && p->at[w->at].uid < from)
				w->at++;
			if (w->at == p->n)
				continue;
			if (p->at[w->at].uid > r.hi)
				break;
			w->from = p->at[w->at].uid + 1;
			return &p->at[w->at++];
		}
	}
	return NULL;
}

struct flag_walk {
	struct mail_op op;
	uint32_t kwset;
	struct ranges *touched, *failed;
};

static enum rc flag_one(struct mail_account *ma, const struct mail_flag_change *fc,
	const struct mail_entry *e, struct flag_walk *fw)
{
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

static enum rc flag_all(struct mail_account *ma, uint32_t box, const struct ranges *uids,
	const struct mail_flag_change *fc, struct flag_walk *fw)
{
	struct walk w = { .box = mail_box_by_id(ma, box), .uids = uids };
	if (!w.box)
		return RC_NONE;
	must(w.box->loaded); /* a view holds it */
	TRY(mail_kwset_of(&ma->keywords, fc->keywords, fc->keywords_n, &fw->kwset));
	for (struct mail_entry *e; (e = walk_next(&w)) != NULL;)
		TRY(flag_one(ma, fc, e, fw));
	return RC_OK;
}

enum rc mail_change_flags(struct mail_change *ch, uint32_t box, const struct ranges *uids,
	const struct mail_flag_change *given, struct ranges *touched, struct ranges *failed)
{
	struct mail_flag_change fc = *given;
	struct flag_walk fw = { .touched = touched, .failed = failed };
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
	lock_enter(&ch->ma->lock);
	enum rc rc = flag_all(ch->ma, box, uids, &fc, &fw);
	lock_leave(&ch->ma->lock);
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

static enum rc expunge_all(
	struct mail_change *ch, const struct ranges *uids, bool only_deleted, struct mail_op *op)
{
	struct walk w = { .box = mail_box_by_id(ch->ma, op->box), .uids = uids };
	if (!w.box)
		return RC_NONE;
	must(w.box->loaded);
	for (struct mail_entry *e; (e = walk_next(&w)) != NULL;) {
		if (only_deleted && !(e->flags & MAIL_DELETED))
			continue;
		TRY(ranges_add(&op->uids, e->uid, e->uid));
		count_out(op, e);
		mail_change_unplace(ch, op->box, e, true);
	}
	return RC_OK;
}

enum rc mail_change_expunge(struct mail_change *ch, uint32_t box, const struct ranges *uids,
	bool only_deleted, struct ranges *done)
{
	struct mail_op op = { .kind = MAIL_OP_EXPUNGE, .box = box };
	lock_enter(&ch->ma->lock);
	enum rc rc = expunge_all(ch, uids, only_deleted, &op);
	lock_leave(&ch->ma->lock);
	if (rc == RC_OK && op.uids.n)
		mail_log_op(&ch->log, &op);
	for (size_t i = 0; rc == RC_OK && done && i < op.uids.n; i++)
		rc = ranges_add(done, op.uids.at[i].lo, op.uids.at[i].hi);
	mail_op_done(&op);
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

/* Entries in UID order, a handful at a time, so that the lock is held for moments only. */
static size_t read_some(struct mail_account *ma, struct walk *w, struct mail_entry *out, size_t max)
{
	size_t n = 0;
	lock_enter(&ma->lock);
	for (struct mail_entry *e; n < max && (e = walk_next(w)) != NULL;)
		out[n++] = *e;
	lock_leave(&ma->lock);
	return n;
}

enum rc mail_change_copy(struct mail_change *ch, uint32_t from, const struct ranges *uids,
	uint32_t to, bool move, struct ranges *src, struct ranges *dst)
{
	struct mail_entry some[64];
	struct mail_op op = { .kind = MAIL_OP_EXPUNGE, .box = from };
	struct walk w = { .uids = uids };
	lock_enter(&ch->ma->lock);
	w.box = mail_box_by_id(ch->ma, from);
	uint64_t quota = ch->ma->quota;
	lock_leave(&ch->ma->lock);
	if (!w.box)
		return RC_NONE;
	enum rc rc = RC_OK;
	for (size_t n; rc == RC_OK && (n = read_some(ch->ma, &w, some, 64)) > 0;) {
		for (size_t i = 0; rc == RC_OK && i < n; i++) {
			uint32_t uid;
			rc = copy_one(ch, to, &some[i], &uid);
			if (rc != RC_OK)
				break;
			rc = ranges_add(src, some[i].uid, some[i].uid);
			rc = rc == RC_OK ? ranges_add(dst, uid, uid) : rc;
			if (move && rc == RC_OK) {
				rc = ranges_add(&op.uids, some[i].uid, some[i].uid);
				count_out(&op, &some[i]);
				mail_change_unplace(ch, from, &some[i], false);
			} else if (rc == RC_OK) {
				mail_change_where(ch, from, some[i].mid, some[i].uid);
			}
		}
	}
	if (rc == RC_OK && op.uids.n)
		mail_log_op(&ch->log, &op);
	mail_op_done(&op);
	if (rc == RC_OK && !move && quota && mail_bytes(ch->ma) + ch->bytes > quota)
		return RC_LIMIT;
	return rc;
}
