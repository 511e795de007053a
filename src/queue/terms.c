/* terms.c: The queue's settings: copied, replaced as a whole while it runs, kept to its end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "queue/queue_int.h"

static void fill_defaults(struct queue_terms *t)
{
	static const uint64_t second = 1000, minute = 60 * second, hour = 60 * minute;
	t->hostname = t->hostname ? t->hostname : "";
	t->relay_host = t->relay_host ? t->relay_host : "";
	t->retry_first_ms = t->retry_first_ms ? t->retry_first_ms : 15 * minute;
	t->retry_max_ms = t->retry_max_ms ? t->retry_max_ms : 4 * hour;
	t->expire_ms = t->expire_ms ? t->expire_ms : 5 * 24 * hour;
	t->notify_ms = t->notify_ms ? t->notify_ms : 24 * hour;
	t->connect_ms = t->connect_ms ? t->connect_ms : 30 * second;
	t->command_ms = t->command_ms ? t->command_ms : 5 * minute;
	t->at_once = t->at_once ? t->at_once : 200;
	t->per_destination = t->per_destination ? t->per_destination : 20;
	t->per_message_rcpt = t->per_message_rcpt ? t->per_message_rcpt : 100;
	t->per_connection = t->per_connection ? t->per_connection : 100;
	t->rest_ms = t->rest_ms ? t->rest_ms : 5 * second;
}

static bool are_same(const struct queue_terms *a, const struct queue_terms *b)
{
	struct queue_terms x = *a, y = *b;
	bool names =
		strcmp(a->hostname, b->hostname) == 0 && strcmp(a->relay_host, b->relay_host) == 0;
	x.hostname = y.hostname = x.relay_host = y.relay_host = NULL;
	bool times = x.retry_first_ms == y.retry_first_ms && x.retry_max_ms == y.retry_max_ms &&
		     x.expire_ms == y.expire_ms && x.notify_ms == y.notify_ms &&
		     x.connect_ms == y.connect_ms && x.command_ms == y.command_ms &&
		     x.rest_ms == y.rest_ms;
	return names && times && x.port == y.port && x.tls == y.tls && x.at_once == y.at_once &&
	       x.per_destination == y.per_destination && x.per_connection == y.per_connection &&
	       x.per_message_rcpt == y.per_message_rcpt;
}

const struct queue_terms *terms_now(const struct queue *q)
{
	return atomic_load(&q->terms);
}

void queue_change(struct queue *q, const struct queue_terms *terms)
{
	struct queue_terms next = *terms;
	fill_defaults(&next);
	if (q->all && are_same(&q->all->now, &next))
		return;
	size_t name = strlen(next.hostname) + 1, relay = strlen(next.relay_host) + 1;
	struct terms *t = mem_new(MEM_QUEUE, sizeof(*t) + name + relay);
	memcpy(t->text, next.hostname, name);
	memcpy(t->text + name, next.relay_host, relay);
	t->now = next;
	t->now.hostname = t->text;
	t->now.relay_host = t->text + name;
	t->older = q->all;
	q->all = t;
	atomic_store(&q->terms, &t->now);
	lock_enter(&q->lock);
	dest_changed(q);
	lock_leave(&q->lock);
	if (t->older)
		queue_turn(q);
}

void terms_free(struct queue *q)
{
	for (struct terms *t = q->all, *older; t; t = older) {
		older = t->older;
		mem_free(MEM_QUEUE, t);
	}
}
