/* index.c: Reading what is due from the store, a page at a time, so that the queue's size is no matter. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue_int.h"
#include "run/run.h"

/* The index has a key for each message by the second in which it is due (store.c). q->seen moves through it; behind it
 * lies what is not due yet, or had no room:
 *
 *     |-- seen: in memory, or marked `more` at its destination --|-- due, read when there is room --|-- later --|
 *
 * A destination with many messages has the first ones in memory; those from more_from on are read again for it alone
 * when they have gone. So one slow destination holds neither memory nor the others up. */

enum { PAGE = 1000, REFILL_AT = DEST_ITEMS_MOST / 4 };

struct entry {
	struct due place;
	struct slice to;
};

struct page {
	struct arena a;
	struct entry at[PAGE];
	size_t n;
	int64_t now;
	int64_t next_due; /* the first one that is not due */
};

static bool before(struct due x, struct due y)
{
	return x.at != y.at ? x.at < y.at : x.id < y.id;
}

static bool visit(void *ctx, struct slice key, struct slice value)
{
	struct page *p = ctx;
	struct entry *e = &p->at[p->n];
	struct slice tail = slice_tail(key, 2);
	uint64_t at;
	if (take_be64(&tail, &at) != RC_OK || take_be64(&tail, &e->place.id) != RC_OK)
		return true;
	e->place.at = (int64_t)at;
	if (e->place.at > p->now) {
		p->next_due = e->place.at;
		return false;
	}
	if (arena_copy(&p->a, value, &e->to) != RC_OK)
		return false;
	return ++p->n < PAGE;
}

/* Entries behind `after`. The page is full, or at its end nothing is due. */
static enum rc read_page(struct queue *q, struct due after, struct page *p)
{
	struct buf from;
	struct fault why = { 0 };
	struct data_range range = { .space = DATA_MAIN, .to = S("Qe") };
	buf_init(&from, 0, &p->a);
	after.id++; /* ids have room at their end */
	queue_due_key(&from, after);
	range.from = buf_slice(&from);
	p->now = run_unix(q->deps.run);
	p->next_due = INT64_MAX;
	run_block_begin(RUN_STORE_DATA);
	enum rc rc = data_scan(q->deps.data, &range, visit, p, &why);
	run_block_end();
	return rc;
}

static void mark_more(struct dest *d, struct due place)
{
	if (!d->more || before(place, d->more_from))
		d->more_from = place;
	d->more = true;
}

/* Under the lock. False: there is no room for it. `is_read`: from the index, which is read no second time there. */
static bool file(struct queue *q, struct due place, struct slice to, bool is_read)
{
	struct item *i = items_find(q, place.id);
	if (i) {
		i->again |= i->state == ITEM_RUNS;
		return true;
	}
	if (q->items_n >= ITEMS_MOST)
		return false;
	struct dest *d = dest_get(q, to);
	if (d->items < DEST_ITEMS_MOST)
		items_wait(q, items_new(q, place.id, d), false);
	else if (is_read || !before(q->seen, place))
		mark_more(d, place);
	else
		return false;
	return true;
}

bool index_is_behind(const struct queue *q, struct due place)
{
	return !before(q->seen, place);
}

void index_due(struct queue *q, struct due place, struct slice to)
{
	if (file(q, place, to, false))
		return;
	if (place.at < q->next_due)
		q->next_due = place.at;
	if (!before(q->seen, place))
		q->seen = (struct due){ place.at, place.id - 1 };
}

/* The destination's own messages from more_from on, until it has enough again. */
static bool refill(struct queue *q, struct dest *d, struct page *p) NEEDS(q->lock);
static bool refill(struct queue *q, struct dest *d, struct page *p)
{
	struct due after = { d->more_from.at, d->more_from.id - 1 };
	lock_leave(&q->lock); /* it stays, because it has more */
	enum rc rc = read_page(q, after, p);
	lock_enter(&q->lock);
	if (rc != RC_OK)
		return false;
	d->more = false;
	for (size_t i = 0; i < p->n && !d->more; i++) {
		struct slice to = p->at[i].to;
		bool away = to.len && to.at[0] != ' ';
		bool ours = slice_eq_nocase(to, slice_str(d->key)) ||
			    (away && route_is_relay(terms_now(q)));
		if (before(q->seen, p->at[i].place))
			return false; /* from here on the others will find it */
		if (ours && (!file(q, p->at[i].place, p->at[i].to, true) ||
				    d->items >= DEST_ITEMS_MOST))
			mark_more(d, p->at[i].place);
	}
	if (p->n == PAGE && !d->more)
		mark_more(d, p->at[PAGE - 1].place);
	return d->more && d->items < REFILL_AT && q->items_n < ITEMS_MOST;
}

static bool refill_all(struct queue *q, struct page *p)
{
	bool more = false;
	lock_enter(&q->lock);
	for (size_t b = 0; b < DEST_BUCKETS; b++) {
		struct dest *next;
		for (struct dest *d = q->dests[b]; d; d = next) {
			bool hungry = d->more && d->items < REFILL_AT;
			p->n = 0;
			if (hungry)
				more |= refill(q, d, p);
			next = d->next;
			if (hungry)
				dest_put(q, d);
			arena_reset(&p->a);
		}
	}
	lock_leave(&q->lock);
	return more;
}

static bool read_on(struct queue *q, struct page *p)
{
	lock_enter(&q->lock);
	struct due after = q->seen;
	bool due = q->next_due <= run_unix(q->deps.run) && q->items_n < ITEMS_MOST;
	if (due)
		q->next_due = INT64_MAX; /* what is added meanwhile moves it again */
	lock_leave(&q->lock);
	if (!due)
		return false;
	p->n = 0;
	enum rc rc = read_page(q, after, p);
	lock_enter(&q->lock);
	int64_t next = rc == RC_OK ? p->next_due : p->now + 1;
	size_t i = 0;
	for (; i < p->n && file(q, p->at[i].place, p->at[i].to, true); i++)
		if (before(q->seen, p->at[i].place))
			q->seen = p->at[i].place;
	if (i < p->n || p->n == PAGE)
		next = p->now;
	if (next < q->next_due)
		q->next_due = next;
	bool more = rc == RC_OK && p->n == PAGE && i == p->n;
	lock_leave(&q->lock);
	return more;
}

bool index_fill(struct queue *q)
{
	struct page p = { .n = 0 };
	arena_init(&p.a, 0);
	bool more = read_on(q, &p);
	more |= refill_all(q, &p);
	arena_done(&p.a);
	return more;
}
