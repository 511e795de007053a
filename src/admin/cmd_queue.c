/* cmd_queue.c: Looking at the queue, and moving what stands in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"
#include "base/time.h"

enum { ALL = 100000 };

static enum rc id_of(struct admin_call *c, uint64_t *id, struct fault *why)
{
	if (!c->deps->queue)
		return fault_set(why, FAULT_NOT_FOUND, "this server has no queue");
	if (slice_u64(c->words[2], UINT64_MAX, id) != RC_OK)
		return fault_set(why, FAULT_SYNTAX, "\"%.*s\" is no queue id", FMT(c->words[2]));
	return RC_OK;
}

static const char *state_name(enum queue_state s)
{
	return s == QUEUE_SENT ? "sent" : s == QUEUE_FAILED ? "failed" : "waiting";
}

static void put_date(struct report *r, struct arena *a, const char *name, int64_t unix_s)
{
	struct buf b;
	buf_init(&b, 64, a);
	time_iso(unix_s, &b);
	report_text(r, name, buf_slice(&b));
}

static void put_message(struct admin_call *c, struct report *r, const struct queue_message *m)
{
	report_row(r);
	report_number(r, "id", m->id);
	report_text(r, "trace", m->trace);
	report_text(r, "from", m->sender);
	report_number(r, "size", m->blob.size);
	report_bool(r, "paused", m->paused);
	put_date(r, c->arena, "made", m->made);
	put_date(r, c->arena, "due", m->due);
}

/* Why it is still here: what was said to the first one that waits; the others of its destination mostly hear the same. */
static void put_delay(struct admin_call *c, struct report *r, const struct queue_message *m)
{
	struct queue_rcpt none = { 0 };
	const struct queue_rcpt *first = NULL;
	size_t waiting = 0;
	for (size_t i = 0; i < m->rcpts_n; i++) {
		if (m->rcpts[i].state != QUEUE_WAITING)
			continue;
		first = first ? first : &m->rcpts[i];
		waiting++;
	}
	first = first ? first : &none;
	report_number(r, "rcpts", m->rcpts_n);
	report_number(r, "waiting", waiting);
	report_bool(r, "trying", queue_is_trying(c->deps->queue, m->id));
	report_text(r, "to", first->address);
	report_number(r, "tries", first->tries);
	report_text(r, "server", first->server);
	report_text(r, "answer", first->answer);
}

enum rc admin_queue_list(struct admin_call *c, struct fault *why)
{
	struct report r;
	struct queue_message *list;
	size_t n = 0;
	if (c->deps->queue)
		TRY(queue_list(c->deps->queue, ALL, c->arena, &list, &n, why));
	report_begin(&r, c->out, c->json, true);
	for (size_t i = 0; i < n; i++) {
		put_message(c, &r, &list[i]);
		put_delay(c, &r, &list[i]);
	}
	report_end(&r);
	return RC_OK;
}

enum rc admin_queue_show(struct admin_call *c, struct fault *why)
{
	struct report r;
	struct queue_message m;
	uint64_t id;
	TRY(id_of(c, &id, why));
	TRY(queue_show(c->deps->queue, id, c->arena, &m, why));
	report_begin(&r, c->out, c->json, true);
	for (size_t i = 0; i < m.rcpts_n; i++) {
		put_message(c, &r, &m);
		report_text(&r, "to", m.rcpts[i].address);
		report_text(&r, "state", slice_str(state_name(m.rcpts[i].state)));
		report_bool(&r, "trying", queue_is_trying(c->deps->queue, m.id));
		report_number(&r, "tries", m.rcpts[i].tries);
		report_text(&r, "server", m.rcpts[i].server);
		report_text(&r, "answer", m.rcpts[i].answer);
	}
	report_end(&r);
	return RC_OK;
}

enum rc admin_queue_retry(struct admin_call *c, struct fault *why)
{
	uint64_t id;
	TRY(id_of(c, &id, why));
	return queue_retry(c->deps->queue, id, why);
}

enum rc admin_queue_cancel(struct admin_call *c, struct fault *why)
{
	uint64_t id;
	TRY(id_of(c, &id, why));
	return queue_cancel(c->deps->queue, id, why);
}

enum rc admin_queue_pause(struct admin_call *c, struct fault *why)
{
	uint64_t id;
	TRY(id_of(c, &id, why));
	return queue_pause(c->deps->queue, id, true, why);
}

enum rc admin_queue_resume(struct admin_call *c, struct fault *why)
{
	uint64_t id;
	TRY(id_of(c, &id, why));
	return queue_pause(c->deps->queue, id, false, why);
}
