/* update.c: The UPDATE state (RFC 1939 6): what was deleted goes in one change of the account. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pop3/session.h"
#include "run/run.h"

enum { TRIES_MAX = 8 };

/* The wake itself is the news: with a flag beside it the session could be gone before the wake is sent. */
static void batch_done(void *ctx)
{
	struct pop3_session *s = ctx;
	task_wake(&s->conn->task, WAKE_COMMIT);
}

void pop3_update_drop(struct pop3_session *s)
{
	account_leave(&s->visit);
	arena_done(&s->batch_arena);
	s->stage = POP3_UPDATE_IDLE;
	s->change = NULL;
	s->tries = 0;
}

static enum rc build(struct pop3_session *s, struct fault *why)
{
	struct ranges done = { 0 };
	arena_reset(&s->batch_arena);
	data_batch_init(&s->batch, &s->batch_arena);
	TRY(mail_change_begin(s->ma, &s->batch, &s->batch_arena, &s->change, why));
	enum rc rc = mail_change_expunge(s->change, s->box, &s->deleted, false, &done);
	ranges_done(&done);
	TRY(rc);
	if (mail_change_empty(s->change))
		return RC_OK; /* others were faster with all of them */
	TRY(mail_change_end(s->change, why));
	s->stage = POP3_UPDATE_COMMIT;
	s->conn->task.woken &= ~(unsigned)WAKE_COMMIT;
	data_submit(account_data(mail_account_of(s->ma)), &s->batch, batch_done, s);
	return RC_WAIT;
}

/* RC_MORE: another one was first: build it again. */
static enum rc committed(struct pop3_session *s, struct fault *why)
{
	if (!(s->conn->task.woken & WAKE_COMMIT))
		return RC_WAIT;
	s->stage = POP3_UPDATE_BUILD;
	if (s->batch.rc == RC_OK) {
		mail_change_apply(s->change, NULL);
		return RC_OK;
	}
	if (s->batch.rc == RC_TAKEN && ++s->tries <= TRIES_MAX) {
		TRY(mail_refresh(s->ma, why));
		return RC_MORE;
	}
	(void)data_fault(s->batch.rc, why);
	return fault_row(why->id)->rc;
}

enum rc pop3_update(struct pop3_session *s, struct fault *why)
{
	if (!s->deleted.n)
		return RC_OK;
	if (s->stage == POP3_UPDATE_COMMIT) {
		enum rc rc = committed(s, why);
		if (rc != RC_MORE)
			return rc;
	}
	if (s->stage == POP3_UPDATE_IDLE) {
		TRY(account_enter(mail_account_of(s->ma), &s->visit, &s->conn->task));
		s->stage = POP3_UPDATE_BUILD;
	}
	return build(s, why);
}
