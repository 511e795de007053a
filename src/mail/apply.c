/* apply.c: What a log record does to heads, tables and views: the only way they change. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/must.h"
#include "mail/mail_int.h"
#include <string.h>

struct mail_box *mail_box_by_id(struct mail_account *ma, uint32_t id)
{
	for (size_t i = 0; i < ma->boxes_n; i++)
		if (ma->boxes[i]->head.id == id)
			return ma->boxes[i];
	return NULL;
}

static bool same_name(struct slice a, struct slice b)
{
	if (slice_eq(a, b))
		return true;
	/* INBOX is the one name without case; "inbox/x" has its first level folded too */
	bool inbox = a.len == b.len && slice_starts_nocase(a, S("INBOX")) &&
		     slice_starts_nocase(b, S("INBOX"));
	return inbox && (a.len == 5 || a.at[5] == '/') &&
	       slice_eq(slice_tail(a, 5), slice_tail(b, 5));
}

struct mail_box *mail_box_by_name(struct mail_account *ma, struct slice name)
{
	for (size_t i = 0; i < ma->boxes_n; i++)
		if (same_name(ma->boxes[i]->head.name, name))
			return ma->boxes[i];
	return NULL;
}

static void recent_add(
	struct mail_account *ma, uint64_t id, struct slice record, const struct mail_span *span)
{
	if (ma->recent_n == ma->recent_cap) {
		ma->recent_cap = ma->recent_cap ? ma->recent_cap * 2 : 16;
		ma->recent = mem_more(MEM_CACHE, ma->recent, ma->recent_cap * sizeof(*ma->recent));
	}
	uint8_t *copy = mem_more(MEM_CACHE, NULL, record.len);
	if (record.len)
		memcpy(copy, record.at, record.len);
	ma->recent[ma->recent_n++] = (struct mail_recent){ id, copy, record.len, *span };
	ma->recent_bytes += record.len;
}

static void span_add(struct mail_span *span, uint32_t box, uint32_t lo, uint32_t hi)
{
	if (span->lo <= span->hi && span->box != box)
		span->box = 0;
	else
		span->box = box;
	span->lo = lo < span->lo ? lo : span->lo;
	span->hi = hi > span->hi ? hi : span->hi;
}

static void span_op(struct mail_span *span, const struct mail_op *op)
{
	if (op->kind == MAIL_OP_APPEND)
		span_add(span, op->box, op->entry.uid, op->entry.uid);
	else if ((op->kind == MAIL_OP_FLAGS || op->kind == MAIL_OP_EXPUNGE) && op->uids.n)
		span_add(span, op->box, op->uids.at[0].lo, op->uids.at[op->uids.n - 1].hi);
}

bool mail_span_meets(const struct mail_span *span, uint32_t box, uint32_t lo, uint32_t hi)
{
	return (span->box == 0 || span->box == box) && span->lo <= hi && span->hi >= lo;
}

static void wake(struct mail_view *v)
{
	v->dirty = true;
	if (v->task)
		task_wake(v->task, WAKE_EVENT);
}

/* The keywords of an operation as a set; names past the cap are left out. */
static uint32_t op_kwset(struct mail_account *ma, const struct mail_op *op)
{
	uint32_t set;
	return op->words_n && mail_kwset_of(&ma->keywords, op->words, op->words_n, &set) == RC_OK
		       ? set
		       : 0;
}

static void set_flags(
	struct mail_account *ma, const struct mail_op *op, uint32_t kwset, struct mail_entry *e)
{
	switch ((enum mail_flag_op)op->flag_op) {
	case MAIL_FLAGS_ADD:
		e->flags |= op->flags;
		e->kwset = mail_kwset_join(&ma->keywords, e->kwset, kwset);
		break;
	case MAIL_FLAGS_REMOVE:
		e->flags &= ~op->flags;
		e->kwset = mail_kwset_less(&ma->keywords, e->kwset, kwset);
		break;
	case MAIL_FLAGS_SET:
		e->flags = op->flags;
		e->kwset = kwset;
		break;
	}
}

