/* commands.c: The table of POP3's commands. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pop3/session.h"

enum { ANY = POP3_AUTHORIZATION | POP3_TRANSACTION };

static const struct pop3_command commands[] = {
	{ POP3_AUTH, pop3_cmd_auth, POP3_AUTHORIZATION, "5034 4", METRIC_POP3_AUTH_US },
	{ POP3_CAPA, pop3_cmd_capa, ANY, "2449 5", METRIC_POP3_CAPA_US },
	{ POP3_DELE, pop3_cmd_dele, POP3_TRANSACTION, "1939 5", METRIC_POP3_DELE_US },
	{ POP3_LANG, pop3_cmd_lang, ANY, "6856 3", METRIC_POP3_LANG_US },
	{ POP3_LIST, pop3_cmd_list, POP3_TRANSACTION, "1939 5", METRIC_POP3_LIST_US },
	{ POP3_NOOP, pop3_cmd_noop, POP3_TRANSACTION, "1939 5", METRIC_POP3_NOOP_US },
	{ POP3_PASS, pop3_cmd_pass, POP3_AUTHORIZATION, "1939 7", METRIC_POP3_PASS_US },
	{ POP3_QUIT, pop3_cmd_quit, ANY, "1939 4, 6", METRIC_POP3_QUIT_US },
	{ POP3_RETR, pop3_cmd_retr, POP3_TRANSACTION, "1939 5", METRIC_POP3_RETR_US },
	{ POP3_RSET, pop3_cmd_rset, POP3_TRANSACTION, "1939 5", METRIC_POP3_RSET_US },
	{ POP3_STAT, pop3_cmd_stat, POP3_TRANSACTION, "1939 5", METRIC_POP3_STAT_US },
	{ POP3_STLS, pop3_cmd_stls, POP3_AUTHORIZATION, "2595 4", METRIC_POP3_STLS_US },
	{ POP3_TOP, pop3_cmd_top, POP3_TRANSACTION, "1939 7", METRIC_POP3_TOP_US },
	{ POP3_UIDL, pop3_cmd_uidl, POP3_TRANSACTION, "1939 7", METRIC_POP3_UIDL_US },
	{ POP3_USER, pop3_cmd_user, POP3_AUTHORIZATION, "1939 7", METRIC_POP3_USER_US },
	{ POP3_UTF8, pop3_cmd_utf8, POP3_AUTHORIZATION, "6856 2", METRIC_POP3_UTF8_US },
};

const struct pop3_command *pop3_command_find(enum pop3_verb verb)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].verb == verb)
			return &commands[i];
	return NULL;
}
