/* cmd_misc.c: CAPABILITY, NOOP, CHECK, LOGOUT, ID, ENABLE, NAMESPACE, STARTTLS. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "run/run.h"
#include "wire/imap_args.h"

static struct auth_peer peer(struct imap_session *s)
{
	return auth_peer_of(s->imap->deps.auth, s->conn, S("imap"));
}

static void capabilities_new(struct imap_session *s, struct buf *out)
{
	struct auth_peer p = peer(s);
	struct buf mechs;
	buf_init(&mechs, 0, run_step_arena(s->conn->task.run));
	auth_mechs(&p, &mechs);
	if (s->imap->deps.has_tls && !conn_is_tls(s->conn))
		buf_str(out, " STARTTLS");
	if (!auth_takes_passwords(&p))
		buf_str(out, " LOGINDISABLED");
	struct slice rest = buf_slice(&mechs);
	while (rest.len) {
		struct slice mech = slice_split(&rest, ' ');
		buf_fmt(out, " AUTH=%.*s", FMT(mech));
	}
}

void imap_capabilities(struct imap_session *s, struct buf *out)
{
	buf_str(out, "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE");
	if (s->state == IMAP_NEW) {
		capabilities_new(s, out);
		return;
	}
	buf_str(out, " UIDPLUS NAMESPACE CHILDREN SPECIAL-USE CREATE-SPECIAL-USE LIST-EXTENDED "
		     "LIST-STATUS MOVE UNSELECT "
		     "STATUS=SIZE CONDSTORE ESEARCH SEARCHRES WITHIN MULTIAPPEND PREVIEW OBJECTID");
	buf_fmt(out, " APPENDLIMIT=%llu", (unsigned long long)s->imap->deps.append_max);
}

static enum rc no_arguments(struct imap_session *s)
{
	return imap_lex_at_end(&s->x) ? RC_OK : RC_BAD;
}

enum rc imap_cmd_capability(struct imap_session *s, struct fault *)
{
	TRY(no_arguments(s));
	buf_str(imap_out(s), "* CAPABILITY ");
	imap_capabilities(s, imap_out(s));
	buf_str(imap_out(s), "\r\n");
	return RC_OK;
}

enum rc imap_cmd_noop(struct imap_session *s, struct fault *)
{
	return no_arguments(s);
}

enum rc imap_cmd_check(struct imap_session *s, struct fault *)
{
	return no_arguments(s);
}

enum rc imap_cmd_logout(struct imap_session *s, struct fault *)
{
	TRY(no_arguments(s));
	buf_str(imap_out(s), "* BYE logging out\r\n");
	s->closing = true;
	return RC_OK;
}

enum rc imap_cmd_id(struct imap_session *s, struct fault *)
{
	struct slice *pairs;
	size_t n;
	TRY(imap_lex_space(&s->x));
	TRY(imap_args_id(&s->x, &pairs, &n));
	buf_str(imap_out(s), "* ID (\"name\" \"Veredus\")\r\n");
	return RC_OK;
}

enum rc imap_cmd_enable(struct imap_session *s, struct fault *)
{
	struct slice *words;
	size_t n;
	TRY(imap_lex_space(&s->x));
	TRY(imap_args_words(&s->x, &words, &n));
	bool condstore = false;
	for (size_t i = 0; i < n; i++)
		condstore |= slice_eq_nocase(words[i], S("CONDSTORE"));
	s->condstore |= condstore;
	buf_fmt(imap_out(s), "* ENABLED%s\r\n", condstore ? " CONDSTORE" : "");
	return RC_OK;
}

enum rc imap_cmd_namespace(struct imap_session *s, struct fault *)
{
	TRY(no_arguments(s));
	buf_str(imap_out(s), "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	return RC_OK;
}

enum rc imap_cmd_starttls(struct imap_session *s, struct fault *why)
{
	TRY(no_arguments(s));
	if (conn_is_tls(s->conn) || !s->imap->deps.has_tls)
		return fault_set(why, FAULT_SYNTAX, "TLS is active, or not offered");
	s->done = "begin the TLS handshake now";
	buf_fmt(imap_out(s), "%s OK begin the TLS handshake now\r\n", s->tag);
	s->silent = true;
	if (conn_starttls(s->conn) != RC_OK)
		s->closing = true;
	return RC_OK;
}

/* --- log-in --- */

