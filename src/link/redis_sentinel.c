/* redis_sentinel.c: Asking a Sentinel who is the master. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "link/redis_int.h"
#include "run/run.h"

static enum rc read_master(struct redis *r, const struct resp *reply, struct address *out)
{
	uint64_t port;
	if (reply->type != RESP_ARRAY || reply->n != 2)
		return RC_BAD;
	struct slice host = reply->items[0].text;
	TRY(slice_u64(reply->items[1].text, 65535, &port));
	if (host.len == 0 || host.len >= sizeof(out->host))
		return RC_BAD;
	*out = (struct address){ .port = (unsigned)port };
	snprintf(out->host, sizeof(out->host), "%.*s", FMT(host));
	snprintf(out->user, sizeof(out->user), "%s", r->conf.user);
	snprintf(out->secret, sizeof(out->secret), "%s", r->conf.secret);
	return RC_OK;
}

enum rc redis_sentinel_master(
	struct redis *r, const struct address *sentinel, struct address *out, struct fault *why)
{
	struct arena a;
	const struct slice words[] = { S("SENTINEL"), S("GET-MASTER-ADDR-BY-NAME"),
		slice_str(r->conf.master) };
	const struct redis_command question = { .words = words, .n = 3 };
	arena_init(&a, 0);
	struct redis_try t = { .command = &question, .deadline_ms = UINT64_MAX, .a = &a };
	enum rc rc = redis_ask(r, sentinel, &t, why);
	if (rc == RC_OK && read_master(r, &t.reply, out) != RC_OK)
		rc = fault_set(why, FAULT_STORE, "the Sentinel %s:%u knows no master \"%s\"",
			sentinel->host, sentinel->port, r->conf.master);
	arena_done(&a);
	return rc;
}
