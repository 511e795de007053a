/* cmd_ban.c: Addresses that may not connect: seen, made, taken back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"
#include "auth/ban.h"
#include "base/time.h"
#include "conf/conf.h"
#include "run/run.h"

static enum rc network(struct admin_call *c, struct net_cidr *out, struct fault *why)
{
	if (net_cidr_parse(c->words[2], out) != RC_OK)
		return fault_set(why, FAULT_SYNTAX,
			"\"%.*s\" is no address; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/64",
			FMT(c->words[2]));
	return RC_OK;
}

static void put_date(struct report *r, struct arena *a, const char *name, int64_t unix_s)
{
	struct buf b;
	buf_init(&b, 64, a);
	if (unix_s)
		time_iso(unix_s, &b);
	report_text(r, name, unix_s ? buf_slice(&b) : S("never"));
}

enum rc admin_ban_list(struct admin_call *c, struct fault *why)
{
	struct report r;
	struct ban *all;
	size_t n;
	TRY(bans_list(c->deps->bans, c->arena, &all, &n, why));
	report_begin(&r, c->out, c->json, true);
	for (size_t i = 0; i < n; i++) {
		struct buf address;
		buf_init(&address, 0, c->arena);
		bans_write(&all[i].net, &address);
		report_row(&r);
		report_text(&r, "address", buf_slice(&address));
		put_date(&r, c->arena, "since", all[i].since);
		put_date(&r, c->arena, "until", all[i].until);
		report_text(&r, "by", all[i].by);
		report_text(&r, "reason", all[i].reason);
	}
	report_end(&r);
	return RC_OK;
}

enum rc admin_ban_add(struct admin_call *c, struct fault *why)
{
	struct ban ban = { .since = run_unix(c->deps->run), .by = S("administrator") };
	struct slice text;
	uint64_t ms = 0;
	TRY(network(c, &ban.net, why));
	if (admin_option(c, "for", 0, &text) == RC_OK) {
		if (conf_duration(text, &ms) != RC_OK || ms == 0)
			return fault_set(why, FAULT_SYNTAX,
				"\"%.*s\" is no duration; write 30m, 12h or 7d", FMT(text));
		ban.until = ban.since + (int64_t)((ms + 999) / 1000);
	}
	if (admin_option(c, "reason", 0, &text) == RC_OK)
		ban.reason = text;
	return bans_add(c->deps->bans, &ban, why);
}

enum rc admin_ban_remove(struct admin_call *c, struct fault *why)
{
	struct net_cidr net;
	TRY(network(c, &net, why));
	return bans_remove(c->deps->bans, &net, why);
}
