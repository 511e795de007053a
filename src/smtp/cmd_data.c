/* cmd_data.c: DATA and BDAT: the body, and the reply once it is durable. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "base/metric.h"
#include "run/run.h"
#include "smtp/session.h"

enum { PIECE_MAX = 256 * 1024 };

static enum rc may_begin(struct smtp_session *s, struct fault *why)
{
	const struct post_rcpt *rcpts;
	if (!s->mail)
		return fault_set(why, FAULT_BAD_SEQUENCE, "MAIL comes first");
	if (post_rcpts(s->mail, &rcpts) == 0)
		return fault_set(why, FAULT_NO_RCPT, "%s", "");
	return RC_OK;
}

void smtp_cmd_data(struct smtp_session *s, struct slice args)
{
	struct fault why = { 0 };
	if (args.len) {
		smtp_refuse_id(s, FAULT_SYNTAX);
		return;
	}
	enum rc rc = may_begin(s, &why);
	if (rc == RC_OK && post_is_binary(s->mail))
		rc = fault_set(
			&why, FAULT_BAD_SEQUENCE, "a binary body needs BDAT"); /* RFC 3030 3 */
	if (rc != RC_OK) {
		smtp_refuse(s, &why);
		return;
	}
	s->data = (struct smtp_data){ 0 };
	conn_idle(s->conn, s->smtp->deps.data_ms);
	s->conn->task.step = smtp_step_body;
	smtp_say(s, "354", "go ahead; end with a line that has a dot alone");
}

/* Takes what has come; true: the end was there. */
static bool take_body(struct smtp_session *s, struct slice *in)
{
	struct slice piece;
	enum rc rc = RC_MORE;
	while (rc == RC_MORE && in->len) {
		rc = smtp_data_take(&s->data, in, &piece);
		if (piece.len && s->body_fault.id == FAULT_NONE &&
			post_write(s->mail, piece, &s->body_fault) != RC_OK)
			continue; /* it is read to its end all the same */
	}
	return rc == RC_OK;
}

enum step smtp_step_body(struct task *t)
{
	struct smtp_session *s = conn_of(t)->session;
	struct slice in;
	if (smtp_too_slow(s))
		return STEP_CLOSE;
	enum rc rc = conn_bytes(s->conn, PIECE_MAX, &in);
	if (rc == RC_MORE)
		return STEP_PARK;
	if (rc != RC_OK)
		return STEP_CLOSE; /* gone before the end: nothing was promised */
	bool whole = take_body(s, &in);
	conn_unread(s->conn, in);
	if (!whole)
		return STEP_MORE;
	if (s->data.bare && s->body_fault.id == FAULT_NONE)
		s->body_fault = (struct fault){ .id = FAULT_BARE_NEWLINE };
	smtp_body_done(s);
	return STEP_MORE;
}

void smtp_cmd_bdat(struct smtp_session *s, struct slice args)
{
	struct fault why = { 0 };
	uint64_t size;
	bool last;
	if (smtp_bdat_parse(args, &size, &last) != RC_OK) {
		/* without a size nobody knows where commands begin again */
		smtp_refuse_id(s, FAULT_SYNTAX);
		s->closing = true;
		return;
	}
	s->chunk_left = size;
	s->chunk_last = last;
	if (may_begin(s, &why) != RC_OK)
		s->body_fault = why;
	s->chunking = true;
	conn_idle(s->conn, s->smtp->deps.data_ms);
	s->conn->task.step = smtp_step_chunk;
}

static enum step chunk_done(struct smtp_session *s)
{
	if (s->chunk_last && s->mail) {
		smtp_body_done(s);
		return STEP_MORE;
	}
	s->conn->task.step = smtp_step_line;
	conn_idle(s->conn, smtp_idle_ms(s));
	if (s->body_fault.id != FAULT_NONE) {
		struct fault why = s->body_fault;
		smtp_reset(s);
		smtp_refuse(s, &why);
	} else {
		smtp_say(s, "250 2.0.0", "chunk taken");
	}
	smtp_time_begin(s);
	smtp_time_end(s);
	return STEP_MORE;
}

enum step smtp_step_chunk(struct task *t)
{
	struct smtp_session *s = conn_of(t)->session;
	struct slice in;
	if (smtp_too_slow(s))
		return STEP_CLOSE;
	if (s->chunk_left == 0)
		return chunk_done(s);
	enum rc rc = conn_bytes(
		s->conn, s->chunk_left < PIECE_MAX ? (size_t)s->chunk_left : PIECE_MAX, &in);
	if (rc == RC_MORE)
		return STEP_PARK;
	if (rc != RC_OK)
		return STEP_CLOSE;
	s->chunk_left -= in.len;
	if (s->body_fault.id == FAULT_NONE && s->mail) {
		enum rc written = post_write(s->mail, in, &s->body_fault);
		(void)written; /* the fault is kept until the end */
	}
	return STEP_MORE;
}

void smtp_body_done(struct smtp_session *s)
{
	smtp_time_begin(s);
	conn_idle(s->conn, smtp_idle_ms(s));
	s->conn->task.step = smtp_step_deliver;
}

/* LMTP answers once for each recipient (RFC 2033 4.2). */
static void answer(struct smtp_session *s, enum rc rc, const struct fault *why)
{
	const struct post_rcpt *rcpts;
	size_t n = post_rcpts(s->mail, &rcpts);
	struct slice text = arena_fmt(
		run_step_arena(s->conn->task.run), "ok, kept as %.*s", FMT(post_id(s->mail)));
	for (size_t i = 0; i < (s->role == SMTP_LMTP ? n : 1); i++) {
		const struct fault *own = s->role == SMTP_LMTP && rcpts[i].result.id != FAULT_NONE
						  ? &rcpts[i].result
						  : why;
		if (rc == RC_OK && (s->role != SMTP_LMTP || own == why))
			smtp_reply(conn_out(s->conn), "250 2.0.0", text);
		else
			smtp_refuse(s, own);
	}
	if (rc != RC_OK)
		return;
	smtp_grant_time(s);
	s->errors = 0; /* who brings mail is a mail system, though it may know old addresses */
	metric_add(METRIC_SMTP_ACCEPTED, 1);
}

enum step smtp_step_deliver(struct task *t)
{
	struct smtp_session *s = conn_of(t)->session;
	struct fault why = s->body_fault;
	enum rc rc = why.id == FAULT_NONE ? post_deliver(s->mail, t, &why) : fault_row(why.id)->rc;
	if (rc == RC_WAIT)
		return STEP_COMMIT;
	answer(s, rc, &why);
	bool bare = why.id == FAULT_BARE_NEWLINE;
	smtp_reset(s);
	smtp_time_end(s);
	t->step = smtp_step_line;
	return bare || s->closing
		       ? STEP_CLOSE
		       : STEP_MORE; /* what follows a bare line end is not to be trusted */
}
