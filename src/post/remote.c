/* remote.c: The part of a delivery that goes to the queue. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "post/post_int.h"
#include "run/run.h"

static void add_rcpt(struct queue_message *m, struct slice address, const struct post_rcpt *r)
{
	for (size_t i = 0; i < m->rcpts_n; i++)
		if (slice_eq_nocase(m->rcpts[i].address, address))
			return; /* one copy for an address that stands twice */
	m->rcpts[m->rcpts_n++] =
		(struct queue_rcpt){ .address = address, .orcpt = r->orcpt, .notify = r->notify };
}

enum rc post_queue_add(struct post_mail *m, size_t *taken, struct fault *why)
{
	size_t most = 0;
	m->queued = 0;
	for (size_t i = 0; i < m->rcpts_n; i++)
		most += m->rcpts[i].to.route == DIR_REMOTE ? 1 : m->rcpts[i].to.nremote;
	if (most == 0)
		return RC_OK;
	struct queue_message q = { .trace = post_id(m),
		.sender = m->env.sender,
		.envid = m->env.envid,
		.ret_headers = m->env.ret_headers,
		.smtputf8 = m->env.smtputf8,
		.body_8bit = m->env.body_8bit,
		.blob = m->ref,
		.skip = m->return_path_len,
		.made = run_unix(m->post->deps.run) };
	q.due = q.made;
	q.rcpts = arena_try_array(&m->work, most, sizeof(*q.rcpts));
	if (!q.rcpts)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	for (size_t i = 0; i < m->rcpts_n; i++) {
		const struct post_rcpt *r = &m->rcpts[i];
		if (r->to.route == DIR_REMOTE)
			add_rcpt(&q, r->address, r);
		for (size_t j = 0; r->to.route != DIR_REMOTE && j < r->to.nremote; j++)
			add_rcpt(&q, r->to.remote[j], r);
	}
	queue_add(m->post->deps.queue, &m->batch, &q);
	m->queued = q.id;
	(*taken)++;
	return RC_OK;
}

void post_queue_applied(struct post_mail *m)
{
	if (m->queued)
		queue_added(m->post->deps.queue, m->queued);
}
