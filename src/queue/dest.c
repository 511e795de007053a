/* dest.c: Destinations: how many connections each may have, who waits for one, and those at rest. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/must.h"
#include "queue/client_int.h"

/* [dest 1] While anybody waits, `busy` is at its limit, or over one that was lowered. */

static struct dest **bucket_of(struct queue *q, struct slice key)
{
	uint32_t h = 2166136261U;
	for (size_t i = 0; i < key.len;
		i++) /* | 32: capitals count for nothing, as in the comparison */
		h = (h ^ (key.at[i] | 32U)) * 16777619U;
	return &q->dests[h % DEST_BUCKETS];
}

struct dest *dest_get(struct queue *q, struct slice key)
{
	struct dest **bucket = bucket_of(q, key);
	for (struct dest *d = *bucket; d; d = d->next)
		if (slice_eq_nocase(slice_str(d->key), key))
			return d;
	struct dest *d = mem_new(MEM_QUEUE, sizeof(*d) + key.len + 1);
	memcpy(d->key, key.at, key.len);
	d->next = *bucket;
	*bucket = d;
	return d;
}

void dest_put(struct queue *q, struct dest *d)
{
	if (d->busy || d->idle || d->first || d->refs || d->in_ring || d->more)
		return;
	struct dest **at = bucket_of(q, slice_str(d->key));
	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	mem_free(MEM_QUEUE, d);
}

static void give(struct client *c, struct delivery *to)
{
	c->d = to;
	to->client = c;
	to->given = true;
	to->stale = false;
}

bool dest_again(struct queue *q, struct delivery *by)
{
	struct client *c = by->dest->idle;
	(void)q;
	if (!c)
		return false;
	by->dest->idle = c->next;
	c->resting = false;
	give(c, by);
	task_wake(&c->conn->task, WAKE_EVENT);
	return true;
}

bool dest_enter(struct queue *q, struct slice key, struct delivery *by)
{
	struct dest *d = dest_get(q, key);
	must(!by->dest && !by->waits);
	by->dest = d;
	by->next = NULL;
	if (d->busy < terms_now(q)->per_destination) {
		d->busy++;
		(void)dest_again(q, by);
		return true;
	}
	by->waits = true;
	q->running--; /* who waits takes nobody's place */
	if (d->first)
		d->last->next = by;
	else
		d->first = by;
	d->last = by;
	return false;
}

static struct delivery *take_first(struct queue *q, struct dest *d)
{
	struct delivery *first = d->busy <= terms_now(q)->per_destination ? d->first : NULL;
	if (first) {
		d->first = first->next;
		first->waits = false;
		q->running++;
	}
	return first;
}

void dest_changed(struct queue *q)
{
	for (size_t b = 0; b < DEST_BUCKETS; b++)
		for (struct dest *d = q->dests[b]; d; d = d->next) {
			for (struct client *c = d->idle; c; c = c->next)
				task_wake(&c->conn->task, WAKE_EVENT);
			while (d->first && d->busy < terms_now(q)->per_destination) {
				d->busy++;
				task_wake(&take_first(q, d)->task, WAKE_EVENT);
			}
		}
}

static void unwait(struct dest *d, struct delivery *by)
{
	struct delivery *last = NULL;
	for (struct delivery **at = &d->first; *at;) {
		if (*at == by) {
			*at = by->next;
		} else {
			last = *at;
			at = &last->next;
		}
	}
	d->last = last;
	by->waits = false;
}

void dest_leave(struct queue *q, struct delivery *by)
{
	struct dest *d = by->dest;
	if (!d)
		return;
	by->dest = NULL;
	if (by->waits) {
		unwait(d, by);
		q->running++;
	} else {
		struct delivery *next = take_first(q, d);
		must(d->busy > 0);
		if (next)
			task_wake(&next->task, WAKE_EVENT);
		else
			d->busy--;
	}
	dest_put(q, d);
}

enum rc dest_next(struct queue *q, struct client *c)
{
	struct delivery *next = take_first(q, c->dest);
	must(c->d->dest == c->dest && c->dest->busy > 0);
	c->d->dest = NULL; /* its turn ends with the message, not with its commit */
	c->d->client = NULL;
	if (next) {
		give(c, next);
		return RC_OK;
	}
	c->d = NULL;
	c->dest->busy--;
	c->next = c->dest->idle;
	c->dest->idle = c;
	c->resting = true;
	return RC_NONE;
}

void dest_forget(struct queue *q, struct client *c)
{
	if (!c->resting)
		return;
	struct client **at = &c->dest->idle;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->resting = false;
	dest_put(q, c->dest);
}
