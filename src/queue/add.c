/* add.c: New messages: a record for each destination, and a first try at once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/metric.h"
#include "queue/queue_int.h"
#include "run/run.h"
#include <stdlib.h>

/* Ids rise with time over restarts: seconds in the high part. Returns the first of n. */
static uint64_t new_ids(struct queue *q, size_t n)
{
	uint64_t id = (uint64_t)run_unix(q->deps.run) << 24;
	lock_enter(&q->lock);
	id = id > q->last_id ? id : q->last_id + 1;
	q->last_id = id + n - 1;
	lock_leave(&q->lock);
	return id;
}

/* By destination; those that are sent already in front. */
static int by_destination(const void *x, const void *y)
{
	const struct queue_rcpt *a = x, *b = y;
	if (a->state != b->state)
		return a->state == QUEUE_WAITING ? 1 : -1;
	if (a->account || b->account) /* those with a mailbox here are one destination */
		return (b->account == 0) - (a->account == 0);
	return slice_cmp_nocase(queue_domain(a->address), queue_domain(b->address));
}

static bool together(const struct queue *q, const struct queue_rcpt *a, const struct queue_rcpt *b)
{
	bool relay = route_is_relay(terms_now(q)) && !a->account && !b->account;
	return (a->state == b->state && relay) || by_destination(a, b) == 0;
}

static size_t count_parts(const struct queue *q, const struct queue_message *m)
{
	size_t n = m->rcpts_n > 0;
	for (size_t i = 1; i < m->rcpts_n; i++)
		n += !together(q, &m->rcpts[i - 1], &m->rcpts[i]);
	return n;
}

static void add_part(struct queue *q, struct data_batch *b, const struct queue_message *part,
	struct queue_part *out)
{
	blob_link(b, &part->blob, 0, 'Q', part->id);
	out->id = part->id;
	out->record = queue_save(q, b, part);
	out->to = queue_to(q, part);
}

enum rc queue_add(struct queue *q, struct data_batch *b, struct queue_message *m)
{
	if (m->rcpts_n > 1)
		qsort(m->rcpts, m->rcpts_n, sizeof(*m->rcpts), by_destination);
	m->due = m->made;
	m->parts_n = count_parts(q, m);
	m->parts = arena_try_array(b->arena, m->parts_n + 1, sizeof(*m->parts));
	if (!m->parts)
		return RC_LIMIT;
	m->id = new_ids(q, m->parts_n);
	struct queue_message part = *m;
	for (size_t i = 0, at = 0; i < m->parts_n; i++) {
		size_t end = at + 1;
		while (end < m->rcpts_n && together(q, &m->rcpts[end - 1], &m->rcpts[end]))
			end++;
		part.rcpts = m->rcpts + at;
		part.rcpts_n = end - at;
		add_part(q, b, &part, &m->parts[i]);
		part.id++;
		at = end;
	}
	data_add(b, DATA_MAIN, S("Qn"), (int64_t)m->parts_n);
	return RC_OK;
}

void queue_added(struct queue *q, const struct queue_message *m, struct slice content)
{
	q->depth += m->parts_n;
	metric_set(METRIC_QUEUE_DEPTH, q->depth);
	for (size_t i = 0; i < m->parts_n; i++)
		event_log(
			EVENT_QUEUE_ADDED, f_slice("trace", m->trace), f_u64("id", m->parts[i].id));
	lock_enter(&q->lock);
	for (size_t i = 0; i < m->parts_n; i++) {
		const struct queue_part *part = &m->parts[i];
		struct due place = { m->due, part->id };
		/* the scheduler may have found it before us, and may even be done with it: then the store must say */
		bool is_ours = !index_is_behind(q, place) && !items_find(q, part->id);
		index_due(q, place, part->to);
		struct item *item = is_ours ? items_find(q, part->id) : NULL;
		if (item)
			items_heat(q, item, part->record, m->parts_n == 1 ? content : S(""));
	}
	lock_leave(&q->lock);
	queue_turn(q);
}
