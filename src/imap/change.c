/* change.c: One change of the account's mail for a command: turnstile, batch, commit, apply. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "run/run.h"

enum {
	TRIES_MAX = 8,
	TRIES_FOLLOWING = 32
}; /* what was built upon a failed one tries again with it */

/* The wake itself is the news: with a flag beside it the session could be gone before the wake is sent. */
static void batch_done(void *ctx)
{
	struct imap_session *s = ctx;
	if (s->follows)
		mail_change_answered(s->change, s->batch.rc);
	task_wake(&s->conn->task, WAKE_COMMIT);
}

void imap_change_drop(struct imap_session *s)
{
	account_leave(&s->visit);
	s->stage = IMAP_CHANGE_IDLE;
	s->change = NULL;
	s->tries = 0;
}

static void submit(struct imap_session *s)
{
	bool ahead = s->follows && mail_change_ahead(s->change);
	s->stage = IMAP_CHANGE_COMMIT;
	s->conn->task.woken &= ~(unsigned)WAKE_COMMIT;
	data_submit(account_data(mail_account_of(s->ma)), &s->batch, batch_done, s);
	if (ahead)
		account_pass(&s->visit);
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
	submit(s);
	return RC_WAIT;
}

/* RC_MORE: look again, and build again; one that follows leaves for that, so that nobody waits for it. */
static enum rc again(struct imap_session *s, struct fault *why)
{
	if (s->follows) {
		account_leave(&s->visit);
		s->stage = IMAP_CHANGE_IDLE;
	}
	TRY(mail_refresh(s->ma, why));
	return RC_MORE;
}

static enum rc committed(struct imap_session *s, struct fault *why)
{
	if (!(s->conn->task.woken & WAKE_COMMIT))
		return RC_WAIT;
	s->stage = IMAP_CHANGE_BUILD;
	if (s->batch.rc == RC_OK) {
		if (s->follows)
			mail_change_finish(s->change);
		else
			mail_change_apply(s->change, s->state == IMAP_SELECTED ? &s->view : NULL);
		imap_change_drop(s);
		return RC_OK;
	}
	if (s->batch.rc == RC_TAKEN && ++s->tries <= (s->follows ? TRIES_FOLLOWING : TRIES_MAX))
		return again(s, why);
	(void)data_fault(s->batch.rc, why);
	return fault_row(why->id)->rc;
}

static enum rc enter(struct imap_session *s)
{
	struct account *acc = mail_account_of(s->ma);
	return s->follows ? account_follow(acc, &s->visit, &s->conn->task)
			  : account_enter(acc, &s->visit, &s->conn->task);
}

static enum rc run(struct imap_session *s, imap_build_fn *fn, struct fault *why)
{
	if (s->stage == IMAP_CHANGE_COMMIT) {
		enum rc rc = committed(s, why);
		if (rc != RC_MORE)
			return rc;
	}
	if (s->stage == IMAP_CHANGE_IDLE) {
		TRY(enter(s));
		s->stage = IMAP_CHANGE_BUILD;
	}
	return build(s, fn, why);
}

enum rc imap_change(struct imap_session *s, imap_build_fn *fn, struct fault *why)
{
	s->follows = false;
	return run(s, fn, why);
}

enum rc imap_change_follow(struct imap_session *s, imap_build_fn *fn, struct fault *why)
{
	s->follows = true;
	return run(s, fn, why);
}
