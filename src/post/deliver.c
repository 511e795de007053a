/* deliver.c: From a whole message to one commit over all its mailboxes and the queue. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/metric.h"
#include "base/must.h"
#include "mail/change.h"
#include "post/post_int.h"
#include "run/run.h"
#include <stdlib.h>

enum { TRIES_MAX = 32 }; /* one that was built upon a failed one tries again with it */

static int by_account(const void *x, const void *y)
{
	const struct post_target *a = x, *b = y;
	if (a->account != b->account)
		return a->account < b->account ? -1 : 1;
	return a->rcpt < b->rcpt ? -1 : a->rcpt > b->rcpt;
}

/* The order in which turnstiles are entered, so that no two deliveries wait for each other. */
void post_sort_targets(struct post_mail *m)
{
	if (m->targets_n)
		qsort(m->targets, m->targets_n, sizeof(*m->targets), by_account);
}

/* Every account once. */
static enum rc collect_targets(struct post_mail *m, struct fault *why)
{
	size_t n = 0, kept = 0;
	for (size_t i = 0; i < m->rcpts_n; i++)
		n += m->rcpts[i].to.n;
	m->targets = arena_try_array(&m->arena, n ? n : 1, sizeof(*m->targets));
	if (!m->targets)
		return fault_set(why, FAULT_MEMORY, "%s", "");
	size_t at = 0;
	for (size_t i = 0; i < m->rcpts_n; i++)
		for (size_t j = 0; j < m->rcpts[i].to.n; j++)
			m->targets[at++] =
				(struct post_target){ .account = m->rcpts[i].to.ids[j], .rcpt = i };
	m->targets_n = n;
	post_sort_targets(m);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || m->targets[i].account != m->targets[kept - 1].account)
			m->targets[kept++] = m->targets[i];
	m->targets_n = kept;
	return RC_OK;
}

static enum rc parse(struct post_mail *m, struct fault *why)
{
	TRY(post_body_end(m, why));
	TRY(collect_targets(m, why));
	if (m->targets_n > QUEUE_LOCAL_MOST && m->post->deps.queue) { /* too many for one commit */
		m->later = m->targets;
		m->later_n = m->targets_n;
		m->targets_n = 0;
	}
	return RC_OK;
}

/* One reply for all recipients cannot say that one of them is over its quota. A mailbox that was not full at RCPT
 * therefore takes one message more; LMTP has a reply for each, and the members of lists have no say. */
static uint64_t allowance(const struct post_mail *m, const struct post_target *t)
{
	return m->src->reply_each || m->rcpts[t->rcpt].to.n != 1 ? 0 : m->ref.size;
}

static enum rc open_all(struct post_mail *m, struct fault *why)
{
	for (size_t i = 0; i < m->targets_n; i++) {
		struct dir_principal p;
		struct post_target *t = &m->targets[i];
		if (t->ma)
			continue;
		TRY(mail_open(m->post->deps.mail, t->account, &t->ma, why));
		if (dir_principal(m->post->deps.dir, t->account, &m->arena, &p, NULL) == RC_OK)
			mail_quota_set(t->ma, p.quota_bytes ? p.quota_bytes + allowance(m, t) : 0);
	}
	return RC_OK;
}

static enum rc enter_all(struct post_mail *m, struct task *task)
{
	for (; m->entered < m->targets_n; m->entered++) {
		struct post_target *t = &m->targets[m->entered];
		TRY(account_follow(mail_account_of(t->ma), &t->visit, task));
	}
	return RC_OK;
}

