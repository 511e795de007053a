/* cmd_hello.c: HELO, EHLO, LHLO and what they announce. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "run/run.h"
#include "smtp/session.h"

static void name_protocol(struct smtp_session *s)
{
	/* RFC 3848, RFC 6531 is known only at MAIL */
	const char *base = s->role == SMTP_LMTP ? "LMTP" : s->extended ? "ESMTP" : "SMTP";
	bool tls = conn_is_tls(s->conn), auth = s->auth.account != 0;
	snprintf(s->with, sizeof(s->with), "%s%s%s", base, s->extended && tls ? "S" : "",
		s->extended && auth ? "A" : "");
	snprintf(s->tls, sizeof(s->tls), "%.*s", FMT(conn_tls_info(s->conn)));
}

static void announce(struct smtp_session *s)
{
	const struct smtp_deps *d = &s->smtp->deps;
	struct buf *out = conn_out(s->conn);
	struct arena *a = run_step_arena(s->conn->task.run);
	struct auth_peer peer = smtp_auth_peer(s);
	struct buf mechs;
	buf_init(&mechs, 512, a);
	buf_fmt(out,
		"250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n",
		smtp_hostname(s), (unsigned long long)d->size_max);
	buf_str(out, "250-CHUNKING\r\n250-BINARYMIME\r\n250-DSN\r\n");
	if (d->has_tls && !conn_is_tls(s->conn))
		buf_str(out, "250-STARTTLS\r\n");
	if (s->role != SMTP_LMTP)
		auth_mechs(&peer, &mechs);
	if (mechs.len && !s->auth.account)
		buf_fmt(out, "250-AUTH %.*s\r\n", FMT(buf_slice(&mechs)));
	buf_fmt(out, "250-LIMITS RCPTMAX=%u\r\n250 ENHANCEDSTATUSCODES\r\n", d->rcpt_max);
}

void smtp_cmd_hello(struct smtp_session *s, struct slice args)
{
	if (!smtp_is_helo(args)) {
		struct fault why;
		enum rc rc = fault_set(&why, FAULT_SYNTAX,
			"say who you are: a domain name or an address in brackets");
		(void)rc;
		smtp_refuse(s, &why);
		return;
	}
	smtp_reset(s);
	snprintf(s->helo, sizeof(s->helo), "%.*s", FMT(args));
	s->greeted = true;
	s->extended = s->hello_verb != SMTP_HELO;
	name_protocol(s);
	s->source = (struct post_source){ .door = slice_str(smtp_role_name(s->role)),
		.with = slice_str(s->with),
		.peer = conn_peer(s->conn),
		.helo = slice_str(s->helo),
		.by = slice_str(smtp_hostname(s)),
		.tls = slice_str(s->tls),
		.account = s->auth.account,
		.may_relay = s->auth.account != 0,
		.reply_each = s->role == SMTP_LMTP,
		.complete = s->role == SMTP_SUBMISSION ? smtp_complete : NULL,
		.arg = s };
	if (s->extended)
		announce(s);
	else
		smtp_say(s, "250", smtp_hostname(s));
}
