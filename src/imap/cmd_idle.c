/* cmd_idle.c: IDLE: news as they happen, until DONE. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "run/run.h"

enum { DONE_MAX = 64 };

enum rc imap_cmd_idle(struct imap_session *s, struct fault *)
{
	if (!imap_lex_at_end(&s->x))
		return RC_BAD;
	buf_str(imap_out(s), "+ idling\r\n");
	s->idling = true;
	s->conn->task.step = imap_step_idle;
	arena_done(&s->arena);
	return RC_OK;
}

static enum step end(struct imap_session *s, enum rc rc)
{
	struct fault why = { 0 };
	s->idling = false;
	s->began_us = run_now_us();
	s->conn->task.step = imap_step_line;
	imap_finish(s, rc, &why);
	return s->closing ? STEP_CLOSE : STEP_MORE;
}

enum step imap_step_idle(struct task *t)
{
	struct imap_session *s = conn_of(t)->session;
	struct slice line;
	if (imap_too_slow(s))
		return STEP_CLOSE;
	if (conn_draining(s->conn)) {
		buf_str(imap_out(s), "* BYE [UNAVAILABLE] the server is shutting down\r\n");
		return STEP_CLOSE;
	}
	if (imap_full(s))
		return STEP_PARK;
	enum rc rc = conn_line(s->conn, DONE_MAX, &line);
	if (rc == RC_OK)
		return end(s, slice_eq_nocase(slice_trim(line), S("DONE")) ? RC_OK : RC_BAD);
	if (rc != RC_MORE)
		return STEP_CLOSE;
	if (s->state == IMAP_SELECTED)
		imap_news(s, true);
	return s->closing ? STEP_CLOSE : STEP_PARK;
}
