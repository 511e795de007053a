/* spf.h: May this host send for that domain? Sender Policy Framework (RFC 7208), pure over a memo of DNS answers. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRUST_SPF_H
#define TRUST_SPF_H

#include "dns/dns.h"

/* RFC 7208 2.6 */
enum spf_result {
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR,
	SPF_RESULTS
};

struct spf_ask {
	uint8_t ip[16]; /* of the client; 4 octets, or 16: ::ffff:a.b.c.d counts as IPv4 */
	size_t ip_len;
	struct slice helo;
	struct slice
		sender; /* MAIL FROM without brackets; empty: postmaster at helo (RFC 7208 2.4) */
	struct slice receiver; /* our own name, for %{r} */
	int64_t unix_now; /* for %{t} */
};

struct spf_answer {
	enum spf_result result;
	struct slice domain; /* whose record was read first */
	struct slice
		mechanism; /* the term that decided, as it stands in its record; empty: none did */
	struct slice
		explanation; /* of SPF_FAIL, from the domain (RFC 7208 6.2); empty: it has none */
	const char *problem; /* what was wrong, of the two errors and of SPF_NONE; else "" */
	unsigned lookups; /* terms that asked DNS (RFC 7208 4.6.4) */
};

/* RC_OK: `out` is written, and lives as long as `a` and the memo. RC_WAIT: asked for; run it again when the memo's task
 * wakes. RC_LIMIT: no memory. Foreign text decides nothing else. */
enum rc spf_check(const struct spf_ask *ask, struct dns_memo *known, struct arena *a,
	struct spf_answer *out, struct fault *why);

/* "pass", "softfail" ... (RFC 8601 2.7.2). */
const char *spf_result_name(enum spf_result result);

#endif
