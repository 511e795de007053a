/* commands.c: The table of IMAP's commands. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "imap/session.h"
#include "base/metric.h"

enum { ANY = IMAP_NEW | IMAP_AUTHED | IMAP_SELECTED, LATER = IMAP_AUTHED | IMAP_SELECTED };

static const struct imap_command commands[] = {
	{ "APPEND", imap_cmd_append, LATER, 0, "3501 6.3.11; 4315 3; 3502", METRIC_IMAP_APPEND_US },
	{ "AUTHENTICATE", imap_cmd_authenticate, IMAP_NEW, 0, "3501 6.2.2; 4959",
		METRIC_IMAP_AUTHENTICATE_US },
	{ "CAPABILITY", imap_cmd_capability, ANY, 0, "3501 6.1.1", METRIC_IMAP_CAPABILITY_US },
	{ "CHECK", imap_cmd_check, IMAP_SELECTED, 0, "3501 6.4.1", METRIC_IMAP_CHECK_US },
	{ "CLOSE", imap_cmd_close, IMAP_SELECTED, 0, "3501 6.4.2", METRIC_IMAP_CLOSE_US },
	{ "COPY", imap_cmd_copy, IMAP_SELECTED, IMAP_TAKES_UID, "3501 6.4.7; 4315 3",
		METRIC_IMAP_COPY_US },
	{ "CREATE", imap_cmd_create, LATER, 0, "3501 6.3.3; 6154 3", METRIC_IMAP_CREATE_US },
	{ "DELETE", imap_cmd_delete, LATER, 0, "3501 6.3.4", METRIC_IMAP_DELETE_US },
	{ "ENABLE", imap_cmd_enable, LATER, 0, "5161", METRIC_IMAP_ENABLE_US },
	{ "EXAMINE", imap_cmd_examine, LATER, 0, "3501 6.3.2", METRIC_IMAP_EXAMINE_US },
	{ "EXPUNGE", imap_cmd_expunge, IMAP_SELECTED, IMAP_TAKES_UID, "3501 6.4.3; 4315 2.1",
		METRIC_IMAP_EXPUNGE_US },
	{ "FETCH", imap_cmd_fetch, IMAP_SELECTED, IMAP_TAKES_UID | IMAP_NO_EXPUNGE,
		"3501 6.4.5; 7162 3.1.4", METRIC_IMAP_FETCH_US },
	{ "ID", imap_cmd_id, ANY, 0, "2971", METRIC_IMAP_ID_US },
	{ "IDLE", imap_cmd_idle, LATER, 0, "2177", METRIC_IMAP_IDLE_US },
	{ "LIST", imap_cmd_list, LATER, 0, "3501 6.3.8; 5258; 5819", METRIC_IMAP_LIST_US },
	{ "LOGIN", imap_cmd_login, IMAP_NEW, 0, "3501 6.2.3", METRIC_IMAP_LOGIN_US },
	{ "LOGOUT", imap_cmd_logout, ANY, 0, "3501 6.1.3", METRIC_IMAP_LOGOUT_US },
	{ "LSUB", imap_cmd_lsub, LATER, 0, "3501 6.3.9", METRIC_IMAP_LSUB_US },
	{ "MOVE", imap_cmd_move, IMAP_SELECTED, IMAP_TAKES_UID, "6851 3", METRIC_IMAP_MOVE_US },
	{ "NAMESPACE", imap_cmd_namespace, LATER, 0, "2342", METRIC_IMAP_NAMESPACE_US },
	{ "NOOP", imap_cmd_noop, ANY, 0, "3501 6.1.2", METRIC_IMAP_NOOP_US },
	{ "RENAME", imap_cmd_rename, LATER, 0, "3501 6.3.5", METRIC_IMAP_RENAME_US },
	{ "SEARCH", imap_cmd_search, IMAP_SELECTED, IMAP_TAKES_UID | IMAP_NO_EXPUNGE,
		"3501 6.4.4; 4731; 5182", METRIC_IMAP_SEARCH_US },
	{ "SELECT", imap_cmd_select, LATER, 0, "3501 6.3.1; 7162 3.1.8", METRIC_IMAP_SELECT_US },
	{ "STARTTLS", imap_cmd_starttls, IMAP_NEW, 0, "3501 6.2.1", METRIC_IMAP_STARTTLS_US },
	{ "STATUS", imap_cmd_status, LATER, 0, "3501 6.3.10; 8438", METRIC_IMAP_STATUS_US },
	{ "STORE", imap_cmd_store, IMAP_SELECTED, IMAP_TAKES_UID | IMAP_NO_EXPUNGE,
		"3501 6.4.6; 7162 3.1.3", METRIC_IMAP_STORE_US },
	{ "SUBSCRIBE", imap_cmd_subscribe, LATER, 0, "3501 6.3.6", METRIC_IMAP_SUBSCRIBE_US },
	{ "UNSELECT", imap_cmd_unselect, IMAP_SELECTED, 0, "3691", METRIC_IMAP_UNSELECT_US },
	{ "UNSUBSCRIBE", imap_cmd_unsubscribe, LATER, 0, "3501 6.3.7", METRIC_IMAP_UNSUBSCRIBE_US },
};

const struct imap_command *imap_command_find(struct slice word)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (slice_eq_nocase(word, slice_str(commands[i].word)))
			return &commands[i];
	return NULL;
}
