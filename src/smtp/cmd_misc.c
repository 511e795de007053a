/* cmd_misc.c: RSET, NOOP, QUIT, VRFY, HELP, and what is none of ours. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/session.h"

void smtp_cmd_rset(struct smtp_session *s, struct slice args)
{
	if (args.len) {
		smtp_refuse_id(s, FAULT_SYNTAX);
		return;
	}
	smtp_reset(s);
	smtp_say(s, "250 2.0.0", "ok");
}

void smtp_cmd_noop(struct smtp_session *s, struct slice args)
{
	(void)args;
	smtp_say(s, "250 2.0.0", "ok");
}

void smtp_cmd_quit(struct smtp_session *s, struct slice args)
{
	(void)args;
	smtp_say(s, "221 2.0.0", "bye");
	s->closing = true;
}

/* RFC 5321 3.5.3: who lives here is nobody's business. */
void smtp_cmd_vrfy(struct smtp_session *s, struct slice args)
{
	if (args.len == 0)
		smtp_refuse_id(s, FAULT_SYNTAX);
	else
		smtp_say(s, "252 2.1.5", "send some mail, and see");
}

void smtp_cmd_help(struct smtp_session *s, struct slice args)
{
	(void)args;
	smtp_say(s, "214 2.0.0", "see RFC 5321; this is Veredus");
}

void smtp_cmd_unknown(struct smtp_session *s, struct slice args)
{
	(void)args;
	smtp_refuse_id(s, FAULT_UNKNOWN_COMMAND);
}