static enum rc build_target(struct post_mail *m, struct post_target *t, struct fault *why)
{
	struct mail_box_info inbox;
	struct mail_new msg = { .blob = m->ref,
		.record = m->in.parsed.record,
		.size = m->ref.size,
		.received = run_unix(m->post->deps.run),
		.msgid_hash = m->in.parsed.msgid_hash,
		.ref_hash = m->in.parsed.ref_hash,
		.ref_n = m->in.parsed.ref_n };
	uint32_t uid;
	enum rc rc = mail_box_by_use(t->ma, MAIL_USE_INBOX, &m->work, &inbox);
	if (rc != RC_OK)
		return rc == RC_NONE
			       ? fault_set(why, FAULT_MAILBOX_UNKNOWN, "the account has no INBOX")
			       : fault_set(why, FAULT_MEMORY, "%s", "");
	TRY(mail_change_begin(t->ma, &m->batch, &m->work, &t->change, why));
	rc = mail_change_append(t->change, inbox.id, &msg, &uid, why);
	if (rc == RC_OK)
		return mail_change_end(t->change, why);
	t->change = NULL;
	return rc;
}

static enum rc build(struct post_mail *m, struct fault *why)
{
	size_t taken = 0;
	arena_reset(&m->work);
	data_batch_init(&m->batch, &m->work);
	for (size_t i = 0; i < m->targets_n; i++) {
		struct post_target *t = &m->targets[i];
		t->refused = (struct fault){ 0 };
		enum rc rc = build_target(m, t, &t->refused);
		taken += rc == RC_OK;
		bool alone = rc == RC_LIMIT && (m->src->reply_each || m->targets_n > 1);
		if (rc != RC_OK && !alone && !(rc == RC_NONE && m->local) && why) {
			*why = t->refused;
			return rc;
		}
	}
	if (m->local) {
		post_local_results(m);
		m->local->also(m->local, &m->batch);
	} else {
		TRY(post_queue_add(m, &taken, why));
	}
	if (taken == 0 && m->targets_n) {
		*why = m->targets[0].refused;
		return fault_row(why->id)->rc;
	}
	if (m->local) /* it is there since it was queued */
		return blob_keep(m->post->deps.blob, &m->batch, &m->ref, why);
	return blob_upload_store(&m->in.up, &m->batch, why);
}

bool post_was_taken(const struct post_mail *m, uint32_t account)
{
	for (size_t i = 0; i < m->targets_n; i++)
		if (m->targets[i].account == account)
			return m->targets[i].change != NULL;
	return false;
}

/* A recipient whose mailboxes all refused is told so; of a list or group those that could take it did. */
static void settle(struct post_mail *m, const struct post_target *refused)
{
	for (size_t i = 0; i < m->rcpts_n; i++) {
		struct post_rcpt *r = &m->rcpts[i];
		bool leads_here = false, taken = r->to.nremote > 0;
		for (size_t j = 0; j < r->to.n; j++) {
			leads_here |= r->to.ids[j] == refused->account;
			taken |= post_was_taken(m, r->to.ids[j]);
		}
		if (leads_here && !taken)
			r->result = refused->refused;
		if (leads_here)
			event_log(EVENT_MAIL_REFUSED, f_slice("trace", post_id(m)),
				f_slice("from", m->env.sender), f_slice("rcpt", r->address),
				f_u64("account", refused->account),
				f_str("why", fault_text(&refused->refused)));
	}
}

static void applied(struct post_mail *m)
{
	size_t rcpts = 0;
	for (size_t i = 0; i < m->targets_n; i++)
		if (!m->targets[i].change)
			settle(m, &m->targets[i]);
	for (size_t i = 0; i < m->targets_n; i++) {
		struct post_target *t = &m->targets[i];
		if (t->change) {
			mail_change_finish(t->change);
			rcpts++;
		}
		account_leave(&t->visit);
		mail_close(&t->ma);
	}
	m->targets_n = m->entered = 0;
	post_queue_applied(m);
	metric_add(METRIC_MAIL_DELIVERED, rcpts);
	metric_add(METRIC_MAIL_DELIVERED_BYTES, m->ref.size * rcpts);
	event_log(EVENT_MAIL_DELIVERED, f_slice("trace", post_id(m)),
		f_slice("from", m->env.sender), f_u64("rcpts", m->rcpts_n), f_u64("local", rcpts),
		f_u64("size", m->ref.size), f_slice("door", m->src->door),
		f_slice("peer", m->src->peer));
}

