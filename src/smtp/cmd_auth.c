/* cmd_auth.c: AUTH and STARTTLS. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "run/run.h"
#include "smtp/session.h"

static void logged_in(struct smtp_session *s)
{
	s->source.account = s->auth.account;
	s->source.may_relay = true;
	conn_trust(s->conn);
	smtp_grant_time(s);
	if (s->extended && !slice_ends(slice_str(s->with), S("A")))
		snprintf(s->with, sizeof(s->with), "ESMTP%sA", conn_is_tls(s->conn) ? "S" : "");
	s->source.with = slice_str(s->with);
	smtp_say(s, "235 2.7.0", "logged in");
}

enum step smtp_auth_result(
	struct smtp_session *s, enum rc rc, struct buf *reply, const struct fault *why)
{
	struct task *t = &s->conn->task;
	s->auth_waits = rc == RC_WAIT;
	t->step = rc == RC_WAIT || rc == RC_MORE ? smtp_step_answer : smtp_step_line;
	if (rc == RC_WAIT)
		return STEP_PARK;
	if (rc == RC_MORE)
		buf_fmt(conn_out(s->conn), "334 %.*s\r\n", FMT(buf_slice(reply)));
	else if (rc == RC_OK)
		logged_in(s);
	else if (rc == RC_NONE)
		smtp_say(s, "504 5.5.4", "no such mechanism");
	else
		smtp_refuse(s, why);
	if (auth_is_spent(s->smtp->deps.auth, &s->auth)) {
		smtp_say(s, "421 4.7.0", "too many failed log-ins");
		s->closing = true;
	}
	return STEP_MORE;
}

void smtp_cmd_auth(struct smtp_session *s, struct slice args)
{
	struct slice mech, initial;
	bool has_initial;
	struct fault why = { 0 };
	struct buf reply;
	struct auth_peer peer = smtp_auth_peer(s);
	if (s->auth.account || s->mail || !s->extended) {
		smtp_refuse_id(s, FAULT_BAD_SEQUENCE);
		return;
	}
	if (smtp_auth_parse(args, &mech, &has_initial, &initial) != RC_OK) {
		smtp_refuse_id(s, FAULT_SYNTAX);
		return;
	}
	buf_init(&reply, SMTP_AUTH_MAX, run_step_arena(s->conn->task.run));
	struct auth_first first = { .mech = mech, .has_initial = has_initial, .initial = initial };
	enum rc rc = auth_start(&s->auth, &peer, &first, &reply, &why);
	enum step next = smtp_auth_result(s, rc, &reply, &why);
	(void)next; /* the step that follows parks by itself */
}

void smtp_cmd_starttls(struct smtp_session *s, struct slice args)
{
	if (args.len) {
		smtp_refuse_id(s, FAULT_SYNTAX);
		return;
	}
	if (conn_is_tls(s->conn) || !s->smtp->deps.has_tls) {
		smtp_refuse_id(s, FAULT_BAD_SEQUENCE);
		return;
	}
	smtp_say(s, "220 2.0.0", "go ahead");
	/* RFC 3207 4.2: what was said before counts no more; what came in plain behind the command is thrown away */
	smtp_reset(s);
	s->greeted = false;
	s->auth.account = 0;
	if (conn_starttls(s->conn) != RC_OK)
		s->closing = true;
}
