/* pages.c: Pages of entries out of the store, brought up to date by the log. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/metric.h"
#include "mail/mail_int.h"

enum { TRIES_MAX = 8 };

/* Some pages of one box, in a table of their own. */
struct loading {
	struct mail_account *ma;
	uint32_t box;
	uint64_t checkpoint; /* of memory, when reading began */
	struct mail_table table;
	bool mends; /* the log was read: what still differs is damage */
	enum rc rc;
};

static bool visit_page(void *ctx, struct slice key, struct slice value)
{
	struct loading *l = ctx;
	uint32_t no;
	l->rc = mail_page_no(key, &no);
	struct mail_page *p =
		l->rc == RC_OK ? mail_table_page(&l->table, no << MAIL_PAGE_BITS, false) : NULL;
	if (!p)
		return l->rc == RC_OK; /* it is in memory */
	lock_enter(&l->ma->lock); /* for the keywords alone */
	l->rc = mail_page_read(l->ma, value, no, &l->table);
	lock_leave(&l->ma->lock);
	return l->rc == RC_OK;
}

static void make_room(struct loading *l, const struct mail_absent *absent)
{
	lock_enter(&l->ma->lock);
	struct mail_box *box = mail_box_by_id(l->ma, l->box);
	l->checkpoint = l->ma->checkpoint;
	for (size_t i = 0; i < absent->n; i++) {
		uint32_t uid = absent->no[i] << MAIL_PAGE_BITS;
		struct mail_page *wanted = box ? mail_table_page(&box->table, uid, false) : NULL;
		struct mail_page *p = mail_table_page(&l->table, uid, true);
		p->body = mail_body_new(p->no, wanted ? wanted->n : 0);
	}
	lock_leave(&l->ma->lock);
	l->table.partial = true;
}

static enum rc read_pages(struct loading *l, const struct mail_absent *absent, struct fault *why)
{
	struct arena a;
	uint32_t account = account_id(l->ma->acc);
	arena_init(&a, 0);
	struct data_range range = { .space = DATA_MAIN,
		.from = mail_key_page(&a, account, l->box, absent->no[0]),
		.to = mail_key_page(&a, account, l->box, absent->no[absent->n - 1] + 1) };
	enum rc rc = data_scan(l->ma->mail->deps.data, &range, visit_page, l, why);
	arena_done(&a);
	return rc == RC_OK ? l->rc : rc;
}

static bool is_ahead(const struct loading *l)
{
	for (size_t i = 0; i < l->table.n; i++)
		if (l->table.pages[i].body->change > l->ma->change)
			return true;
	return false;
}

static bool same_uids(const struct mail_page *a, const struct mail_page *b)
{
	uint64_t differ = 0;
	for (unsigned w = 0; w < MAIL_PAGE_WORDS; w++)
		differ |= a->bits[w] ^ b->bits[w];
	return differ == 0;
}

/* The entries are the truth. */
static void mend(
	struct loading *l, struct mail_box *box, struct mail_page *p, const struct mail_page *read)
{
	event_log(EVENT_MAIL_COUNTS_MENDED, f_u64("account", account_id(l->ma->acc)),
		f_u64("box", box->head.id), f_u64("page", p->no), f_u64("head", p->n),
		f_u64("table", read->n));
	box->table.count = box->table.count - p->n + read->n;
	box->head.exists = box->table.count;
	for (unsigned w = 0; w < MAIL_PAGE_WORDS; w++)
		p->bits[w] = read->bits[w];
	p->n = read->n;
	p->touched = l->ma->change;
	mail_table_spoil(&box->table, p);
	for (struct mail_view *v = box->views; v; v = v->next)
		v->dirty = true;
}

static enum rc take_page(struct loading *l, struct mail_box *box, struct mail_page *read)
{
	struct mail_page *p = mail_table_page(&box->table, read->no << MAIL_PAGE_BITS, false);
	if (!p || p->body)
		return RC_OK; /* emptied, or another thread was first */
	if (!same_uids(p, read) && !l->mends)
		return RC_TAKEN;
	if (!same_uids(p, read))
		mend(l, box, p, read);
	p->body = read->body;
	p->may = read->may;
	read->body = NULL;
	mail_body_list(l->ma, box->head.id, p->body);
	return RC_OK;
}

/* Under the lock. RC_MORE: the records between page and memory are gone; read it again. RC_TAKEN: there is more in the
 * store's log than was applied here. */
static enum rc take_pages(struct loading *l)
{
	struct mail_account *ma = l->ma;
	struct mail_box *box = mail_box_by_id(ma, l->box);
	if (!box || l->table.n == 0)
		return RC_OK;
	if (ma->checkpoint != l->checkpoint)
		return RC_MORE;
	if (is_ahead(l))
		return RC_TAKEN;
	uint32_t lo = l->table.pages[0].no << MAIL_PAGE_BITS;
	uint32_t hi = l->table.pages[l->table.n - 1].no << MAIL_PAGE_BITS | (MAIL_PAGE_SIZE - 1);
	for (size_t i = 0; i < ma->recent_n; i++) {
		const struct mail_recent *r = &ma->recent[i];
		if (mail_span_meets(&r->span, l->box, lo, hi))
			TRY(mail_apply_table(
				ma, l->box, &l->table, r->id, slice_of(r->at, r->len)));
	}
	for (size_t i = 0; i < l->table.n; i++)
		TRY(take_page(l, box, &l->table.pages[i]));
	return RC_OK;
}

static enum rc load_once(struct mail_account *ma, uint32_t box, const struct mail_absent *absent,
	bool mends, struct fault *why)
{
	struct loading l = { .ma = ma, .box = box, .mends = mends };
	make_room(&l, absent);
	enum rc rc = read_pages(&l, absent, why);
	if (rc == RC_OK) {
		lock_enter(&ma->lock);
		rc = take_pages(&l);
		lock_leave(&ma->lock);
	}
	mail_table_done(&l.table);
	return rc;
}

enum rc mail_pages_load(
	struct mail_account *ma, uint32_t box, const struct mail_absent *absent, struct fault *why)
{
	enum rc rc = RC_MORE;
	bool mends = false;
	metric_add(METRIC_MAIL_PAGES_READ, absent->n);
	for (unsigned tries = 0; rc == RC_MORE && tries < TRIES_MAX; tries++) {
		rc = load_once(ma, box, absent, mends, why);
		if (rc != RC_TAKEN)
			continue;
		TRY(mail_load_log(ma, why));
		mends = true;
		rc = RC_MORE;
	}
	return rc == RC_LOST || rc == RC_MORE ? mail_lost(ma, why, "a page of the mailbox") : rc;
}
