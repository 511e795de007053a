/* remote.c: The part of a delivery that goes to the queue. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "post/post_int.h"
#include "run/run.h"

static bool stands_for_many(const struct post_rcpt *r)
{
	return r->to.n + r->to.nremote > 1 || r->to.list.len > 0;
}

/* A success is reported here and now: it is in a mailbox, or those behind the address take it from here. */
static bool tells_success(const struct post_mail *m, const struct post_rcpt *r)
{
	if (!(r->notify & POST_NOTIFY_SUCCESS) || m->env.sender.len == 0)
		return false;
	if (r->to.route == DIR_REMOTE)
		return false;
	bool taken = (r->to.nremote || m->later_n) && stands_for_many(r);
	for (size_t i = 0; i < r->to.n && !taken; i++)
		taken = post_was_taken(m, r->to.ids[i]);
	return taken;
}

static void add_rcpt(struct queue_message *m, const struct queue_rcpt *r)
{
	for (size_t i = 0; i < m->rcpts_n; i++)
		if (m->rcpts[i].state == r->state &&
			slice_eq_nocase(m->rcpts[i].address, r->address))
			return; /* one copy for an address that stands twice */
	m->rcpts[m->rcpts_n++] = *r;
}

/* RFC 3461 5.2.7: one behind another name is as if named himself; with several, the success has been told. */
static void add_behind(struct queue_message *m, const struct post_rcpt *r)
{
	struct queue_rcpt q = { .orcpt = r->orcpt, .notify = r->notify };
	if (stands_for_many(r) && r->notify & POST_NOTIFY_SUCCESS) {
		q.notify = r->notify & ~(unsigned)POST_NOTIFY_SUCCESS;
		if (q.notify == 0)
			q.notify = POST_NOTIFY_NEVER;
	}
	for (size_t j = 0; j < r->to.nremote; j++) {
		q.address = r->to.remote[j];
		add_rcpt(m, &q);
	}
}

/* Of those behind a list or group nobody hears; who is named alone is told like a stranger. */
static void add_later(const struct post_mail *m, struct queue_message *q)
{
	for (size_t i = 0; i < m->later_n; i++) {
		const struct post_rcpt *r = &m->rcpts[m->later[i].rcpt];
		unsigned notify = stands_for_many(r) ? (unsigned)POST_NOTIFY_NEVER : r->notify;
		q->rcpts[q->rcpts_n++] = (struct queue_rcpt){ .address = r->address,
			.account = m->later[i].account,
			.orcpt = r->orcpt,
			.notify = notify };
	}
}

static void add_all(const struct post_mail *m, struct queue_message *q)
{
	for (size_t i = 0; i < m->rcpts_n; i++) {
		const struct post_rcpt *r = &m->rcpts[i];
		struct queue_rcpt own = {
			.address = r->address, .orcpt = r->orcpt, .notify = r->notify
		};
		if (r->to.route == DIR_REMOTE) {
			add_rcpt(q, &own);
			continue;
		}
		add_behind(q, r);
		if (tells_success(m, r)) {
			own.state = QUEUE_SENT;
			own.how = stands_for_many(r) ? QUEUE_EXPANDED : QUEUE_DELIVERED;
			add_rcpt(q, &own);
		}
	}
}

enum rc post_queue_add(struct post_mail *m, size_t *taken, struct fault *why)
{
	size_t most = m->later_n;
	m->queued.parts_n = 0;
	for (size_t i = 0; i < m->rcpts_n; i++)
		most += m->rcpts[i].to.route == DIR_REMOTE
				? 1
				: m->rcpts[i].to.nremote + tells_success(m, &m->rcpts[i]);
	if (most == 0 || !m->post->deps.queue)
		return RC_OK;
	struct queue_message *q = &m->queued;
	*q = (struct queue_message){ .trace = post_id(m),
		.sender = m->env.sender,
		.envid = m->env.envid,
		.ret_headers = m->env.ret_headers,
		.ret_full = m->env.ret_full,
		.smtputf8 =
			m->env.smtputf8 && (m->has_utf8_header || (m->has_parts && m->has_8bit)),
		.body_8bit = m->env.body_8bit || m->has_8bit,
		.blob = m->ref,
		.skip = m->return_path_len,
		.made = run_unix(m->post->deps.run) };
	q->rcpts = arena_try_array(&m->work, most, sizeof(*q->rcpts));
	if (!q->rcpts)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	add_all(m, q);
	add_later(m, q);
	if (queue_add(m->post->deps.queue, &m->batch, q) != RC_OK)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	(*taken)++;
	return RC_OK;
}

void post_queue_applied(struct post_mail *m)
{
	if (m->queued.parts_n)
		queue_added(m->post->deps.queue, &m->queued, m->content);
}
