/* ban.h: Addresses that may not connect: made by hand, or by too many failed log-ins. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_BAN_H
#define AUTH_BAN_H

#include "base/buf.h"
#include "base/fault.h"
#include "lookup/lookup.h"
#include "net/net.h"

/* [ban 1] Bans stand in the data store, with reason and expiry, and are asked in memory: a connection costs no store call.
 * [ban 2] Loopback and what is spared (trusted proxies, the allow-list) are never banned, by nobody.
 * [ban 3] Failed log-ins of an address are counted in the lookup store; IPv6 by /64, for a client has as many as it likes. A
 *         store that does not answer bans nobody.
 * Any thread. */
struct bans;
struct data;

/* What may change while it runs. */
struct ban_terms {
	struct lookup_window window; /* more failures than `most` in it: a ban; most 0: none */
	uint64_t ban_ms; /* for so long; 0: until it is removed */
	const struct net_cidr *
		spared; /* never banned besides loopback; an older ban on such stays, without effect */
	size_t spared_n;
};
struct ban_deps {
	struct data *data;
	struct lookup *lookup; /* NULL: failures are not counted */
	struct ban_terms terms;
};
/* Reads those of the store; what has expired is removed there. What the terms point to is copied. */
enum rc bans_open(const struct ban_deps *deps, struct bans **out, struct fault *why);
void bans_close(struct bans **bans);
/* Other terms, felt at once. */
void bans_change(struct bans *bans, const struct ban_terms *terms);

/* Is it banned now? An address as in struct net_cidr. */
bool bans_has(struct bans *bans, const uint8_t at[16]);

struct ban {
	struct net_cidr net;
	int64_t since, until; /* unix seconds, the last one included; until 0: for ever */
	struct slice reason, by;
};
/* Durable when it returns; one for the same network is replaced. FORBIDDEN: [ban 2], LIMIT: too many. */
enum rc bans_add(struct bans *bans, const struct ban *ban, struct fault *why);
/* NOT_FOUND: there is none for exactly this network. Its count of failures begins anew. */
enum rc bans_remove(struct bans *bans, const struct net_cidr *net, struct fault *why);
/* In the order of their networks; reason and by live in `a`. Faults: MEMORY. */
enum rc bans_list(
	struct bans *bans, struct arena *a, struct ban **out, size_t *n, struct fault *why);

/* One failed log-in from there (an address as text). True: it is banned now. */
bool bans_failed(struct bans *bans, struct slice address);

/* "192.0.2.0/24", "2001:db8::1": the reverse of net_cidr_parse. */
void bans_write(const struct net_cidr *net, struct buf *out);

#endif
