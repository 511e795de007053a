/* change.c: One change of the account's mail for a command: turnstile, batch, commit, apply. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "run/run.h"

enum { TRIES_MAX = 8 };

/* The wake itself is the news: with a flag beside it the session could be gone before the wake is sent. */
static void batch_done(void *ctx)
{
	task_wake(ctx, WAKE_COMMIT);
}

void imap_change_drop(struct imap_session *s)
{
	account_leave(&s->visit);
	s->stage = IMAP_CHANGE_IDLE;
	s->change = NULL;
	s->tries = 0;
}

static enum rc build(struct imap_session *s, imap_build_fn *fn, struct fault *why)
{
	arena_reset(&s->batch_arena);
	data_batch_init(&s->batch, &s->batch_arena);
	TRY(mail_change_begin(s->ma, &s->batch, &s->batch_arena, &s->change, why));
	TRY(fn(s, s->change, why));
	if (mail_change_empty(s->change)) {
		imap_change_drop(s);
		return RC_OK;
	}
	TRY(mail_change_end(s->change, why));
	s->stage = IMAP_CHANGE_COMMIT;
	s->conn->task.woken &= ~(unsigned)WAKE_COMMIT;
	data_submit(account_data(mail_account_of(s->ma)), &s->batch, batch_done, &s->conn->task);
	return RC_WAIT;
}

static enum rc committed(struct imap_session *s, struct fault *why)
{
	if (!(s->conn->task.woken & WAKE_COMMIT))
		return RC_WAIT;
	s->stage = IMAP_CHANGE_BUILD;
	if (s->batch.rc == RC_OK) {
		mail_change_apply(s->change, s->state == IMAP_SELECTED ? &s->view : NULL);
		imap_change_drop(s);
		return RC_OK;
	}
	if (s->batch.rc != RC_TAKEN || ++s->tries > TRIES_MAX) {
		(void)data_fault(s->batch.rc, why);
		return fault_row(why->id)->rc;
	}
	TRY(mail_refresh(s->ma, why));
	return RC_TAKEN;
}

enum rc imap_change(struct imap_session *s, imap_build_fn *fn, struct fault *why)
{
	enum rc rc = RC_OK;
	if (s->stage == IMAP_CHANGE_COMMIT) {
		rc = committed(s, why);
		if (rc != RC_TAKEN || s->stage != IMAP_CHANGE_BUILD)
			return rc;
	}
	if (s->stage == IMAP_CHANGE_IDLE) {
		TRY(account_enter(mail_account_of(s->ma), &s->visit, &s->conn->task));
		s->stage = IMAP_CHANGE_BUILD;
	}
	return build(s, fn, why);
}
