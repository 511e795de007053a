/* rate.c: Counting log-ins of an address at a listener. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/rate.h"
#include "base/event.h"
#include "base/metric.h"

static const uint64_t period_most_ms = UINT64_C(400) * 86400000;

enum rc rate_try(struct lookup *lookup, const struct auth_peer *peer, struct fault *why)
{
	struct lookup_window w = { LOOKUP_LEAKY, peer->logins_max, peer->logins_ms };
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct net_cidr at;
	struct lookup_count count;
	if (!lookup || !w.most || net_cidr_parse(peer->address, &at) != RC_OK)
		return RC_OK;
	if (w.period_ms > period_most_ms)
		w.period_ms = period_most_ms;
	size_t len = memcmp(at.at, mapped, sizeof(mapped)) == 0 ? 16 : 8;
	const struct lookup_key key = { .prefix = LOOKUP_AUTH,
		.group = slice_head(peer->listener, LOOKUP_GROUP_MAX),
		.name = slice_of(at.at, len) };
	if (lookup_add(lookup, &key, &(struct lookup_add){ w, 1 }, &count, NULL) != RC_OK ||
		!count.is_over)
		return RC_OK;
	metric_add(METRIC_AUTH_LIMITED, 1);
	event_log(EVENT_AUTH_LIMITED, f_slice("listener", peer->listener),
		f_slice("peer", peer->address), f_u64("wait_ms", count.wait_ms));
	return fault_set(why, FAULT_AUTH_RATE,
		"too many log-ins from this address; try again in %llu s",
		(unsigned long long)(count.wait_ms / 1000 + 1));
}
