/* cmd_login.c: USER, PASS, AUTH, STLS, UTF8: what counts before log-in. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pop3/session.h"
#include "run/run.h"

/* What an attempt led to. */
static enum rc result(struct pop3_session *s, enum rc rc, struct fault *why)
{
	if (rc == RC_OK) {
		buf_done(&s->user);
		rc = pop3_open(s, why);
		s->done = "logged in";
	}
	if (rc == RC_NONE && !why->id)
		return fault_set(why, FAULT_AUTH_MECH, "%s", "");
	if (auth_is_spent(s->pop3->deps.auth, &s->auth))
		s->closing = true;
	return rc;
}

/* RFC 1939 7: it says nothing of whether there is such a user. */
enum rc pop3_cmd_user(struct pop3_session *s, struct slice args, struct fault *why)
{
	struct auth_peer p = pop3_auth_peer(s);
	struct slice name = slice_trim(args);
	if (!name.len)
		return RC_BAD;
	if (!auth_takes_passwords(&p))
		return fault_set(why, FAULT_TLS_REQUIRED, "%s", "");
	buf_reset(&s->user);
	buf_add(&s->user, name);
	s->done = "now the password";
	return s->user.over ? RC_LIMIT : RC_OK;
}

enum rc pop3_cmd_pass(struct pop3_session *s, struct slice args, struct fault *why)
{
	struct buf none;
	enum rc rc;
	if (s->auth_waits) {
		buf_init(&none, 0, run_step_arena(s->conn->task.run));
		rc = auth_step(&s->auth, S(""), &none, why);
	} else {
		struct auth_peer p = pop3_auth_peer(s);
		if (!s->user.len)
			return fault_set(why, FAULT_BAD_SEQUENCE, "say USER first");
		rc = auth_plain(&s->auth, &p, buf_slice(&s->user), args, why);
		buf_done(&s->user);
	}
	s->auth_waits = rc == RC_WAIT;
	return rc == RC_WAIT ? rc : result(s, rc, why);
}

/* What a SASL step led to; RC_WAIT and RC_MORE: the answer step is next. */
static enum rc sasl(struct pop3_session *s, enum rc rc, struct buf *reply, struct fault *why)
{
	s->auth_waits = rc == RC_WAIT;
	if (rc == RC_MORE)
		buf_fmt(conn_out(s->conn), "+ %.*s\r\n", FMT(buf_slice(reply)));
	if (rc != RC_WAIT && rc != RC_MORE)
		return result(s, rc, why);
	s->conn->task.step = pop3_step_answer;
	return rc;
}

/* Clients of before RFC 5034 ask so which mechanisms there are. */
static enum rc list_mechs(struct pop3_session *s)
{
	struct auth_peer p = pop3_auth_peer(s);
	struct buf mechs, *out = conn_out(s->conn);
	buf_init(&mechs, 0, run_step_arena(s->conn->task.run));
	auth_mechs(&p, &mechs);
	struct slice rest = buf_slice(&mechs);
	buf_str(out, "+OK mechanisms follow\r\n");
	while (rest.len) {
		buf_add(out, slice_split(&rest, ' '));
		buf_str(out, "\r\n");
	}
	buf_str(out, ".\r\n");
	s->silent = true;
	return RC_OK;
}

enum rc pop3_cmd_auth(struct pop3_session *s, struct slice args, struct fault *why)
{
	struct auth_first first = { 0 };
	struct auth_peer p = pop3_auth_peer(s);
	struct buf reply;
	if (!slice_trim(args).len)
		return list_mechs(s);
	TRY(pop3_auth(args, &first.mech, &first.has_initial, &first.initial));
	buf_init(&reply, POP3_AUTH_MAX, run_step_arena(s->conn->task.run));
	return sasl(s, auth_start(&s->auth, &p, &first, &reply, why), &reply, why);
}

enum step pop3_step_answer(struct task *t)
{
	struct pop3_session *s = conn_of(t)->session;
	struct slice line = S("");
	struct fault why = { 0 };
	struct buf reply;
	if (!s->auth_waits) {
		if (conn_timed_out(s->conn))
			return STEP_CLOSE;
		enum rc rc = conn_line(s->conn, POP3_AUTH_MAX, &line);
		if (rc == RC_MORE)
			return STEP_PARK;
		if (rc != RC_OK)
			return STEP_CLOSE;
		s->began_us = run_now_us();
	}
	t->step = pop3_step_line;
	buf_init(&reply, POP3_AUTH_MAX, run_step_arena(t->run));
	enum rc rc = sasl(s, auth_step(&s->auth, line, &reply, &why), &reply, &why);
	if (t->step == pop3_step_answer)
		return rc == RC_WAIT ? STEP_PARK : STEP_MORE;
	pop3_finish(s, rc, &why);
	return s->closing ? STEP_CLOSE : STEP_MORE;
}

enum rc pop3_cmd_stls(struct pop3_session *s, struct slice args, struct fault *why)
{
	if (args.len)
		return RC_BAD;
	if (conn_is_tls(s->conn) || !s->pop3->deps.has_tls)
		return fault_set(why, FAULT_BAD_SEQUENCE, "TLS is active, or not offered");
	/* RFC 2595 4: what was said before counts no more */
	buf_done(&s->user);
	s->utf8 = false;
	s->done = "begin the TLS handshake now";
	if (conn_starttls(s->conn) != RC_OK)
		return fault_set(why, FAULT_TLS_FAILED, "there is no certificate");
	return RC_OK;
}

enum rc pop3_cmd_utf8(struct pop3_session *s, struct slice args, struct fault *)
{
	if (args.len)
		return RC_BAD;
	s->utf8 = true;
	s->done = "UTF8 enabled";
	return RC_OK;
}
