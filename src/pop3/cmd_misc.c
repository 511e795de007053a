/* cmd_misc.c: CAPA, LANG, NOOP, QUIT. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"
#include "pop3/session.h"
#include "run/run.h"

enum { DAY_MS = 24 * 3600 * 1000, SECOND_MS = 1000 };

static void capa_new(struct pop3_session *s, struct buf *out)
{
	struct auth_peer p = pop3_auth_peer(s);
	struct buf mechs;
	buf_init(&mechs, 0, run_step_arena(s->conn->task.run));
	auth_mechs(&p, &mechs);
	if (s->pop3->deps.has_tls && !conn_is_tls(s->conn))
		buf_str(out, "STLS\r\n");
	if (auth_takes_passwords(&p))
		buf_str(out, "USER\r\n");
	if (mechs.len)
		buf_fmt(out, "SASL %.*s\r\n", FMT(buf_slice(&mechs)));
}

static void capa_policy(const struct pop3_deps *d, struct buf *out)
{
	if (d->login_delay_ms)
		buf_fmt(out, "LOGIN-DELAY %llu\r\n",
			(unsigned long long)((d->login_delay_ms + SECOND_MS - 1) / SECOND_MS));
	if (d->deletes_retrieved)
		buf_str(out, "EXPIRE 0\r\n");
	else if (d->expire_ms)
		buf_fmt(out, "EXPIRE %llu\r\n", (unsigned long long)(d->expire_ms / DAY_MS));
	else
		buf_str(out, "EXPIRE NEVER\r\n");
}

enum rc pop3_cmd_capa(struct pop3_session *s, struct slice args, struct fault *)
{
	struct buf *out = conn_out(s->conn);
	if (args.len)
		return RC_BAD;
	buf_str(out, "+OK capabilities follow\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
		     "PIPELINING\r\nUTF8 USER\r\nLANG\r\n");
	if (s->state == POP3_AUTHORIZATION)
		capa_new(s, out);
	capa_policy(&s->pop3->deps, out);
	buf_str(out, "IMPLEMENTATION Veredus\r\n.\r\n");
	s->silent = true;
	return RC_OK;
}

/* RFC 6856 3: there is one language, and i-default, which is the same one. */
enum rc pop3_cmd_lang(struct pop3_session *s, struct slice args, struct fault *why)
{
	struct slice range = slice_trim(args);
	if (!range.len) {
		buf_str(conn_out(s->conn), "+OK languages follow\r\nen English\r\n"
					   "i-default Default language\r\n.\r\n");
		s->silent = true;
	} else if (pop3_lang_fits(range, S("en"))) {
		s->done = "en this language";
	} else if (pop3_lang_fits(range, S("i-default"))) {
		s->done = "i-default this language";
	} else {
		return fault_set(why, FAULT_SYNTAX, "no such language");
	}
	return RC_OK;
}

enum rc pop3_cmd_noop(struct pop3_session *, struct slice args, struct fault *)
{
	return args.len ? RC_BAD : RC_OK;
}

/* What RETR gave goes too, where that is the rule. */
static enum rc count_retrieved(struct pop3_session *s)
{
	for (size_t i = 0; i < s->retrieved.n; i++)
		TRY(ranges_add(&s->deleted, s->retrieved.at[i].lo, s->retrieved.at[i].hi));
	ranges_clear(&s->retrieved);
	return RC_OK;
}

/* RFC 1939 4, 6: what was deleted is gone, durably, before the +OK; the session ends in any case. */
enum rc pop3_cmd_quit(struct pop3_session *s, struct slice args, struct fault *why)
{
	if (args.len)
		return RC_BAD;
	s->done = "bye";
	enum rc rc = count_retrieved(s);
	if (rc == RC_OK && s->state == POP3_TRANSACTION)
		rc = pop3_update(s, why);
	if (rc == RC_WAIT)
		return rc;
	if (rc == RC_OK && s->deleted.n)
		event_log(EVENT_POP3_DELETED, f_slice("peer", conn_peer(s->conn)),
			f_u64("account", s->auth.account),
			f_u64("messages", ranges_count(&s->deleted)));
	pop3_unlock(s); /* before the reply: a client that hears it may come again at once */
	s->closing = true;
	return rc;
}