/* Entries lo..hi of one page that is in memory; what it may hold is known afterwards. */
static void body_flags(struct mail_account *ma, struct mail_page *p, uint64_t id,
	const struct mail_op *op, uint32_t kwset, struct range range)
{
	uint32_t all = MAIL_SEEN, any = 0;
	for (uint16_t j = 0; j < p->n; j++) {
		struct mail_entry *e = &p->body->at[j];
		if (e->uid >= range.lo && e->uid <= range.hi) {
			set_flags(ma, op, kwset, e);
			e->modseq = id;
		}
		all &= e->flags;
		any |= e->flags;
	}
	p->may = (all & MAIL_SEEN ? 0 : MAIL_MAY_UNSEEN) |
		 (any & MAIL_DELETED ? MAIL_MAY_DELETED : 0);
}

/* Of entries that are not here only what may become of them is known. */
static uint8_t may_become(const struct mail_op *op)
{
	bool adds = op->flag_op != MAIL_FLAGS_REMOVE;
	bool clears = op->flag_op == MAIL_FLAGS_REMOVE
			      ? op->flags & MAIL_SEEN
			      : op->flag_op == MAIL_FLAGS_SET && !(op->flags & MAIL_SEEN);
	return (uint8_t)((clears ? MAIL_MAY_UNSEEN : 0) |
			 (adds && op->flags & MAIL_DELETED ? MAIL_MAY_DELETED : 0));
}

static void table_flags(
	struct mail_account *ma, struct mail_table *t, uint64_t id, const struct mail_op *op)
{
	uint32_t kwset = op_kwset(ma, op);
	for (size_t r = 0; r < op->uids.n; r++) {
		struct range range = op->uids.at[r];
		for (size_t i = mail_table_seek(t, range.lo); i < t->n; i++) {
			struct mail_page *p = &t->pages[i];
			if (p->no > range.hi >> MAIL_PAGE_BITS)
				break;
			if ((p->body && p->body->change >= id) ||
				mail_page_rank(p, range.lo) == mail_page_rank_end(p, range.hi))
				continue;
			if (p->body)
				body_flags(ma, p, id, op, kwset, range);
			else
				p->may |= may_become(op);
			p->touched = id;
		}
	}
}

static void table_append(
	struct mail_account *ma, struct mail_table *t, uint64_t id, struct mail_op *op)
{
	op->entry.modseq = id;
	op->entry.kwset = op_kwset(ma, op);
	struct mail_page *p = mail_table_put(t, &op->entry, id);
	if (p && p->body && !t->partial)
		mail_body_list(ma, op->box, p->body);
}

static void table_op(struct mail_account *ma, struct mail_table *t, uint64_t id, struct mail_op *op)
{
	switch (op->kind) {
	case MAIL_OP_APPEND:
		table_append(ma, t, id, op);
		break;
	case MAIL_OP_FLAGS:
		table_flags(ma, t, id, op);
		break;
	case MAIL_OP_EXPUNGE:
		for (size_t i = 0; i < op->uids.n; i++)
			mail_table_remove(t, op->uids.at[i].lo, op->uids.at[i].hi, id);
		break;
	case MAIL_OP_BOX:
	case MAIL_OP_BOX_GONE:
		break;
	}
}