static enum rc logged_in(struct imap_session *s, struct fault *why)
{
	struct buf b;
	enum rc rc = imap_logged_in(s, why);
	if (rc != RC_OK)
		return rc;
	buf_init(&b, 0, &s->arena);
	buf_str(&b, "[CAPABILITY ");
	imap_capabilities(s, &b);
	buf_str(&b, "] ");
	s->long_code = buf_slice(&b);
	s->done = "logged in";
	return RC_OK;
}

static enum rc result(struct imap_session *s, enum rc rc, struct fault *why)
{
	if (rc == RC_OK)
		return logged_in(s, why);
	if (rc == RC_DENIED && why->id == FAULT_AUTH_FAILED)
		s->errors++;
	if (s->errors > s->imap->deps.errors_max || auth_is_spent(s->imap->deps.auth, &s->auth)) {
		buf_str(imap_out(s), "* BYE too many errors\r\n");
		s->closing = true;
	}
	return rc;
}

enum rc imap_cmd_login(struct imap_session *s, struct fault *why)
{
	struct slice user, pass;
	enum rc rc;
	struct buf reply;
	if (!s->auth_waits) {
		struct auth_peer p = peer(s);
		TRY(imap_lex_space(&s->x));
		TRY(imap_lex_astring(&s->x, &user));
		TRY(imap_lex_space(&s->x));
		TRY(imap_lex_astring(&s->x, &pass));
		TRY(no_arguments(s));
		rc = auth_plain(&s->auth, &p, user, pass, why);
	} else {
		buf_init(&reply, 0, &s->arena);
		rc = auth_step(&s->auth, S(""), &reply, why);
	}
	s->auth_waits = rc == RC_WAIT;
	return rc == RC_WAIT ? rc : result(s, rc, why);
}

/* What a SASL step led to: the next step of the session. */
static enum step sasl(struct imap_session *s, enum rc rc, struct buf *reply, struct fault *why)
{
	struct task *t = &s->conn->task;
	s->auth_waits = rc == RC_WAIT;
	t->step = imap_step_answer;
	if (rc == RC_WAIT)
		return STEP_PARK;
	if (rc == RC_MORE) {
		buf_fmt(imap_out(s), "+ %.*s\r\n", FMT(buf_slice(reply)));
		return STEP_MORE;
	}
	t->step = imap_step_line;
	if (rc == RC_NONE)
		rc = fault_set(why, FAULT_FORBIDDEN, "no such mechanism");
	imap_finish(s, result(s, rc, why), why);
	return s->closing ? STEP_CLOSE : STEP_MORE;
}

enum { SASL_LINE_MAX = 12288 };

enum rc imap_cmd_authenticate(struct imap_session *s, struct fault *why)
{
	struct auth_first first = { 0 };
	struct auth_peer p = peer(s);
	struct buf reply;
	TRY(imap_lex_space(&s->x));
	TRY(imap_lex_atom(&s->x, &first.mech));
	if (imap_lex_space(&s->x) == RC_OK) {
		first.has_initial = true;
		first.initial = s->x.rest;
	} else {
		TRY(no_arguments(s));
	}
	buf_init(&reply, SASL_LINE_MAX, &s->arena);
	enum rc rc = auth_start(&s->auth, &p, &first, &reply, why);
	if (rc == RC_WAIT || rc == RC_MORE) {
		(void)sasl(s, rc, &reply, why); /* sets the next step */
		return RC_OK;
	}
	if (rc == RC_NONE)
		rc = fault_set(why, FAULT_FORBIDDEN, "no such mechanism");
	return result(s, rc, why);
}

enum step imap_step_answer(struct task *t)
{
	struct imap_session *s = conn_of(t)->session;
	struct slice line = S("");
	struct fault why = { 0 };
	struct buf reply;
	if (!s->auth_waits && imap_too_slow(s))
		return STEP_CLOSE;
	if (!s->auth_waits) {
		enum rc rc = conn_line(s->conn, SASL_LINE_MAX, &line);
		if (rc == RC_MORE)
			return STEP_PARK;
		if (rc != RC_OK)
			return STEP_CLOSE;
	}
	buf_init(&reply, SASL_LINE_MAX, run_step_arena(t->run));
	return sasl(s, auth_step(&s->auth, line, &reply, &why), &reply, &why);
}
