/* walk.c: The entries of a mailbox one after the other; pages come from the store when it is their turn. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_int.h"
#include <stdatomic.h>

enum { RUNS_A_TURN = 128 }; /* so many, and others may have the account's lock */

enum walked { WALKED_ALL, WALKED_SOME, WALKED_RANGE, WALKED_TO_ABSENT, WALKED_UNLISTED };

static bool skips(const struct mail_walk *w, const struct mail_page *p)
{
	return p->n == 0 || (w->may && !(p->may & w->may));
}

/* The first range that ends at or past `from`. */
static size_t first_range(const struct mail_walk *w)
{
	size_t lo = 0, hi = w->uids ? w->uids->n : 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (w->uids->at[mid].hi < w->from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* What is absent from page index `i` on to the UID `hi` that the walk will want. */
static void note_absent(const struct mail_table *t, const struct mail_walk *w, size_t i,
	uint32_t hi, struct mail_absent *out)
{
	out->n = 0;
	for (; i < t->n && t->pages[i].no <= hi >> MAIL_PAGE_BITS; i++) {
		const struct mail_page *p = &t->pages[i];
		if (skips(w, p))
			continue;
		if (p->body || out->n == MAIL_PAGES_AT_ONCE)
			break;
		out->no[out->n++] = p->no;
	}
}

struct turn {
	struct mail_box *box;
	struct mail_walk *w;
	mail_run_fn *fn;
	void *ctx;
	unsigned runs;
	struct mail_absent absent;
};

/* WALKED_SOME: on to the next page. WALKED_ALL: the visitor has enough. */
static enum walked look_at_page(struct turn *t, struct mail_page *p, struct range r)
{
	struct mail_walk *w = t->w;
	uint16_t a = mail_page_rank(p, r.lo), b = mail_page_rank_end(p, r.hi);
	if (a == b)
		return WALKED_SOME;
	if (!p->body)
		return WALKED_TO_ABSENT;
	const struct mail_entry *at = p->body->at;
	/* the second half of what a reader takes in two pieces is no second look */
	if (a == 0 || r.lo != w->from || b - a == 1)
		fifo_hit(&p->body->node);
	size_t took = t->fn(t->ctx, t->box, at + a, (size_t)(b - a));
	t->runs++;
	if (took < (size_t)(b - a)) {
		w->from = at[a + took].uid;
		return WALKED_ALL;
	}
	w->from = at[b - 1].uid + 1;
	return WALKED_SOME;
}

static enum walked look_at_range(struct turn *t, struct range r)
{
	struct mail_table *table = &t->box->table;
	for (size_t i = mail_table_seek(table, r.lo); i < table->n; i++) {
		struct mail_page *p = &table->pages[i];
		if (p->no > r.hi >> MAIL_PAGE_BITS)
			break;
		if (skips(t->w, p))
			continue;
		if (t->runs >= RUNS_A_TURN)
			return WALKED_SOME;
		enum walked end = look_at_page(t, p, r);
		if (end == WALKED_TO_ABSENT)
			note_absent(table, t->w, i, r.hi, &t->absent);
		if (end != WALKED_SOME)
			return end;
	}
	return WALKED_RANGE;
}

static enum walked look(struct turn *t)
{
	static const struct range everything = { 1, UINT32_MAX };
	struct mail_walk *w = t->w;
	for (size_t i = first_range(w); i < (w->uids ? w->uids->n : 1); i++) {
		struct range r = w->uids ? w->uids->at[i] : everything;
		r.lo = r.lo < w->from ? w->from : r.lo;
		r.hi = w->below && r.hi >= w->below ? w->below - 1 : r.hi;
		if (r.lo > r.hi)
			continue;
		enum walked end = look_at_range(t, r);
		if (end != WALKED_RANGE)
			return end;
	}
	return WALKED_ALL;
}

enum rc mail_walk(struct mail_account *ma, struct mail_walk *walk, mail_run_fn *fn, void *ctx,
	struct fault *why)
{
	enum rc rc = RC_OK;
	enum walked end = WALKED_SOME;
	atomic_fetch_add_explicit(&ma->mail->looks, 1, memory_order_relaxed);
	while (rc == RC_OK && end != WALKED_ALL) {
		struct turn t = { .w = walk, .fn = fn, .ctx = ctx };
		lock_enter(&ma->lock);
		t.box = mail_box_by_id(ma, walk->box);
		if (!t.box)
			rc = RC_NONE;
		else
			end = t.box->listed ? look(&t) : WALKED_UNLISTED;
		lock_leave(&ma->lock);
		if (rc != RC_OK)
			break;
		if (end == WALKED_UNLISTED) {
			rc = mail_box_load(ma, walk->box, why);
		} else if (end == WALKED_TO_ABSENT) {
			mail_fit(ma->mail); /* what was looked at may go for what is wanted now */
			rc = mail_pages_load(ma, walk->box, &t.absent, why);
		}
	}
	mail_fit(ma->mail);
	return rc;
}
