/* commands.h: The commands of the control socket, one function each. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADMIN_COMMANDS_H
#define ADMIN_COMMANDS_H

#include "admin/admin.h"
#include "admin/report.h"

/* RC_MORE: wrong usage; the table's line is printed. */
typedef enum rc admin_command_fn(struct admin_call *c, struct fault *why);
admin_command_fn admin_domain_add, admin_domain_list, admin_domain_show, admin_domain_delete,
	admin_domain_catch_all;
admin_command_fn admin_account_add, admin_account_list, admin_account_show, admin_account_passwd,
	admin_account_set, admin_account_delete, admin_account_alias, admin_account_unalias,
	admin_account_load;
admin_command_fn admin_group_add, admin_group_list, admin_group_show, admin_group_join,
	admin_group_leave, admin_group_delete;
admin_command_fn admin_status, admin_queue_list, admin_queue_show, admin_queue_retry,
	admin_queue_cancel, admin_queue_pause, admin_queue_resume, admin_config_list,
	admin_config_get, admin_config_reload, admin_metrics, admin_ban_list, admin_ban_add,
	admin_ban_remove, admin_lookup_list, admin_lookup_add, admin_lookup_remove,
	admin_lookup_load;

/* The value of --name=value or "--name value" (the client joins them); the n-th of them. RC_NONE: not given. */
enum rc admin_option(const struct admin_call *c, const char *name, size_t nth, struct slice *value);

/* cmd_dir.c: what is to become an address is one. SYNTAX. */
enum rc admin_address(const struct admin_call *c, struct slice text, struct fault *why);
/* The options "member", "alias" ... as an array. */
const struct slice *admin_options(struct admin_call *c, const char *name, size_t *n);
/* The account, group or list that words[2] names; what is of another kind is not found (NOT_FOUND says where it is). */
enum rc admin_find(
	struct admin_call *c, enum dir_kind kind, struct dir_principal *p, struct fault *why);

#endif
