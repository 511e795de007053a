/* commands.c: The table of commands, and how one is found. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"

static const struct {
	const char *word, *verb, *usage;
	size_t least, most; /* words after the verb */
	admin_command_fn *fn;
} commands[] = {
	{ "status", "", "status", 0, 0, admin_status },
	{ "metrics", "", "metrics", 0, 0, admin_metrics },
	{ "domain", "add", "domain add DOMAIN", 1, 1, admin_domain_add },
	{ "domain", "list", "domain list", 0, 0, admin_domain_list },
	{ "domain", "show", "domain show DOMAIN", 1, 1, admin_domain_show },
	{ "domain", "delete", "domain delete DOMAIN", 1, 1, admin_domain_delete },
	{ "account", "add",
		"account add ADDRESS [--password-stdin] [--name=N] [--quota=BYTES] [--alias=A]... "
		"[--role=admin|user]",
		1, 1, admin_account_add },
	{ "account", "list", "account list", 0, 0, admin_account_list },
	{ "account", "show", "account show ADDRESS", 1, 1, admin_account_show },
	{ "account", "passwd", "account passwd ADDRESS [--password-stdin]", 1, 1,
		admin_account_passwd },
	{ "account", "load", "account load < FILE (lines of ADDRESS:HASH)", 0, 0,
		admin_account_load },
	{ "account", "alias", "account alias ADDRESS ALIAS", 2, 2, admin_account_alias },
	{ "account", "delete", "account delete ADDRESS", 1, 1, admin_account_delete },
	{ "group", "add", "group add ADDRESS --member=A...", 1, 1, admin_group_add },
	{ "list", "add", "list add ADDRESS --member=A...", 1, 1, admin_group_add },
	{ "queue", "list", "queue list", 0, 0, admin_queue_list },
	{ "queue", "show", "queue show ID", 1, 1, admin_queue_show },
	{ "queue", "why", "queue why ID", 1, 1, admin_queue_show },
	{ "queue", "retry", "queue retry ID", 1, 1, admin_queue_retry },
	{ "queue", "cancel", "queue cancel ID", 1, 1, admin_queue_cancel },
	{ "queue", "pause", "queue pause ID", 1, 1, admin_queue_pause },
	{ "queue", "resume", "queue resume ID", 1, 1, admin_queue_resume },
	{ "config", "list", "config list", 0, 0, admin_config_list },
	{ "config", "get", "config get KEY", 1, 1, admin_config_get },
	{ "config", "reload", "config reload", 0, 0, admin_config_reload },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

void admin_usage(struct buf *out)
{
	for (size_t i = 0; i < COMMANDS; i++)
		buf_fmt(out, "    veredus %s\n", commands[i].usage);
}

enum rc admin_option(const struct admin_call *c, const char *name, size_t nth, struct slice *value)
{
	for (size_t i = 0; i < c->options_n; i++) {
		struct slice rest = c->options[i];
		struct slice word = slice_split(&rest, '=');
		if (slice_eq(word, slice_str(name)) && nth-- == 0) {
			*value = rest;
			return RC_OK;
		}
	}
	return RC_NONE;
}

enum rc admin_run(struct admin_call *c, struct fault *why)
{
	struct slice word = c->n ? c->words[0] : S("");
	for (size_t i = 0; i < COMMANDS; i++) {
		size_t own = commands[i].verb[0] ? 2 : 1;
		if (!slice_eq(word, slice_str(commands[i].word)))
			continue;
		if (own == 2 && (c->n < 2 || !slice_eq(c->words[1], slice_str(commands[i].verb))))
			continue;
		enum rc rc = RC_MORE;
		if (c->n >= own + commands[i].least && c->n <= own + commands[i].most)
			rc = commands[i].fn(c, why);
		if (rc == RC_MORE)
			buf_fmt(c->out, "usage: veredus %s\n", commands[i].usage);
		return rc;
	}
	buf_str(c->out, "veredus: no such command; see veredus --help\n");
	return RC_MORE;
}