/* Another node changed an account first, the same content was stored or purged a moment ago, or a delivery that this one
 * was built upon has failed: leave, so that nobody waits for us, look again, and queue anew. */
static enum rc again(struct post_mail *m, struct fault *why)
{
	if (++m->tries > TRIES_MAX)
		return fault_set(why, FAULT_CONFLICT, "%s", "");
	for (size_t i = 0; i < m->targets_n; i++)
		account_leave(&m->targets[i].visit);
	m->entered = 0;
	m->stage = POST_OPENED;
	for (size_t i = 0; i < m->targets_n; i++)
		TRY(mail_refresh(m->targets[i].ma, why));
	return RC_OK;
}

/* On the committer's thread, in the order of the batches. */
static void batch_done(void *ctx)
{
	struct post_mail *m = ctx;
	struct task *task = m->task;
	for (size_t i = 0; i < m->targets_n; i++)
		if (m->targets[i].change)
			mail_change_answered(m->targets[i].change, m->batch.rc);
	/* The wake alone is the sign: with a flag of its own a spurious wake in between could end the task, and this one
	 * would come to a dead one. */
	task_wake(task, WAKE_COMMIT);
}

/* From here on the next delivery to each mailbox may build upon this one: they share a flush. */
static void submit(struct post_mail *m, struct task *task)
{
	m->task = task;
	m->committed = false;
	m->stage = POST_COMMITTING;
	for (size_t i = 0; i < m->targets_n; i++) {
		struct post_target *t = &m->targets[i];
		t->ahead = !t->change || mail_change_ahead(t->change);
	}
	data_submit(m->post->deps.data, &m->batch, batch_done, m);
	for (size_t i = 0; i < m->targets_n; i++)
		if (m->targets[i].ahead)
			account_pass(&m->targets[i].visit);
}

static enum rc committed(struct post_mail *m, struct fault *why)
{
	if (!(m->task->woken & WAKE_COMMIT))
		return RC_WAIT;
	m->committed = true;
	if (m->batch.rc == RC_TAKEN)
		return again(m, why);
	TRY(data_fault(m->batch.rc, why));
	applied(m);
	m->stage = POST_DONE;
	return RC_OK;
}

static enum rc step(struct post_mail *m, struct task *task, struct fault *why)
{
	switch (m->stage) {
	case POST_ENVELOPE:
		TRY(parse(m, why));
		m->stage = POST_PARSED;
		return RC_MORE;
	case POST_PARSED:
		TRY(open_all(m, why));
		m->stage = POST_OPENED;
		return RC_MORE;
	case POST_OPENED:
		TRY(enter_all(m, task));
		m->stage = POST_ENTERED;
		return RC_MORE;
	case POST_ENTERED:
		TRY(build(m, why));
		submit(m, task);
		return RC_WAIT;
	case POST_COMMITTING: {
		enum rc rc = committed(m, why);
		return rc == RC_OK && m->stage != POST_DONE ? RC_MORE : rc;
	}
	case POST_DONE:
		return RC_OK;
	}
	return RC_OK;
}

enum rc post_deliver(struct post_mail *m, struct task *task, struct fault *why)
{
	enum rc rc;
	do {
		rc = step(m, task, why);
	} while (rc == RC_MORE);
	if (rc == RC_OK || rc == RC_WAIT)
		return rc;
	for (size_t i = 0; i < m->rcpts_n; i++)
		m->rcpts[i].result = *why;
	event_log(EVENT_MAIL_REFUSED, f_slice("trace", post_id(m)), f_slice("from", m->env.sender),
		f_slice("peer", m->src->peer), f_str("why", fault_text(why)));
	return rc;
}
