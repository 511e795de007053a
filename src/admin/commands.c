/* commands.c: The table of commands, and how one is found. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"

static const struct {
	const char *word, *verb, *usage;
	size_t least, most; /* words after the verb */
	const char *options; /* names that it knows, each between blanks; JSON is everybody's */
	admin_command_fn *fn;
} commands[] = {
	{ "status", "", "status", 0, 0, "", admin_status },
	{ "metrics", "", "metrics", 0, 0, "", admin_metrics },
	{ "domain", "add", "domain add DOMAIN", 1, 1, "", admin_domain_add },
	{ "domain", "list", "domain list", 0, 0, "", admin_domain_list },
	{ "domain", "show", "domain show DOMAIN", 1, 1, "", admin_domain_show },
	{ "domain", "catch-all", "domain catch-all DOMAIN [ADDRESS]", 1, 2, "",
		admin_domain_catch_all },
	{ "domain", "delete", "domain delete DOMAIN", 1, 1, "", admin_domain_delete },
	{ "account", "add",
		"account add ADDRESS [--password-stdin] [--name=N] [--quota=SIZE] [--alias=A]... "
		"[--role=admin|user]",
		1, 1, " name quota alias role ", admin_account_add },
	{ "account", "list", "account list", 0, 0, "", admin_account_list },
	{ "account", "show", "account show ADDRESS", 1, 1, "", admin_account_show },
	{ "account", "set",
		"account set ADDRESS [--name=N] [--quota=SIZE] [--role=admin|user] "
		"[--enabled=yes|no]",
		1, 1, " name quota role enabled ", admin_account_set },
	{ "account", "passwd", "account passwd ADDRESS [--password-stdin]", 1, 1, "",
		admin_account_passwd },
	{ "account", "load", "account load < FILE (lines of ADDRESS:HASH)", 0, 0, " after-line ",
		admin_account_load },
	{ "account", "alias", "account alias ADDRESS ALIAS", 2, 2, "", admin_account_alias },
	{ "account", "unalias", "account unalias ADDRESS ALIAS", 2, 2, "", admin_account_unalias },
	{ "account", "delete", "account delete ADDRESS", 1, 1, "", admin_account_delete },
	{ "group", "add", "group add ADDRESS --member=A...", 1, 1, " member ", admin_group_add },
	{ "group", "list", "group list", 0, 0, "", admin_group_list },
	{ "group", "show", "group show ADDRESS", 1, 1, "", admin_group_show },
	{ "group", "join", "group join ADDRESS MEMBER", 2, 2, "", admin_group_join },
	{ "group", "leave", "group leave ADDRESS MEMBER", 2, 2, "", admin_group_leave },
	{ "group", "delete", "group delete ADDRESS", 1, 1, "", admin_group_delete },
	{ "list", "add", "list add ADDRESS --member=A...", 1, 1, " member ", admin_group_add },
	{ "list", "list", "list list", 0, 0, "", admin_group_list },
	{ "list", "show", "list show ADDRESS", 1, 1, "", admin_group_show },
	{ "list", "join", "list join ADDRESS MEMBER", 2, 2, "", admin_group_join },
	{ "list", "leave", "list leave ADDRESS MEMBER", 2, 2, "", admin_group_leave },
	{ "list", "delete", "list delete ADDRESS", 1, 1, "", admin_group_delete },
	{ "queue", "list", "queue list", 0, 0, "", admin_queue_list },
	{ "queue", "show", "queue show ID", 1, 1, "", admin_queue_show },
	{ "queue", "why", "queue why ID", 1, 1, "", admin_queue_show },
	{ "queue", "retry", "queue retry ID", 1, 1, "", admin_queue_retry },
	{ "queue", "cancel", "queue cancel ID", 1, 1, "", admin_queue_cancel },
	{ "queue", "pause", "queue pause ID", 1, 1, "", admin_queue_pause },
	{ "queue", "resume", "queue resume ID", 1, 1, "", admin_queue_resume },
	{ "lookup", "list", "lookup list [NAMESPACE] [--after=KEY] [--limit=N]", 0, 1,
		" after limit ", admin_lookup_list },
	{ "lookup", "add", "lookup add NAMESPACE KEY [VALUE]", 2, 3, "", admin_lookup_add },
	{ "lookup", "remove", "lookup remove NAMESPACE [KEY]", 1, 2, "", admin_lookup_remove },
	{ "lookup", "load",
		"lookup load NAMESPACE [--replace=yes] [--url=URL | < FILE] (lines of KEY [VALUE])",
		1, 1, " replace url after-line ", admin_lookup_load },
	{ "ban", "list", "ban list", 0, 0, "", admin_ban_list },
	{ "ban", "add", "ban add ADDRESS[/BITS] [--for=TIME] [--reason=TEXT]", 1, 1, " for reason ",
		admin_ban_add },
	{ "ban", "remove", "ban remove ADDRESS[/BITS]", 1, 1, "", admin_ban_remove },
	{ "config", "list", "config list", 0, 0, "", admin_config_list },
	{ "config", "get", "config get KEY", 1, 1, "", admin_config_get },
	{ "config", "reload", "config reload", 0, 0, "", admin_config_reload },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

size_t admin_usage(struct slice word, struct slice verb, struct buf *out)
{
	size_t n = 0;
	for (size_t i = 0; i < COMMANDS; i++) {
		if ((word.len && !slice_eq(word, slice_str(commands[i].word))) ||
			(verb.len && !slice_eq(verb, slice_str(commands[i].verb))))
			continue;
		buf_fmt(out, "    veredus %s\n", commands[i].usage);
		n++;
	}
	return n;
}

/* An option that a command does not know would be passed over in silence: it is wrong usage. */
static bool knows_options(const struct admin_call *c, const char *known)
{
	for (size_t i = 0; i < c->options_n; i++) {
		struct slice rest = c->options[i], name = slice_split(&rest, '=');
		char word[64];
		snprintf(word, sizeof(word), " %.*s ", FMT(slice_head(name, 60)));
		if (strstr(known, word))
			continue;
		buf_fmt(c->out, "veredus: there is no option --%.*s here\n",
			FMT(slice_head(name, 60)));
		return false;
	}
	return true;
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

/* A reason from rooms below may not name what it is about: then the last word of the command does. */
static enum rc named(const struct admin_call *c, enum rc rc, struct fault *why)
{
	struct slice text = slice_str(fault_text(why)), last = slice_head(c->words[c->n - 1], 100);
	for (size_t i = 2; i < c->n; i++)
		if (slice_search(text, c->words[i]) < text.len)
			return rc;
	struct fault of = *why;
	(void)fault_set(why, of.id, "%.*s: %s", FMT(last), fault_text(&of));
	return rc;
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
		if (c->n >= own + commands[i].least && c->n <= own + commands[i].most &&
			knows_options(c, commands[i].options))
			rc = commands[i].fn(c, why);
		if (rc != RC_OK && rc != RC_MORE && c->n > own && !c->is_told)
			return named(c, rc, why);
		if (rc == RC_MORE)
			buf_fmt(c->out, "usage: veredus %s\n", commands[i].usage);
		return rc;
	}
	buf_str(c->out, "veredus: no such command; see veredus --help\n");
	if (word.len)
		admin_usage(word, S(""), c->out);
	return RC_MORE;
}
