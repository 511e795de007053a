/* items.c: Messages that are due, in line at their destinations; destinations take turns. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/must.h"
#include "queue/queue_int.h"

/* [item 1] A destination is in the ring when it has items and may begin another one; it may be there without, too. */

static struct item **bucket_of(struct queue *q, uint64_t id)
{
	return &q->items[(id * 0x9e3779b97f4a7c15U >> 32) % ITEM_BUCKETS];
}

struct item *items_find(struct queue *q, uint64_t id)
{
	struct item *i = *bucket_of(q, id);
	while (i && i->id != id)
		i = i->same_bucket;
	return i;
}

static bool may_begin(const struct queue *q, const struct dest *d)
{
	/* as many again wait or write down their results, so that no connection waits for the next message */
	return d->first_item && d->begun < 2 * terms_now(q)->per_destination + 2;
}

static void ring_put(struct queue *q, struct dest *d)
{
	if (d->in_ring || !may_begin(q, d))
		return;
	d->in_ring = true;
	d->next_in_ring = NULL;
	if (q->ring)
		q->ring_last->next_in_ring = d;
	else
		q->ring = d;
	q->ring_last = d;
}

static void line_up(struct queue *q, struct item *i, bool first)
{
	struct dest *d = i->dest;
	i->next = first ? d->first_item : NULL;
	if (!d->first_item)
		d->first_item = d->last_item = i;
	else if (first)
		d->first_item = i;
	else
		d->last_item = d->last_item->next = i;
	d->items++;
	i->state = ITEM_WAITS;
	ring_put(q, d);
}

struct item *items_new(struct queue *q, uint64_t id, struct dest *d)
{
	struct item *i = mem_new(MEM_QUEUE, sizeof(*i));
	struct item **bucket = bucket_of(q, id);
	*i = (struct item){ .id = id, .dest = d, .state = ITEM_HELD, .same_bucket = *bucket };
	*bucket = i;
	q->items_n++;
	if (d)
		d->refs++;
	return i;
}

void items_wait(struct queue *q, struct item *i, bool first)
{
	must(i->state == ITEM_HELD && i->dest);
	line_up(q, i, first);
}

struct item *items_take(struct queue *q)
{
	while (q->ring && q->running < terms_now(q)->at_once) {
		struct dest *d = q->ring;
		q->ring = d->next_in_ring;
		d->in_ring = false;
		if (!may_begin(q, d)) {
			dest_put(q, d);
			continue;
		}
		struct item *i = d->first_item;
		d->first_item = i->next;
		d->items--;
		d->begun++;
		q->running++;
		i->state = ITEM_RUNS;
		ring_put(q, d); /* behind the others */
		return i;
	}
	return NULL;
}

bool items_hold(struct item *i)
{
	struct dest *d = i->dest;
	struct item *last = NULL;
	if (i->state != ITEM_WAITS)
		return false;
	for (struct item **at = &d->first_item; *at;) {
		if (*at == i) {
			*at = i->next;
		} else {
			last = *at;
			at = &last->next;
		}
	}
	d->last_item = last;
	d->items--;
	i->state = ITEM_HELD;
	return true;
}

void items_end(struct queue *q, struct item *i)
{
	must(i->state == ITEM_RUNS && i->dest->begun > 0 && q->running > 0);
	i->state = ITEM_HELD;
	i->again = i->forced = false;
	i->dest->begun--;
	q->running--;
	items_cool(q, i);
	ring_put(q, i->dest);
}

void items_drop(struct queue *q, struct item *i)
{
	struct item **at = bucket_of(q, i->id);
	struct dest *d = i->dest;
	must(i->state == ITEM_HELD);
	while (*at != i)
		at = &(*at)->same_bucket;
	*at = i->same_bucket;
	q->items_n--;
	items_cool(q, i);
	mem_free(MEM_QUEUE, i);
	if (!d)
		return;
	d->refs--;
	dest_put(q, d);
}

void items_cool(struct queue *q, struct item *i)
{
	if (!i->hot)
		return;
	q->hot_bytes -= i->hot->record.len + i->hot->content.len;
	mem_free(MEM_QUEUE, i->hot);
	i->hot = NULL;
}

void items_heat(struct queue *q, struct item *i, struct slice record, struct slice content)
{
	struct hot *hot;
	if (content.len > HOT_EACH)
		content = S("");
	if (record.len > HOT_EACH || q->hot_bytes + record.len + content.len > HOT_ALL)
		return;
	hot = mem_new(MEM_QUEUE, sizeof(*hot) + record.len + content.len);
	memcpy(hot->bytes, record.at, record.len);
	hot->record = slice_of(hot->bytes, record.len);
	if (content.len)
		memcpy(hot->bytes + record.len, content.at, content.len);
	hot->content = slice_of(hot->bytes + record.len, content.len);
	q->hot_bytes += record.len + content.len;
	i->hot = hot;
}
