/* cmd_mail.c: MAIL and RCPT: the envelope. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "run/memory.h"
#include "smtp/session.h"

/* Extensions that wire/ reads and EHLO does not offer: their promise could not be kept. */
static enum rc is_offered(const struct smtp_mail *m, struct fault *why)
{
	const char *name = m->require_tls               ? "REQUIRETLS"
			   : m->hold_s || m->hold_until ? "HOLDFOR and HOLDUNTIL"
			   : m->by_mode                 ? "BY"
			   : m->priority                ? "MT-PRIORITY"
							: NULL;
	return name ? fault_set(why, FAULT_PARAM_UNKNOWN, "%s is not offered here", name) : RC_OK;
}

static enum rc check_sender(struct smtp_session *s, const struct smtp_mail *m, struct fault *why)
{
	if (s->mail)
		return fault_set(
			why, FAULT_BAD_SEQUENCE, "the sender is known already; RSET begins anew");
	if (run_memory_refuse())
		return fault_set(why, FAULT_MEMORY, "%s", "");
	if (s->role == SMTP_SUBMISSION && !s->auth.account)
		return fault_set(why, FAULT_AUTH_REQUIRED, "%s", "");
	if (s->smtp->deps.size_max && m->size > s->smtp->deps.size_max)
		return fault_set(why, FAULT_MESSAGE_TOO_BIG, "%s", "");
	if (m->from.is_utf8 && !m->is_utf8)
		return fault_set(
			why, FAULT_SYNTAX, "an address with such characters needs SMTPUTF8");
	if (s->auth.account && !m->from.is_null)
		return dir_may_send_as(s->smtp->deps.dir, s->auth.account, m->from.address, why);
	return RC_OK;
}

void smtp_cmd_mail(struct smtp_session *s, struct slice args)
{
	struct smtp_mail m = { 0 };
	struct fault why = { 0 };
	enum rc rc = smtp_mail_parse(args, run_step_arena(s->conn->task.run), &m, &why);
	if (rc == RC_OK)
		rc = is_offered(&m, &why);
	if (rc == RC_OK)
		rc = check_sender(s, &m, &why);
	if (rc != RC_OK) {
		smtp_refuse(s, &why);
		return;
	}
	struct post_envelope env = { .sender = m.from.address,
		.envid = m.envid,
		.ret_headers = m.ret == SMTP_RET_HDRS,
		.ret_full = m.ret == SMTP_RET_FULL,
		.smtputf8 = m.is_utf8,
		.body_8bit = m.body == SMTP_BODY_8BITMIME,
		.body_binary = m.body == SMTP_BODY_BINARYMIME };
	s->mail = post_begin(s->smtp->deps.post, &s->source, &env);
	smtp_say(s, "250 2.1.0", "ok");
}

void smtp_cmd_rcpt(struct smtp_session *s, struct slice args)
{
	struct arena *a = run_step_arena(s->conn->task.run);
	struct smtp_rcpt r = { 0 };
	struct fault why = { 0 };
	enum rc rc = RC_OK;
	if (!s->mail)
		rc = fault_set(&why, FAULT_BAD_SEQUENCE, "MAIL comes first");
	if (rc == RC_OK)
		rc = smtp_rcpt_parse(args, a, &r, &why);
	if (rc == RC_OK) {
		struct slice orcpt = S("");
		if (r.orcpt.len)
			orcpt = arena_fmt(a, "%.*s;%.*s", FMT(r.orcpt_type), FMT(r.orcpt));
		rc = post_rcpt_add(s->mail, r.to.address, orcpt, r.notify, &why);
	}
	if (rc == RC_OK)
		smtp_say(s, "250 2.1.5", "ok");
	else
		smtp_refuse(s, &why);
}
