/* commands.c: The table of IMAP's commands. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"

enum { ANY = IMAP_NEW | IMAP_AUTHED | IMAP_SELECTED, LATER = IMAP_AUTHED | IMAP_SELECTED };

static const struct imap_command commands[] = {
	{ "APPEND", imap_cmd_append, LATER, 0, "3501 6.3.11; 4315 3; 3502" },
	{ "AUTHENTICATE", imap_cmd_authenticate, IMAP_NEW, 0, "3501 6.2.2; 4959" },
	{ "CAPABILITY", imap_cmd_capability, ANY, 0, "3501 6.1.1" },
	{ "CHECK", imap_cmd_check, IMAP_SELECTED, 0, "3501 6.4.1" },
	{ "CLOSE", imap_cmd_close, IMAP_SELECTED, 0, "3501 6.4.2" },
	{ "COPY", imap_cmd_copy, IMAP_SELECTED, IMAP_TAKES_UID, "3501 6.4.7; 4315 3" },
	{ "CREATE", imap_cmd_create, LATER, 0, "3501 6.3.3; 6154 3" },
	{ "DELETE", imap_cmd_delete, LATER, 0, "3501 6.3.4" },
	{ "ENABLE", imap_cmd_enable, LATER, 0, "5161" },
	{ "EXAMINE", imap_cmd_examine, LATER, 0, "3501 6.3.2" },
	{ "EXPUNGE", imap_cmd_expunge, IMAP_SELECTED, IMAP_TAKES_UID, "3501 6.4.3; 4315 2.1" },
	{ "FETCH", imap_cmd_fetch, IMAP_SELECTED, IMAP_TAKES_UID | IMAP_NO_EXPUNGE,
		"3501 6.4.5; 7162 3.1.4" },
	{ "ID", imap_cmd_id, ANY, 0, "2971" },
	{ "IDLE", imap_cmd_idle, LATER, 0, "2177" },
	{ "LIST", imap_cmd_list, LATER, 0, "3501 6.3.8; 5258; 5819" },
	{ "LOGIN", imap_cmd_login, IMAP_NEW, 0, "3501 6.2.3" },
	{ "LOGOUT", imap_cmd_logout, ANY, 0, "3501 6.1.3" },
	{ "LSUB", imap_cmd_lsub, LATER, 0, "3501 6.3.9" },
	{ "MOVE", imap_cmd_move, IMAP_SELECTED, IMAP_TAKES_UID, "6851 3" },
	{ "NAMESPACE", imap_cmd_namespace, LATER, 0, "2342" },
	{ "NOOP", imap_cmd_noop, ANY, 0, "3501 6.1.2" },
	{ "RENAME", imap_cmd_rename, LATER, 0, "3501 6.3.5" },
	{ "SEARCH", imap_cmd_search, IMAP_SELECTED, IMAP_TAKES_UID | IMAP_NO_EXPUNGE,
		"3501 6.4.4; 4731; 5182" },
	{ "SELECT", imap_cmd_select, LATER, 0, "3501 6.3.1; 7162 3.1.8" },
	{ "STARTTLS", imap_cmd_starttls, IMAP_NEW, 0, "3501 6.2.1" },
	{ "STATUS", imap_cmd_status, LATER, 0, "3501 6.3.10; 8438" },
	{ "STORE", imap_cmd_store, IMAP_SELECTED, IMAP_TAKES_UID | IMAP_NO_EXPUNGE,
		"3501 6.4.6; 7162 3.1.3" },
	{ "SUBSCRIBE", imap_cmd_subscribe, LATER, 0, "3501 6.3.6" },
	{ "UNSELECT", imap_cmd_unselect, IMAP_SELECTED, 0, "3691" },
	{ "UNSUBSCRIBE", imap_cmd_unsubscribe, LATER, 0, "3501 6.3.7" },
};

const struct imap_command *imap_command_find(struct slice word)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (slice_eq_nocase(word, slice_str(commands[i].word)))
			return &commands[i];
	return NULL;
}
