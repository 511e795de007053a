/* commands.h: The commands of the control socket, one function each. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADMIN_COMMANDS_H
#define ADMIN_COMMANDS_H

#include "admin/admin.h"
#include "admin/report.h"

/* RC_MORE: wrong usage; the table's line is printed. */
typedef enum rc admin_command_fn(struct admin_call *c, struct fault *why);
admin_command_fn admin_domain_add, admin_domain_list, admin_domain_show, admin_domain_delete;
admin_command_fn admin_account_add, admin_account_list, admin_account_show, admin_account_passwd,
	admin_account_delete, admin_account_alias, admin_account_load;
admin_command_fn admin_group_add, admin_status, admin_queue_list, admin_queue_show,
	admin_queue_retry, admin_queue_cancel, admin_queue_pause, admin_queue_resume,
	admin_config_list, admin_config_get, admin_config_reload, admin_metrics;

/* The value of --name=value or "--name value" (the client joins them); the n-th of them. RC_NONE: not given. */
enum rc admin_option(const struct admin_call *c, const char *name, size_t nth, struct slice *value);

#endif
