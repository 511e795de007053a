/* commands.c: Which commands each role knows, in one table. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/session.h"

enum {
	MX = 1 << SMTP_MX,
	SUB = 1 << SMTP_SUBMISSION,
	LMTP = 1 << SMTP_LMTP,
	ALL = MX | SUB | LMTP
};

static const struct {
	unsigned roles;
	struct smtp_command command;
} commands[] = {
	{ MX | SUB, { SMTP_HELO, smtp_cmd_hello, false, "5321 4.1.1.1", METRIC_SMTP_HELO_US } },
	{ MX | SUB, { SMTP_EHLO, smtp_cmd_hello, false, "5321 4.1.1.1", METRIC_SMTP_EHLO_US } },
	{ LMTP, { SMTP_LHLO, smtp_cmd_hello, false, "2033 4.1", METRIC_SMTP_LHLO_US } },
	{ ALL, { SMTP_MAIL, smtp_cmd_mail, true, "5321 4.1.1.2", METRIC_SMTP_MAIL_US } },
	{ ALL, { SMTP_RCPT, smtp_cmd_rcpt, true, "5321 4.1.1.3", METRIC_SMTP_RCPT_US } },
	{ ALL, { SMTP_DATA, smtp_cmd_data, true, "5321 4.1.1.4", METRIC_SMTP_DATA_US } },
	{ ALL, { SMTP_BDAT, smtp_cmd_bdat, true, "3030 2", METRIC_SMTP_BDAT_US } },
	{ ALL, { SMTP_RSET, smtp_cmd_rset, false, "5321 4.1.1.5", METRIC_SMTP_RSET_US } },
	{ ALL, { SMTP_NOOP, smtp_cmd_noop, false, "5321 4.1.1.9", METRIC_SMTP_NOOP_US } },
	{ ALL, { SMTP_QUIT, smtp_cmd_quit, false, "5321 4.1.1.10", METRIC_SMTP_QUIT_US } },
	{ ALL, { SMTP_VRFY, smtp_cmd_vrfy, false, "5321 4.1.1.6", METRIC_SMTP_VRFY_US } },
	{ ALL, { SMTP_HELP, smtp_cmd_help, false, "5321 4.1.1.8", METRIC_SMTP_HELP_US } },
	{ ALL, { SMTP_STARTTLS, smtp_cmd_starttls, true, "3207 4", METRIC_SMTP_STARTTLS_US } },
	{ MX | SUB, { SMTP_AUTH, smtp_cmd_auth, true, "4954 4", METRIC_SMTP_AUTH_US } },
};

const struct smtp_command *smtp_command_find(enum smtp_role role, enum smtp_verb verb)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].command.verb == verb && commands[i].roles & 1u << role)
			return &commands[i].command;
	return NULL;
}