static uint32_t moved(uint32_t n, int64_t by)
{
	int64_t sum = (int64_t)n + by;
	return sum < 0 ? 0 : sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static void head_counts(struct mail_box *box, uint64_t id, const struct mail_op *op)
{
	int sign = op->kind == MAIL_OP_EXPUNGE ? -1 : 1;
	struct mail_box_info *h = &box->head;
	h->modseq = id;
	if (op->kind != MAIL_OP_FLAGS)
		h->exists = moved(h->exists, sign * op->count);
	h->unseen = moved(h->unseen, sign * op->unseen);
	h->deleted = moved(h->deleted, sign * op->deleted);
	int64_t bytes = (int64_t)h->bytes + sign * op->bytes;
	h->bytes = bytes < 0 ? 0 : (uint64_t)bytes;
	if (op->kind == MAIL_OP_APPEND && op->entry.uid >= h->uid_next)
		h->uid_next = op->entry.uid + 1; /* [mail 1] */
}

static void tell_views(struct mail_box *box, const struct mail_op *op, struct mail_view *self)
{
	for (struct mail_view *v = box->views; v; v = v->next) {
		for (size_t i = 0; i < op->uids.n; i++) {
			struct range r = op->uids.at[i];
			if (r.lo >= v->uid_next)
				break;
			uint32_t hi = r.hi < v->uid_next ? r.hi : v->uid_next - 1;
			if (op->kind == MAIL_OP_EXPUNGE) {
				ranges_keep(&v->gone, r.lo, hi);
				ranges_remove(&v->changed, r.lo, hi);
			} else if (v != self) {
				ranges_keep(&v->changed, r.lo, hi);
			}
		}
		if (v != self || op->kind != MAIL_OP_FLAGS)
			wake(v);
	}
}

static struct mail_box *put_box(struct mail_account *ma, const struct mail_op *op)
{
	struct mail_box *box = mail_box_by_id(ma, op->info.id);
	if (!box) {
		if (ma->boxes_n == ma->boxes_cap) {
			ma->boxes_cap = ma->boxes_cap ? ma->boxes_cap * 2 : 8;
			ma->boxes =
				mem_more(MEM_CACHE, ma->boxes, ma->boxes_cap * sizeof(*ma->boxes));
		}
		box = mem_new(MEM_CACHE, sizeof(*box));
		box->head.uid_next = 1;
		box->recent_uid = 1;
		box->listed = true; /* nothing is stored of it yet */
		ma->boxes[ma->boxes_n++] = box;
	}
	uint8_t *name = mem_new(MEM_CACHE, op->info.name.len + 1);
	memcpy(name, op->info.name.at, op->info.name.len);
	mem_free(MEM_CACHE, (void *)(uintptr_t)box->head.name.at);
	box->head.name = slice_of(name, op->info.name.len);
	box->head.id = op->info.id;
	box->head.uid_validity = op->info.uid_validity;
	box->head.use = op->info.use;
	box->head.subscribed = op->info.subscribed;
	box->head.selectable = op->info.selectable;
	box->head.ghost = op->info.ghost;
	if (op->info.id > ma->box_last)
		ma->box_last = op->info.id;
	if (op->info.uid_validity > ma->uid_validity_last)
		ma->uid_validity_last = op->info.uid_validity;
	return box;
}

static void drop_box(struct mail_account *ma, uint32_t id)
{
	for (size_t i = 0; i < ma->boxes_n; i++) {
		struct mail_box *box = ma->boxes[i];
		if (box->head.id != id)
			continue;
		for (struct mail_view *v = box->views; v; v = v->next) {
			v->box = NULL;
			wake(v);
		}
		mail_bodies_unlist(ma, box);
		mail_table_done(&box->table);
		mem_free(MEM_CACHE, (void *)(uintptr_t)box->head.name.at);
		mem_free(MEM_CACHE, box);
		memmove(ma->boxes + i, ma->boxes + i + 1,
			(ma->boxes_n - i - 1) * sizeof(*ma->boxes));
		ma->boxes_n--;
		return;
	}
}

static void apply_op(
	struct mail_account *ma, uint64_t id, struct mail_op *op, struct mail_view *self)
{
	if (op->kind == MAIL_OP_BOX) {
		put_box(ma, op)->head.modseq = id;
		return;
	}
	struct mail_box *box = mail_box_by_id(ma, op->box);
	if (!box)
		return;
	if (op->kind == MAIL_OP_BOX_GONE) {
		drop_box(ma, op->box);
		return;
	}
	head_counts(box, id, op);
	if (box->listed)
		table_op(ma, &box->table, id, op);
	if (op->kind == MAIL_OP_APPEND)
		ranges_clear(&op->uids);
	tell_views(box, op, self);
}

enum rc mail_apply(
	struct mail_account *ma, uint64_t id, struct slice record, struct mail_view *self)
{
	struct mail_op op = { 0 };
	struct mail_span span = { 0, UINT32_MAX, 0 };
	struct slice rest = record;
	int64_t made;
	must(id == ma->change + 1); /* [account 3] */
	enum rc rc = mail_log_open(&rest, &made);
	while (rc == RC_OK && (rc = mail_op_next(&rest, &op)) == RC_OK) {
		span_op(&span, &op);
		apply_op(ma, id, &op, self);
	}
	mail_op_done(&op);
	if (rc != RC_NONE)
		return RC_LOST;
	recent_add(ma, id, record, &span);
	ma->change = id;
	return RC_OK;
}

enum rc mail_apply_table(struct mail_account *ma, uint32_t box, struct mail_table *t, uint64_t id,
	struct slice record)
{
	struct mail_op op = { 0 };
	int64_t made;
	enum rc rc = mail_log_open(&record, &made);
	while (rc == RC_OK && (rc = mail_op_next(&record, &op)) == RC_OK)
		if (op.box == box)
			table_op(ma, t, id, &op);
	mail_op_done(&op);
	return rc == RC_NONE ? RC_OK : RC_LOST;
}
