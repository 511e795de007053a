/* maildrop.c: An account's INBOX as POP3 sees it: as it was at log-in, less what was deleted. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "pop3/session.h"
#include "run/run.h"

static enum rc lock(struct pop3_session *s, struct fault *why)
{
	const struct pop3_deps *d = &s->pop3->deps;
	const struct pop3_lock_terms terms = { .is_exclusive = d->is_exclusive,
		.delay_ms = d->login_delay_ms,
		.now_ms = run_now_ms(d->run) };
	enum rc rc = pop3_lock_take(d->locks, s->auth.account, &terms, why);
	s->holds_lock = rc == RC_OK;
	if (rc != RC_OK)
		event_log(EVENT_POP3_REFUSED, f_slice("peer", conn_peer(s->conn)),
			f_u64("account", s->auth.account),
			f_str("fault", fault_row(why->id)->name));
	return rc;
}

static enum rc open_inbox(struct pop3_session *s, struct fault *why)
{
	struct arena *a = run_step_arena(s->conn->task.run);
	struct mail_box_info info;
	TRY(mail_open(s->pop3->deps.mail, s->auth.account, &s->ma, why));
	TRY(mail_box_find(s->ma, S("INBOX"), a, &info));
	TRY(mail_view_open(s->ma, info.id, true, NULL, &s->view, why));
	s->box = info.id;
	s->uid_validity = info.uid_validity;
	return RC_OK;
}

enum rc pop3_open(struct pop3_session *s, struct fault *why)
{
	const struct pop3_deps *d = &s->pop3->deps;
	enum rc rc = lock(s, why);
	if (rc == RC_OK)
		rc = open_inbox(s, why);
	if (rc != RC_OK) {
		pop3_close(s);
		s->auth.account = 0;
		return rc;
	}
	s->state = POP3_TRANSACTION;
	conn_idle(s->conn, d->idle_ms);
	conn_total(s->conn, 0);
	conn_trust(s->conn);
	return RC_OK;
}

void pop3_unlock(struct pop3_session *s)
{
	if (s->holds_lock)
		pop3_lock_leave(s->pop3->deps.locks, s->auth.account);
	s->holds_lock = false;
}

void pop3_close(struct pop3_session *s)
{
	mail_view_close(&s->view);
	if (s->ma)
		mail_close(&s->ma);
	ranges_done(&s->deleted);
	ranges_done(&s->retrieved);
	pop3_unlock(s);
}

/* Leaves out what is deleted. */
static void drop_deleted(struct pop3_session *s, struct pop3_chunk *c)
{
	size_t kept = 0;
	for (size_t i = 0; s->deleted.n && i < c->n; i++) {
		if (ranges_has(&s->deleted, c->entries[i].uid))
			continue;
		c->entries[kept] = c->entries[i];
		c->numbers[kept++] = c->numbers[i];
	}
	c->n = s->deleted.n ? kept : c->n;
}

enum rc pop3_chunk_read(
	struct pop3_session *s, uint32_t *from, struct pop3_chunk **out, struct fault *why)
{
	struct arena *a = run_step_arena(s->conn->task.run);
	struct pop3_chunk *c = *out ? *out : arena_try_array(a, 1, sizeof(*c));
	if (!c)
		return RC_LIMIT;
	*out = c;
	struct mail_reading r = {
		.from = *from, .entries = c->entries, .seqs = c->numbers, .max = POP3_CHUNK
	};
	do {
		TRY(mail_view_read(&s->view, &r, why));
		c->n = r.n;
		*from = r.from;
		if (!c->n)
			return RC_OK;
		drop_deleted(s, c);
	} while (!c->n);
	return RC_OK;
}

enum rc pop3_find(
	struct pop3_session *s, uint32_t number, struct mail_entry *out, struct fault *why)
{
	uint32_t uid = mail_view_uid(&s->view, number), found;
	struct mail_reading r = { .from = uid, .entries = out, .seqs = &found, .max = 1 };
	if (uid)
		TRY(mail_view_read(&s->view, &r, why));
	if (!r.n || out->uid != uid || ranges_has(&s->deleted, uid))
		return fault_set(why, FAULT_NO_SUCH_MESSAGE, "no such message");
	return RC_OK;
}
